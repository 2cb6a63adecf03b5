// Command parleybench measures and torments a Parley binary from outside: it starts the
// real program on a fresh folder and speaks only the public protocols to it.
//
//	parleybench bench [-bin build/parley] [-json build/bench.json] [-only names] [-runs 5]
//	parleybench crash [-bin build/parley] [-cycles 200]
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "parleybench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say bench or crash")
	}
	switch args[0] {
	case "bench":
		return benchCommand(ctx, args[1:])
	case "crash":
		return crashCommand(ctx, args[1:])
	}
	return fmt.Errorf("unknown command %q: say bench or crash", args[0])
}
