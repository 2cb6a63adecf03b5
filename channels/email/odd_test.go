package email

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/far"
	"github.com/parley-hub/parley/timeline"
)

// oddServer is an IMAP server with mails 1 to n that answers the fetch of one mail as it likes.
func oddServer(t *testing.T, n int, odd func(u int, c io.Writer, raw string) bool) *far.Script {
	t.Helper()
	s, err := far.NewScript(func(_ int, r *bufio.Reader, c net.Conn) {
		fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1] odd\r\n")
		for {
			l, err := r.ReadString('\n')
			if err != nil {
				return
			}
			tag, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
			switch {
			case strings.HasPrefix(rest, "SELECT"), strings.HasPrefix(rest, "EXAMINE"):
				fmt.Fprintf(c, "* %d EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT %d] .\r\n", n, n+1)
			case strings.HasPrefix(rest, "UID SEARCH"):
				fmt.Fprint(c, "* SEARCH 1\r\n")
			case strings.HasPrefix(rest, "UID FETCH"):
				set, _, _ := strings.Cut(strings.TrimPrefix(rest, "UID FETCH "), " ")
				for u := 1; u <= n; u++ {
					if inSet(set, u) && !oddFetch(c, u, strings.Contains(rest, "BODY"), odd) {
						return
					}
				}
			}
			fmt.Fprintf(c, "%s OK done\r\n", tag)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func oddFetch(c io.Writer, u int, body bool, odd func(int, io.Writer, string) bool) bool {
	raw := plain(u)
	if !body {
		fmt.Fprintf(c, "* %d FETCH (UID %d RFC822.SIZE %d)\r\n", u, u, len(raw))
		return true
	}
	if u == 2 {
		return odd(u, c, raw)
	}
	fmt.Fprintf(c, "* %d FETCH (UID %d INTERNALDATE \"04-Mar-2026 05:00:00 +0000\" RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", u, u, len(raw), len(raw), raw)
	return true
}

func inSet(set string, u int) bool {
	for r := range strings.SplitSeq(set, ",") {
		a, z, ranged := strings.Cut(r, ":")
		lo, hi := 0, 0
		fmt.Sscan(a, &lo)
		if hi = lo; ranged {
			if hi = 1 << 30; z != "*" {
				fmt.Sscan(z, &hi)
			}
		}
		if u >= lo && u <= hi {
			return true
		}
	}
	return false
}

func TestOddServers(t *testing.T) {
	for _, c := range []struct {
		name string
		odd  func(u int, c io.Writer, raw string) bool
		in   []string // remote ids that come in
		kept bool     // mail 2 cannot be read, and that is told
	}{
		{"unknown_fetch_attr", func(u int, c io.Writer, raw string) bool {
			fmt.Fprintf(c, "* %d FETCH (UID %d X-GM-MSGID 1278455344230334865 BODY[] {%d}\r\n%s)\r\n", u, u, len(raw), raw)
			return true
		}, []string{"f1@hikes.example", "f2@hikes.example", "f3@hikes.example"}, false},
		{"bad_bodystructure_163", func(u int, c io.Writer, raw string) bool {
			fmt.Fprintf(c, "* %d FETCH (UID %d BODYSTRUCTURE (\"TEXT\" NIL) RFC822.SIZE x BODY[] {%d}\r\n%s)\r\n", u, u, len(raw), raw)
			return true
		}, []string{"f1@hikes.example", "f2@hikes.example", "f3@hikes.example"}, false},
		{"no_mail_in_the_answer", func(u int, c io.Writer, _ string) bool {
			fmt.Fprintf(c, "* %d FETCH (((\r\n", u)
			return true
		}, []string{"f1@hikes.example", "f3@hikes.example"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			b.s.set.imap.port = oddServer(t, 3, c.odd).Port()
			b.run()
			b.until("the mail behind it is in", func() bool { return slices.Contains(ids(b.messages()), "f3@hikes.example") })
			if got := ids(b.messages()); !slices.Equal(slices.Compact(got), c.in) {
				t.Errorf("in are %v", got)
			}
			if odd := of(b.hub.Emitted(), timeline.KindUnknown); c.kept != (len(odd) == 1) {
				t.Errorf("%d mails are told to be unreadable", len(odd))
			}
		})
	}
}

func TestBrokenLines(t *testing.T) {
	t.Run("ESMTP greeting instead of IMAP", func(t *testing.T) {
		s, err := far.NewScript(func(_ int, r *bufio.Reader, c net.Conn) {
			fmt.Fprint(c, "220 mail.example ESMTP Postfix\r\n")
			_, _ = r.ReadString('\n')
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		b := newBench(t, nil)
		b.s.set.imap.port = s.Port()
		b.run()
		b.until("it is told and tried again", func() bool { return b.hub.State().State == channels.Amber && s.Connections() > 2 })
	})
	t.Run("server drops in IDLE", func(t *testing.T) {
		b := newBench(t, nil)
		b.s.pace.sweep = time.Hour
		proxy, cut := newProxy(t, b.imap.Port())
		b.s.set.imap.port = proxy.Port()
		b.put(plain(0))
		b.run()
		b.until("the first is in", func() bool { return len(b.messages()) == 1 && b.hub.State().State == channels.Green })
		cut(true)
		b.put(plain(1))
		b.until("the second is in", func() bool { return len(b.messages()) == 2 })
	})
	t.Run("half-open TCP", func(t *testing.T) {
		b := newBench(t, nil)
		b.s.pace = pace{sweep: 100 * time.Millisecond, answer: 300 * time.Millisecond}
		proxy, cut := newProxy(t, b.imap.Port())
		b.s.set.imap.port = proxy.Port()
		b.put(plain(0))
		b.run()
		b.until("the first is in", func() bool { return len(b.messages()) == 1 && b.hub.State().State == channels.Green })
		cut(false)
		b.put(plain(1))
		b.until("the second is in over another line", func() bool { return len(b.messages()) == 2 })
		if proxy.Connections() < 2 {
			t.Error("the dead line was still used")
		}
	})
}

// newProxy passes connections on. cut ends the present ones, or makes them silent for ever.
func newProxy(t *testing.T, to string) (*far.Script, func(hangUp bool)) {
	t.Helper()
	lines := make(chan net.Conn, 100)
	mute := make(chan struct{})
	muted := func(n int) bool {
		select {
		case <-mute:
			return n == 1
		default:
			return false
		}
	}
	s, err := far.NewScript(func(n int, r *bufio.Reader, c net.Conn) {
		up, err := net.Dial("tcp", "127.0.0.1:"+to)
		if err != nil {
			return
		}
		defer func() { _ = up.Close() }()
		lines <- c
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() { _ = up.Close() }()
			pipe(up, c, func() bool { return muted(n) })
		}()
		pipe(c, up, func() bool { return muted(n) })
		_ = c.Close()
		<-done
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, func(hangUp bool) {
		if hangUp {
			_ = (<-lines).Close()
			return
		}
		close(mute)
	}
}

func pipe(to io.Writer, from io.Reader, muted func() bool) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if n > 0 && !muted() {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
