package graph

import (
	"strings"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

func (c *call) ownsComment(cm *world.Comment) bool {
	return c.api.w.State().Media[cm.Media].Business == c.biz.Key
}

func (c *call) commentNode(cm *world.Comment) node {
	return node{kind: "IGComment", id: cm.ID, defaults: "timestamp,text", get: func(c *call, f field) (any, bool, *world.Error) {
		id, name := c.author(cm)
		switch f.name {
		case "text":
			return cm.Text, true, nil
		case "timestamp":
			return when(cm.At), true, nil
		case "username":
			return name, true, nil
		case "from":
			return wire.O("id", id, "username", name), true, nil
		case "hidden":
			return cm.Hidden, true, nil
		case "like_count":
			return cm.Likes, true, nil
		case "parent_id":
			return wire.NonEmpty(cm.Parent), true, nil
		case "media":
			v, err := c.render(c.mediaNode(c.api.w.State().Media[cm.Media]), append([]field{{name: "id"}}, f.sub...))
			return v, true, err
		case "replies":
			v, err := c.page(c.commentEdge("/"+cm.ID+"/replies", cm.Media, cm.ID), f)
			return v, true, err
		}
		return nil, false, nil
	}}
}

func (c *call) author(cm *world.Comment) (id, name string) {
	if cm.Person != "" {
		p := c.api.w.State().People[cm.Person]
		return c.api.w.ScopedID(world.Instagram, c.biz, p), p.Username
	}
	b := c.api.w.State().Businesses[cm.Business]
	return b.IG, b.Username
}

func (c *call) commentEdge(path, media, parent string) edge {
	e := edge{path: path, limit: 50, most: 50}
	for _, x := range c.api.w.CommentsOf(media, parent) {
		e.nodes = append(e.nodes, c.commentNode(x))
	}
	return e
}

func (c *call) listed(e edge) reply {
	f, err := c.asField("")
	if err != nil {
		return fail(err)
	}
	o, err := c.page(e, f)
	if err != nil {
		return fail(err)
	}
	return ok(o)
}

func (c *call) ownComment(id string) *world.Comment {
	cm := c.api.w.State().Comments[id]
	if cm == nil || cm.Deleted || c.biz == nil || !c.ownsComment(cm) {
		return nil
	}
	return cm
}

func (c *call) replies(id string) reply {
	cm := c.ownComment(id)
	if cm == nil {
		return c.missing(id)
	}
	return c.listed(c.commentEdge("/"+id+"/replies", cm.Media, id))
}

func (c *call) comments(id string) reply {
	m := c.api.w.State().Media[id]
	if m == nil || c.biz == nil || m.Business != c.biz.Key {
		return c.missing(id)
	}
	return c.listed(c.commentEdge("/"+id+"/comments", id, ""))
}

// reply answers POST /{comment}/replies and POST /{media}/comments. A reply to a reply goes
// below the top one; hidden comments and live broadcasts take none.
func (c *call) reply(id string) reply {
	if err := c.commentsScope(); err != nil {
		return fail(err)
	}
	m, parent := c.api.w.State().Media[id], ""
	if cm := c.ownComment(id); cm != nil {
		m, parent = c.api.w.State().Media[cm.Media], cm.ID
		switch {
		case cm.Hidden:
			return fail(world.BadParam("A hidden comment cannot be replied to"))
		case m.Product == "LIVE":
			return fail(world.BadParam("Comments on live video cannot be replied to"))
		case cm.Parent != "":
			parent = cm.Parent
		}
	} else if m == nil || c.biz == nil || m.Business != c.biz.Key {
		return c.missing(id)
	}
	return c.publish(m, parent)
}

func (c *call) publish(m *world.Media, parent string) reply {
	message := c.p.str("message")
	if strings.TrimSpace(message) == "" {
		return fail(world.BadParam("The parameter message is required"))
	}
	if len([]rune(message)) > 2200 {
		return fail(world.BadParam("A comment has at most 2200 characters"))
	}
	cm, events := c.api.w.Answer(c.biz, m, parent, message)
	return reply{status: 200, body: wire.O("id", cm.ID), after: events}
}

func (c *call) hide(id string) reply {
	if err := c.commentsScope(); err != nil {
		return fail(err)
	}
	cm := c.ownComment(id)
	if cm == nil {
		return c.missing(id)
	}
	switch hide := c.r.URL.Query().Get("hide"); hide {
	case "true", "false":
		cm.Hidden = hide == "true"
	default:
		return fail(world.BadParam("The parameter hide is required in the query: true or false"))
	}
	c.api.w.Touch()
	return success()
}

func (c *call) deleteComment(id string) reply {
	if err := c.commentsScope(); err != nil {
		return fail(err)
	}
	cm := c.ownComment(id)
	if cm == nil {
		return c.missing(id)
	}
	cm.Deleted = true
	c.api.w.Touch()
	return success()
}

// mentioned answers the fields that show where an account was mentioned by others.
func (c *call) mentioned(b *world.Business, f field) (any, *world.Error) {
	st := c.api.w.State()
	if f.name == "mentioned_comment" {
		cm := st.Comments[f.args["comment_id"]]
		if cm == nil || cm.Deleted || !strings.Contains(strings.ToLower(cm.Text), "@"+strings.ToLower(b.Username)) {
			return nil, world.Missing("get", f.args["comment_id"])
		}
		return c.render(c.commentNode(cm), f.sub)
	}
	m := st.Media[f.args["media_id"]]
	if m == nil || !contains(m.Mentions, b.Key) && !c.mentionedBelow(b, m) {
		return nil, world.Missing("get", f.args["media_id"])
	}
	return c.render(c.mediaNode(m), f.sub)
}

func (c *call) mentionedBelow(b *world.Business, m *world.Media) bool {
	for _, cm := range c.api.w.State().Comments {
		if cm.Media == m.ID && strings.Contains(strings.ToLower(cm.Text), "@"+strings.ToLower(b.Username)) {
			return true
		}
	}
	return false
}

// replyToMention answers POST /{ig}/mentions: a comment below somebody else's media.
func (c *call) replyToMention(id string) reply {
	b, kind := c.owned(id)
	if kind != "ig" {
		return c.missing(id)
	}
	if err := c.commentsScope(); err != nil {
		return fail(err)
	}
	m := c.api.w.State().Media[c.p.str("media_id")]
	if m == nil || !contains(m.Mentions, b.Key) && !c.mentionedBelow(b, m) {
		return fail(world.BadParam("The account is not mentioned there"))
	}
	return c.publish(m, c.p.str("comment_id"))
}
