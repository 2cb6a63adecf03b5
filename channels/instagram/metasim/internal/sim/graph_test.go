package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

func asText(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func TestProfileNeedsConsent(t *testing.T) {
	r := newRig(t)
	r.comment()
	status, v := r.call("GET", ig+"/"+r.igsid()+"?fields=name,username", nil)
	r.want("of somebody who only commented", status, v, 400, "230")
	wrote(r)
	status, v = r.call("GET", ig+"/"+r.igsid()+"?fields=name,username,profile_pic,follower_count,is_user_follow_business,is_business_follow_user,is_verified_user", nil)
	if status != 200 || v["name"] != "Ana Lópe" || v["username"] != "ana" || v["follower_count"] != 12.0 || v["id"] != r.igsid() {
		t.Errorf("%d %v", status, v)
	}
	pic, err := http.Get(v["profile_pic"].(string))
	if err != nil || pic.StatusCode != http.StatusOK || pic.Header.Get("Content-Type") != "image/png" {
		t.Errorf("picture: %v %v", pic, err)
	}
	pic.Body.Close()
	status, v = r.call("GET", ig+"/"+r.igsid()+"?fields=shoe_size", nil)
	r.want("an unknown field", status, v, 400, "100")
	status, v = r.call("GET", ig+"/1?fields=name", nil)
	r.want("nobody", status, v, 400, "100/33")
}

func TestHistoryEndsAtTwenty(t *testing.T) {
	r := newRig(t)
	d := r.act(m{"do": "dm", "person": "ana", "text": "old", "times": 25})
	status, v := r.call("GET", ig+"/me/conversations?platform=instagram&user_id="+r.igsid()+"&fields=id,updated_time,participants", nil)
	if status != 200 || !strings.Contains(asText(v), `"id":"`+d.Thread) || !strings.Contains(asText(v), `+0000"`) {
		t.Fatalf("%d %s", status, asText(v))
	}
	seen := 0
	next := ig + "/" + d.Thread + "?fields=messages.limit(10){id,created_time,from,to,message}"
	status, v = r.call("GET", next, nil)
	if status != 200 {
		t.Fatalf("%d %v", status, v)
	}
	for page := v["messages"].(m); ; {
		seen += len(page["data"].([]any))
		paging, _ := page["paging"].(m)
		link, more := paging["next"].(string)
		if !more {
			break
		}
		if !strings.HasPrefix(link, r.url) {
			t.Fatalf("next is on another host: %s", link)
		}
		_, page = r.call("GET", strings.TrimPrefix(link, r.url), nil)
	}
	if seen != 25 {
		t.Errorf("%d messages in all pages", seen)
	}
	status, v = r.call("GET", ig+"/"+d.IDs[24]+"?fields=id,created_time,from,to,message", nil)
	if status != 200 || v["message"] != "old" {
		t.Errorf("newest: %d %v", status, v)
	}
	status, v = r.call("GET", ig+"/"+d.IDs[4]+"?fields=message", nil)
	r.want("the 21st", status, v, 400, "9000001")
	r.act(m{"do": "unsend", "message": d.IDs[24]})
	status, v = r.call("GET", ig+"/"+d.IDs[24]+"?fields=message", nil)
	r.want("unsent", status, v, 400, "9000001")
	r.advance(31 * 24 * time.Hour)
	_, v = r.call("GET", ig+"/me/conversations?platform=instagram", nil)
	if n := len(v["data"].([]any)); n != 0 {
		t.Errorf("%d idle threads of the requests folder", n)
	}
	r.call("GET", ig+"/me/conversations", nil)
	status, v = r.call("GET", ig+"/me/conversations", nil)
	r.want("third in a second", status, v, 400, "613/2534040")
}

func TestComments(t *testing.T) {
	r := newRig(t)
	c := r.comment()
	status, v := r.call("POST", ig+"/"+c.Comment+"/replies?message=30+euros", nil)
	r.want("reply", status, v, 200, "none")
	status, w := r.call("POST", ig+"/"+v["id"].(string)+"/replies", m{"message": "and shipping"})
	r.want("reply to the reply", status, w, 200, "none")
	_, v = r.call("GET", ig+"/"+c.Media+"?fields=caption,comments_count,comments{text,username,replies{text,from}}", nil)
	if s := asText(v); !strings.Contains(s, `"comments_count":3`) || !strings.Contains(s, `"replies":{"data":[{`) || !strings.Contains(s, "and shipping") {
		t.Errorf("media: %s", s)
	}
	r.settle()
	if n := len(r.hub.with(`"from":{"id":"` + r.acc.IG)); n != 2 {
		t.Errorf("own comments told %d times", n)
	}
	status, v = r.call("POST", ig+"/"+c.Comment, m{"hide": true})
	r.want("hide in the body", status, v, 400, "100")
	status, v = r.call("POST", ig+"/"+c.Comment+"?hide=true", nil)
	r.want("hide in the query", status, v, 200, "none")
	status, v = r.call("POST", ig+"/"+c.Comment+"/replies?message=x", nil)
	r.want("reply to a hidden one", status, v, 400, "100")
	status, v = r.call("DELETE", ig+"/"+c.Comment, nil)
	r.want("delete", status, v, 200, "none")
	status, v = r.call("GET", ig+"/"+c.Comment, nil)
	r.want("deleted", status, v, 400, "100/33")
}

func TestMentions(t *testing.T) {
	r := newRig(t, "page")
	post := r.act(m{"do": "post_mention", "person": "ana", "text": "My new pot by @moss.and.clay."})
	c := r.act(m{"do": "comment", "person": "ana", "media": post.Media, "text": "@moss.and.clay look"})
	r.settle()
	if n := len(r.hub.with(`"field":"mentions"`)); n != 2 {
		t.Fatalf("%d mentions told: %v", n, r.hub.all())
	}
	_, v := r.call("GET", fb+"/"+r.acc.IG+"?fields=mentioned_comment.comment_id("+c.Comment+"){text,timestamp}", nil)
	if s := asText(v); !strings.Contains(s, `"text":"@moss.and.clay look"`) {
		t.Errorf("mentioned_comment: %s", s)
	}
	_, v = r.call("GET", fb+"/"+r.acc.IG+"?fields=mentioned_media.media_id("+post.Media+"){caption,username}", nil)
	if s := asText(v); !strings.Contains(s, `"username":"ana"`) {
		t.Errorf("mentioned_media: %s", s)
	}
}

func TestDiscoveryAndHashtags(t *testing.T) {
	r := newRig(t)
	r.control("POST", "/accounts", m{"username": "other.shop", "name": "Other", "followers": 77}, nil)
	_, v := r.call("GET", fb+"/"+r.acc.IG+"?fields=business_discovery.username(other.shop){followers_count,media{caption}}", nil)
	if s := asText(v); !strings.Contains(s, `"followers_count":77`) {
		t.Errorf("business_discovery: %s", s)
	}
	status, v := r.call("GET", ig+"/me?fields=business_discovery.username(other.shop){followers_count}", nil)
	r.want("not with the Instagram login", status, v, 400, "100")

	for i := range 31 {
		r.control("POST", "/media", m{"business": "moss.and.clay", "caption": fmt.Sprintf("one #pots #tag%d", i)}, nil)
	}
	search := func(q string) (int, m) {
		return r.call("GET", fb+"/ig_hashtag_search?user_id="+r.acc.IG+"&q="+q, nil)
	}
	_, v = search("pots")
	id := v["data"].([]any)[0].(m)["id"].(string)
	for i := range 29 {
		search(fmt.Sprintf("tag%d", i))
	}
	status, v = search("tag30")
	r.want("the 31st tag", status, v, 400, "18/2207034")
	status, v = search("pots")
	r.want("one of the thirty again", status, v, 200, "none")
	path := fb + "/" + id + "/recent_media?user_id=" + r.acc.IG + "&fields=caption&limit=20"
	_, v = r.call("GET", path, nil)
	first := v["paging"].(m)["cursors"].(m)["after"].(string)
	_, w := r.call("GET", path+"&after="+first, nil)
	second := w["paging"].(m)["cursors"].(m)["after"].(string)
	if len(v["data"].([]any)) != 20 || len(w["data"].([]any)) != 11 || first != second {
		t.Errorf("pages of %d and %d, cursors %s %s", len(v["data"].([]any)), len(w["data"].([]any)), first, second)
	}
	status, v = r.call("GET", fb+"/"+id+"/recent_media?fields=username&user_id="+r.acc.IG, nil)
	r.want("username", status, v, 400, "100")
	r.advance(8 * 24 * time.Hour)
	_, v = search("tag30")
	if v["data"] == nil {
		t.Errorf("a week on: %v", v)
	}
	_, v = r.call("GET", path, nil)
	if n := len(v["data"].([]any)); n != 0 {
		t.Errorf("%d recent media after a week", n)
	}
}

func TestVersionsFormsAndUnknownCalls(t *testing.T) {
	r := newRig(t)
	wrote(r)
	status, v := r.call("GET", "/graph.instagram.com/v99.0/me?access_token="+r.acc.Tokens.IG, nil)
	r.want("unknown version", status, v, 400, "2500")
	status, v = r.call("GET", "/graph.instagram.com/me?fields=user_id,username&access_token="+r.acc.Tokens.IG, nil)
	if status != 200 || v["user_id"] != r.acc.IG || v["id"] != r.acc.IGUser {
		t.Errorf("without a version: %d %v", status, v)
	}
	form := url.Values{"recipient": {`{"id":"` + r.igsid() + `"}`}, "message": {`{"text":"by form"}`}, "access_token": {r.acc.Tokens.IG}}
	resp, err := http.PostForm(r.url+ig+"/me/messages", form)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("form: %v %v", resp, err)
	}
	resp.Body.Close()
	req, _ := http.NewRequest(http.MethodGet, r.url+"/v25.0/me?fields=username", nil)
	req.Host = "graph.instagram.com"
	req.Header.Set("Authorization", "Bearer "+r.acc.Tokens.IG)
	resp, err = http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("by Host header: %v %v", resp, err)
	}
	resp.Body.Close()

	status, v = r.call("POST", ig+"/me/dance", nil)
	r.want("unknown edge", status, v, 501, "-1")
	if status, _ := r.raw("POST", "/_sim/expect", m{"no_unimplemented": true}, ""); status != http.StatusExpectationFailed {
		t.Errorf("expect answered %d", status)
	}
}

