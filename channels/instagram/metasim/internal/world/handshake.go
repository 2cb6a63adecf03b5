package world

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const handshakeLimit = 10 * time.Second

// Subscribe sets an app's callback for an object after the handshake: the receiver has to
// answer the verify token with the bare challenge. It must be called without the lock.
func (w *World) Subscribe(ctx context.Context, app string, h Hook) error {
	if !has([]string{ObjectInstagram, ObjectPage, ObjectWhatsApp}, h.Object) {
		return fmt.Errorf("there is no object %q", h.Object)
	}
	w.Lock()
	known := w.st.Apps[app] != nil
	w.st.Seq++
	challenge := strconv.FormatInt(1_000_000_000+(w.offset+w.st.Seq*7919)%1_000_000_000, 10)
	w.Unlock()
	if !known {
		return fmt.Errorf("there is no app %q", app)
	}
	if err := shake(ctx, h, challenge); err != nil {
		return err
	}
	w.Lock()
	defer w.Unlock()
	h.Verified = true
	w.st.Apps[app].Hooks[h.Object] = &h
	w.Touch()
	return nil
}

func shake(ctx context.Context, h Hook, challenge string) error {
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is no address", h.URL)
	}
	q := u.Query()
	q.Set("hub.mode", "subscribe")
	q.Set("hub.challenge", challenge)
	q.Set("hub.verify_token", h.VerifyToken)
	u.RawQuery = q.Encode()
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("shaking hands: %w", err)
	}
	req.Header.Set("User-Agent", "facebookplatform/1.0 (+http://developers.facebook.com)")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("shaking hands: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	switch {
	case err != nil:
		return fmt.Errorf("shaking hands: %w", err)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("the callback answered the handshake with HTTP %d", resp.StatusCode)
	case string(body) != challenge:
		return fmt.Errorf("the callback answered %d bytes that are not the bare challenge", len(body))
	}
	return nil
}
