package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/graph"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
)

const longestWait = 2 * time.Minute

func (a *API) faults(*http.Request, []byte) (any, error) { return a.g.Faults.List(), nil }

func (a *API) addFault(_ *http.Request, body []byte) (any, error) {
	var f graph.Fault
	if err := read(body, &f); err != nil {
		return nil, err
	}
	id, err := a.g.Faults.Add(f)
	return map[string]any{"ok": err == nil, "id": id}, err
}

func (a *API) clearFaults(*http.Request, []byte) (any, error) {
	a.g.Faults.Clear()
	return done, nil
}

// calls lists calls; the query may narrow by method, path (regular expression), status,
// unimplemented and since (an id).
func (a *API) calls(r *http.Request, _ []byte) (any, error) {
	q := r.URL.Query()
	path, err := regexp.Compile(q.Get("path"))
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	since := 0
	if s := q.Get("since"); s != "" {
		if since, err = strconv.Atoi(s); err != nil {
			return nil, fmt.Errorf("since: %w", err)
		}
	}
	out := []graph.Call{}
	for _, c := range a.g.Calls.List() {
		if c.ID > since && path.MatchString(c.Path) && (q.Get("method") == "" || q.Get("method") == c.Method) &&
			(q.Get("status") == "" || q.Get("status") == strconv.Itoa(c.Status)) &&
			(q.Get("unimplemented") == "" || c.Unimplemented) {
			out = append(out, c)
		}
	}
	return map[string]any{"calls": out, "unimplemented": a.g.Calls.Unimplemented()}, nil
}

func (a *API) clearCalls(*http.Request, []byte) (any, error) {
	a.g.Calls.Clear()
	return done, nil
}

// deliveries lists webhooks; the query may narrow by state and contains.
func (a *API) deliveries(r *http.Request, _ []byte) (any, error) {
	q := r.URL.Query()
	out := []hook.Delivery{}
	for _, d := range a.w.Sender().Deliveries() {
		if (q.Get("state") == "" || q.Get("state") == d.State) && strings.Contains(d.Body, q.Get("contains")) {
			out = append(out, d)
		}
	}
	waiting, retrying, dropped := a.w.Sender().Counts()
	return map[string]any{"deliveries": out, "waiting": waiting, "retrying": retrying, "dropped": dropped}, nil
}

func (a *API) pause(*http.Request, []byte) (any, error) {
	a.w.Sender().Pause()
	return done, nil
}

