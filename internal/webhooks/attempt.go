package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/timeline"
)

// How a delivery is tried.
const (
	CallTime   = 15 * time.Second   // within it an endpoint must answer 2xx
	TriedFor   = 24 * time.Hour     // then a delivery is given up
	FailingFor = 5 * 24 * time.Hour // an endpoint that took nothing for so long is switched off

	firstWait  = 5 * time.Second
	waitGrows  = 4 // times, from one attempt to the next
	longest    = 4 * time.Hour
	spread     = 0.2             // of a wait, in both directions
	recordTime = 5 * time.Second // for writing down what came of a call, also while the hub stops
	maxSnippet = 1 << 10         // bytes
	maxAnswer  = 1 << 20         // bytes; more than a snippet is not read
)

// backoff is how long to wait after the nth attempt; r, from 0 to 1, spreads it.
func backoff(n int, r float64) time.Duration {
	d := firstWait
	for range n - 1 {
		if d *= waitGrows; d >= longest {
			d = longest
			break
		}
	}
	return time.Duration(float64(d) * (1 - spread + 2*spread*r))
}

// try calls the endpoint once and writes down what came of it, in d too. Its error is the
// store's, or errStopped.
func (w *Webhooks) try(ctx context.Context, e *Endpoint, d *Delivery) error {
	if !w.now().Before(d.EndsAt) {
		return w.giveUp(ctx, d, "it waited too long while the endpoint was off")
	}
	body, err := w.payload(ctx, d)
	if errors.Is(err, errGone) {
		return w.giveUp(ctx, d, "the event is not there any more")
	}
	if err != nil {
		return err
	}
	a, after := w.attempt(ctx, e, d.ID, body)
	if a.Status == 0 && ctx.Err() != nil {
		return context.Cause(ctx) // cut off by us: it says nothing of the endpoint
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := w.record(ctx, d, a, after); err != nil {
		return err
	}
	return w.judge(ctx, e, a)
}

// attempt signs a payload, sends it and reads the answer. after is how long the endpoint asks to
// be left alone.
func (w *Webhooks) attempt(ctx context.Context, e *Endpoint, id string, body []byte) (a Attempt, after time.Duration) {
	begun := time.Now()
	a.At = w.now()
	secrets, err := w.secrets(e)
	var signature string
	if err == nil {
		signature, err = Sign(id, a.At, body, secrets...)
	}
	if err != nil {
		a.Error = "its secret cannot be opened with the hub's key; rotate it"
		return a, 0
	}
	resp, err := w.send(ctx, e.URL, id, a.At, signature, body)
	if err == nil {
		a.Status, after = resp.StatusCode, retryAfter(resp.Header.Get("Retry-After"), w.now())
		a.Snippet = snippet(resp.Body, hide(e.URL, signature, secrets))
		err = resp.Body.Close()
	}
	took := time.Since(begun)
	a.Took = took.Milliseconds()
	w.m.took.Observe(took.Seconds())
	switch {
	case a.Status == 0:
		a.Error = reason(err)
		w.m.attempts.WithLabelValues("failed").Inc()
	case a.took():
		w.m.attempts.WithLabelValues("taken").Inc()
	default:
		w.m.attempts.WithLabelValues("refused").Inc()
	}
	return a, after
}

// took reports whether the endpoint took the delivery.
func (a Attempt) took() bool { return a.Status >= 200 && a.Status < 300 }

func (w *Webhooks) send(ctx context.Context, to, id string, at time.Time, signature string, body []byte) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		cancel()
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Parley-Webhooks/1")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	resp, err := w.http.Do(r)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = ending{resp.Body, cancel}
	return resp, nil
}

// ending ends the call's time with its body.
type ending struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close closes the body and ends the call.
func (e ending) Close() error {
	defer e.cancel()
	return e.ReadCloser.Close()
}

// reason is why there was no answer, without the address's path and query: they may be secret.
func reason(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, httpx.ErrRefused):
		return "the address is inside the house; PARLEY_ALLOW_NETWORKS names the networks that may be called"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %s", CallTime)
	}
	return httpx.Clean(err).Error()
}

