package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
)

// How sign-ins are slowed down. An account has a low ceiling, so that a stranger cannot
// keep its owner out for long; an address, which may stand for an office, a late start.
var (
	accountThrottle = throttle{free: 5, first: 2 * time.Second, most: time.Minute}
	addressThrottle = throttle{free: 20, first: 5 * time.Second, most: 15 * time.Minute}
)

// throttleFor is how long failures are remembered after the last.
const throttleFor = time.Hour

// throttle lets so many attempts pass and then makes each next one wait twice as long.
type throttle struct {
	free        int
	first, most time.Duration
}

// wait is how long after the nth attempt the next may be made.
func (t throttle) wait(n int) time.Duration {
	if n < t.free {
		return 0
	}
	d := t.first
	for range n - t.free {
		if d *= 2; d >= t.most {
			return t.most
		}
	}
	return d
}

// ThrottledError says that it is too early for another attempt.
type ThrottledError struct{ After time.Duration }

func (e *ThrottledError) Error() string { return "auth: too many attempts" }

// tries is the memory of one account or address.
type tries struct {
	Key       string    `json:"key" bson:"_id"`
	N         int       `json:"n"`
	NextAt    time.Time `json:"nextAt"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func accountKey(email string) string { return "account|" + digest(email) }
func addressKey(addr string) string  { return "address|" + addr }

// attempt counts a try against an account and an address, either of which may be empty,
// and refuses it while it is too early for one of them.
func (s *Service) attempt(ctx context.Context, email, addr string) error {
	if email != "" {
		if err := s.try(ctx, accountKey(email), accountThrottle); err != nil {
			return err
		}
	}
	if addr == "" {
		return nil
	}
	return s.try(ctx, addressKey(addr), addressThrottle)
}

func (s *Service) try(ctx context.Context, key string, t throttle) error {
	now := s.now()
	var had tries
	err := s.store.C(store.Attempts).One(ctx, bson.D{{Key: "_id", Value: key}}, &had)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("auth: reading attempts: %w", err)
	}
	if now.Before(had.NextAt) {
		return &ThrottledError{After: had.NextAt.Sub(now)}
	}
	if err == nil && !now.Before(had.ExpiresAt) {
		if _, err := s.store.C(store.Attempts).Delete(ctx, bson.D{{Key: "_id", Value: key}, {Key: "expiresAt", Value: had.ExpiresAt}}); err != nil {
			return fmt.Errorf("auth: forgetting attempts: %w", err)
		}
	}
	var has tries
	err = s.store.C(store.Attempts).Modify(ctx, bson.D{{Key: "_id", Value: key}}, bson.D{
		{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}},
		{Key: "$set", Value: bson.D{{Key: "expiresAt", Value: now.Add(throttleFor)}}}}, true, &has)
	if err != nil {
		return fmt.Errorf("auth: counting an attempt: %w", err)
	}
	if d := t.wait(has.N); d > 0 {
		_, err = s.store.C(store.Attempts).Update(ctx, bson.D{{Key: "_id", Value: key}},
			bson.D{{Key: "$max", Value: bson.D{{Key: "nextAt", Value: now.Add(d)}}}})
		if err != nil {
			return fmt.Errorf("auth: slowing attempts: %w", err)
		}
	}
	if has.N > t.free && has.N > had.N+1 { // others came between: only one at a time passes
		return &ThrottledError{After: t.wait(has.N)}
	}
	return nil
}

// forgive forgets an account's attempts after one succeeded. The address gets back only
// this one: a stranger's own account must not wipe what they tried on others.
func (s *Service) forgive(ctx context.Context, email, addr string) error {
	if email != "" {
		if _, err := s.store.C(store.Attempts).Delete(ctx, bson.D{{Key: "_id", Value: accountKey(email)}}); err != nil {
			return fmt.Errorf("auth: forgetting attempts: %w", err)
		}
	}
	if addr == "" {
		return nil
	}
	_, err := s.store.C(store.Attempts).Update(ctx, bson.D{{Key: "_id", Value: addressKey(addr)}},
		bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: -1}}}, {Key: "$unset", Value: bson.D{{Key: "nextAt", Value: ""}}}})
	if err != nil {
		return fmt.Errorf("auth: forgetting an attempt: %w", err)
	}
	return nil
}
