package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// ErrNoAccount says that there is no account of that id.
var ErrNoAccount = errors.New("gateway: no such account")

// accountTries is how often a change is tried again when somebody else changed the account.
const accountTries = 5

// record is an account as the store keeps it.
type record struct {
	ID        timeline.AccountID `json:"id" bson:"_id"`
	Channel   string             `json:"channel"`
	Name      string             `json:"name"`
	Handle    timeline.Handle    `json:"handle"`
	Queue     string             `json:"queue"`
	Enabled   bool               `json:"enabled"`
	Settings  map[string]string  `json:"settings"`
	Secrets   map[string]string  `json:"secrets"`            // sealed
	Previous  map[string]string  `json:"previous,omitempty"` // sealed; rotated out, still verify
	Health    channels.Health    `json:"health"`
	Held      *hold              `json:"held,omitempty"`
	Care      care               `json:"care"`
	Version   int64              `json:"version"` // counts changes that need a new session
	CreatedAt time.Time          `json:"createdAt"`
	UpdatedAt time.Time          `json:"updatedAt"`
}

// hold is why an account's sending waits for a person.
type hold struct {
	Class  channels.Class `json:"class"`
	Reason string         `json:"reason"`
	At     time.Time      `json:"at"`
}

// Account is an account as people see it. Secrets tells only which are set.
type Account struct {
	ID        timeline.AccountID `json:"id"`
	Channel   string             `json:"channel"`
	Name      string             `json:"name"`
	Handle    timeline.Handle    `json:"handle,omitempty"`
	Queue     string             `json:"queue,omitempty"`
	Enabled   bool               `json:"enabled"`
	Settings  map[string]string  `json:"settings"`
	Secrets   map[string]bool    `json:"secrets"`
	Health    channels.Health    `json:"health"`
	Callback  string             `json:"callback,omitempty"` // path of its own callbacks on the hub, where it takes any
	LastIn    *time.Time         `json:"lastIn,omitempty"`   // when something came in last
	Starts    bool               `json:"starts,omitempty"`   // one may write first by it
	LastTest  *time.Time         `json:"lastTest,omitempty"` // when the far side tested its callbacks last
	CreatedAt time.Time          `json:"createdAt"`
	UpdatedAt time.Time          `json:"updatedAt"`
}

// Draft is a new account. Settings holds secrets too.
type Draft struct {
	ID       timeline.AccountID // empty: a new ULID
	Channel  string
	Name     string
	Handle   timeline.Handle
	Queue    string
	Disabled bool
	Settings map[string]string
}

// Change is what to change of an account; nil leaves alone. Settings named with an empty
// value are removed, except secrets: an empty secret stays as it is.
type Change struct {
	Name     *string
	Handle   *timeline.Handle
	Queue    *string
	Enabled  *bool
	Settings map[string]string
}

var accountID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Create makes an account and opens it. An *Invalid names the fields that are wrong.
func (g *Gateway) Create(ctx context.Context, d Draft) (Account, error) {
	c := g.kinds[d.Channel]
	if c == nil {
		return Account{}, invalid("channel", "There is no channel of this kind.")
	}
	if d.ID == "" {
		d.ID = timeline.AccountID(ulid.MustNew(ulid.Timestamp(g.d.Now()), rand.Reader).String())
	}
	if !accountID.MatchString(string(d.ID)) {
		return Account{}, invalid("id", "Use up to 64 letters, digits, dashes and underscores.")
	}
	now := g.now()
	r := record{ID: d.ID, Channel: d.Channel, Name: d.Name, Handle: d.Handle, Queue: d.Queue, Enabled: !d.Disabled,
		Settings: map[string]string{}, Secrets: map[string]string{}, Version: 1, CreatedAt: now, UpdatedAt: now,
		Health: channels.Health{State: channels.Amber, Reason: "The account was not opened yet.", Since: now}}
	values := maps.Clone(d.Settings)
	if values == nil {
		values = map[string]string{}
	}
	if err := g.fill(c, &r, values); err != nil {
		return Account{}, err
	}
	if err := g.col(store.Accounts).Insert(ctx, r); err != nil {
		if store.IsDuplicate(err, "_id_") {
			return Account{}, invalid("id", "There is an account of this id.")
		}
		return Account{}, fmt.Errorf("gateway: making account %s: %w", r.ID, err)
	}
	return g.changed(ctx, r.ID)
}

