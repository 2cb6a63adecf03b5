package gateway

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// hookBody is how large a callback may be, in bytes: a batch of a thousand updates has 3 MB.
const hookBody = 8 << 20

// hookBudget is how long a callback may wait for its events to become durable: less than
// the shortest patience of a far side, which is five seconds.
const hookBudget = 4 * time.Second

// Mount serves callbacks and customers' programs. The application must accept bodies as
// large as its accounts allow and must not read them before.
func (g *Gateway) Mount(r fiber.Router) {
	r.All("/hooks/:kind", g.entered(g.shared))
	r.All("/hooks/:kind/:account", g.entered(g.direct))
	r.Get("/c/:account/socket", g.socket())
	r.All("/c/:account/*", g.entered(g.serve))
}

// entered counts a request, refuses it while closing and answers errors as problems.
func (g *Gateway) entered(h func(*fiber.Ctx) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if g.closing.Load() {
			return problem(c, later)
		}
		g.calls.enter()
		defer g.calls.leave()
		return h(c)
	}
}

// shared takes a callback that serves many accounts.
func (g *Gateway) shared(c *fiber.Ctx) error {
	kind := g.kinds[c.Params("kind")]
	if kind == nil || kind.Split == nil {
		return problem(c, notFound)
	}
	cb, err := g.callback(c, "", hookBody)
	if err != nil {
		if errors.Is(err, errLarge) {
			for _, l := range g.open.Load().byID {
				if l.kind == kind {
					l.oversized()
				}
			}
		}
		return g.answer(c, kind.Kind, channels.Answer{}, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), hookBudget)
	defer cancel()
	slices, a, err := split(g, kind, g.app(kind.Kind), cb)
	if err == nil {
		err = g.takeAll(ctx, kind, slices)
	}
	return g.answer(c, kind.Kind, a, err)
}

func split(g *Gateway, k *channels.Channel, app map[string]string, cb channels.Callback) (ss []channels.Slice, a channels.Answer, err error) {
	defer contain(g.d.Log.With("channel", k.Kind), &err)
	return k.Split(app, cb)
}

// errLater is a callback that could not be made durable now.
var errLater = errors.New("gateway: it cannot be made durable now")

// direct takes a callback of one account.
func (g *Gateway) direct(c *fiber.Ctx) error {
	l := g.live(timeline.AccountID(c.Params("account")))
	if l == nil || l.record.Channel != c.Params("kind") {
		return problem(c, notFound)
	}
	if _, ok := l.session.(channels.Decoder); !ok {
		if l.session == nil && l.record.Enabled {
			return g.answer(c, l.record.Channel, channels.Answer{}, errLater)
		}
		return problem(c, notFound)
	}
	cb, err := g.callback(c, "", hookBody)
	if err != nil {
		if errors.Is(err, errLarge) {
			l.oversized()
		}
		return g.answer(c, l.record.Channel, channels.Answer{}, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), hookBudget)
	defer cancel()
	a, err := l.take(ctx, cb)
	if errors.Is(err, errPanic) || errors.Is(err, errUnsound) {
		l.health.of(concernCallbacks, channels.Health{State: channels.Amber, Reason: "A callback could not be read.", Next: "Update the channel; the far side sends it again."})
	}
	return g.answer(c, l.record.Channel, a, err)
}

// oversized tells people that the far side sends more at once than is taken.
func (l *live) oversized() {
	l.health.of(concernCallbacks, channels.Health{State: channels.Amber, Reason: fmt.Sprintf("A callback of more than %d MB was refused.", hookBody>>20),
		Next: "Let the far side send less at once, and a proxy before the hub pass on what it sends."})
}

// answer tells the far side how its callback went.
func (g *Gateway) answer(c *fiber.Ctx, kind string, a channels.Answer, err error) error {
	p := (*channels.Problem)(nil)
	switch {
	case err == nil:
	case errors.Is(err, errLarge):
		p = tooLarge
	case errors.Is(err, errLater):
		g.d.Log.Error("a callback could not be made durable; the far side is asked to send it again", "channel", kind, "error", err)
		p = later
	default:
		p = problemOf(err)
		if errors.Is(err, channels.ErrForged) {
			g.metrics.forged.WithLabelValues(kind).Inc()
		}
	}
	status := a.Status
	if status == 0 {
		status = fiber.StatusOK
	}
	if p != nil {
		status = p.Status
	}
	g.metrics.callbacks.WithLabelValues(kind, strconv.Itoa(status)).Inc()
	if p != nil {
		return problem(c, p)
	}
	if a.Type != "" {
		c.Set(fiber.HeaderContentType, strings.Clone(a.Type))
	}
	return c.Status(status).Send(a.Body)
}
