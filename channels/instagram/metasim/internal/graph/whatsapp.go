package graph

import (
	"net/http"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

const waMessaging = "whatsapp_business_messaging"

// sendWhatsApp answers POST /{phone}/messages.
func (c *call) sendWhatsApp(b *world.Business) reply {
	if !c.token.Has(waMessaging) {
		return fail(world.Denied(waMessaging))
	}
	if c.p.str("messaging_product") != "whatsapp" {
		return fail(world.BadParam("The parameter messaging_product is required"))
	}
	if c.p.str("status") == "read" {
		return c.waRead(b)
	}
	o, err := c.readWa()
	if err != nil {
		return fail(err)
	}
	c.api.w.Lock()
	p, late, err := c.api.w.CheckWa(b, o)
	c.api.w.Unlock()
	if err != nil {
		return fail(err)
	}
	if err := c.waFile(o); err != nil {
		return fail(err)
	}
	c.api.w.Lock()
	m, events := c.api.w.SendWa(b, p, o, late)
	c.api.w.Unlock()
	contact := wire.O("input", o.To, "wa_id", p.WaID)
	if p.WaID == "" {
		contact = wire.O("input", o.To, "user_id", p.BSUID)
	}
	return reply{status: http.StatusOK, after: events, body: wire.O("messaging_product", "whatsapp",
		"contacts", []any{contact}, "messages", []any{wire.O("id", m.ID)})}
}

func (c *call) waRead(b *world.Business) reply {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	m := c.api.w.State().Messages[c.p.str("message_id")]
	if m == nil || c.api.w.State().Threads[m.Thread].Business != b.Key {
		return fail(world.BadParam("Invalid parameter message_id"))
	}
	m.Seen = true
	t := c.api.w.State().Threads[m.Thread]
	if text(c.p.obj("typing_indicator")["type"]) != "" {
		t.TypingAt = c.api.w.Clock().Now()
	}
	c.api.w.Touch()
	return success()
}

var waKinds = map[string]bool{"text": true, "image": true, "audio": true, "video": true, "document": true,
	"sticker": true, "template": true, "interactive": true, "reaction": true, "location": true, "contacts": true}

func (c *call) readWa() (*world.WaOutgoing, *world.Error) {
	o := &world.WaOutgoing{To: c.p.str("to"), Kind: c.p.str("type"), App: c.token.App, Raw: c.p.raw}
	if o.To == "" {
		o.To = c.p.str("recipient")
	}
	if o.Kind == "" {
		o.Kind = "text"
	}
	o.ReplyTo = text(c.p.obj("context")["message_id"])
	body := c.p.obj(o.Kind)
	switch {
	case o.To == "":
		return nil, world.BadParam("The parameter to is required")
	case !waKinds[o.Kind]:
		return nil, world.BadParam("Param type must be one of the known kinds, not %q", o.Kind)
	case body == nil && o.Kind != "contacts":
		return nil, world.BadParam("The parameter %s is required", o.Kind)
	}
	switch o.Kind {
	case "text":
		o.Text = text(body["body"])
	case "reaction":
		o.ReactTo, o.Emoji = text(body["message_id"]), text(body["emoji"])
	case "template":
		readWaTemplate(o, body)
	case "interactive":
		o.Text = text(object(body["body"])["text"])
		for _, v := range list(object(body["action"])["buttons"]) {
			r := object(object(v)["reply"])
			o.Buttons = append(o.Buttons, world.Button{Kind: "quick_reply", Title: text(r["title"]), Payload: text(r["id"])})
		}
	case "location":
		o.Text = text(body["name"]) + " (" + text(body["latitude"]) + ", " + text(body["longitude"]) + ")"
	case "contacts":
		o.Text = "Contact"
	default:
		o.Text = text(body["caption"])
		o.Attachment = &world.Attachment{Type: o.Kind, URL: text(body["link"]), Asset: text(body["id"]), Title: text(body["filename"])}
	}
	return o, nil
}

func readWaTemplate(o *world.WaOutgoing, body map[string]any) {
	o.Template, o.Language = text(body["name"]), text(object(body["language"])["code"])
	o.Text = "[" + o.Template + "]"
	for _, v := range list(body["components"]) {
		if comp := object(v); text(comp["type"]) == "body" {
			o.Params = len(list(comp["parameters"]))
			for _, p := range list(comp["parameters"]) {
				o.Text += " " + text(object(p)["text"])
			}
		}
	}
}

// waFile fetches the file of a message, or finds the one uploaded before.
func (c *call) waFile(o *world.WaOutgoing) *world.Error {
	a := o.Attachment
	if a == nil {
		return nil
	}
	if a.Asset == "" {
		f, err := c.fetchFile(a.Type, a.URL, waLimits[a.Type])
		if err != nil {
			return world.ErrWaMedia
		}
		c.api.w.Lock()
		a.Asset = c.api.w.AddAsset(world.Asset{Name: f.name, Type: f.kind, Bytes: f.bytes}).ID
		c.api.w.Unlock()
	}
	c.api.w.Lock()
	defer c.api.w.Unlock()
	if c.api.w.State().Assets[a.Asset] == nil {
		return world.ErrWaMedia
	}
	a.URL = c.api.w.Link(a.Asset)
	return nil
}

// uploadMedia answers POST /{phone}/media with the locked world.
func (c *call) uploadMedia(id string) reply {
	if _, kind := c.owned(id); kind != "phone" {
		return c.unimplemented() // publishing posts is no part of this simulator
	}
	f := c.p.file
	if f == nil || c.p.str("messaging_product") != "whatsapp" {
		return fail(world.BadParam("The parameters file and messaging_product are required"))
	}
	if t := c.p.str("type"); t != "" {
		f.kind = t
	}
	fits := false
	for kind, l := range waLimits {
		fits = fits || l.types != nil && l.check(kind, f) == nil
	}
	if !fits && waLimits["document"].check("document", f) != nil {
		return fail(world.ErrWaMedia)
	}
	a := c.api.w.AddAsset(world.Asset{Name: f.name, Type: f.kind, Bytes: f.bytes, Upload: true})
	return ok(wire.O("id", a.ID))
}

// waMediaNode is GET /{media id}: where the file lies for the next five minutes.
func (c *call) waMediaNode(f *world.Asset) node {
	return node{kind: "WhatsAppMedia", id: f.ID, defaults: "url,mime_type,sha256,file_size,messaging_product", get: values(map[string]any{
		"url": c.api.w.Link(f.ID), "mime_type": f.Type, "sha256": world.Digest(f.Bytes), "file_size": len(f.Bytes), "messaging_product": "whatsapp",
	})}
}

func phoneNode(b *world.Business) node {
	return node{kind: "WhatsAppBusinessPhoneNumber", id: b.Phone, defaults: "verified_name,display_phone_number,quality_rating",
		get: values(map[string]any{"verified_name": b.Name, "display_phone_number": b.PhoneNumber, "quality_rating": "GREEN",
			"code_verification_status": "VERIFIED", "platform_type": "CLOUD_API", "throughput": wire.O("level", "STANDARD")})}
}

func wabaNode(b *world.Business) node {
	return node{kind: "WhatsAppBusinessAccount", id: b.WABA, defaults: "name,timezone_id,message_template_namespace",
		get: values(map[string]any{"name": b.Name, "timezone_id": "1", "message_template_namespace": "ns_" + b.WABA})}
}

func (c *call) templates(id string) reply {
	b, kind := c.owned(id)
	if kind != "waba" {
		return c.missing(id)
	}
	e := edge{path: c.path}
	for _, t := range b.Templates {
		e.nodes = append(e.nodes, node{kind: "MessageTemplate", id: t.Name + "." + t.Language, defaults: "name,language,status,category",
			get: values(map[string]any{"name": t.Name, "language": t.Language, "status": "APPROVED", "category": "UTILITY", "params": t.Params})})
	}
	return c.listed(e)
}

func (c *call) phoneNumbers(id string) reply {
	b, kind := c.owned(id)
	if kind != "waba" {
		return c.missing(id)
	}
	e := edge{path: c.path}
	if b.Phone != "" {
		e.nodes = []node{phoneNode(b)}
	}
	return c.listed(e)
}
