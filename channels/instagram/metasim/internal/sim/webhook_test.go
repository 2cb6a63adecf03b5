package sim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
)

func TestNothingBeforeTheHandshake(t *testing.T) {
	r := newRig(t)
	status, raw := r.raw("POST", "/_sim/apps/4242/webhook", m{"object": "instagram", "callback_url": r.hub.srv.URL, "verify_token": "wrong"}, "")
	if status != http.StatusBadRequest {
		t.Errorf("a refused handshake: %d %s", status, raw)
	}
	// The handshake as an app itself makes it.
	status, raw = r.raw("POST", fb+"/4242/subscriptions?access_token=4242%7C"+secret, m{"object": "instagram",
		"callback_url": r.hub.srv.URL, "verify_token": "verify", "fields": "comments"}, "")
	if status != 200 {
		t.Fatalf("subscriptions: %d %s", status, raw)
	}
	wrote(r)
	r.settle()
	if n := len(r.hub.all()); n != 0 {
		t.Errorf("%d bodies of a field that is not subscribed", n)
	}
}

func TestSubscriptionsDecide(t *testing.T) {
	r := newRig(t)
	if _, v := r.call("DELETE", ig+"/me/subscribed_apps", nil); v["success"] != true {
		t.Fatalf("unsubscribing: %v", v)
	}
	wrote(r)
	r.settle()
	if n := len(r.hub.all()); n != 0 {
		t.Errorf("%d bodies without a subscription", n)
	}
	if _, v := r.call("POST", ig+"/me/subscribed_apps?subscribed_fields=messages,comments", nil); v["success"] != true {
		t.Fatalf("subscribing: %v", v)
	}
	_, v := r.call("GET", ig+"/me/subscribed_apps", nil)
	if raw, _ := json.Marshal(v); !strings.Contains(string(raw), `"subscribed_fields":["messages","comments"]`) {
		t.Errorf("subscribed_apps: %s", raw)
	}
	d := r.act(m{"do": "dm", "person": "ana", "text": "again"})
	r.act(m{"do": "react", "message": d.Message})
	r.settle()
	if n := len(r.hub.all()); n != 1 {
		t.Errorf("%d bodies, subscribed only messages", n)
	}
}

func TestTwoLoginsTellTwice(t *testing.T) {
	r := newRig(t, "ig", "page")
	d := r.act(m{"do": "dm", "person": "ana", "text": "hi"})
	r.settle()
	if n := len(r.hub.with(d.Message)); n != 2 {
		t.Errorf("told %d times", n)
	}
}

