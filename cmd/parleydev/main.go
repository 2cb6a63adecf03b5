// Command parleydev is what `make dev` runs: the server, built and started again whenever a
// Go file changes, and the agent app's development server, which reloads by itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be quiet before a build: editors save in several steps.
const settle = 200 * time.Millisecond

// grace is how long the server may take to stop before it is killed.
const grace = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	if err := watch(w, "."); err != nil {
		return err
	}
	vite := command(ctx, "npm", "run", "dev")
	vite.Dir = "web/app"
	if err := vite.Start(); err != nil {
		return fmt.Errorf("starting the app's development server: %w", err)
	}
	defer wait(vite)
	return serve(ctx, w)
}

// serve keeps the newest build that compiles running.
func serve(ctx context.Context, w *fsnotify.Watcher) error {
	var server *exec.Cmd
	defer func() { halt(server) }()
	timer := time.NewTimer(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.Errors:
			return err
		case e := <-w.Events:
			if strings.HasSuffix(e.Name, ".go") {
				timer.Reset(settle)
			}
		case <-timer.C:
			next, err := rebuild(ctx)
			if err != nil {
				fmt.Fprintln(os.Stderr, "dev: not built, the last one goes on:", err)
				continue
			}
			halt(server)
			server = next
			if err := server.Start(); err != nil {
				return err
			}
		}
	}
}

func rebuild(ctx context.Context) (*exec.Cmd, error) {
	if err := command(ctx, "go", "build", "-o", "build/parley-dev", "./cmd/parley").Run(); err != nil {
		return nil, err
	}
	return command(ctx, "./build/parley-dev", "serve"), nil
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = grace
	return c
}

func halt(c *exec.Cmd) {
	if c == nil || c.Process == nil {
		return
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		fmt.Fprintln(os.Stderr, "dev: stopping the server:", err)
	}
	wait(c)
}

func wait(c *exec.Cmd) {
	var exit *exec.ExitError
	if err := c.Wait(); err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, "dev:", err)
	}
}

// watch adds a folder and those below it that hold Go code.
func watch(w *fsnotify.Watcher, root string) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if p != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "build" || d.Name() == "data" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		return w.Add(p)
	})
}
