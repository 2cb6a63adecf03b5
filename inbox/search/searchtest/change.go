package searchtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/timeline"
)

// stateChanges reach all messages of a conversation without their being given again.
func stateChanges(_ *testing.T, r *rig) {
	cs := []search.Change{conv("c", 1)}
	want := []string{}
	for n := int64(1); n <= 15; n++ {
		cs = append(cs, said("c", n, "a parcel"))
		want = append(want, fmt.Sprint("c-", n))
	}
	r.apply(cs...)
	ada := search.Filter{Assignee: new(timeline.AgentID)}
	*ada.Assignee = "ada"
	r.finds(search.Query{Text: "parcel", Scope: everybody}, want...)
	r.finds(search.Query{Text: "parcel", Scope: everybody, Filter: ada})
	r.apply(conv("c", 16, with(func(s *search.Standing) { s.Assignee, s.Labels, s.State = "ada", []string{"vip"}, timeline.Resolved })))
	r.finds(search.Query{Text: "parcel", Scope: everybody, Filter: ada}, want...)
	r.finds(search.Query{Text: "parcel", Scope: search.Scope{Agent: "ada"}}, want...)
	r.finds(search.Query{Text: "parcel", Scope: everybody, Filter: search.Filter{Labels: []string{"vip"}, States: []timeline.State{timeline.Resolved}}}, want...)
	r.apply(conv("c", 17))
	r.finds(search.Query{Text: "parcel", Scope: search.Scope{Agent: "ada"}})
}

// pages follow one another without a gap and without anything twice, in the order asked for.
func pages(t *testing.T, r *rig) {
	cs := []search.Change{conv("c", 1)}
	const many = 45
	for n := int64(1); n <= many; n++ {
		text := "one parcel among other things that were said at length about the weather"
		if n%9 == 0 {
			text = "parcel"
		}
		cs = append(cs, said("c", n, text, func(d *search.Doc) {
			if n%5 == 0 { // several of one moment
				d.At = began.Add(time.Hour)
			}
		}))
	}
	r.apply(cs...)
	for _, sort := range []search.Sort{search.Newest, search.Relevance} {
		for _, text := range []string{"parcel", ""} {
			t.Run(fmt.Sprintf("%s %q", sort, text), func(t *testing.T) {
				r := &rig{t: t, e: r.e}
				var all []search.Doc
				if !r.eventually(func() bool {
					all = r.all(search.Query{Text: text, Sort: sort, Scope: everybody, Limit: 7})
					return len(all) == many
				}) {
					t.Fatalf("%d found in all, want %d", len(all), many)
				}
				seen := map[string]bool{}
				for i, d := range all {
					if seen[d.ID] {
						t.Errorf("%s came twice", d.ID)
					}
					seen[d.ID] = true
					if sort == search.Newest && i > 0 && d.At.After(all[i-1].At) {
						t.Errorf("%s is newer than the one before it", d.ID)
					}
				}
				if sort == search.Relevance && text != "" {
					for _, d := range all[:many/9] {
						if d.Fields[0].Text != "parcel" {
							t.Errorf("%q is among the best", d.Fields[0].Text)
						}
					}
				}
			})
		}
	}
}

// all reads every page.
func (r *rig) all(q search.Query) (out []search.Doc) {
	r.t.Helper()
	for range 100 {
		res := r.search(q)
		out = append(out, res.Docs...)
		if q.After = res.Next; q.After == "" {
			return out
		}
	}
	r.t.Fatal("the pages do not end")
	return nil
}

// edit: what was changed is found by its new words only.
func edit(_ *testing.T, r *rig) {
	r.apply(conv("c", 1), said("c", 1, "the blue parcel 蓝色包裹"))
	r.finds(search.Query{Text: "blue", Scope: everybody}, "c-1")
	r.apply(said("c", 1, "the green parcel 绿色包裹", func(d *search.Doc) { d.Rev = 2 }))
	r.finds(search.Query{Text: "green", Scope: everybody}, "c-1")
	r.finds(search.Query{Text: "绿色", Scope: everybody}, "c-1")
	r.finds(search.Query{Text: "blue", Scope: everybody})
	r.finds(search.Query{Text: "蓝色", Scope: everybody})
	r.finds(search.Query{Text: "parcel", Scope: everybody}, "c-1")
}

func gone(conv string, n, rev int64) search.Change {
	return said(conv, n, "", func(d *search.Doc) { d.Rev, d.Gone, d.Fields = rev, true, nil })
}

