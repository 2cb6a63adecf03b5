package webchat

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	maxBody   = 64 << 10 // bytes of a JSON body
	preflight = "86400"  // seconds a browser keeps what it may
)

// MaxBody is the limit of a request's body in bytes.
func (s *Session) MaxBody(method, path string) int64 {
	if method == http.MethodPost && path == "/files" {
		return maxFile
	}
	return maxBody
}

// Serve answers one request of a customer's program.
func (s *Session) Serve(ctx context.Context, r channels.Request) channels.Response {
	h := http.Header{"Vary": {"Origin"}, "X-Content-Type-Options": {"nosniff"}, "Cache-Control": {"no-store"}}
	if o := r.Origin(); o != "" {
		if !s.allowed(r) {
			return answer(h, refuse(http.StatusForbidden, "This page may not use the chat", "Add the page's origin to the account's web sites."))
		}
		h.Set("Access-Control-Allow-Origin", o)
		h.Set("Access-Control-Expose-Headers", "Retry-After")
	}
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", preflight)
		return channels.Response{Status: http.StatusNoContent, Header: h}
	}
	if s.limits.misses.spent(r.Remote) {
		return answer(h, tooFast(time.Second))
	}
	resp := s.route(ctx, r, h)
	if resp.Status == http.StatusUnauthorized || resp.Status == http.StatusNotFound {
		s.limits.misses.take(r.Remote)
	}
	return resp
}

func (s *Session) route(ctx context.Context, r channels.Request, h http.Header) channels.Response {
	if r.Method == http.MethodPost && r.Path == "/session" {
		return s.begin(ctx, r, h)
	}
	call, known := s.calls(r)
	if !known {
		return answer(h, missing())
	}
	c, err := s.auth(bearer(r))
	if err != nil {
		return answer(h, refuse(http.StatusUnauthorized, "The token does not hold", "Begin a session without it."))
	}
	return call(ctx, c, r, h)
}

type handler func(context.Context, *claims, channels.Request, http.Header) channels.Response

func (s *Session) calls(r channels.Request) (handler, bool) {
	switch r.Method + " " + r.Path {
	case "POST /messages":
		return s.postMessage, true
	case "GET /items":
		return s.getItems, true
	case "POST /files":
		return s.postFile, true
	case "POST /read":
		return s.postRead, true
	case "POST /logout":
		return s.logout, true
	}
	if r.Method == http.MethodGet && strings.HasPrefix(r.Path, "/files/") {
		return s.getFile, true
	}
	return nil, false
}

func missing() *trouble {
	return refuse(http.StatusNotFound, "Not found", "There is nothing at this address.")
}

// bearer is a call's token: a header, or a parameter where a browser can set no header.
func bearer(r channels.Request) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return t
	}
	if r.Method == http.MethodGet {
		return first(r, "token")
	}
	return ""
}

func first(r channels.Request, name string) string {
	if v := r.Query[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// allowed reports whether the page a request comes from may use the chat: a listed one, or
// one of the hub's own.
func (s *Session) allowed(r channels.Request) bool {
	u, err := url.Parse(strings.ToLower(r.Origin()))
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil {
		return false
	}
	scheme := "http"
	if r.Secure {
		scheme = "https"
	}
	if u.Host == strings.ToLower(r.Host) && u.Scheme == scheme {
		return true
	}
	for _, o := range s.set.origins {
		if o.allows(u.Scheme, u.Host) {
			return true
		}
	}
	return false
}

// answer is a problem as a response.
func answer(h http.Header, t *trouble) channels.Response {
	body, err := json.Marshal(t)
	if err != nil { // strings and numbers only
		panic(err)
	}
	h.Set("Content-Type", "application/problem+json")
	if t.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(t.RetryAfter))
	}
	return channels.Response{Status: t.Status, Header: h, Body: body}
}

func (s *Session) reply(h http.Header, status int, v any) channels.Response {
	body, err := json.Marshal(v)
	if err != nil {
		s.host.Log().Error("an answer could not be encoded", "error", err)
		return answer(h, refuse(http.StatusInternalServerError, "It could not be answered", "Try again later."))
	}
	h.Set("Content-Type", "application/json")
	return channels.Response{Status: status, Header: h, Body: body}
}

