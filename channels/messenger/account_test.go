package messenger

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

// far answers calls by method and path; what it does not know it refuses.
func far(asked *[]string, reply map[string]string) channeltest.Transport {
	return func(q *channeltest.Request) channeltest.Reply {
		what := q.Method + " " + strings.TrimPrefix(q.URL.Path, "/v25.0/")
		*asked = append(*asked, what)
		body, ok := reply[what]
		if !ok {
			body = `{"error":{"code":100,"error_subcode":33,"message":"no such thing"}}`
		}
		if strings.Contains(body, `"error"`) {
			return channeltest.Reply{Status: http.StatusBadRequest, Body: body}
		}
		return channeltest.Reply{Body: body}
	}
}

func TestEnsureSubscribed(t *testing.T) {
	all := `["` + strings.Join(fields, `","`) + `"]`
	hooked := `{"data":[{"object":"page","callback_url":"https://hub.invalid/hooks/test","active":true,"fields":[{"name":"` + strings.Join(fields, `"},{"name":"`) + `"}]}]}`
	apps := page + "/subscribed_apps"
	for name, c := range map[string]struct {
		reply   map[string]string
		changed bool
		class   channels.Class
	}{
		"all is well":       {map[string]string{"GET me": `{"id":"` + page + `"}`, "GET 1001/subscriptions": hooked, "GET " + apps: `{"data":[{"id":"1001","subscribed_fields":` + all + `}]}`}, false, ""},
		"subscription_lost": {map[string]string{"GET me": `{"id":"` + page + `"}`, "GET 1001/subscriptions": hooked, "GET " + apps: `{"data":[]}`, "POST " + apps: `{"success":true}`}, true, ""},
		"token_190":         {map[string]string{"GET me": `{"error":{"code":190,"error_subcode":460,"message":"password changed"}}`}, false, channels.AuthExpired},
		"a person's token":  {map[string]string{"GET me": `{"id":"42"}`}, false, channels.Misconfigured},
		"callback is away":  {map[string]string{"GET me": `{"id":"` + page + `"}`, "GET 1001/subscriptions": strings.ReplaceAll(hooked, "hub.invalid", "other.example")}, false, channels.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			s := opened(t, channeltest.NewHub().Far(far(&asked, c.reply)))
			changed, err := s.(channels.Subscriber).EnsureSubscribed(t.Context())
			var f *channels.Failure
			if changed != c.changed || (err != nil) != (c.class != "") || err != nil && (!errors.As(err, &f) || f.Class != c.class || f.Advice == "") {
				t.Errorf("%v %v, asked %q", changed, err, asked)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	var asked []string
	s := opened(t, channeltest.NewHub().Far(far(&asked, map[string]string{"GET " + maya: `{"first_name":"Maya","last_name":"Rivera","profile_pic":"https://cdn.example/p.jpg"}`}))).(channels.Profiler)
	p, err := s.Profile(t.Context(), timeline.Identity{Scheme: scheme, Value: maya})
	if err != nil || p.Name != "Maya Rivera" || p.Avatar != "https://cdn.example/p.jpg" {
		t.Errorf("%+v %v", p, err)
	}
	for name, i := range map[string]timeline.Identity{"nobody told": {Scheme: scheme, Value: "77"}, "a comment without author": {Scheme: Place, Value: "555_1"}, "the Page": {Scheme: scheme, Value: page}} {
		var f *channels.Failure
		if _, err := s.Profile(t.Context(), i); !errors.As(err, &f) || f.Class.Again() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Connecting lists the Pages that somebody manages, each with its own token.
func TestConnect(t *testing.T) {
	at, err := begin(appValues(), "https://hub.example/connect", "s1")
	if err != nil || !strings.HasPrefix(at, hostWeb+"/") || !strings.Contains(at, "state=s1") || !strings.Contains(at, "pages_messaging") || strings.Contains(at, secret) {
		t.Error(at, err)
	}
	var asked []string
	reply := map[string]string{"POST oauth/access_token": `{"access_token":"user-token","expires_in":5183944}`,
		"GET me/accounts": `{"data":[{"id":"` + page + `","name":"Moss & Clay","access_token":"page-token"},{"id":"2","name":"No task"}]}`}
	h := channeltest.NewHub().Far(far(&asked, reply)).HTTP()
	found, err := finish(t.Context(), h, appValues(), map[string][]string{"code": {"c#_"}}, "https://hub.example/connect")
	if err != nil || len(found) != 1 || found[0].Handle != page || found[0].Name != "Moss & Clay" || found[0].Settings[setToken] != "page-token" {
		t.Fatalf("%+v %v", found, err)
	}
	if _, err := Channel.Open(channels.Account{Settings: found[0].Settings, App: appValues()}, channeltest.NewHub()); err != nil {
		t.Error(err)
	}
	var p *channels.Problem
	if _, err := finish(t.Context(), h, appValues(), map[string][]string{"error": {"access_denied"}}, ""); !errors.As(err, &p) || p.Status != http.StatusForbidden {
		t.Error(err)
	}
	reply["GET me/accounts"] = `{"data":[]}`
	if _, err := finish(t.Context(), h, appValues(), map[string][]string{"code": {"c"}}, ""); !errors.As(err, &p) || p.Title != "No Page was found" {
		t.Error(err)
	}
}

// Settings that cannot work say which one it is, without showing secrets.
func TestOpenRefuses(t *testing.T) {
	for setting, bad := range map[string]string{"pageId": "moss.and.clay", "accessToken": " ", "version": "25"} {
		v := accountValues()
		v[setting] = bad
		if _, err := Channel.Open(channels.Account{Settings: v}, channeltest.NewHub()); err == nil || !strings.HasPrefix(err.Error(), setting+":") || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
