package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/internal/simulate"
	"github.com/parley-hub/parley/timeline"
)

// patience is how long anything here may take; on an idle machine all of it takes a second.
const patience = 30 * time.Second

// hub runs the whole program on a data folder of its own until the test ends.
func hub(t *testing.T) (base string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PARLEY_ADDR", addr)
	t.Setenv("PARLEY_DATA", t.TempDir())
	t.Setenv("PARLEY_LOG", "error")
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- dispatch(ctx, []string{"serve", "--demo=false"}, &out) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the hub did not end in order: %v", err)
		}
		if !strings.Contains(out.String(), "/once#") {
			t.Errorf("no sign-in was printed:\n%s", out.String())
		}
	})
	base = "http://" + addr
	until(t, "ready", func() bool {
		return simulate.NewAgent(simulate.AgentConfig{Base: base}).Call(ctx, "GET", "/readyz", nil, nil) == nil
	})
	return base
}

// until polls.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not %s within %v", what, patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func commandLine(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := dispatch(t.Context(), args, &out); err != nil {
		t.Fatalf("parley %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(out.String())
}

func TestVisitorAndAgentTalk(t *testing.T) {
	base := hub(t)
	token := commandLine(t, "token", "create") // while it runs
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	agent := simulate.NewAgent(simulate.AgentConfig{Base: base, Token: token})
	go agent.Run(ctx)
	visitor := simulate.NewVisitor(simulate.VisitorConfig{Base: base, Account: string(demoAccount)})
	if err := visitor.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	go visitor.Run(ctx)
	visitor.Send("Is the pole set sold on its own?")
	until(t, "shown to the agent", func() bool { return len(agent.Screen.Conversations()) == 1 })
	id := agent.Screen.Conversations()[0]
	leg := agent.Screen.Events(id)[0].Leg
	answer := map[string]any{"id": simulate.NewID(), "leg": leg, "text": "It is, and it costs you nothing.", "undo": 0}
	for range 2 { // the same write twice is one write
		if err := agent.Call(ctx, "POST", "/api/conversations/"+string(id)+"/messages", answer, nil); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "shown to the visitor", func() bool { return answers(visitor.Items()) > 0 })
	until(t, "delivered", func() bool {
		es, err := agent.Events(ctx, id, 0)
		return err == nil && len(es) > 1 && es[1].Message != nil && es[1].Message.Delivery != nil && es[1].Message.Delivery.State == timeline.Delivered
	})
	if n := answers(visitor.Items()); n != 1 {
		t.Errorf("the visitor saw %d answers", n)
	}
}

// answers counts the messages of ours among a visitor's items.
func answers(items []timeline.Item) int {
	seen := map[timeline.EventID]bool{}
	for _, it := range items {
		if it.Target != nil && it.Target.Direction == timeline.Out {
			seen[it.Target.ID] = true
		}
	}
	return len(seen)
}

func TestAgentIsAddedWhileItRuns(t *testing.T) {
	base := hub(t)
	link := commandLine(t, "agent", "create", "--email", "priya@example.org", "--name", "Priya Nair")
	secret, ok := strings.CutPrefix(link, base+"/once#")
	if !ok {
		t.Fatalf("no link: %q", link)
	}
	client := simulate.NewAgent(simulate.AgentConfig{Base: base})
	if err := client.Call(t.Context(), "POST", "/api/session/once", map[string]string{"secret": secret}, nil); err != nil {
		t.Errorf("the link does not sign in: %v", err)
	}
	if err := client.Call(t.Context(), "POST", "/api/session/once", map[string]string{"secret": secret}, nil); err == nil {
		t.Error("the link signs in twice")
	}
}

func TestRemovedDemoAccountStaysRemoved(t *testing.T) {
	t.Setenv("PARLEY_DATA", t.TempDir())
	c, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := newNode(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.abandon(); err != nil {
			t.Error(err)
		}
	}()
	for range 2 { // as two nodes, or a start after a crash
		if err := n.seed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if as, err := n.gateway.List(t.Context()); err != nil || len(as) != 1 || as[0].ID != demoAccount {
		t.Fatalf("a first start made %+v, %v", as, err)
	}
	if err := n.gateway.Remove(t.Context(), demoAccount); err != nil {
		t.Fatal(err)
	}
	if err := n.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if as, err := n.gateway.List(t.Context()); err != nil || len(as) != 0 {
		t.Errorf("it came back: %+v, %v", as, err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Setenv("PARLEY_DATA", t.TempDir())
	for name, c := range map[string]struct {
		args []string
		err  string // part of it; empty: none
	}{
		"version":               {[]string{"version"}, ""},
		"help":                  {[]string{"--help"}, ""},
		"config":                {[]string{"config"}, ""},
		"nothing":               {nil, errUsage.Error()},
		"unknown":               {[]string{"start"}, errUsage.Error()},
		"half a command":        {[]string{"agent"}, errUsage.Error()},
		"unknown setting":       {[]string{"serve", "--prot=8080"}, "PARLEY_PROT"},
		"no setting":            {[]string{"serve", "8080"}, "--name=value"},
		"agent without address": {[]string{"agent", "create"}, "email"},
		"unknown agent":         {[]string{"token", "create", "--agent", "nobody@example.org"}, "parley agent create"},
		"nothing to simulate":   {[]string{"simulate"}, "webchat"},
		"no such rate":          {[]string{"simulate", "webchat", "--rate", "0"}, "rate"},
	} {
		t.Run(name, func(t *testing.T) {
			err := dispatch(t.Context(), c.args, &bytes.Buffer{})
			switch {
			case c.err == "" && err != nil:
				t.Error(err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want one that says %q", err, c.err)
			}
		})
	}
}

func TestBusyAddressIsExplained(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	t.Setenv("PARLEY_ADDR", l.Addr().String())
	t.Setenv("PARLEY_DATA", t.TempDir())
	err = dispatch(t.Context(), []string{"serve"}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "PARLEY_ADDR") || errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
