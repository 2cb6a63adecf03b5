package messenger

import (
	"context"
	"net/url"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// made is the answer to a public comment.
type made struct {
	ID string `json:"id"`
}

// sends is the Send API, spoken as the Page.
func (s *Session) sends() meta.Sender {
	return meta.Sender{Client: s.graph(), Node: s.set.page, Files: s.host.Files(), Media: Channel.Can.Media,
		Type: "RESPONSE", Beside: map[string]any{"is_reusable": false}}
}

func (s *Session) do(ctx context.Context, st channels.Step) channels.Result {
	switch st.Kind {
	case stepSend:
		return s.sends().Send(ctx, st, meta.Recipient{ID: string(st.Outbound.To)})
	case stepPrivate:
		return s.sends().Private(ctx, st)
	case stepReact:
		return s.react(ctx, st)
	case stepComment:
		var got made
		err := s.graph().Form(ctx, st.Data[dataComment]+"/comments", url.Values{"message": {st.Text}}, &got)
		return meta.Outcome(got.ID, err)
	case timeline.ModerateHide, timeline.ModerateUnhide, timeline.ModerateDelete:
		return s.moderate(ctx, st)
	}
	return meta.No(meta.Refused(channels.BadContent, "Messenger cannot do this from here."))
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

// react sets or removes our reaction.
func (s *Session) react(ctx context.Context, st channels.Step) channels.Result {
	name := ""
	if r := st.Outbound.Reaction; r != nil {
		name = meta.ReactionName(emojis, r.Emoji)
	}
	return s.sends().React(ctx, st, name)
}

// Typing shows the person that somebody is typing.
func (s *Session) Typing(ctx context.Context, _ timeline.Thread, to timeline.Handle, on bool) error {
	return s.sends().Typing(ctx, to, on)
}
