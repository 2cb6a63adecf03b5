package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/timeline"
)

// FileStore is what the gateway keeps files in: for sessions, and for what it fetches itself.
type FileStore interface {
	channels.Files
	// Keep is Put under an id that is derived from what is kept: doing it twice leaves one file.
	Keep(ctx context.Context, id timeline.FileID, name string, r io.Reader, max int64) (timeline.Part, error)
	// Forget deletes a file; one that is not there is no error.
	Forget(ctx context.Context, id timeline.FileID) error
}

// Files offers a store of files to sessions; what is wrong with a file they are told as a problem.
func Files(b *blob.Store) FileStore { return files{b} }

type files struct{ b *blob.Store }

// Put stores a file.
func (f files) Put(ctx context.Context, name string, r io.Reader, max int64) (timeline.Part, error) {
	p, err := f.b.Put(ctx, name, r, max)
	return p, told(err)
}

// Keep stores a file under an id.
func (f files) Keep(ctx context.Context, id timeline.FileID, name string, r io.Reader, max int64) (timeline.Part, error) {
	p, err := f.b.PutAs(ctx, id, name, r, max)
	return p, told(err)
}

// Forget deletes a file.
func (f files) Forget(ctx context.Context, id timeline.FileID) error { return f.b.Delete(ctx, id) }

// told is what is wrong with a file, as sessions and those behind them read it.
func told(err error) error {
	switch {
	case errors.Is(err, blob.ErrTooLarge):
		return &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "The file is too large", Detail: "Send a smaller one."}
	case errors.Is(err, blob.ErrFull):
		return &channels.Problem{Status: http.StatusInsufficientStorage, Title: "There is no room for the file", Detail: "The hub's operators must make room; try again later."}
	case errors.Is(err, blob.ErrEmpty):
		return &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "The file is empty", Detail: "Send the file's bytes."}
	case errors.Is(err, blob.ErrPicture):
		return &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "The picture is broken", Detail: "Save it anew, then send it again."}
	}
	return err
}

// Open reads a file.
func (f files) Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error) {
	return f.b.Open(ctx, id)
}

// Fit gives the file as a limit takes it: itself, or a copy that is made once.
func (f files) Fit(ctx context.Context, id timeline.FileID, l channels.MediaLimit) (timeline.Part, error) {
	p, err := f.b.Fit(ctx, id, blob.Limit{MaxBytes: l.MaxBytes, MIME: l.MIME})
	var no *blob.Refusal
	if errors.As(err, &no) {
		return timeline.Part{}, &channels.Failure{Class: channels.BadMedia, Advice: no.Reason, Err: err}
	}
	return p, err
}

// URL is a signed link.
func (f files) URL(id timeline.FileID, ttl time.Duration) string { return f.b.URL(id, ttl) }
