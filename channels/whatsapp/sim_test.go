package whatsapp

import (
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

type m = metatest.M

// simulated is a number on the simulator, subscribed, with one approved template.
func simulated(t *testing.T, more ...string) (*metatest.Rig, channels.Session) {
	t.Helper()
	r := metatest.Start(t, "../instagram/metasim", &Channel, channeltest.NewHub(), func(url string) map[string]string {
		return map[string]string{"appId": "4242", "appSecret": secret, "verifyToken": "canary-verify-token", "graph": url + "/graph.facebook.com"}
	})
	r.Control("POST", "/apps", m{"id": "4242", "name": "Hub", "secret": secret, "require_proof": true}, nil)
	var made struct {
		Phone  string `json:"phone_id"`
		WABA   string `json:"waba_id"`
		Tokens struct {
			System string `json:"system"`
		} `json:"tokens"`
	}
	r.Control("POST", "/accounts", m{"username": "moss.and.clay", "name": "Moss & Clay", "phone_id": "auto"}, &made)
	r.Control("PATCH", "/accounts/moss.and.clay", m{"templates": []m{{"name": "parcel", "language": "en", "params": 1}}}, nil)
	r.Control("POST", "/people", m{"key": "maya", "name": "Maya", "wa_id": "436601234567"}, nil)
	r.Control("POST", "/people", m{"key": "bo", "name": "Bo", "bsuid": mayaUser}, nil)
	v := accountValues(append([]string{"phoneNumberId", made.Phone, "businessId", made.WABA, "accessToken", made.Tokens.System, "templates", "parcel|en|Your parcel {{1}} is on its way."}, more...)...)
	s := r.Open(channels.Account{ID: channeltest.Account, Handle: timeline.Handle(made.Phone), Settings: v})
	if changed, err := s.(channels.Subscriber).EnsureSubscribed(t.Context()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := s.(channels.Subscriber).EnsureSubscribed(t.Context()); err != nil || changed {
		t.Fatal("asked once more, it subscribed again:", changed, err)
	}
	return r, s
}

func isText(text string) func(timeline.Inbound) bool {
	return func(in timeline.Inbound) bool { return in.Event.Message != nil && in.Event.Message.Text == text }
}

func say(r *metatest.Rig, person, text string) {
	r.Control("POST", "/act", m{"do": "dm", "person": person, "surface": "whatsapp", "text": text}, nil)
}

func isState(remote timeline.RemoteID, state timeline.DeliveryState) func(timeline.Inbound) bool {
	return func(in timeline.Inbound) bool {
		return in.Event.Receipt != nil && in.Event.Receipt.Of.Remote == remote && in.Event.Receipt.State == state
	}
}

// A message is answered, with its statuses in any order; by number and by id alone.
func TestSimAnswers(t *testing.T) {
	r, s := simulated(t)
	r.Control("PATCH", "/settings", m{"delivery": m{"duplicate": 40, "reorder": 40, "batch": 5, "batch_wait_ms": 5}}, nil)
	for _, person := range []string{"maya", "bo"} {
		say(r, person, "hello from "+person)
		in := r.Until("the message", isText("hello from "+person))
		if err := s.(channels.Typist).Typing(t.Context(), in.Event.Thread, in.To, true); err != nil {
			t.Error(err)
		}
		res := r.Do(s, r.Answer(in, "hi "+person))[0]
		if res.Outcome != channels.Accepted {
			t.Fatal(res.Failure)
		}
		for _, state := range []timeline.DeliveryState{timeline.Sent, timeline.Delivered} {
			if got := r.Until("its status", isState(res.Remote, state)); got.Event.Thread != in.Event.Thread {
				t.Errorf("%s came on %s", state, got.Event.Thread.ID)
			}
		}
		r.Control("POST", "/act", m{"do": "read", "person": person, "surface": "whatsapp"}, nil)
		r.Until("that it was read", isState(res.Remote, timeline.Read))
	}
}

// After a day a template goes, and nothing else; a plain text that goes all the same fails.
func TestSimTemplates(t *testing.T) {
	r, s := simulated(t)
	say(r, "maya", "hello")
	in := r.Until("her message", isText("hello"))
	r.Pass(25 * time.Hour)
	if res := r.Do(s, r.Answer(in, "Your parcel 4711 is on its way."))[0]; res.Outcome != channels.Accepted {
		t.Fatal(res.Failure)
	}
	metatest.RefusedAs(t, s, r.Answer(in, "any news?"), channels.WindowClosed, "parcel")
	o := r.Answer(in, "any news?")
	o.Opened[openMessage] = timeline.Window{At: r.Now()} // as if we believed it to be open
	res := r.Do(s, o)[0]
	if res.Outcome != channels.Accepted {
		t.Fatal(res.Failure) // the far side takes it, and tells by a status that it went nowhere
	}
	if f := r.Until("that it failed", isState(res.Remote, timeline.Failed)).Event.Receipt.Failure; f == nil || f.Code != "131047" || f.Class != string(channels.WindowClosed) {
		t.Errorf("%+v", f)
	}
}

// Writing first goes by template.
func TestSimStart(t *testing.T) {
	r, s := simulated(t)
	in, err := s.(channels.Starter).Start("+43 660 1234567", "", "id")
	if err != nil {
		t.Fatal(err)
	}
	in.Event.At = r.Now()
	if res := r.Do(s, r.Answer(in, "Your parcel 1 is on its way."))[0]; res.Outcome != channels.Accepted {
		t.Error(res.Failure)
	}
}

// A file is handed over, or fetched from us; the person's can be fetched by its name.
func TestSimFiles(t *testing.T) {
	for _, way := range []string{byUpload, byLink} {
		t.Run(way, func(t *testing.T) {
			r, s := simulated(t, "media", way)
			r.Control("POST", "/act", m{"do": "dm", "person": "maya", "surface": "whatsapp", "text": "this one", "attachments": []m{{"type": "image"}}}, nil)
			in := r.Until("her picture", func(i timeline.Inbound) bool { return i.Event.Message != nil && len(i.Event.Message.Parts) == 1 })
			body, err := s.(channels.Fetcher).Fetch(t.Context(), in.Event.Message.Parts[0], 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.Files().Put(t.Context(), "a.png", body, 1<<20)
			if err != nil || body.Close() != nil || p.Kind != timeline.PartImage || in.Event.Message.Text != "this one" {
				t.Fatalf("%+v %v", p, err)
			}
			o := r.Answer(in, "like this?")
			o.Message.Parts = []timeline.Part{p}
			if res := r.Do(s, o); len(res) != 1 || res[0].Outcome != channels.Accepted {
				t.Errorf("%+v", res)
			}
		})
	}
}
