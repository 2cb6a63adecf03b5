package instagram

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

const day = 24 * time.Hour

func tokenOf(issued, expires time.Time) []string {
	return []string{setIssued, issued.Format(time.RFC3339), setExpires, expires.Format(time.RFC3339)}
}

func TestRefreshAt(t *testing.T) {
	for name, c := range map[string]struct {
		settings []string
		from, to time.Time // of the answer; zero: never
	}{
		"half of 60 days, a little later":       {tokenOf(now, now.Add(60*day)), now.Add(30 * day), now.Add(33 * day)},
		"token_expires_in_9_days_idle_channel":  {tokenOf(now.Add(-51*day), now.Add(9*day)), now.Add(-21 * day), now.Add(-18 * day)},
		"token_refresh_too_young":               {tokenOf(now, now.Add(30*time.Hour)), now.Add(day), now.Add(day)},
		"token_expired":                         {tokenOf(now.Add(-60*day), now.Add(-time.Second)), time.Time{}, time.Time{}},
		"only its end is known":                 {[]string{setExpires, now.Add(60 * day).Format(time.RFC3339)}, now.Add(30 * day), now.Add(33 * day)},
		"only its beginning is known":           {[]string{setIssued, now.Format(time.RFC3339)}, now.Add(30 * day), now.Add(33 * day)},
		"pasted: nothing is known":              {nil, now, now},
		"with Facebook login there is no end":   {[]string{"flavour", "facebook", "pageId", "7"}, time.Time{}, time.Time{}},
		"with Facebook login, though it is set": {append(tokenOf(now, now.Add(60*day)), "flavour", "facebook"), time.Time{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			at := opened(t, channeltest.NewHub(), c.settings...).(channels.Refresher).RefreshAt(now)
			if at.Before(c.from) || at.After(c.to) || c.from.IsZero() != at.IsZero() {
				t.Errorf("%v", at)
			}
		})
	}
}

// Accounts that were connected at one moment are not renewed at one moment.
func TestRefreshIsSpread(t *testing.T) {
	seen := map[time.Time]bool{}
	for _, id := range []timeline.AccountID{"01A", "01B", "01C", "01D"} {
		s, err := Channel.Open(channels.Account{ID: id, Settings: accountValues(tokenOf(now, now.Add(60*day))...), App: appValues()}, channeltest.NewHub())
		if err != nil {
			t.Fatal(err)
		}
		seen[s.(channels.Refresher).RefreshAt(now)] = true
	}
	if len(seen) != 4 {
		t.Error(seen)
	}
}

func TestRefresh(t *testing.T) {
	var cs calls
	hub := answering(&cs, said(`{"access_token":"fresh","token_type":"bearer","expires_in":5183944}`))
	s := opened(t, hub, tokenOf(now.Add(-31*day), now.Add(29*day))...).(channels.Refresher)
	got, err := s.Refresh(t.Context())
	if err != nil || got[setToken] != "fresh" || got[setIssued] != "2026-03-04T05:06:07Z" || got[setExpires] != now.Add(5183944*time.Second).Format(time.RFC3339) {
		t.Errorf("%v %v", got, err)
	}
	if want := "GET /refresh_access_token?access_token=" + token + "&grant_type=ig_refresh_token"; cs.paths[0] != want {
		t.Error(cs.paths[0])
	}
}

