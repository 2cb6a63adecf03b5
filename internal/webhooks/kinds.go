package webhooks

import (
	"slices"

	"github.com/parley-hub/parley/timeline"
)

// Kind is a sort of event that an endpoint may want, as payloads name it.
type Kind struct {
	Name string
	Help string
}

// Kinds lists every kind, in the order people read them.
var Kinds = []Kind{
	{"message.in", "The person wrote."},
	{"message.out", "One of us wrote, or a program of ours did."},
	{"message.edited", "A message was changed."},
	{"message.unsent", "A message was taken back; its content is gone."},
	{"message.media", "What a message carries was fetched, or could not be."},
	{"message.moderated", "A public message was hidden, shown again or deleted."},
	{"reaction", "Somebody reacted to a message, or no longer does."},
	{"receipt", "What became of a message: sent, delivered, read, failed."},
	{"note", "A colleague wrote a note."},
	{"postback", "The person pressed a button."},
	{"referral", "Where the person came from."},
	{"status", "Opened, snoozed or resolved."},
	{"assignment", "Given to an agent or a team, or to nobody."},
	{"labels", "Labels or priority changed."},
	{"subject", "The conversation got another subject."},
	{"person.merged", "Two persons became one."},
	{"person.unmerged", "A merge was undone."},
	{"person.erased", "All that was known of the person is gone: erase what you hold of the conversation."},
	{"control", "A fact about a thread, such as an opt-out."},
	{"unknown", "Something the hub has no name for yet."},
}

// KindTest is the kind of a delivery that an administrator asked for to try an endpoint.
const KindTest = "test"

// controlErased is the name of the control event that says that the person was erased.
const controlErased = "erased"

// known reports whether a kind may be asked for.
func known(name string) bool {
	return slices.ContainsFunc(Kinds, func(k Kind) bool { return k.Name == name })
}

// named is the kind of events that are what their timeline kind says.
var named = map[timeline.Kind]string{
	timeline.KindEdit: "message.edited", timeline.KindUnsend: "message.unsent", timeline.KindMedia: "message.media",
	timeline.KindModeration: "message.moderated", timeline.KindNote: "note", timeline.KindReaction: "reaction",
	timeline.KindReceipt: "receipt", timeline.KindPostback: "postback", timeline.KindReferral: "referral",
	timeline.KindStatus: "status", timeline.KindAssignment: "assignment", timeline.KindLabels: "labels",
	timeline.KindSubject: "subject", timeline.KindMerge: "person.merged", timeline.KindControl: "control",
}

// KindOf names an event. What it does not know is "unknown".
func KindOf(ev *timeline.Event) string {
	switch {
	case ev.Kind == timeline.KindMessage && ev.Direction == timeline.In:
		return "message.in"
	case ev.Kind == timeline.KindMessage:
		return "message.out"
	case ev.Merge != nil && ev.Merge.Undone:
		return "person.unmerged"
	case erasure(ev):
		return "person.erased"
	}
	if name, ok := named[ev.Kind]; ok {
		return name
	}
	return "unknown"
}

// erasure reports whether an event says that content recorded before it is gone, of the whole
// conversation or of one message.
func erasure(ev *timeline.Event) bool {
	return ev.Kind == timeline.KindControl && ev.Control != nil && ev.Control.Name == controlErased
}

// takesBack reports whether content that was recorded earlier is gone after an event.
func takesBack(ev *timeline.Event) bool {
	m := ev.Moderation
	return erasure(ev) || ev.Kind == timeline.KindUnsend ||
		m != nil && m.Action == timeline.ModerateDelete && m.State == timeline.ModerationDone
}
