package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// png is a whole picture of one pixel.
var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82")

// disk gives a world files on a disk, and a client that may call this machine.
func disk(dir string) func(*world) {
	return func(w *world) {
		body, err := blob.OpenDir(dir)
		if err != nil {
			w.t.Fatal(err)
		}
		w.files = Files(blob.New(body, w.store.C(store.Files), blob.Options{Key: bytes.Repeat([]byte{1}, 32), Now: w.now}))
		w.media = httpx.New(httpx.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, MaxBody: 1 << 20})
	}
}

// kept are the bytes on the disk, in all.
func kept(t *testing.T, dir string) (files int, size int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, i os.FileInfo, err error) error {
		if err == nil && i.Mode().IsRegular() {
			files, size = files+1, size+i.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, size
}

// arrives stores a message as append does, and tells the errands' consumer of it.
func (w *world) arrives(id string, parts ...timeline.Part) timeline.Entry {
	w.t.Helper()
	in := said("a", "t1", id)
	ev := in.Event
	ev.ID, ev.Conversation, ev.Leg, ev.Seq, ev.Received = timeline.EventID(id), "c1", "a|t1", int64(crc32.ChecksumIEEE([]byte(id))), w.now()
	ev.Actor = timeline.Actor{Kind: timeline.ActorCustomer}
	ev.Message = &timeline.Message{Parts: parts}
	if err := w.store.C(store.Events).Insert(w.t.Context(), ev); err != nil && !store.IsDuplicate(err, "_id_") {
		w.t.Fatal(err)
	}
	e := timeline.Entry{Event: ev, Conversation: timeline.Conversation{ID: "c1", Legs: []timeline.Leg{{ID: "a|t1", Identity: in.Peer.ID()}}}}
	w.follows(e)
	return e
}

func (w *world) follows(e timeline.Entry) {
	w.t.Helper()
	if err := w.g.Errands(w.t.Context(), []bus.Record[timeline.Entry]{{Value: e}}); err != nil {
		w.t.Fatal(err)
	}
}

// media are the parts that were told of, in order.
func (w *world) parts() []timeline.MediaPart {
	var out []timeline.MediaPart
	for _, in := range w.inbound() {
		if m := in.Event.Media; m != nil {
			out = append(out, m.Parts...)
		}
	}
	return out
}

func (w *world) errand(t *testing.T) int64 {
	t.Helper()
	n, err := w.store.C(store.Errands).Count(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAttachmentsAreKept(t *testing.T) {
	dir := t.TempDir()
	var gets atomic.Int64
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		gets.Add(1)
		_, _ = rw.Write(png)
	}))
	defer far.Close()
	w := newWorld(t, &toy{}, disk(dir))
	w.account("a")
	later := w.now().Add(time.Hour)
	e := w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: far.URL + "/holiday.png?sig=secret", Expires: &later}, timeline.Part{Kind: timeline.PartImage, File: "01J00000000000000000000000"})
	eventually(t, "it is told", func() bool { return len(w.parts()) == 1 })
	p := w.parts()[0]
	if p.N != 0 || p.Part.File == "" || p.Part.MIME != "image/png" || p.Part.URL != "" || p.Part.Expires != nil || p.Part.Name != "holiday.png" || p.Part.Width != 1 {
		t.Fatalf("%+v", p)
	}
	in := w.inbound()[0]
	if in.Event.Media.Of.Event != "m1" || in.Event.Direction != timeline.Internal || in.Event.Conversation != "c1" {
		t.Errorf("%+v", in.Event)
	}
	t.Run("redelivered", func(t *testing.T) {
		eventually(t, "the errand is done", func() bool { return w.errand(t) == 0 })
		w.follows(e)
		eventually(t, "it is told again", func() bool { return len(w.parts()) == 2 })
		if again := w.parts()[1]; again.Part.File != p.Part.File || w.inbound()[1].Event.ID != in.Event.ID {
			t.Error("another file or event")
		}
		if n, _ := kept(t, dir); n != 1 {
			t.Errorf("%d files", n)
		}
	})
}

