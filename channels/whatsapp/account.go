package whatsapp

import (
	"context"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// fields are what the far side is asked to tell. Of what our people write in the business's
// own app it tells where that is in use beside the API.
var (
	fields = []string{"messages", "smb_message_echoes"}
	core   = []string{"messages"}
)

// EnsureSubscribed checks the token and the number, that the app has our address, where we may
// see that, and that the business account is subscribed to the app.
func (s *Session) EnsureSubscribed(ctx context.Context) (bool, error) {
	c := s.graph()
	var n struct {
		ID      meta.Text `json:"id"`
		Quality string    `json:"quality_rating"`
	}
	if err := c.Get(ctx, s.set.phone, map[string][]string{"fields": {"id,quality_rating"}}, &n); err != nil {
		return false, meta.Explained(Kind, "checking the number", err)
	}
	s.tell(n.Quality)
	hooked, err := s.ensureHook(ctx)
	if err != nil {
		return false, err
	}
	on, err := s.subscribed(ctx, c)
	if err != nil {
		return false, meta.Explained(Kind, "reading who is told", err)
	}
	if on {
		return hooked, nil
	}
	if err := c.Post(ctx, s.set.business+"/subscribed_apps", nil, nil, nil); err != nil {
		return hooked, meta.Explained(Kind, "subscribing", err)
	}
	return true, nil
}

// tell reports what the far side thinks of what we send.
func (s *Session) tell(quality string) {
	h := channels.Health{State: channels.Green}
	if strings.EqualFold(quality, "RED") {
		h = channels.Health{State: channels.Amber, Reason: "People complain about messages from this number: its quality is rated low.",
			Next: "Write less by template, and only to people who asked for it. The platform may limit the number."}
	}
	s.host.Health(h)
}

// subscribed reports whether the business account tells our app; any app where we do not know ours.
func (s *Session) subscribed(ctx context.Context, c meta.Client) (bool, error) {
	var apps struct {
		Data []struct {
			ID   meta.Text `json:"id"`
			Data struct {
				ID meta.Text `json:"id"`
			} `json:"whatsapp_business_api_data"`
		} `json:"data"`
	}
	if err := c.Get(ctx, s.set.business+"/subscribed_apps", nil, &apps); err != nil {
		return false, err
	}
	for _, a := range apps.Data {
		if s.app.id == "" || string(a.ID) == s.app.id || string(a.Data.ID) == s.app.id {
			return true, nil
		}
	}
	return false, nil
}

// ensureHook gives the app our address, where we have one and know the app.
func (s *Session) ensureHook(ctx context.Context) (bool, error) {
	c := meta.Client{HTTP: s.host.HTTP(), Base: s.app.graph, Version: s.set.version}
	return c.Hooked(ctx, Kind, meta.App{ID: s.app.id, Secret: s.app.secret},
		meta.Hook{Object: object, URL: s.host.Callback(true), VerifyToken: s.app.verify, Fields: fields, Core: core})
}

// Start begins a thread with a number, or with a business-scoped id. The first message is an
// approved template: nothing else may go before the person has written.
func (s *Session) Start(to, _, _ string) (timeline.Inbound, error) {
	to = strings.TrimSpace(to)
	w := who{bsuid: to}
	if !businessScoped.MatchString(to) {
		bare := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "/", "", "\u00a0", "").Replace(to)
		if d, ok := strings.CutPrefix(bare, "00"); ok {
			bare = d
		}
		w = who{waID: strings.TrimPrefix(bare, "+")}
	}
	if w.waID != "" && number(w.waID) == "" || w.nobody() {
		return timeline.Inbound{}, meta.Refused(channels.BadContent, "Write the number with its country code, such as +43 660 1234567.")
	}
	if len(s.set.templates) == 0 {
		return timeline.Inbound{}, meta.Refused(channels.WindowClosed, "The first message has to be an approved template, and the account's settings name none. Add one there.")
	}
	peer, links := w.identities(s.id)
	return timeline.Inbound{Peer: peer, Links: links, To: w.to(), Opens: []string{openKnown},
		Event: timeline.Event{Thread: timeline.Thread{Account: s.id, ID: timeline.ThreadID(w.thread())}}}, nil
}
