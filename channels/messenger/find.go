package messenger

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// clockSlack is how far the far side's clock may be behind ours.
const clockSlack = 30 * time.Second

// past is a message or a comment as the far side lists it; both carry their words as message.
type past struct {
	ID      meta.Text  `json:"id"`
	Created meta.Stamp `json:"created_time"`
	Message string     `json:"message"`
	From    meta.Party `json:"from"`
	Files   struct {
		Data []struct {
			MIME string `json:"mime_type"`
		} `json:"data"`
	} `json:"attachments"`
}

// Find looks for a step that may have arrived: among the newest messages of the conversation
// that are the Page's, were made since, and say the same; for comments among the answers.
func (s *Session) Find(ctx context.Context, st channels.Step, since time.Time) (timeline.RemoteID, bool, error) {
	var all []past
	var err error
	switch st.Kind {
	case stepSend, stepPrivate:
		all, err = s.said(ctx, st)
	case stepComment:
		var list struct {
			Data []past `json:"data"`
		}
		err = s.graph().Get(ctx, st.Data[dataComment]+"/comments", url.Values{"fields": {"id,message,created_time,from"}, "order": {"reverse_chronological"}, "limit": {"50"}}, &list)
		all = list.Data
	}
	if err != nil {
		return "", false, meta.Explained(Kind, "looking for what was sent", err)
	}
	var best past
	for _, m := range all {
		at := m.Created.Time()
		if !s.set.mine(string(m.From.ID)) || at.Before(since.Add(-clockSlack)) || !same(st, m) {
			continue
		}
		if best.ID == "" || at.Before(best.Created.Time()) {
			best = m // the oldest: a later one may be somebody's next try
		}
	}
	return timeline.RemoteID(best.ID), best.ID != "", nil
}

// said are the newest messages of a step's conversation.
func (s *Session) said(ctx context.Context, st channels.Step) ([]past, error) {
	var list struct {
		Data []struct {
			Messages struct {
				Data []past `json:"data"`
			} `json:"messages"`
		} `json:"data"`
	}
	err := s.graph().Get(ctx, s.set.page+"/conversations", url.Values{"platform": {"messenger"}, "user_id": {string(st.Outbound.To)},
		"fields": {"messages{id,created_time,from,message,attachments}"}}, &list)
	var out []past
	for _, c := range list.Data {
		out = append(out, c.Messages.Data...)
	}
	return out, err
}

// same reports whether a message says what a step did.
func same(st channels.Step, m past) bool {
	if len(st.Parts) == 0 {
		return words(st.Text) != "" && words(st.Text) == words(m.Message)
	}
	if m.Message != "" || len(m.Files.Data) == 0 {
		return false
	}
	major, _, _ := strings.Cut(m.Files.Data[0].MIME, "/")
	return major == "" || major == string(st.Parts[0].Kind) || st.Parts[0].Kind == timeline.PartFile
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// Fetch downloads a part. Addresses end after a while: without one, the message is asked for
// its present ones. What may not be kept is not fetched.
func (s *Session) Fetch(ctx context.Context, p timeline.Part, max int64) (io.ReadCloser, error) {
	if p.Retention == timeline.RetainURL || p.Retention == timeline.RetainNever {
		return nil, meta.Refused(channels.Permanent, "This is shown where it is, and not kept.")
	}
	if p.URL == "" {
		fresh, err := s.address(ctx, p)
		if err != nil {
			return nil, err
		}
		p.URL = fresh
	}
	return meta.Download(ctx, s.host.HTTP(), p.URL, "", max)
}

// address asks a message for the present address of one of its attachments.
func (s *Session) address(ctx context.Context, p timeline.Part) (string, error) {
	mid, n, ok := strings.Cut(string(p.Remote), "#")
	i, err := strconv.Atoi(n)
	if !ok || err != nil || i < 0 {
		return "", meta.Gone("The attachment's address has ended")
	}
	var m struct {
		Attachments struct {
			Data []json.RawMessage `json:"data"`
		} `json:"attachments"`
	}
	err = s.graph().Get(ctx, mid, url.Values{"fields": {"id,attachments"}}, &m)
	switch {
	case meta.Is(err, meta.CodeDeleted, 0), meta.Is(err, 100, 33):
		return "", meta.Gone("The message is gone")
	case err != nil:
		return "", meta.Explained(Kind, "asking for an attachment", err)
	case i < len(m.Attachments.Data):
		if u := attached(m.Attachments.Data[i]); u != "" {
			return u, nil
		}
	}
	return "", meta.Gone("The attachment is gone")
}

// attached is the address in one of the forms attachments are listed in.
func attached(raw json.RawMessage) string {
	for _, path := range [][]string{{"image_data", "url"}, {"video_data", "url"}, {"audio_data", "url"}, {"file_url"}} {
		if u := meta.WebURL(meta.Plain(meta.Field(raw, path...))); u != "" {
			return u
		}
	}
	return ""
}

// Profile looks a person up. Somebody who only commented has not agreed to it: what their
// comment told is all there is. The picture's address ends within days.
func (s *Session) Profile(ctx context.Context, i timeline.Identity) (timeline.Profile, error) {
	if i.Scheme != scheme || !meta.Digits(i.Value) || s.set.mine(i.Value) {
		return timeline.Profile{}, meta.Refused(channels.Permanent, "There is nobody to look up.")
	}
	var p struct {
		Name    string `json:"name"`
		First   string `json:"first_name"`
		Last    string `json:"last_name"`
		Picture string `json:"profile_pic"`
	}
	if err := s.graph().Get(ctx, i.Value, url.Values{"fields": {"name,first_name,last_name,profile_pic"}}, &p); err != nil {
		return timeline.Profile{}, meta.Explained(Kind, "looking a person up", err)
	}
	out := timeline.Profile{Name: p.Name, Avatar: meta.WebURL(p.Picture)}
	if out.Name == "" {
		out.Name = strings.TrimSpace(p.First + " " + p.Last)
	}
	return out, nil
}
