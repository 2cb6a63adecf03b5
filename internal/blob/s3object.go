package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/minio/minio-go/v7"
)

// readTries is how often in a row a read may fail without a byte before it is given up.
const readTries = 3

// object reads one object. It asks for a range when it is read, and again from where it
// stands when the connection breaks off; seeking alone asks for nothing.
type object struct {
	ctx    context.Context
	s      *S3
	key    string
	etag   string
	size   int64
	off    int64         // of the next byte
	body   io.ReadCloser // nil: none is open
	bodyAt int64         // offset of body's next byte
	shut   bool
}

// Read reads on; io.ErrUnexpectedEOF if the store breaks off again and again.
func (o *object) Read(p []byte) (int, error) {
	if o.shut {
		return 0, fs.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil
	}
	if err := o.ctx.Err(); err != nil { // what is buffered is not given out any more
		return 0, err
	}
	var failed error
	for range readTries {
		if o.off >= o.size {
			return 0, io.EOF
		}
		n, err := o.next(p[:min(int64(len(p)), o.size-o.off)])
		if n > 0 {
			return n, nil // what else happened shows at the next read
		}
		if failed = err; errors.Is(err, fs.ErrNotExist) || o.ctx.Err() != nil {
			break
		}
	}
	return 0, fmt.Errorf("blob: reading from the object store: %w", failed)
}

// next reads from the connection, which is opened where needed and dropped on any error.
func (o *object) next(p []byte) (int, error) {
	if o.body != nil && o.bodyAt != o.off {
		if err := o.drop(); err != nil {
			return 0, err
		}
	}
	if o.body == nil {
		if err := o.ask(); err != nil {
			return 0, err
		}
	}
	n, err := o.body.Read(p)
	o.off += int64(n)
	o.bodyAt = o.off
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // never passed on at the end, where o.off is o.size
	}
	if err != nil {
		return n, errors.Join(err, o.drop())
	}
	return n, nil
}

func (o *object) ask() error {
	var opt minio.GetObjectOptions
	if o.off > 0 {
		if err := opt.SetRange(o.off, 0); err != nil {
			return err
		}
	}
	if o.etag != "" {
		if err := opt.SetMatchETag(o.etag); err != nil {
			return err
		}
	}
	body, _, _, err := o.s.core.GetObject(o.ctx, o.s.cfg.Bucket, o.key, opt)
	if err != nil {
		return s3Error(err)
	}
	o.body, o.bodyAt = body, o.off
	return nil
}

func (o *object) drop() error {
	if o.body == nil {
		return nil
	}
	err := o.body.Close()
	o.body = nil
	return err
}

// Seek sets where the next read is.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += o.off
	case io.SeekEnd:
		offset += o.size
	default:
		return 0, fs.ErrInvalid
	}
	if o.shut {
		return 0, fs.ErrClosed
	}
	if offset < 0 {
		return 0, fmt.Errorf("blob: seeking before the beginning: %w", fs.ErrInvalid)
	}
	o.off = offset
	return offset, nil
}

// Close ends reading.
func (o *object) Close() error {
	o.shut = true
	return o.drop()
}