func (a *API) resume(_ *http.Request, body []byte) (any, error) {
	var in struct {
		Shuffle bool `json:"shuffle"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	a.w.Sender().Resume(in.Shuffle)
	return done, nil
}

// raw posts a body of the caller's own, signed, to an app's callback.
func (a *API) raw(_ *http.Request, body []byte) (any, error) {
	var in struct {
		App    string `json:"app"`
		Object string `json:"object"`
		Body   string `json:"body"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	var t hook.Target
	_, err := a.locked(func() (any, error) {
		id, err := a.oneApp(in.App)
		if err != nil {
			return nil, err
		}
		app := a.w.State().Apps[id]
		h := app.Hooks[in.Object]
		if h == nil {
			return nil, fmt.Errorf("callback for object %q: %w", in.Object, errUnknown)
		}
		t = hook.Target{App: id, Object: in.Object, URL: h.URL, Secret: app.Secret}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	return a.w.Sender().Raw(t, []byte(in.Body)), nil
}

// idle waits until each event has had its first attempt.
func (a *API) idle(r *http.Request, _ []byte) (any, error) {
	limit := 10 * time.Second
	if s := r.URL.Query().Get("timeout"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, fmt.Errorf("timeout: %w", err)
		}
		limit = min(d, longestWait)
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	if !a.w.Sender().Idle(ctx) {
		return nil, fmt.Errorf("events still wait after %v: %w", limit, errNotMet)
	}
	waiting, retrying, dropped := a.w.Sender().Counts()
	return map[string]any{"ok": true, "waiting": waiting, "retrying": retrying, "dropped": dropped}, nil
}

// Expectation is what a test expects to have happened, now or within a time.
type Expectation struct {
	WithinMS        int           `json:"within_ms"` // real milliseconds; 0 is now
	NoUnimplemented bool          `json:"no_unimplemented"`
	NoDropped       bool          `json:"no_dropped"`
	Calls           []ExpectCalls `json:"calls"`
	Messages        []ExpectText  `json:"messages"`
}

// ExpectCalls counts calls that match.
type ExpectCalls struct {
	Method string         `json:"method"`
	Path   string         `json:"path"` // regular expression
	Body   map[string]any `json:"body"` // each of these is in the JSON body, nested objects likewise
	Status int            `json:"status"`
	Count  *int           `json:"count"` // exactly; at least one where absent
}

// ExpectText counts messages a person has been shown.
type ExpectText struct {
	Person   string `json:"person"`
	Contains string `json:"contains"`
	From     string `json:"from"` // "business", "person", or either where empty
	Count    *int   `json:"count"`
}

func (a *API) expect(r *http.Request, body []byte) (any, error) {
	var e Expectation
	if err := read(body, &e); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(min(time.Duration(e.WithinMS)*time.Millisecond, longestWait))
	for {
		err := a.met(e)
		if err == nil {
			return done, nil
		}
		if !time.Now().Before(deadline) {
			return nil, err
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (a *API) met(e Expectation) error {
	if n := a.g.Calls.Unimplemented(); e.NoUnimplemented && n > 0 {
		return fmt.Errorf("%d calls this simulator does not implement: %w", n, errNotMet)
	}
	if _, _, dropped := a.w.Sender().Counts(); e.NoDropped && dropped > 0 {
		return fmt.Errorf("%d webhooks were dropped: %w", dropped, errNotMet)
	}
	calls := a.g.Calls.List()
	for _, x := range e.Calls {
		n, err := countCalls(calls, x)
		if err != nil {
			return err
		}
		if err := compare(n, x.Count, "calls of "+x.Method+" "+x.Path); err != nil {
			return err
		}
	}
	a.w.Lock()
	defer a.w.Unlock()
	for _, x := range e.Messages {
		if err := compare(a.countMessages(x), x.Count, fmt.Sprintf("messages with %q", x.Contains)); err != nil {
			return err
		}
	}
	return nil
}

func compare(n int, want *int, what string) error {
	if want == nil && n > 0 || want != nil && n == *want {
		return nil
	}
	if want == nil {
		return fmt.Errorf("no %s: %w", what, errNotMet)
	}
	return fmt.Errorf("%d %s, expected %d: %w", n, what, *want, errNotMet)
}

func countCalls(calls []graph.Call, x ExpectCalls) (int, error) {
	path, err := regexp.Compile(x.Path)
	if err != nil {
		return 0, fmt.Errorf("path: %w", err)
	}
	n := 0
	for _, c := range calls {
		if x.Method != "" && x.Method != c.Method || !path.MatchString(c.Path) || x.Status != 0 && x.Status != c.Status {
			continue
		}
		if len(x.Body) > 0 && !within(x.Body, callBody(c)) {
			continue
		}
		n++
	}
	return n, nil
}

// callBody is a call's body as an object, a form included.
func callBody(c graph.Call) map[string]any {
	var m map[string]any
	if json.Unmarshal([]byte(c.Body), &m) == nil {
		return m
	}
	m = map[string]any{}
	form, err := url.ParseQuery(c.Body)
	if err != nil {
		return m
	}
	for k, v := range form {
		m[k] = v[0]
		var inner map[string]any
		if json.Unmarshal([]byte(v[0]), &inner) == nil {
			m[k] = inner
		}
	}
	return m
}

// within says whether all of want is in have.
func within(want, have any) bool {
	w, isObject := want.(map[string]any)
	if !isObject {
		return fmt.Sprint(want) == fmt.Sprint(have)
	}
	h, _ := have.(map[string]any)
	for k, v := range w {
		if x, there := h[k]; !there || !within(v, x) {
			return false
		}
	}
	return true
}

func (a *API) countMessages(x ExpectText) int {
	n := 0
	for _, t := range a.w.State().Threads {
		if x.Person != "" {
			if p := a.w.Person(x.Person); p == nil || p.Key != t.Person {
				continue
			}
		}
		for _, id := range t.Messages {
			m := a.w.State().Messages[id]
			if strings.Contains(m.Text, x.Contains) && (x.From == "" || (x.From == "person") == m.FromPerson) {
				n++
			}
		}
	}
	return n
}

// events tells a page that something changed: a stream of server-sent events, one for each
// burst of changes, and a comment now and then to keep the line open.
func (a *API) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	changed, end := a.w.Watch()
	defer end()
	flush := http.NewResponseController(w)
	beat := time.NewTicker(20 * time.Second)
	defer beat.Stop()
	line := "event: changed\ndata: {}\n\n"
	for {
		if _, err := fmt.Fprint(w, line); err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-changed:
			line = "event: changed\ndata: {}\n\n"
		case <-beat.C:
			line = ": still here\n\n"
		case <-a.stop:
			return
		case <-r.Context().Done():
			return
		}
	}
}
