// Package continuity goes on by e-mail where a person left a chat before they read the answer:
// one mail with what they have not read, to which they answer in the same conversation.
//
// It follows the timeline and asks the writer, as everybody does. It knows no channel: an
// account's setting "continue" names the account by which mails go out, and accounts are what
// [Deps] says of them. [Decide] is pure and decides; the rest reads, remembers and asks.
//
// What is to be looked at, and when, is kept in a collection of its own and found by whichever
// node comes first: a timer of the hub publishes on a topic, and there is nothing to publish
// before somebody looked. A mail is written down before it is asked for, under an id that
// derives from it: whatever stops in between, the same mail is asked for again and recorded once.
package continuity
