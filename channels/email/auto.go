package email

import (
	"context"
	"slices"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// The most that programs may answer (RFC 3834 §2): an address is acknowledged once a day, and a
// thread is answered so often in an hour.
const (
	autoEvery   = 24 * time.Hour
	autoPerHour = 10
)

// quiet refuses automatic answers that nobody should get: to programs, to the inbox itself, too
// many. What a person asked for is never refused here.
func (s *Session) quiet(ctx context.Context, b *book, d *draft, h history) error {
	if !d.automatic {
		return nil
	}
	if h.Machine {
		return &channels.Failure{Class: channels.Permanent, Advice: "The last mail was written by a program. Programs do not answer programs."}
	}
	now := s.host.Now()
	if d.sent.Auto = recent(d.sent.Auto, now); len(d.sent.Auto) >= autoPerHour {
		return &channels.Failure{Class: channels.QuotaSpent, Advice: "This thread got many automatic answers within an hour. A person should look at it."}
	}
	if !d.acknowledges {
		return nil
	}
	var keys []string
	for _, a := range d.recipients() {
		keys = append(keys, autoKey(a))
	}
	if err := b.load(ctx, keys...); err != nil {
		return err
	}
	for _, k := range keys {
		var at int64
		if b.value(k, &at) && now.Sub(time.Unix(at, 0)) < autoEvery {
			return &channels.Failure{Class: channels.QuotaSpent, Advice: "This address got an automatic answer within the last 24 hours."}
		}
	}
	return nil
}

func autoKey(address string) string { return noteAuto + short("auto", normal(address)) }

// recent is the part of a list of moments within the last hour.
func recent(at []int64, now time.Time) []int64 {
	return slices.DeleteFunc(slices.Clone(at), func(s int64) bool { return now.Sub(time.Unix(s, 0)) > time.Hour })
}

// acknowledges reports whether an actor only confirms that a mail came: such mail has no
// envelope sender, so that nothing can come back from it.
func acknowledges(a timeline.Actor) bool {
	return a.Kind == timeline.ActorRule || a.Kind == timeline.ActorSystem
}
