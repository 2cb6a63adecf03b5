package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/inbox/journal"
	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/webhooks"
	"github.com/parley-hub/parley/timeline"
)

// Problem is an error as clients read it: RFC 9457. Type is an address below
// /api/problems/ that explains it; Detail says what to do.
type Problem struct {
	Type       string            `json:"type" format:"uri-reference" example:"/api/problems/invalid" doc:"What sort of problem; the address explains it."`
	Title      string            `json:"title" example:"Some fields are not right" doc:"The problem in one line; the same for every problem of the type."`
	Status     int               `json:"status" example:"422" doc:"The HTTP status."`
	Detail     string            `json:"detail,omitempty" example:"Correct the fields listed in errors and send it again." doc:"What to do."`
	Errors     []FieldProblem    `json:"errors,omitempty" doc:"What is wrong with single fields."`
	RetryAfter int               `json:"retryAfter,omitempty" doc:"Seconds to wait before trying again."`
	Events     []timeline.Event  `json:"events,omitempty" doc:"answered-meanwhile: the messages that were sent after baseSeq."`
	Draft      *Draft            `json:"draft,omitempty" doc:"draft-older: the draft as it is kept."`
	Person     timeline.PersonID `json:"person,omitempty" doc:"identity-taken: whose it is."`
}

// FieldProblem says what is wrong with one field.
type FieldProblem struct {
	Field   string `json:"field" example:"text" doc:"Path of the field; query parameters and headers by name."`
	Message string `json:"message" example:"must not be empty"`
}

func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus is for the framework.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is for the framework.
func (p *Problem) ContentType(string) string { return problemJSON }

// GetHeaders is for the framework.
func (p *Problem) GetHeaders() http.Header {
	if p.RetryAfter == 0 {
		return nil
	}
	return http.Header{"Retry-After": {strconv.Itoa(p.RetryAfter)}}
}

const (
	problemJSON = "application/problem+json"
	problemBase = "/api/problems/"
)

// Kind of problem: what the explanation of its type says.
type problemKind struct {
	Code   string `json:"code"`
	Status int    `json:"status"`
	Title  string `json:"title"`
	Help   string `json:"help"`
}

