package channeltest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// breakage is one way in which the toy adapter can be wrong.
type breakage struct {
	anySignature, oracle, noRotation, panics, dropsOdd, drawsIDs, usesClock, remembers, oneIDForAll, impurePlan, tearsText, overLimit, losesText bool
	serverPanics, serverFails                                                                                                                    bool
	wrongClass, doubtIsSent, retries, openWindow, keepsNever, showsSecret, logsSecret, hidesTyping, leaks, fat, noChinese, takesEdits, localTime bool
}

const limit = 40

// toy is a whole small adapter, broken as asked.
type toy struct {
	b     breakage
	a     channels.Account
	h     channels.Host
	seen  int
	stuff []byte
}

type body struct {
	ID   string `json:"id"`
	From string `json:"from"`
	Text string `json:"text"`
	Type string `json:"type"`
	URL  string `json:"url"`
	At   int64  `json:"at"`
}

func sign(secret string, b []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(b)
	return hex.EncodeToString(m.Sum(nil))
}

func (s *toy) Close() error { return nil }

func (s *toy) verify(c channels.Callback) error {
	given := c.Header.Get("X-Sign")
	all := []string{s.a.Settings["secret"]}
	if p := s.a.Previous["secret"]; p != "" && !s.b.noRotation {
		all = append(all, p)
	}
	for _, k := range all {
		if s.b.anySignature || hmac.Equal([]byte(given), []byte(sign(k, c.Body))) {
			return nil
		}
	}
	if s.b.oracle {
		return fmt.Errorf("%w: key %s", channels.ErrForged, s.a.Settings["secret"])
	}
	return channels.ErrForged
}

func (s *toy) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	if err := s.verify(c); err != nil {
		return nil, channels.Answer{}, err
	}
	var m body
	if err := json.Unmarshal(c.Body, &m); err != nil {
		if s.b.panics {
			panic(err)
		}
		return nil, channels.Answer{}, &channels.Problem{Status: 400, Title: "unreadable", Detail: "send JSON"}
	}
	if m.ID == "" || m.From == "" {
		m.ID, m.From = sign("", c.Body)[:12], "unknown"
	}
	id := m.ID
	switch {
	case s.b.drawsIDs:
		id = fmt.Sprint(rand.Int64())
	case s.b.oneIDForAll:
		id = "same"
	}
	s.seen++
	at := time.UnixMilli(m.At).UTC()
	if s.b.usesClock {
		at = s.h.Now()
	}
	if s.b.localTime {
		at = at.In(time.FixedZone("x", 3600))
	}
	e := timeline.Event{ID: timeline.DeriveID(s.a.ID, "msg:"+id), Kind: timeline.KindMessage, Thread: timeline.Thread{Account: s.a.ID, ID: timeline.ThreadID(m.From)},
		Direction: timeline.In, Actor: timeline.Actor{Kind: timeline.ActorCustomer}, At: at}
	switch m.Type {
	case "text":
		e.Message = &timeline.Message{Text: m.Text}
		if s.b.remembers {
			e.Message.Text += fmt.Sprint(s.seen)
		}
		if s.b.showsSecret {
			e.Message.Text += s.a.Settings["secret"]
		}
	case "gone":
		p := timeline.Part{Kind: timeline.PartImage, Retention: timeline.RetainNever}
		if s.b.keepsNever {
			p.URL = m.URL
		}
		e.Message = &timeline.Message{Parts: []timeline.Part{p}}
	default:
		if s.b.dropsOdd {
			return nil, channels.Answer{}, nil
		}
		e.Kind, e.Unknown = timeline.KindUnknown, &timeline.Unknown{Type: m.Type}
	}
	return []timeline.Inbound{{Event: e, Peer: timeline.Identity{Account: s.a.ID, Scheme: "toy", Value: m.From}}}, channels.Answer{}, nil
}