// decode reads a JSON body.
func decode(r channels.Request, into any) *trouble {
	if len(r.Body) > maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "The request is too large", "Send at most 64 kB at once.")
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		return refuse(http.StatusBadRequest, "It could not be understood", "Send JSON as the widget's protocol describes it.")
	}
	return nil
}

func (s *Session) postMessage(ctx context.Context, c *claims, r channels.Request, h http.Header) channels.Response {
	var w written
	if bad := decode(r, &w); bad != nil {
		return answer(h, bad)
	}
	if bad := s.take(ctx, c, w); bad != nil {
		return answer(h, bad)
	}
	return s.reply(h, http.StatusAccepted, map[string]string{"id": w.ID})
}

const (
	pageItems = 30
	pageMost  = 100
)

func (s *Session) getItems(ctx context.Context, c *claims, r channels.Request, h http.Header) channels.Response {
	limit := pageItems
	if v := first(r, "limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > pageMost {
			return answer(h, refuse(http.StatusUnprocessableEntity, "The limit is wrong", "Ask for 1 to 100 items."))
		}
		limit = n
	}
	var items []item
	var more bool
	var err error
	if before := timeline.Cursor(first(r, "before")); before != "" {
		items, more, err = s.earlier(ctx, c, before, limit)
	} else {
		items, more, err = s.after(ctx, c, timeline.Cursor(first(r, "after")), limit)
	}
	if err != nil {
		return answer(h, s.unread(err))
	}
	return s.reply(h, http.StatusOK, map[string]any{"items": orEmpty(items), "more": more})
}

// unread is the answer when the thread cannot be read now.
func (s *Session) unread(err error) *trouble {
	s.host.Log().Warn("a visitor's thread could not be read", "error", err)
	t := refuse(http.StatusServiceUnavailable, "The conversation cannot be read right now", "Try again in a few seconds; messages are still taken.")
	t.RetryAfter = retrySoon
	return t
}

func orEmpty(items []item) []item {
	if items == nil {
		return []item{}
	}
	return items
}

func (s *Session) postRead(ctx context.Context, c *claims, r channels.Request, h http.Header) channels.Response {
	var b struct {
		Cursor timeline.Cursor `json:"cursor"`
	}
	if bad := decode(r, &b); bad != nil {
		return answer(h, bad)
	}
	if bad := s.read(ctx, c, b.Cursor); bad != nil {
		return answer(h, bad)
	}
	return channels.Response{Status: http.StatusNoContent, Header: h}
}

// read tells agents that everything up to a cursor was seen, where they do not know yet.
func (s *Session) read(ctx context.Context, c *claims, upTo timeline.Cursor) *trouble {
	if _, _, ok := upTo.Cut(); !ok {
		return refuse(http.StatusUnprocessableEntity, "The cursor is unknown", "Send the cursor of an item you received.")
	}
	var news []timeline.Inbound
	for _, t := range c.threads() {
		items, _, err := s.host.Threads().Replay(ctx, s.thread(t), "", pageItems)
		if err != nil {
			return s.unread(err)
		}
		var newest *timeline.Event
		for _, it := range items {
			if e := it.Target; it.Cursor <= upTo && ours(it) && e.Message.Delivery.State != timeline.Read && (newest == nil || e.At.After(newest.At)) {
				newest = e
			}
		}
		if newest != nil {
			news = append(news, s.seen(c, t, timeline.Read, newest.At, string(newest.ID)))
		}
	}
	if len(news) == 0 {
		return nil
	}
	if err := s.host.Emit(ctx, news...); err != nil {
		return later()
	}
	return nil
}

// ours reports whether an item shows a message of ours.
func ours(it timeline.Item) bool {
	t := it.Target
	return t != nil && t.Direction == timeline.Out && t.Message != nil && t.Message.Delivery != nil && arrived[t.Message.Delivery.State]
}

// logout gives up the token. Sockets that were opened with it end.
func (s *Session) logout(_ context.Context, c *claims, _ channels.Request, h http.Header) channels.Response {
	s.revoked.add(c, s.host.Now())
	for _, st := range s.streamsOf(c.Visitor) {
		if st.c.ID == c.ID {
			st.end(closeToken, "signed out")
		}
	}
	return channels.Response{Status: http.StatusNoContent, Header: h}
}
