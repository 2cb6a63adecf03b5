package instagram

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// profileFields are what is told of a person who wrote to us.
const profileFields = "name,username,profile_pic,follower_count,is_user_follow_business,is_business_follow_user,is_verified_user"

// person is a profile as it comes; names and picture may be null.
type person struct {
	Name      string `json:"name"`
	Username  string `json:"username"`
	Picture   string `json:"profile_pic"`
	Followers *int   `json:"follower_count"`
	Follows   *bool  `json:"is_user_follow_business"`
	Followed  *bool  `json:"is_business_follow_user"`
	Verified  *bool  `json:"is_verified_user"`
}

// Profile looks a person up. Somebody who only commented has not agreed to it: what their
// comment told is all there is. The picture's address ends within days.
func (s *Session) Profile(ctx context.Context, i timeline.Identity) (timeline.Profile, error) {
	switch {
	case i.Scheme == mentionScheme:
		return s.mentioner(ctx, i.Value)
	case i.Scheme != scheme || !meta.Digits(i.Value) || s.set.mine(i.Value):
		return timeline.Profile{}, &channels.Failure{Class: channels.Permanent, Advice: "There is nobody to look up."}
	}
	var p person
	err := s.graph().Get(ctx, i.Value, url.Values{"fields": {profileFields}}, &p)
	if meta.Is(err, meta.CodeConsent, 0) && i.Display != "" {
		return timeline.Profile{Username: strings.TrimPrefix(i.Display, "@")}, nil
	}
	if err != nil {
		return timeline.Profile{}, meta.Explained(Kind, "looking a person up", err)
	}
	out := timeline.Profile{Name: p.Name, Username: p.Username, Avatar: meta.WebURL(p.Picture), Extra: map[string]string{}}
	if p.Followers != nil {
		out.Extra["followers"] = strconv.Itoa(*p.Followers)
	}
	for name, v := range map[string]*bool{"followsUs": p.Follows, "followedByUs": p.Followed, "verified": p.Verified} {
		if v != nil {
			out.Extra[name] = strconv.FormatBool(*v)
		}
	}
	if len(out.Extra) == 0 {
		out.Extra = nil
	}
	return out, nil
}

// mentionScheme names identities that are known by where they named us, until looked up.
const mentionScheme = "mention"

// mentioner finds out who named us and with what words; the words are added to the event,
// which came without.
func (s *Session) mentioner(ctx context.Context, value string) (timeline.Profile, error) {
	media, comment := mentioned(value)
	field, inner := "mentioned_media", "mentioned_media.media_id("+media+"){id,caption,username,permalink,timestamp}"
	if comment != "" {
		field, inner = "mentioned_comment", "mentioned_comment.comment_id("+comment+"){id,text,username,from,timestamp,media{id,permalink}}"
	}
	var got map[string]json.RawMessage
	if err := s.graph().Get(ctx, s.set.own, url.Values{"fields": {inner}}, &got); err != nil {
		return timeline.Profile{}, meta.Explained(Kind, "looking a mention up", err)
	}
	var m struct {
		Text     string     `json:"text"`
		Caption  string     `json:"caption"`
		Username string     `json:"username"`
		At       meta.Stamp `json:"timestamp"`
		From     struct {
			Username string `json:"username"`
		} `json:"from"`
	}
	if err := json.Unmarshal(got[field], &m); err != nil {
		return timeline.Profile{}, &channels.Failure{Class: channels.Permanent, Advice: "The mention is gone, or the account may not see it.", Err: err}
	}
	if m.Username == "" {
		m.Username = m.From.Username
	}
	words := m.Text
	if words == "" {
		words = m.Caption
	}
	if words != "" {
		d := meta.Reader{Scope: s.scope()}
		in := d.Event("edit:mention:"+value, timeline.KindEdit, value, m.At.Time())
		in.Peer = timeline.Identity{Account: s.id, Scheme: mentionScheme, Value: value}
		in.Event.Thread, in.Place, in.Channel = d.Thread(mentionThread+value), Place, Kind
		in.Event.Edit = &timeline.Edit{Of: timeline.Ref{Remote: timeline.RemoteID(value)}, Text: words, Rev: 1}
		if err := s.host.Emit(ctx, in); err != nil {
			return timeline.Profile{}, err
		}
	}
	return timeline.Profile{Username: m.Username}, nil
}
