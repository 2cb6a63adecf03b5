package instagram

import (
	"encoding/json"
	"strings"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Threads of the place comment.
const (
	commentThread = "comment:" // and the top-level comment's id
	mentionThread = "mention:" // and the media's id, with ":" and the comment's where one names us
	liveParent    = "live:"    // before the media's id in Thread.Parent: comments there take no public answer
)

// products are the words for where a comment stands.
var products = map[string]string{"FEED": "Post", "REELS": "Reel", "CLIPS": "Reel", "AD": "Ad", "STORY": "Story", "IGTV": "Video", "LIVE": "Live video"}

// comment reads a public comment. It offers the private answer that it allows. Our own come
// back to us too and are dropped: we have them as what was sent.
func (d *decoder) comment(u meta.Update) {
	var w comment
	err := json.Unmarshal(u.Raw, &w)
	id := w.ID
	if id == "" {
		id = w.CommentID
	}
	if err != nil || id == "" {
		d.Unknown(u, "unreadable "+u.Field)
		return
	}
	if d.Mine(string(w.From.ID)) || d.Mine(string(w.From.Self)) {
		return
	}
	root := id
	if w.Parent != "" {
		root = w.Parent
	}
	in := d.commenter(&w, string(id), u)
	in.Event.Thread = d.Thread(commentThread + string(root))
	in.Event.Thread.Parent = string(w.Media.ID)
	in.Event.Remote = timeline.RemoteID(id)
	in.Place, in.About = Place, about(&w)
	in.To = timeline.Handle(root)
	in.Event.Message = &timeline.Message{Text: w.Text, ReplyTo: w.answers()}
	if w.Text == "" {
		in.Event.Message.Parts = []timeline.Part{{Kind: partUnsupported, Retention: timeline.RetainNever}}
	}
	opens := openComment
	if u.Field == "live_comments" || w.Media.Product == "LIVE" {
		opens = openLive
		in.Event.Thread.Parent = liveParent + string(w.Media.ID)
		in.About = products["LIVE"]
	}
	if meta.Digits(string(w.From.ID)) {
		in.Offers = []timeline.Offer{{Thread: d.Thread(string(w.From.ID)), To: timeline.Handle(w.From.ID), Opens: []string{opens}}}
	}
	d.Add(in)
}

// commenter is a comment's event: by its author, where the far side tells who it is.
func (d *decoder) commenter(w *comment, id string, u meta.Update) timeline.Inbound {
	at := w.Timestamp.Time()
	if at.IsZero() {
		at = u.At
	}
	in := d.Event("comment:"+id, timeline.KindMessage, string(w.From.ID), at)
	in.Peer = d.person(string(w.From.ID), w.From.Username)
	if !meta.Digits(string(w.From.ID)) {
		in.Peer = timeline.Identity{Account: d.s.id, Scheme: Place, Value: id, Display: in.Peer.Display}
		in.Event.Actor.ID = id
	}
	if w.From.Username != "" {
		in.Event.Actor.Name = "@" + w.From.Username
		in.Profile = &timeline.Profile{Username: w.From.Username}
	}
	return in
}

// answers is what a comment answers: the comment above it, else the post.
func (w *comment) answers() *timeline.Ref {
	switch {
	case w.Parent != "":
		return &timeline.Ref{Remote: timeline.RemoteID(w.Parent), Kind: "comment"}
	case w.Media.ID != "":
		return &timeline.Ref{Remote: timeline.RemoteID(w.Media.ID), Kind: "post"}
	}
	return nil
}

// about is what a comment stands below, in one line.
func about(w *comment) string {
	what := products[strings.ToUpper(w.Media.Product)]
	if what == "" {
		what = products["FEED"]
	}
	if w.Media.AdTitle != "" {
		what += ": " + w.Media.AdTitle
	}
	return what
}

// mention reads that somebody named us in a comment or a caption. It comes as ids only: who
// and what is looked up with the person's profile.
func (d *decoder) mention(u meta.Update) {
	var w mention
	if err := json.Unmarshal(u.Raw, &w); err != nil || w.Media == "" {
		d.Unknown(u, "unreadable "+u.Field)
		return
	}
	value, ref := string(w.Media), &timeline.Ref{Remote: timeline.RemoteID(w.Media), Kind: "post"}
	if w.Comment != "" {
		value += ":" + string(w.Comment)
	}
	in := d.Event("mention:"+value, timeline.KindMessage, value, u.At)
	in.Peer = timeline.Identity{Account: d.s.id, Scheme: mentionScheme, Value: value}
	in.Event.Thread = d.Thread(mentionThread + value)
	in.Event.Thread.Parent = string(w.Media)
	in.Event.Remote = timeline.RemoteID(value)
	in.Place, in.About = Place, "Mention"
	in.Event.Message = &timeline.Message{ReplyTo: ref, Parts: []timeline.Part{{Kind: timeline.PartShare, Name: "Mention",
		Retention: timeline.RetainURL, Data: map[string]string{"type": "mention", "post": string(w.Media), "comment": string(w.Comment)}}}}
	d.Add(in)
}
