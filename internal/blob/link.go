package blob

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/timeline"
)

// LinkPath is where signed links lead.
const LinkPath = "/f/"

// URL is a link to one file that works without sign-in for ttl.
func (s *Store) URL(id timeline.FileID, ttl time.Duration) string {
	until := strconv.FormatInt(s.opt.Now().Add(ttl).Unix(), 10)
	q := url.Values{"e": {until}, "s": {s.sign(id, until)}}
	return strings.TrimRight(s.opt.BaseURL, "/") + LinkPath + string(id) + "?" + q.Encode()
}

// Check reports whether a link holds: its end in Unix seconds, and its signature.
func (s *Store) Check(id timeline.FileID, until, sig string) bool {
	end, err := strconv.ParseInt(until, 10, 64)
	good := hmac.Equal([]byte(sig), []byte(s.sign(id, until)))
	return good && err == nil && s.opt.Now().Unix() < end
}

func (s *Store) sign(id timeline.FileID, until string) string {
	m := hmac.New(sha256.New, s.opt.Key)
	fmt.Fprintf(m, "%s|%s", id, until)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// openSized opens a file, or with the size "small" its thumbnail. A link to a file holds for both.
func (s *Store) openSized(ctx context.Context, id timeline.FileID, size string) (io.ReadSeekCloser, timeline.Part, error) {
	if size == "small" {
		return s.Thumb(ctx, id, Small)
	}
	return s.Open(ctx, id)
}

// Mount serves signed links; &size=small makes one lead to the thumbnail. A link that does not hold and a file that is not there look the same.
func (s *Store) Mount(r fiber.Router) {
	r.Get(LinkPath+":id", func(c *fiber.Ctx) error {
		id := timeline.FileID(strings.Clone(c.Params("id")))
		if !s.Check(id, c.Query("e"), c.Query("s")) {
			return fiber.ErrNotFound
		}
		body, part, err := s.openSized(c.UserContext(), id, c.Query("size"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoThumb) {
			return fiber.ErrNotFound
		}
		if err != nil {
			s.opt.Log.Error("a file could not be served", "file", id, "error", err)
			c.Set(fiber.HeaderRetryAfter, "5")
			return fiber.ErrServiceUnavailable
		}
		for k, v := range Headers(part) {
			c.Set(k, v[0])
		}
		c.Set(fiber.HeaderCacheControl, "private, max-age=300")
		return c.SendStream(body, int(part.Size)) // closes the body
	})
}
