package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/timeline"
)

// inlineTypes are shown by a browser where they stand; everything else is a download. None
// of them can hold a script.
var inlineTypes = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true,
	"video/mp4": true, "video/webm": true, "audio/mpeg": true, "audio/mp4": true, "audio/ogg": true, "audio/webm": true, "audio/wav": true}

// fileRoutes serves bytes, which do not go through the framework.
func (s *Server) fileRoutes(app *fiber.App) {
	up := Route{ID: "upload-file", Method: http.MethodPost, Path: "/api/files", Tag: "files", Access: Needs(auth.ConversationReply), Status: 201,
		Summary: "Upload an attachment", Errors: []int{400, 413}, Out: timeline.Part{Kind: timeline.PartImage, File: exampleID, Name: "receipt.png", MIME: "image/png", Size: 48211, Width: 640, Height: 480},
		Help: "The body is the raw bytes; the type is found by looking at them. Send the file's id in a message."}
	down := Route{ID: "download-file", Method: http.MethodGet, Path: "/api/files/{id}", Tag: "files", Access: Needs(auth.ConversationRead),
		Summary: "Download an attachment", Errors: []int{416, 422}, Help: "Images, audio and video may be shown in place with ?inline=1; ranges are answered. ?size=small is a small picture of a picture, made when first asked for."}
	s.raw(app, up, "/api/files", s.upload)
	s.raw(app, down, "/api/files/:id", s.download)
	s.describeFiles(up, down)
}

// raw adds a route that reads and writes the connection itself, behind the same guard.
func (s *Server) raw(app *fiber.App, r Route, path string, h func(context.Context, *caller, *fiber.Ctx) error) {
	s.routes = append(s.routes, r)
	app.Add(r.Method, path, func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		who, err := s.admit(ctx, c, r.Access)
		if err == nil {
			err = h(context.WithValue(ctx, callerKey{}, who), who, c)
		}
		if err != nil {
			s.answer(c, r, err)
		}
		return nil
	})
}

func (s *Server) upload(ctx context.Context, _ *caller, c *fiber.Ctx) error {
	name := c.Query("name")
	if len(name) > 500 {
		return invalid("name", "use at most 500 bytes")
	}
	data := c.Request().Body()
	if len(data) == 0 {
		return problem("malformed", "Send the file's bytes as the body.")
	}
	if s.Options.UploadMax > 0 && int64(len(data)) > s.Options.UploadMax {
		return problem("too-large", "A file may have at most "+strconv.FormatInt(s.Options.UploadMax, 10)+" bytes.")
	}
	part, err := s.Files.Put(ctx, name, bytes.NewReader(data), s.Options.UploadMax)
	if err != nil {
		return err
	}
	return c.Status(http.StatusCreated).JSON(part)
}

