package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestQuantileAndMedian(t *testing.T) {
	for name, tc := range map[string]struct{ got, want float64 }{
		"p50 of one":   {quantile([]float64{7}, 0.5), 7},
		"p99 of 100":   {quantile(upTo(100), 0.99), 99},
		"p50 of 100":   {quantile(upTo(100), 0.5), 50},
		"p100 of 100":  {quantile(upTo(100), 1), 100},
		"median odd":   {median([]float64{3, 1, 2}), 2},
		"median even":  {median([]float64{4, 1, 2, 3}), 2.5},
		"three places": {round(1.23456), 1.235},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
}

func upTo(n int) (out []float64) {
	for i := range n {
		out = append(out, float64(i+1))
	}
	return out
}

func TestWatcherTimesMessagesByTheirClientsID(t *testing.T) {
	w := &watcher{sent: map[string]time.Time{}, mark: clientField}
	id := simulate.NewID()
	w.sending(id)
	if w.frame([]byte(`{"type":"pong"}`)) {
		t.Error("a frame that is no event was swallowed")
	}
	w.frame([]byte(`{"type":"event","seq":1,"event":{"client":"` + simulate.NewID() + `"}}`))
	if w.waiting() != 1 {
		t.Error("another message counted")
	}
	for range 2 { // a repeat counts once
		w.frame([]byte(`{"type":"event","seq":1,"event":{"client":"` + id + `"}}`))
	}
	if w.waiting() != 0 || len(w.took) != 1 {
		t.Errorf("%d waiting, %d timed", w.waiting(), len(w.took))
	}
}

func TestAssetsAreCountedAsSentAndOnce(t *testing.T) {
	body := strings.Repeat("let a = 1;\n", 500)
	js := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `<link rel="modulepreload" crossorigin href="/a/vendor.js"><script type="module" src="/a/app.js"></script><script src='/a/app.js'></script>`)
		case "/demo/shop":
			fmt.Fprint(w, `<script src=/a/app.js></script><script src=/w/loader.js data-account=demo async></script>`)
		case "/w/loader.js":
			js(w, body+`s.src = hub + "/w/view.js"; fetch("./missing.js"); q("script[src*='loader.js']")`)
		case "/a/vendor.js", "/a/app.js", "/w/view.js":
			js(w, body)
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	p := &page{seen: map[string]bool{}}
	_, one, _, err := p.get(context.Background(), srv.URL+"/a/app.js")
	if err != nil || one > len(body)/4 {
		t.Fatal(one, err)
	}
	if n, err := p.app(context.Background(), srv.URL+"/"); err != nil || n != 2*one {
		t.Errorf("app: %d bytes, want %d: %v", n, 2*one, err)
	}
	_, loader, _, err := p.get(context.Background(), srv.URL+"/w/loader.js")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := p.widget(context.Background(), srv.URL+"/demo/shop"); err != nil || n != loader+one {
		t.Errorf("widget: %d bytes, want %d: %v", n, loader+one, err)
	}
}

func TestSeedLeavesWhatTheProductReads(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "data")
	st, err := store.OpenEmbedded(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	n := 20
	if os.Getenv("PARLEYBENCH_SEED") != "" {
		n = 100_000
	}
	began := time.Now()
	long, err := seed(ctx, dir, "bench", n, 10, 100)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d conversations in %v", n, time.Since(began))
	if st, err = store.OpenEmbedded(ctx, dir); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	var c timeline.Conversation
	if err := st.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: long}}, &c); err != nil {
		t.Fatal(err)
	}
	var events []timeline.Event
	err = st.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: long}}, &events, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}})
	if err != nil || len(events) != 100 || c.Seq != 100 || events[99].Seq != 100 || c.Last.Event != events[99].ID {
		t.Errorf("%d events, seq %d: %v", len(events), c.Seq, err)
	}
}

func TestVerdictNamesWhatIsWrong(t *testing.T) {
	tor := &torment{ledger: &ledger{}, visitors: []*simulate.VisitorClient{simulate.NewVisitor(simulate.VisitorConfig{})}}
	for i, text := range []string{"a", "b", "c"} {
		tor.ledger.write(line{id: text, text: text, n: i})
		tor.ledger.ack(text)
		tor.ledger.ack(text)
	}
	at := func(seq int64) timeline.Event {
		return timeline.Event{Conversation: "c1", Seq: seq, Direction: timeline.In}
	}
	found := map[string][]timeline.Event{"a": {at(2)}, "b": {at(1)}, "x": {at(3), at(4)}}
	var v verdict
	v.Acked = tor.ledger.count()
	tor.count(&v, found)
	v.Inversions = tor.inversions(found)
	v.Gaps = tor.gaps(timeline.Conversation{ID: "c1", Seq: 5}, []timeline.Event{at(1), at(2), at(4)})
	if want := (verdict{Acked: 3, Lost: 1, Inversions: 1, Gaps: 2}); v != want || v.right() {
		t.Errorf("%+v, want %+v", v, want)
	}
	if !(verdict{Acked: 3, Callbacks: 1, Mails: 1}).right() {
		t.Error("nothing wrong was called wrong")
	}
	if (verdict{Acked: 3, Callbacks: 3}).right() {
		t.Error("a test in which no mail was taken was called right")
	}
}
