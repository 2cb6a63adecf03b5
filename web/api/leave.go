package api

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/journal"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// EraseInput confirms an erasure by what the person is called.
type EraseInput struct {
	Confirm string `json:"confirm" minLength:"1" maxLength:"200" doc:"The person's name, or the number of one of their conversations." example:"Maya"`
}

type eraseInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body EraseInput
}

// ExportedPerson is person.json of an export.
type ExportedPerson struct {
	Person     timeline.Person  `json:"person"`
	Identities []timeline.Known `json:"identities"`
	Merges     []journal.Merged `json:"merges"`
	Exported   time.Time        `json:"exported"`
}

// exportTime is how long an export may take on a slow line.
const exportTime = 30 * time.Minute

func (s *Server) leaveRoutes(app *fiber.App) {
	register(s, Route{ID: "erase-person", Method: http.MethodPost, Path: "/api/persons/{id}/erase", Tag: "persons", Access: Needs(auth.PersonErase),
		Status: 204, Errors: []int{409}, Summary: "Erase a person for good",
		Help: "204: it is durable, and carried out within a few seconds; a second round a minute later catches what was on its way. That something was said, when, and by which of us stays; what, by whom and with which files goes. It cannot be undone.",
		In:   EraseInput{Confirm: "Maya"}}, s.erase)
	r := Route{ID: "export-person", Method: http.MethodGet, Path: "/api/persons/{id}/export", Tag: "persons", Access: Needs(auth.PersonExport),
		Summary: "Everything kept of a person, as a ZIP file",
		Help:    "person.json; conversations/NUMBER.json, one for each, with all events, notes of colleagues marked internal; files/ID-NAME. It is written as it is read: an error cuts it off, and a ZIP program then says that it is broken."}
	s.raw(app, r, "/api/persons/:id/export", s.export)
	s.describeExport(r)
}

func (s *Server) erase(ctx context.Context, in *eraseInput) (*nothing, error) {
	p, _, err := s.reachable(ctx, timeline.PersonID(in.ID))
	if err != nil {
		return nil, err
	}
	if p.Erased != nil {
		return nil, nil
	}
	if ok, err := s.confirmed(ctx, p, strings.TrimSpace(in.Body.Confirm)); err != nil || !ok {
		if err == nil {
			err = invalid("confirm", "must be the person's name, or the number of one of their conversations")
		}
		return nil, err
	}
	if err := s.audit(ctx, "person.erase", string(p.ID), nil); err != nil { // before: nothing is erased that is not in the log
		return nil, err
	}
	return nil, s.People.Erase(ctx, p.ID, callerOf(ctx).Actor())
}

func (s *Server) confirmed(ctx context.Context, p *timeline.Person, by string) (bool, error) {
	if by == p.Name {
		return true, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(by, "#"), 10, 64)
	if err != nil {
		return false, nil //nolint:nilerr // it is no number: a name that is not theirs
	}
	var c timeline.Conversation
	err = s.Store.C(store.Conversations).One(ctx, bson.D{{Key: "number", Value: n}}, &c)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && c.Person == p.ID, err
}

// export streams a ZIP file. What it needs of the request is read before the stream begins.
func (s *Server) export(ctx context.Context, who *caller, c *fiber.Ctx) error {
	p, known, err := s.reachable(ctx, timeline.PersonID(c.Params("id")))
	if err != nil {
		return err
	}
	if who.Scope != auth.ScopeAll {
		return problem("forbidden", "An export holds all conversations of a person. Ask somebody who sees all of them.")
	}
	if err := s.audit(ctx, "person.export", string(p.ID), nil); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/zip")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="person-`+string(p.ID)+`.zip"`)
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTime)
		defer cancel()
		x := &exporter{s: s, zip: zip.NewWriter(w), flush: w.Flush, files: map[timeline.FileID]bool{}}
		if err := x.person(ctx, p, known); err != nil {
			s.Log.WarnContext(ctx, "an export was cut off", "person", p.ID, "err", err)
		}
	})
	return nil
}

// exporter writes one export. It holds one event and a piece of a file at a time, and the ids
// of the files it wrote.
type exporter struct {
	s     *Server
	zip   *zip.Writer
	flush func() error
	files map[timeline.FileID]bool
}

