// Package control is the hand behind the simulator: everything under /_sim/ makes accounts and
// people, lets people act, sets clock and switches, makes things go wrong, and tells what was
// called and what was delivered. None of it exists at Meta.
package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/graph"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

const maxBody = 256 << 20

// API answers the control calls.
type API struct {
	w    *world.World
	g    *graph.API
	mux  *http.ServeMux
	stop chan struct{}
	once sync.Once
}

// New returns the control API of a world. Close ends the streams it holds open.
func New(w *world.World, g *graph.API) *API {
	a := &API{w: w, g: g, mux: http.NewServeMux(), stop: make(chan struct{})}
	a.routes()
	return a
}

// Close ends open event streams.
func (a *API) Close() { a.once.Do(func() { close(a.stop) }) }

// ServeHTTP answers one control call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

type handler func(r *http.Request, body []byte) (any, error)

func (a *API) routes() {
	for pattern, h := range map[string]handler{
		"GET /_sim/health":             a.health,
		"GET /_sim/settings":           a.settings,
		"PATCH /_sim/settings":         a.setSettings,
		"GET /_sim/clock":              a.clock,
		"POST /_sim/clock":             a.setClock,
		"GET /_sim/apps":               a.apps,
		"POST /_sim/apps":              a.addApp,
		"PATCH /_sim/apps/{id}":        a.changeApp,
		"POST /_sim/apps/{id}/webhook": a.webhook,
		"GET /_sim/accounts":           a.accounts,
		"POST /_sim/accounts":          a.addAccount,
		"PATCH /_sim/accounts/{id}":    a.changeAccount,
		"GET /_sim/people":             a.people,
		"POST /_sim/people":            a.addPerson,
		"PATCH /_sim/people/{id}":      a.changePerson,
		"POST /_sim/media":             a.addMedia,
		"PATCH /_sim/media/{id}":       a.changeMedia,
		"POST /_sim/assets":            a.addAsset,
		"PATCH /_sim/assets/{id}":      a.changeAsset,
		"POST /_sim/tokens":            a.addToken,
		"POST /_sim/tokens/revoke":     a.revoke,
		"POST /_sim/act":               a.act,
		"POST /_sim/scenario":          a.scenario,
		"GET /_sim/faults":             a.faults,
		"POST /_sim/faults":            a.addFault,
		"DELETE /_sim/faults":          a.clearFaults,
		"GET /_sim/calls":              a.calls,
		"DELETE /_sim/calls":           a.clearCalls,
		"GET /_sim/deliveries":         a.deliveries,
		"POST /_sim/deliveries/pause":  a.pause,
		"POST /_sim/deliveries/resume": a.resume,
		"POST /_sim/deliveries/raw":    a.raw,
		"GET /_sim/idle":               a.idle,
		"POST /_sim/expect":            a.expect,
		"GET /_sim/dump":               a.dump,
		"POST /_sim/load":              a.load,
		"POST /_sim/reset":             a.reset,
		"GET /_sim/view":               a.view,
	} {
		a.mux.HandleFunc(pattern, a.answer(h))
	}
	a.mux.HandleFunc("GET /_sim/events", a.events)
}

// errNotMet is an expectation that did not come true.
var errNotMet = errors.New("not met")

// errUnknown is a thing that does not exist.
var errUnknown = errors.New("there is none")

func (a *API) answer(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var v any
		if err == nil {
			v, err = h(r, body)
		}
		status := http.StatusOK
		switch {
		case errors.Is(err, errUnknown):
			status = http.StatusNotFound
		case errors.Is(err, errNotMet):
			status = http.StatusExpectationFailed
		case err != nil:
			status = http.StatusBadRequest
		}
		if err != nil {
			v = map[string]any{"ok": false, "error": err.Error()}
		}
		raw, err := json.Marshal(v)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		// A caller that went away misses its answer, nothing more.
		_, _ = w.Write(append(raw, '\n'))
	}
}

// read decodes a body strictly: a misspelt key is an error, not a silent default.
func read(body []byte, v any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return nil
}

// locked runs f with the world locked.
func (a *API) locked(f func() (any, error)) (any, error) {
	a.w.Lock()
	defer a.w.Unlock()
	return f()
}

var done = map[string]any{"ok": true}

func (a *API) health(*http.Request, []byte) (any, error) {
	waiting, retrying, dropped := a.w.Sender().Counts()
	return map[string]any{"ok": true, "now": a.w.Clock().Now(), "unimplemented": a.g.Calls.Unimplemented(),
		"deliveries": map[string]int{"waiting": waiting, "retrying": retrying, "dropped": dropped}}, nil
}

func (a *API) settings(*http.Request, []byte) (any, error) {
	return a.locked(func() (any, error) { return a.w.Settings(), nil })
}

func (a *API) setSettings(_ *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) {
		s, err := a.w.Settings().Merge(body)
		if err != nil {
			return nil, err
		}
		a.w.SetSettings(s)
		return s, nil
	})
}

func (a *API) clock(*http.Request, []byte) (any, error) {
	return map[string]any{"now": a.w.Clock().Now(), "scale": a.w.Clock().Scale()}, nil
}

