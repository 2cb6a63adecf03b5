package channels

import (
	"context"
	"log/slog"
	"time"
)

// Simulator plays the far side of a channel against any hub, from outside: for load, for
// demos, and for trying things out. It speaks what the far side speaks and nothing else.
type Simulator struct {
	Options []Setting // beside those of every simulation
	// Run plays until s.For is over or ctx ends; both are no error.
	Run func(ctx context.Context, s Simulation) (Played, error)
}

// Simulation is what to play.
type Simulation struct {
	Hub        string            // the hub's address, such as http://127.0.0.1:8080
	Options    map[string]string // by the names of the simulator's options
	People     int               // how many write
	Rate       float64           // messages per second, over all of them
	Duplicates float64           // share of deliveries made twice, 0 to 1
	Reorder    float64           // share of deliveries that a later one overtakes, 0 to 1
	For        time.Duration     // 0: until ctx ends
	Seed       uint64            // the same seed plays the same
	Lines      []string          // what people say
	Log        *slog.Logger
}

// Played is what came of a simulation.
type Played struct {
	Sent      int64         // messages people wrote
	Delivered int64         // deliveries the hub took, repeats included
	Refused   int64         // deliveries it did not take
	Answers   int64         // messages of the hub that reached them
	Slowest   time.Duration // the longest the hub took to take one
}
