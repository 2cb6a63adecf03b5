package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// table is what is open at one moment. It is never changed, only replaced.
type table struct {
	byID     map[timeline.AccountID]*live
	byHandle map[string]*live             // channel|handle
	apps     map[string]map[string]string // what the accounts of a kind share, secrets opened
}

// live is one account of this node: open, or red with the reason.
type live struct {
	g       *Gateway
	kind    *channels.Channel
	account channels.Account
	record  record
	app     map[string]string // as it was opened with
	session channels.Session  // nil: it did not open
	host    *host
	health  *health
	rates   *rates
	traffic traffic
	log     *slog.Logger
	ctx     context.Context // ends when the account closes
	cancel  context.CancelFunc
	work    gate // its runners and sockets
	uses    gate // calls into the session under way

	caring atomic.Bool // this node looks after it

	mu   sync.Mutex
	held *hold
	rest time.Time // no call before
}

func (g *Gateway) live(id timeline.AccountID) *live { return g.open.Load().byID[id] }

// Reload opens what is new, closes what is gone and opens anew what changed. It costs one
// small read where nothing did.
func (g *Gateway) Reload(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing.Load() {
		return nil
	}
	var v struct {
		Version int64 `json:"version"`
	}
	err := g.col(store.Meta).One(ctx, bson.D{{Key: "_id", Value: versionDoc}}, &v)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("gateway: reading the accounts' version: %w", err)
	}
	if v.Version == g.seen && g.open.Load().byID != nil {
		return nil
	}
	var rs []record
	if err := g.col(store.Accounts).All(ctx, bson.D{}, &rs); err != nil {
		return fmt.Errorf("gateway: reading accounts: %w", err)
	}
	apps, err := g.readApps(ctx)
	if err != nil {
		return err
	}
	g.replace(rs, apps)
	g.seen = v.Version
	return nil
}

// replace makes the table show the records. Old sessions stop after the new table is in place.
func (g *Gateway) replace(rs []record, apps map[string]map[string]string) {
	old := g.open.Load()
	next := &table{byID: map[timeline.AccountID]*live{}, byHandle: map[string]*live{}, apps: apps}
	var fresh []*live
	for _, r := range rs {
		l := old.byID[r.ID]
		if l == nil || l.record.Version != r.Version || !maps.Equal(l.app, apps[r.Channel]) {
			l = g.start(r, apps[r.Channel])
			fresh = append(fresh, l)
		}
		next.byID[r.ID] = l
		if r.Handle != "" && r.Enabled {
			next.byHandle[r.Channel+"|"+string(r.Handle)] = l
		}
	}
	g.open.Store(next)
	for id, l := range old.byID {
		if next.byID[id] != l {
			l.stop()
		}
	}
	for _, l := range fresh {
		l.begin()
	}
}

// start opens one account. A failure is its health, nobody else's.
func (g *Gateway) start(r record, app map[string]string) *live {
	l := &live{g: g, kind: g.kinds[r.Channel], record: r, app: app, held: r.Held}
	l.ctx, l.cancel = context.WithCancel(g.ctx)
	l.log = g.d.Log.With("channel", r.Channel, "account", string(r.ID))
	l.health = newHealth(l)
	l.health.follow(r.Care.Concerns)
	if r.Care.LastIn != nil {
		l.traffic.knows(*r.Care.LastIn)
	}
	if !r.Enabled {
		return l
	}
	if l.kind == nil {
		l.health.hub(channels.Health{State: channels.Red, Reason: "This program does not know the channel.", Next: "Install a version that has it."})
		return l
	}
	l.rates = newRates()
	var err error
	if l.account, err = g.account(r, app); err == nil {
		l.log = redacting(l.log, l.kind, l.account)
		l.host = &host{live: l}
		l.session, err = openSession(l.kind, l.account, l.host)
	}
	if err != nil {
		l.session = nil
		l.log.Error("the account does not open", "error", err)
		l.health.hub(channels.Health{State: channels.Red, Reason: "The account does not open: " + redact(err.Error(), l.kind, l.account), Next: "Check its settings."})
		return l
	}
	if h := r.Held; h != nil {
		l.health.hub(heldHealth(h))
	} else {
		l.health.hub(channels.Health{State: channels.Green})
	}
	return l
}

// account is the record with its secrets opened.
func (g *Gateway) account(r record, app map[string]string) (channels.Account, error) {
	values, previous, err := g.reveal(r)
	if err != nil {
		return channels.Account{}, err
	}
	return channels.Account{ID: r.ID, Name: r.Name, Handle: r.Handle, Queue: r.Queue, Settings: values, Previous: previous, App: maps.Clone(app)}, nil
}

// try opens and closes a session, so that settings an adapter refuses are refused at once.
func (g *Gateway) try(c *channels.Channel, r record) error {
	a, err := g.account(r, g.app(c.Kind))
	if err != nil {
		return err
	}
	l := &live{g: g, kind: c, record: r, account: a, ctx: g.ctx, log: slog.New(slog.DiscardHandler)}
	l.health = newHealth(nil)
	s, err := openSession(c, a, &host{live: l})
	if err != nil {
		return invalid("settings", redact(err.Error(), c, a))
	}
	if err := s.Close(); err != nil {
		return fmt.Errorf("gateway: closing a tried session: %w", err)
	}
	return nil
}

// openSession calls Open and turns a panic into an error.
func openSession(c *channels.Channel, a channels.Account, h channels.Host) (s channels.Session, err error) {
	defer contain(h.Log(), &err)
	return c.Open(a, h)
}

// errPanic is what an adapter's panic becomes.
var errPanic = errors.New("gateway: the adapter panicked")

// contain turns a panic of an adapter into an error. The panic's own words may hold a
// customer's text, so only where it happened is logged.
func contain(log *slog.Logger, err *error) {
	if p := recover(); p != nil {
		*err = errPanic
		log.Error("an adapter panicked", "kind", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	}
}

// begin starts what an open account does on its own.
func (l *live) begin() {
	if l.session == nil {
		return
	}
	if r, ok := l.session.(channels.Runner); ok {
		l.work.Go(func() { l.run(r) })
	}
	l.work.Go(l.settle)
}

// settle sends what waited for this account and replays callbacks parked for it.
func (l *live) settle() {
	if err := l.g.release(l.ctx, l); err != nil && l.ctx.Err() == nil {
		l.log.Error("held messages could not be released", "error", err)
	}
	if err := l.g.unpark(l.ctx, l); err != nil && l.ctx.Err() == nil {
		l.log.Error("parked callbacks could not be replayed", "error", err)
	}
}

// stop ends the account's work and closes its session once the calls into it are over.
func (l *live) stop() {
	l.cancel()
	l.g.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeBudget)
		defer cancel()
		if err := errors.Join(l.work.wait(ctx), l.uses.wait(ctx)); err != nil {
			l.log.Warn("an account is closed while calls into it are under way")
		}
		if l.session == nil {
			return
		}
		if err := l.session.Close(); err != nil {
			l.log.Warn("a session did not close well", "error", err)
		}
	})
}

// closeBudget is how long a session's calls may go on after its account was closed.
const closeBudget = 30 * time.Second
