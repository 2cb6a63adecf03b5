package graph

import (
	"net/http"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// when writes a time as Graph does: no colon in the zone, so it is not RFC 3339.
func when(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05-0700") }

// node answers a call on one object.
func (c *call) node(id string) reply {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	switch c.r.Method {
	case http.MethodGet:
		return c.read(id)
	case http.MethodPost:
		if c.api.w.State().Comments[id] != nil {
			return c.hide(id)
		}
	case http.MethodDelete:
		if c.api.w.State().Comments[id] != nil {
			return c.deleteComment(id)
		}
		if f := c.api.w.State().Assets[id]; f != nil && f.Upload {
			delete(c.api.w.State().Assets, id)
			return success()
		}
	}
	if n, _ := c.find(id); n.kind == "" {
		return c.missing(id)
	}
	return c.unimplemented()
}

func (c *call) read(id string) reply {
	if id == "ig_hashtag_search" {
		return c.hashtagSearch()
	}
	fields, err := parseFields(c.p.str("fields"))
	if err != nil {
		return fail(err)
	}
	n, err := c.find(id)
	if err != nil {
		return fail(err)
	}
	if n.kind == "" {
		return c.missing(id)
	}
	o, err := c.render(n, fields)
	if err != nil {
		return fail(err)
	}
	return ok(o)
}

// find returns the object of an id as this token sees it; the zero node is none.
func (c *call) find(id string) (node, *world.Error) {
	st := c.api.w.State()
	if b, kind := c.owned(id); b != nil {
		switch kind {
		case "user":
			return c.userNode(b), nil
		case "page":
			return c.pageNode(b), nil
		case "ig":
			return c.igNode(b), c.basic()
		case "phone":
			return phoneNode(b), nil
		case "waba":
			return wabaNode(b), nil
		}
	}
	if c.biz == nil {
		return node{}, nil
	}
	if m := st.Messages[id]; m != nil && st.Threads[m.Thread].Business == c.biz.Key {
		return c.messageNode(m), c.messagesScope()
	}
	if t := st.Threads[id]; t != nil && t.Business == c.biz.Key {
		return c.threadNode(t), c.messagesScope()
	}
	if m := st.Media[id]; m != nil && m.Business == c.biz.Key {
		return c.mediaNode(m), c.basic()
	}
	if cm := st.Comments[id]; cm != nil && !cm.Deleted && c.ownsComment(cm) {
		return c.commentNode(cm), c.basic()
	}
	if f := st.Assets[id]; f != nil && c.biz.Phone != "" {
		return c.waMediaNode(f), nil
	}
	if tag := strings.TrimPrefix(id, tagPrefix); tag != id && hashtagOf(st, id) != "" {
		return hashtagNode(id, hashtagOf(st, id)), nil
	}
	return c.person(id)
}

// person is the profile of somebody who consented by writing.
func (c *call) person(id string) (node, *world.Error) {
	p, surface := c.api.w.ByScoped(c.biz, id)
	if p == nil {
		return node{}, nil
	}
	if surface == world.Messenger && !c.token.Has("pages_messaging") {
		return node{}, world.Denied("pages_messaging")
	}
	if surface == world.Instagram {
		if err := c.messagesScope(); err != nil {
			return node{}, err
		}
	}
	t := c.api.w.FindThread(surface, c.biz, p)
	if t == nil || !t.Consent {
		return node{}, world.ErrConsent
	}
	for _, k := range p.Blocks {
		if k == c.biz.Key {
			return node{}, world.ErrBlocked
		}
	}
	return c.personNode(p, id, surface), nil
}

func (c *call) basic() *world.Error {
	return c.scope("instagram_basic", "instagram_business_basic")
}

func (c *call) messagesScope() *world.Error {
	return c.scope("instagram_manage_messages", "instagram_business_manage_messages", "pages_messaging")
}

func (c *call) commentsScope() *world.Error {
	return c.scope("instagram_manage_comments", "instagram_business_manage_comments")
}

func (c *call) scope(need ...string) *world.Error {
	if c.token.Has(need...) {
		return nil
	}
	name := need[0]
	if c.token.Instagram() {
		name = need[1]
	}
	return world.Denied(name)
}

// values is a node whose fields are plain values.
func values(m map[string]any) func(*call, field) (any, bool, *world.Error) {
	return func(_ *call, f field) (any, bool, *world.Error) {
		v, known := m[f.name]
		return v, known, nil
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *call) userNode(b *world.Business) node {
	return node{kind: "User", id: "10" + b.Page, defaults: "name", get: func(c *call, f field) (any, bool, *world.Error) {
		if f.name == "accounts" {
			v, err := c.page(c.pages(b), f)
			return v, true, err
		}
		return b.Name, f.name == "name", nil
	}}
}

func (c *call) pageNode(b *world.Business) node {
	return node{kind: "Page", id: b.Page, defaults: "name", get: func(c *call, f field) (any, bool, *world.Error) {
		switch f.name {
		case "name":
			return b.Name, true, nil
		case "username":
			return b.Username, true, nil
		case "category":
			return "Shopping & retail", true, nil
		case "tasks":
			return []string{"MODERATE", "MESSAGING", "ANALYZE", "CREATE_CONTENT", "MANAGE"}, true, nil
		case "access_token":
			if c.token.Kind == "page" {
				return c.token.Value, true, nil
			}
			return c.api.w.PageToken(c.token, b).Value, true, nil
		case "instagram_business_account", "connected_instagram_account":
			if b.IG == "" || b.Unlinked {
				return wire.Skip, true, nil
			}
			v, err := c.render(c.igNode(b), append([]field{{name: "id"}}, f.sub...))
			return v, true, err
		case "picture":
			return wire.O("data", wire.O("url", c.api.w.Link(b.Avatar), "is_silhouette", false)), true, nil
		}
		return nil, false, nil
	}}
}

func (c *call) pages(b *world.Business) edge {
	e := edge{path: "/me/accounts"}
	if b.Page != "" {
		n := c.pageNode(b)
		n.defaults = "access_token,category,name,id,tasks"
		e.nodes = []node{n}
	}
	return e
}

// accounts answers GET /me/accounts: the Pages of who logged in, each with its token.
func (c *call) accounts(id string) reply {
	b, kind := c.owned(id)
	if kind != "user" {
		return c.missing(id)
	}
	f, err := c.asField("accounts")
	if err != nil {
		return fail(err)
	}
	o, err := c.page(c.pages(b), f)
	if err != nil {
		return fail(err)
	}
	return ok(o)
}

// igNode is the professional account. Under the Instagram login "id" is scoped to the app and
// "user_id" is the id webhooks carry.
func (c *call) igNode(b *world.Business) node {
	n := node{kind: "IGUser", id: b.IG, defaults: "id"}
	if c.token.Instagram() {
		n.id = b.IGUser
	}
	n.get = func(c *call, f field) (any, bool, *world.Error) {
		switch f.name {
		case "user_id":
			return b.IG, c.token.Instagram(), nil
		case "account_type":
			if b.Creator {
				return "MEDIA_CREATOR", true, nil
			}
			return "BUSINESS", true, nil
		case "name":
			return b.Name, true, nil
		case "username":
			return b.Username, true, nil
		case "biography":
			return b.Biography, true, nil
		case "profile_picture_url":
			return c.api.w.Link(b.Avatar), true, nil
		case "followers_count":
			return b.Followers, true, nil
		case "follows_count":
			return 12, true, nil
		case "media_count":
			return len(c.api.w.MediaOf(b, false)), true, nil
		case "media", "stories":
			v, err := c.page(c.mediaEdge(b, f.name), f)
			return v, true, err
		case "business_discovery":
			v, err := c.businessDiscovery(f)
			return v, true, err
		case "mentioned_comment", "mentioned_media":
			v, err := c.mentioned(b, f)
			return v, true, err
		case "recently_searched_hashtags":
			v, err := c.page(c.searchedEdge(b), f)
			return v, true, err
		}
		return nil, false, nil
	}
	return n
}

func (c *call) personNode(p *world.Person, id, surface string) node {
	if surface == world.Messenger {
		first, last, _ := strings.Cut(p.Name, " ")
		return node{kind: "User", id: id, defaults: "first_name,last_name,profile_pic", get: values(map[string]any{
			"first_name": first, "last_name": last, "name": p.Name, "profile_pic": c.api.w.Link(p.Avatar),
		})}
	}
	return node{kind: "IGBusinessScopedID", id: id, defaults: "name", get: values(map[string]any{
		"name": orNull(p.Name), "username": p.Username, "profile_pic": orNull(c.api.w.Link(p.Avatar)),
		"follower_count": p.Followers, "is_verified_user": p.Verified,
		"is_user_follow_business": contains(p.Follows, c.biz.Key), "is_business_follow_user": contains(p.FollowedBy, c.biz.Key),
	})}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// subscribedApps answers GET /{id}/subscribed_apps.
func (c *call) subscribedApps(id string) reply {
	b, kind := c.owned(id)
	if b == nil || kind == "phone" || kind == "user" {
		return c.missing(id)
	}
	data := []any{}
	for _, s := range b.Subs {
		if s.Node != kind {
			continue
		}
		app := wire.O("name", c.api.w.State().Apps[s.App].Name, "id", s.App)
		if kind == "waba" {
			data = append(data, wire.O("whatsapp_business_api_data", app))
			continue
		}
		data = append(data, app.With("subscribed_fields", s.Fields))
	}
	return ok(wire.O("data", data))
}

func (c *call) subscribe(id string) reply {
	b, kind := c.owned(id)
	if b == nil || kind == "phone" || kind == "user" {
		return c.missing(id)
	}
	fields := c.p.strings("subscribed_fields")
	if len(fields) == 0 && kind != "waba" {
		return fail(world.BadParam("The parameter subscribed_fields is required"))
	}
	if kind == "page" && !c.token.Has("pages_manage_metadata") {
		return fail(world.Forbidden("pages_manage_metadata"))
	}
	if kind == "ig" {
		if err := c.messagesScope(); err != nil {
			return fail(err)
		}
	}
	b.Subs = append(without(b.Subs, c.token.App, kind), world.Sub{App: c.token.App, Node: kind, Fields: fields})
	return success()
}

func (c *call) unsubscribe(id string) reply {
	b, kind := c.owned(id)
	if b == nil || kind == "phone" || kind == "user" {
		return c.missing(id)
	}
	b.Subs = without(b.Subs, c.token.App, kind)
	return success()
}

func without(list []world.Sub, app, node string) []world.Sub {
	var out []world.Sub
	for _, s := range list {
		if s.App != app || s.Node != node {
			out = append(out, s)
		}
	}
	return out
}