// Case 79, story_mention_media: what may not be kept is not fetched; not a byte is written.
func TestStoryMentionMedia(t *testing.T) {
	dir := t.TempDir()
	var gets atomic.Int64
	far := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { gets.Add(1) }))
	defer far.Close()
	w := newWorld(t, &toy{}, disk(dir))
	w.account("a")
	w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: far.URL, Retention: timeline.RetainURL}, timeline.Part{Kind: timeline.PartVideo, Remote: "r", Retention: timeline.RetainNever},
		timeline.Part{Kind: timeline.PartLocation, URL: far.URL}, timeline.Part{Kind: timeline.PartShare, URL: far.URL})
	w.arrives("m2", timeline.Part{Kind: timeline.PartImage, URL: far.URL + "/good"}) // after it, so that the first was seen
	eventually(t, "the second is told", func() bool { return len(w.parts()) == 1 })
	if n, size := kept(t, dir); n != 0 || size != 0 || gets.Load() != 1 {
		t.Errorf("%d files of %d bytes, %d calls", n, size, gets.Load())
	}
}

// Case 80: attachment_url_expired_at_download, content_length_lies, 10_gb_stream,
// redirect_to_metadata, content_type_html.
func TestAttachmentsThatCannotBeKept(t *testing.T) {
	endless := func(rw http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for range 10 << 30 / len(chunk) {
			if _, err := rw.Write(chunk); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		far     http.HandlerFunc
		url     string
		missing string
	}{
		"expired":             {far: func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) }, missing: "expired"},
		"gone":                {far: http.NotFound, missing: "gone"},
		"announced_too_large": {far: func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Content-Length", "99999999") }, missing: "too_large"},
		"10_gb_stream":        {far: endless, missing: "too_large"},
		"redirect_to_metadata": {far: func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, missing: "refused"},
		"redirect_to_a_file": {far: func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "file:///etc/passwd", http.StatusFound)
		}, missing: "refused"},
		"inside_the_house": {url: "http://10.0.0.1/x.png", missing: "refused"},
		"no_address":       {url: "::not an address", missing: "refused"},
		"content_type_html": {far: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "image/png")
			_, _ = io.WriteString(rw, "<!doctype html><html><script>alert(1)</script></html>")
		}, missing: "refused"},
		"empty": {far: func(http.ResponseWriter, *http.Request) {}, missing: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := newWorld(t, &toy{}, disk(dir))
			w.account("a")
			if c.far != nil {
				far := httptest.NewServer(c.far)
				defer far.Close()
				c.url = far.URL
			}
			w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: c.url})
			eventually(t, "it is told", func() bool { return len(w.parts()) == 1 })
			if p := w.parts()[0].Part; p.Missing != c.missing || p.File != "" {
				t.Errorf("%+v", p)
			}
			if n, _ := kept(t, dir); n != 0 {
				t.Errorf("%d files stay", n)
			}
		})
	}
}

// TestContentLengthLies: what ends before it should is not kept as if it were whole, and had later.
func TestContentLengthLies(t *testing.T) {
	dir := t.TempDir()
	var gets atomic.Int64
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if gets.Add(1) == 1 {
			rw.Header().Set("Content-Length", fmt.Sprint(len(png)+1000))
		}
		_, _ = rw.Write(png)
	}))
	defer far.Close()
	w := newWorld(t, &toy{}, disk(dir))
	w.account("a")
	w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: far.URL})
	eventually(t, "it is fetched again", func() bool { w.pass(10 * time.Second); w.g.hurry(); return len(w.parts()) == 1 })
	if p := w.parts()[0].Part; p.File == "" || p.Size != int64(len(png)) || gets.Load() != 2 {
		t.Errorf("%+v after %d calls", p, gets.Load())
	}
}

