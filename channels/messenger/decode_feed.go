package messenger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// commentThread begins the names of threads of the place comment; the top-level comment's id follows.
const commentThread = "comment:"

// public is a change of the feed under way.
type public struct {
	*decoder
	u    meta.Update
	w    feed
	id   meta.Text // of the comment, or of the visitor's post
	root meta.Text // of the thread
	at   time.Time
}

// feed reads a change of the Page's feed. What the Page itself did comes back to us too and is
// let go: we have it as what was sent.
func (d *decoder) feed(u meta.Update) {
	p := public{decoder: d, u: u}
	if err := json.Unmarshal(u.Raw, &p.w); err != nil {
		d.Unknown(u, "unreadable feed")
		return
	}
	w := &p.w
	if p.id = w.Comment; p.id == "" {
		p.id = w.Post
	}
	if p.root = p.id; w.Comment != "" && w.Parent != "" && w.Parent != w.Post {
		p.root = w.Parent
	}
	if p.at = w.Created.Time(); p.at.IsZero() {
		p.at = u.At
	}
	own := d.Mine(string(w.From.ID))
	switch {
	case p.id == "":
		d.Unknown(u, "feed "+w.Item)
	case w.Verb == "hide" || w.Verb == "unhide":
		p.hidden()
	case w.Verb == "remove" && w.Item != "reaction" && w.Item != "like":
		p.removed()
	case own && (w.Item == "comment" || w.Verb == "add"):
	case w.Item == "reaction" || w.Item == "like":
		p.reaction()
	case (w.Verb == "edited" || w.Verb == "edit") && said(w.Item):
		p.edited()
	case w.Verb == "add" && said(w.Item):
		p.said()
	default:
		d.Unknown(u, "feed "+w.Item+" "+w.Verb)
	}
}

// said reports whether a thing of the feed says something: a comment, or a visitor's post.
func said(item string) bool {
	switch item {
	case "comment", "post", "status", "photo", "video", "share":
		return true
	}
	return false
}

// event is an event on the thread of the top-level comment.
func (p *public) event(key string, k timeline.Kind) timeline.Inbound {
	who := string(p.w.From.ID)
	in := p.decoder.Event(key, k, who, p.at)
	if !meta.Digits(who) {
		in.Peer = timeline.Identity{Account: p.s.id, Scheme: Place, Value: string(p.id)}
		in.Event.Actor.ID = string(p.id)
	}
	in.Event.Thread = p.Thread(commentThread + string(p.root))
	in.Event.Thread.Parent = string(p.w.Post)
	in.Place, in.To = Place, timeline.Handle(p.root)
	in.About = p.about()
	if name := p.w.From.Name; name != "" {
		in.Peer.Display, in.Event.Actor.Name = name, name
		in.Profile = &timeline.Profile{Name: name}
	}
	return in
}

// about is what a thread stands below, in one line.
func (p *public) about() string {
	if p.w.Comment == "" {
		return "Post on the Page"
	}
	switch p.w.About.Type {
	case "added_photos":
		return "Photo"
	case "added_video":
		return "Video"
	}
	return "Post"
}

// said is a new comment or post. It offers the private answer that it allows.
func (p *public) said() {
	w := &p.w
	in := p.event("comment:"+string(p.id), timeline.KindMessage)
	in.Event.Remote = timeline.RemoteID(p.id)
	msg := &timeline.Message{Text: w.Message}
	for _, f := range append([]string{w.Photo}, w.Photos...) {
		if u := meta.WebURL(f); u != "" {
			msg.Parts = append(msg.Parts, timeline.Part{Kind: timeline.PartImage, URL: u})
		}
	}
	if u := meta.WebURL(w.Video); u != "" {
		msg.Parts = append(msg.Parts, timeline.Part{Kind: timeline.PartVideo, URL: u})
	}
	if u := meta.WebURL(w.Link); u != "" && len(msg.Parts) == 0 {
		msg.Parts = append(msg.Parts, timeline.Part{Kind: timeline.PartShare, URL: u, Retention: timeline.RetainURL})
	}
	if msg.Text == "" && len(msg.Parts) == 0 {
		msg.Parts = []timeline.Part{{Kind: partUnsupported, Retention: timeline.RetainNever}}
	}
	switch {
	case w.Comment == "":
	case p.root != p.id:
		msg.ReplyTo = &timeline.Ref{Remote: timeline.RemoteID(p.root), Kind: "comment"}
	case w.Post != "":
		msg.ReplyTo = &timeline.Ref{Remote: timeline.RemoteID(w.Post), Kind: "post", URL: meta.WebURL(w.About.Permalink)}
	}
	in.Event.Message = msg
	if meta.Digits(string(w.From.ID)) {
		in.Offers = []timeline.Offer{{Thread: p.Thread(string(w.From.ID)), To: timeline.Handle(w.From.ID), Opens: []string{openComment}}}
	}
	p.Add(in)
}

// edited is a comment whose words were changed. Edits have no number: the later one counts.
func (p *public) edited() {
	in := p.event("comment-edit:"+string(p.id)+":"+meta.Digest(p.u.Raw), timeline.KindEdit)
	in.Event.At = p.u.At
	in.Event.Edit = &timeline.Edit{Of: meta.Of(p.id), Text: p.w.Message, Rev: 1}
	p.Add(in)
}

// removed is a comment that is gone, whoever took it away.
func (p *public) removed() {
	in := p.event("comment-removed:"+string(p.id), timeline.KindUnsend)
	in.Event.At = p.u.At
	in.Event.Unsend = &timeline.Unsend{Of: meta.Of(p.id)}
	p.Add(in)
}

// hidden is a comment that was hidden or shown again, by us or in the platform's own tools.
func (p *public) hidden() {
	in := p.event(fmt.Sprintf("%s:%s:%s", p.w.Verb, p.id, meta.Digest(p.u.Raw)), timeline.KindControl)
	in.Event.At, in.Event.Direction, in.Event.Actor = p.u.At, timeline.Internal, timeline.Actor{Kind: timeline.ActorExternal}
	in.Event.Control = &timeline.Control{Name: p.w.Verb, Data: map[string]string{"comment": string(p.id)}}
	p.Add(in)
}

// reactions are the words of the feed for what people feel about it.
var reactions = map[string]string{"like": "👍", "love": "❤️", "haha": "😆", "wow": "😮", "sad": "😢", "angry": "😠", "care": "🤗", "sorry": "😢", "anger": "😠"}

func (p *public) reaction() {
	removed := p.w.Verb == "remove"
	emoji := reactions[p.w.Reaction]
	if emoji == "" {
		emoji = reactions["like"]
	}
	if removed {
		emoji = ""
	}
	in := p.event("react:"+string(p.id)+":"+meta.Digest(p.u.Raw), timeline.KindReaction)
	in.Event.Reaction = &timeline.Reaction{Of: meta.Of(p.id), Emoji: emoji, Removed: removed}
	if p.w.Comment == "" {
		in.Event.Reaction.Of.Kind = "post"
	}
	p.Add(in)
}
