package bus

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Security is how a cluster's brokers are spoken to. The zero value is in the clear, to brokers
// that ask for no name.
type Security struct {
	TLS       *tls.Config // nil: in the clear
	User      string      // empty: nobody
	Password  string
	Mechanism string // plain, scram-sha-256 or scram-sha-512; scram-sha-512
}

// LogValue keeps the password out of logs.
func (s Security) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("tls", s.TLS != nil), slog.String("user", s.User), slog.String("mechanism", s.Mechanism))
}

func (s Security) sasl() (sasl.Mechanism, error) {
	if s.User == "" {
		return nil, nil
	}
	switch s.Mechanism {
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512", "":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("bus: unknown mechanism %q: use plain, scram-sha-256 or scram-sha-512", s.Mechanism)
}
