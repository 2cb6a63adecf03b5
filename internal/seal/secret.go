package seal

import "log/slog"

// mask is how a secret shows itself.
const mask = "[secret]"

// Secret is a value that must not be seen: it prints, logs and marshals as "[secret]".
type Secret string

// Reveal is the value itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string { return mask }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return mask }

// LogValue hides the value from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText hides the value from JSON and every other text encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
