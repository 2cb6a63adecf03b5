package webchat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strings"

	"github.com/parley-hub/parley/channels"
)

// drawn are the types a page may draw; every other file is a download.
var drawn = map[string]bool{"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/wave": true, "audio/webm": true, "audio/flac": true,
	"video/mp4": true, "video/webm": true}

// refusedTypes are what nobody needs to send to a help desk.
var refusedTypes = map[string]bool{"application/x-msdownload": true, "application/x-executable": true, "application/x-mach-binary": true, "text/x-shellscript": true}

// upload is a stored file as the program is told of it.
type upload struct {
	File   string `json:"file"`
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	MIME   string `json:"mime"`
	Size   int64  `json:"size"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

func (s *Session) postFile(ctx context.Context, c *claims, r channels.Request, h http.Header) channels.Response {
	switch {
	case len(r.Body) > maxFile:
		return answer(h, refuse(http.StatusRequestEntityTooLarge, "The file is too large", "Send at most 25 MB."))
	case len(r.Body) == 0:
		return answer(h, refuse(http.StatusUnprocessableEntity, "The file is empty", "Send the file's bytes as the body."))
	case runs(r.Body):
		return answer(h, refuse(http.StatusUnsupportedMediaType, "Programs are not taken", "Send a picture or a document instead."))
	}
	if wait := s.limits.files.take(c.Visitor); wait > 0 {
		return answer(h, tooFast(wait))
	}
	p, err := s.host.Files().Put(ctx, first(r, "name"), bytes.NewReader(r.Body), maxFile)
	var known *channels.Problem
	switch {
	case errors.As(err, &known):
		return answer(h, refuse(known.Status, known.Title, known.Detail))
	case err != nil:
		s.host.Log().Warn("a visitor's file could not be stored", "error", err)
		return answer(h, later())
	case refusedTypes[p.MIME]:
		return answer(h, refuse(http.StatusUnsupportedMediaType, "Programs are not taken", "Send a picture or a document instead."))
	}
	return s.reply(h, http.StatusCreated, upload{File: string(s.keys.file(c.thread(), p.File)), Kind: string(p.Kind), Name: p.Name, MIME: p.MIME, Size: p.Size, Width: p.Width, Height: p.Height})
}

// runs reports whether bytes are a program, before anything is stored.
func runs(b []byte) bool {
	for _, m := range []string{"MZ", "\x7fELF", "#!", "\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe"} {
		if bytes.HasPrefix(b, []byte(m)) {
			return true
		}
	}
	return false
}

// getFile serves a file of the visitor's own thread. A reference made for another thread
// and a file that is gone look the same.
func (s *Session) getFile(ctx context.Context, c *claims, r channels.Request, h http.Header) channels.Response {
	id, ok := s.keys.cutFile(c.threads(), strings.TrimPrefix(r.Path, "/files/"))
	if !ok {
		return answer(h, missing())
	}
	f, part, err := s.host.Files().Open(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return answer(h, missing())
	}
	if err != nil {
		return answer(h, s.unread(err))
	}
	body, err := io.ReadAll(io.LimitReader(f, part.Size))
	if err = errors.Join(err, f.Close()); err != nil {
		return answer(h, s.unread(err))
	}
	kind, disposition := "application/octet-stream", "attachment"
	if drawn[part.MIME] {
		kind, disposition = part.MIME, "inline"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": part.Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	return channels.Response{Status: http.StatusOK, Header: h, Body: body}
}