// Update changes an account and opens it anew. Sending that waited for a person goes on.
func (g *Gateway) Update(ctx context.Context, id timeline.AccountID, ch Change) (Account, error) {
	for range accountTries {
		r, err := g.read(ctx, id)
		if err != nil {
			return Account{}, err
		}
		version := r.Version
		if err := g.apply(&r, ch); err != nil {
			return Account{}, err
		}
		n, err := g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(id)}, {Key: "version", Value: version}}, bson.D{
			{Key: "$set", Value: bson.D{{Key: "name", Value: r.Name}, {Key: "handle", Value: string(r.Handle)}, {Key: "queue", Value: r.Queue},
				{Key: "enabled", Value: r.Enabled}, {Key: "settings", Value: r.Settings}, {Key: "secrets", Value: r.Secrets},
				{Key: "previous", Value: r.Previous}, {Key: "version", Value: r.Version}, {Key: "updatedAt", Value: r.UpdatedAt}}},
			{Key: "$unset", Value: bson.D{{Key: "held", Value: ""}}}})
		if err != nil {
			return Account{}, fmt.Errorf("gateway: changing account %s: %w", id, err)
		}
		if n == 1 {
			return g.changed(ctx, id)
		}
	}
	return Account{}, fmt.Errorf("gateway: account %s is being changed by others; try again", id)
}

func (g *Gateway) apply(r *record, ch Change) error {
	c := g.kinds[r.Channel]
	if c == nil {
		return invalid("channel", "This program does not know the account's channel.")
	}
	set(&r.Name, ch.Name)
	set(&r.Handle, ch.Handle)
	set(&r.Queue, ch.Queue)
	set(&r.Enabled, ch.Enabled)
	values, _, err := g.reveal(*r)
	if err != nil {
		return err
	}
	for k, v := range ch.Settings {
		s := setting(c.Settings, k)
		switch {
		case v != "":
			values[k] = v
		case s == nil || !s.Secret():
			delete(values, k)
		}
	}
	r.Version++
	r.UpdatedAt = g.now()
	return g.fill(c, r, values)
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// fill checks values, draws generated secrets, seals, and tries the settings by opening a session.
func (g *Gateway) fill(c *channels.Channel, r *record, values map[string]string) error {
	if r.Name == "" {
		r.Name = c.Title["en"]
	}
	for _, s := range c.Settings {
		if s.Secret() && s.Default == channels.Generated && values[s.Name] == "" {
			values[s.Name] = drawn()
		}
	}
	if err := check(c.Settings, values); err != nil {
		return err
	}
	for _, s := range c.Settings {
		if s.Handle && values[s.Name] != "" {
			r.Handle = timeline.Handle(values[s.Name])
		}
	}
	before, err := g.openAll(r.ID, r.Secrets)
	if err != nil {
		return err
	}
	sealed, plain := map[string]string{}, map[string]string{}
	for _, s := range c.Settings {
		v, ok := values[s.Name]
		switch {
		case !ok || v == "":
		case !s.Secret():
			plain[s.Name] = v
		case before[s.Name] == v && !g.d.Box.Stale(r.Secrets[s.Name]):
			sealed[s.Name] = r.Secrets[s.Name]
		default:
			if sealed[s.Name], err = g.d.Box.Seal(seal.Secret(v), sealedOf(r.ID, s.Name)); err != nil {
				return err
			}
			if before[s.Name] != "" && before[s.Name] != v {
				r.Previous = with(r.Previous, s.Name, r.Secrets[s.Name])
			}
		}
	}
	r.Settings, r.Secrets = plain, sealed
	return g.try(c, *r)
}

func with(m map[string]string, k, v string) map[string]string {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]string{}
	}
	out[k] = v
	return out
}

// drawn is a secret nobody had to think of.
func drawn() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails; see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// List tells about every account, in the order they were made.
func (g *Gateway) List(ctx context.Context) ([]Account, error) {
	var rs []record
	if err := g.col(store.Accounts).All(ctx, bson.D{}, &rs, store.Find{Sort: bson.D{{Key: "_id", Value: 1}}}); err != nil {
		return nil, fmt.Errorf("gateway: listing accounts: %w", err)
	}
	out := make([]Account, len(rs))
	for i, r := range rs {
		out[i] = g.show(r)
	}
	return out, nil
}

// Get tells about one account.
func (g *Gateway) Get(ctx context.Context, id timeline.AccountID) (Account, error) {
	r, err := g.read(ctx, id)
	if err != nil {
		return Account{}, err
	}
	return g.show(r), nil
}

