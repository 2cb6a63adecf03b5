package messenger

import (
	"context"
	"net/http"
	"net/url"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// scopes are what people are asked to agree to.
var scopes = []string{"pages_messaging", "pages_manage_metadata", "pages_manage_engagement", "pages_read_engagement",
	"pages_read_user_content", "pages_show_list", "business_management"}

func begin(values map[string]string, redirect, state string) (string, error) {
	a := readApp(values)
	return meta.Consent(a.www+"/"+meta.DefaultVersion+"/dialog/oauth", meta.App{ID: a.id}, redirect, state, scopes), nil
}

// finish trades the code for a lasting token of the person, and lists the Pages they manage:
// each becomes an account, with the Page's own token, which has no end.
func finish(ctx context.Context, h *http.Client, values map[string]string, query map[string][]string, redirect string) ([]channels.Found, error) {
	a := readApp(values)
	graph := meta.Client{HTTP: h, Base: a.graph, Version: meta.DefaultVersion}
	pages, err := graph.SignedIn(ctx, meta.App{ID: a.id, Secret: a.secret}, query, redirect)
	if err != nil {
		return nil, err
	}
	var found []channels.Found
	for _, p := range pages {
		if meta.Digits(string(p.ID)) && p.Token != "" {
			found = append(found, channels.Found{Name: p.Name, Handle: timeline.Handle(p.ID),
				Settings: map[string]string{setPage: string(p.ID), setToken: p.Token}})
		}
	}
	if len(found) == 0 {
		return nil, &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "No Page was found",
			Detail: "Sign in as somebody who manages the Page, and choose the Page when you agree."}
	}
	return found, nil
}

// What the far side is asked to tell. The core is what every version of it knows.
var (
	fields = []string{"feed", "message_deliveries", "message_echoes", "message_edits", "message_reactions", "message_reads", "messages",
		"messaging_handovers", "messaging_optins", "messaging_postbacks", "messaging_referrals", "standby"}
	core = []string{"feed", "message_deliveries", "message_echoes", "message_reads", "messages", "messaging_postbacks"}
)

// EnsureSubscribed checks the Page's token, and that the far side tells us about the Page: the
// app has our address, where we may see that, and the Page is subscribed to the app.
func (s *Session) EnsureSubscribed(ctx context.Context) (bool, error) {
	c := s.graph()
	var me struct {
		ID meta.Text `json:"id"`
	}
	if err := c.Get(ctx, "me", url.Values{"fields": {"id"}}, &me); err != nil {
		return false, meta.Explained(Kind, "checking the Page's token", err)
	}
	if string(me.ID) != s.set.page {
		return false, &channels.Failure{Class: channels.Misconfigured, Said: "the token is of " + string(me.ID),
			Advice: "The access token is not this Page's own. Connect the Page again."}
	}
	hooked, err := s.ensureHook(ctx)
	if err != nil {
		return false, err
	}
	changed, err := c.EnsureSubscribed(ctx, s.set.page, []string{s.app.id}, fields, core)
	if err != nil {
		return false, meta.Explained(Kind, "subscribing", err)
	}
	return changed || hooked, nil
}

// ensureHook gives the app our address, where we have one and know the app.
func (s *Session) ensureHook(ctx context.Context) (bool, error) {
	c := meta.Client{HTTP: s.host.HTTP(), Base: s.app.graph, Version: s.set.version}
	return c.Hooked(ctx, Kind, meta.App{ID: s.app.id, Secret: s.app.secret},
		meta.Hook{Object: object, URL: s.host.Callback(true), VerifyToken: s.app.verify, Fields: fields, Core: core})
}