// TestExpiredIsAskedForAnew: a session that can find another address is asked once more.
func TestExpiredIsAskedForAnew(t *testing.T) {
	for name, c := range map[string]struct {
		second  error
		missing string
	}{
		"found":       {nil, ""},
		"expired_too": {&channels.Problem{Status: http.StatusGone, Title: "gone"}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			w := newWorld(t, &toy{fetch: func(p timeline.Part) (io.ReadCloser, error) {
				asked = append(asked, p.URL)
				if len(asked) == 1 {
					return nil, &channels.Problem{Status: http.StatusForbidden, Title: "expired"}
				}
				return io.NopCloser(bytes.NewReader(png)), c.second
			}}, disk(t.TempDir()))
			w.account("a")
			w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: "https://cdn.example/1", Remote: "r1"})
			eventually(t, "it is told", func() bool { return len(w.parts()) == 1 })
			if p := w.parts()[0].Part; p.Missing != c.missing || len(asked) != 2 || asked[1] != "" {
				t.Errorf("%+v, asked %q", p, asked)
			}
		})
	}
}

// TestSlowDownloadsHoldUpNobodyElse: one account's dead far side does not stop another's.
func TestSlowDownloadsHoldUpNobodyElse(t *testing.T) {
	stop := make(chan struct{})
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-stop:
			case <-r.Context().Done():
			}
			return
		}
		_, _ = rw.Write(png)
	}))
	defer far.Close()
	defer close(stop)
	w := newWorld(t, &toy{}, disk(t.TempDir()))
	w.account("a")
	w.account("b")
	for i := range 3 * errandsBeside {
		w.arrives(fmt.Sprintf("slow%d", i), timeline.Part{Kind: timeline.PartImage, URL: far.URL + "/slow"})
	}
	e := w.arrives("fast", timeline.Part{Kind: timeline.PartFile, URL: far.URL + "/fast"})
	if len(w.parts()) != 0 {
		t.Fatal("a slow one was told")
	}
	e.Event.ID, e.Event.Thread.Account, e.Event.Seq = "fast-b", "b", 99
	if err := w.store.C(store.Events).Insert(t.Context(), e.Event); err != nil {
		t.Fatal(err)
	}
	w.follows(e)
	eventually(t, "the other account's is told", func() bool { return len(w.parts()) == 1 })
	if in := w.inbound()[0]; in.Event.Media.Of.Event != "fast-b" {
		t.Errorf("%+v", in.Event.Media)
	}
}

// TestUnsentWhileFetched: nothing of it is kept.
func TestUnsentWhileFetched(t *testing.T) {
	dir := t.TempDir()
	var w *world
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if _, err := w.store.C(store.Events).Update(context.WithoutCancel(r.Context()), byID("m1"), setTo("message.unsent", w.now())); err != nil {
			t.Error(err)
		}
		_, _ = rw.Write(png)
	}))
	defer far.Close()
	w = newWorld(t, &toy{}, disk(dir))
	w.account("a")
	w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: far.URL})
	eventually(t, "the errand is done", func() bool { return w.errand(t) == 0 })
	if n, _ := kept(t, dir); n != 0 || len(w.parts()) != 0 {
		t.Errorf("%d files, %d told", n, len(w.parts()))
	}
}

// TestErrandsSurviveARestart: what was under way when the node died is done by the next.
func TestErrandsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	var up atomic.Bool
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			<-r.Context().Done()
			return
		}
		_, _ = rw.Write(png)
	}))
	defer far.Close()
	w := newWorld(t, &toy{}, disk(dir))
	w.account("a")
	w.arrives("m1", timeline.Part{Kind: timeline.PartImage, URL: far.URL})
	eventually(t, "it is under way", func() bool { w.g.underWay.mu.Lock(); defer w.g.underWay.mu.Unlock(); return w.g.underWay.all == 1 })
	up.Store(true)
	w.reopen()
	eventually(t, "it is done", func() bool { w.pass(10 * time.Second); w.g.hurry(); return len(w.parts()) == 1 })
	if p := w.parts()[0].Part; p.File == "" {
		t.Errorf("%+v", p)
	}
}

