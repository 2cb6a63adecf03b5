package instagram

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// clockSlack is how far the far side's clock may be behind ours.
const clockSlack = 30 * time.Second

// past is a message or a comment as the far side lists it.
type past struct {
	ID      meta.Text  `json:"id"`
	Created meta.Stamp `json:"created_time"`
	At      meta.Stamp `json:"timestamp"` // of comments
	Message string     `json:"message"`
	Text    string     `json:"text"`
	From    struct {
		ID       meta.Text `json:"id"`
		Username string    `json:"username"`
	} `json:"from"`
	Attachments struct {
		Data []struct {
			MIME string `json:"mime_type"`
		} `json:"data"`
	} `json:"attachments"`
}

// Find looks for a step that may have arrived: among the newest messages of the conversation
// that are ours, were made since, and say the same; for comments among the replies.
func (s *Session) Find(ctx context.Context, st channels.Step, since time.Time) (timeline.RemoteID, bool, error) {
	switch st.Kind {
	case stepSend, stepPrivate:
		return s.findMessage(ctx, st, since)
	case stepComment:
		return s.findComment(ctx, st, since)
	}
	return "", false, nil
}

func (s *Session) findMessage(ctx context.Context, st channels.Step, since time.Time) (timeline.RemoteID, bool, error) {
	var list struct {
		Data []struct {
			Messages struct {
				Data []past `json:"data"`
			} `json:"messages"`
		} `json:"data"`
	}
	err := s.graph().Get(ctx, s.sender()+"/conversations", url.Values{"platform": {"instagram"}, "user_id": {string(st.Outbound.To)},
		"fields": {"messages{id,created_time,from,message,attachments}"}}, &list)
	if err != nil {
		return "", false, meta.Explained(Kind, "looking for a message", err)
	}
	var best past
	for _, c := range list.Data {
		for _, m := range c.Messages.Data {
			at := m.Created.Time()
			if !s.ours(m) || at.Before(since.Add(-clockSlack)) || !same(st, m) {
				continue
			}
			if best.ID == "" || at.Before(best.Created.Time()) {
				best = m // the oldest: a later one may be somebody's next try
			}
		}
	}
	return timeline.RemoteID(best.ID), best.ID != "", nil
}

// ours reports whether the account wrote it.
func (s *Session) ours(m past) bool {
	return s.set.mine(string(m.From.ID)) || m.From.ID != "" && string(m.From.ID) == s.set.page
}

// same reports whether a message says what a step did.
func same(st channels.Step, m past) bool {
	if len(st.Parts) > 0 {
		return m.Message == "" && len(m.Attachments.Data) > 0 && alike(st.Parts[0].Kind, m.Attachments.Data[0].MIME)
	}
	return words(st.Text) != "" && words(st.Text) == words(m.Message)
}

// alike reports whether a media type is of a kind; one that is not told is of any.
func alike(k timeline.PartKind, mime string) bool {
	major, _, _ := strings.Cut(mime, "/")
	return major == "" || major == string(k) || k == timeline.PartFile
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

func (s *Session) findComment(ctx context.Context, st channels.Step, since time.Time) (timeline.RemoteID, bool, error) {
	var list struct {
		Data []past `json:"data"`
	}
	err := s.graph().Get(ctx, st.Data[dataComment]+"/replies", url.Values{"fields": {"id,text,timestamp,from"}, "limit": {"50"}}, &list)
	if err != nil {
		return "", false, meta.Explained(Kind, "looking for a comment", err)
	}
	for _, c := range list.Data {
		if s.ours(c) && !c.At.Time().Before(since.Add(-clockSlack)) && words(c.Text) == words(st.Text) {
			return timeline.RemoteID(c.ID), true, nil
		}
	}
	return "", false, nil
}
