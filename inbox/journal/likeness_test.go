package journal

import (
	"errors"
	"slices"
	"testing"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// follow lets likeness read what was published, twice: a repeat changes nothing.
func (w *world) follow() {
	w.t.Helper()
	for range 2 {
		if err := w.j.Likeness(w.t.Context(), records(w.entries)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.entries = nil
}

func (w *world) suggestions() (out []suggestion) {
	w.t.Helper()
	if err := w.store.C(store.Suggestions).All(w.t.Context(), bson.D{}, &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestSuggestionsTellTheirReasons(t *testing.T) {
	verified := linked(says("v1", "1", 1, "hi"), mail("maya@x.org", timeline.ProofSigned))
	verified.Profile = &timeline.Profile{Name: "Maya Hikes", Username: "maya.h", Avatar: "pic1"}
	claimed := linked(says("v9", "9", 1, "hi"), mail("claimed@x.org", timeline.ProofNone))
	filled := says("v2", "2", 2, "hello")
	filled.Profile = &timeline.Profile{Extra: map[string]string{"form": "mail=maya@x.org"}}
	same := says("v2", "2", 2, "hello")
	same.Profile = &timeline.Profile{Name: "Maya Hikes", Username: "other", Avatar: "pic2"}
	cases := []struct {
		name string
		ins  []timeline.Inbound
		want []string // kind/how of the only suggestion; none: no suggestion
	}{
		{"an address in a message", []timeline.Inbound{says("v2", "2", 2, "I am Maya@X.org")}, []string{"email/said"}},
		{"the same address again", []timeline.Inbound{says("v2", "2", 2, "maya@x.org"), says("v2", "3", 3, "maya@x.org!")}, []string{"email/said"}},
		{"one's own address", []timeline.Inbound{says("v1", "2", 2, "maya@x.org")}, nil},
		{"an address nobody has", []timeline.Inbound{says("v2", "2", 2, "else@x.org")}, nil},
		{"an address that somebody only claims", []timeline.Inbound{says("v2", "2", 2, "claimed@x.org")}, nil},
		{"what was filled in", []timeline.Inbound{filled}, []string{"email/profile"}},
		{"the same name and picture", []timeline.Inbound{same}, []string{"avatar/alike", "name/alike"}},
		{"several reasons", []timeline.Inbound{filled, says("v2", "3", 3, "maya@x.org")}, []string{"email/profile", "email/said"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for _, f := range []string{"pic1", "pic2"} {
				w.put(store.Files, bson.D{{Key: "_id", Value: f}, {Key: "sha256", Value: "same"}})
			}
			w.receive(verified, claimed)
			w.receive(c.ins...)
			w.follow()
			all := w.suggestions()
			if len(c.want) == 0 {
				if len(all) > 0 {
					t.Errorf("%s", asJSON(t, all))
				}
				return
			}
			if len(all) != 1 {
				t.Fatalf("%d suggestions, want 1", len(all))
			}
			var got []string
			for _, e := range all[0].Evidence {
				got = append(got, e.Kind+"/"+e.How)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || all[0].Score != inbox.Likeness(all[0].Evidence) || all[0].Score == 0 {
				t.Errorf("%v with score %d, want %v", got, all[0].Score, c.want)
			}
			if w.count(store.Merges) != 0 {
				t.Error("somebody was merged")
			}
		})
	}
}

func TestIdentitiesThatWeVouchFor(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "1", 1, "hi"), byMail("maya@x.org", "2", 2, "by mail"))
	chat, post := w.whose(visitor("v1")), w.whose(mail("maya@x.org", ""))
	address := mail("maya@x.org", timeline.ProofAgent)
	var no *Conflict
	if err := w.j.AddIdentity(t.Context(), chat, address); !errors.As(err, &no) || no.Person != post {
		t.Fatalf("another's identity: %v", err)
	}
	if all := w.suggestions(); len(all) != 1 || all[0].Evidence[0].How != inbox.EvidenceAgent || all[0].Evidence[0].Value != "maya@x.org" {
		t.Errorf("suggestions %s", asJSON(t, all))
	}
	if err := w.j.AddIdentity(t.Context(), post, address); err != nil {
		t.Errorf("one's own: %v", err)
	}
	second := mail("maya@home.org", timeline.ProofAgent)
	if err := errors.Join(w.j.AddIdentity(t.Context(), chat, second), w.j.AddIdentity(t.Context(), chat, second)); err != nil {
		t.Fatal(err)
	}
	w.receive(byMail("maya@home.org", "3", 3, "from home"))
	if got := w.whose(second); got != chat {
		t.Errorf("what comes from there is %s's, not %s's", got, chat)
	}
	id, err := w.j.Merge(t.Context(), post, chat, system)
	if err != nil {
		t.Fatal(err)
	}
	w.pump()
	if err := w.j.AddIdentity(t.Context(), post, second); err != nil {
		t.Errorf("after a merge they are one: %v", err)
	}
	if err := w.j.Undo(t.Context(), id, system); err != nil {
		t.Fatal(err)
	}
	w.pump()
	if got := w.whose(second); got != chat {
		t.Errorf("undoing moved the identity to %s", got)
	}
	if err := w.j.RemoveIdentity(t.Context(), post, second.ID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("removing another's: %v", err)
	}
	if err := w.j.RemoveIdentity(t.Context(), chat, second.ID()); err != nil {
		t.Fatal(err)
	}
	w.receive(byMail("maya@home.org", "4", 4, "who am I?"))
	if got := w.whose(second); got == chat || got == post {
		t.Error("what comes from an identity that was removed is still theirs")
	}
}
