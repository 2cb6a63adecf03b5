package meta

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// OwnThread holds what concerns an account and nobody in particular.
const OwnThread = "account"

// Take cuts a callback up. One that was not verified when it was split is verified here; the
// handshake has an answer and no updates.
func Take(c channels.Callback, token string, secrets []string) (Batch, channels.Answer, error) {
	if !c.Verified {
		if c.Method == http.MethodGet {
			a, err := Challenge(c, token)
			return Batch{}, a, err
		}
		if err := Verify(c.Header, c.Body, secrets); err != nil {
			return Batch{}, channels.Answer{}, err
		}
	}
	b, err := Read(c.Body)
	if err != nil {
		return Batch{}, channels.Answer{}, Unreadable(err)
	}
	return b, channels.Answer{}, nil
}

// Whose is the account that an update of the Messenger Platform is for: the recipient of an
// item, the sender of an echo, and for all else the entry. The documentation's samples of
// postbacks carry the person's id as the entry's, so the entry decides last.
func Whose(u Update) timeline.Handle {
	if u.ItemLike() {
		from := "recipient"
		if string(Field(u.Raw, "message", "is_echo")) == "true" {
			from = "sender"
		}
		if id := Plain(Field(u.Raw, from, "id")); Digits(id) {
			return timeline.Handle(id)
		}
	}
	return timeline.Handle(u.Entry)
}

// ItemLike reports whether an update has sender and recipient: the lists, and the changes that
// the dashboard sends instead of them.
func (u Update) ItemLike() bool {
	return u.Field == Standby || strings.HasPrefix(u.Field, "messag")
}

// Events are what one callback tells, each event once.
type Events struct {
	All     []timeline.Inbound
	Strange int // updates for others, which were let go

	kind string
	seen map[timeline.EventID]bool
}

// Gather begins the events of a channel's callback with n updates.
func Gather(kind string, n int) Events {
	return Events{kind: kind, seen: make(map[timeline.EventID]bool, n), All: make([]timeline.Inbound, 0, n)}
}

// Add keeps an event, unless the callback told of it already: that reports false.
func (e *Events) Add(in timeline.Inbound) bool {
	if e.seen[in.Event.ID] {
		return false
	}
	e.seen[in.Event.ID] = true
	in.Channel = e.kind
	e.All = append(e.All, in)
	return true
}

// Scope is an account of the Messenger Platform: what its events have in common.
type Scope struct {
	Account timeline.AccountID
	Channel string               // its title, such as Instagram
	Speaker string               // who is shown on the account's own thread
	Scheme  string               // of the ids that persons have for the account
	Own     string               // the account's id
	Mine    func(id string) bool // reports whether an id is the account's, in any of its names
}

// Reader makes the events of one callback of the Messenger Platform.
type Reader struct {
	Scope
	Events
}

// Event is something that a person did, or that was done to them.
func (r *Reader) Event(key string, k timeline.Kind, peer string, at time.Time) timeline.Inbound {
	return timeline.Inbound{To: timeline.Handle(peer), Peer: r.Person(peer),
		Event: timeline.Event{ID: timeline.DeriveID(r.Account, key), Kind: k, Thread: r.Thread(peer), Direction: timeline.In,
			Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: peer}, At: at}}
}

// Person is a person by the id that they have for the account.
func (r *Reader) Person(id string) timeline.Identity {
	return timeline.Identity{Account: r.Account, Scheme: r.Scheme, Value: id, Proof: timeline.ProofProvider}
}

// Thread is a thread of the account.
func (r *Reader) Thread(id string) timeline.Thread {
	return timeline.Thread{Account: r.Account, ID: timeline.ThreadID(id)}
}

// own is an event on the account's own thread.
func (r *Reader) own(key string, k timeline.Kind, at time.Time) timeline.Inbound {
	in := r.Event(key, k, r.Own, at)
	in.Event.Thread = r.Thread(OwnThread)
	in.Event.Direction = timeline.Internal
	in.Event.Actor = timeline.Actor{Kind: timeline.ActorSystem}
	in.Peer.Display = r.Speaker
	return in
}

// Test is the far side trying the address, or the account writing to itself: told, and no
// conversation.
func (r *Reader) Test(u Update, how string) {
	in := r.own("test:"+Digest(u.Raw), timeline.KindControl, u.At)
	in.Event.Control = &timeline.Control{Name: "test", Data: map[string]string{"by": how, "field": u.Field}}
	r.Add(in)
}

// Unknown keeps what has no better name: on the person's thread where one is told.
func (r *Reader) Unknown(u Update, what string) {
	var it struct {
		Sender    Party `json:"sender"`
		Recipient Party `json:"recipient"`
		Timestamp Stamp `json:"timestamp"`
	}
	_ = json.Unmarshal(u.Raw, &it) // only to find out whose it is
	at, key := it.Timestamp.Time(), "unknown:"+Digest(u.Raw)
	if at.IsZero() {
		at = u.At
	}
	in := r.own(key, timeline.KindUnknown, at)
	for _, id := range []string{string(it.Sender.ID), string(it.Recipient.ID)} {
		if Digits(id) && !r.Mine(id) {
			in = r.Event(key, timeline.KindUnknown, id, at)
			break
		}
	}
	in.Event.Direction, in.Event.Actor = timeline.In, timeline.Actor{Kind: timeline.ActorCustomer, ID: in.Peer.Value}
	in.Event.Unknown = Novelty(r.Channel, what, u.Raw)
	r.Add(in)
}

// Novelty is what is shown of something new.
func Novelty(channel, what string, raw json.RawMessage) *timeline.Unknown {
	if what == "" {
		what = "update"
	}
	return &timeline.Unknown{Type: what, Summary: channel + " sent something new: " + what, Raw: append(json.RawMessage(nil), raw...)}
}
