package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/timeline"
)

// Files offers a store of files to sessions; what is wrong with a file they are told as a problem.
func Files(b *blob.Store) channels.Files { return files{b} }

type files struct{ b *blob.Store }

// Put stores a file.
func (f files) Put(ctx context.Context, name string, r io.Reader, max int64) (timeline.Part, error) {
	p, err := f.b.Put(ctx, name, r, max)
	switch {
	case errors.Is(err, blob.ErrTooLarge):
		err = &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "The file is too large", Detail: "Send a smaller one."}
	case errors.Is(err, blob.ErrFull):
		err = &channels.Problem{Status: http.StatusInsufficientStorage, Title: "There is no room for the file", Detail: "The hub's operators must make room; try again later."}
	case errors.Is(err, blob.ErrEmpty):
		err = &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "The file is empty", Detail: "Send the file's bytes."}
	case errors.Is(err, blob.ErrPicture):
		err = &channels.Problem{Status: http.StatusUnprocessableEntity, Title: "The picture is broken", Detail: "Save it anew, then send it again."}
	}
	return p, err
}

// Open reads a file.
func (f files) Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error) {
	return f.b.Open(ctx, id)
}

// Fit gives the file as a limit takes it.
func (f files) Fit(ctx context.Context, id timeline.FileID, l channels.MediaLimit) (timeline.Part, error) {
	s, err := f.b.Stat(ctx, id)
	if err != nil {
		return timeline.Part{}, err
	}
	if !l.Small(s.Size) || !l.Takes(s.MIME) {
		return timeline.Part{}, &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The file %s (%s, %d bytes) is not taken on this channel.", s.Name, s.MIME, s.Size)}
	}
	return s.Part(), nil
}

// URL is a signed link.
func (f files) URL(id timeline.FileID, ttl time.Duration) string { return f.b.URL(id, ttl) }
