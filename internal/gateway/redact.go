package gateway

import (
	"context"
	"log/slog"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
)

// redactMin is how long a secret must be for its text to be looked for.
const redactMin = 6

// redact takes an account's secrets, and those it shares, out of a text.
func redact(text string, c *channels.Channel, a channels.Account) string {
	for _, v := range secretsOf(c, a) {
		if len(v) >= redactMin {
			text = strings.ReplaceAll(text, v, "[secret]")
		}
	}
	return text
}

func secretsOf(c *channels.Channel, a channels.Account) []string {
	var out []string
	for _, s := range c.Settings {
		if s.Secret() {
			out = append(out, a.Settings[s.Name], a.Previous[s.Name])
		}
	}
	for _, s := range c.App {
		if s.Secret() {
			out = append(out, a.App[s.Name], a.App[s.Name+channels.Rotated])
		}
	}
	return out
}

// redacting is a log that cannot show an account's secrets, whatever an adapter writes to it.
func redacting(l *slog.Logger, c *channels.Channel, a channels.Account) *slog.Logger {
	return slog.New(&redactor{next: l.Handler(), clean: func(s string) string { return redact(s, c, a) }})
}

type redactor struct {
	next  slog.Handler
	clean func(string) string
}

// Enabled reports whether a level is logged.
func (r *redactor) Enabled(ctx context.Context, l slog.Level) bool { return r.next.Enabled(ctx, l) }

// Handle logs a record without secrets.
func (r *redactor) Handle(ctx context.Context, rec slog.Record) error {
	out := slog.NewRecord(rec.Time, rec.Level, r.clean(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool { out.AddAttrs(r.attr(a)); return true })
	return r.next.Handle(ctx, out)
}

// WithAttrs is the log with more attributes.
func (r *redactor) WithAttrs(as []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(as))
	for i, a := range as {
		out[i] = r.attr(a)
	}
	return &redactor{next: r.next.WithAttrs(out), clean: r.clean}
}

// WithGroup is the log within a group.
func (r *redactor) WithGroup(name string) slog.Handler {
	return &redactor{next: r.next.WithGroup(name), clean: r.clean}
}

func (r *redactor) attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, r.clean(v.String()))
	case slog.KindGroup:
		out := make([]any, 0, len(v.Group()))
		for _, in := range v.Group() {
			out = append(out, r.attr(in))
		}
		return slog.Group(a.Key, out...)
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return slog.String(a.Key, r.clean(httpx.Clean(err).Error()))
		}
		return slog.String(a.Key, r.clean(v.String()))
	}
	return a
}
