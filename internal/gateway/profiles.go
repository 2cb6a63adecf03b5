package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

const (
	profileEvery = 30 * 24 * time.Hour // people change their names and pictures seldom
	profileNone  = 7 * 24 * time.Hour  // where the far side tells nothing, such as before consent
	profileTries = 8
	profileTime  = 20 * time.Second // one look-up
	avatarMax    = 5 << 20          // bytes
	lookedMost   = 100_000          // identities remembered in memory
	lookedFor    = 24 * time.Hour   // they are looked for in the store again after
)

// looked remembers whose profile was asked for lately, so that most events ask the store nothing.
type looked struct {
	mu sync.Mutex
	at map[timeline.IdentityID]time.Time
}

func (l *looked) lately(id timeline.IdentityID, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.at[id]
	return ok && now.Sub(at) < lookedFor
}

func (l *looked) add(now time.Time, ids ...timeline.IdentityID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil || len(l.at) > lookedMost {
		l.at = map[timeline.IdentityID]time.Time{}
	}
	for _, id := range ids {
		l.at[id] = now
	}
}

// profileErrand is whom to look up because they wrote: somebody who was never looked up, or long
// ago. id is empty where there is nobody.
func (g *Gateway) profileErrand(e *timeline.Entry, now time.Time) (w []store.Write, id timeline.IdentityID) {
	ev := &e.Event
	if ev.Direction != timeline.In || ev.Actor.Kind != timeline.ActorCustomer {
		return nil, ""
	}
	l := g.live(ev.Thread.Account)
	if l == nil {
		return nil, ""
	}
	if _, ok := l.session.(channels.Profiler); !ok {
		return nil, ""
	}
	for i := range e.Conversation.Legs {
		if leg := &e.Conversation.Legs[i]; leg.ID == ev.Leg {
			id = leg.Identity
			break
		}
	}
	peer, ok := identityOf(id)
	if !ok || g.looked.lately(id, now) {
		return nil, ""
	}
	th := ev.Thread
	doc := errandDoc{ID: errandProfile + "|" + string(id), Kind: errandProfile, Account: th.Account, Peer: &peer, Thread: &th, DueAt: &now}
	old := bson.D{{Key: "_id", Value: doc.ID}, {Key: "doneAt", Value: bson.D{{Key: "$lt", Value: now.Add(-profileEvery)}}}, {Key: "dueAt", Value: bson.D{{Key: "$exists", Value: false}}}}
	return []store.Write{{Insert: doc}, {Filter: old, Update: bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: now}}}}}}, id
}

// identityOf cuts an identity's key back into it.
func identityOf(id timeline.IdentityID) (timeline.Identity, bool) {
	f := strings.SplitN(string(id), "|", 3)
	if len(f) != 3 || f[2] == "" {
		return timeline.Identity{}, false
	}
	return timeline.Identity{Account: timeline.AccountID(f[0]), Scheme: f[1], Value: f[2]}, true
}

// lookUp asks the far side who somebody is and tells it as an event.
func (l *live) lookUp(ctx context.Context, e errandDoc) (result, error) {
	if e.Peer == nil || e.Thread == nil {
		return result{}, nil
	}
	p, err := l.profile(ctx, *e.Peer)
	var f *channels.Failure
	if errors.As(err, &f) && !f.Class.Again() && !f.Class.Holds() {
		l.log.Debug("the far side tells nothing of a person", "class", string(f.Class), "code", f.Code)
		return l.unknown(), nil
	}
	if err != nil {
		if e.Tries+1 >= profileTries {
			l.log.Warn("a person could not be looked up", "error", httpx.Clean(err))
			return l.unknown(), nil
		}
		return result{}, err
	}
	keep := bson.D{{Key: "doneAt", Value: l.g.now()}}
	if avatar := p.Avatar; avatar != "" {
		p.Avatar = ""
		if file, err := l.avatar(ctx, *e.Peer, avatar); err != nil {
			l.log.Info("a person's picture could not be kept", "error", httpx.Clean(err))
			p.Avatar = string(e.Avatar) // the one before goes on
		} else {
			p.Avatar = string(file)
			keep = append(keep, bson.E{Key: "avatar", Value: string(file)})
		}
	}
	if err := l.tellProfile(ctx, e, p); err != nil {
		return result{}, err
	}
	if e.Avatar != "" && p.Avatar != string(e.Avatar) {
		if err := l.g.d.Files.Forget(ctx, e.Avatar); err != nil {
			l.log.Warn("a person's old picture stays", "error", err)
		}
	}
	return result{keep: keep}, nil
}

// unknown leaves a person alone for a while.
func (l *live) unknown() result {
	return result{keep: bson.D{{Key: "doneAt", Value: l.g.now().Add(profileNone - profileEvery)}}}
}

func (l *live) profile(ctx context.Context, who timeline.Identity) (p timeline.Profile, err error) {
	s, ok := l.session.(channels.Profiler)
	if !ok {
		return p, &channels.Failure{Class: channels.Permanent}
	}
	l.uses.enter()
	defer l.uses.leave()
	ctx, cancel := context.WithTimeout(ctx, profileTime)
	defer cancel()
	defer contain(l.log, &err)
	return s.Profile(ctx, who)
}

// avatar keeps a copy of a picture whose address will expire. The same picture is the same file.
func (l *live) avatar(ctx context.Context, who timeline.Identity, address string) (timeline.FileID, error) {
	ctx, cancel := context.WithTimeout(ctx, profileTime)
	defer cancel()
	r, err := download(ctx, l.g.d.Media, address)
	if err != nil {
		return "", err
	}
	at := l.g.now()
	got, err := l.g.d.Files.Keep(ctx, fileOf(at, "avatar", string(who.ID()), at.Format(time.DateOnly)), "avatar", r, avatarMax)
	if err = errors.Join(err, r.Close()); err != nil {
		return "", fmt.Errorf("gateway: keeping a person's picture: %w", err)
	}
	if got.Kind != timeline.PartImage {
		return "", errors.Join(&absent{missingRefused}, l.g.d.Files.Forget(ctx, got.File))
	}
	return got.File, nil
}

func (l *live) tellProfile(ctx context.Context, e errandDoc, p timeline.Profile) error {
	now := l.g.now()
	peer := *e.Peer
	peer.Display = p.Username
	ev := timeline.Event{ID: timeline.DeriveID(l.account.ID, fmt.Sprintf("profile:%s:%d", peer.ID(), now.UnixMilli())), Kind: timeline.KindControl,
		Thread: *e.Thread, Direction: timeline.Internal, Actor: timeline.Actor{Kind: timeline.ActorSystem}, At: now, Received: now,
		Control: &timeline.Control{Name: "profile"}}
	if err := l.g.d.Publish(ctx, timeline.Inbound{Channel: l.kind.Kind, Queue: l.account.Queue, Event: ev, Peer: peer, Profile: &p}); err != nil {
		return fmt.Errorf("gateway: telling of a profile: %w", err)
	}
	return nil
}
