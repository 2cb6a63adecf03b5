// Package meili searches with Meilisearch: for hubs of several machines, and where other
// spellings matter most.
//
// One index holds everything. A document's texts are given as package text cuts them, each
// character of a script without spaces standing alone, and such runs are asked for as phrases: the
// server's own dictionary misses names (it finds 37 of 100 pairs of characters; so all are found).
// What a conversation says of its documents is written on each of them, because the server
// joins nothing: an assignment updates these fields alone, by the documents' ids.
//
// Every call waits until the server has come to what it was given, so that an error is seen by who
// caused it, and what follows finds what went before. Writes of one conversation come from one
// caller at a time, which the consumer of the timeline sees to.
//
// The server must be started with --max-indexing-memory 1GiB or less: see docs/operations.md.
package meili

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/parley-hub/parley/inbox/search"
)

// Config shapes an engine.
type Config struct {
	URL    string // the key as its password
	Index  string // name of the index; empty: "parley"
	Client *http.Client
}

// version changes when what documents hold changes: an index of another is filled anew.
const version = "1"

// Engine is the engine. It is safe for concurrent use.
type Engine struct {
	m      meilisearch.ServiceManager
	client *http.Client
	name   string

	mu     sync.Mutex
	ready  bool      // the index is there
	looked time.Time // when was last looked whether a next index is being made
	next   bool
}

// The times of talking with the server.
const (
	callTime  = 30 * time.Second
	taskPoll  = 10 * time.Millisecond
	lookAfter = time.Second
)

// Open connects, and makes the index where there is none. It does not mind a server that is away.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("search: PARLEY_MEILISEARCH must be an address such as http://:key@meilisearch:7700")
	}
	key, _ := u.User.Password()
	u.User = nil
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: callTime}
	}
	if cfg.Index == "" {
		cfg.Index = "parley"
	}
	e := &Engine{client: cfg.Client, name: cfg.Index,
		m: meilisearch.New(strings.TrimSuffix(u.String(), "/"), meilisearch.WithAPIKey(key), meilisearch.WithCustomClient(cfg.Client), meilisearch.DisableRetries())}
	if err := e.ensure(ctx); err != nil && !errors.Is(err, search.ErrUnavailable) {
		return nil, err
	}
	return e, nil
}

// ensure makes the index where there is none. A server that is away at the start is asked again
// with the first write.
func (e *Engine) ensure(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ready {
		return nil
	}
	if _, err := e.m.GetIndexWithContext(ctx, e.name); err != nil {
		if !missing(err) {
			return failed("look for the index", err)
		}
		if err := e.create(ctx, e.name); err != nil {
			return err
		}
	}
	e.ready = true
	return nil
}

// settings are what is told of an index before its first document.
func settings() *meilisearch.Settings {
	return &meilisearch.Settings{
		SearchableAttributes: []string{"head", "body", "extra"},
		FilterableAttributes: []string{"kind", "gone", "conv", "seq", "person", "account", "channel", "dir", "att", "at", "ord", "assignee", "team", "state", "labels"},
		SortableAttributes:   []string{"ord"},
		RankingRules:         []string{"sort", "words", "typo", "proximity", "attribute", "exactness", "ord:desc"},
		TypoTolerance: &meilisearch.TypoTolerance{Enabled: true, MinWordSizeForTypos: meilisearch.MinWordSizeForTypos{OneTypo: 4, TwoTypos: 9},
			DisableOnWords: []string{}, DisableOnAttributes: []string{"extra"}, DisableOnNumbers: true},
		Pagination: &meilisearch.Pagination{MaxTotalHits: maxHits},
		StopWords:  []string{},
	}
}

// maxHits is how deep pages by relevance go.
const maxHits = 1000

func (e *Engine) create(ctx context.Context, name string) error {
	t, err := e.m.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: name, PrimaryKey: "id"})
	if err := e.wait(ctx, "make the index", t, err); err != nil && !strings.Contains(err.Error(), "index_already_exists") {
		return err
	}
	t, err = e.m.Index(name).UpdateSettingsWithContext(ctx, settings())
	return e.wait(ctx, "set the index up", t, err)
}

