// Package graph is the HTTP face of the platform: the hosts of Meta by path prefix or Host
// header, versions, tokens, field expansion, errors, usage headers, and faults.
//
// A call that is not known is answered with an error and counted, so that a test can fail on
// it: nothing is answered politely by chance.
package graph

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

var hosts = map[string]bool{
	world.GraphFacebook: true, world.GraphInstagram: true, world.APIInstagram: true,
	world.WWWInstagram: true, world.WWWFacebook: true, world.CDN: true,
}

var versionShape = regexp.MustCompile(`^v(\d+)\.0$`)

// API answers calls.
type API struct {
	w       *world.World
	Faults  *Faults
	Calls   *Calls
	fetch   *http.Client
	cursors cursors
}

// New returns the face of a world.
func New(w *world.World) *API {
	return &API{w: w, Faults: &Faults{}, Calls: &Calls{}, fetch: fetcher()}
}

// call is one request on its way.
type call struct {
	api     *API
	r       *http.Request
	host    string
	prefix  string // "/graph.facebook.com", or empty where the Host header says it
	version string
	path    string // without host and version
	seg     []string
	p       params
	token   *world.Token
	biz     *world.Business // that the token is for
}

// reply is an answer. Exactly one of body, raw and err is set.
type reply struct {
	status   int
	body     any
	raw      []byte
	kind     string
	location string
	err      *world.Error
	unknown  bool
	after    []world.Dispatch // events that go once the answer is written
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func fail(err *world.Error) reply { return reply{status: err.Status, err: err} }

func success() reply { return ok(wire.O("success", true)) }

// Host says which of Meta's hosts a request is for, by path prefix or Host header, and the
// path that remains.
func Host(r *http.Request) (host, prefix, path string, found bool) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if hosts[first] {
		return first, "/" + first, "/" + rest, true
	}
	name, _, _ := strings.Cut(r.Host, ":")
	if hosts[name] {
		return name, "", r.URL.Path, true
	}
	return "", "", "", false
}

// ServeHTTP answers one call of the platform.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{api: a, r: r}
	c.host, c.prefix, c.path, _ = Host(r)
	if c.host == world.CDN {
		a.file(w, r)
		return
	}
	var rep reply
	badVersion := c.cutVersion()
	p, perr := readParams(r)
	c.p = p
	c.seg = strings.FieldsFunc(c.path, func(r rune) bool { return r == '/' })
	f := a.Faults.strike(r, c.host, c.path, p.raw)
	switch {
	case f != nil && !acts(f):
		rep = struck(f)
	case perr != nil:
		rep = fail(perr)
	case badVersion != nil:
		rep = fail(badVersion)
	default:
		rep = c.route()
	}
	a.write(w, c, rep, f)
	a.w.Deliver(rep.after)
}

func acts(f *Fault) bool {
	return f.Kind == "error_after" || f.Kind == "drop_after" || f.Kind == "slow"
}

func struck(f *Fault) reply {
	switch f.Kind {
	case "error":
		return fail(f.err())
	case "http":
		return reply{status: f.Status, raw: []byte(f.Body), kind: "text/html"}
	}
	return reply{}
}

// cutVersion takes the version off the path.
func (c *call) cutVersion() *world.Error {
	c.api.w.Lock()
	s := c.api.w.Settings()
	c.api.w.Unlock()
	first, rest, _ := strings.Cut(strings.TrimPrefix(c.path, "/"), "/")
	m := versionShape.FindStringSubmatch(first)
	if m == nil {
		if s.NeedVersion && (c.host == world.GraphFacebook || c.host == world.GraphInstagram) {
			return &world.Error{Status: 400, Code: 2635, Message: "(#2635) A version is required"}
		}
		return nil
	}
	c.version, c.path = first, "/"+rest
	n, err := strconv.Atoi(m[1])
	if err != nil || n < s.MinVersion || n > s.MaxVersion {
		return &world.Error{Status: 400, Code: 2500, Message: "Unknown path components: /" + first}
	}
	return nil
}

