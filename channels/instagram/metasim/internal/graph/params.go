package graph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

const maxBody = 110 << 20

// params are the arguments of a call: the query and the body, whichever form it has. A form's
// value may itself be JSON.
type params struct {
	vals map[string]any
	file *upload
	raw  []byte
}

type upload struct {
	name, kind string
	bytes      []byte
}

func readParams(r *http.Request) (params, *world.Error) {
	p := params{vals: map[string]any{}}
	for k, v := range r.URL.Query() {
		p.vals[k] = v[0]
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return p, p.multipart(r)
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return p, world.BadParam("Reading the body: %v", err)
	}
	p.raw = raw
	if len(bytes.TrimSpace(raw)) == 0 {
		return p, nil
	}
	if kind == "application/json" || kind == "" && raw[0] == '{' {
		return p, p.json(raw)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	if err := r.ParseForm(); err != nil {
		return p, world.BadParam("The form cannot be read: %v", err)
	}
	for k, v := range r.PostForm {
		p.vals[k] = v[0]
	}
	return p, nil
}

func (p *params) json(raw []byte) *world.Error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		return world.BadParam("The body is no JSON object: %v", err)
	}
	for k, v := range m {
		p.vals[k] = v
	}
	return nil
}

func (p *params) multipart(r *http.Request) *world.Error {
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return world.BadParam("The form cannot be read: %v", err)
	}
	for k, v := range r.MultipartForm.Value {
		p.vals[k] = v[0]
	}
	for _, list := range r.MultipartForm.File {
		h := list[0]
		f, err := h.Open()
		if err != nil {
			return world.BadParam("The file cannot be read: %v", err)
		}
		defer f.Close()
		b, err := io.ReadAll(f)
		if err != nil {
			return world.BadParam("The file cannot be read: %v", err)
		}
		p.file = &upload{name: h.Filename, kind: h.Header.Get("Content-Type"), bytes: b}
		p.raw = fmt.Appendf(nil, "[multipart: %s, %d bytes]", h.Filename, len(b))
	}
	return nil
}

// str is a value as text; objects and absent values are empty.
func (p params) str(key string) string { return text(p.vals[key]) }

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}

// obj is a value that is an object, or a text that holds one; nil otherwise.
func (p params) obj(key string) map[string]any { return object(p.vals[key]) }

func object(v any) map[string]any {
	if s, ok := v.(string); ok {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var m map[string]any
		if d.Decode(&m) != nil {
			return nil
		}
		return m
	}
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// strings is a list given as a JSON array, as text holding one, or by commas.
func (p params) strings(key string) []string {
	var out []string
	s := p.str(key)
	if strings.HasPrefix(s, "[") {
		if json.Unmarshal([]byte(s), &out) == nil {
			return out
		}
	}
	for _, v := range list(p.vals[key]) {
		out = append(out, text(v))
	}
	for _, v := range strings.Split(s, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func (p params) has(key string) bool { _, ok := p.vals[key]; return ok }
