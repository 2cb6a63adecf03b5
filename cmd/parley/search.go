package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/embedded"
	"github.com/parley-hub/parley/inbox/search/meili"
	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// finding is the search: its engine, what feeds it, and what makes its index anew.
type finding struct {
	search.Engine
	feeder    *search.Feeder
	rebuilder *search.Rebuilder
	group     string
}

// newFinding opens the engine that the settings name.
func newFinding(ctx context.Context, c *config.Config, s store.Store, log *slog.Logger) (*finding, error) {
	e, err := openEngine(ctx, c, log)
	if err != nil {
		return nil, err
	}
	f := search.NewFeeder(e, s, log)
	return &finding{Engine: e, feeder: f, rebuilder: search.NewRebuilder(f, indexName(c), c.Node), group: indexGroup(c)}, nil
}

func openEngine(ctx context.Context, c *config.Config, log *slog.Logger) (search.Engine, error) {
	if c.Meilisearch != "" {
		return meili.Open(ctx, meili.Config{URL: c.Meilisearch})
	}
	return embedded.Open(embedded.Config{Dir: filepath.Join(c.Data, "search"), Log: log})
}

// indexName is the index that this node works with: its own, or the one that all nodes share.
func indexName(c *config.Config) string {
	if c.Meilisearch != "" {
		return "meilisearch"
	}
	return c.Node
}

// indexGroup is the consumer group that feeds the index: nodes that have one each all hear everything.
func indexGroup(c *config.Config) string {
	if len(c.Kafka) > 0 && c.Meilisearch == "" {
		return search.Group + "." + c.Node
	}
	return search.Group
}

// PersonChanged takes in anew whom the API changed, which no entry of the timeline tells.
func (f *finding) PersonChanged(ctx context.Context, id timeline.PersonID) error {
	return f.feeder.PersonChanged(ctx, id)
}

// startFinding follows the timeline and keeps the index whole.
func (n *node) startFinding() error {
	if err := n.finding.feeder.Start(n.bus, n.finding.group); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	go n.finding.feeder.Run(n.ctx)
	go n.finding.rebuilder.Run(n.ctx)
	return nil
}

const (
	rebuildPoll  = 500 * time.Millisecond
	rebuildStale = 15 * time.Second // without a sign the hub has ended
)

// rebuildSearch makes the search's index anew: by the hub that runs on the same data, or else here.
func rebuildSearch(ctx context.Context, args []string, out io.Writer) (err error) {
	if err := parse(flags("search rebuild"), args); err != nil {
		return err
	}
	c, err := config.Load(nil)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{URI: c.MongoDB, Dir: c.Data})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	p, there, err := search.ReadProgress(ctx, s, indexName(c))
	if err != nil {
		return err
	}
	ask, err := search.AskRebuild(ctx, s, time.Now())
	if err != nil {
		return err
	}
	if there && time.Since(p.Seen) < search.SeenFor {
		return followRebuild(ctx, c, s, ask, out)
	}
	return rebuildHere(ctx, c, s, ask, out)
}

// followRebuild prints how far the hub is.
func followRebuild(ctx context.Context, c *config.Config, s store.Store, ask string, out io.Writer) error {
	fmt.Fprintln(out, "The hub that runs on this data makes the index anew; it answers from the old one until then.")
	t := time.NewTicker(rebuildPoll)
	defer t.Stop()
	for {
		p, _, err := search.ReadProgress(ctx, s, indexName(c))
		switch {
		case err != nil:
			return err
		case p.Asked == ask && p.State == search.Idle:
			_, err := fmt.Fprintf(out, "done: %d documents in %s\n", p.Docs, p.Seen.Sub(p.Started).Round(100*time.Millisecond))
			return err
		case time.Since(p.Seen) > rebuildStale:
			return errors.New("the hub gives no sign any more; the rebuild goes on when it runs again")
		case p.Asked == ask:
			printProgress(out, p)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not followed any longer; the hub goes on: %w", ctx.Err())
		case <-t.C:
		}
	}
}

func printProgress(out io.Writer, p search.Progress) {
	share := 100.0
	if p.Total > 0 {
		share = min(100, 100*float64(p.Done)/float64(p.Total))
	}
	fmt.Fprintf(out, "%5.1f %%  %d of %d conversations and people, %d documents\n", share, p.Done, p.Total, p.Docs)
}

// rebuildHere makes the index anew in this process.
func rebuildHere(ctx context.Context, c *config.Config, s store.Store, ask string, out io.Writer) (err error) {
	f, err := newFinding(ctx, c, s, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	empty, err := f.Empty(ctx)
	if err != nil {
		return err
	}
	var last time.Time
	f.rebuilder.OnProgress(func(_ context.Context, p search.Progress) {
		if p.State == search.Idle {
			fmt.Fprintf(out, "done: %d documents in %s\n", p.Docs, time.Since(p.Started).Round(100*time.Millisecond))
		} else if time.Since(last) > rebuildPoll {
			printProgress(out, p)
			last = time.Now()
		}
	})
	return f.rebuilder.Rebuild(ctx, ask, empty)
}
