package channeltest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// flaw is one way in which the rich adapter can be wrong.
type flaw struct {
	splitsAnything, splitForgets, splitDraws, splitVouches, splitLoses               bool
	placeWindow, sameWindow, unlabelled, oddModeration, noModeration, allModeration  bool
	neverDue, clockDue, refusalIsDoubt, doubtIsRefusal, strangeSetting               bool
	hidesStart, startsNowhere, startDraws, startTakesAll                             bool
	fetchesNever, connectNeeds, connectDropsState, connectTakesRefusal, connectShows bool
	codeLost, doubtRejected                                                          bool
}

// rich is a small adapter with every power that the plain one lacks.
type rich struct {
	*toy
	f flaw
}

func (s rich) RefreshAt(now time.Time) time.Time {
	if s.f.clockDue {
		return s.h.Now()
	}
	days, err := strconv.Atoi(s.a.Settings["days"])
	if err != nil || s.f.neverDue {
		return epoch
	}
	return epoch.AddDate(0, 0, days/2)
}

func (s rich) ExpiresAt() time.Time { return epoch.AddDate(0, 0, 100) }

func (s rich) Refresh(ctx context.Context) (map[string]string, error) {
	r, err := s.far(ctx, "/refresh")
	refusal := &channels.Failure{Class: channels.AuthExpired, Advice: "sign in again"}
	switch {
	case err != nil && s.f.doubtIsRefusal:
		return nil, refusal
	case err != nil:
		return nil, err
	case r.StatusCode != http.StatusOK && s.f.refusalIsDoubt:
		return nil, errors.New("no")
	case r.StatusCode != http.StatusOK:
		return nil, refusal
	case s.f.strangeSetting:
		return map[string]string{"tokn": "x"}, nil
	}
	return map[string]string{"token": "canary-renewed-token", "days": "60"}, nil
}

func (s rich) far(ctx context.Context, path string) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://toy.example"+path, nil)
	if err != nil {
		return nil, err
	}
	r, err := s.h.HTTP().Do(q)
	if err != nil {
		return nil, err
	}
	return r, r.Body.Close()
}

func (s rich) Fetch(ctx context.Context, p timeline.Part, _ int64) (io.ReadCloser, error) {
	if p.Retention != timeline.RetainStore && p.Retention != "" && !s.f.fetchesNever {
		return nil, &channels.Failure{Class: channels.Permanent, Advice: "not to be kept"}
	}
	_, err := s.far(ctx, "/fetch")
	return io.NopCloser(strings.NewReader("x")), err
}

func (s rich) Plan(o timeline.Outbound) ([]channels.Step, error) {
	if m := o.Moderation; m != nil && (s.f.allModeration || o.Place == "comment" && !s.f.noModeration && m.Action != timeline.ModerateUnhide) {
		return []channels.Step{{Kind: m.Action}}, nil
	}
	return s.toy.Plan(o)
}

func (s rich) Do(ctx context.Context, st channels.Step) channels.Result {
	r, err := s.far(ctx, "/send")
	switch {
	case err != nil, r.StatusCode == http.StatusBadGateway && !s.f.doubtRejected:
		return channels.Result{Outcome: channels.Unsure, Failure: &channels.Failure{Class: channels.Transient, Advice: "ask"}}
	case r.StatusCode == http.StatusOK:
		return channels.Result{Outcome: channels.Accepted}
	}
	f := &channels.Failure{Class: channels.BadContent, Code: "100", Said: "too odd", Advice: "write it differently"}
	if s.f.codeLost {
		f.Code = ""
	}
	return channels.Result{Outcome: channels.Rejected, Failure: f}
}

// starting may write first.
type starting struct{ rich }

func (s starting) Start(to, about, id string) (timeline.Inbound, error) {
	if !s.f.startTakesAll && (strings.Trim(to, " \x00") == "" || len(to) > 100) {
		return timeline.Inbound{}, &channels.Failure{Class: channels.Unreachable, Advice: "that is no address"}
	}
	if s.f.startDraws {
		id = strconv.FormatInt(rand.Int64(), 10)
	}
	in := timeline.Inbound{About: about, Peer: timeline.Identity{Account: s.a.ID, Scheme: "toy", Value: to}}
	in.Event.Thread = timeline.Thread{Account: s.a.ID, ID: timeline.ThreadID(id)}
	if s.f.startsNowhere {
		in.Place = "comment"
	}
	return in, nil
}

