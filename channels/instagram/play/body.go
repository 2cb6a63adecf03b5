package play

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

type object = map[string]any

// body is one callback with as many updates as a batch has.
func (c *crowd) body() []byte {
	now := time.Now().UnixMilli()
	var messaging, changes []object
	for range c.batch {
		c.sent++
		if update, comment := c.update(now); comment {
			changes = append(changes, object{"field": "comments", "value": update})
		} else {
			messaging = append(messaging, update)
		}
	}
	entry := object{"id": c.account, "time": now}
	if len(messaging) > 0 {
		entry["messaging"] = messaging
	}
	if len(changes) > 0 {
		entry["changes"] = changes
	}
	return serialise(object{"object": "instagram", "entry": []object{entry}})
}

// update is what one person does. Most write; some comment, react, edit or take back.
func (c *crowd) update(now int64) (u object, comment bool) {
	who := c.rnd.IntN(max(c.s.People, 1))
	person := fmt.Sprintf("77%013d", who+1)
	event := func(kind string, v object) object {
		return object{"sender": object{"id": person}, "recipient": object{"id": c.account}, "timestamp": now, kind: v}
	}
	text := "Hello, is anybody there?"
	if len(c.s.Lines) > 0 {
		text = c.s.Lines[c.rnd.IntN(len(c.s.Lines))]
	}
	last := c.last[who]
	c.n++
	id := fmt.Sprintf("aWdfZAG1faXRlbToxOkl%d.%d.%d", c.s.Seed, time.Now().UnixNano(), c.n)
	switch r := c.rnd.Float64(); {
	case r < 0.06:
		return object{"id": fmt.Sprintf("18%d%06d", now, c.n%1e6), "from": object{"id": person, "username": fmt.Sprintf("person.%d", who+1)},
			"text": text, "media": object{"id": "18000000000000001", "media_product_type": "FEED"}}, true
	case last != "" && r < 0.10:
		return event("reaction", object{"mid": last, "action": "react", "reaction": "love", "emoji": "❤️"}), false
	case last != "" && r < 0.12:
		return event("message_edit", object{"mid": last, "text": text + " (sorry, a typo)", "num_edit": 1}), false
	case last != "" && r < 0.13:
		delete(c.last, who)
		return event("message", object{"mid": last, "is_deleted": true}), false
	}
	c.last[who] = id
	return event("message", object{"mid": id, "text": text}), false
}

// serialise writes JSON as the platform does: what is not ASCII is escaped, and so are slashes.
// The signature is made over these bytes.
func serialise(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // maps of strings, numbers and maps always encode
	var out bytes.Buffer
	for _, r := range strings.TrimSpace(b.String()) {
		switch {
		case r == '/':
			out.WriteString(`\/`)
		case r < 0x80:
			out.WriteRune(r)
		default:
			for _, u := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&out, `\u%04x`, u)
			}
		}
	}
	return out.Bytes()
}
