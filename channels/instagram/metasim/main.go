// Command metasim is the far side of Instagram, Messenger and WhatsApp on loopback: the Graph
// API, the logins, the media CDN and the webhooks, for tests and for demonstrations without
// the internet. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/demo"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/sim"
)

const shutdown = 3 * time.Second

type flags struct {
	addr, scenario string
	state          string
	public         string
	seed           int64
	scale          float64
	ready          bool
	demo           bool
	scene          demo.Options
}

func main() {
	var f flags
	flag.StringVar(&f.addr, "addr", "127.0.0.1:7081", "address to listen on; port 0 takes a free one")
	flag.StringVar(&f.public, "public", "", "address given out in links, where it is not that of -addr")
	flag.Int64Var(&f.seed, "seed", 1, "seed of everything drawn at random")
	flag.Float64Var(&f.scale, "scale", 1, "simulated seconds per real second; 0 freezes the clock")
	flag.StringVar(&f.scenario, "scenario", "", "JSON file with a situation to start from")
	flag.StringVar(&f.state, "state", "", "file to keep the world in between runs")
	flag.BoolVar(&f.ready, "ready", false, `print {"addr":…} in place of the bare address`)
	flag.BoolVar(&f.demo, "demo", false, "make one account and a few people, and play a short scene")
	f.scene.Register(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "metasim: takes no arguments, only flags")
		os.Exit(2)
	}
	f.seed = freshSeed(f)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "metasim:", err)
		os.Exit(1)
	}
}

// freshSeed is the seed asked for. A hub remembers the ids of former runs, so where there are
// former runs the default would give old ids to new messages: then the time is the seed.
func freshSeed(f flags) int64 {
	asked := false
	flag.Visit(func(x *flag.Flag) { asked = asked || x.Name == "seed" })
	if !asked && (f.demo || f.state != "") {
		return time.Now().UnixNano()
	}
	return f.seed
}

// run serves until ctx ends. The first line on standard output is the address, written when the
// scenario is set up.
func run(ctx context.Context, f flags) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	base := f.public
	if base == "" {
		base = "http://" + l.Addr().String()
	}
	s := sim.New(base, f.seed, f.scale)
	defer s.Close()
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(quiet{slog.Default().Handler()}, slog.LevelDebug)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	keep, err := remember(s, f.state)
	if err == nil {
		defer keep()
		err = start(ctx, s, f)
	}
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	announce(l.Addr().String(), f.ready)
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	s.Control.Close()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := srv.Shutdown(end); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("shutting down: %w", err)
	}
	return srv.Close()
}

func announce(addr string, asJSON bool) {
	if !asJSON {
		fmt.Println(addr)
		return
	}
	// A map of strings always marshals.
	raw, _ := json.Marshal(map[string]string{"addr": addr})
	fmt.Println(string(raw))
}

// start sets up what the flags ask for.
func start(ctx context.Context, s *sim.Sim, f flags) error {
	if f.scenario != "" {
		raw, err := os.ReadFile(f.scenario)
		if err != nil {
			return fmt.Errorf("reading the scenario: %w", err)
		}
		if _, err := s.Control.Run(ctx, raw); err != nil {
			return fmt.Errorf("scenario %s: %w", f.scenario, err)
		}
	}
	if f.demo {
		go func() {
			if err := demo.Play(ctx, s, f.scene); err != nil {
				slog.Error("the demo stopped", "error", err)
			}
		}()
	}
	return nil
}

// quiet lets the HTTP server's own notes through as debugging only: connections dropped on
// purpose would fill the log.
type quiet struct{ slog.Handler }