func TestLoginOfInstagram(t *testing.T) {
	for _, mode := range []string{"data", "flat"} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t)
			r.set(m{"token_answer": mode})
			redirect := "https://hub.example/back?x=1"
			ask := r.url + "/www.instagram.com/oauth/authorize?client_id=4242&response_type=code&state=st%2Fate&redirect_uri=" + url.QueryEscape(redirect) +
				"&scope=instagram_business_basic,instagram_business_manage_messages"
			page, err := http.Get(ask)
			if err != nil || page.StatusCode != http.StatusOK {
				t.Fatalf("consent: %v %v", page, err)
			}
			page.Body.Close()
			browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			back, err := browser.PostForm(ask, url.Values{"account": {"moss.and.clay"}, "decision": {"allow"}})
			if err != nil {
				t.Fatal(err)
			}
			back.Body.Close()
			to := back.Header.Get("Location")
			if !strings.HasSuffix(to, "#_") || !strings.Contains(to, "x=1") || !strings.Contains(to, "state=st%2Fate") {
				t.Fatalf("sent to %s", to)
			}
			u, _ := url.Parse(to)
			redeem := func() m {
				resp, err := http.PostForm(r.url+"/api.instagram.com/oauth/access_token", url.Values{"client_id": {"4242"}, "client_secret": {secret},
					"grant_type": {"authorization_code"}, "redirect_uri": {redirect}, "code": {u.Query().Get("code")}})
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				var v m
				json.NewDecoder(resp.Body).Decode(&v)
				return v
			}
			v := redeem()
			if mode == "data" {
				v = v["data"].([]any)[0].(m)
			}
			if v["user_id"] != r.acc.IGUser || v["access_token"] == nil {
				t.Fatalf("short token: %v", v)
			}
			if got := code(redeem()); got != "100/36009" {
				t.Errorf("the code a second time: %s", got)
			}
			r.refresh(v["access_token"].(string))
		})
	}
}

