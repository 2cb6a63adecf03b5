package instagram

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Fetch downloads a part. Addresses end after a while: without one, the message is asked for
// its present ones. What may not be kept is not fetched.
func (s *Session) Fetch(ctx context.Context, p timeline.Part, max int64) (io.ReadCloser, error) {
	if p.Retention == timeline.RetainURL || p.Retention == timeline.RetainNever {
		return nil, &channels.Failure{Class: channels.Permanent, Advice: "The platform does not allow keeping this."}
	}
	if p.URL == "" {
		fresh, err := s.address(ctx, p)
		if err != nil {
			return nil, err
		}
		p.URL = fresh
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		return nil, gone("The attachment has no good address")
	}
	resp, err := s.host.HTTP().Do(r)
	if err != nil {
		return nil, fmt.Errorf("instagram: fetching an attachment: %w", err)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		err = &channels.Problem{Status: resp.StatusCode, Title: "The attachment was not given out", Detail: http.StatusText(resp.StatusCode)}
	case resp.ContentLength > max:
		err = &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "The attachment is too large", Detail: "It is kept by the far side only."}
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		err = &channels.Problem{Status: http.StatusGone, Title: "The address shows a page and no attachment", Detail: "It may have expired."}
	default:
		return &capped{ReadCloser: resp.Body, left: max}, nil
	}
	if closing := resp.Body.Close(); closing != nil {
		s.host.Log().Debug("an answer did not close", "error", closing)
	}
	return nil, err
}

func gone(why string) error {
	return &channels.Problem{Status: http.StatusNotFound, Title: why, Detail: "It can no longer be fetched."}
}

// capped refuses to read more than was allowed, whatever the length said.
type capped struct {
	io.ReadCloser
	left int64
}

// Read reads at most what is left, and one byte more to find out that there is more.
func (c *capped) Read(b []byte) (int, error) {
	if int64(len(b)) > c.left+1 {
		b = b[:c.left+1]
	}
	n, err := c.ReadCloser.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return 0, &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "The attachment is too large", Detail: "It is kept by the far side only."}
	}
	return n, err
}

// address asks a message for the present address of one of its attachments.
func (s *Session) address(ctx context.Context, p timeline.Part) (string, error) {
	mid, n, ok := strings.Cut(string(p.Remote), "#")
	i, err := strconv.Atoi(n)
	if !ok || err != nil || i < 0 {
		return "", gone("The attachment's address has ended")
	}
	var m struct {
		Attachments struct {
			Data []json.RawMessage `json:"data"`
		} `json:"attachments"`
		Shares struct {
			Data []struct {
				Link string `json:"link"`
			} `json:"data"`
		} `json:"shares"`
	}
	err = s.graph().Get(ctx, mid, url.Values{"fields": {"id,attachments,shares"}}, &m)
	switch {
	case meta.Is(err, meta.CodeDeleted, 0), meta.Is(err, 100, 33):
		return "", gone("The message is gone")
	case err != nil:
		return "", meta.Explained(Kind, "asking for an attachment", err)
	case i < len(m.Attachments.Data):
		if u := attached(m.Attachments.Data[i]); u != "" {
			return u, nil
		}
	case len(m.Shares.Data) > 0 && meta.WebURL(m.Shares.Data[0].Link) != "":
		return m.Shares.Data[0].Link, nil
	}
	return "", gone("The attachment is gone")
}

// attached is the address in one of the forms attachments are listed in.
func attached(raw json.RawMessage) string {
	var a struct {
		File  string                     `json:"file_url"`
		Image struct{ URL string }       `json:"image_data"`
		Video struct{ URL string }       `json:"video_data"`
		Audio struct{ URL string }       `json:"audio_data"`
		Any   map[string]json.RawMessage `json:"generic_template"`
	}
	if json.Unmarshal(raw, &a) != nil {
		return ""
	}
	for _, u := range []string{a.Image.URL, a.Video.URL, a.Audio.URL, a.File} {
		if meta.WebURL(u) != "" {
			return u
		}
	}
	return ""
}
