package webchat

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// visit is what a program sends to begin.
type visit struct {
	Token    string            `json:"token"`
	Identity string            `json:"identity"`
	Locale   string            `json:"locale"`
	Page     page              `json:"page"`
	Form     map[string]string `json:"form"`
}

// welcome is the answer.
type welcome struct {
	Token    string          `json:"token"`
	Visitor  string          `json:"visitor"`
	Thread   string          `json:"thread"`
	Verified bool            `json:"verified"`
	Config   config          `json:"config"`
	Items    []item          `json:"items"`
	More     bool            `json:"more"`
	Cursor   timeline.Cursor `json:"cursor"`
}

type config struct {
	Title      string         `json:"title"`
	Greeting   string         `json:"greeting,omitempty"`
	Color      string         `json:"color"`
	Agents     []shownAgent   `json:"agents"`
	Online     bool           `json:"online"`
	ReplyTime  string         `json:"replyTime,omitempty"`
	Form       []field        `json:"form"`
	FormDone   bool           `json:"formDone"`
	Limits     map[string]int `json:"limits"`
	Locale     string         `json:"locale"`
	PrivacyURL string         `json:"privacyUrl,omitempty"`
}

type shownAgent struct {
	Name     string `json:"name"`
	Initials string `json:"initials"`
}

// agentsShown is how many of us a visitor sees.
const agentsShown = 3

// begin begins or resumes a visit.
func (s *Session) begin(ctx context.Context, r channels.Request, h http.Header) channels.Response {
	var v visit
	if bad := decode(r, &v); len(r.Body) > 0 && bad != nil {
		return answer(h, bad)
	}
	c, known, bad := s.who(r, v)
	if bad != nil {
		return answer(h, bad)
	}
	if bad := s.fill(c, v.Form); bad != nil {
		return answer(h, bad)
	}
	if l := cut(v.Locale, 35); l != "" {
		c.Locale = l
	}
	s.visits.see(c.Visitor, v.Page)
	w := welcome{Visitor: c.Visitor, Thread: c.thread(), Verified: c.verified(), Config: s.config(c)}
	if known { // nobody new has anything to read
		var err error
		if w.Items, w.More, err = s.earlier(ctx, c, "", pageItems); err != nil {
			return answer(h, s.unread(err))
		}
	}
	w.Items = orEmpty(w.Items)
	if n := len(w.Items); n > 0 {
		w.Cursor = w.Items[n-1].Cursor
	}
	if v.Identity != "" && c.Was {
		if err := s.host.Emit(ctx, s.identified(c)); err != nil {
			return answer(h, later())
		}
	}
	w.Token = s.keys.sign(*c)
	return s.reply(h, http.StatusOK, w)
}

// who finds out who visits. known is false for somebody who never wrote.
func (s *Session) who(r channels.Request, v visit) (c *claims, known bool, bad *trouble) {
	now := s.host.Now()
	if v.Token != "" {
		var err error
		if c, err = s.keys.open(v.Token, now); err != nil || s.revoked.has(c) {
			return nil, false, refuse(http.StatusUnauthorized, "The token does not hold", "Begin a session without it.")
		}
		known = true
	}
	if v.Identity != "" {
		u, err := s.people.verify(v.Identity)
		if err != nil {
			return nil, false, refuse(http.StatusUnauthorized, "The identity does not hold", "Sign it with the account's identity secret (HS256) or key (RS256), with exp and sub.")
		}
		c, known = s.upgrade(c, u), true
	}
	if c == nil {
		if s.set.requireIdentity {
			return nil, false, refuse(http.StatusUnauthorized, "Only signed-in users can chat", "Send \"identity\", a token that the site signs for its user.")
		}
		c = &claims{Visitor: s.newVisitor(now)}
	} else if s.set.requireIdentity && !c.verified() {
		return nil, false, refuse(http.StatusUnauthorized, "Only signed-in users can chat", "Send \"identity\", a token that the site signs for its user.")
	}
	if v.Token == "" {
		if wait := s.limits.sessions.take(r.Remote); wait > 0 {
			return nil, false, tooFast(wait)
		}
	}
	s.stamp(c, now)
	return c, known, nil
}

func (s *Session) newVisitor(now time.Time) string {
	return ulid.MustNew(ulid.Timestamp(now), rand.Reader).String()
}

