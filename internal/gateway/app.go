package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
)

// appDoc is what the accounts of a kind share, as the store keeps it.
type appDoc struct {
	ID       string            `json:"id" bson:"_id"`
	Settings map[string]string `json:"settings"`
	Secrets  map[string]string `json:"secrets"`            // sealed
	Previous map[string]string `json:"previous,omitempty"` // sealed; rotated out, still verify
}

func appID(kind string) string { return "app|" + kind }

// App tells what the accounts of a kind share: settings, and which secrets are set.
func (g *Gateway) App(ctx context.Context, kind string) (settings map[string]string, secrets map[string]bool, err error) {
	if g.kinds[kind] == nil {
		return nil, nil, ErrNoChannel
	}
	d, err := g.readApp(ctx, kind)
	settings, secrets = map[string]string{}, map[string]bool{}
	maps.Copy(settings, d.Settings)
	for k := range d.Secrets {
		secrets[k] = true
	}
	return settings, secrets, err
}

// ErrNoChannel says that this program knows no channel of that kind.
var ErrNoChannel = errors.New("gateway: no such channel")

func (g *Gateway) readApp(ctx context.Context, kind string) (appDoc, error) {
	d := appDoc{ID: appID(kind)}
	err := g.col(store.Meta).One(ctx, bson.D{{Key: "_id", Value: d.ID}}, &d)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return appDoc{}, fmt.Errorf("gateway: reading the app settings of %s: %w", kind, err)
	}
	return d, nil
}

// openApp is the settings of a kind with its secrets opened, those that were changed under
// their rotated names.
func (g *Gateway) openApp(kind string, d appDoc) (map[string]string, error) {
	out := maps.Clone(d.Settings)
	if out == nil {
		out = map[string]string{}
	}
	for _, layer := range []struct {
		sealed map[string]string
		suffix string
	}{{d.Secrets, ""}, {d.Previous, channels.Rotated}} {
		for k, v := range layer.sealed {
			s, err := g.d.Box.Open(v, appSecret(kind, k))
			if err != nil {
				return nil, fmt.Errorf("gateway: the app secret %q of %s: %w", k, kind, err)
			}
			out[k+layer.suffix] = s.Reveal()
		}
	}
	return out, nil
}

func appSecret(kind, name string) string { return appID(kind) + "/" + name }

// readApps reads what the accounts of every kind share, defaults put in. A kind whose secrets do
// not open has none: its callbacks are refused, and its accounts say so.
func (g *Gateway) readApps(ctx context.Context) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for kind, c := range g.kinds {
		if len(c.App) == 0 {
			continue
		}
		d, err := g.readApp(ctx, kind)
		if err != nil {
			return nil, err
		}
		values, err := g.openApp(kind, d)
		if err != nil {
			g.d.Log.Error("the settings that a channel's accounts share cannot be used", "channel", kind, "error", err)
			values = map[string]string{}
		}
		for _, s := range c.App {
			if values[s.Name] == "" && s.Default != "" && s.Default != channels.Generated {
				values[s.Name] = s.Default
			}
		}
		out[kind] = values
	}
	return out, nil
}

// app is what the accounts of a kind share, as this node knows it: it answers with the store down.
func (g *Gateway) app(kind string) map[string]string { return g.open.Load().apps[kind] }

// SetApp changes what the accounts of a kind share, and opens them anew. A setting named with
// an empty value is removed, except secrets: an empty secret stays as it is. A secret that is
// changed still verifies what was signed with it. An *Invalid names the fields that are wrong.
func (g *Gateway) SetApp(ctx context.Context, kind string, values map[string]string) error {
	c := g.kinds[kind]
	if c == nil {
		return ErrNoChannel
	}
	was, err := g.readApp(ctx, kind)
	if err != nil {
		return err
	}
	before, err := g.openApp(kind, was)
	if err != nil {
		return err
	}
	all := map[string]string{}
	for _, s := range c.App {
		if v := before[s.Name]; v != "" {
			all[s.Name] = v
		}
		if s.Secret() && s.Default == channels.Generated && all[s.Name] == "" {
			all[s.Name] = drawn()
		}
	}
	for k, v := range values {
		s := setting(c.App, k)
		switch {
		case v != "" || s == nil:
			all[k] = v
		case !s.Secret():
			delete(all, k)
		}
	}
	if err := check(c.App, all); err != nil {
		return err
	}
	next, err := g.sealApp(c, was, before, all)
	if err != nil {
		return err
	}
	_, err = g.col(store.Meta).Upsert(ctx, bson.D{{Key: "_id", Value: next.ID}}, bson.D{{Key: "$set", Value: bson.D{
		{Key: "settings", Value: next.Settings}, {Key: "secrets", Value: next.Secrets}, {Key: "previous", Value: next.Previous}}}})
	if err != nil {
		return fmt.Errorf("gateway: changing the app settings of %s: %w", kind, err)
	}
	return g.bump(ctx)
}

// sealApp is the document of what is shared from now on.
func (g *Gateway) sealApp(c *channels.Channel, was appDoc, before, now map[string]string) (appDoc, error) {
	d := appDoc{ID: appID(c.Kind), Settings: map[string]string{}, Secrets: map[string]string{}, Previous: map[string]string{}}
	maps.Copy(d.Previous, was.Previous)
	for _, s := range c.App {
		v := now[s.Name]
		switch {
		case v == "":
		case !s.Secret():
			d.Settings[s.Name] = v
		case before[s.Name] == v && !g.d.Box.Stale(was.Secrets[s.Name]):
			d.Secrets[s.Name] = was.Secrets[s.Name]
		default:
			hidden, err := g.d.Box.Seal(seal.Secret(v), appSecret(c.Kind, s.Name))
			if err != nil {
				return appDoc{}, err
			}
			d.Secrets[s.Name] = hidden
			if before[s.Name] != "" && before[s.Name] != v {
				d.Previous[s.Name] = was.Secrets[s.Name]
			}
		}
	}
	return d, nil
}
