package email

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// errOdd is an answer that even the simple reader makes nothing of.
type errOdd struct{ what string }

func (e *errOdd) Error() string { return "email: the server's answer cannot be read: " + e.what }

const (
	oddLine  = 64 << 10
	oddLines = 10000
)

// literalAt ends a line that a literal of so many bytes follows (RFC 9051 §4.3).
var literalAt = regexp.MustCompile(`\{(\d+)\}\r?\n$`)

// simple is an IMAP dialogue that looks at nothing but tags and literals: what a server says
// beside the mail may be as broken as it likes.
type simple struct {
	net.Conn
	r   *bufio.Reader
	tag int
}

// readSimply fetches one mail over a connection of its own. An *errOdd says that the server
// was reached and answered nonsense; any other error that it was not reached.
func (s *Session) readSimply(ctx context.Context, u imap.UID) ([]byte, error) {
	conn, err := dial(ctx, s.set.imap, s.set)
	if err != nil {
		return nil, fmt.Errorf("email: connecting for one mail: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := conn.SetDeadline(time.Now().Add(bodiesFor)); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	c := &simple{Conn: conn, r: bufio.NewReaderSize(conn, oddLine)}
	if _, err := c.line(); err != nil {
		return nil, err
	}
	if s.set.imap.secure == secureSTARTTLS {
		if _, err := c.ask("STARTTLS"); err != nil {
			return nil, err
		}
		secured := tls.Client(conn, tlsFor(s.set.imap, s.set))
		c = &simple{Conn: secured, r: bufio.NewReaderSize(secured, oddLine), tag: c.tag}
	}
	if err := s.signInSimply(ctx, c); err != nil {
		return nil, err
	}
	if _, err := c.ask("EXAMINE " + quoted(s.set.folder)); err != nil {
		return nil, err
	}
	mails, err := c.ask(fmt.Sprintf("UID FETCH %d (BODY.PEEK[])", u))
	if err != nil {
		return nil, &errOdd{err.Error()}
	}
	if len(mails) == 0 {
		return nil, &errOdd{"it holds no mail"}
	}
	return mails[0], nil
}

func (s *Session) signInSimply(ctx context.Context, c *simple) error {
	if s.tokens == nil {
		_, err := c.ask("LOGIN " + quoted(s.set.user) + " " + quoted(s.set.password))
		return err
	}
	token, err := s.tokens.get(ctx)
	if err != nil {
		return err
	}
	_, first, _ := (&xoauth2{user: s.set.user, token: token}).Start()
	_, err = c.ask("AUTHENTICATE XOAUTH2 " + base64.StdEncoding.EncodeToString(first))
	return err
}

// ask sends a command and returns the largest literals of the answer, largest first.
func (c *simple) ask(command string) ([][]byte, error) {
	c.tag++
	tag := "S" + strconv.Itoa(c.tag)
	if _, err := io.WriteString(c, tag+" "+command+"\r\n"); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	var out [][]byte
	for range oddLines {
		l, err := c.line()
		if err != nil {
			return nil, err
		}
		if m := literalAt.FindSubmatch(l); m != nil {
			b, err := c.literal(string(m[1]))
			if err != nil {
				return nil, err
			}
			if out = append(out, b); len(out) > 1 && len(b) > len(out[0]) {
				out[0], out[len(out)-1] = b, out[0]
			}
			continue
		}
		if rest, ok := bytes.CutPrefix(l, []byte(tag+" ")); ok {
			if !bytes.HasPrefix(bytes.ToUpper(rest), []byte("OK")) {
				return nil, fmt.Errorf("email: the server says %s", strings.TrimSpace(string(rest)))
			}
			return out, nil
		}
		if bytes.HasPrefix(l, []byte("+")) { // a refused token's reason
			if _, err := io.WriteString(c, "\r\n"); err != nil {
				return nil, fmt.Errorf("email: %w", err)
			}
		}
	}
	return nil, &errOdd{"it does not end"}
}

func (c *simple) line() ([]byte, error) {
	l, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("email: reading simply: %w", err)
	}
	return l, nil
}

func (c *simple) literal(length string) ([]byte, error) {
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n > maxMail {
		return nil, &errOdd{"a literal of " + length + " bytes"}
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c.r, b); err != nil {
		return nil, fmt.Errorf("email: reading simply: %w", err)
	}
	return b, nil
}

// quoted is a quoted string (RFC 9051 §4.3).
func quoted(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
