package bus

import "github.com/parley-hub/parley/timeline"

// Inbound is what adapters read, keyed by account and remote thread.
var Inbound = Topic[timeline.Inbound]{Name: "inbound", Durable: true,
	Key: func(v timeline.Inbound) string { return v.Event.Thread.Key() }}

// Journal is what is asked of a conversation, keyed by conversation.
var Journal = Topic[timeline.Command]{Name: "journal", Durable: true,
	Key:   func(v timeline.Command) string { return string(v.Conversation) },
	Depth: func(v timeline.Command) int { return v.Event.Depth }}

// Timeline is what happened, keyed by conversation. Only append writes it.
var Timeline = Topic[timeline.Entry]{Name: "timeline",
	Key: func(v timeline.Entry) string { return string(v.Event.Conversation) }}

// Outbound is what is to be delivered. The account picks the partition, so that one node
// keeps its rate; the worker's lane is the thread, so that a slow one holds up no other.
var Outbound = Topic[timeline.Outbound]{Name: "outbound",
	Key: func(v timeline.Outbound) string { return string(v.Thread.Account) }}

// All is every topic of the hub; a bus creates them when it opens.
var All = []Stream{Inbound, Journal, Timeline, Outbound}
