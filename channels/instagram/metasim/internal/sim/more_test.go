package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMessenger(t *testing.T) {
	r := newRig(t, "page")
	r.act(m{"do": "dm", "person": "ana", "surface": "messenger", "text": "hi"})
	psid := r.ana.Scoped["messenger:moss.and.clay"]
	status, v := r.call("POST", fb+"/me/messages", m{"recipient": m{"id": psid}, "messaging_type": "RESPONSE", "message": m{"text": strings.Repeat("好", 2000)}})
	r.want("2000 characters", status, v, 200, "none")
	r.act(m{"do": "read", "person": "ana", "surface": "messenger"})
	r.settle()
	all := strings.Join(r.hub.all(), "\n")
	for _, want := range []string{`{"object":"page","entry":[{"id":"` + r.acc.Page, `"is_echo":true,"app_id":4242`, `"delivery":{"mids":["m_`, `"read":{"watermark":1`} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in %s", want, all)
		}
	}
	_, v = r.call("GET", fb+"/"+psid+"?fields=first_name,last_name,profile_pic", nil)
	if v["first_name"] != "Ana" || v["last_name"] != "Lópe" {
		t.Errorf("profile: %v", v)
	}
	r.advance(25 * time.Hour)
	status, v = r.call("POST", fb+"/me/messages", m{"recipient": m{"id": psid}, "message": m{"text": "late"}})
	r.want("a day later", status, v, 400, "10/2534022")
}

func TestWhatsApp(t *testing.T) {
	r := newRig(t, "waba")
	r.control("PATCH", "/accounts/moss.and.clay", m{"templates": []m{{"name": "parcel", "language": "en", "params": 1}}}, nil)
	send := func(body m) (int, m) {
		body["messaging_product"], body["to"] = "whatsapp", r.ana.WaID
		return r.call("POST", fb+"/"+r.acc.Phone+"/messages", body)
	}
	text := m{"type": "text", "text": m{"body": "hello"}}
	_, v := send(text)
	r.settle()
	if v["messages"] == nil || len(r.hub.with(`"code":131047`)) != 1 {
		t.Errorf("outside the window: %v, %v", v, r.hub.all())
	}
	template := func(n int) m {
		var params []m
		for range n {
			params = append(params, m{"type": "text", "text": "2291"})
		}
		return m{"type": "template", "template": m{"name": "parcel", "language": m{"code": "en"}, "components": []m{{"type": "body", "parameters": params}}}}
	}
	status, v := send(template(1))
	r.want("template", status, v, 200, "none")
	status, v = send(template(2))
	r.want("template with too many parameters", status, v, 400, "132000")

	r.act(m{"do": "dm", "person": "ana", "surface": "whatsapp", "text": "hi"})
	status, v = send(text)
	r.want("inside the window", status, v, 200, "none")
	wamid := v["messages"].([]any)[0].(m)["id"].(string)
	r.act(m{"do": "read", "person": "ana", "surface": "whatsapp"})
	r.settle()
	for _, s := range []string{"sent", "delivered", "read"} {
		if len(r.hub.with(`"id":"`+strings.ReplaceAll(wamid, "/", `\/`)+`","status":"`+s)) != 1 {
			t.Errorf("no status %s of %s", s, wamid)
		}
	}
	in := r.hub.with(`"messages":[{"from":"` + r.ana.WaID)
	if len(in) != 1 || !strings.Contains(in[0], `"contacts":[{"profile":{"name":"Ana L\u00f3pe"},"wa_id":"`) {
		t.Errorf("message: %v", in)
	}
	r.whatsAppMedia(send)
}

// whatsAppMedia uploads a file, sends it by id and reads a person's file back.
func (r *rig) whatsAppMedia(send func(m) (int, m)) {
	r.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	form.WriteField("messaging_product", "whatsapp")
	form.WriteField("type", "application/pdf")
	f, _ := form.CreateFormFile("file", "bill.pdf")
	f.Write([]byte("%PDF-1.4 bill"))
	form.Close()
	req, _ := http.NewRequest(http.MethodPost, r.url+fb+"/"+r.acc.Phone+"/media", &b)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+r.acc.Tokens.System)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	var up struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&up); err != nil || up.ID == "" {
		r.t.Fatalf("upload: %d %v", resp.StatusCode, err)
	}
	status, v := send(m{"type": "document", "document": m{"id": up.ID, "caption": "Your bill"}})
	r.want("document", status, v, 200, "none")
	status, raw := r.raw("GET", fb+"/"+up.ID, nil, r.acc.Tokens.System)
	var file struct{ URL, SHA256 string }
	if err := json.Unmarshal(raw, &file); err != nil || file.URL == "" || file.SHA256 == "" {
		r.t.Fatalf("media: %d %s", status, raw)
	}
	got, err := http.Get(file.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	defer got.Body.Close()
	if body, _ := io.ReadAll(got.Body); string(body) != "%PDF-1.4 bill" {
		r.t.Errorf("file: %q", body)
	}
}