// Remove forgets an account with its secrets. What was said on it stays.
func (g *Gateway) Remove(ctx context.Context, id timeline.AccountID) error {
	n, err := g.col(store.Accounts).Delete(ctx, bson.D{{Key: "_id", Value: string(id)}})
	if err != nil {
		return fmt.Errorf("gateway: removing account %s: %w", id, err)
	}
	if n == 0 {
		return ErrNoAccount
	}
	if err := g.bump(ctx); err != nil { // first: who writes for it stops
		return err
	}
	return g.forget(ctx, id)
}

// forget removes what was kept for an account only: what its session remembered, where its runner
// was, and what was still to be fetched. A crash before leaves what nobody reads.
func (g *Gateway) forget(ctx context.Context, id timeline.AccountID) error {
	if _, err := g.col(store.Cursors).Delete(ctx, bson.D{{Key: "_id", Value: string(id)}}); err != nil {
		return fmt.Errorf("gateway: forgetting where account %s was: %w", id, err)
	}
	for _, name := range []string{store.Notes, store.Errands} {
		if _, err := g.col(name).Delete(ctx, bson.D{{Key: "account", Value: string(id)}}); err != nil {
			return fmt.Errorf("gateway: forgetting %s of account %s: %w", name, id, err)
		}
	}
	return nil
}

func (g *Gateway) read(ctx context.Context, id timeline.AccountID) (record, error) {
	var r record
	err := g.col(store.Accounts).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &r)
	if errors.Is(err, store.ErrNotFound) {
		return record{}, ErrNoAccount
	}
	if err != nil {
		return record{}, fmt.Errorf("gateway: reading account %s: %w", id, err)
	}
	return r, nil
}

// show is the record without secrets, with the health this node knows.
func (g *Gateway) show(r record) Account {
	a := Account{ID: r.ID, Channel: r.Channel, Name: r.Name, Handle: r.Handle, Queue: r.Queue, Enabled: r.Enabled,
		Settings: r.Settings, Secrets: map[string]bool{}, Health: r.Health, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	for k := range r.Secrets {
		a.Secrets[k] = true
	}
	a.LastIn, a.LastTest = r.Care.LastIn, r.Care.LastTest
	if l := g.live(r.ID); l != nil {
		a.Health = l.health.worst()
		if _, ok := l.session.(channels.Decoder); ok && l.kind.Split == nil {
			a.Callback = "/hooks/" + r.Channel + "/" + string(r.ID)
		}
		_, a.Starts = l.session.(channels.Starter)
		in, test := l.traffic.times()
		a.LastIn, a.LastTest = latest(a.LastIn, in), latest(a.LastTest, test)
	}
	if !r.Enabled {
		a.Health = channels.Health{State: channels.Amber, Reason: "The account is switched off.", Next: "Switch it on to send and receive.", Since: r.UpdatedAt}
	}
	return a
}

// latest is the later of two moments; zero is none.
func latest(a *time.Time, b time.Time) *time.Time {
	if b.IsZero() || a != nil && !b.After(*a) {
		return a
	}
	return &b
}

// reveal opens an account's settings, and the secrets it had before.
func (g *Gateway) reveal(r record) (values, previous map[string]string, err error) {
	values, err = g.openAll(r.ID, r.Secrets)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(values, r.Settings)
	previous, err = g.openAll(r.ID, r.Previous)
	return values, previous, err
}

func (g *Gateway) openAll(id timeline.AccountID, sealed map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for k, v := range sealed {
		s, err := g.d.Box.Open(v, sealedOf(id, k))
		if err != nil {
			return nil, fmt.Errorf("gateway: the secret %q of account %s: %w", k, id, err)
		}
		out[k] = s.Reveal()
	}
	return out, nil
}

func sealedOf(id timeline.AccountID, name string) string { return "account/" + string(id) + "/" + name }

func (g *Gateway) col(name string) store.Collection { return g.d.Store.C(name) }

// changed tells every node, reloads this one, and shows the account.
func (g *Gateway) changed(ctx context.Context, id timeline.AccountID) (Account, error) {
	if err := g.bump(ctx); err != nil {
		return Account{}, err
	}
	return g.Get(ctx, id)
}

// versionDoc counts changes of accounts; nodes compare it rather than read every account.
const versionDoc = "accounts"

func (g *Gateway) bump(ctx context.Context) error {
	_, err := g.col(store.Meta).Upsert(ctx, bson.D{{Key: "_id", Value: versionDoc}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "version", Value: int64(1)}}}})
	if err != nil {
		return fmt.Errorf("gateway: telling other nodes: %w", err)
	}
	return g.Reload(ctx)
}