// person writes everything. The ZIP's directory is written only if nothing failed.
func (x *exporter) person(ctx context.Context, p *timeline.Person, known []timeline.Known) error {
	about := ExportedPerson{Person: *p, Identities: known, Merges: []journal.Merged{}, Exported: x.s.now()}
	for _, side := range []string{"from", "into"} {
		var some []journal.Merged
		if err := x.s.Store.C(store.Merges).All(ctx, bson.D{{Key: side, Value: string(p.ID)}}, &some); err != nil {
			return fmt.Errorf("api: reading merges: %w", err)
		}
		about.Merges = append(about.Merges, some...)
	}
	if err := x.json("person.json", about); err != nil {
		return err
	}
	var all []timeline.Conversation
	err := x.s.Store.C(store.Conversations).All(ctx, bson.D{{Key: "person", Value: string(p.ID)}}, &all,
		store.Find{Sort: bson.D{{Key: "lastAt", Value: -1}, {Key: "_id", Value: -1}}})
	if err != nil {
		return fmt.Errorf("api: reading a person's conversations: %w", err)
	}
	for i := range all {
		if err := x.conversation(ctx, &all[i]); err != nil {
			return err
		}
	}
	return x.zip.Close()
}

func (x *exporter) json(name string, v any) error {
	f, err := x.zip.Create(name)
	if err == nil {
		enc := json.NewEncoder(f)
		enc.SetIndent("", "  ")
		err = enc.Encode(v)
	}
	if err != nil {
		return fmt.Errorf("api: writing %s: %w", name, err)
	}
	return nil
}

// exportedEvent is an event of an export. Notes about a person are theirs to see.
type exportedEvent struct {
	Internal bool `json:"internal,omitempty"`
	timeline.Event
}

// conversation writes one conversation and then its files: a ZIP file holds one thing after
// another.
func (x *exporter) conversation(ctx context.Context, c *timeline.Conversation) error {
	f, err := x.zip.Create(fmt.Sprintf("conversations/%d.json", c.Number))
	if err != nil {
		return fmt.Errorf("api: writing a conversation: %w", err)
	}
	head, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("api: encoding a conversation: %w", err)
	}
	if _, err := fmt.Fprintf(f, "{\"conversation\":%s,\n\"events\":[", head); err != nil {
		return err
	}
	wanted, err := x.events(ctx, c.ID, f)
	if err == nil {
		_, err = io.WriteString(f, "\n]}\n")
	}
	if err != nil {
		return fmt.Errorf("api: writing conversation %d: %w", c.Number, err)
	}
	for _, p := range wanted {
		if err := x.file(ctx, p); err != nil {
			return err
		}
	}
	return x.flush()
}

// exportPage is how many events are held at once.
const exportPage = 200

// events writes a conversation's events, a page at a time, and returns the files they name.
func (x *exporter) events(ctx context.Context, id timeline.ConversationID, w io.Writer) (wanted []timeline.Part, err error) {
	for after, more := int64(0), true; more; {
		var page []timeline.Event
		if page, more, err = x.s.events(ctx, id, bson.D{{Key: "$gt", Value: after}}, 1, exportPage); err != nil {
			return nil, err
		}
		for _, e := range page {
			if e.Message != nil {
				wanted = append(wanted, x.fresh(e.Message.Parts)...)
			}
			line, err := json.Marshal(exportedEvent{Internal: e.Kind == timeline.KindNote, Event: e})
			if err != nil {
				return nil, fmt.Errorf("encoding an event: %w", err)
			}
			sep := ",\n"
			if after == 0 {
				sep = "\n"
			}
			if _, err := io.WriteString(w, sep+string(line)); err != nil {
				return nil, err
			}
			after = e.Seq
		}
	}
	return wanted, nil
}

// fresh picks the files that are not in the export yet.
func (x *exporter) fresh(parts []timeline.Part) (out []timeline.Part) {
	for _, p := range parts {
		if p.File != "" && !x.files[p.File] {
			x.files[p.File] = true
			out = append(out, timeline.Part{File: p.File, Name: p.Name})
		}
	}
	return out
}

// file copies one file. One that is gone is left out: its event names it.
func (x *exporter) file(ctx context.Context, p timeline.Part) error {
	r, part, err := x.s.Files.Open(ctx, p.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("api: reading a file: %w", err)
	}
	defer func() { _ = r.Close() }()
	name := p.Name
	if name == "" {
		name = part.Name
	}
	w, err := x.zip.CreateHeader(&zip.FileHeader{Name: "files/" + string(p.File) + "-" + fileName(name), Method: zip.Store, Modified: x.s.now()})
	if err == nil {
		_, err = io.Copy(w, r)
	}
	if err != nil {
		return fmt.Errorf("api: writing a file: %w", err)
	}
	return nil
}

func (s *Server) describeExport(r Route) {
	api := s.huma.OpenAPI()
	op := operation(r)
	problems := api.Components.Schemas.Schema(problemType, true, "Problem")
	op.Responses = map[string]*huma.Response{"200": {Description: "The ZIP file", Content: map[string]*huma.MediaType{
		"application/zip": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	for _, code := range op.Errors {
		op.Responses[strconv.Itoa(code)] = &huma.Response{Description: http.StatusText(code), Content: map[string]*huma.MediaType{problemJSON: {Schema: problems}}}
	}
	op.Parameters = []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}, Example: exampleID}}
	api.AddOperation(&op)
}
