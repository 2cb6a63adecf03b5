package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
)

// parkMax is how many callbacks are kept for one account that is not there. Further ones
// are refused, so that the far side keeps them.
const parkMax = 10_000

// parked is a callback kept for later, whole: it can be replayed.
type parked struct {
	ID      string              `json:"id" bson:"_id"`
	Channel string              `json:"channel"`
	Handle  string              `json:"handle"`
	Reason  string              `json:"reason"` // no_account, not_open, unreadable
	Method  string              `json:"method"`
	Path    string              `json:"path"`
	Query   map[string][]string `json:"query"`
	Header  []headerLine        `json:"header"`
	Body    []byte              `json:"body"`
	At      time.Time           `json:"at"`
	Sum     string              `json:"sum"`
}

// headerLine is a header; names may hold dots, which field names may not.
type headerLine struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

func (g *Gateway) park(ctx context.Context, kind string, s channels.Slice, reason string) error {
	col := g.col(store.Parked)
	n, err := col.Count(ctx, bson.D{{Key: "channel", Value: kind}, {Key: "handle", Value: string(s.Account)}})
	if err != nil {
		return fmt.Errorf("gateway: counting parked callbacks: %w", err)
	}
	if n >= parkMax {
		return fmt.Errorf("gateway: %d callbacks wait for account %q of %s already", n, s.Account, kind)
	}
	sum := sha256.Sum256(s.Body)
	p := parked{ID: ulid.Make().String(), Channel: kind, Handle: string(s.Account), Reason: reason,
		Method: s.Method, Path: s.Path, Query: s.Query, Body: s.Body, At: s.At, Sum: hex.EncodeToString(sum[:])}
	for k, v := range s.Header {
		p.Header = append(p.Header, headerLine{k, v})
	}
	if err := col.Insert(ctx, p); err != nil {
		return fmt.Errorf("gateway: parking a callback: %w", err)
	}
	g.metrics.parked.WithLabelValues(kind, reason).Inc()
	return nil
}

func (p parked) callback() channels.Callback {
	h := http.Header{}
	for _, l := range p.Header {
		h[l.Name] = l.Values
	}
	return channels.Callback{Method: p.Method, Path: p.Path, Query: p.Query, Header: h, Body: p.Body, At: p.At}
}

// Replay reads again what was kept for an account, oldest first, and tells how many became events.
func (g *Gateway) Replay(ctx context.Context, kind, handle string) (int, error) {
	l := g.open.Load().byHandle[kind+"|"+handle]
	if l == nil {
		return 0, ErrNoAccount
	}
	var ps []parked
	err := g.col(store.Parked).All(ctx, bson.D{{Key: "channel", Value: kind}, {Key: "handle", Value: handle}}, &ps, store.Find{Sort: bson.D{{Key: "_id", Value: 1}}})
	if err != nil {
		return 0, fmt.Errorf("gateway: reading parked callbacks: %w", err)
	}
	done := 0
	for _, p := range ps {
		_, err := l.take(ctx, p.callback())
		if errors.Is(err, errLater) {
			return done, err
		}
		if err != nil {
			l.log.Warn("a parked callback still cannot be read", "parked", p.ID, "error", err)
			continue
		}
		if _, err := g.col(store.Parked).Delete(ctx, bson.D{{Key: "_id", Value: p.ID}}); err != nil {
			return done, fmt.Errorf("gateway: forgetting a replayed callback: %w", err)
		}
		done++
	}
	return done, nil
}

// unpark replays what waited for an account that has just been opened.
func (g *Gateway) unpark(ctx context.Context, l *live) error {
	if _, ok := l.session.(channels.Decoder); !ok || l.record.Handle == "" {
		return nil
	}
	_, err := g.Replay(ctx, l.record.Channel, string(l.record.Handle))
	return err
}

// appDoc is what the accounts of a kind share, as the store keeps it.
type appDoc struct {
	ID       string            `json:"id" bson:"_id"`
	Settings map[string]string `json:"settings"`
	Secrets  map[string]string `json:"secrets"`
}

func appID(kind string) string { return "app|" + kind }

// App tells what the accounts of a kind share: settings, and which secrets are set.
func (g *Gateway) App(ctx context.Context, kind string) (settings map[string]string, secrets map[string]bool, err error) {
	d, err := g.readApp(ctx, kind)
	secrets = map[string]bool{}
	for k := range d.Secrets {
		secrets[k] = true
	}
	return d.Settings, secrets, err
}

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

// app is the settings of a kind with its secrets opened.
func (g *Gateway) app(ctx context.Context, kind string) (map[string]string, error) {
	d, err := g.readApp(ctx, kind)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(d.Settings)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range d.Secrets {
		s, err := g.d.Box.Open(v, appID(kind)+"/"+k)
		if err != nil {
			return nil, fmt.Errorf("gateway: the app secret %q of %s: %w", k, kind, err)
		}
		out[k] = s.Reveal()
	}
	return out, nil
}

// SetApp changes what the accounts of a kind share. An empty secret stays as it is.
func (g *Gateway) SetApp(ctx context.Context, kind string, values map[string]string) error {
	c := g.kinds[kind]
	if c == nil {
		return invalid("channel", "There is no channel of this kind.")
	}
	all, err := g.app(ctx, kind)
	if err != nil {
		return err
	}
	for k, v := range values {
		if s := setting(c.App, k); v != "" || s == nil || !s.Secret() {
			all[k] = v
		}
	}
	if err := check(c.App, all); err != nil {
		return err
	}
	plain, sealed := bson.D{}, bson.D{}
	for _, s := range c.App {
		if v := all[s.Name]; v != "" && s.Secret() {
			hidden, err := g.d.Box.Seal(seal.Secret(v), appID(kind)+"/"+s.Name)
			if err != nil {
				return err
			}
			sealed = append(sealed, bson.E{Key: s.Name, Value: hidden})
		} else if v != "" {
			plain = append(plain, bson.E{Key: s.Name, Value: v})
		}
	}
	_, err = g.col(store.Meta).Upsert(ctx, bson.D{{Key: "_id", Value: appID(kind)}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "settings", Value: plain}, {Key: "secrets", Value: sealed}}}})
	if err != nil {
		return fmt.Errorf("gateway: changing the app settings of %s: %w", kind, err)
	}
	return nil
}
