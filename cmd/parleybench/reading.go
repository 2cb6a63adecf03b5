package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
)

// readsPerRun is how many times a page is read in one run; their median counts.
const readsPerRun = 60

// dataset is a running program on seeded data.
type dataset struct {
	srv   *server
	token string
	web   *http.Client
	long  string // a conversation of 10,000 messages
}

// reading measures how lists and conversations answer on little and on much data. Runs on
// both alternate, so that what else the machine does falls on both.
func (b *bench) reading(ctx context.Context) (err error) {
	small, err := b.dataset(ctx, 1_000, 10, 0)
	if err != nil {
		return fmt.Errorf("seed 1,000 conversations: %w", err)
	}
	defer func() { err = errors.Join(err, small.srv.remove()) }()
	big, err := b.dataset(ctx, 100_000, 10, 10_000)
	if err != nil {
		return fmt.Errorf("seed 100,000 conversations: %w", err)
	}
	defer func() { err = errors.Join(err, big.srv.remove()) }()
	const list = "/api/conversations?view=all&sort=newest&limit=50"
	for range b.runs {
		few, err := small.read(ctx, list, `"legs":`, 50)
		if err != nil {
			return err
		}
		many, err := big.read(ctx, list, `"legs":`, 50)
		if err != nil {
			return err
		}
		open, err := big.read(ctx, "/api/conversations/"+big.long+"?events=60", `"direction":`, 60)
		if err != nil {
			return err
		}
		b.add("list50_ms_100k", many.ms)
		b.add("list50_ratio_100k_1k", many.ms/few.ms)
		b.add("open_10k_ms", open.ms)
		if many.server > 0 {
			fmt.Fprintf(b.out, "# the server says: list at 100k %.2f ms, at 1k %.2f ms, open %.2f ms\n", many.server, few.server, open.server)
		}
	}
	return errors.Join(small.srv.stop(), big.srv.stop())
}

func (b *bench) dataset(ctx context.Context, conversations, messages, long int) (*dataset, error) {
	s, err := newServer(b.bin)
	if err != nil {
		return nil, err
	}
	d := &dataset{srv: s, web: simulate.NewHTTP()}
	fail := func(err error) (*dataset, error) { return nil, errors.Join(err, s.remove()) }
	// The program lays out its own folder first, as it does for everybody.
	if _, err := s.start(ctx); err != nil {
		return fail(err)
	}
	if err := s.stop(); err != nil {
		return fail(err)
	}
	if d.token, err = s.token(ctx, "bench@example.com", "Bench"); err != nil {
		return fail(err)
	}
	began := time.Now()
	if d.long, err = seed(ctx, s.dir, chatAccount, conversations, messages, long); err != nil {
		return fail(err)
	}
	fmt.Fprintf(b.out, "# seeded %d conversations in %.1f s\n", conversations, time.Since(began).Seconds())
	if _, err := s.start(ctx); err != nil {
		return fail(err)
	}
	return d, nil
}

// timing is a median over one run's reads, in milliseconds: as the client felt it, and as
// the server says, zero where it does not.
type timing struct{ ms, server float64 }

var serverTiming = regexp.MustCompile(`dur=([0-9.]+)`)

// read reads a page again and again; each answer must hold a mark so many times.
func (d *dataset) read(ctx context.Context, path, mark string, times int) (timing, error) {
	var felt, told []float64
	for i := range readsPerRun + 5 {
		took, said, body, err := d.get(ctx, path)
		if err != nil {
			return timing{}, err
		}
		if n := bytes.Count(body, []byte(mark)); n < times {
			return timing{}, fmt.Errorf("%s answered %d of %d", path, n, times)
		}
		if i >= 5 { // the first few warm the connection
			felt = append(felt, took)
			told = append(told, said)
		}
	}
	return timing{median(felt), median(told)}, nil
}

// get reads a page once; took ends with its last byte.
func (d *dataset) get(ctx context.Context, path string) (took, said float64, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.srv.base()+path, nil)
	if err != nil {
		return 0, 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.token)
	began := time.Now()
	res, err := d.web.Do(req)
	if err != nil {
		return 0, 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	took = float64(time.Since(began)) / float64(time.Millisecond)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d", path, res.StatusCode)
	}
	if m := serverTiming.FindStringSubmatch(res.Header.Get("Server-Timing")); m != nil && err == nil {
		said, err = strconv.ParseFloat(m[1], 64)
	}
	return took, said, body, err
}
