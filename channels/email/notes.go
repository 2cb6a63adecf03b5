package email

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// What the inbox remembers, by kinds of key. Ids are hashed: keys are short whatever senders write.
const (
	noteMail   = "m:" // a Message-ID → known
	noteServer = "p:" // the id our provider gave a mail of ours → known
	noteSeen   = "s:" // the content of a mail that is in
	noteThread = "t:" // a thread → history, written by who reads the inbox
	noteSent   = "o:" // a thread → sent, written by who sends
	noteAuto   = "a:" // an address → when it last got an automatic answer
)

// The most that is remembered of one thread.
const (
	maxPeople = 200
	maxIDs    = 20
)

// known is where a Message-ID belongs.
type known struct {
	Thread  string `json:"t"`
	ID      string `json:"i,omitempty"` // the Message-ID, as events name it
	Content string `json:"c,omitempty"` // of the mail, see contentOf
	File    string `json:"f,omitempty"` // the raw mail
	At      int64  `json:"a,omitempty"` // seconds
}

// history is what came in on a thread.
type history struct {
	Peer    string   `json:"peer"`             // the person the thread is with: identity value
	Scheme  string   `json:"scheme,omitempty"` // of that identity; empty: email
	Name    string   `json:"name,omitempty"`
	People  []string `json:"people,omitempty"` // every address seen, normalised
	Subject string   `json:"subject,omitempty"`
	IDs     []string `json:"ids,omitempty"` // Message-IDs, newest last
	Last    *last    `json:"last,omitempty"`
	Machine bool     `json:"machine,omitempty"` // no program may answer the newest mail
}

// answer is where an answer on the thread goes: to whoever wrote last, if that was a person.
func (h history) answer() timeline.Handle {
	switch {
	case h.Last == nil || h.Last.Machine || h.Last.From == "":
		return timeline.Handle(h.Peer)
	case len(h.Last.Reply) > 0:
		return timeline.Handle(h.Last.Reply[0])
	}
	return timeline.Handle(h.Last.From)
}

// last is the latest mail on a thread that somebody wrote.
type last struct {
	ID      string    `json:"id,omitempty"`
	From    string    `json:"from,omitempty"`
	Name    string    `json:"name,omitempty"`
	Reply   []string  `json:"reply,omitempty"` // Reply-To
	To      []string  `json:"to,omitempty"`    // To and Cc
	File    string    `json:"file,omitempty"`
	At      time.Time `json:"at,omitzero"`
	Machine bool      `json:"machine,omitempty"` // no program may answer it
}

// sent is what went out on a thread.
type sent struct {
	Peer    string   `json:"peer,omitempty"` // whom we wrote to first
	People  []string `json:"people,omitempty"`
	Subject string   `json:"subject,omitempty"`
	IDs     []string `json:"ids,omitempty"`
	Auto    []int64  `json:"auto,omitempty"` // when automatic answers went out lately, seconds
}

// book is a view of the notes with what is written in front of it, until it is flushed. Mails of
// one batch see one another through it. It is used by one goroutine.
type book struct {
	notes channels.Notes
	fresh map[string][]byte
	read  map[string][]byte
}

func newBook(n channels.Notes) *book {
	return &book{notes: n, fresh: map[string][]byte{}, read: map[string][]byte{}}
}

// load reads keys in one go; value then finds them.
func (b *book) load(ctx context.Context, keys ...string) error {
	missing := slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
		_, fresh := b.fresh[k]
		_, read := b.read[k]
		return fresh || read
	})
	if len(missing) == 0 {
		return nil
	}
	got, err := b.notes.Get(ctx, missing...)
	if err != nil {
		return fmt.Errorf("email: reading what the inbox remembers: %w", err)
	}
	for _, k := range missing {
		b.read[k] = got[k]
	}
	return nil
}

// value decodes a note that was loaded; false where there is none.
func (b *book) value(key string, into any) bool {
	v, ok := b.fresh[key]
	if !ok {
		v = b.read[key]
	}
	return v != nil && json.Unmarshal(v, into) == nil
}

func (b *book) put(key string, v any) {
	j, err := json.Marshal(v)
	if err != nil {
		panic(err) // notes are strings, numbers and times
	}
	b.fresh[key] = j
}

// flush writes what was put.
func (b *book) flush(ctx context.Context) error {
	if len(b.fresh) == 0 {
		return nil
	}
	if err := b.notes.Put(ctx, b.fresh); err != nil {
		return fmt.Errorf("email: writing what the inbox remembers: %w", err)
	}
	maps.Copy(b.read, b.fresh)
	clear(b.fresh)
	return nil
}

// joined is a list with more at its end, each once, cut to the newest.
func joined(list []string, most int, more ...string) []string {
	for _, v := range more {
		if v == "" {
			continue
		}
		if i := slices.Index(list, v); i >= 0 {
			list = slices.Delete(slices.Clone(list), i, i+1)
		}
		list = append(list, v)
	}
	return list[max(0, len(list)-most):]
}
