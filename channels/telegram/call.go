package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"sort"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// maxReply bounds an answer: a hundred updates are far smaller.
const maxReply = 16 << 20

// params are a method's arguments.
type params map[string]any

// call asks a method with JSON. The error is a *channels.Failure where the far
// side said no or was never reached, and *lost where nobody knows.
func (s *Session) call(ctx context.Context, method string, p params, out any) error {
	body, err := json.Marshal(p)
	if err != nil {
		return &channels.Failure{Class: channels.Permanent, Err: err}
	}
	return s.post(ctx, method, "application/json", bytes.NewReader(body), int64(len(body)), out)
}

func (s *Session) post(ctx context.Context, method, contentType string, body io.Reader, size int64, out any) error {
	if err := ctx.Err(); err != nil {
		return &channels.Failure{Class: channels.Transient, Err: err} // nothing was sent
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.api+"/bot"+s.token+"/"+method, body)
	if err != nil {
		return &channels.Failure{Class: channels.Misconfigured, Advice: "Check the Bot API address."} // err holds the token
	}
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = size
	resp, err := s.host.HTTP().Do(req)
	if err != nil {
		return broken(err, s.token)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return broken(err, s.token)
	}
	var r reply
	read := json.Unmarshal(b, &r)
	switch {
	case resp.StatusCode >= http.StatusInternalServerError || r.Code >= http.StatusInternalServerError:
		return &lost{fmt.Errorf("status %d: %.200s", resp.StatusCode, r.Description)}
	case resp.StatusCode >= http.StatusBadRequest || read == nil && !r.OK && r.Code > 0:
		return refused(resp.StatusCode, r)
	case read != nil || !r.OK:
		return &lost{fmt.Errorf("status %d without an answer of the Bot API's", resp.StatusCode)}
	}
	if out != nil && json.Unmarshal(r.Result, out) != nil {
		return &lost{errors.New("the answer has another shape")}
	}
	return nil
}

// upload asks a method with one file beside its arguments. The file is read as
// it is sent.
func (s *Session) upload(ctx context.Context, method, field string, p params, id timeline.FileID, out any) error {
	r, part, err := s.host.Files().Open(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return &channels.Failure{Class: channels.BadMedia, Advice: "The file is no longer there. Attach it again.", Err: err}
	} else if err != nil {
		return &channels.Failure{Class: channels.Transient, Err: err}
	}
	defer r.Close()
	size, err := r.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = r.Seek(0, io.SeekStart)
	}
	if err != nil {
		return &channels.Failure{Class: channels.Transient, Err: err}
	}
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	names := make([]string, 0, len(p))
	for k := range p {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		v, ok := p[k].(string)
		if !ok {
			b, err := json.Marshal(p[k])
			if err != nil {
				return &channels.Failure{Class: channels.Permanent, Err: err}
			}
			v = string(b)
		}
		if err := w.WriteField(k, v); err != nil {
			return &channels.Failure{Class: channels.Permanent, Err: err}
		}
	}
	h := textproto.MIMEHeader{"Content-Type": {part.MIME}}
	h.Set("Content-Disposition", multipart.FileContentDisposition(field, fileName(part)))
	if _, err := w.CreatePart(h); err != nil {
		return &channels.Failure{Class: channels.Permanent, Err: err}
	}
	tail := "\r\n--" + w.Boundary() + "--\r\n"
	body := io.MultiReader(bytes.NewReader(head.Bytes()), r, strings.NewReader(tail))
	return s.post(ctx, method, w.FormDataContentType(), body, int64(head.Len())+size+int64(len(tail)), out)
}

// fileName is what the person sees; Telegram goes by its ending.
func fileName(p timeline.Part) string {
	if p.Name != "" {
		return p.Name
	}
	if end, ok := endings[p.MIME]; ok {
		return "file" + end
	}
	return "file"
}

var endings = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif", "video/mp4": ".mp4",
	"video/webm": ".webm", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/ogg": ".ogg", "application/pdf": ".pdf",
}