// refresh takes a short token through its life.
func (r *rig) refresh(short string) {
	r.t.Helper()
	_, v := r.call("GET", "/graph.instagram.com/access_token?grant_type=ig_exchange_token&client_secret="+secret+"&access_token="+short, nil)
	if v["expires_in"] != 5183944.0 {
		r.t.Fatalf("long token: %v", v)
	}
	long := v["access_token"].(string)
	again := "/graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token&access_token="
	status, v := r.call("GET", again+long, nil)
	r.want("refresh at once", status, v, 400, "100")
	r.advance(25 * time.Hour)
	status, v = r.call("GET", again+long, nil)
	r.want("refresh after a day", status, v, 200, "none")
	r.advance(61 * 24 * time.Hour)
	status, v = r.call("GET", again+long, nil)
	r.want("refresh of an expired one", status, v, 400, "190/463")
}

func TestTokens(t *testing.T) {
	r := newRig(t)
	wrote(r)
	send := func(host, token string) (int, m) {
		status, raw := r.raw("POST", host+"/me/messages", r.hello(), token)
		var v m
		json.Unmarshal(raw, &v)
		return status, v
	}
	status, v := send(fb, r.acc.Tokens.IG)
	r.want("an Instagram token at Facebook", status, v, 400, "190")
	status, v = send(ig, r.acc.Tokens.Page)
	r.want("a Page token at Instagram", status, v, 400, "190")
	status, v = send(fb, r.acc.Tokens.Page)
	r.want("a Page token at Facebook", status, v, 200, "none")
	status, v = send(ig, "")
	r.want("none", status, v, 400, "104")

	var poor struct{ Value string }
	r.control("POST", "/tokens", m{"kind": "ig_long", "business": "moss.and.clay", "scopes": []string{"instagram_business_basic"}}, &poor)
	status, v = send(ig, poor.Value)
	r.want("without the scope", status, v, 403, "10")

	r.control("PATCH", "/apps/4242", m{"require_proof": true}, nil)
	status, v = send(fb, r.acc.Tokens.Page)
	r.want("without a proof", status, v, 400, "100")
	status, v = r.call("POST", fb+"/me/messages?appsecret_proof="+wire.Proof(secret, r.acc.Tokens.Page), r.hello())
	r.want("with a proof", status, v, 200, "none")

	r.control("POST", "/tokens/revoke", m{"business": "moss.and.clay", "subcode": 460}, nil)
	status, v = send(ig, r.acc.Tokens.IG)
	r.want("revoked", status, v, 400, "190/460")
}

func TestPagesOfALogin(t *testing.T) {
	r := newRig(t)
	status, raw := r.raw("GET", fb+"/me/accounts?fields=id,name,access_token,instagram_business_account{id,username}", nil, r.acc.Tokens.User)
	s := string(raw)
	if status != 200 || !strings.Contains(s, `"id":"`+r.acc.Page) || !strings.Contains(s, `"instagram_business_account":{"id":"`+r.acc.IG) ||
		!strings.Contains(s, r.acc.Tokens.Page) {
		t.Errorf("%d %s", status, s)
	}
}
