// Package inbox knows what conversations and messages are and how they change. It is pure:
// no I/O, no clock, no randomness; the journal around it reads, writes and publishes.
//
// Two folds make the state. [Apply] takes a numbered event into a conversation, in the order
// of seq, by the one writer. [Fold] takes an edit, an unsend, a reaction or a receipt into the
// message it refers to, in any order and any number of times: the result is the same.
//
// [Decide] says what a command comes to: the events it causes, or a [Refusal].
//
// No function writes through a pointer, slice or map that a value it was given shares with
// others: what changes is copied first. A shallow copy of a conversation or an event taken
// before a call is therefore a snapshot.
package inbox
