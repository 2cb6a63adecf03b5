package webchat

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

func TestVisitWriteResume(t *testing.T) {
	s := newSite(t, "greeting", "Hi", "team", "Priya Nair\nJo\nA\nB", "replyTime", "soon")
	h := s.begin(nil)
	if h.thread != "v-"+h.visitor || h.verified {
		t.Fatalf("%+v", h)
	}
	c := h.body["config"].(map[string]any)
	if c["title"] != "Chat with us" || c["greeting"] != "Hi" || len(c["agents"].([]any)) != 3 || c["online"] != true || fmt.Sprint(h.body["items"]) != "[]" {
		t.Errorf("%v", c)
	}
	id := newULID()
	for range 2 {
		if status, b, _ := s.call("POST", "/messages", h.token, map[string]any{"id": id, "text": " hello "}); status != 202 || b["id"] != id {
			t.Fatal(status, b)
		}
	}
	in := s.hub.Emitted()
	if len(in) != 2 || in[0].Event.ID != in[1].Event.ID {
		t.Fatal("a repeat must have the same id")
	}
	e := in[0].Event
	if e.Message.Text != "hello" || e.Client != id || string(e.Thread.ID) != h.thread || e.Actor.Kind != timeline.ActorCustomer || in[0].Peer.Proof != timeline.ProofProvider || in[0].Opens[0] != "message" {
		t.Errorf("%+v", in[0])
	}
	for i := range 40 {
		s.said(h.thread, fmt.Sprint(i))
	}
	again := s.begin(map[string]any{"token": h.token})
	items := again.body["items"].([]any)
	if again.thread != h.thread || len(items) != 30 || again.body["more"] != true || again.body["cursor"] != items[29].(map[string]any)["cursor"] {
		t.Errorf("%d items, more %v", len(items), again.body["more"])
	}
	before := items[0].(map[string]any)["cursor"].(string)
	_, b, _ := s.call("GET", "/items?limit=30&before="+before, h.token, nil)
	if len(b["items"].([]any)) != 10 || b["more"] != false {
		t.Errorf("before: %d more %v", len(b["items"].([]any)), b["more"])
	}
	_, b, _ = s.call("GET", "/items?limit=5&after="+before, h.token, nil)
	if len(b["items"].([]any)) != 5 || b["more"] != true || b["items"].([]any)[0].(map[string]any)["prev"] != before {
		t.Errorf("after: %v", b)
	}
}

func TestRefusedMessages(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	other := newSite(t, "tokenSecret", strings.Repeat("o", 43)).begin(nil)
	cases := []struct {
		name   string
		token  string
		body   any
		status int
	}{
		{"no_token", "", map[string]any{"id": newULID(), "text": "x"}, 401},
		{"garbage_token", "abc.def", map[string]any{"id": newULID(), "text": "x"}, 401},
		{"token_of_another_key", other.token, map[string]any{"id": newULID(), "text": "x"}, 401},
		{"changed_token", "A" + h.token[1:], map[string]any{"id": newULID(), "text": "x"}, 401},
		{"no_json", h.token, "hello", 400},
		{"no_id", h.token, map[string]any{"text": "x"}, 422},
		{"empty", h.token, map[string]any{"id": newULID(), "text": "  "}, 422},
		{"longest", h.token, map[string]any{"id": newULID(), "text": strings.Repeat("字", maxText)}, 202},
		{"too_long", h.token, map[string]any{"id": newULID(), "text": strings.Repeat("字", maxText+1)}, 413},
		{"body_too_large", h.token, strings.Repeat("x", maxBody+1), 413},
		{"file_guessed", h.token, map[string]any{"id": newULID(), "parts": []map[string]string{{"file": "F1"}}}, 422},
		{"invalid_utf8", h.token, "{\"id\":\"" + newULID() + "\",\"text\":\"a\xffb\"}", 202},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.hub.Emitted())
			status, b, _ := s.call("POST", "/messages", c.token, c.body)
			if status != c.status {
				t.Fatal(status, b)
			}
			if took := len(s.hub.Emitted()) > before; took != (status == 202) {
				t.Error("something was changed:", took)
			}
		})
	}
	s.hub.Down(errors.New("the broker is down"))
	status, b, hd := s.call("POST", "/messages", h.token, map[string]any{"id": newULID(), "text": "x"})
	if status != 503 || hd.Get("Retry-After") == "" || b["retryAfter"] == nil {
		t.Error("bus down:", status, b)
	}
}