func (f flaw) open(a channels.Account, h channels.Host) (channels.Session, error) {
	a.Previous = map[string]string{"secret": a.App["appSecret"+channels.Rotated]}
	settings := map[string]string{"secret": a.App["appSecret"], "days": a.Settings["days"]}
	a.Settings = settings
	s := rich{&toy{a: a, h: h}, f}
	if f.hidesStart {
		return s, nil
	}
	return starting{s}, nil
}

func (s rich) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	if c.Verified {
		c.Header = http.Header{"X-Sign": {sign(s.a.Settings["secret"], c.Body)}}
	}
	return s.toy.Decode(c)
}

func (f flaw) split(app map[string]string, c channels.Callback) ([]channels.Slice, channels.Answer, error) {
	given := c.Header.Get("X-Sign")
	now, was := app["appSecret"], app["appSecret"+channels.Rotated]
	good := now != "" && given == sign(now, c.Body) || was != "" && !f.splitForgets && given == sign(was, c.Body)
	if !good && !f.splitsAnything {
		return nil, channels.Answer{}, channels.ErrForged
	}
	if f.splitLoses {
		return nil, channels.Answer{}, nil
	}
	c.Verified = f.splitVouches
	if f.splitDraws {
		c.Path = strconv.FormatInt(rand.Int64(), 10)
	}
	return []channels.Slice{{Account: "test-handle", Callback: c}}, channels.Answer{}, nil
}