// kinds is every type of problem there is.
var kinds = []problemKind{
	{"malformed", 400, "The request could not be read", "Send JSON that fits the description at /api/openapi.json."},
	{"unauthenticated", 401, "You are not signed in", "Sign in again, or send a token that holds as Authorization: Bearer."},
	{"sign-in", 401, "Address, password or code are not right", "Check them and try again. An administrator can send a new invitation."},
	{"code-needed", 401, "A code is needed", "Send the six digits of your authenticator app, or a recovery code, as code."},
	{"oidc-state", 409, "This sign-in does not go on", "It was not begun in this browser, took longer than ten minutes, or was used already. Sign in again."},
	{"oidc-refused", 401, "The provider did not let you in", "Sign in again. If the provider refuses you, ask whoever runs it to let you use this hub."},
	{"oidc-token", 401, "The provider's answer cannot be trusted", "Try again. If it happens again, whoever runs the hub should compare issuer, client, secret and clocks on both sides; the log has the reason."},
	{"oidc-email", 403, "The provider vouches for no address", "Confirm your e-mail address at the provider, then sign in again."},
	{"oidc-nobody", 403, "Nobody here has your address", "Ask an administrator to invite you with the address that you have at the provider."},
	{"oidc-linked", 403, "Your address belongs to another sign-in", "An administrator can disconnect the agent from the provider, so that you are connected anew."},
	{"oidc-role", 403, "You have no role here", "Ask whoever runs the provider to give you a role for this hub."},
	{"oidc-disabled", 403, "You are disabled here", "Ask an administrator to let you in again."},
	{"oidc-down", 503, "The provider does not answer", "Try again in a while, or sign in with your password."},
	{"forbidden", 403, "You may not do this", "Ask an administrator for the permission that detail names."},
	{"csrf", 403, "The request did not come from the app", "Send the value of the cookie parley_csrf as X-Parley-CSRF, from the hub's own origin."},
	{"not-found", 404, "There is no such thing", "It may have been removed, or you may not see it."},
	{"method", 405, "This cannot be done here", "See /api/openapi.json for what can."},
	{"conflict", 409, "It has changed meanwhile", "Load it anew and decide again."},
	{"answered-meanwhile", 409, "Somebody answered meanwhile", "Read events, then send again with baseSeq set to the conversation's present seq."},
	{"draft-older", 409, "A newer draft is kept", "Take the draft given here, or save yours with a greater version."},
	{"too-late", 409, "It is too late for this", "The message is being sent or was sent. Write another."},
	{"taken", 409, "Somebody else has it", "Load the conversation to see who."},
	{"identity-taken", 409, "It belongs to somebody else", "Open the person named here. If the two are one, merge them."},
	{"no-start", 409, "Nobody can be written to first here", "Choose another account, or wait until this one is connected."},
	{"leg-closed", 409, "This way is closed", "Answer by another leg of the conversation."},
	{"window-closed", 409, "The time to answer here has passed", "Answer by another leg, or wait until the person writes again."},
	{"last-admin", 409, "The last administrator stays", "Make somebody else an administrator first."},
	{"webhook-off", 409, "The endpoint is off", "Switch it on first, then send the delivery again."},
	{"webhook-test", 409, "A test is not sent again", "Ask for another test."},
	{"in-progress", 409, "The same request is being handled", "Wait a moment, then send it again with the same key."},
	{"too-large", 413, "This is too large", "Send less; detail says how much."},
	{"media", 415, "This form is not understood", "Send application/json without content encoding."},
	{"invalid", 422, "Some fields are not right", "Correct what errors lists and send it again."},
	{"reused", 422, "This id was used for something else", "Make a new id for each thing you send."},
	{"throttled", 429, "Too many attempts", "Wait for the time in Retry-After."},
	{"internal", 500, "Something went wrong on our side", "Try again. If it happens again, tell whoever runs the hub the time it happened."},
	{"no-room", 507, "There is no room for the file", "Tell whoever runs the hub: its disk is full. Everything else goes on."},
	{"search-slow", 503, "The search takes too long", "Narrow it: a longer word, a shorter time, a conversation or a label. Or try again in a moment."},
	{"unavailable", 503, "The hub cannot do this at the moment", "Try again with the same id after the time in Retry-After; nothing is doubled."},
}

var kindBy = sync.OnceValue(func() map[string]problemKind {
	m := map[string]problemKind{}
	for _, k := range kinds {
		m[k.Code] = k
	}
	return m
})

// problem makes a problem of a kind; an empty detail is the kind's own help.
func problem(code, detail string) *Problem {
	k, ok := kindBy()[code]
	if !ok {
		panic("api: there is no kind of problem " + code)
	}
	if detail == "" {
		detail = k.Help
	}
	return &Problem{Type: problemBase + code, Title: k.Title, Status: k.Status, Detail: detail}
}

// invalid says what is wrong with one field.
func invalid(field, message string) *Problem {
	p := problem("invalid", "")
	p.Errors = []FieldProblem{{field, message}}
	return p
}

func retryAfter(p *Problem, d time.Duration) *Problem {
	p.RetryAfter = max(1, int(math.Ceil(d.Seconds())))
	return p
}

// unavailableFor is when a client asks again after the store or the broker failed.
const unavailableFor = 2 * time.Second

