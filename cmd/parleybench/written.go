package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/parley-hub/parley/internal/simulate"
)

// The accounts people write to on the written channels.
const (
	igAccount   = "17841400000000001"
	mailAccount = "support@bench.example"
)

// written is the outside of the written channels: what signs callbacks as Instagram does, what
// delivers mail as a mail server does, and a far side that answers what the hub asks of it.
type written struct {
	srv    *server
	secret string
	lmtp   string // where the hub takes mail
	web    *http.Client
	far    *http.Server
}

// openWritten makes an account of each written channel.
func (s *server) openWritten(ctx context.Context, token string) (*written, error) {
	w := &written{srv: s, secret: rand.Text(), web: simulate.NewHTTP()}
	at, err := w.serve(ctx)
	if err != nil {
		return nil, err
	}
	if w.lmtp, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	app := map[string]string{"appId": "4242", "appSecret": w.secret, "instagramAppId": "4242", "instagramAppSecret": w.secret}
	for _, host := range []string{"graphFacebook", "graphInstagram", "apiInstagram", "wwwInstagram", "wwwFacebook"} {
		app[host] = at
	}
	a := simulate.NewAgent(simulate.AgentConfig{Base: s.base(), Token: token})
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPut, "/api/channels/instagram/app", map[string]any{"settings": app}},
		{http.MethodPost, "/api/accounts", map[string]any{"id": "pictures", "channel": "instagram", "name": "Bench", "handle": igAccount,
			"settings": map[string]string{"flavour": "instagram", "id": igAccount, "accessToken": "IGAA-bench"}}},
		{http.MethodPost, "/api/accounts", map[string]any{"id": "letters", "channel": "email", "name": "Bench", "handle": mailAccount,
			"settings": map[string]string{"address": mailAccount, "listen": w.lmtp, "listenProtocol": "lmtp", "verify": "false"}}},
	} {
		if err := a.Call(ctx, c.method, c.path, c.body, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("%s %s: %w", c.method, c.path, err), w.close())
		}
	}
	return w, nil
}

// serve is the far side: whatever is asked, it is done, and everybody has a name.
func (w *written) serve(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	answer := func(res http.ResponseWriter, r *http.Request) {
		id := path.Base(r.URL.Path)
		res.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(res).Encode(map[string]any{"success": true, "id": id, "name": "Person " + id, "username": "person." + id, "data": []any{}})
	}
	w.far = &http.Server{Handler: http.HandlerFunc(answer), ReadHeaderTimeout: readyWithin}
	go func() { _ = w.far.Serve(l) }() // ends with close
	return "http://" + l.Addr().String(), nil
}

func (w *written) close() error {
	w.web.CloseIdleConnections()
	return w.far.Close()
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// saidThere is one message of somebody on Instagram.
type saidThere struct{ person, mid, text string }

// callback is the body that tells of messages, as the platform writes it.
func callback(list ...saidThere) ([]byte, error) {
	now := time.Now().UnixMilli()
	updates := make([]map[string]any, 0, len(list))
	for _, m := range list {
		updates = append(updates, map[string]any{"sender": map[string]string{"id": m.person}, "recipient": map[string]string{"id": igAccount},
			"timestamp": now, "message": map[string]string{"mid": m.mid, "text": m.text}})
	}
	return json.Marshal(map[string]any{"object": "instagram", "entry": []any{map[string]any{"id": igAccount, "time": now, "messaging": updates}}})
}

// call delivers a callback; nil means that it was acknowledged.
func (w *written) call(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.srv.base()+"/hooks/instagram", bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(w.secret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	res, err := w.web.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the callback was answered with %d", res.StatusCode)
	}
	return err
}

// letter is a plain mail; thread is the id of the mail it answers, empty for a first one.
func letter(from, id, thread, text string) []byte {
	refs := ""
	if thread != "" {
		refs = "In-Reply-To: <" + thread + ">\r\nReferences: <" + thread + ">\r\n"
	}
	return []byte("From: <" + from + ">\r\nTo: <" + mailAccount + ">\r\nSubject: A question\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nMessage-ID: <" + id + ">\r\n" + refs + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n")
}

// postman delivers mail over one connection, which is made again after a failure.
type postman struct {
	lmtp string
	c    *smtp.Client
}

// deliver hands a mail over; nil means that it was acknowledged.
func (p *postman) deliver(ctx context.Context, from string, raw []byte) (err error) {
	if p.c == nil {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", p.lmtp)
		if err != nil {
			return err
		}
		p.c = smtp.NewClientLMTP(conn)
		p.c.CommandTimeout, p.c.SubmissionTimeout = readyWithin, readyWithin
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := p.c.Mail(from, nil); err != nil {
		return err
	}
	if err := p.c.Rcpt(mailAccount, nil); err != nil {
		return err
	}
	data, err := p.c.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(raw); err != nil {
		return err
	}
	return data.Close()
}

func (p *postman) close() {
	if p.c != nil {
		_ = p.c.Close() // it may be broken, which is why it is closed
		p.c = nil
	}
}

// mailID is a Message-ID without its brackets.
func mailID(id string) string { return strings.ToLower(id) + "@people.example" }
