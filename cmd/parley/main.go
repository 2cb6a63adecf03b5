// Command parley is the whole hub in one program.
//
//	parley serve                       run it
//	parley config                      print the effective settings
//	parley agent create --email E      add an agent
//	parley token create --agent E      make an API token
//	parley search rebuild              make the search index anew
//	parley simulate webchat            play customers against a running hub
//	parley version
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

// command is one thing the program does.
type command struct {
	name, args, help string
	run              func(ctx context.Context, args []string, out io.Writer) error
}

var commands = []command{
	{"serve", "[--demo] [--NAME=value …]", "run the hub", serve},
	{"config", "", "print the effective settings and where each comes from", printConfig},
	{"agent create", "--email E [--name N] [--role R] [--password-stdin]", "add an agent", createAgent},
	{"token create", "[--agent E] [--name N]", "make an API token; it is printed once", createToken},
	{"audit verify", "", "check that nobody changed the audit log", verifyAudit},
	{"search rebuild", "", "make the search index anew from the store, with progress", rebuildSearch},
	{"simulate", "webchat [--url U] [--account A] [--rate R] …", "play customers against a running hub", simulateCommand},
	{"version", "", "print the version", printVersion},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		usage(os.Stderr)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "parley:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("no such command")

// dispatch finds the command whose words the arguments begin with.
func dispatch(ctx context.Context, args []string, out io.Writer) error {
	for _, c := range commands {
		if rest, ok := after(args, c.name); ok {
			return c.run(ctx, rest, out)
		}
	}
	if len(args) > 0 && (args[0] == "help" || args[0] == "--help" || args[0] == "-h") {
		usage(out)
		return nil
	}
	return errUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage:")
	for _, c := range commands {
		fmt.Fprintf(w, "  parley %-13s %-62s %s\n", c.name, c.args, c.help)
	}
	fmt.Fprintln(w, "\nSettings are environment variables; parley config lists them with their meaning.")
}

func printVersion(_ context.Context, _ []string, out io.Writer) error {
	_, err := fmt.Fprintln(out, version)
	return err
}
