package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one line of the table: what is measured and what it should come to.
type figure struct {
	name string
	unit string
	goal float64 // 0: none was set
	more bool    // more is better
}

// figureList is everything that is measured. The goals come from the product's speed budget; that
// of one visitor alone is five times what the fastest comparable help desk does.
var figureList = []figure{
	{"event_p50_ms_100rps", "ms", 10, false},
	{"event_p99_ms_100rps", "ms", 25, false},
	{"accepted_per_s_n1", "msg/s", 470, true},
	{"accepted_per_s_n32", "msg/s", 1000, true},
	{"event_p99_ms_n32", "ms", 60, false},
	{"cpu_s_per_1000", "s", 1.6, false},
	{"list50_ms_100k", "ms", 5, false},
	{"list50_ratio_100k_1k", "ratio", 1.5, false},
	{"open_10k_ms", "ms", 5, false},
	{"meta_batch1000_ack_ms", "ms", 500, false},
	{"meta_batch1000_shown_ms", "ms", 2000, false},
	{"meta_accepted_per_s", "calls/s", 0, true},
	{"meta_accept_p99_ms", "ms", 0, false},
	{"meta_decode_per_s_core", "calls/s", 20_000, true},
	{"mails_per_s", "mails/s", 200, true},
	{"mail100k_ms", "ms", 5, false},
	{"mail_hostile_worst_ms", "ms", 2000, false},
	{"cold_start_ms", "ms", 500, false},
	{"idle_rss_mb", "MB", 80, false},
	{"app_js_kb", "kB", 250, false},
	{"widget_kb", "kB", 46, false},
}

// result is a figure as build/bench.json has it.
type result struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Goal    float64 `json:"goal"`
	Reached bool    `json:"reached"`
}

// bench gathers values by name, one for each run.
type bench struct {
	bin    string
	runs   int
	long   time.Duration // of one run of load
	only   map[string]bool
	values map[string][]float64
	out    io.Writer
}

func (b *bench) add(name string, v float64) { b.values[name] = append(b.values[name], v) }

// wants reports whether any of the names is asked for.
func (b *bench) wants(names ...string) bool {
	return len(b.only) == 0 || slices.ContainsFunc(names, func(n string) bool { return b.only[n] })
}

func benchCommand(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	b := &bench{only: map[string]bool{}, values: map[string][]float64{}, out: os.Stdout}
	var path, only string
	f.StringVar(&b.bin, "bin", "build/parley", "the program under test")
	f.StringVar(&path, "json", "build/bench.json", "where to write the figures; empty: nowhere")
	f.StringVar(&only, "only", "", "names to measure, with commas; empty: all")
	f.IntVar(&b.runs, "runs", 5, "runs; their median counts")
	f.DurationVar(&b.long, "long", 3*time.Second, "how long one run of load lasts")
	if err := f.Parse(args); err != nil {
		return err
	}
	for _, n := range strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !slices.ContainsFunc(figureList, func(f figure) bool { return f.name == n }) {
			return fmt.Errorf("no figure is called %q", n)
		}
		b.only[n] = true
	}
	err := b.all(ctx)
	results := b.results()
	b.table(results)
	if path != "" {
		err = errors.Join(err, writeJSON(path, results))
	}
	return err
}