// wait returns when the server has done what it was given.
func (e *Engine) wait(ctx context.Context, doing string, t *meilisearch.TaskInfo, err error) error {
	if err != nil {
		return failed(doing, err)
	}
	done, err := e.m.WaitForTaskWithContext(ctx, t.TaskUID, taskPoll)
	if err != nil {
		return failed(doing, err)
	}
	if done.Status != meilisearch.TaskStatusSucceeded {
		return fmt.Errorf("search: meilisearch: %s: task %d %s: %s", doing, t.TaskUID, done.Status, done.Error.Code)
	}
	return nil
}

// failed says what went wrong without what was sent: it may be what people said. Whatever is not a
// refusal of the request itself is taken to pass.
func failed(doing string, err error) error {
	var me *meilisearch.Error
	if !errors.As(err, &me) {
		return fmt.Errorf("%w: meilisearch: %s: %w", search.ErrUnavailable, doing, err)
	}
	if me.StatusCode >= 400 && me.StatusCode < 500 && me.StatusCode != http.StatusTooManyRequests && me.StatusCode != http.StatusRequestTimeout {
		return fmt.Errorf("search: meilisearch: %s: status %d, %s", doing, me.StatusCode, me.MeilisearchApiError.Code)
	}
	if me.OriginError != nil && (errors.Is(me.OriginError, context.DeadlineExceeded) || errors.Is(me.OriginError, context.Canceled)) {
		return fmt.Errorf("%w: meilisearch: %s: %w", search.ErrUnavailable, doing, me.OriginError)
	}
	return fmt.Errorf("%w: meilisearch: %s: status %d", search.ErrUnavailable, doing, me.StatusCode)
}

func missing(err error) bool {
	var me *meilisearch.Error
	return errors.As(err, &me) && me.StatusCode == http.StatusNotFound
}

// Name implements [search.Engine].
func (e *Engine) Name() string { return "meilisearch" }

func (e *Engine) nextName() string { return e.name + "_next" }

// pending reports whether a next index is being made, by this node or another.
func (e *Engine) pending(ctx context.Context) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.looked) < lookAfter {
		return e.next, nil
	}
	_, err := e.m.GetIndexWithContext(ctx, e.nextName())
	if err != nil && !missing(err) {
		return false, failed("look for the next index", err)
	}
	e.next, e.looked = err == nil, time.Now()
	return e.next, nil
}

// Apply implements [search.Engine].
func (e *Engine) Apply(ctx context.Context, changes []search.Change) error {
	if len(changes) == 0 {
		return nil
	}
	if err := e.ensure(ctx); err != nil {
		return err
	}
	next, err := e.pending(ctx)
	if err != nil {
		return err
	}
	if next {
		if err := e.into(e.nextName()).apply(ctx, changes); err != nil {
			return err
		}
	}
	return e.into(e.name).apply(ctx, changes)
}

func (e *Engine) into(name string) *writer { return &writer{e: e, index: e.m.Index(name)} }

// The document that tells of the index itself.
const aboutID = "about"

// about is what the index says of its filling.
type about struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Place   string `json:"place"`
	Filled  string `json:"filled"`
	Version string `json:"version"`
}

func (w *writer) about(ctx context.Context) (a about, err error) {
	docs, err := fetch[about](ctx, w, &meilisearch.DocumentsQuery{Ids: []string{aboutID}, Limit: 1})
	if err != nil || len(docs) == 0 {
		return about{ID: aboutID, Kind: "about", Version: version}, err
	}
	return docs[0], nil
}

func (w *writer) tell(ctx context.Context, change func(*about)) error {
	a, err := w.about(ctx)
	if err != nil {
		return err
	}
	change(&a)
	return w.put(ctx, []about{a})
}

// Empty implements [search.Engine].
func (e *Engine) Empty(ctx context.Context) (bool, error) {
	if err := e.ensure(ctx); err != nil {
		return false, err
	}
	a, err := e.into(e.name).about(ctx)
	return a.Filled == "" || a.Version != version, err
}

