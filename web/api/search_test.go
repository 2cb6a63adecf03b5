package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/embedded"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// finder is a real engine without a timeline.
type finder struct {
	search.Engine
	changed []timeline.PersonID
}

func (f *finder) PersonChanged(_ context.Context, id timeline.PersonID) error {
	f.changed = append(f.changed, id)
	return nil
}

func newFinder(t *testing.T) *finder {
	t.Helper()
	e, err := embedded.Open(embedded.Config{Dir: t.TempDir(), Pace: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return &finder{Engine: e}
}

// put stores a conversation and lets a message of it be found.
func (f *finder) put(w *world, c timeline.Conversation, texts ...string) {
	w.t.Helper()
	c.CreatedAt, c.LastAt = timeline.Now(), timeline.Now()
	c.Seq = int64(len(texts))
	if err := w.store.C(store.Conversations).Insert(w.t.Context(), &c); err != nil {
		w.t.Fatal(err)
	}
	s, d := search.StandingOf(&c), search.ConversationDoc(&c)
	p := search.PersonDoc(&timeline.Person{ID: c.Person, Name: c.Name, LastAt: c.LastAt}, nil, 1)
	cs := []search.Change{{Standing: &s}, {Doc: &d}, {Doc: &p}}
	for i, text := range texts {
		cs = append(cs, search.Change{Doc: &search.Doc{Kind: search.Messages, ID: fmt.Sprintf("a|msg:%s-%d", c.ID, i+1), Rev: int64(i + 1), Seq: int64(i + 1),
			At: c.LastAt.Add(time.Duration(i) * time.Second), Conversation: c.ID, Account: "a", Channel: "webchat", Direction: timeline.In,
			Fields: []search.Field{{Name: "text", Text: text}}}})
	}
	if err := f.Apply(w.t.Context(), cs); err != nil {
		w.t.Fatal(err)
	}
}

func find(w *world, token string, query string) api.Found {
	w.t.Helper()
	a := w.call(token, http.MethodGet, "/api/search?"+query, nil)
	if a.status != http.StatusOK {
		w.t.Fatalf("search %s: %d %s", query, a.status, a.body)
	}
	return into[api.Found](w.t, a)
}

func hits(f api.Found, k search.Kind) []string {
	out := []string{}
	for _, g := range f.Groups {
		for _, h := range g.Hits {
			if g.Kind == k {
				out = append(out, h.ID)
			}
		}
	}
	return out
}

func searchWorld(t *testing.T) (*world, *finder) {
	f := newFinder(t)
	w := newWorld(t, func(d *api.Deps) { d.Search = f })
	return w, f
}

func TestSearchGroupsWithHighlightsAndConversations(t *testing.T) {
	w, f := searchWorld(t)
	f.put(w, timeline.Conversation{ID: "c1", Number: 7, Person: "p1", Name: "Maya Hikes", State: timeline.Open}, "😀 <b>where</b> is HO-20418?", "订单还没到")
	_, token := w.agent("admin")
	got := find(w, token, "q="+url.QueryEscape("ho20418"))
	if len(got.Groups) != 3 {
		t.Fatalf("%d groups, want one of each kind", len(got.Groups))
	}
	if c := got.Conversations["c1"]; c.Name != "Maya Hikes" || c.Number != 7 {
		t.Errorf("the conversation of the find is %+v", c)
	}
	h := got.Groups[2].Hits[0]
	want := []search.Range{{19, 27}} // in UTF-16 units: the face is two
	if h.Seq != 1 || h.Fields[0].Text != "😀 <b>where</b> is HO-20418?" || !slices.Equal(h.Fields[0].Ranges, want) {
		t.Errorf("found %+v, want the plain text with %v", h, want)
	}
	if got := hits(find(w, token, "q=may&kind=person"), search.People); !slices.Equal(got, []string{"p1"}) {
		t.Errorf("people by the beginning of a name: %v", got)
	}
	if got := hits(find(w, token, "q=%23"+"7&kind=conversation"), search.Conversations); !slices.Equal(got, []string{"c1"}) {
		t.Errorf("a conversation by its number: %v", got)
	}
}

func TestSearchSeesWhatTheAgentSees(t *testing.T) {
	w, f := searchWorld(t)
	me, mine := w.agent("agent")
	_, all := w.agent("supervisor")
	_, own := w.agent("agent", func(n *auth.NewAgent) { n.Scope = auth.ScopeOwn })
	f.put(w, timeline.Conversation{ID: "c1", Number: 1, Person: "p1", Name: "One", State: timeline.Open, Team: "others"}, "a parcel")
	f.put(w, timeline.Conversation{ID: "c2", Number: 2, Person: "p2", Name: "Two", State: timeline.Open, Team: "others", Assignee: me.ID}, "a parcel")
	f.put(w, timeline.Conversation{ID: "c3", Number: 3, Person: "p3", Name: "Three", State: timeline.Open}, "a parcel")
	for _, c := range []struct {
		name, token string
		want        []string
	}{
		{"everything", all, []string{"a|msg:c1-1", "a|msg:c2-1", "a|msg:c3-1"}},
		{"my teams'", mine, []string{"a|msg:c2-1", "a|msg:c3-1"}},
		{"my own", own, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := hits(find(w, c.token, "q=parcel"), search.Messages)
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
	// The index is a moment behind the record: the record decides.
	if _, err := w.store.C(store.Conversations).Update(t.Context(), bson.D{{Key: "_id", Value: "c3"}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "team", Value: "others"}}}}); err != nil {
		t.Fatal(err)
	}
	if got := hits(find(w, mine, "q=parcel"), search.Messages); !slices.Equal(got, []string{"a|msg:c2-1"}) {
		t.Errorf("after the team changed: %v", got)
	}
}

func TestSearchFiltersAndPages(t *testing.T) {
	w, f := searchWorld(t)
	me, token := w.agent("admin")
	texts := make([]string, 25)
	for i := range texts {
		texts[i] = fmt.Sprint("parcel ", i)
	}
	f.put(w, timeline.Conversation{ID: "c1", Number: 1, Person: "p1", Name: "One", State: timeline.Open, Labels: []string{"vip", "a,b"}, Assignee: me.ID}, texts...)
	f.put(w, timeline.Conversation{ID: "c2", Number: 2, Person: "p2", Name: "Two", State: timeline.Resolved}, "a parcel")
	for query, want := range map[string]int{
		"label=vip": 25, "label=" + url.QueryEscape("a,b") + "&label=vip": 25, "label=none": 0, "state=resolved": 1, "state=resolved&state=open": 26, "assignee=me": 25, "assignee=none": 1,
		"assignee=" + string(me.ID): 25, "team=none": 26, "person=p2": 1, "conversation=c1": 25, "direction=out": 0, "channel=webchat": 26, "account=b": 0,
		"attachment=yes": 0, "since=2000-01-01T00:00:00Z": 26, "until=2000-01-01T00:00:00Z": 0,
	} {
		if got := hits(find(w, token, "kind=message&limit=100&q=parcel&"+query), search.Messages); len(got) != want {
			t.Errorf("%s: %d found, want %d", query, len(got), want)
		}
	}
	seen := map[string]bool{}
	for after, pages := "", 0; pages == 0 || after != ""; pages++ {
		page := find(w, token, "kind=message&sort=newest&limit=10&q=parcel&after="+after)
		for _, id := range hits(page, search.Messages) {
			if seen[id] {
				t.Errorf("%s came twice", id)
			}
			seen[id] = true
		}
		after = page.Groups[0].Next
	}
	if len(seen) != 26 {
		t.Errorf("%d found over all pages, want 26", len(seen))
	}
}

func TestSearchRefusesWhatItDoesNotUnderstand(t *testing.T) {
	w, _ := searchWorld(t)
	_, token := w.agent("admin")
	for name, query := range map[string]string{
		"kind": "kind=nothing", "sort": "sort=oldest", "state": "state=lost", "after without kind": "after=x", "after": "kind=message&q=a&after=nonsense",
		"until before since": "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since": "since=yesterday", "limit": "limit=1000",
	} {
		t.Run(name, func(t *testing.T) {
			w.want(w.call(token, http.MethodGet, "/api/search?"+query, nil), http.StatusUnprocessableEntity, "invalid")
		})
	}
}

// stuck answers only when time is over, or fails.
type stuck struct {
	*finder
	err error
}

func (s *stuck) Search(ctx context.Context, _ search.Query) (search.Results, error) {
	if s.err != nil {
		return search.Results{}, s.err
	}
	<-ctx.Done()
	return search.Results{}, fmt.Errorf("%w: %w", search.ErrUnavailable, ctx.Err())
}

func TestSearchThatTakesTooLongSaysSo(t *testing.T) {
	s := &stuck{finder: newFinder(t)}
	w := newWorld(t, func(d *api.Deps) { d.Search = s })
	_, token := w.agent("admin")
	begin := time.Now()
	a := w.want(w.call(token, http.MethodGet, "/api/search?q=parcel", nil), http.StatusServiceUnavailable, "search-slow")
	if took := time.Since(begin); took > 5*time.Second || a.header.Get("Retry-After") == "" {
		t.Errorf("after %s, Retry-After %q", took, a.header.Get("Retry-After"))
	}
	s.err = fmt.Errorf("%w: %w", search.ErrUnavailable, errors.New("down"))
	w.want(w.call(token, http.MethodGet, "/api/search?q=parcel", nil), http.StatusServiceUnavailable, "unavailable")
}

func TestChangedPersonIsTakenInAnew(t *testing.T) {
	w, f := searchWorld(t)
	_, token := w.agent("admin")
	if err := w.store.C(store.Persons).Insert(t.Context(), &timeline.Person{ID: "p1", Name: "Maya"}); err != nil {
		t.Fatal(err)
	}
	note := "likes tea"
	if a := w.call(token, http.MethodPatch, "/api/persons/p1", api.PersonInput{Note: &note}); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if !slices.Equal(f.changed, []timeline.PersonID{"p1"}) {
		t.Errorf("taken in anew: %v", f.changed)
	}
}
