package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
)

// inviteHolds is how long a new agent has to sign in for the first time.
const inviteHolds = 7 * 24 * time.Hour

// after reports whether args begin with the words of name, and what follows them.
func after(args []string, name string) ([]string, bool) {
	words := strings.Fields(name)
	if len(args) < len(words) {
		return nil, false
	}
	for i, w := range words {
		if args[i] != w {
			return nil, false
		}
	}
	return args[len(words):], true
}

func flags(name string) *flag.FlagSet {
	fs := flag.NewFlagSet("parley "+name, flag.ContinueOnError)
	fs.SetOutput(os.Stderr)
	return fs
}

// parse reads flags and refuses anything else.
func parse(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("%s: %q is not a flag; see parley help", fs.Name(), fs.Arg(0))
	}
	return nil
}

func printConfig(_ context.Context, args []string, out io.Writer) error {
	if err := parse(flags("config"), args); err != nil {
		return err
	}
	c, err := config.Load(nil)
	if err != nil {
		return err
	}
	return c.Print(out)
}

// office opens the store and the sign-in service for one command. The hub may be running
// on the same data.
func office(ctx context.Context, do func(*config.Config, *auth.Service) error) (err error) {
	c, err := config.Load(nil)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{URI: c.MongoDB, Dir: c.Data})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	box, err := seal.Load(string(c.Key), c.Data)
	if err != nil {
		return err
	}
	return do(c, auth.New(s, box, auth.Options{Idle: c.Session.Idle, Max: c.Session.Max}))
}

func createAgent(ctx context.Context, args []string, out io.Writer) error {
	fs := flags("agent create")
	email := fs.String("email", "", "the agent's address; they sign in with it")
	name := fs.String("name", "", "as colleagues and customers see it; the address's first part by default")
	role := fs.String("role", "agent", "admin, supervisor, agent or viewer")
	stdin := fs.Bool("password-stdin", false, "read the password from standard input; without it a one-time link is printed")
	if err := parse(fs, args); err != nil {
		return err
	}
	n := auth.NewAgent{Email: *email, Name: *name, Roles: []string{*role}}
	if n.Name == "" {
		n.Name, _, _ = strings.Cut(*email, "@")
	}
	if *stdin {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the password: %w", err)
		}
		n.Password = strings.TrimRight(line, "\r\n")
	}
	return office(ctx, func(c *config.Config, a *auth.Service) error {
		agent, err := a.CreateAgent(ctx, n)
		if err != nil {
			return err
		}
		if n.Password != "" {
			_, err = fmt.Fprintf(out, "%s can sign in at %s\n", agent.Email, home(c))
			return err
		}
		secret, err := a.Invite(ctx, agent.ID, inviteHolds)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, onceLink(c, secret))
		return err
	})
}

func createToken(ctx context.Context, args []string, out io.Writer) error {
	fs := flags("token create")
	email := fs.String("agent", "", "address of the agent it acts as; the first administrator by default")
	name := fs.String("name", "command line", "what it is for")
	if err := parse(fs, args); err != nil {
		return err
	}
	return office(ctx, func(_ *config.Config, a *auth.Service) error {
		agent, err := tokenAgent(ctx, a, *email)
		if err != nil {
			return err
		}
		secret, _, err := a.CreateToken(ctx, agent.ID, *name, nil, nil)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, secret)
		return err
	})
}

// tokenAgent finds the agent a token acts as, and makes the first administrator where there is nobody yet.
func tokenAgent(ctx context.Context, a *auth.Service, email string) (*auth.Agent, error) {
	if email != "" {
		agent, err := a.AgentByEmail(ctx, auth.NormalEmail(email))
		if errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("there is no agent %s; add one with parley agent create", email)
		}
		return agent, err
	}
	if _, err := a.First(ctx); err != nil {
		return nil, err
	}
	agents, err := a.Agents(ctx)
	if err != nil {
		return nil, err
	}
	for i := range agents {
		for _, r := range agents[i].Roles {
			if r == "admin" && agents[i].Disabled == nil {
				return &agents[i], nil
			}
		}
	}
	return nil, errors.New("there is no administrator; name an agent with --agent")
}

// home is where people reach the hub.
func home(c *config.Config) string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	return "http://" + strings.Replace(c.Addr, "0.0.0.0", "127.0.0.1", 1)
}

// onceLink is an address that signs in once. The secret stands behind #, so that it is in no log.
func onceLink(c *config.Config, secret string) string { return home(c) + "/once#" + secret }
