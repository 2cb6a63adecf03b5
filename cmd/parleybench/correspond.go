package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
)

// Who writes what in the ledger: below firstCaller are visitors of the chat, from there on people
// on Instagram, from firstMail on people with mail programs.
const (
	firstCaller = 100
	firstMail   = 200
	callers     = 4
	mailers     = 3
)

// correspondPause is how long somebody waits between two callbacks or mails, at most.
const correspondPause = 80 * time.Millisecond

// correspond brings people who write by signed callbacks and by mail. Each goes on to the next
// message once the last was acknowledged, and until then sends the same again, as the far sides do.
func (t *torment) correspond(online, talk context.Context) {
	for i := range callers {
		person := fmt.Sprintf("77%013d", i+1)
		t.writer(online, talk, firstCaller+i, func(id, text string) (func() error, error) {
			body, err := callback(saidThere{person: person, mid: "aWdf" + id, text: text})
			return func() error { return t.written.call(online, body) }, err
		}, func() {})
	}
	for i := range mailers {
		p := &postman{lmtp: t.written.lmtp}
		from, first := fmt.Sprintf("person.%d@people.example", i+1), ""
		t.writer(online, talk, firstMail+i, func(id, text string) (func() error, error) {
			raw := letter(from, mailID(id), first, text)
			if first == "" {
				first = mailID(id)
			}
			return func() error { return p.deliver(online, from, raw) }, nil
		}, p.close)
	}
}

// writer lets one person write until hushed; what was begun is brought to its end. compose makes
// the bytes once: a second try sends the same ones.
func (t *torment) writer(online, talk context.Context, who int, compose func(id, text string) (func() error, error), done func()) {
	rnd := rand.New(rand.NewPCG(t.rnd.Uint64(), 0))
	t.talking.Go(func() {
		defer done()
		for n := 0; talk.Err() == nil; n++ {
			id, text := simulate.NewID(), fmt.Sprintf("writer %d says %06d", who, n)
			send, err := compose(id, text)
			if err != nil {
				t.ledger.refuse(id, err)
				return
			}
			t.ledger.write(line{id: id, text: text, visitor: who, n: n})
			t.unsent.Add(1)
			for online.Err() == nil {
				if send() == nil {
					t.ledger.ack(id)
					break
				}
				sleep(online, 50*time.Millisecond)
			}
			t.unsent.Add(-1)
			sleep(talk, time.Duration(rnd.Int64N(int64(correspondPause))))
		}
	})
}