// asProblem is what a client reads of an error. known is false for errors that are a
// fault of ours and must be logged.
func asProblem(err error) (p *Problem, known bool) {
	var (
		fields    auth.FieldErrors
		throttled *auth.ThrottledError
		account   *gateway.Invalid
		theirs    *channels.Problem
	)
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.As(err, &fields):
		p = problem("invalid", "")
		for _, f := range fields {
			p.Errors = append(p.Errors, FieldProblem{f.Field, f.Message})
		}
		return p, true
	case errors.As(err, &account):
		p = problem("invalid", "")
		for _, f := range account.Fields {
			p.Errors = append(p.Errors, FieldProblem{f.Field, f.Text})
		}
		return p, true
	case errors.As(err, &throttled):
		return retryAfter(problem("throttled", ""), throttled.After), true
	case errors.As(err, &theirs):
		p = ofStatus(theirs.Status, theirs.Detail)
		p.Title = theirs.Title
		return p, true
	case unavailable(err):
		return retryAfter(problem("unavailable", ""), unavailableFor), false
	}
	for _, known := range knownErrors {
		if errors.Is(err, known.err) {
			return problem(known.code, ""), true
		}
	}
	return problem("internal", ""), false
}

var knownErrors = []struct {
	err  error
	code string
}{
	{blob.ErrTooLarge, "too-large"}, {blob.ErrEmpty, "malformed"}, {blob.ErrFull, "no-room"},
	{journal.ErrSamePerson, "conflict"}, {journal.ErrUndone, "conflict"}, {journal.ErrBusy, "in-progress"},
	{gateway.ErrNoStart, "no-start"}, {journal.ErrErasing, "in-progress"}, {store.ErrNotFound, "not-found"}, {gateway.ErrNoAccount, "not-found"}, {auth.ErrSignIn, "sign-in"}, {auth.ErrCode, "code-needed"},
	{webhooks.ErrOff, "webhook-off"}, {webhooks.ErrTest, "webhook-test"}, {auth.ErrSession, "unauthenticated"}, {auth.ErrLastAdmin, "last-admin"}, {bus.ErrTooLarge, "too-large"},
}

// unavailable reports whether an error is the store's, the broker's or time's.
func unavailable(err error) bool {
	for _, e := range []error{store.ErrUnavailable, search.ErrUnavailable, bus.ErrUnavailable, bus.ErrNotDurable, bus.ErrClosed, auth.ErrBusy,
		context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// ofStatus is the problem a bare HTTP status stands for.
func ofStatus(status int, detail string) *Problem {
	code := "internal"
	switch status {
	case 400:
		code = "malformed"
	case 401:
		code = "unauthenticated"
	case 403:
		code = "forbidden"
	case 404:
		code = "not-found"
	case 405:
		code = "method"
	case 409:
		code = "conflict"
	case 413:
		code = "too-large"
	case 415, 406:
		code = "media"
	case 422:
		code = "invalid"
	case 429:
		code = "throttled"
	case 503:
		code = "unavailable"
	}
	p := problem(code, detail)
	if status == 503 {
		p = retryAfter(p, unavailableFor)
	}
	return p
}

// hookErrors makes the framework's own errors problems too. Values that were sent are not
// repeated: they may be secret.
var hookErrors = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.NewError = func(status int, _ string, errs ...error) huma.StatusError {
		p := ofStatus(max(status, 400), "")
		for _, err := range errs {
			var d huma.ErrorDetailer
			if err == nil || !errors.As(err, &d) {
				continue
			}
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, FieldProblem{fieldOf(e.Location), e.Message})
		}
		return p
	}
})

// fieldOf turns the framework's location into ours: body.text is text.
func fieldOf(location string) string {
	for _, prefix := range []string{"body.", "query.", "path.", "header."} {
		if rest, ok := strings.CutPrefix(location, prefix); ok {
			return rest
		}
	}
	return location
}

// ErrorHandler answers what no route answered, such as a body over the server's limit, as
// a problem. It is the application's error handler.
func ErrorHandler(c *fiber.Ctx, err error) error {
	var fe *fiber.Error
	p, _ := asProblem(err)
	if errors.As(err, &fe) {
		p = ofStatus(fe.Code, "")
	}
	if p.Status == http.StatusRequestEntityTooLarge {
		c.Context().SetConnectionClose()
	}
	return writeProblem(c, p)
}

func writeProblem(c *fiber.Ctx, p *Problem) error {
	for name, values := range p.GetHeaders() {
		c.Set(name, values[0])
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Status(p.Status)
	if err := c.JSON(p); err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, problemJSON)
	return nil
}