// Begin implements [search.Engine].
func (e *Engine) Begin(ctx context.Context, fresh bool) (search.Fill, error) {
	name := e.nextName()
	if _, err := e.m.GetIndexWithContext(ctx, name); err != nil {
		if !missing(err) {
			return nil, failed("look for the next index", err)
		}
		if fresh {
			return &fill{e: e, w: e.into(e.name)}, nil
		}
		if err := e.create(ctx, name); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	e.next, e.looked = true, time.Now()
	e.mu.Unlock()
	select { // until every node has seen it
	case <-time.After(lookAfter + lookAfter/2):
	case <-ctx.Done():
		return nil, fmt.Errorf("search: beginning an index: %w", ctx.Err())
	}
	return &fill{e: e, w: e.into(name), next: true}, nil
}

// fill is an index that is being made.
type fill struct {
	e    *Engine
	w    *writer
	next bool
}

// Put implements [search.Fill].
func (f *fill) Put(ctx context.Context, changes []search.Change) error {
	return f.w.apply(ctx, changes)
}

// Mark implements [search.Fill].
func (f *fill) Mark(ctx context.Context, place string) error {
	return f.w.tell(ctx, func(a *about) { a.Place = place })
}

// Place implements [search.Fill].
func (f *fill) Place(ctx context.Context) (string, error) {
	a, err := f.w.about(ctx)
	return a.Place, err
}

// Finish implements [search.Fill]. The swap is one step for the server; the one before is removed after.
func (f *fill) Finish(ctx context.Context) error {
	if err := f.w.tell(ctx, func(a *about) {
		a.Place, a.Filled, a.Version = "", time.Now().UTC().Format(time.RFC3339), version
	}); err != nil || !f.next {
		return err
	}
	t, err := f.e.m.SwapIndexesWithContext(ctx, []*meilisearch.SwapIndexesParams{{Indexes: []string{f.e.name, f.e.nextName()}}})
	if err := f.e.wait(ctx, "swap the indexes", t, err); err != nil {
		return err
	}
	t, err = f.e.m.DeleteIndexWithContext(ctx, f.e.nextName())
	if err := f.e.wait(ctx, "remove the index before", t, err); err != nil {
		return err
	}
	f.e.mu.Lock()
	defer f.e.mu.Unlock()
	f.e.next, f.e.looked = false, time.Now()
	return nil
}

// Stats implements [search.Engine].
func (e *Engine) Stats(ctx context.Context) (search.Stats, error) {
	s := search.Stats{Docs: map[search.Kind]int64{}}
	for _, k := range search.Kinds {
		var res meilisearch.DocumentsResult
		err := e.m.Index(e.name).GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{Limit: 1, Fields: []string{"id"}, Filter: and(is("kind", string(k)), "gone = false")}, &res)
		if err != nil {
			return s, failed("count", err)
		}
		s.Docs[k] = res.Total
	}
	all, err := e.m.GetStatsWithContext(ctx, &meilisearch.StatsParams{})
	if err != nil {
		return s, failed("read figures", err)
	}
	s.Bytes, _ = strconv.ParseInt(fmt.Sprintf("%.0f", all.DatabaseSize), 10, 64) // a number, unless asked otherwise
	return s, nil
}

// Close lets go of connections.
func (e *Engine) Close() error {
	e.client.CloseIdleConnections()
	return nil
}

// fetch reads documents, all of them where there are more than a page.
func fetch[T any](ctx context.Context, w *writer, q *meilisearch.DocumentsQuery) (out []T, err error) {
	const page = 1000
	limit := q.Limit
	for q.Limit = page; ; q.Offset += page {
		var res meilisearch.DocumentsResult
		if err := w.index.GetDocumentsWithContext(ctx, q, &res); err != nil {
			return nil, failed("read documents", err)
		}
		for _, h := range res.Results {
			var v T
			raw, err := json.Marshal(h)
			if err == nil {
				err = json.Unmarshal(raw, &v)
			}
			if err != nil {
				return nil, fmt.Errorf("search: meilisearch: decode a document: %w", err)
			}
			out = append(out, v)
		}
		if len(res.Results) < page || limit == 1 {
			return out, nil
		}
	}
}
