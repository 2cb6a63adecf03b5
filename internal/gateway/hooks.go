package gateway

import (
	"context"
	"errors"
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
		return g.answer(c, kind.Kind, channels.Answer{}, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), hookBudget)
	defer cancel()
	app, err := g.app(ctx, kind.Kind)
	if err != nil {
		return g.answer(c, kind.Kind, channels.Answer{}, errors.Join(errLater, err))
	}
	slices, a, err := split(g, kind, app, cb)
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

// takeAll makes every slice durable: as events, or parked where nobody can read it yet. A
// slice that poisons its adapter is parked and does not hold up the others.
func (g *Gateway) takeAll(ctx context.Context, k *channels.Channel, slices []channels.Slice) error {
	for _, s := range slices {
		s.Verified = true
		l := g.open.Load().byHandle[k.Kind+"|"+string(s.Account)]
		reason := "no_account"
		if l != nil && l.session != nil {
			_, err := l.take(ctx, s.Callback)
			if err == nil {
				continue
			}
			if errors.Is(err, errLater) {
				return err
			}
			reason = "unreadable"
			l.log.Error("a callback could not be read and is kept", "error", err)
			l.health.hub(channels.Health{State: channels.Amber, Reason: "A callback could not be read; it is kept.", Next: "Update the channel, then replay what is kept."})
		} else if l != nil {
			reason = "not_open"
		}
		if err := g.park(ctx, k.Kind, s, reason); err != nil {
			return errors.Join(errLater, err)
		}
	}
	return nil
}

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
		return g.answer(c, l.record.Channel, channels.Answer{}, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), hookBudget)
	defer cancel()
	a, err := l.take(ctx, cb)
	if errors.Is(err, errPanic) {
		l.health.hub(channels.Health{State: channels.Amber, Reason: "A callback could not be read.", Next: "Update the channel; the far side sends it again."})
	}
	return g.answer(c, l.record.Channel, a, err)
}

// take decodes a callback and makes its events durable.
func (l *live) take(ctx context.Context, cb channels.Callback) (channels.Answer, error) {
	l.uses.enter()
	defer l.uses.leave()
	d, ok := l.session.(channels.Decoder)
	if !ok {
		return channels.Answer{}, &channels.Problem{Status: fiber.StatusNotFound, Title: notFound.Title, Detail: notFound.Detail}
	}
	in, a, err := decode(d, cb, l)
	if err != nil {
		return a, err
	}
	if err := l.host.Emit(ctx, in...); err != nil {
		return a, errors.Join(errLater, err)
	}
	return a, nil
}

func decode(d channels.Decoder, cb channels.Callback, l *live) (in []timeline.Inbound, a channels.Answer, err error) {
	defer contain(l.log, &err)
	return d.Decode(cb)
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