// unsend: what was taken back is not found, whatever comes later by another way.
func unsend(_ *testing.T, r *rig) {
	r.apply(conv("c", 1), said("c", 1, "the secret parcel"), said("c", 2, "another parcel"))
	r.finds(search.Query{Text: "secret", Scope: everybody}, "c-1")
	r.apply(gone("c", 1, 3))
	r.finds(search.Query{Text: "secret", Scope: everybody})
	r.finds(search.Query{Text: "parcel", Scope: everybody}, "c-2")
	r.finds(search.Query{Scope: everybody}, "c-2")
}

// erasure: a person's hits are gone, and stay so.
func erasure(_ *testing.T, r *rig) {
	person := func(rev int64, gone bool) search.Change {
		return search.Change{Doc: &search.Doc{Kind: search.People, ID: "p-c", Rev: rev, At: began, Person: "p-c", Gone: gone, Fields: []search.Field{{Name: "name", Text: "Wilhelmina Zacharias"}}}}
	}
	r.apply(conv("c", 1), conv("d", 1), person(1, false), said("c", 1, "I am Wilhelmina"), said("c", 2, "as I said"), said("d", 1, "Wilhelmina wrote"))
	r.finds(search.Query{Text: "wilhelmina", Scope: everybody}, "c-1", "d-1")
	r.finds(search.Query{Kind: search.People, Text: "zacharias", Scope: everybody}, "p-c")
	r.apply(conv("c", 9, with(func(s *search.Standing) { s.Erased = 9 })), person(2, true))
	r.finds(search.Query{Text: "wilhelmina", Scope: everybody}, "d-1")
	r.finds(search.Query{Kind: search.People, Text: "zacharias", Scope: everybody})
	r.finds(search.Query{Scope: everybody, Filter: search.Filter{Conversation: "c"}})
	r.apply(said("c", 10, "a new message"))
	r.finds(search.Query{Scope: everybody, Filter: search.Filter{Conversation: "c"}}, "c-10")
}

// merge: messages are the other person's from then on.
func merge(_ *testing.T, r *rig) {
	r.apply(conv("c", 1), conv("d", 1), said("c", 1, "parcel one"), said("d", 2, "parcel two"))
	of := func(p timeline.PersonID) search.Query {
		return search.Query{Text: "parcel", Scope: everybody, Filter: search.Filter{Person: p}}
	}
	r.finds(of("p-c"), "c-1")
	r.apply(conv("c", 2, with(func(s *search.Standing) { s.Person = "p-d" })))
	r.finds(of("p-d"), "c-1", "d-2")
	r.finds(of("p-c"))
	r.apply(conv("c", 3))
	r.finds(of("p-c"), "c-1")
	r.finds(of("p-d"), "d-2")
}

// repeats change nothing.
func repeats(_ *testing.T, r *rig) {
	first := []search.Change{conv("c", 1, with(func(s *search.Standing) { s.Assignee = "ada" })), said("c", 1, "old parcel")}
	second := []search.Change{conv("c", 2, with(func(s *search.Standing) { s.Assignee = "bob" })), said("c", 1, "new parcel", func(d *search.Doc) { d.Rev = 2 })}
	for _, batch := range [][]search.Change{first, second, first, second} {
		r.apply(batch...)
	}
	r.finds(search.Query{Text: "new", Scope: everybody}, "c-1")
	r.finds(search.Query{Text: "parcel", Scope: search.Scope{Agent: "bob"}}, "c-1")
	r.finds(search.Query{Text: "old", Scope: everybody})
	r.finds(search.Query{Text: "parcel", Scope: search.Scope{Agent: "ada"}})
}

