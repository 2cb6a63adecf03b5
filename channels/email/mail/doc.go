// Package mail turns the bytes of an e-mail into something a person can read and a program can
// decide on: addresses, text, files, and whether it is a reply by a machine or a bounce. It does
// no I/O and reads no clock, so the same bytes give the same Mail years later. (The database of time
// zones is looked up for calendar invitations, and VerifyDKIM asks what it is given and the time.)
//
// Nothing a sender can write is an error. A damaged mail gives what could be read, and Problems
// says what was wrong; the caller keeps the raw bytes. Every string is valid UTF-8 without NUL.
// All functions are safe for concurrent use; a Mail is not changed after Parse returned it, and
// its attachments may share memory with the raw bytes.
//
// The MIME tree (RFC 2045–2047, 2231, 5322) is cut as slices of the raw bytes in one pass per level.
// A general parser that copies part by part gives up on a mail at the first bad line, which is
// where support mail begins to be interesting.
package mail
