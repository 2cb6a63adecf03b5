package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/obs"
	"github.com/parley-hub/parley/timeline"
)

// demoAccount is the web chat account that a first start makes, so that there is something
// to try. It can be changed and removed like any other.
const demoAccount = timeline.AccountID("demo")

// serve runs the hub until it is told to end.
func serve(ctx context.Context, args []string, out io.Writer) error {
	over, err := settingFlags(args)
	if err != nil {
		return err
	}
	c, err := config.Load(over)
	if err != nil {
		return err
	}
	log, err := obs.NewLogger(os.Stderr, c.Log.Level, c.Log.Format)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w; choose another address with PARLEY_ADDR", c.Addr, err)
	}
	n, err := newNode(ctx, c, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	served := make(chan error, 1)
	n.listener = newListener(l)
	go func() { served <- n.web.Listener(n.listener) }()
	if err := n.start(ctx); err != nil {
		return errors.Join(err, n.shutdown().Run(context.WithoutCancel(ctx), log))
	}
	if err := n.welcome(ctx, out); err != nil {
		log.Warn("the sign-in could not be prepared", "err", err)
	}
	if c.DebugAddr != "" {
		go n.profiles(n.ctx)
	}
	if c.Demo {
		if err := n.demoAccounts(ctx, c.DemoAccounts); err != nil {
			log.Warn("the demo's accounts are not all there", "err", err)
		}
		go n.demo(n.ctx)
	}
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	return errors.Join(err, n.shutdown().Run(context.WithoutCancel(ctx), log))
}

// settingFlags reads --name=value for any setting: --addr=:9000 is PARLEY_ADDR. A flag
// without a value is true.
func settingFlags(args []string) (map[string]string, error) {
	over := map[string]string{}
	for _, a := range args {
		name, ok := strings.CutPrefix(a, "--")
		if !ok || name == "" {
			return nil, fmt.Errorf("serve: %q is not understood; settings are given as --name=value, such as --addr=127.0.0.1:9000", a)
		}
		name, value, given := strings.Cut(name, "=")
		if !given {
			value = strconv.FormatBool(true)
		}
		over["PARLEY_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = value
	}
	return over, nil
}

// welcome says where to look and, until somebody signed in, how.
func (n *node) welcome(ctx context.Context, out io.Writer) error {
	base := home(n.cfg)
	secret, err := n.auth.First(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nParley %s is ready.\n\n  inbox        %s/\n  a shop       %s/demo/shop\n", version, base, base)
	if secret != "" {
		fmt.Fprintf(out, "  sign in      %s\n               works once, within a day; choose a password there\n", onceLink(n.cfg, secret))
	}
	fmt.Fprintf(out, "  API          %s/api/openapi.json\n\n", base)
	return nil
}

// seeded marks a store whose first start is over: what it made may have been removed since,
// and must not come back.
const seeded = "seeded"

// seed makes what a first start needs, once in the life of a store. What a crash left undone
// is done at the next start.
func (n *node) seed(ctx context.Context) error {
	if err := n.once(ctx, seeded, func() error { return n.seedAccount(ctx) }); err != nil {
		return fmt.Errorf("making the first account: %w", err)
	}
	return nil
}

// seedAccount makes the demo's account where there is none at all.
func (n *node) seedAccount(ctx context.Context) error {
	as, err := n.gateway.List(ctx)
	if err != nil || len(as) > 0 {
		return err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("drawing a secret: %w", err)
	}
	_, err = n.gateway.Create(ctx, gateway.Draft{ID: demoAccount, Channel: "webchat", Name: "Halden shop", Settings: map[string]string{
		"title": "Halden", "greeting": "Ask us anything.", "team": "Priya Nair\nJonas Weber", "replyTime": "about 3 minutes",
		"origins": "*", "messageRate": "0", "sessionRate": "0", // so that anything can be tried on it
		"identitySecret": base64.RawURLEncoding.EncodeToString(secret),
	}})
	if _, there := n.gateway.Get(ctx, demoAccount); err != nil && there == nil { // another node made it meanwhile
		return nil
	}
	return err
}
