package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Why a part is not kept although it should be.
const (
	missingExpired  = "expired"   // its address worked no longer, and there was no other
	missingTooLarge = "too_large" // over the limit
	missingRefused  = "refused"   // it is not what it was said to be, or leads inside the house
	missingGone     = "gone"      // the far side has it no more, or could not be reached for long
)

// mediaTries is how often an attachment is tried to be fetched before it counts as gone.
const mediaTries = 10

// mediaErrand is what to fetch of a message; nil: nothing.
func mediaErrand(e *timeline.Entry, now time.Time) *errandDoc {
	if e.Event.Kind != timeline.KindMessage || len(wanted(&e.Event)) == 0 {
		return nil
	}
	return &errandDoc{ID: errandMedia + "|" + string(e.Event.ID), Kind: errandMedia, Account: e.Event.Thread.Account, Event: e.Event.ID, DueAt: &now}
}

// wanted are the parts of a message that are to be kept with us and are not yet.
func wanted(e *timeline.Event) []int {
	if e.Message == nil || e.Message.Unsent != nil {
		return nil
	}
	var out []int
	for i := range e.Message.Parts {
		if fetches(&e.Message.Parts[i]) {
			out = append(out, i)
		}
	}
	return out
}

// fetches reports whether a part's bytes are to be fetched. Places and shared posts are links
// unless their adapter says that they are bytes.
func fetches(p *timeline.Part) bool {
	switch {
	case p.File != "" || p.Missing != "" || p.URL == "" && p.Remote == "":
		return false
	case p.Retention == "":
		return p.Kind != timeline.PartLocation && p.Kind != timeline.PartShare
	}
	return p.Retention == timeline.RetainStore
}

// fetchMedia fetches what a message carries and tells what became of it.
func (l *live) fetchMedia(ctx context.Context, e errandDoc) (result, error) {
	ev, err := l.g.message(ctx, e.Event)
	if err != nil || ev == nil {
		return result{}, err
	}
	var done []timeline.MediaPart
	var later error
	for _, n := range wanted(ev) {
		p, err := l.fetchPart(ctx, ev, n)
		if err != nil && e.Tries+1 >= mediaTries {
			p, err = gone(ev.Message.Parts[n]), nil
		}
		if err != nil {
			later = err
			continue
		}
		done = append(done, timeline.MediaPart{N: n, Part: p})
	}
	if len(done) > 0 {
		if err := l.tellMedia(ctx, ev, done); err != nil {
			return result{}, err
		}
	}
	return result{}, later
}

// gone is a part that could not be had for so long that nobody waits for it any more.
func gone(p timeline.Part) timeline.Part {
	p.Missing = missingGone
	return p
}

// message reads a message as it is now; nil: it is not there, or was taken back.
func (g *Gateway) message(ctx context.Context, id timeline.EventID) (*timeline.Event, error) {
	var ev timeline.Event
	err := g.col(store.Events).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &ev)
	if isNotFound(err) || err == nil && (ev.Message == nil || ev.Message.Unsent != nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gateway: reading message %s: %w", id, err)
	}
	return &ev, nil
}

// tellMedia publishes what became of parts, unless the message was taken back meanwhile: then
// nothing of it is kept.
func (l *live) tellMedia(ctx context.Context, of *timeline.Event, done []timeline.MediaPart) error {
	now, err := l.g.message(ctx, of.ID)
	if err != nil {
		return err
	}
	if now == nil {
		for _, d := range done {
			if d.Part.File != "" {
				err = errors.Join(err, l.g.d.Files.Forget(ctx, d.Part.File))
			}
		}
		return err
	}
	ns := make([]string, len(done))
	for i, d := range done {
		ns[i] = strconv.Itoa(d.N) + d.Part.Missing
		l.g.metrics.media.WithLabelValues(l.record.Channel, outcomeOf(d.Part)).Inc()
	}
	at := l.g.now()
	ev := timeline.Event{ID: timeline.DeriveID(l.account.ID, fmt.Sprintf("media:%s:%s", of.ID, strings.Join(ns, ","))), Kind: timeline.KindMedia,
		Conversation: of.Conversation, Thread: of.Thread, Leg: of.Leg, Direction: timeline.Internal, Actor: timeline.Actor{Kind: timeline.ActorSystem},
		At: at, Received: at, Media: &timeline.Media{Of: timeline.Ref{Event: of.ID}, Parts: done}}
	if err := l.g.d.Publish(ctx, timeline.Inbound{Channel: l.kind.Kind, Event: ev}); err != nil {
		return fmt.Errorf("gateway: telling of fetched attachments: %w", err)
	}
	return nil
}

func outcomeOf(p timeline.Part) string {
	if p.Missing != "" {
		return p.Missing
	}
	return "kept"
}

// fileOf is the id under which a part is kept: the same however often it is fetched, so that a
// crash between keeping and telling leaves nothing behind.
func fileOf(at time.Time, names ...string) timeline.FileID {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	var id ulid.ULID
	if err := id.SetTime(ulid.Timestamp(at)); err != nil { // before 1970 or after 10889
		_ = id.SetTime(0)
	}
	_ = id.SetEntropy(sum[:10]) // of the right length
	return timeline.FileID(id.String())
}
