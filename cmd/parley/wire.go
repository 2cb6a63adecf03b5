package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/inbox/journal"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// The parts define what they need of one another; here one's words are put into the other's.

// asks publishes what agents ask for.
type asks struct{ b *bus.Bus }

// Publish returns when the commands are durable.
func (c asks) Publish(ctx context.Context, cs ...timeline.Command) error {
	return bus.Publish(ctx, c.b, bus.Journal, cs...)
}

// merges names the survivor first, as the API does.
type merges struct{ j *journal.Journal }

// Merge makes from a part of into.
func (m merges) Merge(ctx context.Context, into, from timeline.PersonID, by timeline.Actor) (string, error) {
	return m.j.Merge(ctx, from, into, by)
}

// Undo takes a merge apart.
func (m merges) Undo(ctx context.Context, id string, by timeline.Actor) error {
	return m.j.Undo(ctx, id, by)
}

// present is who has a conversation open.
func (n *node) present(id timeline.ConversationID) api.Presence {
	agents, customer := n.hub.Present(id)
	out := api.Presence{Agents: make([]api.PresentAgent, 0, len(agents)), Customer: api.PresentCustomer(customer)}
	for _, a := range agents {
		out.Agents = append(out.Agents, api.PresentAgent(a))
	}
	return out
}

func pointers(cs []channels.Channel) []*channels.Channel {
	out := make([]*channels.Channel, len(cs))
	for i := range cs {
		out[i] = &cs[i]
	}
	return out
}

// engine names what a part runs on.
func engine(urls int, name string) string {
	if urls == 0 {
		return "embedded"
	}
	return name
}

// status is what the app's status strip and operators read.
func (n *node) status(ctx context.Context) api.HubStatus {
	r := n.health.Ready(ctx)
	s := api.HubStatus{Version: version, Node: n.cfg.Node, Ready: r.Ready, Started: n.begun.UTC().Format(time.RFC3339),
		Engines: map[string]string{"store": n.store.Engine(), "bus": engine(len(n.cfg.Kafka), "kafka"), "search": n.finding.Name()},
		Checks:  map[string]string{}, Lag: map[string]int64{}}
	for name, c := range r.Checks {
		s.Checks[name] = "ok"
		if !c.OK {
			s.Checks[name] = c.Reason
		}
	}
	if why := n.trail.broken(); why != "" {
		s.Checks["audit"] = why // amber: the hub works, and somebody must look
	}
	for name, parts := range n.bus.Lag() {
		for _, lag := range parts {
			s.Lag[name] += lag
		}
	}
	return s
}

// security is how the settings want brokers to be spoken to.
func security(l config.KafkaLogin) (bus.Security, error) {
	s := bus.Security{User: l.User, Password: string(l.Password), Mechanism: l.Mechanism}
	if !l.TLS {
		return s, nil
	}
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	if l.CA == "" {
		return s, nil
	}
	pem, err := os.ReadFile(l.CA)
	if err != nil {
		return s, fmt.Errorf("reading PARLEY_KAFKA_CA: %w", err)
	}
	s.TLS.RootCAs = x509.NewCertPool()
	if !s.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return s, fmt.Errorf("PARLEY_KAFKA_CA: %s holds no certificate in PEM", l.CA)
	}
	return s, nil
}
