package embedded

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/timeline"
)

func message(conv string, n int64, text string) *search.Doc {
	return &search.Doc{Kind: search.Messages, ID: fmt.Sprintf("%s-%d", conv, n), Rev: n, Seq: n, At: time.UnixMilli(1760000000000 + n*1000),
		Conversation: timeline.ConversationID(conv), Account: "shop", Channel: "webchat", Direction: timeline.In, Fields: []search.Field{{Name: "text", Text: text}}}
}

func standing(conv string, rev int64) *search.Standing {
	return &search.Standing{Conversation: timeline.ConversationID(conv), Rev: rev, Person: timeline.PersonID("p-" + conv), State: timeline.Open}
}

func apply(t testing.TB, e *Engine, cs ...search.Change) {
	t.Helper()
	if err := e.Apply(context.Background(), cs); err != nil {
		t.Fatal(err)
	}
}

func found(t testing.TB, e *Engine, text string) []string {
	t.Helper()
	out := []string{}
	q := search.Query{Kind: search.Messages, Text: text, Scope: search.Scope{All: true}, Limit: search.MaxLimit}
	for {
		res, err := e.Search(context.Background(), q)
		if err != nil {
			t.Fatalf("search %q: %v", text, err)
		}
		for _, d := range res.Docs {
			out = append(out, d.ID)
		}
		if q.After = res.Next; q.After == "" {
			slices.Sort(out)
			return out
		}
	}
}

// TestErasureLeavesNothing looks for erased words in the bytes of the files, where a deleted
// row, an entry of the index of words, or the log could still hold them.
func TestErasureLeavesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		drop func(e *Engine)
	}{
		{"erased conversation", func(e *Engine) {
			s := standing("c", 1000)
			s.Erased = 1000
			apply(t, e, search.Change{Standing: s})
		}},
		{"unsent message", func(e *Engine) {
			for n := int64(1); n <= 40; n++ {
				d := message("c", n, "")
				d.Rev, d.Gone, d.Fields = 500, true, nil
				apply(t, e, search.Change{Doc: d})
			}
		}},
		{"edited message", func(e *Engine) {
			for n := int64(1); n <= 40; n++ {
				d := message("c", n, "nothing of it")
				d.Rev = 500
				apply(t, e, search.Change{Doc: d})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			e, err := Open(Config{Dir: dir, Pace: 1})
			if err != nil {
				t.Fatal(err)
			}
			apply(t, e, search.Change{Standing: standing("c", 1)}, search.Change{Standing: standing("d", 1)})
			for n := int64(1); n <= 40; n++ { // over many segments
				apply(t, e, search.Change{Doc: message("c", n, fmt.Sprintf("canarybird quetzal%d 鸸鹋鹦鹉", n))}, search.Change{Doc: message("d", n, "an ordinary parcel")})
			}
			if n := len(found(t, e, "canarybird")); n != 40 {
				t.Fatalf("%d found before, want 40", n)
			}
			c.drop(e)
			if n := len(found(t, e, "canarybird")); n != 0 {
				t.Errorf("%d found after", n)
			}
			if n := len(found(t, e, "ordinary")); n != 40 {
				t.Errorf("%d of the others found after, want 40", n)
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no files: %v", err)
			}
			for _, file := range files {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, word := range []string{"canary", "arybird", "quetzal", "uetzal1", "鸸鹋", "鹋鹦", "鹉"} {
					if i := bytes.Index(raw, []byte(word)); i >= 0 {
						t.Errorf("%s holds %q at %d", filepath.Base(file), word, i)
					}
				}
			}
		})
	}
}

