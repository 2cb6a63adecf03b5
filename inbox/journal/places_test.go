package journal

import (
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// commented is a public comment that offers a private answer.
func commented(who, id string, s int, text string) timeline.Inbound {
	in := says(who, id, s, text)
	in.Opens, in.Place, in.About = nil, "comment", "Our new boots"
	in.Event.Thread = timeline.Thread{Account: acct, ID: "comment:top"}
	in.Offers = []timeline.Offer{{Thread: timeline.Thread{Account: acct, ID: timeline.ThreadID("t-" + who)}, To: timeline.Handle(who), Opens: []string{"comment"}}}
	return in
}

func TestACommentOffersAPrivateAnswer(t *testing.T) {
	w := newWorld(t)
	in := commented("v1", "c1", 1, "how much?")
	w.receive(in)
	w.receive(in)
	c := w.one()
	if len(c.Legs) != 2 {
		t.Fatalf("legs %+v", c.Legs)
	}
	public, private := c.Legs[0], c.Legs[1]
	if public.Place != "comment" || public.About != "Our new boots" || len(public.Opened) != 0 {
		t.Errorf("the comment's leg: %+v", public)
	}
	if w := private.Opened["comment"]; private.Place != "" || private.ID != "acct|t-v1" || private.Peer != "v1" || w.By != "c1" || !w.At.Equal(at(1)) {
		t.Errorf("the offered leg: %+v", private)
	}
	if w := w.event(in.Event.ID); w.Leg != public.ID {
		t.Errorf("the comment is on %s", w.Leg)
	}
	w.do(w.ask("a1", c.ID, 5, timeline.KindMessage, func(ev *timeline.Event) {
		ev.Direction, ev.Leg, ev.Message = timeline.Out, private.ID, &timeline.Message{Text: "20"}
	}))
	if len(w.outs) != 1 || w.outs[0].Thread.ID != "t-v1" || w.outs[0].Opened["comment"].By != "c1" || w.outs[0].Opened["comment"].Used != 0 || w.outs[0].Place != "" {
		t.Fatalf("outbound %s", asJSON(t, w.outs))
	}
	w.do(w.ask("a2", c.ID, 6, timeline.KindMessage, func(ev *timeline.Event) {
		ev.Direction, ev.Leg, ev.Message = timeline.Out, public.ID, &timeline.Message{Text: "see your messages"}
	}))
	if o := w.outs[1]; o.Place != "comment" || o.About != "Our new boots" {
		t.Errorf("outbound %s", asJSON(t, o))
	}
	var th thread
	if err := w.store.C(store.Threads).One(t.Context(), byID("acct|t-v1"), &th); err != nil || th.Conversation != c.ID {
		t.Errorf("the offered thread is not known: %+v, %v", th, err)
	}
	w.receive(says("v1", "d1", 9, "thanks"))
	c = w.one()
	if w := c.Legs[1].Opened; w["comment"].Used != 1 || w["message"].At != at(9) {
		t.Errorf("ledger %+v", w)
	}
	w.receive(commented("v1", "c0", 0, "an older comment"))
	if w := w.one().Legs[1].Opened["comment"]; w.By != "c1" || w.Used != 1 {
		t.Errorf("an older comment changed the ledger: %+v", w)
	}
	w.receive(commented("v1", "c2", 20, "another"))
	if w := w.one().Legs[1].Opened["comment"]; w.By != "c2" || w.Used != 0 {
		t.Errorf("a newer comment opens anew: %+v", w)
	}
	w.sound()
}

func (w *world) moderate(id string, c timeline.ConversationID, s int, of timeline.EventID, action string) timeline.Command {
	return w.ask(id, c, s, timeline.KindModeration, func(ev *timeline.Event) {
		ev.Moderation = &timeline.Moderation{Of: timeline.Ref{Event: of}, Action: action, State: timeline.ModerationAsked}
	})
}

// moderated is what the gateway tells of a moderation.
func moderated(asked, action, state string, s int) timeline.Inbound {
	in := commented("v1", "x", s, "")
	return timeline.Inbound{Channel: "chat", Event: timeline.Event{ID: timeline.EventID(asked + "/" + state), Kind: timeline.KindModeration, Direction: timeline.Internal,
		Thread: in.Event.Thread, Actor: timeline.Actor{Kind: timeline.ActorSystem}, At: at(s), Received: at(s),
		Moderation: &timeline.Moderation{Of: timeline.Ref{Event: "acct|msg:c1", Remote: "c1"}, Action: action, State: state, Asked: timeline.EventID(asked)}}}
}

func TestModeratingAComment(t *testing.T) {
	w := newWorld(t)
	in := commented("v1", "c1", 1, "buy canary pills")
	in.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "file1"}}
	if err := w.store.C(store.Files).Insert(t.Context(), bson.D{{Key: "_id", Value: "file1"}}); err != nil {
		t.Fatal(err)
	}
	w.receive(in)
	c := w.one()
	hide := w.moderate("h1", c.ID, 5, in.Event.ID, timeline.ModerateHide)
	w.do(hide, hide)
	w.do(hide)
	for _, o := range w.outs {
		if o.ID != "h1" || o.Moderation == nil || o.Moderation.Of.Remote != "c1" || o.Place != "comment" {
			t.Errorf("outbound %s", asJSON(t, o))
		}
	}
	if len(w.outs) == 0 {
		t.Fatal("nothing was asked of the far side")
	}
	w.restart()
	w.receive(moderated("h1", timeline.ModerateHide, timeline.ModerationFailed, 6))
	w.receive(moderated("h1", timeline.ModerateHide, timeline.ModerationDone, 7))
	if m := w.event(in.Event.ID).Message; m.Moderated == nil || m.Moderated.State != timeline.ModerationDone || m.Moderated.By.ID != "ana" || m.Text == "" {
		t.Errorf("hidden: %s", asJSON(t, m))
	}
	w.do(w.moderate("d1", c.ID, 8, in.Event.ID, timeline.ModerateDelete))
	w.receive(moderated("d1", timeline.ModerateDelete, timeline.ModerationDone, 9))
	w.receive(moderated("h1", timeline.ModerateHide, timeline.ModerationDone, 10))
	m := w.event(in.Event.ID).Message
	if m.Text != "" || len(m.Parts) != 0 || m.Moderated.Action != timeline.ModerateDelete || len(m.Moderated.Earlier) != 1 {
		t.Errorf("deleted: %s", asJSON(t, m))
	}
	if c = w.one(); c.Last.Text != "" || c.Opening != "" {
		t.Errorf("the list still shows %q and %q", c.Last.Text, c.Opening)
	}
	w.marked("file1")
	w.sound()
}