func (s *toy) Plan(o timeline.Outbound) ([]channels.Step, error) {
	if o.Edit != nil && s.b.takesEdits {
		return []channels.Step{{Kind: "edit"}}, nil
	}
	if o.Message == nil {
		return nil, &channels.Failure{Class: channels.BadContent, Advice: "only messages"}
	}
	max := limit
	if s.b.overLimit {
		max++
	}
	var out []channels.Step
	for rest := o.Message.Text; rest != ""; {
		n := min(max, len(rest))
		if !s.b.tearsText {
			n = whole(rest, n)
		}
		st := channels.Step{Kind: "send", Text: rest[:n]}
		if s.b.impurePlan {
			st.Data = map[string]string{"n": fmt.Sprint(rand.Int64())}
		}
		if out = append(out, st); s.b.losesText {
			break
		}
		rest = rest[n:]
	}
	return out, nil
}

// whole is how many of at most n bytes are whole characters, joined ones kept together.
func whole(s string, n int) int {
	const joiner, variant = '\u200d', '\ufe0f'
	total, last := 0, rune(0)
	for i, r := range s {
		if i > n {
			break
		}
		if last != joiner && r != joiner && r != variant {
			total = i
		}
		last = r
	}
	if len(s) <= n {
		return len(s)
	}
	if total == 0 {
		_, total = utf8.DecodeRuneInString(s)
	}
	return total
}

func (s *toy) Do(ctx context.Context, st channels.Step) channels.Result {
	if s.b.logsSecret {
		s.h.Log().Info("calling", "token", s.a.Settings["secret"])
	}
	tries := 1
	if s.b.retries {
		tries = 2
	}
	var err error
	for range tries {
		var q *http.Request
		if q, err = http.NewRequestWithContext(ctx, http.MethodPost, "https://toy.example/send", strings.NewReader(st.Text)); err != nil {
			break
		}
		var resp *http.Response
		if resp, err = s.h.HTTP().Do(q); err == nil {
			resp.Body.Close()
			return s.result(resp.StatusCode)
		}
	}
	if s.b.doubtIsSent {
		return channels.Result{Outcome: channels.Accepted}
	}
	return channels.Result{Outcome: channels.Unsure, Failure: &channels.Failure{Class: channels.Transient, Advice: "ask", Err: errors.New("no answer")}}
}

func (s *toy) result(status int) channels.Result {
	class := map[int]channels.Class{200: "", 401: channels.AuthExpired, 429: channels.RateLimited, 400: channels.BadContent}[status]
	if class == "" {
		return channels.Result{Outcome: channels.Accepted, Remote: "r1"}
	}
	if s.b.wrongClass {
		class = channels.Permanent
	}
	return channels.Result{Outcome: channels.Rejected, Failure: &channels.Failure{Class: class, Advice: "do something", After: time.Minute}}
}

type typing struct{ *toy }

// Serve answers as an adapter with a page of its own would.
func (s typing) Serve(_ context.Context, r channels.Request) channels.Response {
	var m body
	err := json.Unmarshal(r.Body, &m)
	switch {
	case err != nil && s.b.serverPanics:
		panic(err)
	case err != nil && s.b.serverFails:
		return channels.Response{Status: http.StatusInternalServerError}
	case err != nil:
		return channels.Response{Status: http.StatusBadRequest}
	}
	return channels.Response{}
}

func (typing) Typing(context.Context, timeline.Thread, timeline.Handle, bool) error { return nil }

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

