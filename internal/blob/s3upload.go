package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/minio/minio-go/v7"
)

const (
	partBytes = 8 << 20 // held in memory by an upload; S3 wants at least 5 MiB
	partsMax  = 10_000  // of one upload, says S3
)

// partBuffers begin small and double up to a part: most files are small, and many may come at once.
var partBuffers = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 64<<10)) }}

// upload is a writer that becomes an object when it is finished. It sends a part whenever
// its buffer is full, each with its hash, which the server checks.
type upload struct {
	ctx   context.Context
	s     *S3
	key   string
	buf   *bytes.Buffer
	id    string // of the multipart upload, once there is one
	parts []minio.CompletePart
}

func newUpload(ctx context.Context, s *S3, key string) *upload {
	return &upload{ctx: ctx, s: s, key: key, buf: partBuffers.Get().(*bytes.Buffer)}
}

func (u *upload) release() {
	u.buf.Reset()
	partBuffers.Put(u.buf)
	u.buf = nil
}

// Write takes bytes; it sends a part, and waits for it, when more than a part was taken.
func (u *upload) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if u.buf.Len() == partBytes {
			if err := u.part(); err != nil {
				return n, err
			}
		}
		k, err := u.buf.Write(p[:min(len(p), partBytes-u.buf.Len())])
		n, p = n+k, p[k:]
		if err != nil {
			return n, err
		}
	}
	return n, u.ctx.Err()
}

func (u *upload) part() (err error) {
	if len(u.parts) == partsMax {
		return ErrTooLarge
	}
	if u.id == "" {
		if u.id, err = u.s.core.NewMultipartUpload(u.ctx, u.s.cfg.Bucket, u.key, u.options()); err != nil {
			return s3Error(err)
		}
	}
	sum := sha256.Sum256(u.buf.Bytes())
	p, err := u.s.core.PutObjectPart(u.ctx, u.s.cfg.Bucket, u.key, u.id, len(u.parts)+1, bytes.NewReader(u.buf.Bytes()), int64(u.buf.Len()),
		minio.PutObjectPartOptions{Sha256Hex: hex.EncodeToString(sum[:])})
	if err != nil {
		return s3Error(err)
	}
	u.parts = append(u.parts, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag})
	u.buf.Reset()
	return nil
}

// finish sends the rest and names the object.
func (u *upload) finish() error {
	if u.id == "" {
		sum := sha256.Sum256(u.buf.Bytes())
		_, err := u.s.core.PutObject(u.ctx, u.s.cfg.Bucket, u.key, bytes.NewReader(u.buf.Bytes()), int64(u.buf.Len()), "", hex.EncodeToString(sum[:]), u.options())
		return s3Error(err)
	}
	if err := u.part(); err != nil {
		return err
	}
	_, err := u.s.core.CompleteMultipartUpload(u.ctx, u.s.cfg.Bucket, u.key, u.id, u.parts, u.options())
	return s3Error(err)
}

// options say as little as possible: names and types are in the record.
func (u *upload) options() minio.PutObjectOptions {
	return minio.PutObjectOptions{ContentType: "application/octet-stream"}
}

// abandon takes back the parts of an upload, also when the caller is gone. An object whose
// naming got no answer may be there all the same, whole; it is not removed here, where it could
// be the one that another node saved under the same id.
func (u *upload) abandon() error {
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), s3CleanBudget)
	defer cancel()
	err := u.s.core.AbortMultipartUpload(ctx, u.s.cfg.Bucket, u.key, u.id)
	var r minio.ErrorResponse
	if errors.As(err, &r) && r.Code == minio.NoSuchUpload {
		return nil
	}
	return err
}
