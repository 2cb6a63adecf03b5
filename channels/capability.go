package channels

import (
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Capabilities says what the far side allows, so that nothing offers what would be refused.
// It is served to the app as it is.
type Capabilities struct {
	Label      map[string]string        `json:"label,omitempty"` // of a place, by language: Comment; see Channel.Places
	Text       TextLimit                `json:"text"`
	Media      map[string]MediaLimit    `json:"media,omitempty"` // by part kind; absent: none
	MaxParts   int                      `json:"maxParts,omitempty"`
	PartsAlone bool                     `json:"partsAlone,omitempty"` // text and parts become separate messages
	Reactions  Ways                     `json:"reactions,omitzero"`
	Edits      Ways                     `json:"edits,omitzero"`
	Unsends    Ways                     `json:"unsends,omitzero"`
	Typing     Ways                     `json:"typing,omitzero"`
	Receipts   []timeline.DeliveryState `json:"receipts,omitempty"` // what the far side reports of ours
	Buttons    *ButtonLimit             `json:"buttons,omitempty"`
	Subject    bool                     `json:"subject,omitempty"`
	Envelope   bool                     `json:"envelope,omitempty"`   // messages name their recipients: To, Cc, Bcc
	Public     bool                     `json:"public,omitempty"`     // everybody can read it
	Moderation []string                 `json:"moderation,omitempty"` // what we may do to the person's messages; see timeline.Moderation
	ReplyTo    bool                     `json:"replyTo,omitempty"`
	Starts     bool                     `json:"starts,omitempty"`     // may we write first?
	Idempotent bool                     `json:"idempotent,omitempty"` // the far side drops a repeated Step.Key
	Disclose   bool                     `json:"disclose,omitempty"`   // automated messages must say so
	Windows    []WindowRule             `json:"windows,omitempty"`    // empty: any time
	Rates      []RateRule               `json:"rates,omitempty"`
}

// Ways says whether a thing can be received and sent.
type Ways struct {
	In  bool `json:"in,omitempty"`
	Out bool `json:"out,omitempty"`
}

// TextLimit is how long and how rich one message may be.
type TextLimit struct {
	Max  int    `json:"max"`            // 0: no limit
	Unit string `json:"unit,omitempty"` // bytes, runes, utf16
	Rich string `json:"rich,omitempty"` // plain, markdown, html
}

// MediaLimit is what one kind of part may be.
type MediaLimit struct {
	MaxBytes int64    `json:"maxBytes"`
	MIME     []string `json:"mime,omitempty"` // patterns such as image/*; empty: any
	MaxCount int      `json:"maxCount,omitempty"`
}

// ButtonLimit is how many answers may be offered, and how long they are.
type ButtonLimit struct {
	Max   int `json:"max"`
	Title int `json:"title"` // runes
}

// WindowRule says: one of Opens allows Max messages (0: any number) for For, by By.
// A leg is open while one of its channel's rules allows the message.
type WindowRule struct {
	Name  string               `json:"name"`            // standard, human_agent, private_reply
	Label map[string]string    `json:"label,omitempty"` // by language, for the composer; empty: the standard window needs no name
	Opens []string             `json:"opens"`
	For   time.Duration        `json:"for"` // nanoseconds
	Max   int                  `json:"max,omitempty"`
	By    []timeline.ActorKind `json:"by,omitempty"` // empty: anybody
	Tag   string               `json:"tag,omitempty"`
}

// RateRule is how many calls the far side takes: N in Per, counted per Scope (account, thread).
type RateRule struct {
	Name  string        `json:"name"`
	Scope string        `json:"scope"`
	N     int           `json:"n"`
	Per   time.Duration `json:"per"`
}

// Allowed finds the rule that lets an actor write at a moment, given the leg's ledger. ok
// is false where none does; until is when the rule found runs out, zero for never.
func (c Capabilities) Allowed(opened map[string]timeline.Window, by timeline.ActorKind, now time.Time) (rule WindowRule, until time.Time, ok bool) {
	if len(c.Windows) == 0 {
		return WindowRule{}, time.Time{}, true
	}
	for _, r := range c.Windows {
		if len(r.By) > 0 && !contains(r.By, by) {
			continue
		}
		for _, o := range r.Opens {
			w, seen := opened[o]
			end := w.At.Add(r.For)
			if !seen || !now.Before(end) || (r.Max > 0 && w.Used >= r.Max) {
				continue
			}
			if !ok || end.After(until) {
				rule, until, ok = r, end, true
			}
		}
		if ok { // rules are listed by preference
			return rule, until, true
		}
	}
	return WindowRule{}, time.Time{}, false
}

func contains(ks []timeline.ActorKind, k timeline.ActorKind) bool {
	for _, x := range ks {
		if x == k {
			return true
		}
	}
	return false
}
