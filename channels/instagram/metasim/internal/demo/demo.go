// Package demo plays a short scene to a hub: a small shop, the people who write to it in the
// first minutes, and what they say when they are answered. Everything it does goes through
// the control API, as a person at the page would do it.
package demo

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/control"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/sim"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// Times of the scene, simulated.
const (
	retry     = time.Second // until the hub shakes hands; real
	readAfter = 2 * time.Second
	answerIn  = 7 * time.Second
)

// Options say who the shop is and how the hub knows it.
type Options struct {
	Hub, Callback           string
	App, Secret, Verify     string
	IG, Page                string
	IGToken, PageToken      string
	Username, Name, Objects string
	Login                   string
	Pace                    float64
}

// Register adds the demo's flags.
func (o *Options) Register(fs *flag.FlagSet) {
	fs.StringVar(&o.Hub, "hub", "http://127.0.0.1:8080", "demo: address of the hub")
	fs.StringVar(&o.Callback, "callback", "", "demo: webhook address; empty is /hooks/instagram at the hub")
	fs.StringVar(&o.App, "app-id", "1000000000000001", "demo: id of the app")
	fs.StringVar(&o.Secret, "app-secret", "demo-app-secret", "demo: secret of the app")
	fs.StringVar(&o.Verify, "verify-token", "demo-verify-token", "demo: verify token of the callback")
	fs.StringVar(&o.IG, "ig-id", "17841400000000001", "demo: id of the Instagram account")
	fs.StringVar(&o.Page, "page-id", "100000000000001", "demo: id of the linked Page")
	fs.StringVar(&o.IGToken, "ig-token", "IGAA-demo", "demo: token for graph.instagram.com")
	fs.StringVar(&o.PageToken, "page-token", "EAAP-demo", "demo: token for graph.facebook.com")
	fs.StringVar(&o.Username, "username", "moss.and.clay", "demo: username of the account")
	fs.StringVar(&o.Name, "name", "Moss & Clay", "demo: name of the account")
	fs.StringVar(&o.Objects, "objects", "instagram", "demo: objects to subscribe, by commas")
	fs.StringVar(&o.Login, "login", "instagram", "demo: instagram or facebook: which subscription the account starts with")
	fs.Float64Var(&o.Pace, "pace", 1, "demo: how many times as fast the scene is played")
}

func (o Options) callback() string {
	if o.Callback != "" {
		return o.Callback
	}
	return strings.TrimRight(o.Hub, "/") + "/hooks/instagram"
}

// Play makes the shop and its people, waits for the hub to shake hands, plays the scene and
// answers whoever answers, until ctx ends.
func Play(ctx context.Context, s *sim.Sim, o Options) error {
	if o.Pace <= 0 {
		return fmt.Errorf("demo: the pace is %v; it has to be above 0", o.Pace)
	}
	if o.Login != "instagram" && o.Login != "facebook" {
		return fmt.Errorf("demo: the login is %q; it may be instagram or facebook", o.Login)
	}
	d := &director{s: s, o: o, turn: map[string]int{}, seen: map[string]int{}, busy: map[string]bool{}}
	if played(s, o) {
		d.answered() // what was said in former runs was heard then
		d.recall()
		connect(ctx, s, o)
		d.follow(ctx)
		return nil
	}
	raw, err := json.Marshal(o.situation())
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if _, err := s.Control.Run(ctx, raw); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	media := pots(s, o)
	connect(ctx, s, o)
	if err := s.Control.Play(d.scene(media)); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	d.follow(ctx)
	return nil
}

// played says whether a former run made the shop.
func played(s *sim.Sim, o Options) bool {
	s.World.Lock()
	defer s.World.Unlock()
	return s.World.Business(o.Username) != nil
}

