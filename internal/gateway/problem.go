package gateway

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
)

// retryAfter is how long a far side is asked to wait, in seconds.
const retryAfter = 2

// problem answers with an RFC 9457 document.
func problem(c *fiber.Ctx, p *channels.Problem) error {
	body, err := json.Marshal(map[string]any{"type": "about:blank", "status": p.Status, "title": p.Title, "detail": p.Detail})
	if err != nil {
		return err
	}
	if p.Status == fiber.StatusServiceUnavailable || p.Status == fiber.StatusTooManyRequests {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(retryAfter))
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	return c.Status(p.Status).Send(body)
}

// The problems the gateway answers by itself.
var (
	notFound = &channels.Problem{Status: fiber.StatusNotFound, Title: "Not found", Detail: "There is nothing at this address."}
	forged   = &channels.Problem{Status: fiber.StatusUnauthorized, Title: "The signature does not hold", Detail: "Sign the request's raw body with the secret that is configured for this address."}
	tooLarge = &channels.Problem{Status: fiber.StatusRequestEntityTooLarge, Title: "The request is too large", Detail: "Send less at once."}
	later    = &channels.Problem{Status: fiber.StatusServiceUnavailable, Title: "It cannot be taken right now", Detail: "Send it again in a few seconds; nothing was recorded."}
	broken   = &channels.Problem{Status: fiber.StatusInternalServerError, Title: "It could not be read", Detail: "Send it again later; the hub's operators were told."}
	unread   = &channels.Problem{Status: fiber.StatusBadRequest, Title: "It could not be understood", Detail: "Send what the channel's documentation describes."}
)

// problemOf is how an error of an adapter is answered. The error's own text stays inside.
func problemOf(err error) *channels.Problem {
	var p *channels.Problem
	switch {
	case errors.Is(err, channels.ErrForged):
		return forged
	case errors.As(err, &p):
		return p
	case errors.Is(err, errPanic), errors.Is(err, errUnsound):
		return broken
	}
	return unread
}
