package sim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

func TestWindows(t *testing.T) {
	human := func(v m) m { v["messaging_type"], v["tag"] = "MESSAGE_TAG", "HUMAN_AGENT"; return v }
	cases := []struct {
		name   string
		before func(*rig)
		body   func(*rig) m
		status int
		code   string
	}{
		{"never wrote", nil, (*rig).hello, 400, "10/2534022"},
		{"just wrote", wrote, (*rig).hello, 200, "none"},
		{"23:59:59", func(r *rig) { wrote(r); r.advance(24*time.Hour - time.Second) }, (*rig).hello, 200, "none"},
		{"24:00:01", func(r *rig) { wrote(r); r.advance(24*time.Hour + time.Second) }, (*rig).hello, 400, "10/2534022"},
		{"a human within seven days", func(r *rig) { wrote(r); r.advance(167 * time.Hour) },
			func(r *rig) m { return human(r.hello()) }, 200, "none"},
		{"a human after seven days", func(r *rig) { wrote(r); r.advance(169 * time.Hour) },
			func(r *rig) m { return human(r.hello()) }, 400, "10/2534022"},
		{"a human without the feature", func(r *rig) { wrote(r); r.control("PATCH", "/apps/4242", m{"no_human_agent": true}, nil) },
			func(r *rig) m { return human(r.hello()) }, 403, "200"},
		{"another tag", wrote, func(r *rig) m { v := human(r.hello()); v["tag"] = "ACCOUNT_UPDATE"; return v }, 400, "100"},
		{"a postback opens", func(r *rig) { r.act(m{"do": "postback", "person": "ana", "title": "Start", "payload": "GO"}) }, (*rig).hello, 200, "none"},
		{"a comment opens nothing", func(r *rig) { r.comment() }, (*rig).hello, 400, "10/2534022"},
		{"blocked", func(r *rig) { wrote(r); r.act(m{"do": "block", "person": "ana"}) }, (*rig).hello, 400, "551/1545041"},
		{"restricted", account2(m{"restricted": true}), (*rig).hello, 400, "10/1893063"},
		{"messages off", account2(m{"messages_off": true}), (*rig).hello, 403, "200/2534041"},
		{"not linked", account2(m{"unlinked": true}), (*rig).hello, 400, "100/2534013"},
		{"two-factor", account2(m{"need_two_factor": true}), (*rig).hello, 400, "10/2534077"},
		{"another app holds the thread", func(r *rig) { wrote(r); r.act(m{"do": "pass_thread", "person": "ana", "app": "999"}) },
			(*rig).hello, 400, "100/2534037"},
		{"nobody by that id", wrote, func(*rig) m { return m{"recipient": m{"id": "1"}, "message": m{"text": "x"}} }, 400, "100/2534014"},
		{"no recipient", wrote, func(*rig) m { return m{"message": m{"text": "x"}} }, 400, "100"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			if c.before != nil {
				c.before(r)
			}
			status, v := r.call("POST", ig+"/me/messages", c.body(r))
			r.want(c.name, status, v, c.status, c.code)
		})
	}
}

func wrote(r *rig) { r.act(m{"do": "dm", "person": "ana", "text": "hi"}) }

func account2(change m) func(*rig) {
	return func(r *rig) { wrote(r); r.control("PATCH", "/accounts/moss.and.clay", change, nil) }
}

func (r *rig) hello() m { return r.text("hello") }

// comment makes a post and a comment of Ana's below it.
func (r *rig) comment() did {
	var media struct{ ID string }
	r.control("POST", "/media", m{"business": "moss.and.clay", "caption": "Pots"}, &media)
	return r.act(m{"do": "comment", "person": "ana", "media": media.ID, "text": "How much?"})
}