func (w *world) marked(file string) {
	w.t.Helper()
	var f struct {
		UnsentAt *time.Time `json:"unsentAt"`
	}
	if err := w.store.C(store.Files).One(w.t.Context(), byID(file), &f); err != nil || f.UnsentAt == nil {
		w.t.Errorf("the file %s is not marked: %v", file, err)
	}
}

func fetchedIn(id string, s int, parts ...timeline.MediaPart) timeline.Inbound {
	in := about("v1", id, s, timeline.KindMedia, func(ev *timeline.Event) {
		ev.Direction, ev.Actor = timeline.Internal, timeline.Actor{Kind: timeline.ActorSystem}
		ev.Media = &timeline.Media{Of: timeline.Ref{Remote: "m1"}, Parts: parts}
	})
	in.Peer = timeline.Identity{}
	return in
}

func TestMediaAreFilledIn(t *testing.T) {
	got := timeline.MediaPart{N: 0, Part: timeline.Part{Kind: timeline.PartImage, File: "file1", MIME: "image/png", Size: 3}}
	for _, order := range []string{"message, media", "media, message", "unsend, media", "media before message, unsent"} {
		t.Run(order, func(t *testing.T) {
			w := newWorld(t)
			if err := w.store.C(store.Files).Insert(t.Context(), bson.D{{Key: "_id", Value: "file1"}}); err != nil {
				t.Fatal(err)
			}
			m := says("v1", "m1", 1, "look")
			m.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, URL: "https://cdn.invalid/1"}}
			gone := about("v1", "m1", 5, timeline.KindUnsend, func(ev *timeline.Event) { ev.Unsend = &timeline.Unsend{Of: timeline.Ref{Remote: "m1"}} })
			media := fetchedIn("f1", 3, got)
			w.receive(says("v1", "m0", 0, "hi"))
			var ins []timeline.Inbound
			switch order {
			case "message, media":
				ins = []timeline.Inbound{m, media}
			case "media, message":
				ins = []timeline.Inbound{media, m}
			case "unsend, media":
				ins = []timeline.Inbound{m, gone, media}
			case "media before message, unsent":
				ins = []timeline.Inbound{gone, media, m}
			}
			for _, in := range append(ins, ins...) {
				w.restart()
				w.receive(in)
			}
			ev := w.event(m.Event.ID)
			if ev.Message.Unsent != nil {
				w.marked("file1")
				if len(ev.Message.Parts) != 0 {
					t.Errorf("parts %+v", ev.Message.Parts)
				}
			} else if p := ev.Message.Parts[0]; p.File != "file1" || p.URL == "" || p.Size != 3 {
				t.Errorf("part %+v", p)
			}
			if w.one().Undelivered != 0 {
				t.Error("media count as undelivered")
			}
			w.sound()
		})
	}
}