// upgrade makes the visitor a user. A token of another user is not theirs, and what an
// unnamed visitor wrote in this browser is.
func (s *Session) upgrade(was *claims, u *user) *claims {
	c := claims{Sub: u.Subject, Name: u.Name, Email: u.Email, Phone: u.Phone}
	switch {
	case was != nil && was.Sub == u.Subject:
		c.ID, c.Visitor, c.Was, c.Issued, c.Expires = was.ID, was.Visitor, was.Was, was.Issued, was.Expires
		c.Locale, c.Form, c.Extra = was.Locale, was.Form, was.Extra
	case was != nil && was.Sub == "":
		c.Visitor, c.Was = was.Visitor, true
		c.Locale, c.Form, c.Extra = was.Locale, was.Form, was.Extra
	default:
		c.Visitor = s.newVisitor(s.host.Now())
	}
	return &c
}

// stamp gives a token its id and its time, and renews an old one. A user's token is only
// renewed when the site vouched again, which makes a new one.
func (s *Session) stamp(c *claims, now time.Time) {
	fresh := c.ID == ""
	old := now.Sub(time.Unix(c.Issued, 0)) > renewAfter && !c.verified()
	if !fresh && !old {
		return
	}
	lasts := visitorFor
	if c.verified() {
		lasts = userFor
	}
	c.ID, c.Issued, c.Expires = draw(), now.Unix(), now.Add(lasts).Unix()
}

// fill takes the answers of the form into the token. What the site vouched for stays.
func (s *Session) fill(c *claims, form map[string]string) *trouble {
	if len(form) == 0 {
		return nil
	}
	var extra []string
	for _, f := range s.set.form {
		v, err := f.answer(form[f.Name])
		if err != nil {
			t := refuse(http.StatusUnprocessableEntity, "The form is not filled in", upper(err.Error())+".")
			return t
		}
		switch {
		case v == "":
		case f.Kind == "email":
			setOnce(&c.Email, normalEmail(v))
			extra = append(extra, f.Name+"="+cut(v, fieldMax)) // nobody vouches for it: agents see what was said
		case f.Kind == "tel":
			setOnce(&c.Phone, normalTel(v))
			extra = append(extra, f.Name+"="+cut(v, fieldMax))
		case f.Name == "name":
			setOnce(&c.Name, cut(v, fieldMax))
		default:
			extra = append(extra, f.Name+"="+cut(v, fieldMax))
		}
	}
	c.Extra, c.Form = strings.Join(extra, "\n"), true
	return nil
}

func setOnce(to *string, v string) {
	if *to == "" {
		*to = v
	}
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// formMissing reports whether a question that must be answered was not.
func (s *Session) formMissing(c *claims) bool {
	if c.Form {
		return false
	}
	for _, f := range s.set.form {
		known := f.Kind == "email" && c.Email != "" || f.Name == "name" && c.Name != "" || f.Kind == "tel" && c.Phone != ""
		if f.Required && !known {
			return true
		}
	}
	return false
}

func (s *Session) config(c *claims) config {
	out := config{Title: s.set.title, Greeting: s.set.greeting, Color: s.set.color, Agents: []shownAgent{}, Online: s.set.online(s.host.Now()),
		ReplyTime: s.set.replyTime, Form: s.set.form, FormDone: !s.formMissing(c), PrivacyURL: s.set.privacyURL,
		Limits: map[string]int{"text": maxText, "file": maxFile, "files": maxFiles}, Locale: s.locale(c.Locale)}
	if out.Form == nil {
		out.Form = []field{}
	}
	for _, n := range s.set.team[:min(len(s.set.team), agentsShown)] {
		out.Agents = append(out.Agents, shownAgent{Name: n, Initials: initials(n)})
	}
	return out
}

// locale is the language the widget speaks: the account's, or the browser's where we have it.
func (s *Session) locale(browser string) string {
	if s.set.locale != "auto" && s.set.locale != "" {
		return s.set.locale
	}
	if strings.HasPrefix(strings.ToLower(browser), "zh") {
		return "zh"
	}
	return "en"
}

func initials(name string) string {
	var out []rune
	for w := range strings.FieldsSeq(name) {
		if out = append(out, []rune(w)[0]); len(out) == 2 {
			break
		}
	}
	return strings.ToUpper(string(out))
}