func (f flaw) way() channels.Connect {
	needs := []string{"appSecret"}
	if f.connectNeeds {
		needs = []string{"appSecrt"}
	}
	return channels.Connect{Name: "toy", Label: text("Sign in", "登录"), Needs: needs,
		Begin: func(app map[string]string, redirect, state string) (string, error) {
			q := url.Values{"redirect_uri": {redirect}, "state": {state}}
			if f.connectDropsState {
				q.Del("state")
			}
			if f.connectShows {
				q.Set("secret", app["appSecret"])
			}
			return "https://toy.example/authorize?" + q.Encode(), nil
		},
		Finish: func(ctx context.Context, h *http.Client, _ map[string]string, q map[string][]string, _ string) ([]channels.Found, error) {
			if len(q["code"]) == 0 && !f.connectTakesRefusal {
				return nil, &channels.Problem{Status: 422, Title: "You did not let the hub in", Detail: "Try again."}
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://toy.example/token", nil)
			if err != nil {
				return nil, err
			}
			if len(q["code"]) > 0 {
				resp, err := h.Do(r)
				if err != nil {
					return nil, err
				}
				defer resp.Body.Close()
			}
			return []channels.Found{{Name: "Shop", Handle: "shop"}}, nil
		}}
}

// richHarness has every new power; f breaks one.
func richHarness(f flaw) Harness {
	h := harness(breakage{})
	c := &h.Channel
	c.App = []channels.Setting{{Name: "appSecret", Kind: "secret", Label: text("App secret", "应用密钥")}}
	c.Settings = []channels.Setting{{Name: "token", Kind: "secret", Label: text("Token", "令牌")}, {Name: "days", Kind: "number", Default: "20", Label: text("Days", "天")}}
	c.Can.Typing, c.Can.Starts = channels.Ways{}, true
	day := channels.WindowRule{Name: "day", Opens: []string{"comment"}, For: 24 * time.Hour, Max: 1}
	place := channels.Capabilities{Public: true, Moderation: []string{timeline.ModerateHide, timeline.ModerateDelete}, Windows: []channels.WindowRule{day}}
	switch {
	case f.placeWindow:
		place.Windows[0].For = 0
	case f.sameWindow:
		place.Windows = append(place.Windows, day)
	case f.unlabelled:
		place.Windows[0].Label = map[string]string{"en": "Day"}
	case f.oddModeration:
		place.Moderation = append(place.Moderation, "burn")
	}
	c.Places = map[string]channels.Capabilities{"comment": place}
	c.Connect = []channels.Connect{f.way()}
	c.Open, c.Split = f.open, f.split
	h.App = map[string]string{"appSecret": "canary-app-0123456789-secret"}
	h.Settings = map[string]string{"token": "canary-token-0123456789"}
	h.Sign = func(s map[string]string, b []byte) channels.Callback {
		return channels.Callback{Method: "POST", Body: bytes.Clone(b), Header: http.Header{"X-Sign": {sign(s["appSecret"], b)}}}
	}
	h.Failures = nil
	h.Errors = []Recorded{{Name: "odd", Status: 400, Body: `{}`, Class: channels.BadContent, Code: "100", Said: "too odd"},
		{Name: "took it and failed", Status: 502, Outcome: channels.Unsure}}
	h.StartTo = "maya"
	h.Renewal = &Renewal{Renews: func(*Request) Reply { return Reply{} }, Refuses: func(*Request) Reply { return Reply{Status: 401} }}
	return h
}

func TestRichAdapterPasses(t *testing.T) { Run(t, richHarness(flaw{})) }

func TestFlawsAreCaught(t *testing.T) {
	for name, c := range map[string]struct {
		check string
		f     flaw
	}{
		"split_takes_anything":          {"C2", flaw{splitsAnything: true}},
		"split_forgets_rotated_secrets": {"C2", flaw{splitForgets: true}},
		"split_draws":                   {"C3", flaw{splitDraws: true}},
		"split_vouches_for_itself":      {"C3", flaw{splitVouches: true}},
		"split_loses_events":            {"C3", flaw{splitLoses: true}},
		"code_is_lost":                  {"C10", flaw{codeLost: true}},
		"doubt_is_rejected":             {"C10", flaw{doubtRejected: true}},
		"window_without_end_in_a_place": {"C13", flaw{placeWindow: true}},
		"two_windows_of_one_name":       {"C13", flaw{sameWindow: true}},
		"window_not_in_chinese":         {"C13", flaw{unlabelled: true}},
		"renewed_and_due_at_once":       {"C14", flaw{neverDue: true}},
		"due_by_another_clock":          {"C14", flaw{clockDue: true}},
		"refusal_is_tried_again":        {"C14", flaw{refusalIsDoubt: true}},
		"lost_answer_is_a_refusal":      {"C14", flaw{doubtIsRefusal: true}},
		"renews_a_strange_setting":      {"C14", flaw{strangeSetting: true}},
		"fetches_what_must_not_be_kept": {"C15", flaw{fetchesNever: true}},
		"moderation_of_no_sort":         {"C17", flaw{oddModeration: true}},
		"moderation_only_declared":      {"C17", flaw{noModeration: true}},
		"moderates_everywhere":          {"C17", flaw{allModeration: true}},
		"starting_only_declared":        {"C17", flaw{hidesStart: true}},
		"starts_where_it_may_not":       {"C17", flaw{startsNowhere: true}},
		"start_draws":                   {"C17", flaw{startDraws: true}},
		"start_takes_any_address":       {"C17", flaw{startTakesAll: true}},
		"connect_needs_what_is_not":     {"C17", flaw{connectNeeds: true}},
		"connect_drops_the_state":       {"C17", flaw{connectDropsState: true}},
		"connect_without_leave":         {"C17", flaw{connectTakesRefusal: true}},
		"connect_shows_a_secret":        {"C17", flaw{connectShows: true}},
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(checks, func(k check) bool { return k.name == c.check })
			if p := examine(richHarness(c.f), checks[i]); len(p.failed) == 0 {
				t.Errorf("%s did not notice (skipped: %q)", c.check, p.skipped)
			}
		})
	}
}

// TestOrdersAreAll: every order of four is met, once.
func TestOrdersAreAll(t *testing.T) {
	seen := map[string]bool{}
	orders([]string{"a", "b", "c", "d"}, 4, func(o []string) { seen[strings.Join(o, "")] = true })
	if len(seen) != 24 {
		t.Errorf("%d orders", len(seen))
	}
}

func FuzzToy(f *testing.F)  { FuzzDecode(f, harness(breakage{})) }
func FuzzRich(f *testing.F) { FuzzDecode(f, richHarness(flaw{})) }
