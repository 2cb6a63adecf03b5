package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/graph"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// Scenario is a whole situation in one JSON file: the same bodies the single calls take, in
// the order in which they depend on one another.
type Scenario struct {
	Clock    json.RawMessage `json:"clock"`
	Settings json.RawMessage `json:"settings"`
	Apps     []ScenarioApp   `json:"apps"`
	Accounts []newAccount    `json:"accounts"`
	People   []world.Person  `json:"people"`
	Media    []world.Media   `json:"media"`
	Faults   []graph.Fault   `json:"faults"`
	Steps    []Step          `json:"steps"`
}

// ScenarioApp is an app with its callbacks, shaken hands with at once.
type ScenarioApp struct {
	world.App
	Webhooks []world.Hook `json:"webhooks"`
}

// Step is an act after a time.
type Step struct {
	After float64 `json:"after_s"` // simulated seconds after the step before; 0 is at once
	Act
}

func (a *API) scenario(r *http.Request, body []byte) (any, error) {
	return a.Run(r.Context(), body)
}

// Run sets a scenario up. Steps that come later play by the clock after Run has returned.
func (a *API) Run(ctx context.Context, body []byte) (any, error) {
	var s Scenario
	if err := read(body, &s); err != nil {
		return nil, err
	}
	if len(s.Clock) > 0 {
		if _, err := a.setClock(nil, s.Clock); err != nil {
			return nil, err
		}
	}
	if len(s.Settings) > 0 {
		if _, err := a.setSettings(nil, s.Settings); err != nil {
			return nil, err
		}
	}
	for _, f := range s.Faults {
		if _, err := a.g.Faults.Add(f); err != nil {
			return nil, err
		}
	}
	made, err := a.setUp(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, p := range s.People {
		if _, err := a.addPerson(nil, marshal(p)); err != nil {
			return nil, err
		}
	}
	for _, m := range s.Media {
		if _, err := a.addMedia(nil, marshal(m)); err != nil {
			return nil, err
		}
	}
	return map[string]any{"ok": true, "accounts": made}, a.Play(s.Steps)
}

func marshal(v any) []byte {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		panic(fmt.Sprintf("%T cannot be written: %v", v, err))
	}
	return b.Bytes()
}

func (a *API) setUp(ctx context.Context, s Scenario) ([]any, error) {
	for _, app := range s.Apps {
		_, err := a.locked(func() (any, error) { return a.w.AddApp(app.App) })
		if err != nil {
			return nil, err
		}
		for _, h := range app.Webhooks {
			if h.Object == "" {
				h.Object = world.ObjectInstagram
			}
			if err := a.w.Subscribe(ctx, app.ID, h); err != nil {
				return nil, fmt.Errorf("callback of app %s: %w", app.ID, err)
			}
		}
	}
	var made []any
	for _, in := range s.Accounts {
		b, err := a.locked(func() (any, error) { return a.makeAccount(in) })
		if err != nil {
			return nil, err
		}
		made = append(made, b)
	}
	return made, nil
}

// Play performs steps; each waits its time after the one before. Steps due at once are
// performed before Play returns, and their errors returned; later ones are performed by the
// clock, and what fails then is found on the list of calls as a failed step.
func (a *API) Play(steps []Step) error {
	var at time.Duration
	for _, s := range steps {
		at += time.Duration(s.After * float64(time.Second))
		if at > 0 {
			a.w.Clock().AfterFunc(at, func() {
				if _, err := a.Do(s.Act); err != nil {
					a.g.Calls.Note("step", err.Error())
				}
			})
			continue
		}
		if _, err := a.Do(s.Act); err != nil {
			return err
		}
	}
	return nil
}