func TestTokensEnd(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	s.hub.Pass(2 * 24 * time.Hour)
	renewed := s.begin(map[string]any{"token": h.token})
	if renewed.token == h.token || renewed.visitor != h.visitor {
		t.Error("an old token is not renewed")
	}
	s.hub.Pass(179 * 24 * time.Hour)
	if s.send(h.token, "x") != 401 || s.send(renewed.token, "x") != 202 {
		t.Error("a token does not end when it should")
	}
	if status, _, _ := s.call("POST", "/session", "", map[string]any{"token": h.token}); status != 401 {
		t.Error("an ended token resumes:", status)
	}
	a := account("tokenSecret", strings.Repeat("n", 43))
	a.Previous = map[string]string{"tokenSecret": tokenSecret}
	next, err := Channel.Open(a, s.hub)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	s.s = next.(*Session)
	if s.send(renewed.token, "x") != 202 {
		t.Error("a rotated secret throws visitors out")
	}
}

func TestIdentity(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	s := newSite(t, "identityKey", public)
	now := s.hub.Now()
	claims := func(kv ...any) jwt.MapClaims {
		m := jwt.MapClaims{"sub": "user-1", "exp": now.Add(time.Hour).Unix(), "name": "Maya", "email": "Maya@Example.com", "phone": "+49 30 123456"}
		for i := 0; i+1 < len(kv); i += 2 {
			if kv[i+1] == nil {
				delete(m, kv[i].(string))
			} else {
				m[kv[i].(string)] = kv[i+1]
			}
		}
		return m
	}
	sign := func(m jwt.SigningMethod, key any, c jwt.MapClaims) string {
		out, err := jwt.NewWithClaims(m, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	hs := func(c jwt.MapClaims) string { return sign(jwt.SigningMethodHS256, []byte(identitySecret), c) }
	cases := []struct {
		name, token string
		ok          bool
	}{
		{"hs256", hs(claims()), true},
		{"rs256", sign(jwt.SigningMethodRS256, rsaKey, claims()), true},
		{"aud_ours", hs(claims("aud", string(channeltest.Account))), true},
		{"aud_list", hs(claims("aud", []string{"x", string(channeltest.Account)})), true},
		{"jwt_alg_none", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims()), false},
		{"wrong_key", sign(jwt.SigningMethodHS256, []byte(strings.Repeat("w", 40)), claims()), false},
		{"public_key_as_secret", sign(jwt.SigningMethodHS256, []byte(public), claims()), false},
		{"hs512_not_allowed", sign(jwt.SigningMethodHS512, []byte(identitySecret), claims()), false},
		{"expired", hs(claims("exp", now.Add(-time.Hour).Unix())), false},
		{"missing_exp", hs(claims("exp", nil)), false},
		{"missing_sub", hs(claims("sub", nil)), false},
		{"blank_sub", hs(claims("sub", "  ")), false},
		{"other_inbox", hs(claims("aud", "another")), false},
		{"not_yet", hs(claims("nbf", now.Add(time.Hour).Unix())), false},
		{"garbage", "x.y.z", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			status, b, _ := s.call("POST", "/session", "", map[string]any{"identity": c.token})
			if (status == 200) != c.ok || !c.ok && status != 401 {
				t.Fatal(status, b)
			}
			if c.ok && (b["verified"] != true || b["thread"] != userThread("user-1")) {
				t.Error(b)
			}
		})
	}
	h := s.begin(map[string]any{"identity": hs(claims())})
	if s.send(h.token, "hello") != 202 {
		t.Fatal("a user cannot write")
	}
	in := s.hub.Emitted()
	got := in[len(in)-1]
	if got.Peer.Scheme != "user" || got.Peer.Proof != timeline.ProofSigned || len(got.Links) != 2 || got.Links[0].Value != "maya@example.com" || got.Links[0].Proof != timeline.ProofSigned ||
		got.Links[1].Value != "+4930123456" || got.Profile.Name != "Maya" {
		t.Errorf("%+v", got)
	}
	if status, _, _ := s.call("POST", "/session", "", map[string]any{"identity": ""}); status != 200 {
		t.Error("no identity is a visitor:", status)
	}
}