func profiled(who, id string, s int, p timeline.Profile) timeline.Inbound {
	in := about(who, id, s, timeline.KindControl, func(ev *timeline.Event) {
		ev.Direction, ev.Actor = timeline.Internal, timeline.Actor{Kind: timeline.ActorSystem}
		ev.Control = &timeline.Control{Name: "profile"}
	})
	in.Profile = &p
	return in
}

func TestProfilesAreTakenIn(t *testing.T) {
	w := newWorld(t)
	w.receive(profiled("v1", "p0", 0, timeline.Profile{Name: "Nobody"}))
	if n := len(w.conversations()); n != 0 || w.count(store.Persons) != 0 || w.count(store.Identities) != 0 {
		t.Fatalf("a profile began %d conversations and %d persons", n, w.count(store.Persons))
	}
	w.receive(says("v1", "m1", 1, "hi"))
	w.receive(profiled("v1", "p1", 2, timeline.Profile{Name: "Maya Hikes", Username: "maya", Avatar: "file1"}))
	w.receive(profiled("v1", "p1", 2, timeline.Profile{Name: "Maya Hikes", Username: "maya", Avatar: "file1"}))
	c := w.one()
	if c.Name != "Maya Hikes" || c.Avatar != "file1" || c.Seq != 2 {
		t.Errorf("name %q, avatar %q, seq %d", c.Name, c.Avatar, c.Seq)
	}
	w.receive(profiled("v1", "p2", 3, timeline.Profile{Name: "Maya Hikes", Username: "maya", Avatar: "file1"}))
	if c = w.one(); c.Seq != 2 {
		t.Error("a profile that says nothing new is on the timeline")
	}
	if _, err := w.store.C(store.Persons).Update(t.Context(), byID(c.Person), set(bson.E{Key: "name", Value: "Ms Hikes"}, bson.E{Key: "named", Value: true})); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Hour)
	w.receive(profiled("v1", "p3", 4, timeline.Profile{Name: "maya123", Avatar: "file2"}))
	if c = w.one(); c.Name != "Ms Hikes" || c.Avatar != "file2" {
		t.Errorf("name %q, avatar %q", c.Name, c.Avatar)
	}
	w.sound()
}