// TestAgainstNaiveScan asks random queries of random texts and compares with looking through
// all of them.
func TestAgainstNaiveScan(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	e := open(t, t.TempDir())
	apply(t, e, search.Change{Standing: standing("c", 1)})
	latin := []string{"parcel", "Zürich", "REFUND", "hello", "invoice", "naïve", "shop"}
	han := []rune("订单退款会议支付王建国李小龙")
	texts := map[string]string{}
	for n := int64(1); n <= 300; n++ {
		var parts []string
		for range 1 + r.IntN(6) {
			switch r.IntN(3) {
			case 0:
				parts = append(parts, latin[r.IntN(len(latin))])
			case 1:
				run := make([]rune, 1+r.IntN(6))
				for i := range run {
					run[i] = han[r.IntN(len(han))]
				}
				parts = append(parts, string(run))
			default:
				parts = append(parts, fmt.Sprintf("x%d", r.IntN(30)))
			}
		}
		d := message("c", n, strings.Join(parts, []string{" ", ", ", "。 "}[r.IntN(3)]))
		texts[d.ID] = d.Fields[0].Text
		apply(t, e, search.Change{Doc: d})
		if r.IntN(5) == 0 { // edited
			d.Rev, d.Fields = d.Rev+1000, []search.Field{{Name: "text", Text: latin[r.IntN(len(latin))] + string(han[r.IntN(len(han))])}}
			texts[d.ID] = d.Fields[0].Text
			apply(t, e, search.Change{Doc: d})
		}
	}
	fold := strings.NewReplacer("ü", "u", "ï", "i", "Z", "z")
	plain := func(s string) string { return strings.ToLower(fold.Replace(s)) }
	for range 400 {
		var want []string
		var query string
		var has func(string) bool
		if r.IntN(2) == 0 {
			run := make([]rune, 1+r.IntN(4))
			for i := range run {
				run[i] = han[r.IntN(len(han))]
			}
			query = string(run)
			has = func(s string) bool { return strings.Contains(s, query) }
		} else {
			query = latin[r.IntN(len(latin))]
			has = func(s string) bool {
				return slices.Contains(strings.FieldsFunc(plain(s), func(c rune) bool { return c < 'a' || c > 'z' }), plain(query))
			}
		}
		for id, s := range texts {
			if has(s) {
				want = append(want, id)
			}
		}
		slices.Sort(want)
		if got := found(t, e, query); !slices.Equal(got, want) {
			t.Fatalf("%q found %d, a scan finds %d:\n%v\n%v", query, len(got), len(want), got, want)
		}
	}
}

// TestAnyOrderComesToTheSame gives the same changes in many orders, some twice.
func TestAnyOrderComesToTheSame(t *testing.T) {
	gone := message("c", 2, "")
	gone.Rev, gone.Gone, gone.Fields = 7, true, nil
	edited := message("c", 1, "a green parcel")
	edited.Rev = 6
	erased := standing("d", 9)
	erased.Erased = 9
	later := standing("c", 8)
	later.Assignee = "ada"
	all := []search.Change{{Standing: standing("c", 1)}, {Standing: standing("d", 1)}, {Doc: message("c", 1, "a blue parcel")}, {Doc: message("c", 2, "an unsent parcel")},
		{Doc: edited}, {Doc: gone}, {Doc: message("d", 3, "an erased parcel")}, {Standing: erased}, {Standing: later}, {Doc: message("c", 5, "a plain parcel")}, {Doc: message("d", 12, "a parcel of after")}}
	for i := range 60 {
		r := rand.New(rand.NewPCG(uint64(i), 9))
		mixed := append(slices.Clone(all), all[r.IntN(len(all))], all[r.IntN(len(all))])
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		e := open(t, t.TempDir())
		for batch := range slices.Chunk(mixed, 1+r.IntN(5)) {
			apply(t, e, batch...)
		}
		if got := found(t, e, "parcel"); !slices.Equal(got, []string{"c-1", "c-5", "d-12"}) {
			t.Fatalf("order %d found %v", i, got)
		}
		if got := found(t, e, "blue"); len(got) > 0 {
			t.Fatalf("order %d: the old words found %v", i, got)
		}
		res, err := e.Search(t.Context(), search.Query{Kind: search.Messages, Text: "parcel", Scope: search.Scope{Agent: "ada"}})
		if err != nil || len(res.Docs) != 2 {
			t.Fatalf("order %d: the assignee sees %d, %v", i, len(res.Docs), err)
		}
	}
}

