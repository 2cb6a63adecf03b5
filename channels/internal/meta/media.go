package meta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Download reads a file from an address: at most max bytes, whatever its length says. token is
// sent as a Bearer where it is not empty. What is not given out is a *channels.Problem.
func Download(ctx context.Context, h *http.Client, address, token string, max int64) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, Gone("The attachment has no good address")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := h.Do(r)
	if err != nil {
		return nil, fmt.Errorf("meta: fetching an attachment: %w", bare(err))
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		err = &channels.Problem{Status: resp.StatusCode, Title: "The attachment was not given out", Detail: http.StatusText(resp.StatusCode)}
	case resp.ContentLength > max:
		err = tooLarge()
	case token == "" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html"):
		err = &channels.Problem{Status: http.StatusGone, Title: "The address shows a page and no attachment", Detail: "It may have expired."}
	default:
		return &capped{ReadCloser: resp.Body, left: max}, nil
	}
	return nil, errors.Join(err, resp.Body.Close())
}

// Gone is an attachment that can no longer be had.
func Gone(why string) error {
	return &channels.Problem{Status: http.StatusNotFound, Title: why, Detail: "It can no longer be fetched."}
}

func tooLarge() error {
	return &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "The attachment is too large", Detail: "It is kept by the far side only."}
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
		return 0, tooLarge()
	}
	return n, err
}

// linkLife is how long a link to one of our files works: the far side fetches it at once, or a
// little later where it is busy.
const linkLife = 30 * time.Minute

// Link is an address from which the far side can fetch a part within a limit: of a file of ours
// one that is signed, ends, and shows this file alone.
func Link(ctx context.Context, files channels.Files, p timeline.Part, l channels.MediaLimit) (string, *channels.Failure) {
	if p.File == "" {
		return p.URL, nil
	}
	fit, bad := Fitted(ctx, files, p, l)
	if bad != nil {
		return "", bad
	}
	link := files.URL(fit.File, linkLife)
	if link == "" {
		return "", Refused(channels.Misconfigured, "The hub has no public address from which the file could be fetched. Set one, then send again.")
	}
	return link, nil
}

// Fitted is a file of ours as a limit takes it.
func Fitted(ctx context.Context, files channels.Files, p timeline.Part, l channels.MediaLimit) (timeline.Part, *channels.Failure) {
	fit, err := files.Fit(ctx, p.File, l)
	var f *channels.Failure
	switch {
	case errors.As(err, &f):
		return fit, f
	case errors.Is(err, fs.ErrNotExist):
		return fit, Refused(channels.BadMedia, "%s is no longer kept and cannot be sent.", p.Name)
	case err != nil:
		return fit, &channels.Failure{Class: channels.Transient, Advice: "The file could not be read. It is tried again by itself.", Err: err}
	}
	return fit, nil
}

// Upload sends a file with fields as a form of several parts (RFC 7578), without reading it into
// memory. size is the file's, in bytes.
func (c Client) Upload(ctx context.Context, path string, values map[string]string, name, mime string, file io.Reader, size int64, into any) error {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	for k, v := range values {
		if err := w.WriteField(k, v); err != nil {
			return &Unreached{fmt.Errorf("encoding a form: %w", err)}
		}
	}
	name = strings.NewReplacer(`\`, "_", `"`, "_", "\r", "_", "\n", "_").Replace(name)
	_, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {mime}})
	if err != nil {
		return &Unreached{fmt.Errorf("encoding a form: %w", err)}
	}
	kind := w.FormDataContentType()
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	body := io.MultiReader(&head, io.LimitReader(file, size), strings.NewReader(tail))
	return c.callWith(ctx, http.MethodPost, path, nil, kind, body, int64(head.Len())+size+int64(len(tail)), into)
}
