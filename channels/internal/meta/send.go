package meta

import (
	"cmp"
	"context"
	"maps"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// DataComment is the comment that a step is about.
const DataComment = "comment"

// Sender speaks the Send API of the Messenger Platform for one account.
type Sender struct {
	Client Client
	Node   string // the Page or the account that sends
	Type   string // messaging_type of an answer; empty: none is said
	Files  channels.Files
	Media  map[string]channels.MediaLimit
	Beside map[string]any // what goes beside an attachment's address
}

// Recipient is who a message goes to: a person, or whoever wrote a comment.
type Recipient struct {
	ID      string `json:"id,omitempty"`
	Comment string `json:"comment_id,omitempty"`
}

// outgoing is the body of a send.
type outgoing struct {
	Recipient Recipient      `json:"recipient"`
	Message   map[string]any `json:"message,omitempty"`
	Type      string         `json:"messaging_type,omitempty"`
	Tag       string         `json:"tag,omitempty"`
	Action    string         `json:"sender_action,omitempty"`
	Payload   any            `json:"payload,omitempty"`
}

func (s Sender) post(ctx context.Context, out outgoing, into any) error {
	return s.Client.Post(ctx, s.Node+"/messages", nil, out, into)
}

// Send sends one text or one part. A tag lets a person, never a machine, answer late.
func (s Sender) Send(ctx context.Context, st channels.Step, to Recipient) channels.Result {
	out := outgoing{Recipient: to, Type: s.Type}
	switch {
	case st.Tag != "" && st.Outbound.Actor.Kind != timeline.ActorAgent:
		return No(Refused(channels.WindowClosed, "Only a person may answer after 24 hours."))
	case st.Tag != "":
		out.Type, out.Tag = "MESSAGE_TAG", st.Tag
	}
	for again := false; ; again = true {
		var bad *channels.Failure
		if out.Message, bad = s.content(ctx, st); bad != nil {
			return No(bad)
		}
		var got struct {
			Message string `json:"message_id"`
		}
		err := s.post(ctx, out, &got)
		if Is(err, 100, SubFetch) && len(st.Parts) > 0 && !again {
			continue // it said that it could not fetch the file: once more, with a fresh link
		}
		r := Outcome(got.Message, err)
		if r.Failure != nil && r.Failure.Class == channels.NotOwner {
			r.Failure.Advice = s.claim(ctx, string(st.Outbound.To))
		}
		return r
	}
}

// Private sends the one private answer to a comment. That a comment has had its answer can
// mean that ours arrived and its confirmation was lost: on the first try nobody knows.
func (s Sender) Private(ctx context.Context, st channels.Step) channels.Result {
	r := s.Send(ctx, st, Recipient{Comment: st.Data[DataComment]})
	if r.Failure != nil && r.Failure.Class == channels.QuotaSpent && st.Outbound.Attempt <= 1 {
		r.Outcome = channels.Unsure
	}
	return r
}

// content is the message that a step sends.
func (s Sender) content(ctx context.Context, st channels.Step) (map[string]any, *channels.Failure) {
	if len(st.Parts) > 0 {
		kind := string(st.Parts[0].Kind)
		link, bad := Link(ctx, s.Files, st.Parts[0], s.Media[kind])
		if bad != nil {
			return nil, bad
		}
		payload := map[string]any{"url": link}
		maps.Copy(payload, s.Beside)
		return map[string]any{"attachment": map[string]any{"type": kind, "payload": payload}}, nil
	}
	if st.Data[DataButtons] == "" || st.Outbound.Message == nil {
		return map[string]any{"text": st.Text}, nil
	}
	var replies, links []map[string]string
	for _, b := range st.Outbound.Message.Buttons {
		if b.Kind == "link" {
			links = append(links, map[string]string{"type": "web_url", "title": b.Title, "url": b.Value})
			continue
		}
		replies = append(replies, map[string]string{"content_type": "text", "title": b.Title, "payload": cmp.Or(b.Value, b.Title)})
	}
	if len(links) > 0 {
		return map[string]any{"attachment": map[string]any{"type": "template",
			"payload": map[string]any{"template_type": "button", "text": st.Text, "buttons": links}}}, nil
	}
	return map[string]any{"text": st.Text, "quick_replies": replies}, nil
}

// React sets our reaction, by the far side's name for it, or removes it. Doing it twice is doing
// it once.
func (s Sender) React(ctx context.Context, st channels.Step, name string) channels.Result {
	r := st.Outbound.Reaction
	if r == nil {
		return No(Refused(channels.BadContent, "There is no reaction."))
	}
	payload := map[string]string{"message_id": string(r.Of.Remote)}
	out := outgoing{Recipient: Recipient{ID: string(st.Outbound.To)}, Action: "unreact", Payload: payload}
	if !r.Removed {
		out.Action = "react"
		payload["reaction"] = name
	}
	return Repeatable("", s.post(ctx, out, nil))
}

// Typing shows the person that somebody is typing, for at most 20 seconds.
func (s Sender) Typing(ctx context.Context, to timeline.Handle, on bool) error {
	out := outgoing{Recipient: Recipient{ID: string(to)}, Action: "typing_off"}
	if on {
		out.Action = "typing_on"
	}
	return s.post(ctx, out, nil)
}

// The advice where another app holds the conversation.
const (
	AdviseTaken = "Another app held this conversation; it is ours now. Send the message again."
	AdviseAsked = "Another app holds this conversation; we have asked for it. Send the message again once it is ours, or answer there."
	AdviseOther = "Another app holds this conversation and does not give it up. Answer there, or change who is in charge in the account's settings."
)

// claim takes the thread from the app that holds it, or asks for it, and says how that went.
func (s Sender) claim(ctx context.Context, peer string) string {
	body := map[string]any{"recipient": Recipient{ID: peer}}
	if err := s.Client.Post(ctx, s.Node+"/take_thread_control", nil, body, nil); err == nil {
		return AdviseTaken
	}
	if err := s.Client.Post(ctx, s.Node+"/request_thread_control", nil, body, nil); err == nil {
		return AdviseAsked
	}
	return AdviseOther
}