// connect sets the callbacks, again and again until the hub is up.
func connect(ctx context.Context, s *sim.Sim, o Options) {
	for _, object := range strings.Split(o.Objects, ",") {
		h := world.Hook{Object: strings.TrimSpace(object), URL: o.callback(), VerifyToken: o.Verify}
		for told := false; ; told = true {
			err := s.World.Subscribe(ctx, o.App, h)
			if err == nil {
				break
			}
			if !told {
				slog.Info("waiting for the hub", "callback", h.URL, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(retry):
			}
		}
	}
}

type m = map[string]any

// situation is the shop and the people, as a scenario.
func (o Options) situation() m {
	var people []m
	// Ids of people and posts are fixed: a hub that was there before knows them again.
	for i, p := range cast {
		people = append(people, m{"key": p.key, "username": p.key, "name": p.name, "followers": p.followers, "follows": []string{o.Username},
			"scoped": m{"instagram:" + o.Username: fmt.Sprintf("10000000000010%02d", i), "messenger:" + o.Username: fmt.Sprintf("20000000000010%02d", i)}})
	}
	node := "ig"
	if o.Login == "facebook" {
		node = "page"
	}
	return m{
		"apps": []m{{"id": o.App, "name": "Parley", "secret": o.Secret}},
		"accounts": []m{{
			"username": o.Username, "name": o.Name, "ig_id": o.IG, "page_id": o.Page, "followers": 4821,
			"biography": "Pots, planters and mugs, thrown by hand. Studio open Thu to Sat.",
			"subscribe": []string{node}, "tokens": m{"ig": o.IGToken, "page": o.PageToken},
		}},
		"people": people,
	}
}

// pots are the posts of the shop, with pictures drawn for them.
func pots(s *sim.Sim, o Options) []string {
	s.World.Lock()
	defer s.World.Unlock()
	var ids []string
	for i, p := range posts {
		asset := s.World.AddAsset(world.Asset{Name: "post.png", Type: "image/png", Bytes: world.Still(p.caption, 600, 450)})
		media, err := s.World.AddMedia(world.Media{ID: fmt.Sprintf("179000000000010%02d", i), Business: o.Username, Caption: p.caption, Likes: p.likes, Asset: asset.ID,
			At: s.World.Clock().Now().Add(-time.Duration(i+1) * 26 * time.Hour)})
		if err != nil {
			slog.Error("a post of the demo", "error", err)
			continue
		}
		ids = append(ids, media.ID)
	}
	return ids
}

// director answers those who answer.
type director struct {
	s    *sim.Sim
	o    Options
	turn map[string]int // lines a person has said in answer
	seen map[string]int // messages of the shop a person has seen, by person

	mu   sync.Mutex
	busy map[string]bool // who is writing just now: two answers are one line to such a person
}

func (d *director) in(t time.Duration) time.Duration {
	return time.Duration(float64(t) / d.o.Pace)
}

func (d *director) scene(media []string) []control.Step {
	var steps []control.Step
	for _, c := range cues {
		act := c.act
		if act.Do == "comment" {
			if c.post >= len(media) {
				continue
			}
			act.Media = media[c.post]
		}
		for i := range act.Attachments {
			act.Attachments[i].Asset = d.photo(act.Person)
		}
		act.Business = d.o.Username
		steps = append(steps, control.Step{After: c.after / d.o.Pace, Act: act})
	}
	return steps
}

// photo is a picture a customer took of a pot.
func (d *director) photo(of string) string {
	d.s.World.Lock()
	defer d.s.World.Unlock()
	return d.s.World.AddAsset(world.Asset{Name: "photo.png", Type: "image/png", Bytes: world.Still(of, 480, 600)}).ID
}

// recall finds out which lines were said in former runs.
func (d *director) recall() {
	d.s.World.Lock()
	defer d.s.World.Unlock()
	for _, x := range d.s.World.State().Messages {
		key := d.s.World.State().Threads[x.Thread].Person
		for _, line := range answersOf(key) {
			if x.FromPerson && x.Text == line {
				d.turn[key]++
			}
		}
	}
}

// follow watches what the shop says and lets each person read it and go on.
func (d *director) follow(ctx context.Context) {
	changed, end := d.s.World.Watch()
	defer end()
	for {
		for _, key := range d.answered() {
			d.answer(key)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// answered lists the people whom the shop wrote to since the last look.
func (d *director) answered() []string {
	d.s.World.Lock()
	defer d.s.World.Unlock()
	var out []string
	for _, t := range d.s.World.State().Threads {
		n := 0
		for _, id := range t.Messages {
			if !d.s.World.State().Messages[id].FromPerson {
				n++
			}
		}
		if n > d.seen[t.Person] {
			out = append(out, t.Person)
		}
		d.seen[t.Person] = n
	}
	return out
}

func (d *director) answer(key string) {
	act := control.Act{Do: "read", Person: key, Business: d.o.Username}
	d.later(d.in(readAfter), act)
	lines := answersOf(key)
	n := d.turn[key]
	if n >= len(lines) || d.hold(key) {
		return
	}
	d.turn[key]++
	act.Do, act.Text = "dm", lines[n]
	d.later(d.in(answerIn+time.Duration(len(lines[n]))*40*time.Millisecond), act)
}

func (d *director) later(t time.Duration, act control.Act) {
	d.s.World.Clock().AfterFunc(t, func() {
		if _, err := d.s.Control.Do(act); err != nil {
			slog.Warn("the demo missed a line", "do", act.Do, "error", err)
		}
		if act.Do == "dm" {
			d.mu.Lock()
			delete(d.busy, act.Person)
			d.mu.Unlock()
		}
	})
}

// hold says whether a person is writing already, and makes it so.
func (d *director) hold(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.busy[key]
	d.busy[key] = true
	return was
}