// kinds are apart, and of each several fields are found, the first counting most.
func kinds(_ *testing.T, r *rig) {
	doc := func(k search.Kind, id string, fs ...search.Field) search.Change {
		d := &search.Doc{Kind: k, ID: id, Rev: 1, At: began, Fields: fs}
		if k == search.People {
			d.Person = timeline.PersonID(id)
		} else {
			d.Conversation = timeline.ConversationID(id)
		}
		return search.Change{Doc: d}
	}
	r.apply(conv("c", 1), conv("d", 1),
		doc(search.People, "p-c", search.Field{Name: "name", Text: "Maya Hikes 王建国"}, search.Field{Name: "addresses", Text: "maya@example.org · @maya.hikes"}),
		doc(search.People, "p-d", search.Field{Name: "name", Text: "Jonas Weber"}, search.Field{Name: "note", Text: "knows Maya from work"}),
		doc(search.Conversations, "c", search.Field{Name: "name", Text: "Maya Hikes"}, search.Field{Name: "number", Text: "#1042"}), said("c", 1, "I am Maya"))
	people := func(text string) search.Query {
		return search.Query{Kind: search.People, Text: text, Typing: true, Sort: search.Relevance, Scope: everybody}
	}
	r.finds(people("maya"), "p-c", "p-d")
	r.finds(people("maya@example.org"), "p-c")
	r.finds(people("建国"), "p-c")
	r.finds(search.Query{Kind: search.Conversations, Text: "#1042", Scope: everybody}, "c")
	r.finds(search.Query{Kind: search.Conversations, Text: "104", Typing: true, Scope: everybody}, "c")
	r.finds(search.Query{Text: "maya", Scope: everybody}, "c-1")
	if got := ids(r.search(people("maya"))); len(got) != 2 || got[0] != "p-c" {
		r.t.Errorf("people called Maya: %v, want the one by that name first", got)
	}
}

// rebuild: the index answers while a new one is made, takes what happens meanwhile, and the new
// one answers the same.
func rebuild(t *testing.T, r *rig) {
	ctx := t.Context()
	stored := []search.Change{conv("c", 1), said("c", 1, "kept parcel"), said("c", 2, "edited parcel"), said("c", 3, "unsent parcel")}
	r.apply(stored...)
	r.apply(said("c", 9, "a parcel that the store does not have"))
	q := search.Query{Text: "parcel", Scope: everybody}
	r.finds(q, "c-1", "c-2", "c-3", "c-9")
	f, err := r.e.Begin(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	must(t, f.Mark(ctx, "c|1"))
	r.apply(said("c", 2, "changed parcel", func(d *search.Doc) { d.Rev = 5 }), gone("c", 3, 6), said("c", 4, "parcel of meanwhile"))
	r.finds(q, "c-1", "c-2", "c-4", "c-9") // the old one answers
	must(t, f.Put(ctx, stored))
	if at, err := f.Place(ctx); err != nil || at != "c|1" {
		t.Errorf("the place is %q, %v", at, err)
	}
	again, err := r.e.Begin(ctx, false) // as after a stop
	if err != nil {
		t.Fatal(err)
	}
	if at, err := again.Place(ctx); err != nil || at != "c|1" {
		t.Errorf("after a stop the place is %q, %v", at, err)
	}
	must(t, again.Put(ctx, stored))
	r.finds(q, "c-1", "c-2", "c-4", "c-9")
	must(t, again.Finish(ctx))
	r.finds(q, "c-1", "c-2", "c-4")
	r.finds(search.Query{Text: "edited", Scope: everybody})
	r.finds(search.Query{Text: "changed", Scope: everybody}, "c-2")
	r.apply(said("c", 5, "parcel after"))
	r.finds(q, "c-1", "c-2", "c-4", "c-5")
	if empty, err := r.e.Empty(ctx); err != nil || empty {
		t.Errorf("a filled index is empty: %v, %v", empty, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fresh is how long after it was recorded a message must be found.
const fresh = time.Second

// freshness: half of single messages, and nine of ten, are found within a second.
func freshness(t *testing.T, r *rig) {
	r.apply(conv("c", 1))
	var took []time.Duration
	for n := int64(1); n <= 10; n++ {
		begin := time.Now()
		r.apply(said("c", n, fmt.Sprintf("parcel number%d", n)))
		if !r.eventually(func() bool {
			return len(r.search(search.Query{Text: fmt.Sprintf("number%d", n), Scope: everybody}).Docs) == 1
		}) {
			t.Fatalf("message %d is not found", n)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	t.Logf("found after %s (median), %s (slowest)", took[5].Round(time.Millisecond), took[9].Round(time.Millisecond))
	if took[8] > fresh {
		t.Errorf("of ten messages one was found after %s", took[8])
	}
}

// wrongPlace: what is not the end of a page is the caller's mistake.
func wrongPlace(t *testing.T, r *rig) {
	r.apply(conv("c", 1), said("c", 1, "one parcel"), said("c", 2, "two parcels"))
	for _, after := range []string{"nonsense", "e30", "!!!"} {
		_, err := r.e.Search(context.Background(), search.Query{Kind: search.Messages, Text: "parcel", Scope: everybody, After: after})
		if !errors.Is(err, search.ErrAfter) {
			t.Errorf("after %q: %v, want ErrAfter", after, err)
		}
	}
}