func (s *site) jwt(sub string) string {
	s.t.Helper()
	out, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": sub, "exp": s.hub.Now().Add(time.Hour).Unix()}).SignedString([]byte(identitySecret))
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func TestVisitorBecomesUser(t *testing.T) {
	s := newSite(t)
	v := s.begin(nil)
	if s.send(v.token, "hello") != 202 {
		t.Fatal()
	}
	s.said(v.thread, "hello")
	u := s.begin(map[string]any{"token": v.token, "identity": s.jwt("maya")})
	if !u.verified || u.thread != userThread("maya") || u.visitor != v.visitor || len(u.body["items"].([]any)) != 1 {
		t.Fatalf("%+v", u)
	}
	in := s.hub.Emitted()
	last := in[len(in)-1]
	if last.Event.Control == nil || last.Event.Control.Name != "identified" || last.Peer.Value != "maya" || last.Links[0].Scheme != "visitor" || last.Links[0].Value != v.visitor || last.Links[0].Proof != timeline.ProofProvider {
		t.Errorf("%+v", last)
	}
	again := s.begin(map[string]any{"token": u.token, "identity": s.jwt("maya")})
	if in = s.hub.Emitted(); in[len(in)-1].Event.ID != last.Event.ID {
		t.Error("merged twice under two ids")
	}
	other := s.begin(map[string]any{"token": again.token, "identity": s.jwt("bob")})
	if other.visitor == v.visitor || len(other.body["items"].([]any)) != 0 || other.thread == u.thread {
		t.Error("another user sees what is not theirs")
	}
	p := s.open(again.token, "")
	p.until("ready")
	if status, _, _ := s.call("POST", "/logout", again.token, nil); status != 204 {
		t.Error("logout:", status)
	}
	if p.code() != closeToken || s.send(again.token, "x") != 401 {
		t.Error("a token that was given up holds")
	}
	if next := s.begin(nil); next.visitor == v.visitor || len(next.body["items"].([]any)) != 0 {
		t.Error("history is visible to the next user of the browser")
	}
}

func TestSignedInUsersOnly(t *testing.T) {
	s := newSite(t, "requireIdentity", "true")
	if status, _, _ := s.call("POST", "/session", "", nil); status != 401 {
		t.Error(status)
	}
	if h := s.begin(map[string]any{"identity": s.jwt("a")}); s.send(h.token, "x") != 202 {
		t.Error("a user cannot write")
	}
	if _, err := Channel.Open(account("requireIdentity", "true", "identitySecret", ""), s.hub); err == nil {
		t.Error("an account that nobody can use was opened")
	}
}

func TestForm(t *testing.T) {
	s := newSite(t, "form", "name, Your name, text, required\nemail, E-mail, email, required\norder, Order, text, optional")
	h := s.begin(nil)
	if s.send(h.token, "x") != 422 {
		t.Error("a message before the form")
	}
	for _, form := range []map[string]string{{"name": "A"}, {"name": "A", "email": "nonsense"}, {"name": strings.Repeat("x", 300), "email": "a@b.example"}} {
		if status, b, _ := s.call("POST", "/session", "", map[string]any{"token": h.token, "form": form}); status != 422 {
			t.Error(form, status, b)
		}
	}
	h = s.begin(map[string]any{"token": h.token, "form": map[string]string{"name": "Ann", "email": "Ann@B.example", "order": "77", "hack": "x"}, "page": map[string]string{"url": "https://shop.example/x"}})
	if s.send(h.token, "x") != 202 {
		t.Fatal("a message after the form")
	}
	in := s.hub.Emitted()[0]
	if in.Profile.Name != "Ann" || in.Profile.Extra["order"] != "77" || in.Profile.Extra["hack"] != "" || in.Profile.Extra["page"] != "https://shop.example/x" ||
		in.Links[0].Value != "ann@b.example" || in.Links[0].Proof != timeline.ProofNone {
		t.Errorf("%+v %+v", in.Profile, in.Links)
	}
}

func TestOrigins(t *testing.T) {
	s := newSite(t, "origins", "https://shop.example\nhttps://*.wild.example\nhttp://localhost:3000")
	cases := map[string]bool{"": true, "https://shop.example": true, "https://hub.example": true, "https://a.wild.example": true, "https://a.b.wild.example": true, "http://localhost:3000": true,
		"https://wild.example": false, "http://shop.example": false, "https://shop.example.evil.example": false, "https://evilwild.example": false, "https://shop.example:8443": false,
		"null": false, "https://evil.example": false, "http://hub.example": false, "https://user@shop.example": false}
	for origin, ok := range cases {
		var h []string
		if origin != "" {
			h = []string{"Origin", origin}
		}
		status, _, got := s.call("POST", "/session", "", nil, h...)
		if (status == 200) != ok || got.Get("Vary") != "Origin" || (ok && got.Get("Access-Control-Allow-Origin") != origin) || (!ok && got.Get("Access-Control-Allow-Origin") != "") {
			t.Errorf("%q: %d %v", origin, status, got)
		}
		if pre, _, got := s.call("OPTIONS", "/messages", "", nil, h...); (pre == 204) != ok || ok && origin != "" && !strings.Contains(got.Get("Access-Control-Allow-Headers"), "Authorization") {
			t.Errorf("preflight %q: %d", origin, pre)
		}
		if got := s.s.allowedSocket(t, s, origin); got != ok {
			t.Errorf("socket %q: %v", origin, got)
		}
	}
}

// allowedSocket reports whether a page of an origin may open a socket.
func (*Session) allowedSocket(t *testing.T, s *site, origin string) bool {
	t.Helper()
	p := s.openWith(s.begin(nil).token, "", 64, origin)
	defer p.leave()
	select {
	case <-p.sock.Over():
		return p.sock.Code() != closeOrigin
	case <-p.sock.Heard():
		return true
	}
}

func TestNATAndBots(t *testing.T) {
	s := newSite(t, "messageRate", "20")
	for i := range 200 {
		if h := s.begin(nil); s.send(h.token, fmt.Sprint(i)) != 202 {
			t.Fatalf("nat_200_visitors_one_ip: visitor %d cannot write", i)
		}
	}
	limited := 0
	for range 300 {
		if status, _, _ := s.call("POST", "/session", "", nil); status == 429 {
			limited++
		}
	}
	if limited < 200 {
		t.Error("500 new visitors a minute: limited only", limited)
	}
	s.ip = "192.0.2.2"
	h := s.begin(nil)
	ok := 0
	for range 40 {
		if s.send(h.token, "x") == 202 {
			ok++
		}
	}
	if ok != 20 {
		t.Error("one visitor sent", ok)
	}
	s.hub.Pass(3 * time.Second)
	if s.send(h.token, "x") != 202 {
		t.Error("a limit does not pass")
	}
}

func TestEnumeration(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	throttled := false
	for i := range 200 {
		status, _, _ := s.call("GET", fmt.Sprintf("/files/F%d~AAAA", i), h.token, nil)
		if status != 404 && status != 429 {
			t.Fatal(status)
		}
		throttled = throttled || status == 429
	}
	if !throttled {
		t.Error("guessing is not throttled")
	}
}

func TestFiles(t *testing.T) {
	s := newSite(t)
	h, other := s.begin(nil), s.begin(nil)
	status, up, _ := s.call("POST", "/files?name=a.png", h.token, "\x89PNG\r\n\x1a\nxxxx")
	if status != 201 || up["kind"] != "image" || up["size"] != 12.0 {
		t.Fatal(status, up)
	}
	file := up["file"].(string)
	if status, _, hd := s.call("GET", "/files/"+file+"?token="+h.token, "", nil); status != 200 || hd.Get("Content-Type") != "image/png" || hd.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(status, hd)
	}
	if status, _, _ := s.call("GET", "/files/"+file, other.token, nil); status != 404 {
		t.Error("another visitor reads it:", status)
	}
	part := map[string]any{"id": newULID(), "parts": []map[string]string{{"file": file}}}
	if status, _, _ := s.call("POST", "/messages", other.token, part); status != 422 {
		t.Error("another visitor attaches it:", status)
	}
	if status, _, _ := s.call("POST", "/messages", h.token, part); status != 202 {
		t.Error(status)
	}
	if in := s.hub.Emitted(); in[len(in)-1].Event.Message.Parts[0].File != "F1" {
		t.Errorf("%+v", in[len(in)-1].Event.Message.Parts)
	}
	for name, body := range map[string]string{"svg": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "html": "<html><script>1</script>"} {
		_, up, _ := s.call("POST", "/files?name=x."+name, h.token, body)
		_, _, hd := s.call("GET", "/files/"+up["file"].(string), h.token, nil)
		if hd.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(hd.Get("Content-Disposition"), "attachment") || !strings.Contains(hd.Get("Content-Security-Policy"), "sandbox") {
			t.Error(name, hd)
		}
	}
	for name, body := range map[string]string{"exe": "MZ\x90", "elf": "\x7fELF", "script": "#!/bin/sh"} {
		if status, _, _ := s.call("POST", "/files?name=x", h.token, body); status != 415 {
			t.Error(name, status)
		}
	}
	if status, _, _ := s.call("POST", "/files?name=x", h.token, strings.Repeat("x", maxFile+1)); status != 413 {
		t.Error("too large:", status)
	}
	if status, _, _ := s.call("POST", "/files?name=x", h.token, ""); status != 422 {
		t.Error("empty:", status)
	}
}