// write answers, unless a fault says otherwise, and logs the call.
func (a *API) write(w http.ResponseWriter, c *call, rep reply, f *Fault) {
	log := Call{At: a.w.Clock().Now(), Host: c.host, Method: c.r.Method, Path: c.path, Version: c.version,
		Query: c.r.URL.RawQuery, Body: string(c.p.raw), Unimplemented: rep.unknown}
	if f != nil {
		log.Fault = f.Kind
		if f.DelayMS > 0 {
			select {
			case <-time.After(time.Duration(f.DelayMS) * time.Millisecond):
			case <-c.r.Context().Done():
			}
		}
		switch f.Kind {
		case "drop", "drop_after":
			a.Calls.add(log)
			a.w.Deliver(rep.after)
			panic(http.ErrAbortHandler)
		case "error_after":
			after := rep.after
			rep = fail(f.err())
			rep.after = after
		}
	}
	body := a.encode(w, c, &rep)
	log.Status, log.Answer = rep.status, string(body)
	a.Calls.add(log)
	w.WriteHeader(rep.status)
	// A receiver that went away has its answer in the log.
	_, _ = w.Write(body)
}

func (a *API) encode(w http.ResponseWriter, c *call, rep *reply) []byte {
	a.w.Lock()
	defer a.w.Unlock()
	if rep.err == nil && c.biz != nil && !rep.unknown {
		rep.err = c.countCall()
		if rep.err != nil {
			rep.status, rep.after = rep.err.Status, nil
		}
	}
	c.usage(w.Header(), rep.err)
	h := w.Header()
	h.Set("X-FB-Trace-Id", a.w.Trace())
	switch {
	case rep.location != "":
		h.Set("Location", rep.location)
		return nil
	case rep.raw != nil || rep.body == nil && rep.err == nil:
		h.Set("Content-Type", rep.kind)
		return rep.raw
	}
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("facebook-api-version", c.version)
	if rep.err != nil {
		return wire.Marshal(rep.err.Body(a.w.Trace()))
	}
	return wire.Marshal(rep.body)
}

// countCall counts a call that is not about messaging against the account's hourly limit.
// Messaging has limits of its own.
func (c *call) countCall() *world.Error {
	if c.messaging() || c.api.w.Use("calls:"+c.biz.Key, c.api.w.Settings().CallsPerHour, time.Hour) {
		return nil
	}
	e := *world.ErrBUC
	e.Regain = c.api.w.Settings().RegainMinutes
	return &e
}

func (c *call) messaging() bool { return len(c.seg) == 2 && c.seg[1] == "messages" }

// usage writes the usage header: percentages, and the minutes to wait where throttled.
func (c *call) usage(h http.Header, err *world.Error) {
	if c.biz == nil {
		return
	}
	id, kind := c.biz.IG, "instagram"
	if id == "" {
		id, kind = c.biz.Page, "messenger"
	}
	pct, regain := 0, 0
	if limit := c.api.w.Settings().CallsPerHour; limit > 0 {
		pct = c.api.w.Used("calls:"+c.biz.Key, time.Hour) * 100 / limit
	}
	if err != nil && err.Regain > 0 {
		pct, regain = 100, err.Regain
	}
	h.Set("X-Business-Use-Case-Usage", string(wire.Marshal(wire.O(id, []any{wire.O("type", kind, "call_count", pct,
		"total_cputime", pct/4, "total_time", pct/4, "estimated_time_to_regain_access", regain)}))))
}

// route finds who answers. It takes the world's lock where needed.
func (c *call) route() reply {
	switch c.host {
	case world.WWWInstagram, world.WWWFacebook:
		return c.login()
	case world.APIInstagram:
		if c.r.Method == http.MethodPost && c.path == "/oauth/access_token" {
			return c.redeemInstagram()
		}
		return c.unimplemented()
	}
	if rep, done := c.tokens(); done {
		return rep
	}
	if err := c.authenticate(); err != nil {
		return fail(err)
	}
	if c.path == "/" && c.p.str("id") != "" {
		c.seg = []string{c.p.str("id")}
	}
	switch len(c.seg) {
	case 1:
		return c.node(c.seg[0])
	case 2:
		return c.edge(c.seg[0], c.seg[1])
	}
	return c.unimplemented()
}

