package main

import (
	"context"
	"flag"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/sim"
)

type demoFlags struct{ hub string }

func (d *demoFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&d.hub, "hub", "http://127.0.0.1:8080", "address of the hub the demo talks to")
}

func playDemo(context.Context, *sim.Sim, demoFlags) {}