func TestWhatsAppWithoutANumber(t *testing.T) {
	r := newRig(t, "waba")
	r.control("POST", "/people", m{"key": "bo", "name": "Bo", "bsuid": "US.13491208655302741918"}, nil)
	r.act(m{"do": "dm", "person": "bo", "surface": "whatsapp", "text": "hi"})
	r.settle()
	if n := len(r.hub.with(`"from_user_id":"US.13491208655302741918"`)); n != 1 || strings.Contains(r.hub.all()[0], `"wa_id"`) {
		t.Errorf("%v", r.hub.all())
	}
	status, v := r.call("POST", fb+"/"+r.acc.Phone+"/messages", m{"messaging_product": "whatsapp", "recipient": "US.13491208655302741918",
		"type": "text", "text": m{"body": "hello"}})
	r.want("answer by the business-scoped id", status, v, 200, "none")
}

func TestFaults(t *testing.T) {
	shown := func(r *rig) error {
		status, raw := r.raw("POST", "/_sim/expect", m{"messages": []m{{"person": "ana", "from": "business", "contains": "hello", "count": 1}}}, "")
		if status != 200 {
			return &json.SyntaxError{Offset: int64(status)}
		}
		_ = raw
		return nil
	}
	for _, c := range []struct {
		name   string
		fault  m
		status int
		code   string
		sent   bool
	}{
		{"an error", m{"kind": "error", "error": "retry", "path": "/messages$"}, 500, "2", false},
		{"an error although sent", m{"kind": "error_after", "error": "ambiguous"}, 500, "1/1357046", true},
		{"dropped before", m{"kind": "drop"}, 0, "none", false},
		{"dropped after", m{"kind": "drop_after"}, 0, "none", true},
		{"a page of a proxy", m{"kind": "http", "status": 502, "body": "<html>Bad Gateway"}, 502, "none", false},
		{"throttled for 19 minutes", m{"kind": "error", "error": "buc"}, 400, "80002", false},
		{"an error of one's own", m{"kind": "error", "custom": m{"status": 400, "code": 77, "message": "?"}}, 400, "77", false},
		{"late", m{"kind": "slow", "delay_ms": 20}, 200, "none", true},
		{"not this path", m{"kind": "drop", "path": "^/other"}, 200, "none", true},
		{"not this text", m{"kind": "drop", "contains": "goodbye"}, 200, "none", true},
		{"not yet", m{"kind": "drop", "skip": 1}, 200, "none", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			wrote(r)
			r.control("POST", "/faults", c.fault, nil)
			status, v := r.call("POST", ig+"/me/messages", r.hello())
			if got := code(v); status != c.status || got != c.code {
				t.Errorf("HTTP %d, %s (%v)", status, got, v)
			}
			if err := shown(r); (err == nil) != c.sent {
				t.Errorf("sent: %v", err == nil)
			}
			r.settle()
			if n := len(r.hub.with("is_echo")); (n == 1) != c.sent {
				t.Errorf("%d echoes", n)
			}
		})
	}
	r := newRig(t)
	if status, _ := r.raw("POST", "/_sim/faults", m{"kind": "error", "error": "no such"}, ""); status != 400 {
		t.Error("a fault without an error was taken")
	}
}

func TestFilesThatFail(t *testing.T) {
	r := newRig(t)
	var f struct{ ID, URL string }
	r.control("POST", "/assets", m{"type": "image/png", "bytes": []byte("0123456789")}, &f)
	get := func() (int, string, error) {
		c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := c.Get(f.URL)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b) + resp.Header.Get("Location"), err
	}
	for _, c := range []struct {
		fault  string
		status int
		body   string
		broken bool
	}{
		{"", 200, "0123456789", false}, {"gone", 410, "", false}, {"forbidden", 403, "", false}, {"500", 500, "", false},
		{"private", 302, "169.254.169.254", false}, {"html", 200, "Log in", false}, {"long", 200, "0123456789", true}, {"short", 200, "01234", false},
	} {
		t.Run("fault "+c.fault, func(t *testing.T) {
			r.control("PATCH", "/assets/"+f.ID, m{"fault": c.fault}, nil)
			status, body, err := get()
			if status != c.status || !strings.Contains(body, c.body) || (err != nil) != c.broken {
				t.Errorf("HTTP %d, %q, %v", status, body, err)
			}
		})
	}
	r.control("PATCH", "/assets/"+f.ID, m{"fault": ""}, nil)
	r.advance(8 * 24 * time.Hour)
	if status, _, _ := get(); status != 403 {
		t.Errorf("an address that expired: HTTP %d", status)
	}
	f.URL += "0"
	if status, _, _ := get(); status != 403 {
		t.Errorf("an address that was changed: HTTP %d", status)
	}
}

