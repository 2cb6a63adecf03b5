package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/config"
)

func verifyAudit(ctx context.Context, args []string, out io.Writer) error {
	if err := parse(flags("audit verify"), args); err != nil {
		return err
	}
	return office(ctx, func(_ *config.Config, a *auth.Service) error {
		if err := a.VerifyAudit(ctx); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, "The audit log is whole.")
		return err
	})
}

// trailEvery is how often a node checks the audit log.
const trailEvery = 24 * time.Hour

// trail is whether the audit log is whole, as far as this node has looked.
type trail struct {
	mu   sync.Mutex
	next time.Time
	why  string // it is not whole; stays until a later look finds it whole
}

// check verifies the log once a day. A store that cannot be read says nothing of the log: it
// is tried again at the next call.
func (t *trail) check(ctx context.Context, verify func(context.Context) error, now time.Time, log *slog.Logger) {
	t.mu.Lock()
	due := !now.Before(t.next)
	t.mu.Unlock()
	if !due {
		return
	}
	err := verify(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.why, t.next = "", now.Add(trailEvery)
	case errors.Is(err, auth.ErrAuditBroken):
		t.why, t.next = err.Error(), now.Add(trailEvery)
		log.Error("the audit log was changed", "err", err)
	case ctx.Err() == nil:
		log.Warn("the audit log could not be checked; tried again later", "err", err)
	}
}

// broken is why the audit log is not whole; empty while it is.
func (t *trail) broken() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}
