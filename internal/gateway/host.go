package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// host is the hub as one account's session sees it.
type host struct{ live *live }

// Emit stamps events and makes them durable.
func (h *host) Emit(ctx context.Context, in ...timeline.Inbound) error {
	if len(in) == 0 {
		return nil
	}
	if err := h.live.stamp(in); err != nil {
		return err
	}
	return h.live.g.publish(ctx, in)
}

func (h *host) HTTP() *http.Client        { return h.live.g.d.HTTP }
func (h *host) Now() time.Time            { return h.live.g.now() }
func (h *host) Log() *slog.Logger         { return h.live.log }
func (h *host) Health(s channels.Health)  { h.live.health.session(s) }
func (h *host) Files() channels.Files     { return h.live.g.d.Files }
func (h *host) Threads() channels.Threads { return own{h.live.g.d.Threads, h.live.account.ID} }

// Callback is where the far side's callbacks come in.
func (h *host) Callback(shared bool) string {
	base := strings.TrimSuffix(h.live.g.d.BaseURL, "/")
	if base == "" {
		return ""
	}
	path := base + "/hooks/" + h.live.kind.Kind
	if !shared {
		path += "/" + string(h.live.account.ID)
	}
	return path
}

// Notes are the account's own.
func (h *host) Notes() channels.Notes { return notes{h.live.g.col(store.Notes), h.live.account.ID} }

// own lets a session see only its own account's threads.
type own struct {
	channels.Threads
	account timeline.AccountID
}

func (o own) mine(t timeline.Thread) timeline.Thread { t.Account = o.account; return t }

func (o own) Replay(ctx context.Context, t timeline.Thread, after channels.Cursor, last int) ([]channels.Item, bool, error) {
	return o.Threads.Replay(ctx, o.mine(t), after, last)
}

func (o own) Watch(t timeline.Thread, f func(channels.Item)) func() {
	return o.Threads.Watch(o.mine(t), f)
}

func (o own) Typing(t timeline.Thread, on bool)       { o.Threads.Typing(o.mine(t), on) }
func (o own) Presence(t timeline.Thread, online bool) { o.Threads.Presence(o.mine(t), online) }
