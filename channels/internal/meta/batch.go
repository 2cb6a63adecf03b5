package meta

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Update is one thing that a callback tells.
type Update struct {
	Object string    // instagram, page, whatsapp_business_account
	Entry  string    // the entry's id: usually the account's
	At     time.Time // when the entry was sent off; not when the thing happened
	// Field is where it was found: messaging or standby for an item of that list, else the
	// field of a change, such as comments.
	Field string
	// Raw is the item, or the change's value, as it came. It shares the body's bytes.
	Raw json.RawMessage

	entry, item int // of the batch
}

// Listed reports whether it is an item of the lists messaging or standby.
func (u Update) Listed() bool { return u.Field == Messaging || u.Field == Standby }

// The lists of an entry.
const (
	Messaging = "messaging"
	Standby   = "standby"
)

// Batch is a callback's body, cut up.
type Batch struct {
	Updates []Update
	entries []entry
}

// entry is one entry of a body.
type entry struct {
	raw      []byte
	object   string
	id, time []byte // as written
	updates  int
}

// ErrUnreadable is a body that is no JSON.
var ErrUnreadable = errors.New("meta: the body is not JSON")

// Read cuts a body into its updates. Bodies come as an object or, in the documentation's form,
// as an array of such; updates as messaging, standby, changes, or flat as field and value. What
// has none of these is an update without field. Only a body that is no JSON is refused.
func Read(body []byte) (Batch, error) {
	if !json.Valid(body) {
		return Batch{}, ErrUnreadable
	}
	var b Batch
	elements(body, func(top []byte) {
		object, entries := "", []byte(nil)
		fields(top, func(name, value []byte) {
			switch string(name) {
			case "object":
				object = plain(value)
			case "entry":
				entries = value
			}
		})
		elements(entries, func(raw []byte) { b.read(object, raw) })
		if entries == nil {
			b.read(object, top)
		}
	})
	return b, nil
}

func (b *Batch) read(object string, raw []byte) {
	e := entry{raw: raw, object: object}
	var field string
	var messaging, standby, changes, value []byte
	fields(raw, func(name, v []byte) {
		switch string(name) {
		case "id":
			e.id = v
		case "time":
			e.time = v
		case Messaging:
			messaging = v
		case Standby:
			standby = v
		case "changes":
			changes = v
		case "field":
			field = plain(v)
		case "value":
			value = v
		}
	})
	add := func(field string, raw []byte) {
		b.Updates = append(b.Updates, Update{Object: object, Entry: plain(e.id), At: Moment(plain(e.time)),
			Field: field, Raw: raw, entry: len(b.entries), item: e.updates})
		e.updates++
	}
	elements(messaging, func(v []byte) { add(Messaging, v) })
	elements(standby, func(v []byte) { add(Standby, v) })
	elements(changes, func(v []byte) { add(change(v)) })
	if field != "" || value != nil {
		add(field, value)
	}
	if e.updates == 0 {
		add("", raw)
	}
	b.entries = append(b.entries, e)
}

// change is a change's field and value. One without value is its own.
func change(raw []byte) (field string, value []byte) {
	fields(raw, func(name, v []byte) {
		switch string(name) {
		case "field":
			field = plain(v)
		case "value":
			value = v
		}
	})
	if value == nil {
		value = raw
	}
	return field, value
}

// Body is a body of only some of the updates, in their order. Entries that stay whole keep
// their bytes; of others the id, the time and the items do.
func (b Batch) Body(us []Update) []byte {
	var out bytes.Buffer
	out.WriteString(`{"object":`)
	out.Write(quote(us[0].Object))
	out.WriteString(`,"entry":[`)
	for i := 0; i < len(us); {
		n := i
		for n < len(us) && us[n].entry == us[i].entry {
			n++
		}
		if i > 0 {
			out.WriteByte(',')
		}
		b.part(&out, us[i:n])
		i = n
	}
	out.WriteString("]}")
	return out.Bytes()
}

// part writes updates of one entry.
func (b Batch) part(out *bytes.Buffer, us []Update) {
	e := b.entries[us[0].entry]
	if len(us) == e.updates {
		out.Write(e.raw)
		return
	}
	out.WriteByte('{')
	for _, f := range []struct {
		name  string
		value []byte
	}{{"id", e.id}, {"time", e.time}} {
		if f.value != nil {
			out.WriteString(`"` + f.name + `":`)
			out.Write(f.value)
			out.WriteByte(',')
		}
	}
	list := func(name string, is func(Update) bool) {
		out.WriteString(`"` + name + `":[`)
		comma := false
		for _, u := range us {
			if !is(u) {
				continue
			}
			if comma {
				out.WriteByte(',')
			}
			comma = true
			if name != "changes" {
				out.Write(u.Raw)
				continue
			}
			out.WriteString(`{"field":`)
			out.Write(quote(u.Field))
			out.WriteString(`,"value":`)
			out.Write(u.Raw)
			out.WriteByte('}')
		}
		out.WriteByte(']')
	}
	list(Messaging, func(u Update) bool { return u.Field == Messaging })
	out.WriteByte(',')
	list(Standby, func(u Update) bool { return u.Field == Standby })
	out.WriteByte(',')
	list("changes", func(u Update) bool { return !u.Listed() })
	out.WriteByte('}')
}

// quote is a string as JSON. Encoding one cannot fail.
func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return b
}

// Door is the shared callback address of one kind of channel.
type Door struct {
	Object string // whose callbacks are taken; others are answered 200 and let go
	// Account is the far side's name of the account an update is for; empty: of none, let go.
	Account func(Update) timeline.Handle
}

// testEntry is the id of the entry that the dashboard's test button sends.
const testEntry = "0"

// Test reports whether an update is the far side's test of the address: it is about nobody.
func (u Update) Test() bool { return u.Entry == testEntry }

// Unreadable is the answer to a body that no part of can be read.
func Unreadable(err error) error {
	return errors.Join(err, &channels.Problem{Status: http.StatusBadRequest, Title: "The body cannot be read", Detail: "Send JSON."})
}

// Split answers the handshake and cuts a signed body up by account, in the body's order. A
// body for one account keeps all its bytes. The far side's own test, which the dashboard sends
// for an entry 0, becomes a slice without account.
func (d Door) Split(c channels.Callback, token string, secrets []string) ([]channels.Slice, channels.Answer, error) {
	switch c.Method {
	case http.MethodGet, http.MethodHead:
		a, err := Challenge(c, token)
		return nil, a, err
	case http.MethodPost:
	default:
		return nil, channels.Answer{}, &channels.Problem{Status: http.StatusMethodNotAllowed, Title: "Only GET and POST are answered", Detail: "Send callbacks by POST."}
	}
	if err := Verify(c.Header, c.Body, secrets); err != nil {
		return nil, channels.Answer{}, err
	}
	b, err := Read(c.Body)
	if err != nil {
		return nil, channels.Answer{}, Unreadable(err)
	}
	var order []timeline.Handle
	parts := map[timeline.Handle][]Update{}
	for _, u := range b.Updates {
		if u.Object != d.Object {
			continue
		}
		who := timeline.Handle("")
		if !u.Test() {
			if who = d.Account(u); who == "" {
				continue
			}
		}
		if parts[who] == nil {
			order = append(order, who)
		}
		parts[who] = append(parts[who], u)
	}
	out := make([]channels.Slice, 0, len(order))
	for _, who := range order {
		s := channels.Slice{Account: who, Callback: c}
		if len(parts[who]) != len(b.Updates) {
			s.Body = b.Body(parts[who])
		}
		out = append(out, s)
	}
	return out, channels.Answer{}, nil
}