func TestStories(t *testing.T) {
	r := newRig(t)
	d := r.act(m{"do": "story_mention", "person": "ana"})
	r.settle()
	if n := len(r.hub.with(`"attachments":[{"type":"story_mention","payload":{"url":"`)); n != 1 {
		t.Fatalf("%v", r.hub.all())
	}
	_, v := r.call("GET", ig+"/"+d.Message+"?fields=story", nil)
	link, _ := v["story"].(m)["mention"].(m)["link"].(string)
	if resp, err := http.Get(link); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("story: %v %v", resp, err)
	}
	r.advance(24*time.Hour + time.Second)
	resp, err := http.Get(link)
	if err != nil || resp.StatusCode != http.StatusGone {
		t.Errorf("after a day: %v %v", resp, err)
	}
	r.control("PATCH", "/people/ana", m{"private": true}, nil)
	if d := r.act(m{"do": "story_mention", "person": "ana"}); d.Events != 0 {
		t.Error("a private account's story was told")
	}
}

func TestDumpAndLoad(t *testing.T) {
	a := newRig(t)
	wrote(a)
	c := a.comment()
	_, raw := a.raw("GET", "/_sim/dump", nil, "")
	b := newRig(t)
	status, v := b.call("GET", ig+"/"+c.Comment+"?fields=text", nil)
	b.want("before", status, v, 400, "100/33")
	if status, answer := b.raw("POST", "/_sim/load", json.RawMessage(raw), ""); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	status, v = b.call("GET", ig+"/"+c.Comment+"?fields=text", nil)
	if status != 200 || v["text"] != "How much?" {
		t.Errorf("%d %v", status, v)
	}
	status, v = b.call("POST", ig+"/me/messages", a.hello())
	b.want("the window was loaded too", status, v, 200, "none")
}

func TestSeedDecidesIds(t *testing.T) {
	ids := func() string {
		r := newRig(t)
		return r.acc.IG + r.acc.Tokens.IG + r.igsid() + r.act(m{"do": "dm", "person": "ana", "text": "x"}).Message
	}
	if a, b := ids(), ids(); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestScenario(t *testing.T) {
	r := newRig(t)
	r.control("POST", "/scenario", m{
		"settings": m{"seen": false},
		"people":   []m{{"key": "bo", "name": "Bo"}},
		"steps":    []m{{"do": "dm", "person": "bo", "text": "now"}, {"after_s": 60, "do": "dm", "person": "bo", "text": "in a minute"}},
	}, nil)
	r.settle()
	if len(r.hub.with("now")) != 1 || len(r.hub.with("in a minute")) != 0 {
		t.Fatalf("%v", r.hub.all())
	}
	r.advance(time.Minute)
	r.until("the second step", func() bool { return len(r.hub.with("in a minute")) == 1 })
}

func TestCreatorHasToReadHistoryFirst(t *testing.T) {
	r := newRig(t)
	r.control("PATCH", "/accounts/moss.and.clay", m{"creator": true}, nil)
	wrote(r)
	r.settle()
	if n := len(r.hub.all()); n != 0 {
		t.Fatalf("%d webhooks before the first Conversations call", n)
	}
	r.call("GET", ig+"/me/conversations", nil)
	wrote(r)
	r.settle()
	if n := len(r.hub.all()); n != 1 {
		t.Errorf("%d webhooks", n)
	}
}

// TestManyAtOnce lets people and the hub write at the same time: nothing is lost, nothing is
// told twice, no id is given out twice.
func TestManyAtOnce(t *testing.T) {
	const workers, each = 6, 20
	r := newRig(t)
	wrote(r)
	r.settle()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				if status, raw := r.raw("POST", "/_sim/act", m{"do": "dm", "person": "ana", "text": "in"}, ""); status != http.StatusOK {
					t.Errorf("act: %d %s", status, raw)
				}
				if status, raw := r.raw("POST", ig+"/me/messages", r.text("out"), r.acc.Tokens.IG); status != http.StatusOK {
					t.Errorf("send: %d %s", status, raw)
				}
			}
		})
	}
	wg.Wait()
	r.settle()
	seen := map[string]bool{}
	for _, b := range r.hub.all() {
		_, rest, _ := strings.Cut(b, `"mid":"`)
		id, _, _ := strings.Cut(rest, `"`)
		if seen[id] {
			t.Errorf("told twice: %s", id)
		}
		seen[id] = true
	}
	if want := 1 + 2*workers*each; len(seen) != want || r.hub.bad != 0 {
		t.Errorf("%d messages told, %d made; %d bad signatures", len(seen), want, r.hub.bad)
	}
}
