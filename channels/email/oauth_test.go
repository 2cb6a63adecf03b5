package email

import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

var testApp = map[string]string{"googleClient": "gid", "googleSecret": "canary-google", "microsoftClient": "mid", "microsoftSecret": "canary-microsoft", "googleAuthorize": "https://accounts.far.example/auth", "googleToken": "https://oauth.far.example/token"}

func way(t *testing.T, name string) channels.Connect {
	t.Helper()
	for _, c := range Channel.Connect {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("one cannot sign in at %s", name)
	return channels.Connect{}
}

func idToken(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
}

func TestConnect(t *testing.T) {
	for _, c := range []struct{ name, host, scope, client, claims string }{
		{google, "accounts.far.example", "https://mail.google.com/", "gid", `{"email":"Support@Acme.example","name":"Acme"}`},
		{microsoft, "login.microsoftonline.com", "https://outlook.office.com/IMAP.AccessAsUser.All", "mid", `{"preferred_username":"Support@Acme.example","name":"Acme"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := way(t, c.name)
			at, err := w.Begin(testApp, "https://hub.example/connect/email/"+c.name, "state-1")
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(at)
			if err != nil || u.Host != c.host {
				t.Fatalf("one is sent to %s, %v", at, err)
			}
			q := u.Query()
			if q.Get("client_id") != c.client || q.Get("state") != "state-1" || q.Get("response_type") != "code" || !strings.Contains(q.Get("scope"), c.scope) || strings.Contains(at, "canary") {
				t.Errorf("the page is asked for %v", q)
			}
			var asked url.Values
			hub := channeltest.NewHub().Far(func(q *channeltest.Request) channeltest.Reply {
				asked, _ = url.ParseQuery(string(q.Body))
				return channeltest.Reply{Body: `{"access_token":"at","refresh_token":"rt","expires_in":3599,"id_token":"` + idToken(c.claims) + `"}`}
			})
			found, err := w.Finish(context.Background(), hub.HTTP(), testApp, map[string][]string{"code": {"c1"}}, "https://hub.example/back")
			if err != nil || len(found) != 1 {
				t.Fatalf("found %v, %v", found, err)
			}
			if asked.Get("grant_type") != "authorization_code" || asked.Get("code") != "c1" || asked.Get("redirect_uri") != "https://hub.example/back" || !strings.HasPrefix(asked.Get("client_secret"), "canary") {
				t.Errorf("the endpoint was asked %v", asked)
			}
			f := found[0]
			if f.Handle != "support@acme.example" || f.Settings["refreshToken"] != "rt" || f.Settings["provider"] != c.name {
				t.Errorf("found %+v", f)
			}
			f.Settings["macKey"] = testKey
			if _, err := Channel.Open(channels.Account{ID: "a", Handle: f.Handle, Settings: f.Settings, App: testApp}, hub); err != nil {
				t.Errorf("the account found does not open: %v", err)
			}
		})
	}
}

func TestConnectRefusals(t *testing.T) {
	w := way(t, google)
	for _, c := range []struct {
		name, answer string
		query        map[string][]string
		want         string
	}{
		{"the_person_says_no", "", map[string][]string{"error": {"access_denied"}}, "did not grant"},
		{"no_refresh_token", `{"access_token":"a","id_token":"` + idToken(`{"email":"a@b.example"}`) + `"}`, nil, "an hour only"},
		{"no_address", `{"access_token":"a","refresh_token":"r"}`, nil, "which inbox"},
		{"wrong_secret", `{"error":"invalid_client"}`, nil, "misconfigured"},
		{"nonsense", `<html>`, nil, "transient"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hub := channeltest.NewHub().Far(func(*channeltest.Request) channeltest.Reply { return channeltest.Reply{Body: c.answer} })
			_, err := w.Finish(context.Background(), hub.HTTP(), testApp, c.query, "https://hub.example/back")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	b := newBench(t, map[string]string{"provider": "microsoft", "refreshToken": "r1", "accessToken": "a1", "tokenExpires": day.Add(time.Hour).Format(time.RFC3339), "password": ""})
	r, ok := b.any.(channels.Refresher)
	if !ok {
		t.Fatal("nobody renews the token")
	}
	if at := r.RefreshAt(day); !at.Equal(day.Add(time.Hour - tokenEarly)) {
		t.Errorf("it is renewed at %v", at)
	}
	b.hub.Far(func(q *channeltest.Request) channeltest.Reply {
		if !strings.Contains(string(q.Body), "refresh_token=r1") {
			return channeltest.Reply{Status: 400, Body: `{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired"}`}
		}
		return channeltest.Reply{Body: `{"access_token":"a2","refresh_token":"r2","expires_in":"3600"}`}
	})
	set, err := r.Refresh(context.Background())
	if err != nil || set["accessToken"] != "a2" || set["refreshToken"] != "r2" || set["tokenExpires"] != day.Add(time.Hour).Format(time.RFC3339) {
		t.Fatalf("renewed are %v, %v", set, err)
	}
	_, err = r.Refresh(context.Background())
	var f *channels.Failure
	if !errors.As(err, &f) || f.Class != channels.Revoked || !strings.Contains(f.Said, "AADSTS700082") {
		t.Errorf("an ended sign-in is told as %v", err)
	}
	if h := b.hub.State(); h.State != channels.Red || h.Next == "" {
		t.Errorf("the inbox is %+v", h)
	}
	if strings.Contains(b.hub.Logged()+err.Error(), "a2") {
		t.Error("a token is shown")
	}
}

func TestPasswordSessionsAreNotRefreshed(t *testing.T) {
	b := newBench(t, nil)
	if _, ok := b.any.(channels.Refresher); ok {
		t.Error("a password is renewed")
	}
	for _, ok := range []bool{asPower[channels.Runner](b.any), asPower[channels.Planner](b.any), asPower[channels.Starter](b.any), asPower[channels.Reconciler](b.any)} {
		if !ok {
			t.Error("a power is missing")
		}
	}
}

func asPower[T any](s channels.Session) bool { _, ok := s.(T); return ok }

func TestSettings(t *testing.T) {
	good := map[string]string{"address": "support@acme.example", "imapHost": "mail.acme.example", "password": "p", "macKey": testKey}
	for name, change := range map[string]map[string]string{
		"address": {"address": "nobody"}, "imapHost": {"imapHost": ""}, "password": {"password": ""}, "macKey": {"macKey": "short"}, "moveTo": {"after": "move"},
		"imapPort": {"imapPort": "70000"}, "listen": {"listen": "nowhere"}, "sinceDays": {"sinceDays": "-1"}, "ca": {"ca": "no pem"}, "listenCert": {"listen": "127.0.0.1:2424", "listenCert": "x", "listenKey": "canary-key"},
		"refreshToken": {"provider": "google"}, "tokenExpires": {"tokenExpires": "soon"}, "provider": {"provider": "other"}, "aliases": {"aliases": "x@y.example\nnobody"},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{}
			for k, v := range good {
				set[k] = v
			}
			for k, v := range change {
				set[k] = v
			}
			_, err := Channel.Open(channels.Account{ID: "a", Settings: set}, channeltest.NewHub())
			if err == nil || !strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("it says %v", err)
			}
		})
	}
	s, err := read(channels.Account{ID: "a", Handle: timeline.Handle("Info@Bücher.example"), Settings: map[string]string{"imapHost": "h", "password": "p", "imapSecurity": "starttls"}})
	if err != nil || s.address != "info@xn--bcher-kva.example" || s.imap.port != "143" || s.smtp.set() {
		t.Errorf("read are %+v, %v", s, err)
	}
}
