// Package views says which conversations a list shows, in which order, and how many there are.
//
// A [Filter] is data: it is kept, checked by [Filter.Check], turned into a query that an index
// serves by [Compile], and evaluated on one conversation by [Filter.Match]. The last two agree:
// the query narrows, and what it gives is matched once more, so that Match alone decides.
//
// A [Counter] keeps the numbers beside the built-in views. It holds, in memory, what each
// conversation last counted for, and takes the difference when the conversation changes: a
// repeat changes nothing, a crash loses nothing, because a start counts from the store. Every
// node keeps its own from the same timeline.
package views
