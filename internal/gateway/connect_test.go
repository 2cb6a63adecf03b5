package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
)

// way is a far side on which one signs in.
func way(found *[]channels.Found, failed *error) channels.Connect {
	return channels.Connect{Name: "far", Label: map[string]string{"en": "Sign in"}, Needs: []string{"appSecret"},
		Begin: func(app map[string]string, redirect, state string) (string, error) {
			return "https://far.example/authorize?" + url.Values{"redirect_uri": {redirect}, "state": {state}, "app": {app["appSecret"][:3]}}.Encode(), nil
		},
		Finish: func(_ context.Context, _ *http.Client, _ map[string]string, q map[string][]string, _ string) ([]channels.Found, error) {
			if *failed != nil {
				return nil, *failed
			}
			if len(q["code"]) == 0 {
				return nil, &channels.Problem{Status: 422, Title: "You did not let the hub in", Detail: "Try again."}
			}
			return *found, nil
		}}
}

func TestConnect(t *testing.T) {
	found := []channels.Found{{Name: "Shop", Handle: "shop", Settings: map[string]string{"token": canary}}}
	var failed error
	const redirect, who = "https://hub.example/connect/toy/far", "agent|session"
	w := newWorld(t, &toy{connect: []channels.Connect{way(&found, &failed)}})
	var bad *Invalid
	if _, err := w.g.BeginConnect(t.Context(), "toy", "far", redirect, who); !errors.As(err, &bad) || bad.Fields[0].Field != "appSecret" {
		t.Fatalf("without what it needs: %v", err)
	}
	if ways := w.g.Connections("toy"); len(ways) != 1 || ways[0].Ready {
		t.Fatalf("%+v", ways)
	}
	if err := w.g.SetApp(t.Context(), "toy", map[string]string{"appSecret": "app-secret"}); err != nil {
		t.Fatal(err)
	}
	begin := func() map[string][]string {
		to, err := w.g.BeginConnect(t.Context(), "toy", "far", redirect, who)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil || u.Query().Get("redirect_uri") != redirect {
			t.Fatal(to, err)
		}
		return map[string][]string{"state": {u.Query().Get("state")}, "code": {"code-5f2a"}}
	}
	finish := func(q map[string][]string, kind, name, by string) ([]Account, error) {
		return w.g.FinishConnect(t.Context(), kind, name, redirect, by, q)
	}
	q := begin()
	as, err := finish(q, "toy", "far", who)
	if err != nil || len(as) != 1 || as[0].Handle != "shop" || !as[0].Secrets["token"] || as[0].Health.State != channels.Green {
		t.Fatalf("%+v %v", as, err)
	}
	t.Run("single_use", func(t *testing.T) {
		if _, err := finish(q, "toy", "far", who); !errors.Is(err, ErrConnect) {
			t.Error(err)
		}
	})
	t.Run("another_sign_in", func(t *testing.T) {
		q := begin()
		if _, err := finish(q, "toy", "far", "agent|another"); !errors.Is(err, ErrConnect) {
			t.Error(err)
		}
		if _, err := finish(q, "toy", "far", who); err != nil {
			t.Error("it was used up by somebody else:", err)
		}
	})
	t.Run("another_way", func(t *testing.T) {
		if _, err := finish(begin(), "toy", "near", who); !errors.Is(err, ErrNoChannel) {
			t.Error(err)
		}
	})
	t.Run("made_up", func(t *testing.T) {
		for _, s := range []string{"", "x", q["state"][0] + "x"} {
			if _, err := finish(map[string][]string{"state": {s}, "code": {"c"}}, "toy", "far", who); !errors.Is(err, ErrConnect) {
				t.Errorf("%q: %v", s, err)
			}
		}
	})
	t.Run("too_late", func(t *testing.T) {
		q := begin()
		w.pass(11 * time.Minute)
		if _, err := finish(q, "toy", "far", who); !errors.Is(err, ErrConnect) {
			t.Error(err)
		}
	})
	t.Run("the_same_account_is_renewed", func(t *testing.T) {
		found[0].Settings = map[string]string{"token": "another-token"}
		again, err := finish(begin(), "toy", "far", who)
		if err != nil || len(again) != 1 || again[0].ID != as[0].ID {
			t.Fatalf("%+v %v", again, err)
		}
		if a := w.g.live(as[0].ID).account; a.Settings["token"] != "another-token" || a.Previous["token"] != canary {
			t.Error("the new settings are not in use")
		}
	})
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"refused":  {&channels.Failure{Class: channels.Revoked, Advice: "Allow it."}, 422},
		"far_down": {errors.New("dial with app-secret and code-5f2a"), 502},
		"no_leave": {&channels.Problem{Status: 422, Title: "You did not let the hub in", Detail: "Try again."}, 422},
	} {
		t.Run(name, func(t *testing.T) {
			failed = c.err
			defer func() { failed = nil }()
			var p *channels.Problem
			if _, err := finish(begin(), "toy", "far", who); !errors.As(err, &p) || p.Status != c.status || p.Detail == "" {
				t.Errorf("%v", err)
			}
			if l := w.log.String(); strings.Contains(l, "app-secret") || strings.Contains(l, "code-5f2a") {
				t.Error("the log shows what was traded")
			}
		})
	}
}
