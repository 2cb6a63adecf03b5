package webhooks

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
)

// MaxEndpoints is how many endpoints there may be: each event is looked at for each of them.
const MaxEndpoints = 50

// RotationKeeps is how long the secret before a rotation goes on signing, beside the new one.
const RotationKeeps = 24 * time.Hour

// Why an endpoint is not called any more.
const (
	StoppedByHand  = "hand"    // an administrator switched it off
	StoppedGone    = "gone"    // it answered 410
	StoppedFailing = "failing" // it took nothing for [FailingFor]
)

// Endpoint is a program outside that wants to know what happens. Its secrets are sealed.
type Endpoint struct {
	ID            string     `json:"id" bson:"_id"` // ULID
	Name          string     `json:"name"`
	URL           string     `json:"url"`
	Kinds         []string   `json:"kinds"` // none: all
	Enabled       bool       `json:"enabled"`
	Stopped       string     `json:"stopped,omitempty"`
	Secret        string     `json:"secret"`
	Previous      string     `json:"previous,omitempty"`
	PreviousUntil *time.Time `json:"previousUntil,omitempty"`
	FailingSince  *time.Time `json:"failingSince,omitempty"` // the first failure since the last success
	LastAt        *time.Time `json:"lastAt,omitempty"`       // of the last attempt
	LastStatus    int        `json:"lastStatus,omitempty"`   // HTTP; 0: no answer
	Node          string     `json:"node,omitempty"`         // who works on it
	Lease         *time.Time `json:"lease,omitempty"`        // until when
	CreatedAt     time.Time  `json:"createdAt"`
}

// wants reports whether the endpoint is to be told of a kind.
func (e *Endpoint) wants(kind string) bool {
	return e.Enabled && (len(e.Kinds) == 0 || slices.Contains(e.Kinds, kind))
}

// Draft is what an endpoint begins with.
type Draft struct {
	Name    string
	URL     string
	Kinds   []string
	Enabled bool
}

// Change is what to change of an endpoint; nil leaves a thing alone.
type Change struct {
	Name    *string
	URL     *string
	Kinds   *[]string
	Enabled *bool
}

// List reads every endpoint, the oldest first.
func (w *Webhooks) List(ctx context.Context) ([]Endpoint, error) {
	list := []Endpoint{}
	if err := w.endpoints().All(ctx, bson.D{}, &list, store.Find{Sort: bson.D{{Key: "_id", Value: 1}}}); err != nil {
		return nil, fmt.Errorf("webhooks: reading endpoints: %w", err)
	}
	return list, nil
}

// Get reads one endpoint; store.ErrNotFound if there is none.
func (w *Webhooks) Get(ctx context.Context, id string) (*Endpoint, error) {
	var e Endpoint
	if err := w.endpoints().One(ctx, byID(id), &e); err != nil {
		return nil, fmt.Errorf("webhooks: reading an endpoint: %w", err)
	}
	return &e, nil
}

// Create adds an endpoint. Its secret is told here and never again. What is wrong with the draft
// is auth.FieldErrors.
func (w *Webhooks) Create(ctx context.Context, d Draft) (*Endpoint, seal.Secret, error) {
	e := &Endpoint{ID: w.newID(), Name: strings.TrimSpace(d.Name), URL: d.URL, Kinds: d.Kinds, Enabled: d.Enabled, CreatedAt: w.now()}
	if e.Kinds == nil {
		e.Kinds = []string{}
	}
	if !e.Enabled {
		e.Stopped = StoppedByHand
	}
	if err := w.check(ctx, e); err != nil {
		return nil, "", err
	}
	all, err := w.List(ctx)
	if err != nil {
		return nil, "", err
	}
	if len(all) >= MaxEndpoints {
		return nil, "", auth.FieldErrors{{Field: "url", Message: fmt.Sprintf("there are %d endpoints already; remove one first", MaxEndpoints)}}
	}
	secret, sealed, err := w.draw(e.ID)
	if err != nil {
		return nil, "", err
	}
	e.Secret = sealed
	if err := w.endpoints().Insert(ctx, e); err != nil {
		return nil, "", fmt.Errorf("webhooks: adding an endpoint: %w", err)
	}
	return e, secret, nil
}

// Change changes an endpoint. One that is switched on again begins anew: its failures are
// forgotten, and what waits goes on.
func (w *Webhooks) Change(ctx context.Context, id string, ch Change) (*Endpoint, error) {
	e, err := w.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	set := bson.D{}
	if ch.Name != nil {
		e.Name = strings.TrimSpace(*ch.Name)
		set = append(set, bson.E{Key: "name", Value: e.Name})
	}
	if ch.URL != nil {
		e.URL = *ch.URL
		set = append(set, bson.E{Key: "url", Value: e.URL})
	}
	if ch.Kinds != nil {
		e.Kinds = *ch.Kinds
		set = append(set, bson.E{Key: "kinds", Value: e.Kinds})
	}
	if err := w.check(ctx, e); err != nil {
		return nil, err
	}
	update := bson.D{}
	if ch.Enabled != nil && *ch.Enabled != e.Enabled {
		stopped := StoppedByHand
		if *ch.Enabled {
			stopped = ""
			update = append(update, bson.E{Key: "$unset", Value: bson.D{{Key: "failingSince", Value: ""}}})
		}
		set = append(set, bson.E{Key: "enabled", Value: *ch.Enabled}, bson.E{Key: "stopped", Value: stopped})
	}
	if len(set) == 0 {
		return e, nil
	}
	var after Endpoint
	if err := w.endpoints().Modify(ctx, byID(id), append(update, bson.E{Key: "$set", Value: set}), false, &after); err != nil {
		return nil, fmt.Errorf("webhooks: changing an endpoint: %w", err)
	}
	w.nudge()
	return &after, nil
}

