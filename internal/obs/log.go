// Package obs is how the hub is observed: logs, metrics, traces, health, and an orderly
// end. Logs never hold message text or secrets.
package obs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// redacted are the names of attributes whose value is never logged, as whole words of the
// name. Values of secret types redact themselves by slog.LogValuer.
var redacted = []string{"password", "secret", "token", "authorization", "cookie", "key", "code", "jwt", "csrf",
	"text", "html", "body", "subject", "quoted", "preview"}

// mask stands for what is not logged.
const mask = "[redacted]"

// NewLogger makes the process's logger. Level is debug, info, warn or error; format json
// or text. Lines written within a trace carry its id.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("obs: log level: %w", err)
	}
	opt := &slog.HandlerOptions{Level: l, ReplaceAttr: redact}
	switch format {
	case "json":
		return slog.New(traced{slog.NewJSONHandler(w, opt)}), nil
	case "text":
		return slog.New(traced{slog.NewTextHandler(w, opt)}), nil
	}
	return nil, fmt.Errorf("obs: there is no log format %q", format)
}

func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.MessageKey || a.Key == slog.LevelKey || a.Key == slog.TimeKey || !Sensitive(a.Key) {
		return a
	}
	if a.Value.Kind() == slog.KindString && a.Value.String() == "" {
		return a
	}
	if k := a.Value.Kind(); k == slog.KindInt64 || k == slog.KindBool || k == slog.KindDuration || k == slog.KindUint64 {
		return a // "key=3" tells no secret
	}
	return slog.String(a.Key, mask)
}

// Sensitive reports whether a name is one whose value is never shown.
func Sensitive(name string) bool {
	for _, word := range words(name) {
		if slices.Contains(redacted, word) {
			return true
		}
	}
	return false
}

// words cuts a name such as accessToken, access_token or Access-Token.
func words(name string) []string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && lower {
			b.WriteByte(' ')
		}
		lower = !upper
		if strings.ContainsRune("_-. ", r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.Fields(strings.ToLower(b.String()))
}

// traced adds the trace's id to each line.
type traced struct{ slog.Handler }

// Handle writes one line.
func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r.AddAttrs(slog.String("trace", sc.TraceID().String()))
	}
	if err := t.Handler.Handle(ctx, r); err != nil {
		return fmt.Errorf("obs: writing a log line: %w", err)
	}
	return nil
}

// WithAttrs is slog's.
func (t traced) WithAttrs(as []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(as)} }

// WithGroup is slog's.
func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }
