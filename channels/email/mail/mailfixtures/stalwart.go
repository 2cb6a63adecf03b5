// Package mailfixtures compares package mail with mails whose right reading is known.
package mailfixtures

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/parley-hub/parley/channels/email/mail"
)

// Stalwart parses every mail below dir that has an expected reading beside it (a .json next to the
// .eml) and compares subject, from, to, text and the names of attachments. It returns how many
// of the expected fields match, out of how many, and a line for each that does not.
func Stalwart(dir string) (matched, total int, misses []string, err error) {
	mails, err := filepath.Glob(filepath.Join(dir, "*", "*.eml"))
	if err != nil {
		return 0, 0, nil, fmt.Errorf("look for mails: %w", err)
	}
	if len(mails) == 0 {
		return 0, 0, nil, fmt.Errorf("no mails below %s", dir)
	}
	sort.Strings(mails)
	for _, path := range mails {
		want, err := readExpected(strings.TrimSuffix(path, ".eml") + ".json")
		if err != nil {
			return 0, 0, nil, err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return 0, 0, nil, fmt.Errorf("read a mail: %w", err)
		}
		name, _ := filepath.Rel(dir, path)
		for _, f := range want.compare(raw) {
			total++
			if f.got == f.want {
				matched++
				continue
			}
			misses = append(misses, fmt.Sprintf("%s %s: got %.200q want %.200q", filepath.ToSlash(name), f.name, f.got, f.want))
		}
	}
	return matched, total, misses, nil
}

// field is one thing compared.
type field struct{ name, got, want string }

// expected is a reading as the fixtures write it.
type expected struct {
	Text        []int          `json:"text_body"`
	Attachments []int          `json:"attachments"`
	Parts       []expectedPart `json:"parts"`
}

type expectedPart struct {
	Headers []struct {
		Name  json.RawMessage `json:"name"` // a string, or an object for fields it does not know
		Value json.RawMessage `json:"value"`
	} `json:"headers"`
	Body json.RawMessage `json:"body"`
}

func readExpected(path string) (*expected, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read an expected mail: %w", err)
	}
	e := &expected{}
	if err := json.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return e, nil
}

// compare lists the fields the fixture has an expectation for.
func (e *expected) compare(raw []byte) []field {
	m, err := mail.Parse(raw)
	if err != nil || len(e.Parts) == 0 {
		return []field{{"mail", fmt.Sprint(err), ""}}
	}
	root := e.Parts[0]
	var out []field
	if s, ok := root.text("subject"); ok {
		out = append(out, field{"subject", squeeze(m.Subject), squeeze(s)})
	}
	if as, ok := root.addresses("from"); ok {
		from := []mail.Address{m.From}
		if m.From == (mail.Address{}) {
			from = nil
		}
		out = append(out, field{"from", people(from), people(as[:min(len(as), 1)])})
	}
	if as, ok := root.addresses("to"); ok {
		out = append(out, field{"to", people(m.To), people(as)})
	}
	if s, ok := e.words(); ok {
		out = append(out, field{"text", squeeze(m.Text), squeeze(s)})
	}
	got, want := names(m.Attachments), e.names()
	return append(out, field{"attachments", strings.Join(match(got, want), ", "), strings.Join(want, ", ")})
}

// words is the text a reader sees; ok is false where the fixture has none or derives it from HTML.
func (e *expected) words() (s string, ok bool) {
	var parts []string
	for _, i := range e.Text {
		var body struct{ Text, Html *string }
		if json.Unmarshal(e.Parts[i].Body, &body) != nil || body.Html != nil {
			return "", false
		}
		if body.Text != nil {
			parts = append(parts, *body.Text)
		}
	}
	return strings.Join(parts, "\n"), len(parts) > 0
}

// names are those of the attachments, made safe as ours are; "" for a file without a name.
func (e *expected) names() []string {
	out := make([]string, 0, len(e.Attachments))
	for _, i := range e.Attachments {
		name := e.Parts[i].attribute("content_disposition", "filename")
		if name == "" {
			name = e.Parts[i].attribute("content_type", "name")
		}
		if name != "" {
			name = mail.SafeName(name, "")
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func names(as []mail.Attachment) []string {
	out := make([]string, 0, len(as))
	for _, a := range as {
		out = append(out, a.Name)
	}
	slices.Sort(out)
	return out
}

// match takes a name of ours for each nameless file of theirs, and drops the number with which
// ours tell equal names apart.
func match(got, want []string) []string {
	left := slices.Clone(want)
	out := make([]string, 0, len(got))
	var spare []string
	for _, g := range got {
		i := slices.IndexFunc(left, func(w string) bool { return w != "" && same(g, w) })
		if i < 0 {
			spare = append(spare, g)
			continue
		}
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	for _, s := range spare {
		if i := slices.Index(left, ""); i >= 0 {
			left = slices.Delete(left, i, i+1)
			s = ""
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

func same(got, want string) bool {
	stem := strings.TrimSuffix(want, filepath.Ext(want))
	return got == want || strings.HasPrefix(got, stem+" (") && filepath.Ext(got) == filepath.Ext(want)
}

func (p expectedPart) value(name string) json.RawMessage {
	for _, h := range p.Headers {
		if string(h.Name) == `"`+name+`"` {
			return h.Value
		}
	}
	return nil
}

func (p expectedPart) text(name string) (string, bool) {
	var v struct{ Text *string }
	if json.Unmarshal(p.value(name), &v) != nil || v.Text == nil {
		return "", false
	}
	return *v.Text, true
}

func (p expectedPart) attribute(header, name string) string {
	var v struct {
		ContentType struct {
			Attributes []struct{ Name, Value string } `json:"attributes"`
		}
	}
	if json.Unmarshal(p.value(header), &v) != nil {
		return ""
	}
	for _, a := range v.ContentType.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

type mailbox struct {
	Name    *string `json:"name"`
	Address *string `json:"address"`
}

func (p expectedPart) addresses(name string) ([]mail.Address, bool) {
	var v struct {
		Address *struct {
			List  []mailbox
			Group []struct {
				Addresses []mailbox `json:"addresses"`
			}
		}
	}
	if json.Unmarshal(p.value(name), &v) != nil || v.Address == nil {
		return nil, false
	}
	all := v.Address.List
	for _, g := range v.Address.Group {
		all = append(all, g.Addresses...)
	}
	out := make([]mail.Address, 0, len(all))
	for _, b := range all {
		a := mail.Address{}
		if b.Name != nil {
			a.Name = *b.Name
		}
		if b.Address != nil {
			a.Address = *b.Address
		}
		out = append(out, a)
	}
	return out, true
}

func people(as []mail.Address) string {
	parts := make([]string, 0, len(as))
	for _, a := range as {
		local, domain, ok := strings.Cut(a.Address, "@")
		if ok {
			local += "@" + strings.ToLower(domain)
		}
		parts = append(parts, squeeze(a.Name)+" <"+local+">")
	}
	return strings.Join(parts, "; ")
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
