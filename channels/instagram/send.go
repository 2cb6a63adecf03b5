package instagram

import (
	"context"
	"net/url"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// made is the answer to a public comment.
type made struct {
	ID string `json:"id"`
}

// sends is the Send API, spoken as the account.
func (s *Session) sends() meta.Sender {
	return meta.Sender{Client: s.graph(), Node: s.sender(), Files: s.host.Files(), Media: Channel.Can.Media}
}

func (s *Session) do(ctx context.Context, st channels.Step) channels.Result {
	switch st.Kind {
	case stepSend:
		return s.sends().Send(ctx, st, meta.Recipient{ID: string(st.Outbound.To)})
	case stepPrivate:
		return s.sends().Private(ctx, st)
	case stepReact:
		return s.react(ctx, st)
	case stepComment, stepMention:
		return s.comment(ctx, st)
	case timeline.ModerateHide, timeline.ModerateUnhide, timeline.ModerateDelete:
		return s.moderate(ctx, st)
	}
	return meta.No(meta.Refused(channels.BadContent, "Instagram cannot do this from here."))
}

// comment answers in public.
func (s *Session) comment(ctx context.Context, st channels.Step) channels.Result {
	path, q := st.Data[dataComment]+"/replies", url.Values{"message": {st.Text}}
	if st.Kind == stepMention {
		media, comment := mentioned(st.Data[dataComment])
		path = s.set.own + "/mentions"
		q.Set("media_id", media)
		if comment != "" {
			q.Set("comment_id", comment)
		}
	}
	var got made
	err := s.graph().Form(ctx, path, q, &got)
	return meta.Outcome(got.ID, err)
}

// moderate hides, shows or deletes a comment. Doing it twice is doing it once.
func (s *Session) moderate(ctx context.Context, st channels.Step) channels.Result {
	id := st.Data[dataComment]
	var err error
	switch st.Kind {
	case timeline.ModerateDelete:
		err = s.graph().Delete(ctx, id, nil, nil)
	case timeline.ModerateHide:
		err = s.graph().Post(ctx, id, url.Values{"hide": {"true"}}, nil, nil)
	default:
		err = s.graph().Post(ctx, id, url.Values{"hide": {"false"}}, nil, nil)
	}
	return meta.Repeatable("", err)
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

// mentioned cuts a mention's id into the media's and the comment's, which may be empty.
func mentioned(value string) (media, comment string) {
	media, comment, _ = strings.Cut(value, ":")
	return media, comment
}
