package graph

import (
	"net/http"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

const echoWait = 5 * time.Second

// send answers POST /{id}/messages for all three products.
func (c *call) send(id string) reply {
	c.api.w.Lock()
	b, kind := c.owned(id)
	c.api.w.Unlock()
	switch kind {
	case "ig", "page":
	case "phone":
		return c.sendWhatsApp(b)
	default:
		return c.missing(id)
	}
	o, perr := c.readOutgoing()
	if perr != nil {
		return fail(perr)
	}
	if err := c.admit(b, kind, o); err != nil {
		return fail(err)
	}
	if err := c.fetchAll(o.Attachments); err != nil {
		return fail(err)
	}
	c.api.w.Lock()
	sent, err := c.api.w.Send(b, o)
	s := c.api.w.Settings()
	c.api.w.Unlock()
	if err != nil {
		return fail(err)
	}
	rep := ok(wire.O("recipient_id", sent.Recipient))
	if sent.Message != nil {
		rep = ok(wire.O("recipient_id", sent.Recipient, "message_id", sent.Message.ID))
	}
	c.echo(s, sent.Echo, &rep)
	rep.after = append(rep.after, sent.Other...)
	return rep
}

// echo sends echoes before the answer, after it, or later.
func (c *call) echo(s world.Settings, echoes []world.Dispatch, rep *reply) {
	switch {
	case s.Echo == "before":
		c.api.w.Deliver(echoes)
		limit := time.After(echoWait)
		for _, e := range echoes {
			select {
			case <-e.Event.Done():
			case <-limit:
				return
			}
		}
	case s.EchoDelayMS > 0:
		w := c.api.w
		w.Clock().AfterFunc(time.Duration(s.EchoDelayMS)*time.Millisecond, func() { w.Deliver(echoes) })
	default:
		rep.after = echoes
	}
}

// admit applies scopes, rules and rates before any file is fetched.
func (c *call) admit(b *world.Business, kind string, o *world.Outgoing) *world.Error {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	if err := c.sendScope(b, o); err != nil {
		return err
	}
	if _, surface := c.api.w.ByScoped(b, o.Recipient); surface == world.Messenger && kind != "page" {
		return world.ErrNoUser
	}
	if _, err := c.api.w.CheckSend(b, o); err != nil {
		return err
	}
	return c.sendRate(b, o)
}

func (c *call) sendScope(b *world.Business, o *world.Outgoing) *world.Error {
	_, surface := c.api.w.ByScoped(b, o.Recipient)
	need := []string{"instagram_manage_messages", "instagram_business_manage_messages"}
	if surface == world.Messenger {
		need = []string{"pages_messaging"}
	}
	if !c.token.Has(need...) {
		return world.Denied(c.wanted(need))
	}
	if comments := []string{"instagram_manage_comments", "instagram_business_manage_comments"}; o.CommentID != "" && !c.token.Has(comments...) {
		return world.Denied(c.wanted(comments))
	}
	return nil
}

// wanted names the scope of a list that this token's login knows: Facebook's stands first.
func (c *call) wanted(scopes []string) string {
	if c.token.Instagram() {
		return scopes[len(scopes)-1]
	}
	return scopes[0]
}

func (c *call) sendRate(b *world.Business, o *world.Outgoing) *world.Error {
	s := c.api.w.Settings()
	if o.CommentID != "" && !c.api.w.Use("private:"+b.Key, s.RepliesPerHour, time.Hour) {
		return world.ErrRate
	}
	for _, a := range o.Attachments {
		if (a.Type == "audio" || a.Type == "video") && !c.api.w.Use("media:"+b.Key, s.MediaPerSecond, time.Second) {
			return world.ErrRate
		}
	}
	if !c.api.w.Use("send:"+b.Key, s.SendPerSecond, time.Second) {
		return world.ErrRate
	}
	return nil
}

// readOutgoing reads the body of the Send API.
func (c *call) readOutgoing() (*world.Outgoing, *world.Error) {
	to := c.p.obj("recipient")
	if to == nil {
		return nil, world.BadParam("The parameter recipient is required")
	}
	o := &world.Outgoing{Recipient: text(to["id"]), CommentID: text(to["comment_id"]), Type: c.p.str("messaging_type"),
		Tag: c.p.str("tag"), Action: strings.ToLower(c.p.str("sender_action")), App: c.token.App}
	if o.Recipient == "" && o.CommentID == "" {
		return nil, world.BadParam("Param recipient[id] must be a valid ID string")
	}
	if tc := c.p.obj("thread_control"); tc != nil {
		if text(tc["control_type"]) != "pass" || text(tc["app_id"]) == "" {
			return nil, world.BadParam("thread_control needs control_type pass and an app_id")
		}
		o.PassTo = text(tc["app_id"])
	}
	if o.Action != "" {
		if c.p.has("message") {
			return nil, world.BadParam("sender_action goes alone")
		}
		payload := c.p.obj("payload")
		o.ActionMID, o.Reaction = text(payload["message_id"]), text(payload["reaction"])
		return o, nil
	}
	return o, c.readMessage(o, c.p.obj("message"))
}

func (c *call) readMessage(o *world.Outgoing, m map[string]any) *world.Error {
	if m == nil {
		return world.BadParam("The parameter message is required")
	}
	o.Raw = wire.Marshal(m)
	o.Text = text(m["text"])
	o.ReplyTo = text(object(m["reply_to"])["mid"])
	atts := list(m["attachments"])
	if a := object(m["attachment"]); a != nil {
		atts = append(atts, a)
	}
	for _, v := range atts {
		if err := c.readAttachment(o, object(v)); err != nil {
			return err
		}
	}
	for _, v := range list(m["quick_replies"]) {
		q := object(v)
		o.Buttons = append(o.Buttons, world.Button{Kind: "quick_reply", Title: text(q["title"]), Payload: text(q["payload"])})
	}
	return nil
}

var attachmentTypes = map[string]bool{"image": true, "video": true, "audio": true, "file": true}

func (c *call) readAttachment(o *world.Outgoing, a map[string]any) *world.Error {
	kind, payload := text(a["type"]), object(a["payload"])
	switch {
	case kind == "template":
		return c.readTemplate(o, payload)
	case kind == "like_heart":
		o.Attachments = append(o.Attachments, world.Attachment{Type: kind})
		return nil
	case kind == "MEDIA_SHARE":
		return c.readShare(o, text(payload["id"]))
	case !attachmentTypes[kind]:
		return world.BadMessage("Invalid attachment type %q", kind)
	}
	out := world.Attachment{Type: kind, URL: text(payload["url"]), Asset: text(payload["attachment_id"])}
	switch {
	case out.Asset != "":
		c.api.w.Lock()
		f := c.api.w.State().Assets[out.Asset]
		c.api.w.Unlock()
		if f == nil || !f.Upload {
			return world.BadMessage("Invalid attachment_id")
		}
	case out.URL == "":
		return world.BadMessage("An attachment needs a url or an attachment_id")
	}
	o.Attachments = append(o.Attachments, out)
	return nil
}

func (c *call) readShare(o *world.Outgoing, id string) *world.Error {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	m := c.api.w.State().Media[id]
	if m == nil || c.biz == nil || m.Business != c.biz.Key {
		return world.BadMessage("Only an own post can be shared")
	}
	o.Attachments = append(o.Attachments, world.Attachment{Type: "share", MediaID: m.ID, Asset: m.Asset, Title: m.Caption, URL: c.api.w.Link(m.Asset)})
	return nil
}

func (c *call) readTemplate(o *world.Outgoing, p map[string]any) *world.Error {
	o.Template = text(p["template_type"])
	switch o.Template {
	case "button":
		o.Text = text(p["text"])
		if o.Text == "" {
			return world.BadMessage("A button template needs a text")
		}
		o.Buttons = append(o.Buttons, buttons(p["buttons"])...)
	case "generic":
		elements := list(p["elements"])
		if len(elements) < 1 || len(elements) > 10 {
			return world.BadMessage("A generic template needs 1 to 10 elements")
		}
		for _, v := range elements {
			e := object(v)
			if text(e["title"]) == "" {
				return world.BadMessage("An element needs a title")
			}
			o.Text = strings.TrimSpace(o.Text + "\n" + text(e["title"]))
			if n := buttons(e["buttons"]); len(n) > world.Buttons {
				return world.BadMessage("An element has at most %d buttons", world.Buttons)
			} else {
				o.Buttons = append(o.Buttons, n...)
			}
		}
	default:
		return world.BadMessage("Invalid template_type %q", o.Template)
	}
	return nil
}

func buttons(v any) []world.Button {
	var out []world.Button
	for _, x := range list(v) {
		b := object(x)
		kind := text(b["type"])
		payload := text(b["payload"])
		if kind == "web_url" {
			kind, payload = "url", text(b["url"])
		}
		out = append(out, world.Button{Kind: kind, Title: text(b["title"]), Payload: payload})
	}
	return out
}

// uploadAttachment answers POST /{page}/message_attachments: a file kept for use by id.
func (c *call) uploadAttachment(id string) reply {
	b, kind := c.owned(id)
	if kind != "page" || c.host != world.GraphFacebook {
		return c.missing(id)
	}
	if !c.token.Has("pages_messaging", "instagram_manage_messages") {
		return fail(world.Denied("pages_messaging"))
	}
	a := object(c.p.obj("message")["attachment"])
	kind = text(a["type"])
	if !attachmentTypes[kind] {
		return fail(world.BadMessage("Invalid attachment type %q", kind))
	}
	f := c.p.file
	if f == nil {
		var err *world.Error
		// The address may be the hub's, which may be busy calling here.
		c.api.w.Unlock()
		f, err = c.fetchFile(kind, text(object(a["payload"])["url"]), limits[kind])
		c.api.w.Lock()
		if err != nil {
			return fail(err)
		}
	} else if err := limits[kind].check(kind, f); err != nil {
		return fail(err)
	}
	asset := c.api.w.AddAsset(world.Asset{Name: f.name, Type: f.kind, Bytes: f.bytes, Upload: true})
	_ = b
	return ok(wire.O("attachment_id", asset.ID))
}

// thread finds the talk a thread-control call is about.
func (c *call) thread(id string) (*world.Thread, *world.Error) {
	b, kind := c.owned(id)
	if kind != "page" && kind != "ig" {
		return nil, world.Missing(c.r.Method, id)
	}
	person := c.p.str("recipient")
	if r := c.p.obj("recipient"); r != nil {
		person = text(r["id"])
	}
	p, surface := c.api.w.ByScoped(b, person)
	if p == nil {
		return nil, world.ErrNoUser
	}
	if t := c.api.w.FindThread(surface, b, p); t != nil {
		return t, nil
	}
	return nil, world.ErrNoUser
}

func (c *call) threadOwner(id string) reply {
	t, err := c.thread(id)
	if err != nil {
		return fail(err)
	}
	if t.Owner == "" {
		return ok(wire.O("data", []any{}))
	}
	return ok(wire.O("data", []any{wire.O("thread_owner", wire.O("app_id", t.Owner))}))
}

func (c *call) passControl(id string) reply {
	t, err := c.thread(id)
	switch to := c.p.str("target_app_id"); {
	case err != nil:
		return fail(err)
	case to == "":
		return fail(world.BadParam("The parameter target_app_id is required"))
	case t.Owner != "" && t.Owner != c.token.App:
		return fail(world.ErrThreadOwner)
	default:
		return reply{status: http.StatusOK, body: wire.O("success", true), after: c.api.w.Pass(t, c.token.App, to)}
	}
}

func (c *call) takeControl(id string) reply {
	t, err := c.thread(id)
	if err != nil {
		return fail(err)
	}
	if !c.api.w.Settings().Routing {
		return fail(world.ErrRouting)
	}
	return reply{status: http.StatusOK, body: wire.O("success", true), after: c.api.w.Take(t, c.token.App)}
}

func (c *call) releaseControl(id string) reply {
	t, err := c.thread(id)
	switch {
	case err != nil:
		return fail(err)
	case t.Owner != c.token.App:
		return fail(world.ErrThreadOwner)
	}
	c.api.w.Pass(t, c.token.App, "")
	return success()
}

func (c *call) requestControl(id string) reply {
	t, err := c.thread(id)
	if err != nil {
		return fail(err)
	}
	return reply{status: http.StatusOK, body: wire.O("success", true), after: c.api.w.Request(t, c.token.App)}
}
