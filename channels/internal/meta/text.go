package meta

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/parley-hub/parley/channels"
)

// Cut cuts a text into pieces of at most max by a measure, between graphemes and, where one
// is near the end of a piece, after white space. The pieces put together are the text; a text of
// white space alone has none. A single grapheme over max is cut between runes: nobody reads it,
// and it must not be lost.
func Cut(text string, max int, measure func(string) int) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var out []string
	for measure(text) > max {
		end := fit(text, max, measure)
		out, text = append(out, text[:end]), text[end:]
	}
	return append(out, text)
}

// fit is where the first piece of a text that is too long ends.
func fit(text string, max int, measure func(string) int) int {
	size, end, space := 0, 0, 0
	for rest, state := head(text, max), -1; rest != ""; {
		var g string
		g, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if size += measure(g); size > max {
			break
		}
		if end += len(g); strings.TrimSpace(g) == "" {
			space = end
		}
	}
	switch {
	case end == 0:
		return torn(text, max, measure)
	case space > end*2/3:
		return space
	}
	return end
}

// head is enough of a text to find its first piece in, as a measure counts at least one for each
// rune: a character of thousands of marks is not walked through once for each piece.
func head(text string, max int) string {
	end := utf8.UTFMax * (max + 1)
	if end >= len(text) {
		return text
	}
	for end < len(text) && !utf8.RuneStart(text[end]) {
		end++
	}
	return text[:end]
}

// torn is where a piece ends inside a grapheme that alone is too long.
func torn(text string, max int, measure func(string) int) int {
	end := 0
	for end < len(text) {
		_, n := utf8.DecodeRuneInString(text[end:])
		if end > 0 && measure(text[:end+n]) > max {
			break
		}
		end += n
	}
	return end
}

// Digits reports whether a value has the form of the platform's ids.
func Digits(v string) bool {
	return v != "" && len(v) <= 32 && strings.Trim(v, "0123456789") == ""
}

// Digest names what has no id of its own: the same bytes have the same name.
func Digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// WebURL is an address that can be fetched, or nothing.
func WebURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return s
}

// Refused is a failure in words of ours, of what was never sent.
func Refused(c channels.Class, format string, a ...any) *channels.Failure {
	return &channels.Failure{Class: c, Advice: fmt.Sprintf(format, a...)}
}

// No is the result of a step that was never sent.
func No(f *channels.Failure) channels.Result {
	return channels.Result{Outcome: channels.Rejected, Failure: f}
}

// Explained is an error of a call as a *channels.Failure that says what was being done.
func Explained(kind, what string, err error) error {
	var f *channels.Failure
	if errors.As(err, &f) {
		return f
	}
	f = Failure(err)
	f.Err = fmt.Errorf("%s: %s: %w", kind, what, err)
	return f
}

// The checks of settings that the channels have in common. Their errors stand beside the field.
var versionForm = regexp.MustCompile(`^v[0-9]{1,3}\.[0-9]$`)

// CheckID takes an id of the platform, or nothing.
func CheckID(v string) error {
	if v != "" && !Digits(v) {
		return errors.New("Digits only, please.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

// CheckVersion takes a version of the API.
func CheckVersion(v string) error {
	if !versionForm.MatchString(v) {
		return errors.New("A version such as v25.0, please.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

// CheckBase takes the address of a host.
func CheckBase(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("An address such as https://graph.facebook.com, please.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

// CheckToken takes an access token.
func CheckToken(v string) error {
	if v == "" || strings.ContainsAny(v, " \x00\r\n") {
		return errors.New("An access token in one piece, please.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}
