package journal

import (
	"reflect"
	"slices"
	"time"

	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// diff is the update that turns one state of a conversation into another. It names only what
// changed, so that an index on anything else is not rewritten.
func diff(was, now *timeline.Conversation) bson.D {
	var d delta
	d.put("seq", was.Seq != now.Seq, now.Seq)
	d.put("number", was.Number != now.Number, now.Number)
	d.put("person", was.Person != now.Person, string(now.Person))
	d.put("name", was.Name != now.Name, now.Name)
	d.opt("avatar", was.Avatar != now.Avatar, now.Avatar == "", now.Avatar)
	d.put("queue", was.Queue != now.Queue, now.Queue)
	d.put("state", was.State != now.State, string(now.State))
	d.time("snoozeUntil", was.SnoozeUntil, now.SnoozeUntil)
	d.put("assignee", was.Assignee != now.Assignee, string(now.Assignee))
	d.put("team", was.Team != now.Team, string(now.Team))
	d.opt("labels", !slices.Equal(was.Labels, now.Labels), len(now.Labels) == 0, now.Labels)
	d.opt("priority", was.Priority != now.Priority, now.Priority == 0, now.Priority)
	d.opt("subject", was.Subject != now.Subject, now.Subject == "", now.Subject)
	d.opt("opening", was.Opening != now.Opening, now.Opening == "", now.Opening)
	d.put("legs", !sameLegs(was.Legs, now.Legs), now.Legs)
	d.put("inCount", was.InCount != now.InCount, now.InCount)
	d.put("lastInSeq", was.LastInSeq != now.LastInSeq, now.LastInSeq)
	d.put("lastOutSeq", was.LastOutSeq != now.LastOutSeq, now.LastOutSeq)
	d.opt("undelivered", was.Undelivered != now.Undelivered, now.Undelivered == 0, now.Undelivered)
	d.opt("attached", was.Attached != now.Attached, !now.Attached, now.Attached)
	d.opt("last", was.Last != now.Last, now.Last == nil, now.Last)
	d.put("lastAt", !was.LastAt.Equal(now.LastAt), now.LastAt)
	d.put("createdAt", !was.CreatedAt.Equal(now.CreatedAt), now.CreatedAt)
	d.time("resolvedAt", was.ResolvedAt, now.ResolvedAt)
	d.time("waitingSince", was.WaitingSince, now.WaitingSince)
	d.time("nextDeadline", was.NextDeadline, now.NextDeadline)
	return d.update()
}

type delta struct{ set, unset bson.D }

func (d *delta) put(name string, changed bool, v any) {
	if changed {
		d.set = append(d.set, bson.E{Key: name, Value: v})
	}
}

func (d *delta) opt(name string, changed, empty bool, v any) {
	if changed && empty {
		d.unset = append(d.unset, bson.E{Key: name, Value: ""})
	} else if changed {
		d.set = append(d.set, bson.E{Key: name, Value: v})
	}
}

func (d *delta) time(name string, was, now *time.Time) {
	switch {
	case was == now:
	case now == nil:
		d.unset = append(d.unset, bson.E{Key: name, Value: ""})
	case was == nil || !was.Equal(*now):
		d.set = append(d.set, bson.E{Key: name, Value: *now})
	}
}

func (d *delta) update() bson.D {
	var out bson.D
	if len(d.set) > 0 {
		out = append(out, bson.E{Key: "$set", Value: d.set})
	}
	if len(d.unset) > 0 {
		out = append(out, bson.E{Key: "$unset", Value: d.unset})
	}
	return out
}

// sameLegs compares by identity first: an unchanged conversation shares the slice.
func sameLegs(a, b []timeline.Leg) bool {
	if len(a) != len(b) {
		return false
	}
	return len(a) == 0 || &a[0] == &b[0] || reflect.DeepEqual(a, b)
}
