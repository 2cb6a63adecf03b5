package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
	"github.com/parley-hub/parley/timeline"
)

// crashVisitors is how many visitors talk while the program is killed: a third by POST, a
// third over the socket one by one, a third with several messages on their way.
const crashVisitors = 9

// crashPause is how long a visitor waits between two messages, at most.
const crashPause = 30 * time.Millisecond

// calmWithin is how long everything may take to come to rest after the last crash.
const calmWithin = 60 * time.Second

func crashCommand(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("crash", flag.ContinueOnError)
	t := &torment{ledger: &ledger{}}
	var bin string
	var cycles int
	var seed uint64
	var keep bool
	f.StringVar(&bin, "bin", "build/parley", "the program under test")
	f.IntVar(&cycles, "cycles", 20, "how often the program is killed")
	f.BoolVar(&keep, "keep", false, "leave the program's data where they are")
	f.DurationVar(&t.life, "life", time.Second, "how long the program lives between two kills, at most")
	f.Uint64Var(&seed, "seed", uint64(time.Now().UnixNano()), "of the moments at which it is killed")
	if err := f.Parse(args); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "# seed %d\n", seed)
	s, err := newServer(bin)
	if err != nil {
		return err
	}
	t.srv, t.rnd = s, rand.New(rand.NewPCG(seed, 0))
	v, err := t.run(ctx, cycles)
	if err != nil {
		fmt.Fprintf(os.Stderr, "# the program's log is %s\n", s.log)
		return errors.Join(err, s.kill())
	}
	if keep || !v.right() {
		fmt.Fprintf(os.Stderr, "# the data are kept in %s\n", s.dir)
	} else if err := s.remove(); err != nil {
		return err
	}
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	if !v.right() {
		return errors.New("what was acknowledged is not what is there")
	}
	return nil
}

// torment is one crash test: a program that is killed, and people who go on talking.
type torment struct {
	srv      *server
	rnd      *rand.Rand
	life     time.Duration
	ledger   *ledger
	visitors []*simulate.VisitorClient
	agents   []*simulate.AgentClient
	written  *written
	unsent   atomic.Int64 // callbacks and mails on their way
	talking  sync.WaitGroup
}

func (t *torment) run(ctx context.Context, cycles int) (verdict, error) {
	token, err := t.srv.token(ctx, "bench@example.com", "Bench")
	if err != nil {
		return verdict{}, err
	}
	if _, err := t.srv.start(ctx); err != nil {
		return verdict{}, err
	}
	if err := t.srv.openChat(ctx, token); err != nil {
		return verdict{}, err
	}
	if t.written, err = t.srv.openWritten(ctx, token); err != nil {
		return verdict{}, err
	}
	defer t.written.close() //nolint:errcheck // the test is over
	online, leave := context.WithCancel(ctx)
	defer leave()
	talk, hush := context.WithCancel(online)
	defer hush()
	t.gather(online, talk, token)
	defer func() { leave(); t.talking.Wait() }()
	if err := t.cycles(ctx, cycles); err != nil {
		return verdict{}, err
	}
	hush()
	fmt.Fprintf(os.Stderr, "# %s\n", t.ledger.flow())
	if err := t.calm(ctx); err != nil {
		return verdict{}, err
	}
	v, err := t.judge(ctx, cycles)
	leave()
	t.talking.Wait()
	if err := t.srv.stop(); err != nil { // not what is asked here, but worth knowing
		fmt.Fprintf(os.Stderr, "# the last stop was not orderly: %v\n", err)
	}
	return v, err
}

// cycles kills the program at random moments and starts it again.
func (t *torment) cycles(ctx context.Context, n int) error {
	for i := range n {
		if !sleep(ctx, t.life/10+time.Duration(t.rnd.Int64N(int64(t.life-t.life/10)))) {
			return ctx.Err()
		}
		if err := t.srv.kill(); err != nil {
			return err
		}
		t.ledger.kill()
		took, err := t.srv.start(ctx)
		if err != nil {
			return fmt.Errorf("start after crash %d: %w", i+1, err)
		}
		if (i+1)%10 == 0 || i+1 == n {
			fmt.Fprintf(os.Stderr, "# %d crashes, %d acknowledged, last start %d ms\n", i+1, t.ledger.count(), took.Milliseconds())
		}
	}
	return nil
}

