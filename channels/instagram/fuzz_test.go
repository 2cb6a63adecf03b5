package instagram

import (
	"encoding/json"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

// sound fails where an event could not be recorded.
func sound(t *testing.T, in []timeline.Inbound) {
	seen := map[timeline.EventID]bool{}
	for _, i := range in {
		e := i.Event
		if e.ID == "" || seen[e.ID] || e.Thread.ID == "" || e.Thread.Account != channeltest.Account || i.Peer.Value == "" || e.Direction == "" || e.Actor.Kind == "" {
			t.Fatalf("%+v", i)
		}
		seen[e.ID] = true
		if _, err := json.Marshal(i); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzDecode: no body of any sort panics, is torn, or becomes what cannot be recorded; what is
// JSON and ours is never dropped.
func FuzzDecode(f *testing.F) {
	for _, b := range recorded(f) {
		f.Add(b)
	}
	s := opened(f, channeltest.NewHub()).(channels.Decoder)
	f.Fuzz(func(t *testing.T, body []byte) {
		in, _, err := s.Decode(metatest.Signed(secret, string(body)))
		if err != nil && json.Valid(body) {
			t.Fatal(err)
		}
		sound(t, in)
	})
}

// FuzzSplit: every slice is read by its account, and twice the same.
func FuzzSplit(f *testing.F) {
	for _, b := range recorded(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ss, _, err := Channel.Split(appValues(), metatest.Signed(secret, string(body)))
		if err != nil {
			return
		}
		for _, part := range ss {
			handle := part.Account
			if !meta.Digits(string(handle)) {
				continue
			}
			v := accountValues("id", string(handle))
			s, err := Channel.Open(channels.Account{ID: channeltest.Account, Handle: handle, Settings: v, App: appValues()}, channeltest.NewHub())
			if err != nil {
				t.Fatal(err)
			}
			part.Verified = true
			in, _, err := s.(channels.Decoder).Decode(part.Callback)
			again, _, _ := s.(channels.Decoder).Decode(part.Callback)
			if err != nil || len(again) != len(in) {
				t.Fatal(len(in), len(again), err)
			}
			sound(t, in)
		}
	})
}

// FuzzPlan: whatever text is sent in pieces that fit and are the text.
func FuzzPlan(f *testing.F) {
	f.Add("hello", false)
	f.Add("👩‍👩‍👧 您好 é", true)
	s := opened(f, channeltest.NewHub()).(channels.Planner)
	f.Fuzz(func(t *testing.T, text string, link bool) {
		o := toMaya(text)
		if link {
			o.Message.Buttons = []timeline.Button{{Kind: "link", Title: "x", Value: "https://x.example"}}
		}
		steps, err := s.Plan(o)
		if err != nil {
			return
		}
		whole := ""
		for _, st := range steps {
			if len(st.Text) > maxText || st.Text == "" {
				t.Fatalf("a piece has %d bytes", len(st.Text))
			}
			whole += st.Text
		}
		if whole != text {
			t.Fatalf("%q became %q", text, whole)
		}
	})
}

// BenchmarkTake measures what one callback with one event costs: its signature, cutting and
// decoding.
func BenchmarkTake(b *testing.B) {
	body := recorded(b)["message_text"]
	for name, body := range map[string][]byte{"message_text": body, "referral": recorded(b)["message_referral_ctd_ad"]} {
		b.Run(name, func(b *testing.B) {
			s := opened(b, channeltest.NewHub()).(channels.Decoder)
			c, app := metatest.Signed(secret, string(body)), appValues()
			b.ReportAllocs()
			for b.Loop() {
				ss, _, err := Channel.Split(app, c)
				if err != nil || len(ss) != 1 {
					b.Fatal(err)
				}
				ss[0].Verified = true
				if in, _, err := s.Decode(ss[0].Callback); err != nil || len(in) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
}
