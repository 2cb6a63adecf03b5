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
	"unicode/utf8"

	"github.com/parley-hub/parley/channels/email/mail"
)

// Stalwart parses every mail below dir that has an expected reading beside it (a .json next to the
// .eml) and compares subject, from, to, text and the names of attachments. It returns how many
// of the expected fields match, out of how many, and a line for each that does not. Three expected
// fields that contradict the standards are corrected first; see corrections.
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
			if c, ok := corrections[filepath.ToSlash(name)+" "+f.name]; ok {
				f.want = c
			}
			if agree(f.got, f.want) {
				matched++
				continue
			}
			misses = append(misses, fmt.Sprintf("%s %s: got %.200q want %.200q", filepath.ToSlash(name), f.name, f.got, f.want))
		}
	}
	return matched, total, misses, nil
}

// corrections are expected fields that contradict the standards: they go on reading an inner
// multipart behind the outer's boundary, which ends it (RFC 2046 §5.1.2), and so show a boundary
// and a header as words.
var corrections = map[string]string{
	"malformed/009.eml text":        "1 22 333",
	"malformed/011.eml text":        "1 22 333",
	"malformed/012.eml attachments": noName + ", " + noName + ", message.eml",
}

// agree compares a reading of ours with the expected one. Where theirs gave a character up (U+FFFD)
// ours may have repaired it to whatever it was.
func agree(got, want string) bool {
	if !strings.ContainsRune(want, '\uFFFD') {
		return got == want
	}
	pieces := strings.Split(want, "\uFFFD")
	for i, piece := range pieces {
		rest, ok := strings.CutPrefix(got, piece)
		if !ok {
			return false
		}
		if got = rest; i < len(pieces)-1 {
			_, size := utf8.DecodeRuneInString(got)
			got = got[size:]
		}
	}
	return got == ""
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
	var from []mail.Address
	if m.From != (mail.Address{}) {
		from = []mail.Address{m.From}
	}
	wantFrom := root.addresses("from")
	got, want := names(m.Attachments), e.names()
	return []field{
		{"subject", squeeze(m.Subject), squeeze(root.text("subject"))},
		{"from", people(from), people(wantFrom[:min(len(wantFrom), 1)])},
		{"to", people(m.To), people(root.addresses("to"))},
		{"text", squeeze(m.Text), squeeze(e.words())},
		{"attachments", strings.Join(match(got, want), ", "), strings.Join(want, ", ")},
	}
}

// noName stands for a file without a name: whatever name ours gives it will do.
const noName = "(no name)"

// words is the text a reader sees. Where the fixture has only HTML for it, it is the words of
// that HTML. Text that the fixture lists as a file without a name is part of it: ours shows words
// nobody named as words.
func (e *expected) words() string {
	var parts []string
	shown := slices.Clone(e.Text)
	for _, i := range e.Attachments {
		if e.Parts[i].namelessText() && !slices.Contains(shown, i) {
			shown = append(shown, i)
		}
	}
	slices.Sort(shown)
	for _, i := range shown {
		var body struct{ Text, Html *string }
		switch err := json.Unmarshal(e.Parts[i].Body, &body); {
		case err != nil:
		case body.Text != nil:
			parts = append(parts, *body.Text)
		case body.Html != nil:
			m, _ := mail.Parse([]byte("Content-Type: text/html; charset=utf-8\n\n" + *body.Html))
			parts = append(parts, m.Text)
		}
	}
	return strings.Join(parts, "\n")
}

// names are those of the attachments, made safe as ours are.
func (e *expected) names() []string {
	out := make([]string, 0, len(e.Attachments))
	for _, i := range e.Attachments {
		if e.Parts[i].namelessText() {
			continue
		}
		name := e.Parts[i].attribute("content_disposition", "filename")
		if name == "" {
			name = e.Parts[i].attribute("content_type", "name")
		}
		if name == "" {
			name = noName
		} else {
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
		i := slices.IndexFunc(left, func(w string) bool { return w != noName && (same(g, w) || agree(g, w)) })
		if i < 0 {
			spare = append(spare, g)
			continue
		}
		out = append(out, left[i])
		left = slices.Delete(left, i, i+1)
	}
	for _, s := range spare {
		if i := slices.Index(left, noName); i >= 0 {
			left = slices.Delete(left, i, i+1)
			s = noName
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

// namelessText reports a part of words without a name that is not declared an attachment.
func (p expectedPart) namelessText() bool {
	var body struct{ Text, Html *string }
	kind := p.media("content_type")
	return json.Unmarshal(p.Body, &body) == nil && (body.Text != nil || body.Html != nil) && p.media("content_disposition") != "attachment/" &&
		(kind == "/" || strings.HasPrefix(kind, "multipart/") || kind == "text/plain" || kind == "text/html") &&
		p.attribute("content_disposition", "filename") == "" && p.attribute("content_type", "name") == ""
}

// media is a media type, "/" if the header is missing.
func (p expectedPart) media(header string) string {
	var v struct {
		ContentType struct {
			Type    string `json:"c_type"`
			Subtype string `json:"c_subtype"`
		}
	}
	if json.Unmarshal(p.value(header), &v) != nil {
		return "/"
	}
	return strings.ToLower(v.ContentType.Type + "/" + v.ContentType.Subtype)
}

func (p expectedPart) value(name string) json.RawMessage {
	for _, h := range p.Headers {
		if string(h.Name) == `"`+name+`"` {
			return h.Value
		}
	}
	return nil
}

func (p expectedPart) text(name string) string {
	var v struct{ Text string }
	if json.Unmarshal(p.value(name), &v) != nil {
		return ""
	}
	return v.Text
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

func (p expectedPart) addresses(name string) []mail.Address {
	var v struct {
		Address *struct {
			List  []mailbox
			Group []struct {
				Addresses []mailbox `json:"addresses"`
			}
		}
	}
	if json.Unmarshal(p.value(name), &v) != nil || v.Address == nil {
		return nil
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
	return out
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

// squeeze makes white space comparable. NULs go, because no store takes them.
func squeeze(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\x00", "")), " ")
}