// hide replaces what must not be kept of an answer: our secrets and signatures, and what the
// address holds in its query.
func hide(to, signature string, secrets []seal.Secret) *strings.Replacer {
	var pairs []string
	add := func(s string) {
		if len(s) >= 6 {
			pairs = append(pairs, s, "[secret]")
		}
	}
	for _, s := range secrets {
		add(s.Reveal())
		add(strings.TrimPrefix(s.Reveal(), secretPrefix))
	}
	for s := range strings.FieldsSeq(signature) {
		add(strings.TrimPrefix(s, "v1,"))
	}
	if u, err := url.Parse(to); err == nil {
		for _, values := range u.Query() {
			for _, v := range values {
				add(v)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// snippet is the beginning of an answer in one line, for people who look for what is wrong. What
// a secret may stand in is read beyond it, so that none is cut in two and kept.
func snippet(r io.Reader, hide *strings.Replacer) string {
	raw, err := io.ReadAll(io.LimitReader(r, 2*maxSnippet))
	if err != nil && len(raw) == 0 {
		return ""
	}
	text := hide.Replace(strings.ToValidUTF8(string(raw), "\uFFFD"))
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxSnippet {
		text = strings.ToValidUTF8(text[:maxSnippet], "")
	}
	return text
}

// retryAfter reads the header Retry-After (RFC 9110, section 10.2.3), at most [longest].
func retryAfter(v string, now time.Time) time.Duration {
	d := time.Duration(0)
	if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
		d = time.Duration(min(max(n, 0), int(longest/time.Second))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longest)
}

// record writes an attempt down and decides when the next is.
func (w *Webhooks) record(ctx context.Context, d *Delivery, a Attempt, after time.Duration) error {
	had := d.Attempts
	now := w.now()
	d.Attempts, d.Last = had+1, &a
	switch {
	case a.took():
		d.State = Taken
	case a.Status == http.StatusGone, !now.Before(d.EndsAt):
		d.State = GivenUp
	default:
		d.DueAt = timeline.Moment(now.Add(max(after, backoff(d.Attempts, w.jitter()))))
		if d.DueAt.After(d.EndsAt) {
			d.DueAt = d.EndsAt.Add(-time.Second) // one last time
			if !d.DueAt.After(now) {
				d.State = GivenUp
			}
		}
	}
	return w.save(ctx, d, had)
}

// giveUp ends a delivery without a call.
func (w *Webhooks) giveUp(ctx context.Context, d *Delivery, why string) error {
	d.State, d.Last = GivenUp, &Attempt{At: w.now(), Error: why}
	return w.save(ctx, d, d.Attempts)
}

// save writes a delivery down, unless it was removed or asked for again meanwhile.
func (w *Webhooks) save(ctx context.Context, d *Delivery, had int) error {
	_, err := w.deliveries().Update(ctx, bson.D{{Key: "_id", Value: d.ID}, {Key: "state", Value: Waiting}, {Key: "attempts", Value: had}, {Key: "endsAt", Value: d.EndsAt}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: d.State}, {Key: "dueAt", Value: d.DueAt}, {Key: "attempts", Value: d.Attempts}, {Key: "last", Value: d.Last}}}})
	if err != nil {
		return fmt.Errorf("webhooks: writing down what came of a delivery: %w", err)
	}
	return nil
}

// lastEvery is how exact an endpoint's last attempt is: writing it at each would cost as much as
// the delivery's own record.
const lastEvery = 10 * time.Second

// judge notes how an endpoint does, and switches it off where it is gone or has failed for long.
func (w *Webhooks) judge(ctx context.Context, e *Endpoint, a Attempt) error {
	update := bson.D{}
	set := bson.D{}
	if e.LastAt == nil || a.At.Sub(*e.LastAt) >= lastEvery || e.LastStatus != a.Status {
		set = append(set, bson.E{Key: "lastAt", Value: a.At}, bson.E{Key: "lastStatus", Value: a.Status})
		e.LastAt, e.LastStatus = &a.At, a.Status
	}
	switch {
	case a.took() && e.FailingSince != nil:
		update = append(update, bson.E{Key: "$unset", Value: bson.D{{Key: "failingSince", Value: ""}}})
		e.FailingSince = nil
	case !a.took() && e.FailingSince == nil:
		set = append(set, bson.E{Key: "failingSince", Value: a.At})
		e.FailingSince = &a.At
	}
	if len(set) > 0 {
		update = append(update, bson.E{Key: "$set", Value: set})
	}
	if len(update) > 0 {
		if _, err := w.endpoints().Update(ctx, byID(e.ID), update); err != nil {
			return fmt.Errorf("webhooks: noting how an endpoint does: %w", err)
		}
	}
	switch {
	case a.Status == http.StatusGone:
		return errors.Join(errStopped, w.stop(ctx, e, StoppedGone))
	case !a.took() && a.At.Sub(*e.FailingSince) >= FailingFor:
		return errors.Join(errStopped, w.stop(ctx, e, StoppedFailing))
	}
	return nil
}