// Remove removes an endpoint with its log. What is being sent at this moment may still arrive.
func (w *Webhooks) Remove(ctx context.Context, id string) error {
	n, err := w.endpoints().Delete(ctx, byID(id))
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err == nil {
		_, err = w.deliveries().Delete(ctx, bson.D{{Key: "endpoint", Value: id}})
	}
	if err != nil {
		return fmt.Errorf("webhooks: removing an endpoint: %w", err)
	}
	return nil
}

// Rotate gives an endpoint a new secret, which is told here and never again. The one before it
// goes on signing, as the second signature, for [RotationKeeps].
func (w *Webhooks) Rotate(ctx context.Context, id string) (*Endpoint, seal.Secret, error) {
	e, err := w.Get(ctx, id)
	if err != nil {
		return nil, "", err
	}
	secret, sealed, err := w.draw(id)
	if err != nil {
		return nil, "", err
	}
	var after Endpoint
	filter := append(byID(id), bson.E{Key: "secret", Value: e.Secret}) // two at once: one is refused
	err = w.endpoints().Modify(ctx, filter, bson.D{{Key: "$set", Value: bson.D{{Key: "secret", Value: sealed}, {Key: "previous", Value: e.Secret},
		{Key: "previousUntil", Value: w.now().Add(RotationKeeps)}}}}, false, &after)
	if err != nil {
		return nil, "", fmt.Errorf("webhooks: rotating a secret: %w", err)
	}
	return &after, secret, nil
}

// draw makes a secret and seals it for an endpoint.
func (w *Webhooks) draw(id string) (seal.Secret, string, error) {
	secret, err := newSecret()
	if err != nil {
		return "", "", err
	}
	sealed, err := w.d.Box.Seal(secret, sealedAs(id))
	if err != nil {
		return "", "", fmt.Errorf("webhooks: sealing a secret: %w", err)
	}
	return secret, sealed, nil
}

func sealedAs(id string) string { return "webhook/" + id + "/secret" }

// secrets are those that sign at present, the newest first.
func (w *Webhooks) secrets(e *Endpoint) ([]seal.Secret, error) {
	sealed := []string{e.Secret}
	if e.Previous != "" && e.PreviousUntil != nil && w.now().Before(*e.PreviousUntil) {
		sealed = append(sealed, e.Previous)
	}
	var out []seal.Secret
	for _, s := range sealed {
		secret, err := w.d.Box.Open(s, sealedAs(e.ID))
		if err != nil {
			return nil, fmt.Errorf("webhooks: opening a secret: %w", err)
		}
		out = append(out, secret)
	}
	return out, nil
}

// Limits of an endpoint's fields.
const (
	maxName = 100  // characters
	maxURL  = 2000 // bytes
)

// check says what is wrong with an endpoint, as auth.FieldErrors.
func (w *Webhooks) check(ctx context.Context, e *Endpoint) error {
	var wrong auth.FieldErrors
	if n := utf8.RuneCountInString(e.Name); n < 1 || n > maxName {
		wrong = append(wrong, auth.FieldError{Field: "name", Message: fmt.Sprintf("use 1 to %d characters", maxName)})
	}
	if why := w.checkURL(ctx, e.URL); why != "" {
		wrong = append(wrong, auth.FieldError{Field: "url", Message: why})
	}
	for _, k := range e.Kinds {
		if !known(k) {
			wrong = append(wrong, auth.FieldError{Field: "kinds", Message: "there is no kind of event " + k})
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// lookUp is how long a name may take to be resolved while an endpoint is written down.
const lookUp = 3 * time.Second

// checkURL says what is wrong with an address. Whether it is inside the house is decided anew at
// each call, when it is dialled; here it is only said early.
func (w *Webhooks) checkURL(ctx context.Context, raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || len(raw) > maxURL || (u.Scheme != "https" && u.Scheme != "http"):
		return "write an address such as https://example.org/parley"
	case u.User != nil:
		return "leave user name and password out: what is sent is signed"
	case u.Fragment != "":
		return "leave out the part from # on: it is never sent"
	}
	ctx, cancel := context.WithTimeout(ctx, lookUp)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		ips = nil // a name that comes later, or a slow server of names
	}
	inside := len(ips) > 0
	for _, ip := range ips {
		ip = ip.Unmap()
		if httpx.Public(ip) {
			inside = false
		} else if !within(ip, w.d.Allow) {
			return "this address is inside the house; PARLEY_ALLOW_NETWORKS names the networks that may be called"
		}
	}
	if u.Scheme == "http" && !inside {
		return "use https: without it everybody on the way reads what is sent"
	}
	return ""
}

func within(ip netip.Addr, list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// stop switches an endpoint off because of how it answers, once, and writes it down for the
// administrators.
func (w *Webhooks) stop(ctx context.Context, e *Endpoint, why string) error {
	n, err := w.endpoints().Update(ctx, append(byID(e.ID), bson.E{Key: "enabled", Value: true}),
		bson.D{{Key: "$set", Value: bson.D{{Key: "enabled", Value: false}, {Key: "stopped", Value: why}}}})
	if err != nil {
		return fmt.Errorf("webhooks: switching an endpoint off: %w", err)
	}
	e.Enabled = false
	if n == 0 {
		return nil
	}
	w.d.Log.Warn("webhooks: an endpoint was switched off", "endpoint", e.ID, "why", why)
	err = w.d.Audit(ctx, auth.Record{Action: "webhook.stop", Target: e.ID, Data: map[string]string{"name": e.Name, "why": why}})
	if err != nil {
		return fmt.Errorf("webhooks: writing down that an endpoint was switched off: %w", err)
	}
	return nil
}