func harness(b breakage) Harness {
	c := channels.Channel{Kind: "toy", Title: text("Toy", "玩具"), Icon: "box", Hue: 10,
		Settings: []channels.Setting{{Name: "secret", Kind: "secret", Label: text("Secret", "密钥")}},
		Can: channels.Capabilities{Text: channels.TextLimit{Max: limit, Unit: "bytes"}, Typing: channels.Ways{Out: true},
			Windows: []channels.WindowRule{{Name: "day", Opens: []string{"message"}, For: 24 * time.Hour}}},
		Open: func(a channels.Account, h channels.Host) (channels.Session, error) {
			s := &toy{b: b, a: a, h: h}
			if b.leaks {
				go func() { time.Sleep(20 * time.Second) }()
			}
			if b.fat {
				s.stuff = bytes.Repeat([]byte("x"), 256<<10)
			}
			if b.hidesTyping {
				return s, nil
			}
			return typing{s}, nil
		}}
	if b.noChinese {
		c.Title = map[string]string{"en": "Toy"}
	}
	if b.openWindow {
		c.Can.Windows[0].For = 0
	}
	status := func(n int) Transport { return func(*Request) Reply { return Reply{Status: n} } }
	return Harness{Channel: c, Settings: map[string]string{"secret": "canary-0123456789-secret"},
		Sign: func(s map[string]string, b []byte) channels.Callback {
			return channels.Callback{Method: "POST", Body: b, Header: http.Header{"X-Sign": {sign(s["secret"], b)}}}
		},
		Samples: map[string][]byte{
			"text":  []byte(`{"id":"1","from":"p","type":"text","text":"hi","at":1700000000000}`),
			"text2": []byte(`{"id":"2","from":"p","type":"text","text":"ho","at":1700000001000}`),
			"gone":  []byte(`{"id":"3","from":"p","type":"gone","url":"https://x.example/1","at":1700000002000}`),
			"odd":   []byte(`{"id":"4","from":"p","type":"hologram","at":1700000003000}`)},
		Odd:      []string{"odd"},
		Failures: []Failure{{"expired", status(401), channels.AuthExpired}, {"limited", status(429), channels.RateLimited}, {"bad", status(400), channels.BadContent}},
		Lost:     func(*Request) Reply { return Reply{Err: errors.New("reset")} }}
}

func TestGoodAdapterPasses(t *testing.T) { Run(t, harness(breakage{})) }

func TestMutantsAreCaught(t *testing.T) {
	cases := []struct {
		name  string
		check string
		b     breakage
	}{
		{"any_signature", "C2", breakage{anySignature: true}},
		{"refusal_shows_the_key", "C2", breakage{oracle: true}},
		{"rotated_secret_forgotten", "C2", breakage{noRotation: true}},
		{"panics_on_garbage", "C3", breakage{panics: true}},
		{"server_panics_on_garbage", "C3", breakage{serverPanics: true}},
		{"server_fails_on_garbage", "C3", breakage{serverFails: true}},
		{"drops_the_unknown", "C4", breakage{dropsOdd: true}},
		{"reads_the_clock", "C4", breakage{usesClock: true}},
		{"local_time", "C4", breakage{localTime: true}},
		{"draws_ids", "C5", breakage{drawsIDs: true}},
		{"one_id_for_all", "C5", breakage{oneIDForAll: true}},
		{"remembers_earlier_ones", "C6", breakage{remembers: true}},
		{"replay_differs", "C7", breakage{remembers: true}},
		{"plan_draws", "C9", breakage{impurePlan: true}},
		{"plan_tears_characters", "C9", breakage{tearsText: true}},
		{"plan_over_the_limit", "C9", breakage{overLimit: true}},
		{"plan_loses_text", "C9", breakage{losesText: true}},
		{"every_failure_is_permanent", "C10", breakage{wrongClass: true}},
		{"doubt_is_called_sent", "C11", breakage{doubtIsSent: true}},
		{"calls_again_by_itself", "C11", breakage{retries: true}},
		{"window_without_end", "C13", breakage{openWindow: true}},
		{"keeps_what_must_go", "C15", breakage{keepsNever: true}},
		{"secret_in_an_event", "C16", breakage{showsSecret: true}},
		{"secret_in_the_log", "C16", breakage{logsSecret: true}},
		{"typing_only_declared", "C17", breakage{hidesTyping: true}},
		{"takes_undeclared_edits", "C17", breakage{takesEdits: true}},
		{"leaks_a_goroutine", "C18", breakage{leaks: true}},
		{"fat_account", "C19", breakage{fat: true}},
		{"not_in_chinese", "C20", breakage{noChinese: true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			i := slices.IndexFunc(checks, func(k check) bool { return k.name == c.check })
			if p := examine(harness(c.b), checks[i]); len(p.failed) == 0 {
				t.Errorf("%s did not notice (skipped: %q)", c.check, p.skipped)
			}
		})
	}
}

func TestSkipsAreSeen(t *testing.T) {
	r := Examine(harness(breakage{}))
	if got := fmt.Sprint(slices.Sorted(maps.Keys(r.Skipped))); got != "[C1 C12 C14 C8]" {
		t.Error("skipped:", got)
	}
	if len(r.Failed) != 0 {
		t.Error(r.Failed)
	}
}
