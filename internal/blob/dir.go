package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/parley-hub/parley/timeline"
)

// Dir is a [Body] on a local disk.
type Dir struct{ root string }

// tmp is the folder of files being written.
const tmp = "tmp"

// OpenDir makes or opens a folder of files and clears what a crash left half-written.
func OpenDir(root string) (*Dir, error) {
	if err := os.MkdirAll(filepath.Join(root, tmp), 0o700); err != nil {
		return nil, fmt.Errorf("blob: making the folder: %w", err)
	}
	left, err := os.ReadDir(filepath.Join(root, tmp))
	if err != nil {
		return nil, fmt.Errorf("blob: reading the folder: %w", err)
	}
	for _, e := range left {
		if err := os.Remove(filepath.Join(root, tmp, e.Name())); err != nil {
			return nil, fmt.Errorf("blob: clearing up: %w", err)
		}
	}
	return &Dir{root: root}, nil
}

func (d *Dir) path(id timeline.FileID) (string, error) {
	at, err := place(id)
	if err != nil {
		return "", err
	}
	return filepath.Join(d.root, filepath.FromSlash(at)), nil
}

// Save writes to a temporary file, syncs it, gives it its name and syncs the folder.
func (d *Dir) Save(ctx context.Context, id timeline.FileID, write func(io.Writer) error) (err error) {
	path, err := d.path(id)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(d.root, tmp), "*")
	if err != nil {
		return fmt.Errorf("blob: making a file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, gone(os.Remove(f.Name())))
		}
	}()
	err = write(heeding{ctx, f})
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("blob: writing: %w", err)
	}
	return d.install(f.Name(), path)
}

func (d *Dir) install(from, path string) error {
	dir := filepath.Dir(path)
	err := os.Mkdir(dir, 0o700)
	switch {
	case err == nil:
		err = syncDir(d.root)
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err != nil {
		return fmt.Errorf("blob: making a folder: %w", err)
	}
	if err := os.Rename(from, path); err != nil {
		return fmt.Errorf("blob: naming a file: %w", err)
	}
	return syncDir(dir)
}

// Open reads a file.
func (d *Dir) Open(_ context.Context, id timeline.FileID) (io.ReadSeekCloser, error) {
	path, err := d.path(id)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Delete removes a file.
func (d *Dir) Delete(_ context.Context, id timeline.FileID) error {
	path, err := d.path(id)
	if err == nil {
		err = os.Remove(path)
	}
	return gone(err)
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("blob: syncing a folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("blob: syncing a folder: %w", err)
	}
	return nil
}

// heeding is a writer that ends with its context.
type heeding struct {
	ctx context.Context
	w   io.Writer
}

func (h heeding) Write(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.w.Write(p)
}
