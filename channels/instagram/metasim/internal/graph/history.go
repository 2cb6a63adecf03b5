package graph

import (
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// conversations answers GET /{id}/conversations. Threads in the requests folder that nobody
// touched for thirty days are not there.
func (c *call) conversations(id string) reply {
	b, kind := c.owned(id)
	if kind != "ig" && kind != "page" {
		return c.missing(id)
	}
	if err := c.messagesScope(); err != nil {
		return fail(err)
	}
	s := c.api.w.Settings()
	if !c.api.w.Use("conversations:"+b.Key, s.ReadPerSecond, time.Second) {
		return fail(world.ErrRate)
	}
	surface := c.p.str("platform")
	if surface == "" {
		surface = map[string]string{"ig": world.Instagram, "page": world.Messenger}[kind]
	}
	if surface == world.Instagram {
		b.HistoryRead = true
	}
	e := edge{path: c.path}
	for _, t := range c.api.w.Threads(surface, b) {
		user := c.p.str("user_id")
		idle := c.api.w.Clock().Now().Sub(t.Updated)
		if t.Requests && idle > time.Duration(s.RequestsDays)*24*time.Hour || len(t.Messages) == 0 ||
			user != "" && c.api.w.ScopedID(surface, b, c.api.w.State().People[t.Person]) != user {
			continue
		}
		e.nodes = append(e.nodes, c.threadNode(t))
	}
	f, err := c.asField("conversations")
	if err != nil {
		return fail(err)
	}
	o, err := c.page(e, f)
	if err != nil {
		return fail(err)
	}
	return ok(o)
}

func (c *call) threadNode(t *world.Thread) node {
	return node{kind: "UnifiedThread", id: t.ID, defaults: "updated_time", get: func(c *call, f field) (any, bool, *world.Error) {
		switch f.name {
		case "updated_time":
			return when(t.Updated), true, nil
		case "message_count":
			return len(t.Messages), true, nil
		case "can_reply":
			return true, true, nil
		case "participants":
			return wire.O("data", []any{c.party(t, true), c.party(t, false)}), true, nil
		case "messages":
			v, err := c.page(c.messagesEdge(t), f)
			return v, true, err
		}
		return nil, false, nil
	}}
}

// party is one side of a thread.
func (c *call) party(t *world.Thread, person bool) wire.Obj {
	b, p := c.biz, c.api.w.State().People[t.Person]
	name, id := b.Username, b.AccountID(t.Surface)
	if person {
		name, id = p.Username, c.api.w.ScopedID(t.Surface, b, p)
	}
	if t.Surface == world.Messenger {
		if person {
			return wire.O("name", p.Name, "email", id+"@facebook.com", "id", id)
		}
		return wire.O("name", b.Name, "email", id+"@facebook.com", "id", id)
	}
	return wire.O("username", name, "id", id)
}

// messagesEdge lists a thread newest first. Beyond the newest twenty only ids and times show.
func (c *call) messagesEdge(t *world.Thread) edge {
	e := edge{path: "/" + t.ID + "/messages"}
	for i := len(t.Messages) - 1; i >= 0; i-- {
		m := c.api.w.State().Messages[t.Messages[i]]
		n := c.messageNode(m)
		if c.readable(m) != nil {
			n.get = func(_ *call, f field) (any, bool, *world.Error) {
				if f.name == "created_time" {
					return when(m.At), true, nil
				}
				return wire.Skip, true, nil
			}
		}
		e.nodes = append(e.nodes, n)
	}
	return e
}

// threadMessages answers GET /{thread}/messages.
func (c *call) threadMessages(id string) reply {
	t := c.api.w.State().Threads[id]
	if t == nil || c.biz == nil || t.Business != c.biz.Key {
		return c.missing(id)
	}
	if err := c.messagesScope(); err != nil {
		return fail(err)
	}
	return c.listed(c.messagesEdge(t))
}

// readable says why a message's details may not be read: unsent, or older than the newest
// twenty of its thread.
func (c *call) readable(m *world.Message) *world.Error {
	t := c.api.w.State().Threads[m.Thread]
	if m.Deleted {
		return world.ErrDeleted
	}
	from := len(t.Messages) - c.api.w.Settings().History
	for i, id := range t.Messages {
		if id == m.ID && i >= from {
			return nil
		}
	}
	return world.ErrDeleted
}

func (c *call) messageNode(m *world.Message) node {
	return node{kind: "Message", id: m.ID, defaults: "created_time", get: func(c *call, f field) (any, bool, *world.Error) {
		if err := c.readable(m); err != nil {
			return nil, true, err
		}
		t := c.api.w.State().Threads[m.Thread]
		switch f.name {
		case "created_time":
			return when(m.At), true, nil
		case "from":
			return c.party(t, m.FromPerson), true, nil
		case "to":
			return wire.O("data", []any{c.party(t, !m.FromPerson)}), true, nil
		case "message":
			return m.Text, true, nil
		case "is_unsupported":
			return m.Unsupported, true, nil
		case "reply_to":
			if m.ReplyTo == "" {
				return wire.Skip, true, nil
			}
			return wire.O("mid", m.ReplyTo), true, nil
		case "attachments":
			return c.files(m), true, nil
		case "shares":
			return c.shares(m), true, nil
		case "story":
			return c.story(m), true, nil
		case "reactions":
			return c.reactions(t, m), true, nil
		}
		return nil, false, nil
	}}
}

func (c *call) files(m *world.Message) any {
	data := []any{}
	for _, a := range m.Attachments {
		f := c.api.w.State().Assets[a.Asset]
		if f == nil || a.Type == "share" || a.Type == "story_mention" {
			continue
		}
		link := c.api.w.Link(f.ID)
		o := wire.O("id", f.ID, "mime_type", f.Type, "name", f.Name, "size", len(f.Bytes))
		switch kind, _, _ := strings.Cut(f.Type, "/"); kind {
		case "image":
			o = o.With("image_data", wire.O("url", link, "preview_url", link))
		case "video":
			o = o.With("video_data", wire.O("url", link, "preview_url", link))
		default:
			o = o.With("file_url", link)
		}
		data = append(data, o)
	}
	if len(data) == 0 {
		return wire.Skip
	}
	return wire.O("data", data)
}

func (c *call) shares(m *world.Message) any {
	data := []any{}
	for _, a := range m.Attachments {
		if a.Type == "share" {
			data = append(data, wire.O("link", c.api.w.Link(a.Asset), "name", a.Title, "id", a.MediaID))
		}
	}
	if len(data) == 0 {
		return wire.Skip
	}
	return wire.O("data", data)
}

// story is what a message says of a story while that lives.
func (c *call) story(m *world.Message) any {
	for _, a := range m.Attachments {
		if a.Type == "story_mention" {
			return wire.O("mention", wire.O("link", c.api.w.Link(a.Asset), "id", a.MediaID))
		}
	}
	if m.StoryID != "" {
		s := c.api.w.State().Media[m.StoryID]
		return wire.O("reply_to", wire.O("link", c.api.w.Link(s.Asset), "id", s.ID))
	}
	return wire.Skip
}

func (c *call) reactions(t *world.Thread, m *world.Message) any {
	data := []any{}
	for _, who := range []string{"person", "business"} {
		if r, there := m.Reactions[who]; there {
			data = append(data, wire.O("reaction", r.Emoji, "users", []any{c.party(t, who == "person")}))
		}
	}
	if len(data) == 0 {
		return wire.Skip
	}
	return wire.O("data", data)
}
