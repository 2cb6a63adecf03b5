package instagram

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

func TestSignaturesAsRecorded(t *testing.T) {
	dir := fixtures(t)
	tsv, err := os.ReadFile(filepath.Join(dir, "SIGNATURES.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(tsv)) {
		name, sig, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			continue
		}
		n++
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		c := channels.Callback{Method: http.MethodPost, Header: http.Header{meta.SignatureHeader: {sig}}, Body: body}
		if _, _, err := Channel.Split(appValues(), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// ig_sig_escaped_unicode: the same, serialised anew, is another body.
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		if again := metatest.JSON(t, v); again != string(body) {
			c.Body = []byte(again)
			if _, _, err := Channel.Split(appValues(), c); !errors.Is(err, channels.ErrForged) {
				t.Errorf("%s, serialised anew: %v", name, err)
			}
		}
	}
	if n < 49 {
		t.Errorf("%d signatures", n)
	}
}

func TestSplitRoutes(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []timeline.Handle
	}{
		"a message to us":                          {theItem(`"message":{"mid":"m","text":"x"}`), []timeline.Handle{me}},
		"an echo of ours":                          {theEcho(`"message":{"mid":"m","text":"x","is_echo":true}`), []timeline.Handle{me}},
		"postback whose entry is the person":       {`{"object":"instagram","entry":[{"id":"` + maya + `","messaging":[{"sender":{"id":"` + maya + `"},"recipient":{"id":"` + me + `"},"postback":{"title":"x"}}]}]}`, []timeline.Handle{me}},
		"a comment":                                {theChange("comments", `{"id":"1"}`), []timeline.Handle{me}},
		"two accounts in one entry":                {`{"object":"instagram","entry":[{"id":"` + me + `","messaging":[{"recipient":{"id":"` + me + `"}},{"recipient":{"id":"` + other + `"}}]}]}`, []timeline.Handle{me, other}},
		"poison goes by its entry":                 {`{"object":"instagram","entry":[{"id":"` + me + `","messaging":[{"sender":null,"recipient":7.5,"message":[]}]}]}`, []timeline.Handle{me}},
		"object page: not ours":                    {`{"object":"page","entry":[{"id":"1","messaging":[{}]}]}`, nil},
		"object whatsapp: not ours":                {`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{}}]}]}`, nil},
		"an object nobody knows":                   {`{"object":"hologram","entry":[{"id":"1"}]}`, nil},
		"unknown_top_level_event":                  {`{"object":"instagram","entry":[{"id":"` + me + `","hologram":[{}]}]}`, []timeline.Handle{me}},
		"dashboard_test_event: about none of ours": {`{"object":"instagram","entry":[{"id":"0","changes":[{"field":"messages","value":{"recipient":{"id":"23245"}}}]}]}`, []timeline.Handle{""}},
	} {
		t.Run(name, func(t *testing.T) {
			ss, a, err := Channel.Split(appValues(), metatest.Signed(secret, c.body))
			var got []timeline.Handle
			for _, s := range ss {
				got = append(got, s.Account)
			}
			if err != nil || a.Status != 0 || !slices.Equal(got, c.want) {
				t.Errorf("%q %v %v", got, a, err)
			}
		})
	}
}

func TestAppSecrets(t *testing.T) {
	body := theItem(`"message":{"mid":"m","text":"x"}`)
	for name, app := range map[string]map[string]string{
		"the app's":              {"appSecret": secret},
		"the Instagram app's":    {"instagramAppSecret": secret},
		"the old one, beside":    {"appSecret": "new\n" + secret},
		"the old one, kept":      {"appSecret": "new", "appSecret" + channels.Rotated: secret},
		"the other old one kept": {"appSecret": "x", "instagramAppSecret": "new", "instagramAppSecret" + channels.Rotated: secret},
	} {
		if _, _, err := Channel.Split(app, metatest.Signed(secret, body)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var p *channels.Problem
	if _, _, err := Channel.Split(map[string]string{}, metatest.Signed(secret, body)); !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
		t.Errorf("no secret: %v", err)
	}
}

func TestDifferentPage(t *testing.T) {
	hub := channeltest.NewHub()
	s := opened(t, hub)
	for range 3 {
		if in := took(t, s, strings.ReplaceAll(theItem(`"message":{"mid":"m","text":"x"}`), me, other)); len(in) != 0 {
			t.Fatal(briefs(in))
		}
	}
	if n := strings.Count(hub.Logged(), "another account"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	if strings.Contains(hub.Logged(), other) {
		t.Error("the log holds what came")
	}
}

func TestNoOracle(t *testing.T) {
	hub := channeltest.NewHub()
	s := opened(t, hub).(channels.Decoder)
	c := metatest.Signed(secret, theItem(`"message":{"mid":"m","text":"canary-words"}`))
	want := c.Header.Get(meta.SignatureHeader)
	c.Header = http.Header{meta.SignatureHeader: {"sha256=" + strings.Repeat("0", 64)}}
	in, a, err := s.Decode(c)
	_, b, err2 := Channel.Split(appValues(), c)
	all := string(a.Body) + string(b.Body) + err.Error() + err2.Error() + hub.Logged()
	if len(in) > 0 || !errors.Is(err, channels.ErrForged) || !errors.Is(err2, channels.ErrForged) {
		t.Error(in, err, err2)
	}
	for _, hidden := range []string{want[7:], secret, "canary-words"} {
		if strings.Contains(all, hidden) {
			t.Errorf("%q is told", hidden)
		}
	}
}

func TestBatchMixed(t *testing.T) {
	ss, _, err := Channel.Split(appValues(), metatest.Signed(secret, string(recorded(t)["batch_mixed_3_entries_5_events"])))
	if err != nil || len(ss) != 2 {
		t.Fatal(len(ss), err)
	}
	want := map[timeline.Handle][]string{me: {"message in 1", "receipt internal m0 read", "message in 2", "reaction in m1 ❤️"}, other: {"message in other account"}}
	for _, part := range ss {
		s := opened(t, channeltest.NewHub(), "id", string(part.Account))
		part.Verified = true
		in, _, err := s.(channels.Decoder).Decode(part.Callback)
		if err != nil || !slices.Equal(briefs(in), want[part.Account]) {
			t.Errorf("%s: %q %v", part.Account, briefs(in), err)
		}
	}
}

func TestVerifyAtTheDoor(t *testing.T) {
	ss, a, err := Channel.Split(appValues(), asked("subscribe", "canary-verify-token"))
	if err != nil || ss != nil || string(a.Body) != "1158201444" {
		t.Errorf("%q %v", a.Body, err)
	}
	for name, c := range map[string]channels.Callback{"ig_verify_wrong_token": asked("subscribe", "no"), "ig_verify_mode_unsubscribe": asked("unsubscribe", "canary-verify-token")} {
		var p *channels.Problem
		if _, a, err := Channel.Split(appValues(), c); !errors.As(err, &p) || p.Status != http.StatusForbidden || len(a.Body) > 0 {
			t.Errorf("%s: %q %v", name, a.Body, err)
		}
	}
}