func TestPrivateReply(t *testing.T) {
	reply := func(c string) m { return m{"recipient": m{"comment_id": c}, "message": m{"text": "a word"}} }
	t.Run("once, and it opens no window", func(t *testing.T) {
		r := newRig(t)
		c := r.comment()
		status, v := r.call("POST", ig+"/me/messages", reply(c.Comment))
		r.want("first", status, v, 200, "none")
		status, v = r.call("POST", ig+"/me/messages", reply(c.Comment))
		r.want("second", status, v, 400, "100/2534025")
		status, v = r.call("POST", ig+"/me/messages", r.hello())
		r.want("follow-up", status, v, 400, "10/2534022")
		wrote(r)
		status, v = r.call("POST", ig+"/me/messages", r.hello())
		r.want("after an answer", status, v, 200, "none")
	})
	t.Run("not after seven days", func(t *testing.T) {
		r := newRig(t)
		c := r.comment()
		r.advance(7*24*time.Hour + time.Second)
		status, v := r.call("POST", ig+"/me/messages", reply(c.Comment))
		r.want("late", status, v, 400, "100/2534025")
	})
	t.Run("not after the broadcast", func(t *testing.T) {
		r := newRig(t)
		var media struct{ ID string }
		r.control("POST", "/media", m{"business": "moss.and.clay", "product": "LIVE"}, &media)
		c := r.act(m{"do": "comment", "person": "ana", "media": media.ID, "text": "Hello from Porto"})
		r.settle()
		if n := len(r.hub.with(`"field":"live_comments"`)); n != 1 {
			t.Errorf("%d live comments told", n)
		}
		r.act(m{"do": "end_live", "media": media.ID})
		status, v := r.call("POST", ig+"/me/messages", reply(c.Comment))
		r.want("ended", status, v, 400, "100/2534025")
	})
	t.Run("750 an hour", func(t *testing.T) {
		r := newRig(t)
		r.set(m{"replies_per_hour": 1})
		r.call("POST", ig+"/me/messages", reply(r.comment().Comment))
		status, v := r.call("POST", ig+"/me/messages", reply(r.comment().Comment))
		r.want("second comment", status, v, 400, "613/2534040")
		r.advance(time.Hour)
		status, v = r.call("POST", ig+"/me/messages", reply(r.comment().Comment))
		r.want("an hour on", status, v, 200, "none")
	})
}

func TestContentLimits(t *testing.T) {
	quick := func(n int, title string) []m {
		var out []m
		for range n {
			out = append(out, m{"content_type": "text", "title": title, "payload": "P"})
		}
		return out
	}
	buttons := func(n int) m {
		var list []m
		for range n {
			list = append(list, m{"type": "postback", "title": "Yes", "payload": "Y"})
		}
		return m{"attachment": m{"type": "template", "payload": m{"template_type": "button", "text": "Sure?", "buttons": list}}}
	}
	cases := []struct {
		name    string
		message m
		code    string
	}{
		{"1000 bytes", m{"text": strings.Repeat("a", 1000)}, "none"},
		{"1001 bytes", m{"text": strings.Repeat("a", 1001)}, "100/2534015"},
		{"333 characters of Chinese", m{"text": strings.Repeat("好", 333)}, "none"},
		{"334 characters of Chinese", m{"text": strings.Repeat("好", 334)}, "100/2534015"},
		{"nothing", m{}, "100/2534015"},
		{"text beside an attachment", m{"text": "x", "attachment": m{"type": "like_heart"}}, "100/2534015"},
		{"a heart", m{"attachment": m{"type": "like_heart"}}, "none"},
		{"13 quick replies", m{"text": "x", "quick_replies": quick(13, "Red")}, "none"},
		{"14 quick replies", m{"text": "x", "quick_replies": quick(14, "Red")}, "100/2534015"},
		{"a title of 21", m{"text": "x", "quick_replies": quick(1, strings.Repeat("r", 21))}, "100/2534015"},
		{"3 buttons", buttons(3), "none"},
		{"4 buttons", buttons(4), "100/2534015"},
		{"no button", buttons(0), "100/2534015"},
		{"an unknown attachment", m{"attachment": m{"type": "hologram", "payload": m{"url": "http://x/"}}}, "100/2534015"},
		{"a post of nobody", m{"attachment": m{"type": "MEDIA_SHARE", "payload": m{"id": "1"}}}, "100/2534015"},
		{"a generic template", m{"attachment": m{"type": "template", "payload": m{"template_type": "generic",
			"elements": []m{{"title": "Planter", "buttons": []m{{"type": "web_url", "title": "See", "url": "https://example.com"}}}}}}}, "none"},
	}
	r := newRig(t)
	wrote(r)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			status, v := r.call("POST", ig+"/me/messages", m{"recipient": m{"id": r.igsid()}, "message": c.message})
			want := http.StatusBadRequest
			if c.code == "none" {
				want = http.StatusOK
			}
			r.want(c.name, status, v, want, c.code)
		})
	}
	r.t = t
	r.set(m{"text_limit": "chars"})
	status, v := r.call("POST", ig+"/me/messages", r.text(strings.Repeat("好", 1000)))
	r.want("1000 characters where characters count", status, v, 200, "none")
}

