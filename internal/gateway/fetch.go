package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/timeline"
)

// fetchTime is how long fetching one attachment may take: a far side that sends a byte now and
// then must not keep it for ever.
const fetchTime = 4 * time.Minute

// errExpired says that an attachment's address works no longer.
var errExpired = errors.New("gateway: the attachment's address has expired")

// absent is an attachment that will never be had, and why.
type absent struct{ why string }

func (a *absent) Error() string { return "gateway: the attachment cannot be kept: " + a.why }

// fetchPart keeps one part. The part returned has its file, or says why it is missing; with an
// error it may be had later.
func (l *live) fetchPart(ctx context.Context, ev *timeline.Event, n int) (timeline.Part, error) {
	p := ev.Message.Parts[n]
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	id := fileOf(ev.Received, string(ev.ID), fmt.Sprint(n))
	got, err := l.keep(ctx, p, id)
	var never *absent
	switch {
	case errors.As(err, &never):
		p.Missing = never.why
		l.log.Info("an attachment is not kept", "event", string(ev.ID), "part", n, "why", never.why)
		return p, nil
	case err != nil:
		return p, err
	}
	return filled(p, got), nil
}

// filled is a part with what is kept of it. Its address is of no more use, and may be a key.
func filled(p, kept timeline.Part) timeline.Part {
	p.File, p.MIME, p.Size, p.Width, p.Height = kept.File, kept.MIME, kept.Size, kept.Width, kept.Height
	if p.Name == "" {
		p.Name = kept.Name
	}
	if k := kept.Kind; k != p.Kind && (k == timeline.PartImage || k == timeline.PartVideo || k == timeline.PartAudio) && p.Kind != timeline.PartSticker {
		p.Kind = k
	}
	p.URL, p.Expires, p.Remote = "", nil, ""
	return p
}

// keep fetches a part into a file. Where its address has expired, a session that can find
// another one is asked once.
func (l *live) keep(ctx context.Context, p timeline.Part, id timeline.FileID) (timeline.Part, error) {
	got, err := l.keepOnce(ctx, p, id)
	if errors.Is(err, errExpired) {
		if _, ok := l.session.(channels.Fetcher); ok {
			p.URL, p.Expires = "", nil
			got, err = l.keepOnce(ctx, p, id)
		}
	}
	if errors.Is(err, errExpired) {
		err = &absent{missingExpired}
	}
	return got, err
}

func (l *live) keepOnce(ctx context.Context, p timeline.Part, id timeline.FileID) (timeline.Part, error) {
	if p.Expires != nil && p.Expires.Before(l.g.now()) {
		return timeline.Part{}, errExpired
	}
	most := l.g.d.MediaMax
	r, err := l.reader(ctx, p, most)
	if err != nil {
		return timeline.Part{}, unfetched(err)
	}
	got, err := l.g.d.Files.Keep(ctx, id, nameOf(p), r, most)
	if err = errors.Join(err, r.Close()); err != nil {
		return timeline.Part{}, unfetched(err)
	}
	if !sameSort(p.Kind, got) {
		return timeline.Part{}, errors.Join(&absent{missingRefused}, l.g.d.Files.Forget(ctx, got.File))
	}
	return got, nil
}

// reader asks the session for a part's bytes, or the far side for its address.
func (l *live) reader(ctx context.Context, p timeline.Part, most int64) (r io.ReadCloser, err error) {
	if f, ok := l.session.(channels.Fetcher); ok {
		l.uses.enter()
		defer l.uses.leave()
		defer contain(l.log, &err)
		if r, err = f.Fetch(ctx, p, most); err == nil && r == nil {
			err = &absent{missingGone}
		}
		return r, err
	}
	return download(ctx, l.g.d.Media, p.URL)
}

// download opens an address. The client refuses addresses inside the house, also after a redirect.
func download(ctx context.Context, c *http.Client, address string) (io.ReadCloser, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return nil, &absent{missingRefused}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &absent{missingRefused}
	}
	resp, err := c.Do(q)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	_ = resp.Body.Close() // nothing of it is wanted
	return nil, &channels.Problem{Status: resp.StatusCode, Title: "The far side answered " + resp.Status, Detail: "Nothing can be done."}
}

// unfetched tells an attachment that may be had later from one that never will.
func unfetched(err error) error {
	var never *absent
	var p *channels.Problem
	var f *channels.Failure
	switch {
	case errors.As(err, &never), errors.Is(err, errExpired):
		return err
	case errors.Is(err, httpx.ErrTooLarge):
		return &absent{missingTooLarge}
	case errors.Is(err, httpx.ErrRefused), errors.Is(err, httpx.ErrScheme), errors.Is(err, httpx.ErrRedirect):
		return &absent{missingRefused}
	case errors.As(err, &p):
		return ofStatus(p.Status, err)
	case errors.As(err, &f) && !f.Class.Again() && !f.Class.Holds():
		return &absent{missingRefused}
	}
	return err
}

// ofStatus is what the far side's HTTP status says of an attachment.
func ofStatus(status int, err error) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusGone:
		return errExpired
	case status == http.StatusNotFound:
		return &absent{missingGone}
	case status == http.StatusRequestEntityTooLarge:
		return &absent{missingTooLarge}
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= http.StatusInternalServerError:
		return err // later
	}
	return &absent{missingRefused}
}

// sameSort reports whether what was fetched is of the sort that was announced: a page that asks
// for a password is no picture.
func sameSort(kind timeline.PartKind, got timeline.Part) bool {
	switch kind {
	case timeline.PartImage, timeline.PartSticker, timeline.PartVideo, timeline.PartAudio:
		sort, _, _ := strings.Cut(got.MIME, "/")
		return sort == "image" || sort == "video" || sort == "audio" || got.MIME == "application/ogg" || got.MIME == "application/octet-stream"
	}
	return true
}

// nameOf is what a part's file is called: as the far side says, or as its address ends.
func nameOf(p timeline.Part) string {
	if p.Name != "" {
		return p.Name
	}
	if u, err := url.Parse(p.URL); err == nil {
		if base := path.Base(u.Path); base != "." && base != "/" {
			return base
		}
	}
	return string(p.Kind)
}
