package instagram

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// scheme names identities: an id that one person has for one account.
const scheme = "igsid"

// ownThread holds what concerns the account and nobody in particular.
const ownThread = "account"

// whose is the account that an update is for: the recipient of an item, the sender of an
// echo, and for all else the entry. The documentation's samples of postbacks carry the person's
// id as the entry's, so the entry decides last.
func whose(u meta.Update) timeline.Handle {
	if itemLike(u.Field) {
		from := "recipient"
		if string(meta.Field(u.Raw, "message", "is_echo")) == "true" {
			from = "sender"
		}
		id := meta.Plain(meta.Field(u.Raw, from, "id"))
		if meta.Digits(id) {
			return timeline.Handle(id)
		}
	}
	return timeline.Handle(u.Entry)
}

// itemLike reports whether updates of a field have sender and recipient: the lists, and the
// changes that the dashboard sends instead of them.
func itemLike(field string) bool {
	return field == meta.Messaging || field == meta.Standby || strings.HasPrefix(field, "message") || strings.HasPrefix(field, "messaging")
}

// Decode reads a callback. One that was not verified by [Channel].Split is verified here.
func (s *Session) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	if !c.Verified {
		if c.Method == http.MethodGet {
			a, err := meta.Challenge(c, s.app.verify)
			return nil, a, err
		}
		if err := meta.Verify(c.Header, c.Body, s.app.secrets); err != nil {
			return nil, channels.Answer{}, err
		}
	}
	b, err := meta.Read(c.Body)
	if err != nil {
		return nil, channels.Answer{}, meta.Unreadable(err)
	}
	d := decoder{s: s, seen: make(map[timeline.EventID]bool, len(b.Updates)), out: make([]timeline.Inbound, 0, len(b.Updates))}
	for _, u := range b.Updates {
		d.update(u)
	}
	if d.strange > 0 && s.warned.CompareAndSwap(false, true) {
		s.host.Log().Warn("a callback is about another account and is let go; this is told once", "updates", d.strange)
	}
	return d.out, channels.Answer{}, nil
}

// decoder gathers the events of one callback.
type decoder struct {
	s       *Session
	out     []timeline.Inbound
	seen    map[timeline.EventID]bool
	strange int // updates for others
}

// update reads one update.
func (d *decoder) update(u meta.Update) {
	who := string(whose(u))
	switch {
	case u.Test():
		d.test(u, "dashboard")
	case u.Object != object && u.Object != "":
		d.strange++
	case who != "" && !d.s.set.mine(who) && !d.s.set.mine(u.Entry):
		d.strange++
	case itemLike(u.Field):
		d.item(u)
	case u.Field == "comments", u.Field == "live_comments":
		d.comment(u)
	case u.Field == "mentions":
		d.mention(u)
	default:
		d.unknown(u, u.Field)
	}
}

// add keeps an event, unless the callback told of it already.
func (d *decoder) add(in timeline.Inbound) {
	if d.seen[in.Event.ID] {
		return
	}
	d.seen[in.Event.ID] = true
	in.Channel = Kind
	d.out = append(d.out, in)
}

// event is something that a person did, or that was done to them.
func (d *decoder) event(key string, k timeline.Kind, peer string, at time.Time) timeline.Inbound {
	return timeline.Inbound{To: timeline.Handle(peer), Peer: d.person(peer, ""),
		Event: timeline.Event{ID: timeline.DeriveID(d.s.id, key), Kind: k, Thread: d.thread(peer), Direction: timeline.In,
			Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: peer}, At: at}}
}

func (d *decoder) person(id, username string) timeline.Identity {
	i := timeline.Identity{Account: d.s.id, Scheme: scheme, Value: id, Proof: timeline.ProofProvider}
	if username != "" {
		i.Display = "@" + username
	}
	return i
}

func (d *decoder) thread(id string) timeline.Thread {
	return timeline.Thread{Account: d.s.id, ID: timeline.ThreadID(id)}
}

// own is an event on the account's own thread.
func (d *decoder) own(key string, k timeline.Kind, at time.Time) timeline.Inbound {
	in := d.event(key, k, d.s.set.own, at)
	in.Event.Thread = d.thread(ownThread)
	in.Event.Direction = timeline.Internal
	in.Event.Actor = timeline.Actor{Kind: timeline.ActorSystem}
	in.Peer.Display = "Instagram"
	return in
}

// test is the far side trying the address, or the account writing to itself: told, and no
// conversation.
func (d *decoder) test(u meta.Update, how string) {
	in := d.own("test:"+meta.Digest(u.Raw), timeline.KindControl, u.At)
	in.Event.Control = &timeline.Control{Name: "test", Data: map[string]string{"by": how, "field": u.Field}}
	d.add(in)
}

// unknown keeps what has no better name: on the person's thread where one is told.
func (d *decoder) unknown(u meta.Update, what string) {
	var it struct {
		Sender    party      `json:"sender"`
		Recipient party      `json:"recipient"`
		Timestamp meta.Stamp `json:"timestamp"`
	}
	_ = json.Unmarshal(u.Raw, &it) // only to find out whose it is
	at, key := it.Timestamp.Time(), "unknown:"+meta.Digest(u.Raw)
	if at.IsZero() {
		at = u.At
	}
	in := d.own(key, timeline.KindUnknown, at)
	for _, id := range []string{string(it.Sender.ID), string(it.Recipient.ID)} {
		if meta.Digits(id) && !d.s.set.mine(id) {
			in = d.event(key, timeline.KindUnknown, id, at)
			break
		}
	}
	in.Event.Direction, in.Event.Actor = timeline.In, timeline.Actor{Kind: timeline.ActorCustomer, ID: in.Peer.Value}
	if what == "" {
		what = "update"
	}
	in.Event.Unknown = &timeline.Unknown{Type: what, Summary: summary(what), Raw: append(json.RawMessage(nil), u.Raw...)}
	d.add(in)
}

func summary(what string) string { return "Instagram sent something new: " + what }
