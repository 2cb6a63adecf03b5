package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Generate writes an interface for each schema, and an interface Operations that names the
// parameters, body and answer of each operation.
func Generate(doc *huma.OpenAPI) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("// Written by `go run ./web/api/typescript`; do not edit.\n\n")
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if err := schema(&b, name, schemas[name]); err != nil {
			return nil, err
		}
	}
	if err := operations(&b, doc); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func schema(b *bytes.Buffer, name string, s *huma.Schema) error {
	comment(b, "", s.Description)
	if s.Type != huma.TypeObject || len(s.Properties) == 0 {
		t, err := typeOf(s)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(b, "export type %s = %s\n\n", name, t)
		return nil
	}
	fmt.Fprintf(b, "export interface %s {\n", name)
	if err := properties(b, "  ", s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.WriteString("}\n\n")
	return nil
}

func properties(b *bytes.Buffer, indent string, s *huma.Schema) error {
	for _, prop := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[prop]
		if prop == "$schema" {
			continue
		}
		t, err := typeOf(p)
		if err != nil {
			return fmt.Errorf("%s: %w", prop, err)
		}
		comment(b, indent, p.Description)
		optional := "?"
		if slices.Contains(s.Required, prop) {
			optional = ""
		}
		fmt.Fprintf(b, "%s%s%s: %s\n", indent, key(prop), optional, t)
	}
	return nil
}

func typeOf(s *huma.Schema) (string, error) {
	if s == nil {
		return "unknown", nil
	}
	t, err := plainType(s)
	if err == nil && s.Nullable {
		t += " | null"
	}
	return t, err
}

func plainType(s *huma.Schema) (string, error) {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:], nil
	case len(s.Enum) > 0:
		return union(s.Enum)
	case len(s.OneOf) > 0:
		return several(s.OneOf)
	case len(s.AnyOf) > 0:
		return several(s.AnyOf)
	}
	switch s.Type {
	case huma.TypeString:
		return "string", nil
	case huma.TypeInteger, huma.TypeNumber:
		return "number", nil
	case huma.TypeBoolean:
		return "boolean", nil
	case huma.TypeArray:
		t, err := typeOf(s.Items)
		if strings.Contains(t, "|") {
			t = "(" + t + ")"
		}
		return t + "[]", err
	case huma.TypeObject:
		return object(s)
	case "":
		return "unknown", nil
	}
	return "", fmt.Errorf("no TypeScript for the type %q", s.Type)
}

func object(s *huma.Schema) (string, error) {
	if len(s.Properties) > 0 {
		var b bytes.Buffer
		b.WriteString("{\n")
		if err := properties(&b, "    ", s); err != nil {
			return "", err
		}
		b.WriteString("  }")
		return b.String(), nil
	}
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		t, err := typeOf(values)
		return "Record<string, " + t + ">", err
	}
	return "Record<string, unknown>", nil
}

func union(values []any) (string, error) {
	list := make([]string, 0, len(values))
	for _, v := range values {
		data, err := json.Marshal(v)
		if err != nil {
			return "", fmt.Errorf("a choice: %w", err)
		}
		list = append(list, quoted(data))
	}
	return strings.Join(list, " | "), nil
}

// quoted turns a JSON string into the app's way of writing one.
func quoted(data []byte) string {
	if s, err := strconv.Unquote(string(data)); err == nil && !strings.ContainsAny(s, `'\`) {
		return "'" + s + "'"
	}
	return string(data)
}

func several(list []*huma.Schema) (string, error) {
	var out []string
	for _, s := range list {
		t, err := typeOf(s)
		if err != nil {
			return "", err
		}
		out = append(out, t)
	}
	return strings.Join(out, " | "), nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

func key(name string) string {
	if identifier.MatchString(name) {
		return name
	}
	return "'" + name + "'"
}

func comment(b *bytes.Buffer, indent, text string) {
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(b, "%s/** %s */\n", indent, strings.ReplaceAll(text, "*/", "* /"))
	}
}

// operations writes what each operation takes and gives, by its id.
func operations(b *bytes.Buffer, doc *huma.OpenAPI) error {
	b.WriteString("/** What each operation takes and gives, by its id. */\nexport interface Operations {\n")
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			if err := operation(b, path, op); err != nil {
				return fmt.Errorf("%s: %w", op.OperationID, err)
			}
		}
	}
	b.WriteString("}\n")
	return nil
}

func operation(b *bytes.Buffer, path string, op *huma.Operation) error {
	comment(b, "  ", op.Summary)
	fmt.Fprintf(b, "  %s: {\n    method: '%s'\n    path: '%s'\n", key(op.OperationID), op.Method, path)
	for _, in := range []string{"path", "query"} {
		if err := params(b, in, op); err != nil {
			return err
		}
	}
	if op.RequestBody != nil {
		t, err := content(op.RequestBody.Content)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "    body: %s\n", t)
	}
	out := "void"
	if r := op.Responses[strconv.Itoa(op.DefaultStatus)]; r != nil && len(r.Content) > 0 {
		var err error
		if out, err = content(r.Content); err != nil {
			return err
		}
	}
	fmt.Fprintf(b, "    answer: %s\n  }\n", out)
	return nil
}

func params(b *bytes.Buffer, in string, op *huma.Operation) error {
	var list []string
	for _, p := range op.Parameters {
		if p.In != in {
			continue
		}
		t, err := typeOf(p.Schema)
		if err != nil {
			return err
		}
		optional := "?"
		if p.Required {
			optional = ""
		}
		list = append(list, key(p.Name)+optional+": "+t)
	}
	if len(list) > 0 {
		name := map[string]string{"path": "params", "query": "query"}[in]
		fmt.Fprintf(b, "    %s: { %s }\n", name, strings.Join(list, "; "))
	}
	return nil
}

func content(c map[string]*huma.MediaType) (string, error) {
	if m := c["application/json"]; m != nil {
		return typeOf(m.Schema)
	}
	return "Blob", nil
}
