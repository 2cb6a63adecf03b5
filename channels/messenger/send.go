package messenger

import (
	"context"
	"net/url"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// outgoing is the body of a send.
type outgoing struct {
	Recipient recipient      `json:"recipient"`
	Message   map[string]any `json:"message,omitempty"`
	Type      string         `json:"messaging_type,omitempty"`
	Tag       string         `json:"tag,omitempty"`
	Action    string         `json:"sender_action,omitempty"`
	Payload   any            `json:"payload,omitempty"`
}

type recipient struct {
	ID      string `json:"id,omitempty"`
	Comment string `json:"comment_id,omitempty"`
}

// sent is the answer to a send; of a comment it is the id.
type sent struct {
	Message string `json:"message_id"`
	ID      string `json:"id"`
}

func (s *Session) do(ctx context.Context, st channels.Step) channels.Result {
	switch st.Kind {
	case stepSend:
		return s.send(ctx, st, recipient{ID: string(st.Outbound.To)})
	case stepPrivate:
		return s.private(ctx, st)
	case stepReact:
		return s.react(ctx, st)
	case stepComment:
		var got sent
		err := s.graph().Form(ctx, st.Data[dataComment]+"/comments", url.Values{"message": {st.Text}}, &got)
		return meta.Outcome(got.ID, err)
	case timeline.ModerateHide, timeline.ModerateUnhide, timeline.ModerateDelete:
		return s.moderate(ctx, st)
	}
	return meta.No(meta.Refused(channels.BadContent, "Messenger cannot do this from here."))
}

// send sends one text or one part.
func (s *Session) send(ctx context.Context, st channels.Step, to recipient) channels.Result {
	out := outgoing{Recipient: to, Type: "RESPONSE"}
	switch {
	case st.Tag != "" && st.Outbound.Actor.Kind != timeline.ActorAgent:
		return meta.No(meta.Refused(channels.WindowClosed, "Only a person may answer after 24 hours."))
	case st.Tag != "":
		out.Type, out.Tag = "MESSAGE_TAG", st.Tag
	}
	for again := false; ; again = true {
		var bad *channels.Failure
		if out.Message, bad = s.content(ctx, st); bad != nil {
			return meta.No(bad)
		}
		var got sent
		err := s.graph().Post(ctx, s.messages(), nil, out, &got)
		if meta.Is(err, 100, meta.SubFetch) && len(st.Parts) > 0 && !again {
			continue // it said that it could not fetch the file: once more, with a fresh link
		}
		r := meta.Outcome(got.Message, err)
		if r.Failure != nil && r.Failure.Class == channels.NotOwner {
			r.Failure.Advice = s.claim(ctx, string(st.Outbound.To))
		}
		return r
	}
}

// private sends the one private answer to a comment. That a comment has had its answer can
// mean that ours arrived and its confirmation was lost: on the first try nobody knows.
func (s *Session) private(ctx context.Context, st channels.Step) channels.Result {
	r := s.send(ctx, st, recipient{Comment: st.Data[dataComment]})
	if r.Failure != nil && r.Failure.Class == channels.QuotaSpent && st.Outbound.Attempt <= 1 {
		r.Outcome = channels.Unsure
	}
	return r
}

// content is the message that a step sends.
func (s *Session) content(ctx context.Context, st channels.Step) (map[string]any, *channels.Failure) {
	if len(st.Parts) > 0 {
		kind := string(st.Parts[0].Kind)
		link, bad := meta.Link(ctx, s.host.Files(), st.Parts[0], Channel.Can.Media[kind])
		if bad != nil {
			return nil, bad
		}
		return map[string]any{"attachment": map[string]any{"type": kind, "payload": map[string]any{"url": link, "is_reusable": false}}}, nil
	}
	if st.Data[dataButtons] == "" || st.Outbound.Message == nil {
		return map[string]any{"text": st.Text}, nil
	}
	var replies, links []map[string]string
	for _, b := range st.Outbound.Message.Buttons {
		if b.Kind == "link" {
			links = append(links, map[string]string{"type": "web_url", "title": b.Title, "url": b.Value})
			continue
		}
		value := b.Value
		if value == "" {
			value = b.Title
		}
		replies = append(replies, map[string]string{"content_type": "text", "title": b.Title, "payload": value})
	}
	if len(links) > 0 {
		return map[string]any{"attachment": map[string]any{"type": "template",
			"payload": map[string]any{"template_type": "button", "text": st.Text, "buttons": links}}}, nil
	}
	return map[string]any{"text": st.Text, "quick_replies": replies}, nil
}

// react sets or removes our reaction. Doing it twice is doing it once.
func (s *Session) react(ctx context.Context, st channels.Step) channels.Result {
	r := st.Outbound.Reaction
	if r == nil {
		return meta.No(meta.Refused(channels.BadContent, "There is no reaction."))
	}
	payload := map[string]string{"message_id": string(r.Of.Remote)}
	out := outgoing{Recipient: recipient{ID: string(st.Outbound.To)}, Action: "unreact", Payload: payload}
	if !r.Removed {
		out.Action = "react"
		payload["reaction"] = meta.ReactionName(emojis, r.Emoji)
	}
	return meta.Repeatable("", s.graph().Post(ctx, s.messages(), nil, out, nil))
}

// moderate hides, shows or deletes a comment. Doing it twice is doing it once.
func (s *Session) moderate(ctx context.Context, st channels.Step) channels.Result {
	id := st.Data[dataComment]
	if st.Kind == timeline.ModerateDelete {
		return meta.Repeatable("", s.graph().Delete(ctx, id, nil, nil))
	}
	hidden := "false"
	if st.Kind == timeline.ModerateHide {
		hidden = "true"
	}
	return meta.Repeatable("", s.graph().Post(ctx, id, url.Values{"is_hidden": {hidden}}, nil, nil))
}

// Typing shows the person that somebody is typing, for at most 20 seconds.
func (s *Session) Typing(ctx context.Context, _ timeline.Thread, to timeline.Handle, on bool) error {
	out := outgoing{Recipient: recipient{ID: string(to)}, Action: "typing_off"}
	if on {
		out.Action = "typing_on"
	}
	return s.graph().Post(ctx, s.messages(), nil, out, nil)
}

// The advice where another app holds the conversation.
const (
	adviseTaken = "Another app held this conversation; it is ours now. Send the message again."
	adviseAsked = "Another app holds this conversation; we have asked for it. Send the message again once it is ours, or answer there."
	adviseOther = "Another app holds this conversation and does not give it up. Answer there, or change who is in charge in the Page's settings."
)

// claim takes the thread from the app that holds it, or asks for it, and says how that went.
func (s *Session) claim(ctx context.Context, peer string) string {
	body := map[string]any{"recipient": recipient{ID: peer}}
	if err := s.graph().Post(ctx, s.set.page+"/take_thread_control", nil, body, nil); err == nil {
		return adviseTaken
	}
	if err := s.graph().Post(ctx, s.set.page+"/request_thread_control", nil, body, nil); err == nil {
		return adviseAsked
	}
	return adviseOther
}
