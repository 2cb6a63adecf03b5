package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
)

const (
	connectFor  = 10 * time.Minute // from asking until the person is back
	connectTime = 45 * time.Second // trading what they brought for accounts
)

// ErrConnect says that a person came back from the far side with something that this hub, or
// this sign-in, did not send them with, or too late, or a second time.
var ErrConnect = errors.New("gateway: this sign-in was not begun here, is over, or was used already")

// connecting is what the state says that goes to the far side and comes back. It is sealed: nobody
// can make one, or use another's.
type connecting struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Who     string    `json:"who"` // the person's sign-in
	Expires time.Time `json:"expires"`
}

// sealedState is what the state is sealed for.
const sealedState = "connect"

// Connection is one way of a channel's to make accounts by signing in on the far side.
type Connection struct {
	Name  string
	Label map[string]string
	Ready bool // the settings it needs are there
}

// Connections are the ways of a channel's to make accounts.
func (g *Gateway) Connections(kind string) []Connection {
	c := g.kinds[kind]
	if c == nil {
		return nil
	}
	out := make([]Connection, 0, len(c.Connect))
	for i := range c.Connect {
		out = append(out, Connection{Name: c.Connect[i].Name, Label: c.Connect[i].Label, Ready: lacking(&c.Connect[i], g.app(kind)) == ""})
	}
	return out
}

// lacking names a setting that a way of connecting needs and that is not there.
func lacking(c *channels.Connect, app map[string]string) string {
	for _, name := range c.Needs {
		if app[name] == "" {
			return name
		}
	}
	return ""
}

func (g *Gateway) connection(kind, name string) (*channels.Channel, *channels.Connect) {
	c := g.kinds[kind]
	if c == nil {
		return nil, nil
	}
	for i := range c.Connect {
		if c.Connect[i].Name == name {
			return c, &c.Connect[i]
		}
	}
	return nil, nil
}

// BeginConnect is the address of the far side's page on which a person lets the hub in. who is
// the person's sign-in: the answer is taken only with the same one. redirect is where the far
// side sends them back to. An *Invalid names a setting that is needed first.
func (g *Gateway) BeginConnect(_ context.Context, kind, name, redirect, who string) (string, error) {
	_, way := g.connection(kind, name)
	if way == nil {
		return "", ErrNoChannel
	}
	app := g.app(kind)
	if s := lacking(way, app); s != "" {
		return "", invalid(s, "Enter this first; signing in needs it.")
	}
	state, err := json.Marshal(connecting{ID: rand.Text(), Kind: kind, Name: name, Who: who, Expires: g.now().Add(connectFor)})
	if err != nil {
		return "", fmt.Errorf("gateway: making a state: %w", err)
	}
	sealed, err := g.d.Box.Seal(seal.Secret(state), sealedState)
	if err != nil {
		return "", err
	}
	return way.Begin(app, redirect, sealed)
}

// FinishConnect makes accounts of what a person came back with: new ones, or those that are there
// already (by their handle) with new settings. state is what came back; it works once.
func (g *Gateway) FinishConnect(ctx context.Context, kind, name, redirect, who string, query map[string][]string) ([]Account, error) {
	c, way := g.connection(kind, name)
	if way == nil {
		return nil, ErrNoChannel
	}
	if err := g.cameBack(ctx, kind, name, who, query); err != nil {
		return nil, err
	}
	found, err := g.trade(ctx, c, way, redirect, query)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &channels.Problem{Status: 422, Title: "The far side gave access to no account", Detail: "Choose at least one account there, and allow all that is asked for."}
	}
	var out []Account
	for _, f := range found {
		a, err := g.connect(ctx, c, f)
		if err != nil {
			return out, fmt.Errorf("gateway: connecting %s: %w", f.Name, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// cameBack checks the state that came back, and uses it up.
func (g *Gateway) cameBack(ctx context.Context, kind, name, who string, query map[string][]string) error {
	var given string
	if s := query["state"]; len(s) > 0 {
		given = s[0]
	}
	text, err := g.d.Box.Open(given, sealedState)
	if err != nil {
		return ErrConnect
	}
	var s connecting
	if err := json.Unmarshal([]byte(text.Reveal()), &s); err != nil {
		return ErrConnect
	}
	if s.Kind != kind || s.Name != name || s.Who != who || !g.now().Before(s.Expires) {
		return ErrConnect
	}
	used := struct {
		ID        string    `json:"id" bson:"_id"`
		At        time.Time `json:"at"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{"connect|" + s.ID, g.now(), s.Expires}
	err = g.col(store.Idempotency).Insert(ctx, used)
	if store.IsDuplicate(err, "_id_") {
		return ErrConnect
	}
	if err != nil {
		return fmt.Errorf("gateway: using up a state: %w", err)
	}
	return nil
}

// trade asks the far side for the accounts. What it says may hold codes and tokens: only what is
// meant for people goes on.
func (g *Gateway) trade(ctx context.Context, c *channels.Channel, way *channels.Connect, redirect string, query map[string][]string) (found []channels.Found, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	app := g.app(c.Kind)
	log := redacting(g.d.Log.With("channel", c.Kind), c, channels.Account{App: app})
	func() {
		defer contain(log, &err)
		found, err = way.Finish(ctx, g.d.HTTP, app, query, redirect)
	}()
	var p *channels.Problem
	var f *channels.Failure
	switch {
	case err == nil, errors.As(err, &p):
		return found, err
	case errors.As(err, &f):
		return nil, &channels.Problem{Status: 422, Title: "The far side refused", Detail: cmp.Or(f.Advice, f.Said, "Try again.")}
	}
	text := httpx.Clean(err).Error()
	for _, code := range query["code"] { // it may be good still
		if code != "" {
			text = strings.ReplaceAll(text, code, "[code]")
		}
	}
	log.Warn("an account could not be connected", "error", text)
	return nil, &channels.Problem{Status: 502, Title: "The far side could not be asked", Detail: "Try again in a moment. If it lasts, see the hub's log."}
}

// connect makes or renews one account.
func (g *Gateway) connect(ctx context.Context, c *channels.Channel, f channels.Found) (Account, error) {
	var was record
	err := g.col(store.Accounts).One(ctx, bson.D{{Key: "channel", Value: c.Kind}, {Key: "handle", Value: string(f.Handle)}}, &was)
	switch {
	case err == nil && f.Handle != "":
		on := true
		return g.Update(ctx, was.ID, Change{Settings: f.Settings, Enabled: &on})
	case err == nil, isNotFound(err):
		return g.Create(ctx, Draft{Channel: c.Kind, Name: f.Name, Handle: f.Handle, Settings: f.Settings})
	}
	return Account{}, fmt.Errorf("gateway: looking for the account: %w", err)
}
