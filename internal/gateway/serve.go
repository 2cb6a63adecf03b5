package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	serveBody   = 1 << 20          // bytes of a customer's request, unless the session says otherwise
	serveBudget = 30 * time.Second // for a customer's request
)

// serve hands a customer's request to its account's session.
func (g *Gateway) serve(c *fiber.Ctx) error {
	l := g.live(timeline.AccountID(c.Params("account")))
	if l == nil || !l.record.Enabled {
		return problem(c, notFound)
	}
	if l.session == nil {
		return problem(c, later)
	}
	s, ok := l.session.(channels.Server)
	if !ok {
		return problem(c, notFound)
	}
	path := "/" + c.Params("*")
	max := int64(serveBody)
	if b, ok := l.session.(channels.Limiter); ok {
		max = b.MaxBody(c.Method(), path)
	}
	req, err := g.request(c, path, max)
	if errors.Is(err, errLarge) {
		if _, ok := l.session.(channels.Limiter); !ok {
			return problem(c, tooLarge)
		}
	} else if err != nil {
		return problem(c, unread)
	}
	l.uses.enter()
	defer l.uses.leave()
	ctx, cancel := context.WithTimeout(c.UserContext(), serveBudget)
	defer cancel()
	resp, err := respond(ctx, s, req, l)
	if err != nil {
		l.health.hub(channels.Health{State: channels.Amber, Reason: "A request could not be answered.", Next: "See the log, then update the channel."})
		return problem(c, broken)
	}
	for k, vs := range resp.Header {
		for i, v := range vs {
			if i == 0 {
				c.Set(k, v)
			} else {
				c.Response().Header.Add(k, v)
			}
		}
	}
	if resp.Status == 0 {
		resp.Status = fiber.StatusOK
	}
	return c.Status(resp.Status).Send(resp.Body)
}

func respond(ctx context.Context, s channels.Server, r channels.Request, l *live) (resp channels.Response, err error) {
	defer contain(l.log, &err)
	return s.Serve(ctx, r), nil
}