func (s *Server) download(ctx context.Context, _ *caller, c *fiber.Ctx) error {
	f, part, err := s.openFile(ctx, timeline.FileID(c.Params("id")), c.Query("size"))
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	start, end, ranged, ok := byteRange(c.Get(fiber.HeaderRange), size)
	if !ok {
		c.Set(fiber.HeaderContentRange, "bytes */"+strconv.FormatInt(size, 10))
		c.Status(http.StatusRequestedRangeNotSatisfiable)
		return f.Close()
	}
	if _, err := f.Seek(start, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	fileHeaders(c, part)
	if ranged {
		c.Status(http.StatusPartialContent)
		c.Set(fiber.HeaderContentRange, "bytes "+strconv.FormatInt(start, 10)+"-"+strconv.FormatInt(end-1, 10)+"/"+strconv.FormatInt(size, 10))
	}
	return c.SendStream(limited{io.LimitReader(f, end-start), f}, int(end-start))
}

// openFile opens a file, or the small picture of one.
func (s *Server) openFile(ctx context.Context, id timeline.FileID, size string) (f io.ReadSeekCloser, part timeline.Part, err error) {
	switch size {
	case "":
		f, part, err = s.Files.Open(ctx, id)
	case "small":
		f, part, err = s.Files.Thumb(ctx, id, blob.Small)
	default:
		return nil, part, invalid("size", "must be small, or not there")
	}
	var refused *blob.Refusal
	switch {
	case errors.As(err, &refused):
		err = problem("not-found", refused.Reason)
	case errors.Is(err, fs.ErrNotExist):
		err = problem("not-found", "There is no such file, or no longer.")
	}
	return f, part, err
}

// limited is a part of a file that closes it.
type limited struct {
	io.Reader
	io.Closer
}

// fileHeaders makes bytes of strangers harmless: never sniffed, never run, never framed.
func fileHeaders(c *fiber.Ctx, part timeline.Part) {
	kind, _, err := mime.ParseMediaType(part.MIME)
	if err != nil {
		kind = "application/octet-stream"
	}
	how := "attachment"
	if c.Query("inline") == "1" && inlineTypes[kind] {
		how = "inline"
	}
	if how == "attachment" && !inlineTypes[kind] && (strings.HasPrefix(kind, "text/") || strings.Contains(kind, "xml") || strings.Contains(kind, "html")) {
		kind = "application/octet-stream"
	}
	c.Set(fiber.HeaderContentType, kind)
	c.Set(fiber.HeaderContentDisposition, mime.FormatMediaType(how, map[string]string{"filename": fileName(part.Name)}))
	c.Set(fiber.HeaderCacheControl, "private, max-age=31536000, immutable")
	c.Set(fiber.HeaderAcceptRanges, "bytes")
}

func fileName(name string) string {
	if name == "" {
		return "file"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '/' || r == '\\' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
}

// byteRange reads a Range header of one range; several are answered with everything.
func byteRange(header string, size int64) (start, end int64, ranged, ok bool) {
	spec, has := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !has || !dash || strings.Contains(spec, ",") {
		return 0, size, false, true
	}
	a, aerr := strconv.ParseInt(first, 10, 64)
	b, berr := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && berr == nil && b > 0 && size > 0: // the last b bytes
		return max(0, size-b), size, true, true
	case aerr != nil || a < 0 || (last != "" && berr != nil):
		return 0, size, false, true
	case a >= size || (last != "" && b < a):
		return 0, 0, true, false
	case last == "":
		return a, size, true, true
	}
	return a, min(b+1, size), true, true
}

// describeFiles adds the two routes to the description.
func (s *Server) describeFiles(up, down Route) {
	api := s.huma.OpenAPI()
	part := api.Components.Schemas.Schema(partType, true, "Part")
	problems := api.Components.Schemas.Schema(problemType, true, "Problem")
	bytesSchema := &huma.Schema{Type: "string", Format: "binary"}
	binary := map[string]*huma.MediaType{"application/octet-stream": {Schema: bytesSchema}}
	describe := func(r Route, ok *huma.Response) *huma.Operation {
		op := operation(r)
		op.Responses = map[string]*huma.Response{strconv.Itoa(op.DefaultStatus): ok}
		for _, code := range op.Errors {
			op.Responses[strconv.Itoa(code)] = &huma.Response{Description: http.StatusText(code),
				Content: map[string]*huma.MediaType{problemJSON: {Schema: problems}}}
		}
		return &op
	}
	post := describe(up, &huma.Response{Description: "Created", Content: map[string]*huma.MediaType{"application/json": {Schema: part, Example: up.Out}}})
	post.RequestBody = &huma.RequestBody{Required: true, Content: binary}
	post.Parameters = []*huma.Param{{Name: "name", In: "query", Description: "The file's name.", Schema: &huma.Schema{Type: "string"}, Example: "receipt.png"}}
	get := describe(down, &huma.Response{Description: "The bytes", Content: binary})
	get.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Example: exampleID},
		{Name: "inline", In: "query", Description: "1: show in place.", Schema: &huma.Schema{Type: "string", Enum: []any{"1"}}},
		{Name: "size", In: "query", Description: "small: a thumbnail of at most 480 pixels a side; 404 where none can be made.", Schema: &huma.Schema{Type: "string", Enum: []any{"small"}}}}
	api.AddOperation(post)
	api.AddOperation(get)
}
