// Package auth knows who is signed in and what they may do: agents and teams, passwords
// and second factors, sign-ins and API tokens, roles and permissions, and the audit log.
//
// Nothing secret is kept as it is: passwords as argon2id, random secrets as SHA-256, second
// factors sealed. Sign-ins are slowed down per account and per address; answers and their
// timing do not tell whether an account exists. Every value is safe for concurrent use.
package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// The errors callers act on.
var (
	// ErrSignIn says that address, password or code do not fit. It never says which.
	ErrSignIn = errors.New("auth: sign-in refused")
	// ErrCode says that password and address fit and a code of the second factor is needed.
	ErrCode = errors.New("auth: a code is needed")
	// ErrSession says that a session or token does not hold, or no longer.
	ErrSession = errors.New("auth: not signed in")
	// ErrBusy says that too many passwords are being checked at this moment.
	ErrBusy = errors.New("auth: busy")
)

// Options shape a [Service].
type Options struct {
	Idle time.Duration    // a sign-in ends when unused for so long
	Max  time.Duration    // and at the latest after so long
	Now  func() time.Time // nil: the clock
}

// Service is the agents and their sign-ins.
type Service struct {
	store store.Store
	seal  *seal.Box
	hash  hashers
	opt   Options
	hub   *hub
	log   *audit
	admin sync.Mutex
}

// New makes the service. The box seals second factors at rest.
func New(s store.Store, box *seal.Box, opt Options) *Service {
	if opt.Idle == 0 {
		opt.Idle = 72 * time.Hour
	}
	if opt.Max == 0 {
		opt.Max = 720 * time.Hour
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Service{store: s, seal: box, opt: opt, hub: newHub(), log: &audit{store: s},
		hash: newHashers(max(1, runtime.GOMAXPROCS(0)/2))}
}

func (s *Service) now() time.Time { return timeline.Moment(s.opt.Now()) }

func (s *Service) newID() string {
	return ulid.MustNew(ulid.Timestamp(s.now()), ulid.DefaultEntropy()).String()
}

// Sweep removes what has expired: sign-ins, one-time secrets, throttles, remembered answers.
func (s *Service) Sweep(ctx context.Context) error {
	var errs []error
	for _, name := range []string{store.Sessions, store.Attempts, store.Idempotency} {
		filter := bson.D{{Key: "expiresAt", Value: bson.D{{Key: "$lt", Value: s.now()}}}}
		if _, err := s.store.C(name).Delete(ctx, filter); err != nil {
			errs = append(errs, fmt.Errorf("auth: sweeping %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// hub tells live connections that an agent's sign-ins changed.
type hub struct {
	mu    sync.Mutex
	watch map[timeline.AgentID]map[chan struct{}]bool
}

func newHub() *hub { return &hub{watch: map[timeline.AgentID]map[chan struct{}]bool{}} }

func (h *hub) nudge(id timeline.AgentID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.watch[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Changes gives a channel that receives when what an agent may do has, or may have,
// changed on this node. Other nodes' changes are found by asking again from time to time.
func (s *Service) Changes(id timeline.AgentID) (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.hub.watch[id] == nil {
		s.hub.watch[id] = map[chan struct{}]bool{}
	}
	s.hub.watch[id][c] = true
	return c, func() { s.hub.leave(id, c) }
}

func (h *hub) leave(id timeline.AgentID, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watch[id], c)
	if len(h.watch[id]) == 0 {
		delete(h.watch, id)
	}
}