// TestOpensAgainAfterAStop finds what was applied, and goes on with an index that was begun.
func TestOpensAgainAfterAStop(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(Config{Dir: dir, Pace: 1})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, e, search.Change{Standing: standing("c", 1)}, search.Change{Doc: message("c", 1, "a parcel")})
	f, err := e.Begin(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Mark(t.Context(), "conversations|b"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(t.Context(), []search.Change{{Standing: standing("c", 2)}}); err == nil {
		t.Error("a closed engine took something in")
	}
	if _, err := e.Search(t.Context(), search.Query{Kind: search.Messages}); err == nil {
		t.Error("a closed engine answered")
	}
	e = open(t, dir)
	if got := found(t, e, "parcel"); len(got) != 1 {
		t.Errorf("after a stop %v is found", got)
	}
	apply(t, e, search.Change{Doc: message("c", 2, "another parcel")})
	f, err = e.Begin(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := f.Place(t.Context()); err != nil || at != "conversations|b" {
		t.Errorf("goes on at %q, %v", at, err)
	}
	if err := f.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := found(t, e, "parcel"); !slices.Equal(got, []string{"c-2"}) {
		t.Errorf("the new index has %v, want what came since it was opened", got)
	}
}

// TestStopWhileTheNewIndexTakesOver leaves the folder as it is between removing and renaming.
func TestStopWhileTheNewIndexTakesOver(t *testing.T) {
	dir := t.TempDir()
	e, err := Open(Config{Dir: dir, Pace: 1})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, e, search.Change{Standing: standing("c", 1)}, search.Change{Doc: message("c", 1, "a parcel")})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, nowFile), filepath.Join(dir, nextFile)); err != nil {
		t.Fatal(err)
	}
	if got := found(t, open(t, dir), "parcel"); len(got) != 1 {
		t.Errorf("%v is found", got)
	}
}

// TestBrokenIndexIsMadeAnew opens a folder whose file is no database.
func TestBrokenIndexIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, nowFile), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	if empty, err := e.Empty(t.Context()); err != nil || !empty {
		t.Errorf("empty: %v, %v", empty, err)
	}
	apply(t, e, search.Change{Standing: standing("c", 1)}, search.Change{Doc: message("c", 1, "a parcel")})
	if got := found(t, e, "parcel"); len(got) != 1 {
		t.Errorf("%v is found", got)
	}
}

// TestFiltersOfAnyWidth: few, some and many conversations are looked for in three ways, which
// must find the same.
func TestFiltersOfAnyWidth(t *testing.T) {
	e := open(t, t.TempDir())
	for _, c := range []struct {
		agent timeline.AgentID
		n     int
	}{{"few", fewConvs / 2}, {"some", fewConvs * 2}, {"many", someConvs + 100}} {
		var cs []search.Change
		for i := range c.n {
			id := fmt.Sprint(c.agent, i)
			s := standing(id, 1)
			s.Assignee = c.agent
			cs = append(cs, search.Change{Standing: s}, search.Change{Doc: message(id, 1, "a parcel")}, search.Change{Doc: message(id, 2, "a suitcase")})
		}
		apply(t, e, cs...)
	}
	for agent, want := range map[timeline.AgentID]int{"few": fewConvs / 2, "some": fewConvs * 2, "many": someConvs + 100, "nobody": 0} {
		for _, text := range []string{"parcel", "suitcase"} {
			q := search.Query{Kind: search.Messages, Text: text, Scope: search.Scope{All: true}, Filter: search.Filter{Assignee: &agent}, Limit: search.MaxLimit}
			n := 0
			for more := true; more; more = q.After != "" {
				res, err := e.Search(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				n, q.After = n+len(res.Docs), res.Next
			}
			if n != want {
				t.Errorf("%s of %s: %d found, want %d", text, agent, n, want)
			}
		}
	}
}

// TestOneCallersMistakeIsNotTheOthers: what waits together is written together, or apart.
func TestOneCallersMistakeIsNotTheOthers(t *testing.T) {
	e, err := Open(Config{Dir: t.TempDir(), Pace: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	apply(t, e, search.Change{Standing: standing("c", 1)})
	errs := make(chan error, 2)
	go func() {
		errs <- e.Apply(context.Background(), []search.Change{{Doc: &search.Doc{Kind: "nothing", ID: "x", Rev: 1}}})
	}()
	go func() { errs <- e.Apply(context.Background(), []search.Change{{Doc: message("c", 1, "a parcel")}}) }()
	first, second := <-errs, <-errs
	if (first == nil) == (second == nil) {
		t.Errorf("%v and %v, want one error", first, second)
	}
	if got := found(t, e, "parcel"); len(got) != 1 {
		t.Errorf("%v is found", got)
	}
}