// authenticate finds the token in the query, the form or the header.
func (c *call) authenticate() *world.Error {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	value := c.p.str("access_token")
	for _, scheme := range []string{"Bearer ", "OAuth "} {
		if v, found := strings.CutPrefix(c.r.Header.Get("Authorization"), scheme); found && value == "" {
			value = v
		}
	}
	t, err := c.api.w.Token(c.host, value, c.p.str("appsecret_proof"))
	if err != nil {
		return err
	}
	c.token, c.biz = t, c.api.w.State().Businesses[t.Business]
	return nil
}

// unimplemented is the answer to what this simulator does not know.
func (c *call) unimplemented() reply {
	rep := fail(&world.Error{Status: http.StatusNotImplemented, Type: "SimulatorException", Code: -1,
		Message: fmt.Sprintf("metasim does not implement %s %s%s", c.r.Method, c.host, c.path)})
	rep.unknown = true
	return rep
}

// missing is 100/33 for an id of this call.
func (c *call) missing(id string) reply { return fail(world.Missing(c.r.Method, id)) }

// owned resolves "me" and ids to the token's business and says which of its nodes was meant:
// ig, page, phone, waba or user. Ids of others are not visible.
func (c *call) owned(id string) (b *world.Business, kind string) {
	b = c.biz
	if b == nil {
		return nil, ""
	}
	switch {
	case id == "me" && c.token.Instagram():
		return b, "ig"
	case id == "me" && c.token.Kind == "page":
		return b, "page"
	case id == "me":
		return b, "user"
	case id == "":
		return nil, ""
	case id == b.IG || id == b.IGUser:
		return b, "ig"
	case id == b.Page:
		return b, "page"
	case id == b.Phone:
		return b, "phone"
	case id == b.WABA:
		return b, "waba"
	}
	return nil, ""
}

// edge answers /{id}/{edge}.
func (c *call) edge(id, name string) reply {
	if name == "messages" && c.r.Method == http.MethodPost {
		return c.send(id) // locks by itself: it fetches files
	}
	if name == "subscriptions" {
		return c.subscriptions(id) // shakes hands
	}
	c.api.w.Lock()
	defer c.api.w.Unlock()
	if h := edges[c.r.Method+" "+name]; h != nil {
		return h(c, id)
	}
	return c.unimplemented()
}

// edges are the handlers by method and edge. They run with the world locked.
var edges = map[string]func(*call, string) reply{
	"GET accounts":                   (*call).accounts,
	"GET subscribed_apps":            (*call).subscribedApps,
	"POST subscribed_apps":           (*call).subscribe,
	"DELETE subscribed_apps":         (*call).unsubscribe,
	"POST message_attachments":       (*call).uploadAttachment,
	"GET conversations":              (*call).conversations,
	"GET messages":                   (*call).threadMessages,
	"GET replies":                    (*call).replies,
	"POST replies":                   (*call).reply,
	"GET comments":                   (*call).comments,
	"POST comments":                  (*call).reply,
	"GET media":                      (*call).mediaList,
	"GET stories":                    (*call).stories,
	"GET tags":                       (*call).tagged,
	"POST mentions":                  (*call).replyToMention,
	"GET recent_media":               (*call).hashtagMedia,
	"GET top_media":                  (*call).hashtagMedia,
	"GET recently_searched_hashtags": (*call).searchedHashtags,
	"GET thread_owner":               (*call).threadOwner,
	"POST pass_thread_control":       (*call).passControl,
	"POST take_thread_control":       (*call).takeControl,
	"POST release_thread_control":    (*call).releaseControl,
	"POST request_thread_control":    (*call).requestControl,
	"POST media":                     (*call).uploadMedia,
	"GET message_templates":          (*call).templates,
	"GET phone_numbers":              (*call).phoneNumbers,
}