// wrote is an entry of a person's first event.
func (w *world) wrote(id string) timeline.Entry { return w.arrives(id) }

func profiles(w *world) []timeline.Inbound {
	var out []timeline.Inbound
	for _, in := range w.inbound() {
		if in.Profile != nil {
			out = append(out, in)
		}
	}
	return out
}

// Case 49, profile_pic_expired: the picture is a copy with us, fetched once.
func TestProfilePicExpired(t *testing.T) {
	dir := t.TempDir()
	var asked atomic.Int64
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(png) }))
	w := newWorld(t, &toy{profile: func(i timeline.Identity) (timeline.Profile, error) {
		asked.Add(1)
		if i.Scheme != "toy" || i.Value != "t1" {
			return timeline.Profile{}, errors.New("somebody else")
		}
		return timeline.Profile{Name: "Maya", Username: "maya.hikes", Avatar: far.URL + "/pic"}, nil
	}}, disk(dir))
	w.account("a")
	w.wrote("m1")
	eventually(t, "the profile is told", func() bool { return len(profiles(w)) == 1 })
	in := profiles(w)[0]
	if in.Profile.Name != "Maya" || in.Event.Control.Name != "profile" || in.Event.Direction != timeline.Internal || in.Peer.Value != "t1" || in.Event.Thread.ID != "t1" {
		t.Fatalf("%+v", in)
	}
	far.Close()
	if _, p, err := w.files.Open(t.Context(), timeline.FileID(in.Profile.Avatar)); err != nil || p.MIME != "image/png" {
		t.Error(p, err)
	}
	for i := range 5 {
		w.wrote(fmt.Sprintf("more%d", i))
	}
	w.g.looked = looked{} // as after a restart
	w.wrote("again")
	w.g.hurry()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	w.pass(31 * day)
	w.wrote("a month later")
	eventually(t, "it is asked again", func() bool { return len(profiles(w)) == 2 })
	if got := profiles(w)[1].Profile.Avatar; got != in.Profile.Avatar {
		t.Error("the picture that cannot be fetched any more was lost:", got)
	}
}

// Case 47, profile_500_on_first_message: the message is there long since; it is tried again later.
func TestProfile500OnFirstMessage(t *testing.T) {
	var asked atomic.Int64
	w := newWorld(t, &toy{profile: func(timeline.Identity) (timeline.Profile, error) {
		if asked.Add(1) < 3 {
			return timeline.Profile{}, errors.New("500")
		}
		return timeline.Profile{Name: "Maya"}, nil
	}})
	w.account("a")
	w.wrote("m1")
	eventually(t, "it was asked", func() bool { return asked.Load() == 1 })
	for range 20 {
		w.wrote("m1")
	}
	if asked.Load() != 1 {
		t.Fatalf("asked %d times without waiting", asked.Load())
	}
	eventually(t, "it is told", func() bool { w.pass(10 * time.Second); w.g.hurry(); return len(profiles(w)) == 1 })
}

// Case 48, profile_230_consent: an answer that tells nothing is no reason to ask again and again.
func TestProfile230Consent(t *testing.T) {
	var asked atomic.Int64
	w := newWorld(t, &toy{profile: func(timeline.Identity) (timeline.Profile, error) {
		asked.Add(1)
		return timeline.Profile{}, &channels.Failure{Class: channels.Unreachable, Code: "230"}
	}})
	w.account("a")
	for i := range 50 {
		w.wrote(strings.Repeat("m", i+1))
		w.pass(time.Minute)
		w.g.hurry()
	}
	eventually(t, "it was asked", func() bool { return asked.Load() > 0 })
	w.g.looked = looked{}
	w.wrote("one more")
	w.g.hurry()
	if asked.Load() != 1 || len(profiles(w)) != 0 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func byID(id string) bson.D { return bson.D{{Key: "_id", Value: id}} }

func setTo(field string, v any) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: v}}}}
}