// gather brings the visitors and the agents. They stay online until the end and talk until hushed.
func (t *torment) gather(online, talk context.Context, token string) {
	web := simulate.NewHTTP()
	for i := range crashVisitors {
		c := simulate.VisitorConfig{Base: t.srv.base(), Account: chatAccount, HTTP: web, Post: i%3 == 0, OnAck: t.ledger.ack}
		if i%3 == 2 {
			c.Window = 4
		}
		v := simulate.NewVisitor(c)
		t.visitors = append(t.visitors, v)
		rnd := rand.New(rand.NewPCG(t.rnd.Uint64(), 0))
		t.talking.Go(func() { v.Run(online) })
		t.talking.Go(func() { t.chat(talk, i, v, rnd) })
	}
	t.correspond(online, talk)
	for i := range 2 {
		todo := make(chan simulate.Frame, 256)
		a := simulate.NewAgent(simulate.AgentConfig{Base: t.srv.base(), Token: token, HTTP: web, OnEvent: func(f simulate.Frame) {
			if f.Event.Receipt != nil && f.Event.Receipt.State == timeline.Sent {
				t.ledger.left()
			}
			select {
			case todo <- f:
			default: // an agent answers what they can
			}
		}})
		t.agents = append(t.agents, a)
		t.talking.Go(func() { a.Run(online) })
		t.talking.Go(func() { t.answer(online, talk, i, a, todo) })
	}
}

// chat lets one visitor write until hushed. Their program keeps what is not acknowledged.
func (t *torment) chat(ctx context.Context, who int, v *simulate.VisitorClient, rnd *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		if v.Waiting() < 8 {
			id, text := simulate.NewID(), fmt.Sprintf("visitor %d says %06d", who, n)
			t.ledger.write(line{id: id, text: text, visitor: who, n: n})
			v.SendAs(id, text)
		}
		if rnd.IntN(8) == 0 { // what a broken line takes along is said again later
			_ = v.Typing(true)
			_ = v.Read()
		}
		if !sleep(ctx, time.Duration(rnd.Int64N(int64(crashPause)))) {
			return
		}
	}
}

// answer lets one agent reply to some of what they see, each reply until it is taken.
func (t *torment) answer(online, talk context.Context, who int, a *simulate.AgentClient, todo <-chan simulate.Frame) {
	for n := 0; ; n++ {
		var f simulate.Frame
		select {
		case <-talk.Done():
			return
		case f = <-todo:
		}
		if f.Event.Kind != timeline.KindMessage || f.Event.Direction != timeline.In || f.Event.Thread.Account != chatAccount || n%5 != who {
			continue
		}
		id, text := simulate.NewID(), fmt.Sprintf("agent %d says %06d", who, n)
		t.ledger.write(line{id: id, text: text, visitor: -1 - who, n: n})
		for online.Err() == nil {
			err := a.Reply(online, f.Event.Conversation, f.Event.Leg, id, text)
			if err == nil {
				t.ledger.ack(id)
				break
			}
			if !simulate.Again(err) {
				t.ledger.refuse(id, err)
				break
			}
			sleep(online, 50*time.Millisecond)
		}
	}
}

// calm waits until every outbox is empty, every conversation stands still and the agents'
// screens are level.
func (t *torment) calm(ctx context.Context) error {
	until := time.Now().Add(calmWithin)
	still := 0
	last := ""
	for time.Now().Before(until) {
		if !sleep(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
		waiting := int(t.unsent.Load())
		for _, v := range t.visitors {
			waiting += v.Waiting()
		}
		list, err := t.agents[0].Conversations(ctx, "all")
		if err != nil || waiting > 0 {
			still = 0
			continue
		}
		now, level := "", true
		for _, c := range list {
			now += fmt.Sprintf("%s=%d ", c.ID, c.Seq)
			for _, a := range t.agents {
				level = level && a.Screen.Seq(c.ID) >= c.Seq
			}
		}
		if now != last || !level {
			still, last = 0, now
			continue
		}
		if still++; still >= 8 {
			return nil
		}
	}
	return fmt.Errorf("no rest within %v: %s\n%s", calmWithin, t.restless(), t.srv.tail())
}

func (t *torment) restless() string {
	out := fmt.Sprintf("%d callbacks and mails are not taken; ", t.unsent.Load())
	for i, v := range t.visitors {
		if n := v.Waiting(); n > 0 {
			out += fmt.Sprintf("visitor %d has %d unacknowledged; ", i, n)
		}
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