// started is the first message of a conversation that one of us begins.
func started(to, id string, s int, text string) timeline.Inbound {
	in := says(to, id, s, text)
	in.Opens, in.Place, in.About = nil, "mail", "Your order"
	in.Event.Direction, in.Event.Remote = timeline.Out, ""
	in.Event.Actor = timeline.Actor{Kind: timeline.ActorAgent, ID: "ana", Name: "Ana"}
	in.Event.ID = timeline.EventID("start." + id)
	return in
}

func TestStartingAConversation(t *testing.T) {
	w := newWorld(t)
	in := started("v1", "s1", 1, "we wrote first")
	w.receive(in)
	c := w.one()
	m := w.event(in.Event.ID)
	if c.Seq != 1 || c.InCount != 0 || m.Message.Delivery == nil || m.Message.Delivery.State != timeline.Queued || m.Actor.ID != "ana" {
		t.Fatalf("conversation %s, message %s", asJSON(t, c), asJSON(t, m))
	}
	if len(w.outs) != 1 || w.outs[0].Message.Text != "we wrote first" || w.outs[0].To != "v1" || w.outs[0].About != "Your order" || w.outs[0].Place != "mail" {
		t.Fatalf("outbound %s", asJSON(t, w.outs))
	}
	w.restart()
	w.receive(in)
	if c = w.one(); c.Seq != 1 || len(w.outs) != 2 || w.outs[1].ID != w.outs[0].ID {
		t.Errorf("a repeat: seq %d, outbound %s", c.Seq, asJSON(t, w.outs))
	}
	w.receive(says("v1", "m1", 9, "thank you"))
	if c = w.one(); c.Seq != 2 || c.WaitingSince == nil {
		t.Errorf("the answer: %s", asJSON(t, c))
	}
	w.do(w.status("r", c.ID, 10, timeline.Resolved, nil))
	w.clock = w.clock.Add(30 * 24 * time.Hour)
	late := started("v1", "s2", 30*86400, "long after")
	w.receive(late)
	w.receive(late)
	if cs := w.conversations(); len(cs) != 2 || cs[1].Last.Event != late.Event.ID {
		t.Errorf("%d conversations", len(cs))
	}
	w.sound()
}

func TestAnAnswerByMailGoesOnWhereTheChatWas(t *testing.T) {
	w := newWorld(t)
	w.put(store.Accounts, bson.D{{Key: "_id", Value: "post"}, {Key: "channel", Value: "email"}, {Key: "queue", Value: "letters"}})
	w.receive(linked(says("v1", "m1", 1, "hi"), mail("maya@x.org", timeline.ProofSigned)))
	c := w.one()
	th := timeline.Thread{Account: "post", ID: "new:1"}
	by := w.ask("continue|1", c.ID, 20, timeline.KindMessage, func(ev *timeline.Event) {
		ev.Actor, ev.Direction, ev.Thread = timeline.Actor{Kind: timeline.ActorSystem}, timeline.Out, th
		ev.Message = &timeline.Message{Text: "You were away", Automated: true}
	})
	by.Attach = &timeline.Leg{ID: th.Leg(), Thread: th, Channel: "email", Peer: "maya@x.org", Identity: "|email|maya@x.org"}
	w.do(by)
	w.do(by)
	answer := byMail("maya@x.org", "ml1", 30, "I am back")
	answer.Event.Thread = th
	other := byMail("maya@x.org", "ml2", 31, "something else")
	other.Event.Thread = timeline.Thread{Account: "post", ID: "another"}
	w.receive(answer, answer)
	if c = w.one(); c.Last.Text != "I am back" || c.InCount != 2 {
		t.Errorf("conversation %s", asJSON(t, c))
	}
	w.receive(other)
	if cs := w.conversations(); len(cs) != 2 || cs[1].Queue != "letters" {
		t.Errorf("a new thread begins where its account's do: %s", asJSON(t, cs))
	}
	w.do(w.status("done", c.ID, 40, timeline.Resolved, nil))
	w.sound()
}