func TestCommentShapes(t *testing.T) {
	for _, c := range []struct {
		name, comments, key, node string
		want                      []string
	}{
		{"as seen live", "changes", "id", "ig", []string{`"changes":[{"field":"comments","value":{"id":"`}},
		{"as documented", "flat", "id", "ig", []string{`,"field":"comments","value":{"id":"`}},
		{"both", "both", "id", "ig", []string{`,"field":"comments","value":{"id":"`, `"changes":[{"field":"comments","value":{"id":"`}},
		{"Facebook login", "flat", "id", "page", []string{`"changes":[{"field":"comments","value":{"id":"`}},
		{"Facebook login, other page", "flat", "comment_id", "page", []string{`"value":{"from":{"id":"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, c.node)
			r.set(m{"comments": c.comments, "comment_key": c.key})
			r.comment()
			r.settle()
			got := r.hub.all()
			if len(got) != len(c.want) {
				t.Fatalf("%d bodies", len(got))
			}
			for i, w := range c.want {
				if !strings.Contains(got[i], w) {
					t.Errorf("no %s in %s", w, got[i])
				}
			}
		})
	}
}

func TestBatches(t *testing.T) {
	r := newRig(t)
	r.set(m{"delivery": m{"batch": 1000}})
	r.control("POST", "/deliveries/pause", nil, nil)
	r.act(m{"do": "dm", "person": "ana", "text": "many", "times": 1000})
	r.control("POST", "/deliveries/resume", nil, nil)
	r.settle()
	got := r.hub.all()
	if len(got) != 1 || strings.Count(got[0], `"mid"`) != 1000 || r.hub.bad != 0 {
		t.Errorf("%d bodies, %d bad", len(got), r.hub.bad)
	}
}

func TestShuffleDuplicateReorder(t *testing.T) {
	r := newRig(t)
	r.control("POST", "/deliveries/pause", nil, nil)
	d := r.act(m{"do": "dm", "person": "ana", "text": "n", "times": 10})
	r.control("POST", "/deliveries/resume", m{"shuffle": true}, nil)
	r.settle()
	var order []string
	for _, b := range r.hub.all() {
		for _, id := range d.IDs {
			if strings.Contains(b, id) {
				order = append(order, id)
			}
		}
	}
	if len(order) != 10 || strings.Join(order, "") == strings.Join(d.IDs, "") {
		t.Errorf("%d delivered, shuffled: %v", len(order), strings.Join(order, "") != strings.Join(d.IDs, ""))
	}
	r.set(m{"delivery": m{"duplicate": 100}})
	twice := r.act(m{"do": "dm", "person": "ana", "text": "twice"})
	r.settle()
	if n := len(r.hub.with(twice.Message)); n != 2 {
		t.Errorf("delivered %d times", n)
	}
	r.set(m{"delivery": m{"duplicate": 0, "reorder": 100}})
	first := r.act(m{"do": "dm", "person": "ana", "text": "first"})
	second := r.act(m{"do": "dm", "person": "ana", "text": "second"})
	r.settle()
	all := strings.Join(r.hub.all(), "\n")
	if strings.Index(all, first.Message) < strings.Index(all, second.Message) {
		t.Error("nobody was overtaken")
	}
}

func TestRedelivery(t *testing.T) {
	r := newRig(t)
	r.hub.mu.Lock()
	r.hub.status = func(n int) int {
		if n < 4 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	r.hub.mu.Unlock()
	wrote(r)
	r.settle()
	r.planned(2) // the first retry is immediate
	r.advance(2 * time.Second)
	r.planned(3)
	r.advance(5 * time.Second)
	r.until("delivered", func() bool {
		d := r.sim.World.Sender().Deliveries()[0]
		return d.State == "delivered" && len(d.Attempts) == 4
	})
}

func TestDroppedAfter36Hours(t *testing.T) {
	r := newRig(t)
	r.hub.mu.Lock()
	r.hub.status = func(int) int { return http.StatusInternalServerError }
	r.hub.mu.Unlock()
	wrote(r)
	r.settle()
	var sum time.Duration
	for i, d := range hook.Schedule {
		sum += d
		if i > 0 { // the first retry is immediate and needs no pushing
			r.planned(i + 1)
			r.advance(d)
		}
	}
	if sum > 36*time.Hour || sum < 30*time.Hour {
		t.Errorf("the schedule spans %v", sum)
	}
	r.until("dropped", func() bool { _, _, dropped := r.sim.World.Sender().Counts(); return dropped == 1 })
	status, _ := r.raw("POST", "/_sim/expect", m{"no_dropped": true}, "")
	if status != http.StatusExpectationFailed {
		t.Errorf("expect: %d", status)
	}
}

// planned waits until the first delivery was tried n times and the next try is planned.
func (r *rig) planned(n int) {
	r.t.Helper()
	r.until("the next try", func() bool {
		d := r.sim.World.Sender().Deliveries()[0]
		return d.State == "retrying" && len(d.Attempts) == n
	})
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain: %s; %d bodies", what, len(r.hub.all()))
		}
		time.Sleep(time.Millisecond)
	}
}

func TestEchoBeforeTheAnswer(t *testing.T) {
	for _, mode := range []string{"before", "after", "off"} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t)
			wrote(r)
			r.set(m{"echo": mode})
			r.settle()
			_, v := r.call("POST", ig+"/me/messages", r.hello())
			early := len(r.hub.with("is_echo"))
			r.settle()
			late := len(r.hub.with("is_echo"))
			if mode == "before" && early != 1 || mode == "off" && late != 0 || mode != "off" && late != 1 {
				t.Errorf("%d echoes before the answer, %d in all (%v)", early, late, v)
			}
		})
	}
}

func TestSignatureModes(t *testing.T) {
	for mode, bad := range map[string]int{"": 0, "both": 0, "wrong": 1, "none": 1, "sha1": 1} {
		t.Run("mode "+mode, func(t *testing.T) {
			r := newRig(t)
			r.set(m{"delivery": m{"signature": mode}})
			wrote(r)
			r.settle()
			if r.hub.bad != bad {
				t.Errorf("%d bad signatures", r.hub.bad)
			}
		})
	}
}

func TestSwitchesOfShape(t *testing.T) {
	for _, c := range []struct {
		name string
		set  m
		act  m
		want string
		not  string
	}{
		{"share and ig_post", m{"share": "both"}, m{"do": "dm", "attachments": []m{{"type": "share", "media_id": "17900"}}},
			`{"type":"share","payload":{"url":"`, ""},
		{"ig_post alone", m{}, m{"do": "dm", "attachments": []m{{"type": "share", "media_id": "17900"}}}, `"ig_post_media_id":"17900"`, `"type":"share"`},
		{"sticker pair", m{"sticker": "both"}, m{"do": "dm", "attachments": []m{{"type": "sticker"}}}, `"type":"sticker"`, ""},
		{"seconds", m{"timestamps": "s"}, m{"do": "dm", "text": "x"}, `"timestamp":1`, `000,"message"`},
		{"strings", m{"timestamps": "string"}, m{"do": "dm", "text": "x"}, `"timestamp":"1`, ""},
		{"no mid before v11", m{"postback_mid": false}, m{"do": "postback", "title": "A", "payload": "B"}, `"postback":{"title":"A","payload":"B"}`, `"mid"`},
		{"as an array", m{"delivery": m{"envelope": "array"}}, m{"do": "dm", "text": "x"}, `[{"object":"instagram"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.control("POST", "/media", m{"id": "17900", "business": "moss.and.clay", "caption": "Pots"}, nil)
			if len(c.set) > 0 {
				r.set(c.set)
			}
			c.act["person"] = "ana"
			r.act(c.act)
			r.settle()
			got := strings.Join(r.hub.all(), "")
			if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("want %s and not %q in %s", c.want, c.not, got)
			}
		})
	}
	r := newRig(t)
	for _, bad := range []m{{"share": "sometimes"}, {"no_such_switch": 1}, {"delivery": m{"batch": 1001}}} {
		if status, raw := r.raw("PATCH", "/_sim/settings", bad, ""); status != http.StatusBadRequest {
			t.Errorf("%v was taken: %s", bad, raw)
		}
	}
}

func TestStandbyAndHandover(t *testing.T) {
	r := newRig(t)
	wrote(r)
	r.act(m{"do": "pass_thread", "person": "ana", "app": "263902037430900"})
	r.act(m{"do": "dm", "person": "ana", "text": "while another app holds it"})
	r.settle()
	if n := len(r.hub.with(`"standby":[{"sender"`)); n < 1 {
		t.Errorf("%d bodies of standby in %v", n, r.hub.all())
	}
	r.set(m{"routing": false})
	status, v := r.call("POST", fb+"/me/take_thread_control", m{"recipient": m{"id": r.igsid()}})
	r.want("take without routing", status, v, 400, "27")
	r.set(m{"routing": true})
	status, v = r.call("POST", fb+"/me/take_thread_control", m{"recipient": m{"id": r.igsid()}})
	r.want("take", status, v, 200, "none")
	status, v = r.call("POST", fb+"/me/messages", m{"recipient": m{"id": r.igsid()}, "message": m{"text": "mine again"},
		"thread_control": m{"app_id": "999", "control_type": "pass"}})
	r.want("send and pass", status, v, 200, "none")
	_, v = r.call("GET", fb+"/me/thread_owner?recipient="+r.igsid(), nil)
	if raw, _ := json.Marshal(v); !strings.Contains(string(raw), `"app_id":"999"`) {
		t.Errorf("owner: %s", raw)
	}
}
