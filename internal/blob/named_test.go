package blob

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

// Work that a crash cut off is done once more under the same id and leaves one file.
func TestPutAsIsRepeatable(t *testing.T) {
	f := newStore(t)
	id := fileID()
	if _, err := f.PutAs(t.Context(), id, "a.txt", io.MultiReader(strings.NewReader("hel"), brokenReader{io.ErrUnexpectedEOF}), 100); !errors.Is(err, ErrBrokenOff) {
		t.Fatal(err)
	}
	f.wantNothing(t)
	const many = 6
	parts, errs := make([]timeline.Part, many), make([]error, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() { parts[i], errs[i] = f.PutAs(t.Context(), id, "a.txt", strings.NewReader("hello"), 100) })
	}
	wg.Wait()
	for i := range many {
		if errs[i] != nil || parts[i].File != id || parts[i].Size != 5 {
			t.Errorf("%+v %v", parts[i], errs[i])
		}
	}
	unread := readerFunc(func([]byte) (int, error) { t.Error("read again"); return 0, io.EOF })
	if p, err := f.PutAs(t.Context(), id, "a.txt", unread, 100); err != nil || p.Size != 5 || f.left(t) != 1 {
		t.Errorf("%+v, %d files, %v", p, f.left(t), err)
	}
	if _, err := f.PutAs(t.Context(), "../x", "a", bytes.NewReader(nil), 1); err == nil {
		t.Error("a bad id was taken")
	}
}
