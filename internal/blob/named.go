package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// PutAs is [Store.Put] under an id that the caller derived from what the file is, a ULID: what
// is kept under it already is not read again, so that work which a crash cut off can be done
// once more and leaves one file.
func (s *Store) PutAs(ctx context.Context, id timeline.FileID, name string, r io.Reader, max int64) (timeline.Part, error) {
	if !validID(id) {
		return timeline.Part{}, fmt.Errorf("blob: %q cannot be the id of a file", id)
	}
	switch was, err := s.Stat(ctx, id); {
	case err == nil:
		return was.Part(), nil
	case !errors.Is(err, fs.ErrNotExist):
		return timeline.Part{}, err
	}
	f := File{ID: id, Name: SafeName(name), At: timeline.Moment(s.opt.Now())}
	err := s.receive(ctx, &f, r, max)
	if err != nil {
		return timeline.Part{}, err
	}
	err = s.col.Insert(ctx, f)
	if store.IsDuplicate(err, "_id_") { // another node was at it too: both have the same bytes
		was, err := s.Stat(ctx, id)
		return was.Part(), err
	}
	if err != nil {
		return timeline.Part{}, fmt.Errorf("blob: recording %s: %w", f.ID, err)
	}
	return f.Part(), nil
}