func TestFilesAreFetched(t *testing.T) {
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/photo.png":
			w.Header().Set("Content-Type", "image/png")
			w.Write(world.Picture("x", 8, 8))
		case "/big.png":
			w.Header().Set("Content-Type", "image/png")
			w.Write(append(world.Picture("x", 8, 8), make([]byte, 9<<20)...))
		case "/page.png":
			w.Header().Set("Content-Type", "image/png")
			w.Write([]byte("<!doctype html><html><body>Log in"))
		case "/a.webp":
			w.Header().Set("Content-Type", "image/webp")
			w.Write([]byte("RIFF....WEBPVP8 "))
		case "/moved.png":
			http.Redirect(w, q, "/photo.png", http.StatusFound)
		case "/slow.mp4":
			<-q.Context().Done()
		default:
			http.NotFound(w, q)
		}
	}))
	defer files.Close()
	r := newRig(t)
	wrote(r)
	for _, c := range []struct{ name, kind, path, code string }{
		{"a picture", "image", "/photo.png", "none"},
		{"a picture that moved", "image", "/moved.png", "none"},
		{"not there", "image", "/none.png", "100/2018008"},
		{"too big", "image", "/big.png", "100/2018109"},
		{"a page in disguise", "image", "/page.png", "100/2018047"},
		{"webp", "image", "/a.webp", "100/2018047"},
		{"a picture as a video", "video", "/photo.png", "100/2018047"},
		{"too slow", "video", "/slow.mp4", "100/2018294"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.t = t
			if c.path == "/slow.mp4" {
				r.set(m{"fetch_timeout_ms": 300})
			}
			status, v := r.call("POST", ig+"/me/messages", m{"recipient": m{"id": r.igsid()},
				"message": m{"attachment": m{"type": c.kind, "payload": m{"url": files.URL + c.path}}}})
			if got := code(v); got != c.code {
				t.Errorf("HTTP %d, %s; want %s", status, got, c.code)
			}
		})
	}
	r.t = t
	r.settle()
	echo := r.hub.with("ig_messaging_cdn")
	if len(echo) != 2 {
		t.Errorf("%d echoes with an address of the CDN", len(echo))
	}
	r.set(m{"strict_https": true})
	status, v := r.call("POST", ig+"/me/messages", m{"recipient": m{"id": r.igsid()},
		"message": m{"attachment": m{"type": "image", "payload": m{"url": files.URL + "/photo.png"}}}})
	r.want("plain http where https is demanded", status, v, 400, "100/2018008")
}

func TestUploadOnceSendTwice(t *testing.T) {
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Write(world.Picture("x", 8, 8))
	}))
	defer files.Close()
	r := newRig(t)
	wrote(r)
	status, v := r.call("POST", fb+"/me/message_attachments", m{"message": m{"attachment": m{"type": "image",
		"payload": m{"url": files.URL, "is_reusable": true}}}})
	r.want("upload", status, v, 200, "none")
	for range 2 {
		status, w := r.call("POST", fb+"/me/messages", m{"recipient": m{"id": r.igsid()},
			"message": m{"attachment": m{"type": "image", "payload": m{"attachment_id": v["attachment_id"]}}}})
		r.want("send", status, w, 200, "none")
	}
}

func TestActions(t *testing.T) {
	r := newRig(t)
	d := r.act(m{"do": "dm", "person": "ana", "text": "hi"})
	for _, c := range []struct {
		name string
		body m
		code string
	}{
		{"typing", m{"sender_action": "typing_on"}, "none"},
		{"seen", m{"sender_action": "mark_seen"}, "none"},
		{"react", m{"sender_action": "react", "payload": m{"message_id": d.Message, "reaction": "love"}}, "none"},
		{"unreact", m{"sender_action": "unreact", "payload": m{"message_id": d.Message}}, "none"},
		{"react to nothing", m{"sender_action": "react", "payload": m{"message_id": "x", "reaction": "love"}}, "100"},
		{"dance", m{"sender_action": "dance"}, "100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.body["recipient"] = m{"id": r.igsid()}
			_, v := r.call("POST", ig+"/me/messages", c.body)
			if got := code(v); got != c.code {
				t.Errorf("%s, want %s", got, c.code)
			}
			if v["message_id"] != nil {
				t.Error("an action has no message")
			}
		})
	}
	r.settle()
	if n := len(r.hub.with(`is_echo`)); n != 0 {
		t.Errorf("%d echoes of actions", n)
	}
}

func TestRates(t *testing.T) {
	r := newRig(t)
	wrote(r)
	r.set(m{"send_per_second": 2})
	for range 2 {
		r.call("POST", ig+"/me/messages", r.hello())
	}
	status, v := r.call("POST", ig+"/me/messages", r.hello())
	r.want("third in a second", status, v, 400, "613/2534040")
	r.advance(time.Second)
	status, v = r.call("POST", ig+"/me/messages", r.hello())
	r.want("a second on", status, v, 200, "none")

	r.set(m{"calls_per_hour": 2})
	r.call("GET", ig+"/me?fields=username", nil)
	r.call("GET", ig+"/me?fields=username", nil)
	req, _ := http.NewRequest(http.MethodGet, r.url+ig+"/me?fields=username&access_token="+r.acc.Tokens.IG, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	usage := resp.Header.Get("X-Business-Use-Case-Usage")
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(usage, `"estimated_time_to_regain_access":19`) || !strings.Contains(usage, `"call_count":100`) {
		t.Errorf("HTTP %d, usage %s", resp.StatusCode, usage)
	}
}
