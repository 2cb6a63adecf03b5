package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
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
	raw := sha256.Sum256(s.Body)
	sum := hex.EncodeToString(raw[:])
	twice, err := col.Count(ctx, bson.D{{Key: "channel", Value: kind}, {Key: "handle", Value: string(s.Account)}, {Key: "sum", Value: sum}})
	if err != nil {
		return fmt.Errorf("gateway: looking for a parked callback: %w", err)
	}
	if twice > 0 {
		return nil // sent again, because others of its batch could not be taken
	}
	p := parked{ID: ulid.Make().String(), Channel: kind, Handle: string(s.Account), Reason: reason,
		Method: s.Method, Path: s.Path, Query: s.Query, Body: s.Body, At: s.At, Sum: sum}
	for k, v := range s.Header {
		p.Header = append(p.Header, headerLine{k, v})
	}
	if err := col.Insert(ctx, p); err != nil {
		return fmt.Errorf("gateway: parking a callback: %w", err)
	}
	g.metrics.parked.WithLabelValues(kind, reason).Inc()
	return nil
}

// callback is the request as it was: only what Split had verified is ever parked.
func (p parked) callback() channels.Callback {
	h := http.Header{}
	for _, l := range p.Header {
		h[l.Name] = l.Values
	}
	return channels.Callback{Method: p.Method, Path: p.Path, Query: p.Query, Header: h, Body: p.Body, At: p.At, Verified: true}
}

// Replay reads again what was kept for an account, oldest first, and tells how many became events.
func (g *Gateway) Replay(ctx context.Context, kind, handle string) (int, error) {
	l := g.open.Load().byHandle[kind+"|"+handle]
	if l == nil {
		return 0, ErrNoAccount
	}
	done, after := 0, ""
	for {
		var ps []parked
		err := g.col(store.Parked).All(ctx, bson.D{{Key: "channel", Value: kind}, {Key: "handle", Value: handle}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}},
			&ps, store.Find{Sort: bson.D{{Key: "_id", Value: 1}}, Limit: parkPage})
		if err != nil {
			return done, fmt.Errorf("gateway: reading parked callbacks: %w", err)
		}
		for _, p := range ps {
			after = p.ID
			ok, err := g.replay(ctx, l, p)
			if err != nil {
				return done, err
			}
			if ok {
				done++
			}
		}
		if len(ps) < parkPage {
			return done, nil
		}
	}
}

// parkPage is how many parked callbacks are read at a time.
const parkPage = 100

// replay takes one parked callback; one that still cannot be read stays.
func (g *Gateway) replay(ctx context.Context, l *live, p parked) (bool, error) {
	_, err := l.take(ctx, p.callback())
	if errors.Is(err, errLater) {
		return false, err
	}
	if err != nil {
		l.log.Warn("a parked callback still cannot be read", "parked", p.ID, "error", err)
		return false, nil
	}
	if _, err := g.col(store.Parked).Delete(ctx, bson.D{{Key: "_id", Value: p.ID}}); err != nil {
		return false, fmt.Errorf("gateway: forgetting a replayed callback: %w", err)
	}
	return true, nil
}

// unpark replays what waited for an account that has just been opened.
func (g *Gateway) unpark(ctx context.Context, l *live) error {
	if _, ok := l.session.(channels.Decoder); !ok || l.record.Handle == "" {
		return nil
	}
	_, err := g.Replay(ctx, l.record.Channel, string(l.record.Handle))
	return err
}
