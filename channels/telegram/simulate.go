package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/telegram/sim"
)

// simulator plays people who write to a bot, and where asked to the Bot API too.
var simulator = &channels.Simulator{
	Options: []channels.Setting{
		{
			Name: "account", Kind: "text",
			Label: map[string]string{"en": "Account", "zh": "账号"},
			Help:  map[string]string{"en": "The id of the Telegram account in the hub; its updates arrive by webhook.", "zh": "系统中 Telegram 账号的 ID；该账号须以 webhook 方式接收。"},
		},
		{
			Name: "secret", Kind: "secret",
			Label: map[string]string{"en": "Webhook secret", "zh": "Webhook 密钥"},
			Help:  map[string]string{"en": "As in the account's settings.", "zh": "与账号设置中的相同。"},
		},
		{
			Name: "listen", Kind: "text", Optional: true,
			Label: map[string]string{"en": "Listen on", "zh": "监听地址"},
			Help:  map[string]string{"en": "Where to play the Bot API, such as 127.0.0.1:8181; enter it as the account's Bot API address to see answers counted.", "zh": "模拟 Bot API 的监听地址，例如 127.0.0.1:8181；将其填入账号的 Bot API 地址即可统计回复。"},
		},
	},
	Run: simulate,
}

// inFlight is how many deliveries are under way at a time, as Telegram's own.
const inFlight = maxConnections

// play is one simulation.
type play struct {
	channels.Simulation
	address string
	client  *http.Client
	dice    *rand.Rand
	next    int64 // of updates and messages

	mu     sync.Mutex
	played channels.Played
}

// simulate delivers updates until its time is over. Who says what follows from
// the seed; the numbers of messages begin with the clock, so that a second run
// is news to the hub.
func simulate(ctx context.Context, s channels.Simulation) (channels.Played, error) {
	for _, name := range []string{"account", "secret"} {
		if s.Options[name] == "" {
			return channels.Played{}, fmt.Errorf("%s: it is needed", name)
		}
	}
	if s.Rate <= 0 {
		s.Rate = 1
	}
	s.People = max(s.People, 1)
	if len(s.Lines) == 0 {
		s.Lines = []string{"Hello!", "Is it in stock?", "Where is my order?", "Thank you 🙏"}
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.For)
		defer cancel()
	}
	p := &play{
		Simulation: s,
		address:    strings.TrimRight(s.Hub, "/") + "/hooks/telegram/" + s.Options["account"],
		client:     &http.Client{Timeout: 30 * time.Second},
		dice:       rand.New(rand.NewPCG(s.Seed, 0x7465)),
		next:       time.Now().UnixMilli() % 1e9,
	}
	defer p.client.CloseIdleConnections()
	if at := s.Options["listen"]; at != "" {
		api := sim.New("")
		closed, err := serve(ctx, at, api)
		if err != nil {
			return channels.Played{}, err
		}
		p.run(ctx)
		closed()
		p.played.Answers = api.Sent()
		return p.played, nil
	}
	p.run(ctx)
	return p.played, nil
}

// serve plays the Bot API until it is closed.
func serve(ctx context.Context, at string, api http.Handler) (closed func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", at)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // it ends when it is closed
	}()
	return func() {
		_ = srv.Close() // of a listener that ends with it
		<-done
	}, nil
}

// run writes at the rate, lets some updates be overtaken by the next one and
// delivers some twice. Nothing is under way when it returns.
func (p *play) run(ctx context.Context) {
	tick := time.NewTicker(max(time.Duration(float64(time.Second)/p.Rate), time.Microsecond))
	defer tick.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	slots := make(chan struct{}, inFlight)
	send := func(body []byte) {
		for range 1 + p.twice() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			under.Go(func() {
				defer func() { <-slots }()
				p.deliver(ctx, body)
			})
		}
	}
	var held []byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		body := p.update()
		if held == nil && p.dice.Float64() < p.Reorder {
			held = body
			continue
		}
		send(body)
		if held != nil {
			send(held)
			held = nil
		}
	}
}

func (p *play) twice() int {
	if p.dice.Float64() < p.Duplicates {
		return 1
	}
	return 0
}

// update is the next thing that somebody does: mostly they write, now and then
// they say where they are, or that they thought better of what they wrote.
func (p *play) update() []byte {
	n := p.dice.IntN(p.People)
	id := int64(5_000_000_000) + int64(n)
	name := fmt.Sprintf("Person %d", n+1)
	line := p.Lines[p.dice.IntN(len(p.Lines))]
	p.next++
	now := time.Now().Unix()
	m := params{
		"message_id": p.next, "date": now, "text": line,
		"from": params{"id": id, "is_bot": false, "first_name": name, "language_code": "en"},
		"chat": params{"id": id, "type": "private", "first_name": name},
	}
	kind := "message"
	switch roll := p.dice.Float64(); {
	case roll < 0.03:
		delete(m, "text")
		m["location"] = params{"latitude": 46.5 + p.dice.Float64(), "longitude": 7.5 + p.dice.Float64()}
	case roll < 0.08:
		kind, m["text"], m["edit_date"] = "edited_message", line+" (edited)", now
		m["message_id"] = p.next - 1 - p.dice.Int64N(int64(p.People)) // perhaps never seen: the hub must bear it
	}
	if kind == "message" {
		p.mu.Lock()
		p.played.Sent++
		p.mu.Unlock()
	}
	body, err := json.Marshal(params{"update_id": p.next, kind: m})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return body
}

// tries is how often a delivery is made before Telegram gives up.
const tries = 5

// deliver posts an update until the hub takes it.
func (p *play) deliver(ctx context.Context, body []byte) {
	for i := range tries {
		began := time.Now()
		err := p.post(ctx, body)
		took := time.Since(began)
		if ctx.Err() != nil && err != nil {
			return
		}
		p.mu.Lock()
		p.played.Slowest = max(p.played.Slowest, took)
		if err == nil {
			p.played.Delivered++
		} else if i == tries-1 {
			p.played.Refused++
		}
		p.mu.Unlock()
		if err == nil {
			return
		}
		p.Log.WarnContext(ctx, "the hub did not take an update", "error", err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second << i / 4):
		}
	}
}

func (p *play) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(secretHeader, p.Options["secret"])
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
