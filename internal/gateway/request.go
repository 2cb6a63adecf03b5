package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
)

// errLarge is a body over its limit.
var errLarge = errors.New("gateway: the body is over its limit")

// callback copies a request before anything else looks at it: the framework uses its
// memory again for the next one. The body is the bytes on the wire. A body over max is cut
// to one byte more, with errLarge.
func (g *Gateway) callback(c *fiber.Ctx, path string, max int64) (channels.Callback, error) {
	cb := channels.Callback{Method: strings.Clone(c.Method()), Path: strings.Clone(path), Header: http.Header{}, At: g.now()}
	for k, v := range c.Request().Header.All() {
		cb.Header.Add(string(k), string(v))
	}
	q, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		q = url.Values{} // a query that cannot be read names nothing
	}
	cb.Query = q
	if s := c.Context().RequestBodyStream(); s != nil {
		if cb.Body, err = io.ReadAll(io.LimitReader(s, max+1)); err != nil {
			return cb, err
		}
	} else if raw := c.Request().Body(); len(raw) > 0 {
		cb.Body = bytes.Clone(raw[:min(int64(len(raw)), max+1)])
	}
	if int64(len(cb.Body)) > max {
		return cb, errLarge
	}
	return cb, nil
}

// request is a customer's request.
func (g *Gateway) request(c *fiber.Ctx, path string, max int64) (channels.Request, error) {
	cb, err := g.callback(c, path, max)
	return channels.Request{Callback: cb, Remote: strings.Clone(c.IP()), Host: strings.Clone(c.Hostname()), Secure: c.Protocol() == "https"}, err
}
