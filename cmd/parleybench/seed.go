package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// seedBatch is how many documents are written as one unit.
const seedBatch = 4000

// seed writes conversations of so many messages each straight into the record of a stopped
// program, and one of long messages if that is not zero, whose id it gives.
func seed(ctx context.Context, data, account string, conversations, messages, long int) (id string, err error) {
	dir, err := recordOf(data)
	if err != nil {
		return "", err
	}
	st, err := store.OpenEmbedded(ctx, dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	s := &seeder{ctx: ctx, st: st, account: timeline.AccountID(account), rnd: rand.New(rand.NewPCG(1, 2)), writes: map[string][]store.Write{},
		now: timeline.Now()}
	for i := range conversations {
		n := messages
		if long > 0 && i == conversations/2 {
			n = long
		}
		c, err := s.conversation(i, n)
		if err != nil {
			return "", err
		}
		if n == long {
			id = string(c)
		}
	}
	if err := s.counter(int64(conversations)); err != nil {
		return "", err
	}
	return id, s.flush(1)
}

// recordOf finds the folder of the record below the program's data.
func recordOf(data string) (string, error) {
	found := ""
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "store.db" {
			found = filepath.Dir(path)
			return fs.SkipAll
		}
		return err
	})
	if err == nil && found == "" {
		err = fmt.Errorf("no store.db below %s", data)
	}
	return found, err
}

// seeder makes documents as the product's own writer leaves them.
type seeder struct {
	ctx     context.Context
	st      store.Store
	account timeline.AccountID
	rnd     *rand.Rand
	now     time.Time
	writes  map[string][]store.Write
}

var (
	firstNames = strings.Fields("Maya Jonas Li Aisha Tomás Ingrid Kwame Sofia Hiroshi Elena Omar Nora Pavel Grace Mateo Yuki Leila Sam Anika Bruno")
	lastNames  = strings.Fields("Lindqvist Okafor Wei Hassan García Berg Mensah Rossi Tanaka Petrova Haddad Nielsen Novák Hopper Silva Mori Karimi Reed Patel Costa")
	phrases    = []string{"I ordered the trail jacket in medium last Tuesday and it has not left yet.", "Could you tell me when it ships?",
		"The zip of the left pocket came apart on the first walk.", "Thank you, that helps a lot!", "I would like to change the address, please.",
		"Is the blue one coming back in large?", "The invoice shows the wrong company name.", "我的订单什么时候发货？", "Merci, c'est parfait.", "It arrived, but the box was open."}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// conversation writes a person, their identity and a conversation of n messages.
func (s *seeder) conversation(i, n int) (timeline.ConversationID, error) {
	began := s.now.Add(-time.Duration(i+1) * 40 * time.Second).Add(-time.Duration(n) * time.Minute)
	person, visitor := timeline.PersonID(simulate.NewID()), simulate.NewID()
	name := pick(s.rnd, firstNames) + " " + pick(s.rnd, lastNames)
	thread := timeline.Thread{Account: s.account, ID: timeline.ThreadID("v-" + visitor)}
	ident := timeline.Identity{Account: s.account, Scheme: "visitor", Value: visitor, Proof: timeline.ProofProvider}
	c := timeline.Conversation{ID: timeline.ConversationID(simulate.NewID()), Number: int64(i + 1), Person: person, Name: name, Queue: "default",
		State: s.state(), Labels: s.labels(), CreatedAt: began,
		Legs: []timeline.Leg{{ID: thread.Leg(), Thread: thread, Channel: "webchat", Identity: ident.ID(), Peer: timeline.Handle(visitor)}}}
	for k := range n {
		at := began.Add(time.Duration(k) * time.Minute)
		if err := s.message(&c, at, k%3 != 2); err != nil {
			return "", err
		}
	}
	s.put(store.Persons, timeline.Person{ID: person, Name: name, CreatedAt: began, LastAt: c.LastAt})
	s.put(store.Identities, timeline.Known{ID: ident.ID(), Identity: ident, Person: person, FirstAt: began, LastAt: c.LastAt})
	s.put(store.Threads, bson.D{{Key: "_id", Value: thread.Key()}, {Key: "conversation", Value: string(c.ID)}, {Key: "at", Value: c.LastAt}})
	s.put(store.Conversations, c)
	return c.ID, s.flush(seedBatch)
}

func (s *seeder) state() timeline.State {
	switch n := s.rnd.IntN(10); {
	case n < 7:
		return timeline.Open
	case n < 8:
		return timeline.Snoozed
	}
	return timeline.Resolved
}

func (s *seeder) labels() []string {
	if s.rnd.IntN(3) > 0 {
		return nil
	}
	return []string{pick(s.rnd, []string{"order", "refund", "press", "vip"})}
}

// message adds one message to a conversation, from the person or to them.
func (s *seeder) message(c *timeline.Conversation, at time.Time, in bool) error {
	id := simulate.NewID()
	text := pick(s.rnd, phrases) + " " + pick(s.rnd, phrases)
	leg := &c.Legs[0]
	c.Seq++
	e := timeline.Event{ID: timeline.DeriveID(s.account, "msg:"+id), Kind: timeline.KindMessage, Conversation: c.ID, Seq: c.Seq, Leg: leg.ID, Thread: leg.Thread,
		Remote: timeline.RemoteID(id), Direction: timeline.In, Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: string(c.Person), Name: c.Name},
		At: at, Received: at, Client: id, Message: &timeline.Message{Text: text}}
	if in {
		c.InCount++
		c.LastInSeq, leg.LastIn = c.Seq, &at
		if c.WaitingSince == nil {
			c.WaitingSince = &at
		}
	} else {
		e.Direction, e.Actor = timeline.Out, timeline.Actor{Kind: timeline.ActorAgent, ID: "seed", Name: "Priya"}
		e.Message.Delivery = &timeline.Delivery{State: timeline.Read, At: at, Attempt: 1}
		c.LastOutSeq, c.WaitingSince = c.Seq, nil
	}
	c.LastAt = at
	c.Last = &timeline.Preview{Event: e.ID, Seq: e.Seq, Text: text, Direction: e.Direction, Actor: e.Actor, Leg: leg.ID, At: at}
	s.put(store.Events, e)
	return s.flush(seedBatch)
}

func (s *seeder) put(collection string, doc any) {
	s.writes[collection] = append(s.writes[collection], store.Write{Insert: doc})
}

// flush writes the collections in which at least so many documents wait.
func (s *seeder) flush(atLeast int) error {
	for name, w := range s.writes {
		if len(w) < atLeast {
			continue
		}
		errs, err := s.st.C(name).Bulk(s.ctx, w...)
		if err = errors.Join(append(errs, err)...); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		s.writes[name] = w[:0]
	}
	return nil
}

// counter lets the program's own numbers go on after the seeded ones.
func (s *seeder) counter(n int64) error {
	_, err := s.st.C(store.Counters).Upsert(s.ctx, bson.D{{Key: "_id", Value: "conversation"}}, bson.D{{Key: "$max", Value: bson.D{{Key: "n", Value: n}}}})
	return err
}