func TestRefreshWithoutACall(t *testing.T) {
	for name, c := range map[string]struct {
		settings []string
		class    channels.Class
	}{
		"token_refresh_too_young": {tokenOf(now.Add(-23*time.Hour), now.Add(59*day)), ""},
		"token_expired":           {tokenOf(now.Add(-61*day), now.Add(-day)), channels.AuthExpired},
		"with Facebook login":     {[]string{"flavour", "facebook"}, ""},
	} {
		var cs calls
		got, err := opened(t, answering(&cs, said(`{"access_token":"fresh"}`)), c.settings...).(channels.Refresher).Refresh(t.Context())
		if len(cs.paths) > 0 || got != nil {
			t.Errorf("%s: it called %v", name, cs.paths)
		}
		if c.class != "" && failure(t, err).Class != c.class || c.class == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// token_refresh_response_lost: the old token stays in use and it is tried again; a refusal is told as one.
func TestRefreshFails(t *testing.T) {
	for name, c := range map[string]struct {
		reply channeltest.Reply
		class channels.Class
	}{
		"token_refresh_response_lost": {channeltest.Reply{Err: errors.New("reset")}, channels.Transient},
		"refused":                     {failed(400, 190, 463), channels.AuthExpired},
		"an answer without a token":   {said(`{}`), channels.Transient},
	} {
		var cs calls
		got, err := opened(t, answering(&cs, c.reply), tokenOf(now.Add(-31*day), now.Add(29*day))...).(channels.Refresher).Refresh(t.Context())
		f := failure(t, err)
		if got != nil || f.Class != c.class || strings.Contains(err.Error(), token) || f.Err != nil && strings.Contains(f.Err.Error(), token) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestExpiresAt(t *testing.T) {
	if at := opened(t, channeltest.NewHub(), tokenOf(now, now.Add(9*day))...).(channels.Expirer).ExpiresAt(); !at.Equal(now.Add(9 * day)) {
		t.Error(at)
	}
	if at := opened(t, channeltest.NewHub()).(channels.Expirer).ExpiresAt(); !at.IsZero() {
		t.Error(at)
	}
}

// subscription_lost: what is missing is asked for again, and said to have been missing.
func TestEnsureSubscribed(t *testing.T) {
	far := func(cs *calls, have string) *channeltest.Hub {
		return channeltest.NewHub().At(now).Far(func(q *channeltest.Request) channeltest.Reply {
			cs.paths = append(cs.paths, q.Method+" "+q.URL.Path)
			switch {
			case strings.HasSuffix(q.URL.Path, "/subscriptions") && q.Method == http.MethodGet:
				return said(`{"data":[{"object":"instagram","callback_url":"https://hub.invalid/hooks/test","active":true,"fields":[` + named(fieldsHook) + `]}]}`)
			case strings.HasSuffix(q.URL.Path, "/subscribed_apps") && q.Method == http.MethodGet:
				return said(have)
			}
			return said(`{"success":true,"id":"1"}`)
		})
	}
	var cs calls
	changed, err := opened(t, far(&cs, `{"data":[]}`)).(channels.Subscriber).EnsureSubscribed(t.Context())
	if err != nil || !changed || !slices.Contains(cs.paths, "POST /v25.0/"+me+"/subscribed_apps") || !slices.Contains(cs.paths, "GET /v25.0/"+me+"/conversations") {
		t.Errorf("%v %v %q", changed, err, cs.paths)
	}
	cs = calls{}
	changed, err = opened(t, far(&cs, `{"data":[{"id":"1001","subscribed_fields":[`+listed(fieldsPage)+`]}]}`), "flavour", "facebook", "pageId", "777").(channels.Subscriber).EnsureSubscribed(t.Context())
	if err != nil || changed || !slices.Contains(cs.paths, "GET /v25.0/777/subscribed_apps") || slices.ContainsFunc(cs.paths, func(p string) bool { return strings.HasPrefix(p, "POST") }) {
		t.Errorf("%v %v %q", changed, err, cs.paths)
	}
}

// listed are strings as JSON puts them in a list.
func listed(fields []string) string { return `"` + strings.Join(fields, `","`) + `"` }

// named are fields as an app's callbacks are listed with.
func named(fields []string) string {
	return `{"name":"` + strings.Join(fields, `"},{"name":"`) + `"}`
}

// A token that is no longer good is found out by the daily check.
func TestEnsureSubscribedWithADeadToken(t *testing.T) {
	var cs calls
	_, err := opened(t, answering(&cs, failed(400, 190, 460)), "flavour", "facebook", "pageId", "7").(channels.Subscriber).EnsureSubscribed(t.Context())
	if failure(t, err).Class != channels.AuthExpired {
		t.Error(err)
	}
}

func mayaIs() timeline.Identity {
	return timeline.Identity{Account: channeltest.Account, Scheme: scheme, Value: maya, Display: "@maya.hikes"}
}

func TestProfile(t *testing.T) {
	var cs calls
	hub := answering(&cs, said(`{"name":"Maya","username":"maya.hikes","profile_pic":"https://cdn/p","follower_count":7,"is_verified_user":false,"is_user_follow_business":true,"id":"1"}`))
	p, err := opened(t, hub).(channels.Profiler).Profile(t.Context(), mayaIs())
	if err != nil || p.Name != "Maya" || p.Username != "maya.hikes" || p.Avatar != "https://cdn/p" || p.Extra["followers"] != "7" || p.Extra["verified"] != "false" || p.Extra["followsUs"] != "true" || p.Extra["followedByUs"] != "" {
		t.Errorf("%+v %v", p, err)
	}
	if !strings.HasPrefix(cs.paths[0], "GET /v25.0/"+maya+"?fields=name") {
		t.Error(cs.paths)
	}
}

func TestProfileOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		reply channeltest.Reply
		who   timeline.Identity
		want  timeline.Profile
		class channels.Class
	}{
		"nulls say nothing":              {said(`{"name":null,"username":"m","profile_pic":null}`), mayaIs(), timeline.Profile{Username: "m"}, ""},
		"profile_230_consent":            {failed(400, 230, 0), mayaIs(), timeline.Profile{Username: "maya.hikes"}, ""},
		"profile_230_consent, no name":   {failed(400, 230, 0), timeline.Identity{Scheme: scheme, Value: maya}, timeline.Profile{}, channels.Permanent},
		"profile_500_on_first_message":   {failed(500, 2, 0), mayaIs(), timeline.Profile{}, channels.Transient},
		"blocked_contact":                {failed(400, 551, 1545041), mayaIs(), timeline.Profile{}, channels.Unreachable},
		"not a person: the account":      {said(`{}`), timeline.Identity{Scheme: scheme, Value: me}, timeline.Profile{}, channels.Permanent},
		"not a person: a comment's name": {said(`{}`), timeline.Identity{Scheme: Place, Value: "1"}, timeline.Profile{}, channels.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			var cs calls
			p, err := opened(t, answering(&cs, c.reply)).(channels.Profiler).Profile(t.Context(), c.who)
			if c.class == "" && err != nil || c.class != "" && failure(t, err).Class != c.class || metatest.JSON(t, p) != metatest.JSON(t, c.want) {
				t.Errorf("%+v %v", p, err)
			}
		})
	}
}

// A mention comes without words: looking its author up adds them.
func TestMentionIsLookedUp(t *testing.T) {
	for value, body := range map[string]string{
		"179:2": `{"mentioned_comment":{"id":"2","text":"look @us","username":"maya.hikes","timestamp":"2026-03-04T05:00:00+0000"},"id":"1"}`,
		"179":   `{"mentioned_media":{"id":"179","caption":"look @us","username":"maya.hikes"},"id":"1"}`,
	} {
		var cs calls
		hub := answering(&cs, said(body))
		p, err := opened(t, hub).(channels.Profiler).Profile(t.Context(), timeline.Identity{Scheme: mentionScheme, Value: value})
		if err != nil || p.Username != "maya.hikes" {
			t.Fatalf("%s: %+v %v", value, p, err)
		}
		in := hub.Emitted()
		if len(in) != 1 || in[0].Event.Edit.Text != "look @us" || string(in[0].Event.Edit.Of.Remote) != value || string(in[0].Event.Thread.ID) != "mention:"+value {
			t.Errorf("%s: %s", value, metatest.JSON(t, in))
		}
	}
	var cs calls
	if _, err := opened(t, answering(&cs, said(`{"id":"1"}`))).(channels.Profiler).Profile(t.Context(), timeline.Identity{Scheme: mentionScheme, Value: "179"}); failure(t, err).Class != channels.Permanent {
		t.Error(err)
	}
}

func TestFetch(t *testing.T) {
	const limit = 100
	ok := channeltest.Reply{Body: "bytes", Header: http.Header{"Content-Type": {"image/png"}}}
	for name, c := range map[string]struct {
		part    timeline.Part
		replies []channeltest.Reply
		want    string
		status  int // of the problem
	}{
		"by its address":                 {timeline.Part{URL: "https://cdn/x"}, []channeltest.Reply{ok}, "bytes", 0},
		"attachment_url_expired":         {timeline.Part{URL: "https://cdn/x", Remote: "m#0"}, []channeltest.Reply{{Status: 403}}, "", 403},
		"asked for anew":                 {timeline.Part{Remote: "m#1"}, []channeltest.Reply{said(`{"attachments":{"data":[{},{"image_data":{"url":"https://cdn/new"}}]}}`), ok}, "bytes", 0},
		"a video, asked for anew":        {timeline.Part{Remote: "m#0"}, []channeltest.Reply{said(`{"attachments":{"data":[{"video_data":{"url":"https://cdn/new"}}]}}`), ok}, "bytes", 0},
		"a share, asked for anew":        {timeline.Part{Remote: "m#0"}, []channeltest.Reply{said(`{"shares":{"data":[{"link":"https://cdn/new"}]}}`), ok}, "bytes", 0},
		"asked for anew, and gone":       {timeline.Part{Remote: "m#1"}, []channeltest.Reply{said(`{"attachments":{"data":[{}]}}`)}, "", 404},
		"asked for anew, taken back":     {timeline.Part{Remote: "m#1"}, []channeltest.Reply{failed(400, 9000001, 0)}, "", 404},
		"nowhere":                        {timeline.Part{}, nil, "", 404},
		"content_length says too much":   {timeline.Part{URL: "https://cdn/x"}, []channeltest.Reply{{Body: strings.Repeat("x", limit+1)}}, "", 413},
		"content-type html":              {timeline.Part{URL: "https://cdn/x"}, []channeltest.Reply{{Body: "<html>", Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}}, "", 410},
		"exactly as large as is allowed": {timeline.Part{URL: "https://cdn/x"}, []channeltest.Reply{{Body: strings.Repeat("x", limit), Header: http.Header{}}}, strings.Repeat("x", limit), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var cs calls
			r, err := opened(t, answering(&cs, append(c.replies, channeltest.Reply{Status: 500})...)).(channels.Fetcher).Fetch(t.Context(), c.part, limit)
			var p *channels.Problem
			if c.status != 0 {
				if !errors.As(err, &p) || p.Status != c.status {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			if err != nil || string(b) != c.want || r.Close() != nil {
				t.Errorf("%q %v", b, err)
			}
			if c.part.URL != "" && cs.auth[0] != "" {
				t.Error("the token went to the content network")
			}
		})
	}
}

// content_length lies: reading stops at what is allowed.
func TestFetchIsCapped(t *testing.T) {
	c := &capped{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", 1000))), left: 100}
	n, err := io.Copy(io.Discard, c)
	var p *channels.Problem
	if !errors.As(err, &p) || p.Status != http.StatusRequestEntityTooLarge || n > 101 {
		t.Errorf("%d %v", n, err)
	}
}

// story_mention_media: what may not be kept is not even asked for.
func TestFetchNothingOfStories(t *testing.T) {
	for _, r := range []timeline.Retention{timeline.RetainURL, timeline.RetainNever} {
		var cs calls
		_, err := opened(t, answering(&cs, said(""))).(channels.Fetcher).Fetch(t.Context(), timeline.Part{URL: "https://cdn/x", Retention: r}, 10)
		if failure(t, err).Class != channels.Permanent || len(cs.paths) > 0 {
			t.Errorf("%s: %v %v", r, err, cs.paths)
		}
	}
}

func TestFind(t *testing.T) {
	const mine = `"from":{"id":"` + me + `","username":"us"}`
	list := func(ms ...string) channeltest.Reply {
		return said(`{"data":[{"id":"t","messages":{"data":[` + strings.Join(ms, ",") + `]}}]}`)
	}
	at := func(d time.Duration) string { return now.Add(d).Format("2006-01-02T15:04:05-0700") }
	text := func(id, from, words string, d time.Duration) string {
		return `{"id":"` + id + `","created_time":"` + at(d) + `",` + from + `,"message":"` + words + `"}`
	}
	theirs := `"from":{"id":"` + maya + `"}`
	image := toMaya("")
	image.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "F1"}}
	for name, c := range map[string]struct {
		o     timeline.Outbound
		reply channeltest.Reply
		found string
	}{
		"there":                       {toMaya("hello  you"), list(text("a", mine, "hello you", 2*time.Second)), "a"},
		"the oldest of two":           {toMaya("hello"), list(text("b", mine, "hello", 9*time.Second), text("a", mine, "hello", 2*time.Second)), "a"},
		"not there":                   {toMaya("hello"), list(text("a", mine, "something else", 2*time.Second)), ""},
		"from before":                 {toMaya("hello"), list(text("a", mine, "hello", -time.Hour)), ""},
		"the person said the same":    {toMaya("hello"), list(text("a", theirs, "hello", time.Second)), ""},
		"no conversation":             {toMaya("hello"), said(`{"data":[]}`), ""},
		"an image":                    {image, list(`{"id":"p","created_time":"` + at(time.Second) + `",` + mine + `,"message":"","attachments":{"data":[{"mime_type":"image/jpeg"}]}}`), "p"},
		"a video is no image":         {image, list(`{"id":"p","created_time":"` + at(time.Second) + `",` + mine + `,"message":"","attachments":{"data":[{"mime_type":"video/mp4"}]}}`), ""},
		"a text is no image":          {image, list(text("a", mine, "x", time.Second)), ""},
		"a private answer":            {privately("hi", openComment), list(text("a", mine, "hi", time.Second)), "a"},
		"a public answer":             {onComment("thanks"), said(`{"data":[{"id":"9","text":"thanks","timestamp":"` + at(time.Second) + `",` + mine + `}]}`), "9"},
		"a public answer from before": {onComment("thanks"), said(`{"data":[{"id":"9","text":"thanks","timestamp":"` + at(-time.Hour) + `",` + mine + `}]}`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var cs calls
			s := opened(t, answering(&cs, c.reply))
			id, found, err := s.(channels.Reconciler).Find(t.Context(), metatest.Planned(t, &Channel, s, c.o)[0], now)
			if err != nil || string(id) != c.found || found != (c.found != "") {
				t.Errorf("%q %v %v", id, found, err)
			}
		})
	}
	var cs calls
	s := opened(t, answering(&cs, failed(500, 2, 0)))
	if _, found, err := s.(channels.Reconciler).Find(t.Context(), metatest.Planned(t, &Channel, s, toMaya("x"))[0], now); err == nil || found {
		t.Error("a failed search is no answer", found, err)
	}
}

func way(t *testing.T, name string) channels.Connect {
	t.Helper()
	for _, c := range Channel.Connect {
		if c.Name == name {
			return c
		}
	}
	t.Fatal("no way", name)
	return channels.Connect{}
}

const back = "https://hub.example/connect/instagram"

func TestConnectBegins(t *testing.T) {
	for name, want := range map[string]struct{ page, client, scope string }{
		"instagram": {"https://www.instagram.com/oauth/authorize", "1002", "instagram_business_manage_messages"},
		"facebook":  {"https://www.facebook.com/v25.0/dialog/oauth", "1001", "instagram_manage_messages"},
	} {
		at, err := way(t, name).Begin(appValues(), back, "st&te")
		u, perr := url.Parse(at)
		if err != nil || perr != nil {
			t.Fatal(err, perr)
		}
		q := u.Query()
		if u.Scheme+"://"+u.Host+u.Path != want.page || q.Get("client_id") != want.client || q.Get("state") != "st&te" || q.Get("redirect_uri") != back ||
			q.Get("response_type") != "code" || !slices.Contains(strings.Split(q.Get("scope"), ","), want.scope) {
			t.Errorf("%s: %s", name, at)
		}
	}
}

func TestConnectInstagram(t *testing.T) {
	for name, code := range map[string]string{"flat": `{"access_token":"short","user_id":26001,"permissions":"a,b"}`, "data": `{"data":[{"access_token":"short","user_id":"26001","permissions":["a"]}]}`} {
		var cs calls
		hub := answering(&cs, said(code), said(`{"access_token":"long","token_type":"bearer","expires_in":5183944}`), said(`{"id":"26001","user_id":"`+me+`","username":"maya.shop","name":"Maya's"}`))
		found, err := way(t, "instagram").Finish(t.Context(), hub.HTTP(), appValues(), map[string][]string{"code": {"AQD#_"}}, back)
		if err != nil || len(found) != 1 {
			t.Fatal(name, found, err)
		}
		f := found[0]
		if f.Handle != me || f.Name != "@maya.shop" || f.Settings[setID] != me || f.Settings[setUser] != "26001" || f.Settings[setToken] != "long" || f.Settings[setFlavour] != "instagram" {
			t.Errorf("%s: %+v", name, f)
		}
		if !strings.Contains(cs.bodies[0], "code=AQD&") || strings.Contains(cs.bodies[0], "%23_") || cs.paths[0] != "POST /oauth/access_token" || cs.auth[2] != "Bearer long" {
			t.Errorf("%s: %q", name, cs)
		}
		v := accountValues()
		for k, x := range f.Settings {
			v[k] = x
		}
		if _, err := Channel.Open(channels.Account{ID: "x", Settings: v, App: appValues()}, channeltest.NewHub()); err != nil {
			t.Errorf("%s: what was found does not open: %v", name, err)
		}
	}
}

func TestConnectFacebook(t *testing.T) {
	var cs calls
	hub := answering(&cs, said(`{"access_token":"short","expires_in":3600}`), said(`{"access_token":"long","expires_in":5183944}`),
		said(`{"data":[{"id":"7","name":"Shop","access_token":"page-token","instagram_business_account":{"id":"`+me+`","username":"maya.shop"}},{"id":"8","name":"No Instagram","access_token":"x"}]}`))
	found, err := way(t, "facebook").Finish(t.Context(), hub.HTTP(), appValues(), map[string][]string{"code": {"AQD"}}, back)
	if err != nil || len(found) != 1 || found[0].Handle != me || found[0].Settings[setPage] != "7" || found[0].Settings[setToken] != "page-token" || found[0].Settings[setFlavour] != "facebook" {
		t.Fatalf("%+v %v", found, err)
	}
}

func TestConnectFails(t *testing.T) {
	for name, c := range map[string]struct {
		way     string
		query   map[string][]string
		replies []channeltest.Reply
	}{
		"declined":                {"instagram", map[string][]string{"error": {"access_denied"}, "error_description": {"The user denied your request"}}, []channeltest.Reply{said("{}")}},
		"the code was used":       {"instagram", map[string][]string{"code": {"x"}}, []channeltest.Reply{{Status: 400, Body: `{"error_type":"OAuthException","code":400,"error_message":"used"}`}}},
		"no lasting token":        {"instagram", map[string][]string{"code": {"x"}}, []channeltest.Reply{said(`{"access_token":"short"}`), failed(400, 190, 0)}},
		"no Page with an account": {"facebook", map[string][]string{"code": {"x"}}, []channeltest.Reply{said(`{"access_token":"short"}`), said(`{"access_token":"long"}`), said(`{"data":[]}`)}},
		"unreachable":             {"facebook", map[string][]string{"code": {"x"}}, []channeltest.Reply{{Err: errors.New("down")}}},
	} {
		var cs calls
		found, err := way(t, c.way).Finish(t.Context(), answering(&cs, c.replies...).HTTP(), appValues(), c.query, back)
		var p *channels.Problem
		if !errors.As(err, &p) || p.Detail == "" || found != nil {
			t.Errorf("%s: %v %v", name, found, err)
		}
		if name == "the code was used" && !strings.Contains(p.Detail, "used") {
			t.Errorf("the platform's words are lost: %s", p.Detail)
		}
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: a secret is told", name)
		}
	}
}

func TestOpenNamesTheSetting(t *testing.T) {
	for name, v := range map[string][]string{"id": {"id", "me"}, "pageId": {"pageId", "x"}, "accessToken": {"accessToken", " "}, "flavour": {"flavour", "x"}, "version": {"version", "25"}} {
		_, err := Channel.Open(channels.Account{ID: "x", Settings: accountValues(v...)}, channeltest.NewHub())
		if err == nil || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