// all measures whatever is wanted; one part's failure does not keep the others from running.
func (b *bench) all(ctx context.Context) error {
	var errs []error
	for _, part := range []struct {
		title string
		names []string
		run   func(context.Context) error
	}{
		{"start", []string{"cold_start_ms", "idle_rss_mb"}, b.starts},
		{"assets", []string{"app_js_kb", "widget_kb"}, b.assets},
		{"load", []string{"event_p50_ms_100rps", "event_p99_ms_100rps", "accepted_per_s_n1", "accepted_per_s_n32", "event_p99_ms_n32", "cpu_s_per_1000"}, b.load},
		{"channels", []string{"meta_batch1000_ack_ms", "meta_batch1000_shown_ms", "meta_accepted_per_s", "meta_accept_p99_ms", "mails_per_s"}, b.channelLoad},
		{"readers", []string{"meta_decode_per_s_core", "mail100k_ms", "mail_hostile_worst_ms"}, b.readers},
		{"reading", []string{"list50_ms_100k", "list50_ratio_100k_1k", "open_10k_ms"}, b.reading},
	} {
		if !b.wants(part.names...) || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		err := part.run(ctx)
		fmt.Fprintf(b.out, "# %s: %.0f s\n", part.title, time.Since(began).Seconds())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part.title, err))
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// starts measures starts on an empty folder, and the memory held once they calmed down.
func (b *bench) starts(ctx context.Context) error {
	for range b.runs {
		if err := b.oneStart(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) oneStart(ctx context.Context) (err error) {
	s, err := newServer(b.bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	took, err := s.start(ctx)
	if err != nil {
		return err
	}
	b.add("cold_start_ms", float64(took)/float64(time.Millisecond))
	if b.wants("idle_rss_mb") {
		time.Sleep(3 * time.Second)
		rss, err := s.rss()
		if err != nil {
			return err
		}
		b.add("idle_rss_mb", float64(rss)/(1<<20))
	}
	return s.stop()
}

// prepared is a running program with an agent's token.
func (b *bench) prepared(ctx context.Context) (*server, string, error) {
	s, err := newServer(b.bin)
	if err != nil {
		return nil, "", err
	}
	token, err := s.token(ctx, "bench@example.com", "Bench")
	if err == nil {
		_, err = s.start(ctx)
	}
	if err == nil {
		err = s.openChat(ctx, token)
	}
	if err != nil {
		return nil, "", errors.Join(err, s.remove())
	}
	return s, token, nil
}

// visitorsClosed is how many talk at once in the closed loop.
const visitorsClosed = 32

// load measures what visitors and agents feel.
func (b *bench) load(ctx context.Context) (err error) {
	s, token, err := b.prepared(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	c, err := newCrowd(ctx, s, token, visitorsClosed)
	defer c.close()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.tail())
	}
	if _, err := c.measure(ctx, c.open(100, time.Second)); err != nil { // warm-up
		return err
	}
	for range b.runs {
		if err := b.oneLoad(ctx, c); err != nil {
			return fmt.Errorf("%w\n%s", err, s.tail())
		}
	}
	return s.stop()
}

func (b *bench) oneLoad(ctx context.Context, c *crowd) error {
	if b.wants("event_p50_ms_100rps", "event_p99_ms_100rps") {
		f, err := c.measure(ctx, c.open(100, b.long))
		if err != nil {
			return fmt.Errorf("100 a second: %w", err)
		}
		b.add("event_p50_ms_100rps", f.p50)
		b.add("event_p99_ms_100rps", f.p99)
	}
	if b.wants("accepted_per_s_n1") {
		f, err := c.measure(ctx, c.closed(1, b.long))
		if err != nil {
			return fmt.Errorf("one visitor: %w", err)
		}
		b.add("accepted_per_s_n1", f.perS)
	}
	if b.wants("accepted_per_s_n32", "event_p99_ms_n32", "cpu_s_per_1000") {
		f, err := c.measure(ctx, c.closed(visitorsClosed, b.long))
		if err != nil {
			return fmt.Errorf("%d visitors: %w", visitorsClosed, err)
		}
		b.add("accepted_per_s_n32", f.perS)
		b.add("event_p99_ms_n32", f.p99)
		b.add("cpu_s_per_1000", f.cpu)
	}
	return nil
}

// results are the medians, of what was measured.
func (b *bench) results() []result {
	out := []result{}
	for _, f := range figureList {
		if len(b.values[f.name]) == 0 {
			continue
		}
		v := median(b.values[f.name])
		out = append(out, result{f.name, round(v), f.unit, f.goal, f.goal == 0 || f.more && v >= f.goal || !f.more && v <= f.goal})
	}
	return out
}

func (b *bench) table(results []result) {
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tvalue\tunit\tgoal\treached\tmin–max\truns")
	for _, r := range results {
		f := figureList[slices.IndexFunc(figureList, func(f figure) bool { return f.name == r.Name })]
		sign, word := "≤", "no"
		if f.more {
			sign = "≥"
		}
		if r.Reached {
			word = "yes"
		}
		goal := fmt.Sprintf("%s %v", sign, r.Goal)
		if r.Goal == 0 {
			goal, word = "–", "–"
		}
		v := b.values[r.Name]
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%v–%v\t%d\n", r.Name, r.Value, r.Unit, goal, word, round(slices.Min(v)), round(slices.Max(v)), len(v))
	}
	_ = w.Flush() // a table that cannot be printed has nobody to tell
	fmt.Fprintf(b.out, "load average %s\n", loadAverage())
}

// round keeps three places, which is more than the machine repeats.
func round(v float64) float64 { return float64(int64(v*1000+0.5)) / 1000 }

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
