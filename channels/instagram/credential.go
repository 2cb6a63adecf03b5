package instagram

import (
	"context"
	"hash/fnv"
	"net/url"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
)

const (
	tokenLife = 60 * 24 * time.Hour // of a long-lived token, where it does not say
	tokenAge  = 24 * time.Hour      // a younger one is not renewed
	jitter    = 20                  // a renewal is put off by up to 1/20 of the token's life
)

// ExpiresAt is when the token ends; zero: never, or not known.
func (s *Session) ExpiresAt() time.Time { return s.set.expires }

// RefreshAt is half the token's life after it was given out, a little later for some accounts
// than for others, but not before the token is a day old. Tokens of the Facebook login have no
// end; one that has ended can only be replaced by signing in again.
func (s *Session) RefreshAt(now time.Time) time.Time {
	switch {
	case s.set.flavour != byInstagram, !s.set.expires.IsZero() && !now.Before(s.set.expires):
		return time.Time{}
	case s.set.expires.IsZero() && s.set.issued.IsZero():
		return now // pasted by hand: renewing tells its end
	}
	issued, end := s.set.issued, s.set.expires
	if issued.IsZero() {
		issued = end.Add(-tokenLife)
	}
	if end.IsZero() {
		end = issued.Add(tokenLife)
	}
	life := end.Sub(issued)
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.id)) // a hash takes everything
	at := issued.Add(life/2 + life/jitter*time.Duration(h.Sum32()%1000)/1000)
	if young := issued.Add(tokenAge); at.Before(young) {
		return young
	}
	return at
}

// Refresh renews the token. One that is too young is left as it is; one that has ended is a
// failure that only a person can mend. Where the answer is lost the old token stays good.
func (s *Session) Refresh(ctx context.Context) (map[string]string, error) {
	now := s.host.Now()
	switch {
	case s.set.flavour != byInstagram:
		return nil, nil
	case !s.set.expires.IsZero() && !now.Before(s.set.expires):
		return nil, &channels.Failure{Class: channels.AuthExpired, Advice: "The sign-in has ended and cannot be renewed. Connect the account again."}
	case !s.set.issued.IsZero() && now.Before(s.set.issued.Add(tokenAge)):
		return nil, nil
	}
	c := s.graph()
	c.Version = ""
	g, err := c.Ask(ctx, "refresh_access_token", url.Values{"grant_type": {"ig_refresh_token"}, "access_token": {s.set.token}})
	if err != nil {
		return nil, meta.Explained(Kind, "renewing the sign-in", err)
	}
	return tokenSettings(g, now), nil
}

// tokenSettings are the settings that a grant becomes.
func tokenSettings(g meta.Grant, now time.Time) map[string]string {
	life := g.Expires
	if life == 0 {
		life = tokenLife
	}
	return map[string]string{setToken: g.Token, setIssued: now.UTC().Format(time.RFC3339), setExpires: now.Add(life).UTC().Format(time.RFC3339)}
}

// What the far side is asked to tell. The core is what every version of it knows.
var (
	fieldsInstagram = []string{"comments", "live_comments", "message_edit", "message_reactions", "messages", "messaging_handover",
		"messaging_optins", "messaging_postbacks", "messaging_referral", "messaging_seen", "standby"}
	coreInstagram = []string{"comments", "live_comments", "message_reactions", "messages", "messaging_postbacks", "messaging_referral", "messaging_seen"}
	fieldsPage    = []string{"message_reactions", "messages", "messaging_handovers", "messaging_postbacks", "messaging_referrals", "standby"}
	corePage      = []string{"messages", "messaging_postbacks"}
	fieldsHook    = []string{"comments", "live_comments", "mentions", "message_edit", "message_reactions", "messages", "messaging_handover",
		"messaging_postbacks", "messaging_referral", "messaging_seen", "standby"}
	coreHook = []string{"comments", "mentions", "messages", "messaging_postbacks", "messaging_seen"}
)

// EnsureSubscribed checks the sign-in, and that the far side tells us about the account: the
// account or its Page is subscribed and, where we may see it, the app has our address. After
// subscribing, the conversations are read once: a creator's account tells nothing before.
func (s *Session) EnsureSubscribed(ctx context.Context) (bool, error) {
	c := s.graph()
	if err := c.Get(ctx, s.sender(), url.Values{"fields": {"id"}}, nil); err != nil {
		return false, meta.Explained(Kind, "checking the sign-in", err)
	}
	fields, core := fieldsInstagram, coreInstagram
	if s.set.flavour == byFacebook {
		fields, core = fieldsPage, corePage
	}
	changed, err := c.EnsureSubscribed(ctx, s.sender(), []string{s.app.id, s.app.instagramID}, fields, core)
	if err != nil {
		return false, meta.Explained(Kind, "subscribing", err)
	}
	if changed {
		if err := c.Get(ctx, s.sender()+"/conversations", url.Values{"platform": {"instagram"}, "limit": {"1"}}, nil); err != nil {
			return true, meta.Explained(Kind, "reading the conversations", err)
		}
	}
	hooked, err := s.ensureHook(ctx)
	return changed || hooked, err
}

// ensureHook gives the app our address, where we have one and know the app.
func (s *Session) ensureHook(ctx context.Context) (bool, error) {
	c := meta.Client{HTTP: s.host.HTTP(), Base: s.app.graphFacebook, Version: s.set.version}
	return c.Hooked(ctx, Kind, meta.App{ID: s.app.id, Secret: s.app.secret},
		meta.Hook{Object: object, URL: s.host.Callback(true), VerifyToken: s.app.verify, Fields: fieldsHook, Core: coreHook})
}