func (a *API) setClock(r *http.Request, body []byte) (any, error) {
	var in struct {
		Set     time.Time `json:"set"`
		Advance string    `json:"advance"` // "24h1s"
		Scale   *float64  `json:"scale"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if in.Scale != nil {
		if *in.Scale < 0 {
			return nil, fmt.Errorf("scale is %v; time does not run backwards", *in.Scale)
		}
		a.w.Clock().SetScale(*in.Scale)
	}
	if !in.Set.IsZero() {
		a.w.Clock().Set(in.Set)
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, fmt.Errorf("advance: %w", err)
		}
		a.w.Clock().Advance(d)
	}
	return a.clock(r, body)
}

func (a *API) apps(*http.Request, []byte) (any, error) {
	return a.locked(func() (any, error) { return clone(a.w.State().Apps) })
}

func (a *API) addApp(_ *http.Request, body []byte) (any, error) {
	var in world.App
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.locked(func() (any, error) {
		app, err := a.w.AddApp(in)
		if err != nil {
			return nil, err
		}
		return clone(app)
	})
}

// clone copies through JSON, so that an answer may be written after the lock is gone.
func clone(v any) (any, error) {
	raw, err := json.Marshal(v)
	return json.RawMessage(raw), err
}

// patch overlays a body on something that exists.
func patch(v any, found bool, what, id string, body []byte) (any, error) {
	if !found {
		return nil, fmt.Errorf("%s %q: %w", what, id, errUnknown)
	}
	if err := read(body, v); err != nil {
		return nil, err
	}
	return clone(v)
}

func (a *API) changeApp(r *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) {
		app := a.w.State().Apps[r.PathValue("id")]
		return patch(app, app != nil, "app", r.PathValue("id"), body)
	})
}

func (a *API) webhook(r *http.Request, body []byte) (any, error) {
	var h world.Hook
	if err := read(body, &h); err != nil {
		return nil, err
	}
	if h.Object == "" {
		h.Object = world.ObjectInstagram
	}
	if err := a.w.Subscribe(r.Context(), r.PathValue("id"), h); err != nil {
		return nil, err
	}
	return done, nil
}

func (a *API) accounts(*http.Request, []byte) (any, error) {
	return a.locked(func() (any, error) { return clone(a.w.State().Businesses) })
}

func (a *API) people(*http.Request, []byte) (any, error) {
	return a.locked(func() (any, error) { return clone(a.w.State().People) })
}

func (a *API) changeAccount(r *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) {
		b := a.w.Business(r.PathValue("id"))
		defer a.w.Touch()
		return patch(b, b != nil, "account", r.PathValue("id"), body)
	})
}

func (a *API) changePerson(r *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) {
		p := a.w.Person(r.PathValue("id"))
		defer a.w.Touch()
		return patch(p, p != nil, "person", r.PathValue("id"), body)
	})
}

func (a *API) changeMedia(r *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) {
		m := a.w.State().Media[r.PathValue("id")]
		defer a.w.Touch()
		return patch(m, m != nil, "media", r.PathValue("id"), body)
	})
}

func (a *API) changeAsset(r *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) {
		f := a.w.State().Assets[r.PathValue("id")]
		return patch(f, f != nil, "asset", r.PathValue("id"), body)
	})
}

func (a *API) addPerson(_ *http.Request, body []byte) (any, error) {
	var in world.Person
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.locked(func() (any, error) {
		p, err := a.w.AddPerson(in)
		if err != nil {
			return nil, err
		}
		// Whoever makes a test wants to know the person by the ids webhooks carry.
		for _, b := range a.w.BusinessesInOrder() {
			for _, s := range []string{world.Instagram, world.Messenger} {
				if b.AccountID(s) != "" {
					a.w.ScopedID(s, b, p)
				}
			}
		}
		return clone(p)
	})
}

func (a *API) addMedia(_ *http.Request, body []byte) (any, error) {
	var in world.Media
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.locked(func() (any, error) {
		m, err := a.w.AddMedia(in)
		if err != nil {
			return nil, err
		}
		if m.Person != "" && m.Product != "STORY" {
			a.w.Deliver(a.w.MentionInPost(m))
		}
		return clone(m)
	})
}

func (a *API) addAsset(_ *http.Request, body []byte) (any, error) {
	var in world.Asset
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if in.Type == "" {
		return nil, fmt.Errorf("an asset needs a type, such as image/png")
	}
	return a.locked(func() (any, error) {
		f := a.w.AddAsset(in)
		return map[string]any{"id": f.ID, "url": a.w.Link(f.ID), "type": f.Type, "size": len(f.Bytes)}, nil
	})
}

func (a *API) dump(*http.Request, []byte) (any, error) {
	return a.locked(func() (any, error) {
		raw, err := a.w.Dump()
		return json.RawMessage(raw), err
	})
}

func (a *API) load(_ *http.Request, body []byte) (any, error) {
	return a.locked(func() (any, error) { return done, a.w.Load(body) })
}

func (a *API) reset(*http.Request, []byte) (any, error) {
	return a.locked(func() (any, error) {
		a.w.Reset()
		a.g.Calls.Clear()
		a.g.Faults.Clear()
		return done, nil
	})
}
