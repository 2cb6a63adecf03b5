package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
)

// readyWithin is how long a start may take before it counts as failed.
const readyWithin = 20 * time.Second

// stopWithin is how long an orderly stop may take.
const stopWithin = 20 * time.Second

// server is the program under test on one data folder.
type server struct {
	bin  string
	dir  string // its data; removed by whoever made it
	addr string
	log  string // path of what it printed
	cmd  *exec.Cmd
	done chan error
}

// newServer makes a fresh data folder and picks a free port on loopback.
func newServer(bin string) (*server, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(bin); err != nil {
		return nil, fmt.Errorf("the program under test: %w", err)
	}
	dir, err := os.MkdirTemp("", "parleybench-")
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	s := &server{bin: bin, dir: filepath.Join(dir, "data"), addr: addr, log: filepath.Join(dir, "server.log")}
	return s, os.Mkdir(s.dir, 0o700)
}

func (s *server) base() string { return "http://" + s.addr }

// env is the environment of the program: nothing of ours but where to look for files. The far
// sides are on loopback.
func (s *server) env() []string {
	out := []string{"PARLEY_ADDR=" + s.addr, "PARLEY_DATA=" + s.dir, "PARLEY_ALLOW_NETWORKS=127.0.0.0/8"}
	for _, k := range []string{"PATH", "HOME", "TMPDIR", "PARLEY_DEBUG_ADDR", "GOMAXPROCS", "GODEBUG"} {
		if v, ok := os.LookupEnv(k); ok {
			out = append(out, k+"="+v)
		}
	}
	return out
}

// start runs the program and waits until it is ready. It tells how long that took.
func (s *server) start(ctx context.Context) (time.Duration, error) {
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	s.cmd = exec.CommandContext(context.WithoutCancel(ctx), s.bin, "serve", "--demo=false")
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.env(), log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the program: %w", err)
	}
	s.done = make(chan error, 1)
	go func(c *exec.Cmd, done chan error) { done <- c.Wait() }(s.cmd, s.done)
	return s.waitReady(ctx, began)
}

func (s *server) waitReady(ctx context.Context, began time.Time) (time.Duration, error) {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for time.Since(began) < readyWithin {
		select {
		case err := <-s.done:
			s.done <- err
			return 0, fmt.Errorf("the program ended before it was ready: %w\n%s", err, s.tail())
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base()+"/readyz", http.NoBody)
		if err != nil {
			return 0, err
		}
		res, err := client.Do(req)
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("the program was not ready after %v\n%s", readyWithin, s.tail())
}

// kill ends the program at once, as a power cut to the process.
func (s *server) kill() error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the program: %w", err)
	}
	<-s.done //nolint:errcheck // it was killed: an error is what it should be
	s.cmd = nil
	return nil
}

// stop ends the program in an orderly way.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the program: %w", err)
	}
	select {
	case err := <-s.done:
		s.cmd = nil
		var exit *exec.ExitError
		if errors.As(err, &exit) && !exit.Exited() {
			return nil // ended by the signal itself
		}
		return err
	case <-time.After(stopWithin):
		return errors.Join(fmt.Errorf("the program did not stop within %v", stopWithin), s.kill())
	}
}

// remove deletes the folder, once the program ended.
func (s *server) remove() error {
	return errors.Join(s.kill(), os.RemoveAll(filepath.Dir(s.dir)))
}

// tail is the end of what the program printed.
func (s *server) tail() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// command runs another command of the program on the same data and gives what it printed.
func (s *server) command(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	c := exec.CommandContext(ctx, s.bin, args...)
	var out, errs bytes.Buffer
	c.Env, c.Stdout, c.Stderr = s.env(), &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(s.bin), strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// token makes an agent and a token for their programs.
func (s *server) token(ctx context.Context, email, name string) (string, error) {
	if _, err := s.command(ctx, "agent", "create", "--email", email, "--name", name, "--role", "admin"); err != nil {
		return "", err
	}
	out, err := s.command(ctx, "token", "create", "--agent", email)
	if err != nil {
		return "", err
	}
	words := strings.Fields(out)
	if len(words) == 0 {
		return "", fmt.Errorf("token create printed nothing")
	}
	return words[len(words)-1], nil
}

// chatAccount is the web chat account the visitors write to.
const chatAccount = "bench"

// openChat makes the account, without the limits that keep one real visitor from writing as
// much as a test does.
func (s *server) openChat(ctx context.Context, token string) error {
	a := simulate.NewAgent(simulate.AgentConfig{Base: s.base(), Token: token})
	err := a.Call(ctx, http.MethodPost, "/api/accounts", map[string]any{"id": chatAccount, "channel": "webchat", "name": "Bench",
		"settings": map[string]string{"title": "Bench", "messageRate": "0", "sessionRate": "0"}}, nil)
	if err != nil {
		return fmt.Errorf("make the web chat account: %w", err)
	}
	return nil
}

// cpu is the processor time the program has used.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, errU := strconv.ParseInt(f[11], 10, 64)
	system, errS := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * (time.Second / 100), errors.Join(errU, errS) // USER_HZ is 100 on Linux
}

// rss is the memory the program holds, in bytes.
func (s *server) rss() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0, fmt.Errorf("no VmRSS in the program's status")
	}
	kb, err := strconv.ParseInt(f[0], 10, 64)
	return kb << 10, err
}
