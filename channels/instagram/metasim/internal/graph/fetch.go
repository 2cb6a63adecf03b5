package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

const mb = 1 << 20

// limit is what files of a kind may be.
type limit struct {
	size  int
	types []string
}

// limits of Instagram's and Messenger's attachments.
var limits = map[string]limit{
	"image": {8 * mb, []string{"image/png", "image/jpeg", "image/gif"}},
	"audio": {25 * mb, []string{"audio/aac", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/mpeg", "video/mp4"}},
	"video": {25 * mb, []string{"video/mp4", "video/ogg", "video/x-msvideo", "video/avi", "video/quicktime", "video/webm"}},
	"file":  {25 * mb, []string{"application/pdf"}},
}

// waLimits are WhatsApp's.
var waLimits = map[string]limit{
	"image":    {5 * mb, []string{"image/png", "image/jpeg"}},
	"audio":    {16 * mb, []string{"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}},
	"video":    {16 * mb, []string{"video/mp4", "video/3gpp"}},
	"sticker":  {500 << 10, []string{"image/webp"}},
	"document": {100 * mb, nil},
}

func (l limit) check(kind string, f *upload) *world.Error {
	media, _, err := mime.ParseMediaType(f.kind)
	if err != nil || media == "application/octet-stream" {
		media, _, _ = mime.ParseMediaType(http.DetectContentType(f.bytes))
	}
	f.kind = media
	if len(f.bytes) > l.size {
		return world.ErrMediaSize
	}
	if strings.HasPrefix(http.DetectContentType(f.bytes), "text/html") {
		return world.ErrMediaType
	}
	for _, t := range l.types {
		if t == media {
			return nil
		}
	}
	if l.types == nil {
		return nil
	}
	return world.ErrMediaType
}

func fetcher() *http.Client {
	return &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("too many redirects")
		}
		return nil
	}}
}

// fetchAll gets the files of a message, as Meta does before it answers, and gives them
// addresses of the CDN.
func (c *call) fetchAll(list []world.Attachment) *world.Error {
	for i := range list {
		a := &list[i]
		if a.URL == "" && a.Asset == "" || a.MediaID != "" {
			continue
		}
		if a.Asset == "" {
			f, err := c.fetchFile(a.Type, a.URL, limits[a.Type])
			if err != nil {
				return err
			}
			c.api.w.Lock()
			a.Asset = c.api.w.AddAsset(world.Asset{Name: f.name, Type: f.kind, Bytes: f.bytes}).ID
			c.api.w.Unlock()
		}
		c.api.w.Lock()
		a.URL = c.api.w.Link(a.Asset)
		c.api.w.Unlock()
	}
	return nil
}

// fetchFile gets one file over the network. The world must not be locked.
func (c *call) fetchFile(kind, addr string, l limit) (*upload, *world.Error) {
	c.api.w.Lock()
	s := c.api.w.Settings()
	c.api.w.Unlock()
	u, err := url.Parse(addr)
	if err != nil || u.Host == "" || u.Scheme != "https" && (s.StrictHTTPS || u.Scheme != "http") {
		return nil, world.ErrMediaFetch
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), time.Duration(s.FetchTimeoutMS)*time.Millisecond)
	defer cancel()
	f, err := c.get(ctx, addr, l.size)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && kind == "video":
		return nil, world.ErrMediaSlow
	case err != nil:
		return nil, world.ErrMediaFetch
	}
	return f, l.check(kind, f)
}

func (c *call) get(ctx context.Context, addr string, size int) (*upload, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, addr, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)")
	resp, err := c.api.fetch.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, int64(size)+1))
	return &upload{name: path.Base(resp.Request.URL.Path), kind: resp.Header.Get("Content-Type"), bytes: b}, err
}
