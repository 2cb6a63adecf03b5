package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

const (
	s3OpenBudget  = 20 * time.Second // to find out at start whether the bucket can be used
	s3CleanBudget = 10 * time.Second // to take back an upload that failed, whatever became of its caller
	s3Stale       = 24 * time.Hour   // an upload begun longer ago belongs to a process that died
	s3Tries       = 4                // of one request
)

// S3Config says where an object store is and who asks. It prints without its credentials.
type S3Config struct {
	Endpoint  string // such as https://s3.example.org; its scheme decides on TLS
	Bucket    string // must exist
	Region    string // empty: the server is asked
	AccessKey string
	Secret    string
	Prefix    string // folder within the bucket; may be empty

	Transport http.RoundTripper // nil: one that trusts the system's certificates
	Log       *slog.Logger      // nil: the default
}

// String names the place and nobody's keys.
func (c S3Config) String() string {
	return strings.TrimRight(c.Endpoint, "/") + "/" + c.Bucket + "/" + strings.Trim(c.Prefix, "/")
}

// GoString is for %#v, which would print the keys.
func (c S3Config) GoString() string { return "blob.S3Config(" + c.String() + ")" }

// LogValue is how logs show it.
func (c S3Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// S3 is a [Body] in a bucket of an object store that speaks S3. Objects are named as [Dir]
// names its files, so that either can be copied to the other. An upload that fails or
// dies half-way is never visible. Memory is bounded by one part for each upload under way.
type S3 struct {
	core   *minio.Core
	cfg    S3Config
	prefix string // empty, or ends with a slash
}

// OpenS3 connects to a bucket and finds out whether it can be read and written. Its error
// says what to do. What a process that died had left half-uploaded is cleared.
func OpenS3(ctx context.Context, c S3Config) (*S3, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("blob: the address of the object store must begin with https:// or http:// and name a host")
	}
	core, err := minio.NewCore(u.Host, &minio.Options{Creds: credentials.NewStaticV4(c.AccessKey, c.Secret, ""), Secure: u.Scheme == "https",
		Region: c.Region, Transport: c.Transport, MaxRetries: s3Tries})
	if err != nil {
		return nil, fmt.Errorf("blob: the settings of the object store: %w", err)
	}
	s := &S3{core: core, cfg: c}
	if p := strings.Trim(c.Prefix, "/"); p != "" {
		s.prefix = p + "/"
	}
	ctx, cancel := context.WithTimeout(ctx, s3OpenBudget)
	defer cancel()
	if err := s.probe(ctx); err != nil {
		return nil, fmt.Errorf("blob: %s: %w", c, s.explain(err))
	}
	s.clear(ctx, time.Now().Add(-s3Stale))
	return s, nil
}

// probe reads and writes without leaving anything behind: an upload that is begun and taken
// back is no object, not even where the bucket keeps versions.
func (s *S3) probe(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	first := <-s.core.Client.ListObjects(ctx, s.cfg.Bucket, minio.ListObjectsOptions{Prefix: s.prefix, MaxKeys: 1})
	if first.Err != nil {
		return first.Err
	}
	key := s.prefix + "probe"
	id, err := s.core.NewMultipartUpload(ctx, s.cfg.Bucket, key, minio.PutObjectOptions{})
	if err != nil {
		return err
	}
	return s.core.AbortMultipartUpload(ctx, s.cfg.Bucket, key, id)
}

// explain says what an operator can do about an object store that refuses.
func (s *S3) explain(err error) error {
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		return fmt.Errorf("it cannot be reached; check PARLEY_S3_ENDPOINT and the network: %w", err)
	}
	advice := ""
	switch r.Code {
	case minio.NoSuchBucket:
		advice = "there is no such bucket; make it, or correct PARLEY_S3_BUCKET"
	case "InvalidAccessKeyId", "XAdminUserNotFound":
		advice = "the access key is not known; correct PARLEY_S3_ACCESS_KEY"
	case "SignatureDoesNotMatch":
		advice = "the secret does not belong to the access key; correct PARLEY_S3_SECRET_KEY"
	case minio.AccessDenied:
		advice = "access is denied; allow this key to list the bucket, and to read, write and delete in it"
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "InvalidRegion", "IllegalLocationConstraintException":
		advice = "the bucket is in another region; correct PARLEY_S3_REGION"
	case "RequestTimeTooSkewed":
		advice = "the clocks differ; set this machine's clock"
	default:
		advice = "the server refuses"
	}
	return fmt.Errorf("%s: %w", advice, err)
}

// clear takes back uploads begun before a time, which nobody can finish any more. They hold room but are no
// objects, so that failing at it is only worth a warning.
func (s *S3) clear(ctx context.Context, before time.Time) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for u := range s.core.Client.ListIncompleteUploads(ctx, s.cfg.Bucket, s.prefix, true) {
		err := u.Err
		if err == nil && u.Initiated.Before(before) {
			err = s.core.AbortMultipartUpload(ctx, s.cfg.Bucket, u.Key, u.UploadID)
		}
		if err != nil {
			s.cfg.Log.Warn("what is half-uploaded was not cleared from the object store; a lifecycle rule can do it", "err", err)
			return
		}
	}
}

func (s *S3) key(id timeline.FileID) (string, error) {
	at, err := place(id)
	return s.prefix + at, err
}

// Save uploads what write writes, in parts as it comes. What is smaller than a part is one request.
func (s *S3) Save(ctx context.Context, id timeline.FileID, write func(io.Writer) error) error {
	key, err := s.key(id)
	if err != nil {
		return err
	}
	u := newUpload(ctx, s, key)
	defer u.release()
	if err = write(u); err == nil {
		err = u.finish()
	}
	if err != nil {
		return fmt.Errorf("blob: uploading: %w", errors.Join(err, u.abandon()))
	}
	return nil
}

// Open reads by ranges, each fetched when it is read. Reading ends with ctx.
func (s *S3) Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, error) {
	key, err := s.key(id)
	if err != nil {
		return nil, err
	}
	info, err := s.core.Client.StatObject(ctx, s.cfg.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return nil, s3Error(err)
	}
	return &object{ctx: ctx, s: s, key: key, etag: info.ETag, size: info.Size}, nil
}

// Delete removes an object.
func (s *S3) Delete(ctx context.Context, id timeline.FileID) error {
	key, err := s.key(id)
	if err == nil {
		err = s3Error(s.core.Client.RemoveObject(ctx, s.cfg.Bucket, key, minio.RemoveObjectOptions{}))
	}
	return gone(err)
}

// s3Error turns the answers of object stores into the errors of this package.
func s3Error(err error) error {
	var r minio.ErrorResponse
	answered := errors.As(err, &r)
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case !answered:
		return fmt.Errorf("%w: the object store does not answer: %w", store.ErrUnavailable, err)
	case r.Code == minio.NoSuchKey:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case r.StatusCode == http.StatusInsufficientStorage, r.Code == "QuotaExceeded", r.Code == "XMinioStorageFull", r.Code == "XMinioAdminBucketQuotaExceeded":
		return fmt.Errorf("%w: %w", ErrFull, err)
	case r.Code == "EntityTooLarge":
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case r.StatusCode >= http.StatusInternalServerError, r.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}
