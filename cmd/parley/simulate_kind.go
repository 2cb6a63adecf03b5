package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/all"
)

// simulated are the kinds whose far side can be played.
func simulated() (kinds []string) {
	for _, c := range all.Channels {
		if c.Simulate != nil {
			kinds = append(kinds, c.Kind)
		}
	}
	return kinds
}

// simulateKind plays a channel's far side as its adapter knows how.
func simulateKind(ctx context.Context, kind string, args []string, out io.Writer) error {
	i := slices.IndexFunc(all.Channels, func(c channels.Channel) bool { return c.Kind == kind && c.Simulate != nil })
	if i < 0 {
		return fmt.Errorf("simulate: %q cannot be played; name one of %s", kind, strings.Join(append([]string{visitors}, simulated()...), ", "))
	}
	sim := all.Channels[i].Simulate
	s := channels.Simulation{Options: map[string]string{}, Lines: simulatedLines, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	fs := flags("simulate " + kind)
	fs.StringVar(&s.Hub, "url", "http://127.0.0.1:8080", "where the hub is")
	fs.IntVar(&s.People, "people", 10, "how many people write")
	fs.Float64Var(&s.Rate, "rate", 1, "messages per second, over all people")
	fs.Float64Var(&s.Duplicates, "duplicates", 0, "share of deliveries that are made twice, 0 to 1")
	fs.Float64Var(&s.Reorder, "reorder", 0, "share of deliveries that a later one overtakes, 0 to 1")
	fs.DurationVar(&s.For, "for", time.Minute, "how long; 0: until it is stopped")
	fs.Uint64Var(&s.Seed, "seed", 0, "the same seed plays the same again; 0: drawn")
	values := map[string]*string{}
	for _, o := range sim.Options {
		values[o.Name] = fs.String(o.Name, o.Default, o.Help["en"])
	}
	if err := parse(fs, args); err != nil {
		return err
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64()
	}
	for _, o := range sim.Options {
		s.Options[o.Name] = *values[o.Name]
		if s.Options[o.Name] == "" && !o.Optional {
			return fmt.Errorf("simulate: --%s is needed: %s", o.Name, o.Help["en"])
		}
	}
	if s.Rate <= 0 || s.People <= 0 || s.Duplicates < 0 || s.Duplicates > 1 || s.Reorder < 0 || s.Reorder > 1 {
		return errors.New("simulate: rate and people are more than 0, duplicates and reorder from 0 to 1")
	}
	p, err := sim.Run(ctx, s)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	_, err = fmt.Fprintf(out, "sent %d, delivered %d, refused %d, answers %d, slowest %d ms\n", p.Sent, p.Delivered, p.Refused, p.Answers, p.Slowest.Milliseconds())
	return err
}
