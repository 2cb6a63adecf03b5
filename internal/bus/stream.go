package bus

import (
	"encoding/json"
	"fmt"
)

// Stream is a topic of any type: what a bus needs to create it and to publish by name.
// Only [Topic] implements it.
type Stream interface{ spec() spec }

// spec is a topic without its type.
type spec struct {
	name    string
	durable bool
	keyOf   func(value []byte) (key string, depth int, err error)
}

func (t Topic[T]) spec() spec {
	return spec{name: t.Name, durable: t.Durable, keyOf: func(b []byte) (string, int, error) {
		var v T
		if err := json.Unmarshal(b, &v); err != nil {
			return "", 0, fmt.Errorf("bus: %s: decoding: %w", t.Name, err)
		}
		return t.Key(v), t.depth(v), nil
	}}
}

func (t Topic[T]) depth(v T) int {
	if t.Depth == nil {
		return 0
	}
	return t.Depth(v)
}
