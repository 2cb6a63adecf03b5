// Package quote parts what a person wrote in a mail from what their mail program put below it: the
// quoted original, its header in any of some thirty languages, and the signature.
//
// Both forms of a mail, plain text and HTML, become a list of lines, and one set of rules works on
// those. A line is recognised by what it is (a ">" mark, a block of From/Sent/To/Subject, "On …
// wrote:", a separator, a mobile signature); where it stands then decides. Only what is above or
// below everything the person wrote is folded: an answer between quotes keeps its quotes, a
// forwarded mail keeps what was forwarded, and a mail that would show nothing shows everything.
//
// Nothing is dropped. Every line of the input that is not blank is in exactly one part.
//
// The package is pure: no I/O, no clock. All functions may be called from many goroutines.
package quote
