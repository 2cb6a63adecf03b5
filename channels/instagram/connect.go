package instagram

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// The permissions that are asked for.
var (
	scopesInstagram = []string{"instagram_business_basic", "instagram_business_manage_messages", "instagram_business_manage_comments"}
	scopesFacebook  = []string{"instagram_basic", "instagram_manage_messages", "instagram_manage_comments", "pages_manage_metadata",
		"pages_messaging", "pages_show_list", "pages_read_engagement", "business_management"}
)

// connects are the ways to sign in.
var connects = []channels.Connect{
	{Name: byInstagram, Label: text("Connect with Instagram", "使用 Instagram 登录"), Needs: []string{"instagramAppId", "instagramAppSecret"},
		Begin: beginInstagram, Finish: finishInstagram},
	{Name: byFacebook, Label: text("Connect with Facebook", "使用 Facebook 登录"), Needs: []string{"appId", "appSecret"},
		Begin: beginFacebook, Finish: finishFacebook},
}

func beginInstagram(values map[string]string, redirect, state string) (string, error) {
	a := readApp(values)
	return meta.Consent(a.wwwInstagram+"/oauth/authorize", meta.App{ID: a.instagramID}, redirect, state, scopesInstagram), nil
}

func beginFacebook(values map[string]string, redirect, state string) (string, error) {
	a := readApp(values)
	return meta.Consent(a.wwwFacebook+"/"+meta.DefaultVersion+"/dialog/oauth", meta.App{ID: a.id}, redirect, state, scopesFacebook), nil
}

// finishInstagram trades the code for a token of an hour, that for one of 60 days, and asks
// whose it is: the id in callbacks is another than the one within the app.
func finishInstagram(ctx context.Context, h *http.Client, values map[string]string, query map[string][]string, redirect string) ([]channels.Found, error) {
	code, err := meta.Returned(query)
	if err != nil {
		return nil, err
	}
	a := readApp(values)
	app := meta.App{ID: a.instagramID, Secret: a.instagramSecret}
	short, err := meta.Client{HTTP: h, Base: a.apiInstagram}.Redeem(ctx, app, code, redirect)
	if err != nil {
		return nil, meta.Told("Instagram did not give access", err)
	}
	graph := meta.Client{HTTP: h, Base: a.graphInstagram}
	long, err := graph.Ask(ctx, "access_token", url.Values{"grant_type": {"ig_exchange_token"}, "client_secret": {app.Secret}, "access_token": {short.Token}})
	if err != nil {
		return nil, meta.Told("Instagram did not give lasting access", err)
	}
	graph.Version, graph.Token = meta.DefaultVersion, long.Token
	var me struct {
		ID       meta.Text `json:"id"`
		User     meta.Text `json:"user_id"`
		Username string    `json:"username"`
		Name     string    `json:"name"`
	}
	if err := graph.Get(ctx, "me", url.Values{"fields": {"id,user_id,username,name"}}, &me); err != nil {
		return nil, meta.Told("Instagram did not say whose account it is", err)
	}
	own := string(cmp.Or(me.User, me.ID))
	if !meta.Digits(own) {
		return nil, &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "The account cannot be used", Detail: "Switch it to a professional account in Instagram's settings, then connect it again."}
	}
	settings := tokenSettings(long, time.Now())
	settings[setFlavour], settings[setID], settings[setUser] = byInstagram, own, string(cmp.Or(me.ID, meta.Text(short.User)))
	return []channels.Found{{Name: display(me.Username, me.Name), Handle: timeline.Handle(own), Settings: settings}}, nil
}

// finishFacebook trades the code for a lasting token of the person, and lists the Pages they
// manage: each with a linked Instagram account becomes an account, with the Page's own token.
func finishFacebook(ctx context.Context, h *http.Client, values map[string]string, query map[string][]string, redirect string) ([]channels.Found, error) {
	a := readApp(values)
	graph := meta.Client{HTTP: h, Base: a.graphFacebook, Version: meta.DefaultVersion}
	pages, err := graph.SignedIn(ctx, meta.App{ID: a.id, Secret: a.secret}, query, redirect)
	if err != nil {
		return nil, err
	}
	var found []channels.Found
	for _, p := range pages {
		if p.Instagram == nil || !meta.Digits(string(p.Instagram.ID)) || p.Token == "" {
			continue
		}
		own := string(p.Instagram.ID)
		found = append(found, channels.Found{Name: display(p.Instagram.Username, cmp.Or(p.Instagram.Name, p.Name)), Handle: timeline.Handle(own),
			Settings: map[string]string{setFlavour: byFacebook, setID: own, setPage: string(p.ID), setToken: p.Token,
				setUser: "", setIssued: time.Now().UTC().Format(time.RFC3339), setExpires: ""}})
	}
	if len(found) == 0 {
		return nil, &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "No Instagram account was found",
			Detail: "Link a professional Instagram account to one of your Pages, and choose that Page when you agree."}
	}
	return found, nil
}

func display(username, name string) string {
	if username != "" {
		return "@" + username
	}
	return name
}
