package bus

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"

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

// ParseBrokers reads a setting that names brokers: "host:port,host:port", or as a URL
// "kafka://user:password@host:port,host:port?mechanism=scram-sha-256"; with kafkas:// over TLS.
// A port left out is 9092. The empty string names none, and that means the embedded broker.
func ParseBrokers(setting string) ([]string, Security, error) {
	var s Security
	rest := strings.TrimSpace(setting)
	if rest == "" {
		return nil, s, nil
	}
	if scheme, after, ok := strings.Cut(rest, "://"); ok {
		switch scheme {
		case "kafka":
		case "kafkas":
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		default:
			return nil, s, fmt.Errorf("bus: unknown scheme %q: use kafka or kafkas", scheme)
		}
		rest = after
	}
	rest, query, _ := strings.Cut(rest, "?")
	if err := s.query(query); err != nil {
		return nil, s, err
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		if err := s.userinfo(rest[:i]); err != nil {
			return nil, s, err
		}
		rest = rest[i+1:]
	}
	brokers, err := hosts(strings.TrimSuffix(rest, "/"))
	if err != nil {
		return nil, s, err
	}
	_, err = s.sasl()
	return brokers, s, err
}

func (s *Security) query(query string) error {
	q, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("bus: brokers: %w", err)
	}
	for k := range q {
		if k != "mechanism" {
			return fmt.Errorf("bus: brokers: unknown parameter %q", k)
		}
	}
	s.Mechanism = strings.ToLower(q.Get("mechanism"))
	return nil
}

func (s *Security) userinfo(info string) error {
	user, password, _ := strings.Cut(info, ":")
	var err error
	if s.User, err = url.PathUnescape(user); err != nil {
		return fmt.Errorf("bus: brokers: user: %w", err)
	}
	if s.Password, err = url.PathUnescape(password); err != nil {
		return fmt.Errorf("bus: brokers: the password is not escaped properly") // without the password
	}
	return nil
}

func hosts(list string) (out []string, err error) {
	for h := range strings.SplitSeq(list, ",") {
		if h = strings.TrimSpace(h); h == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(h); err != nil {
			h = net.JoinHostPort(strings.Trim(h, "[]"), "9092")
		}
		out = append(out, h)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("bus: brokers: no host is named")
	}
	return out, nil
}
