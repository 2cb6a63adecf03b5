package mail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
)

// Verdict is what a check of a mail's origin found.
type Verdict struct {
	Method string // spf, dkim, dmarc
	Result string // pass, fail, softfail, neutral, none, temperror, permerror, policy
	Domain string // the domain the check is about, lower case
	Reason string
}

// Unnamed stands for a server that writes Authentication-Results without its name, as Exchange
// Online does. It is to be trusted for mailboxes there and nowhere else.
const Unnamed = "(unnamed)"

// AuthResults returns the verdicts of the mail server that received the mail for us: those of
// the top-most Authentication-Results whose authserv-id is among trusted (RFC 8601 §5). Anybody
// can write such a field, so without a trusted name there is no verdict. Exchange Online leaves its
// name out; Unnamed trusts that.
func (m *Mail) AuthResults(trusted []string) []Verdict {
	for _, v := range m.Header.raws("Authentication-Results") {
		text, id := string(v), authservID(v)
		if !trusts(trusted, id) {
			continue
		}
		if id == Unnamed {
			text = "unnamed;" + text
		}
		_, results, err := authres.Parse(text)
		if err != nil {
			return nil
		}
		var out []Verdict
		for _, r := range results {
			if verdict, ok := toVerdict(r); ok {
				out = append(out, verdict)
			}
		}
		return out
	}
	return nil
}

// authservID returns the name of the server that wrote a field.
func authservID(raw []byte) string {
	head, _, _ := strings.Cut(stripComments(string(raw)), ";")
	id := firstWord(strings.TrimSpace(head))
	if strings.Contains(id, "=") {
		return Unnamed
	}
	return id
}

func trusts(trusted []string, id string) bool {
	for _, t := range trusted {
		if t != "" && strings.EqualFold(t, id) {
			return true
		}
	}
	return false
}

func toVerdict(r authres.Result) (Verdict, bool) {
	switch r := r.(type) {
	case *authres.SPFResult:
		return Verdict{"spf", string(r.Value), domainOf(firstNonEmpty(r.From, r.Helo)), r.Reason}, true
	case *authres.DKIMResult:
		return Verdict{"dkim", string(r.Value), domainOf(firstNonEmpty(r.Domain, r.Identifier)), r.Reason}, true
	case *authres.DMARCResult:
		return Verdict{"dmarc", string(r.Value), domainOf(r.From), r.Reason}, true
	}
	return Verdict{}, false
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func domainOf(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	return strings.ToLower(strings.TrimSpace(s))
}

// maxSignatures is how many DKIM signatures are checked: each costs a look-up and a hash.
const maxSignatures = 5

// VerifyDKIM checks the signatures of a raw mail (RFC 6376). lookupTXT asks the DNS and tells
// temporary failures by net.Error; the clock is read for signatures that expire. The error is of
// reading the mail, not of a signature.
func VerifyDKIM(raw []byte, lookupTXT func(domain string) ([]string, error)) ([]Verdict, error) {
	if lookupTXT == nil {
		return nil, errors.New("verify the DKIM signatures: there is nothing to ask for keys")
	}
	vs, err := dkim.VerifyWithOptions(bytes.NewReader(crlf(raw)), &dkim.VerifyOptions{LookupTXT: lookupTXT, MaxVerifications: maxSignatures})
	if err != nil && len(vs) == 0 {
		return nil, fmt.Errorf("verify the DKIM signatures: %w", err)
	}
	out := make([]Verdict, 0, len(vs))
	for _, v := range vs {
		r := Verdict{Method: "dkim", Result: "pass", Domain: strings.ToLower(v.Domain)}
		switch {
		case v.Err == nil:
		case dkim.IsTempFail(v.Err):
			r.Result, r.Reason = "temperror", v.Err.Error()
		case dkim.IsPermFail(v.Err):
			r.Result, r.Reason = "permerror", v.Err.Error()
		default:
			r.Result, r.Reason = "fail", v.Err.Error()
		}
		out = append(out, r)
	}
	return out, nil
}

// crlf gives lines the ends they were signed with.
func crlf(b []byte) []byte {
	if bytes.Count(b, []byte("\n")) == bytes.Count(b, []byte("\r\n")) {
		return b
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}
