package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"go.opentelemetry.io/otel"

	"github.com/parley-hub/parley/channels/all"
	"github.com/parley-hub/parley/inbox/continuity"
	"github.com/parley-hub/parley/inbox/journal"
	"github.com/parley-hub/parley/inbox/realtime"
	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/obs"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/internal/webhooks"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web"
	"github.com/parley-hub/parley/web/api"
)

// node is the hub on one machine: its parts, in the order they are made.
type node struct {
	cfg     *config.Config
	log     *slog.Logger
	metrics *obs.Metrics
	health  *obs.Health
	traces  func(context.Context) error

	box        *seal.Box
	store      store.Store
	bus        *bus.Bus
	files      *blob.Store
	auth       *auth.Service
	timers     *timers.Timers
	journal    *journal.Journal
	hub        *realtime.Hub
	gossip     *gossip // nil: a single node
	gateway    *gateway.Gateway
	continuity *continuity.Continuity
	finding    *finding
	counter    *views.Counter
	webhooks   *webhooks.Webhooks
	web        *fiber.App
	server     *api.Server

	listener *listener // once it serves
	trail    trail     // whether the audit log is whole

	begun time.Time
	stop  context.CancelFunc // ends what runs beside
	ctx   context.Context
}

// newNode constructs everything and starts nothing that takes work.
func newNode(ctx context.Context, c *config.Config, log *slog.Logger) (n *node, err error) {
	n = &node{cfg: c, log: log, health: &obs.Health{}, begun: time.Now()}
	n.ctx, n.stop = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			err = errors.Join(err, n.abandon())
		}
	}()
	n.metrics = obs.NewMetrics(version, c.Node)
	if n.traces, err = obs.Trace(ctx, c.OTLP, version, c.Node); err != nil {
		return n, err
	}
	if n.box, err = seal.Load(string(c.Key), c.Data); err != nil {
		return n, err
	}
	if err := n.engines(ctx); err != nil {
		return n, err
	}
	if err := n.parts(ctx); err != nil {
		return n, err
	}
	return n, n.pages()
}

// engines opens the store and the bus, side by side: each takes most of a cold start.
func (n *node) engines(ctx context.Context) error {
	login, err := security(n.cfg.KafkaLogin)
	if err != nil {
		return err
	}
	opened := make(chan error, 1)
	go func() {
		var err error
		n.bus, err = bus.Open(ctx, bus.Config{Brokers: n.cfg.Kafka, Security: login, Dir: filepath.Join(n.cfg.Data, "bus"), Node: n.cfg.Node,
			Partitions: n.partitions(), Topics: n.topics(), Log: n.log, Registerer: n.metrics, Tracer: otel.Tracer("parley/bus"),
			Repair: func(ctx context.Context) error { return n.journal.Repair(ctx, n.bus.Checkpoint()) }})
		opened <- err
	}()
	s, err := store.Open(ctx, store.Config{URI: n.cfg.MongoDB, Dir: n.cfg.Data, Log: n.log, Registerer: n.metrics})
	if err == nil {
		n.store = s
		err = s.Migrate(ctx)
	}
	if err := errors.Join(err, <-opened); err != nil {
		return fmt.Errorf("opening the engines: %w", err)
	}
	n.health.Add("store", n.store.Ping)
	n.health.Add("bus", func(context.Context) error { return n.bus.Health() })
	n.health.Add("consumers", n.bus.Started)
	return nil
}

// clustered reports whether there may be other nodes.
func (n *node) clustered() bool { return len(n.cfg.Kafka) > 0 }

// partitions is how far the embedded broker spreads a topic. One machine needs no more: what
// waits is handled in larger runs, which costs a quarter less than eight partitions do. A
// cluster's topics take the bus's default.
func (n *node) partitions() int {
	if n.clustered() {
		return 0
	}
	return 2
}

func (n *node) topics() []bus.Stream {
	if !n.clustered() {
		return bus.All
	}
	return append(slices.Clone(bus.All), presence)
}

// parts makes what works on the engines.
func (n *node) parts(ctx context.Context) error {
	body, err := n.body(ctx)
	if err != nil {
		return err
	}
	n.files = blob.New(body, n.store.C(store.Files), blob.Options{Key: n.box.Derive("files"), BaseURL: n.cfg.BaseURL, Log: n.log})
	n.auth = auth.New(n.store, n.box, auth.Options{Idle: n.cfg.Session.Idle, Max: n.cfg.Session.Max})
	if err := checkOIDC(n.cfg.OIDC); err != nil {
		return err
	}
	n.timers = timers.New(n.store, n.bus.PublishRaw, nil, n.log).Named(n.cfg.Node)
	deps := realtime.Deps{Store: n.store, Log: n.log, Node: n.cfg.Node, Registerer: n.metrics}
	if n.clustered() {
		n.gossip = newGossip(n.bus, n.log)
		deps.Gossip = n.gossip
	}
	n.hub = realtime.New(deps)
	n.counter = views.NewCounter(n.store, nil, n.log)
	if n.journal, err = journal.New(journal.Deps{Store: n.store, Publish: journal.OnBus(n.bus), Timers: n.timers, Log: n.log, Key: n.box.Derive("erased")}); err != nil {
		return err
	}
	if err := errors.Join(n.journal.Register(n.metrics), n.metrics.Register(readyGauge(n))); err != nil {
		return err
	}
	n.gateway, err = gateway.New(gateway.Deps{
		Channels: all.Channels, Store: n.store, Box: n.box, Files: gateway.Files(n.files), Threads: n.hub.Threads(),
		Publish: n.take, Ask: asks{n.bus}.Publish,
		Timers: n.timers, HTTP: httpx.New(httpx.Options{Allow: n.cfg.Allow, MaxBody: max(httpx.DefaultMaxBody, n.cfg.MediaMax)}),
		Media: httpx.New(httpx.Options{Allow: n.cfg.Allow, MaxBody: n.cfg.MediaMax, Timeout: mediaTime}), MediaMax: n.cfg.MediaMax,
		Log: n.log, Registerer: n.metrics, Node: n.cfg.Node, BaseURL: n.cfg.BaseURL,
	})
	if err != nil {
		return err
	}
	n.continuity = n.goOn()
	if n.finding, err = newFinding(ctx, n.cfg, n.store, n.log); err != nil {
		return err
	}
	n.webhooks, err = webhooks.New(webhooks.Deps{Store: n.store, Box: n.box, Audit: n.auth.Audit, Allow: n.cfg.Allow, Node: n.cfg.Node, Log: n.log, Registerer: n.metrics})
	return err
}

// body is where the bytes of files are kept: an object store, or the data folder.
func (n *node) body(ctx context.Context) (blob.Body, error) {
	if c := n.cfg.S3; c.Endpoint != "" {
		return blob.OpenS3(ctx, blob.S3Config{Endpoint: c.Endpoint, Bucket: c.Bucket, Region: c.Region, Prefix: c.Prefix,
			AccessKey: c.AccessKey.Reveal(), Secret: c.Secret.Reveal(), Log: n.log})
	}
	return blob.OpenDir(filepath.Join(n.cfg.Data, "files"))
}

// mediaTime is how long one attachment may take to come.
const mediaTime = 5 * time.Minute

// pages mounts everything that answers HTTP. What no other route takes is the agent app.
func (n *node) pages() error {
	site, err := web.Load()
	if err != nil {
		return err
	}
	n.web = fiber.New(api.FiberConfig(n.cfg.UploadMax))
	n.web.Get("/healthz", adaptor.HTTPHandlerFunc(n.health.Alive))
	n.web.Get("/readyz", adaptor.HTTPHandlerFunc(n.health.ServeReady))
	n.web.Get("/metrics", adaptor.HTTPHandler(n.metrics.Handler()))
	n.gateway.Mount(n.web)
	n.server = n.api()
	n.server.Mount(n.web)
	n.files.Mount(n.web)
	site.Mount(n.web)
	return nil
}

func (n *node) api() *api.Server {
	return api.New(api.Deps{
		Store: n.store, Auth: n.auth, Commands: asks{n.bus}, Outbox: n.gateway, Accounts: n.gateway, Edge: n.gateway,
		Channels: pointers(all.Channels), Files: n.files, Realtime: n.hub, Present: n.present, Merges: merges{n.journal}, Starts: n.gateway, People: n.journal, Search: n.finding, Dead: n.bus, Webhooks: n.webhooks, Counter: n.counter, Tell: n.hub.TellAgent, Status: n.status, Log: n.log, Metrics: n.metrics,
		OIDC:    n.oidc(),
		Options: api.Options{BaseURL: n.cfg.BaseURL, Proxies: n.cfg.Proxies, Undo: n.cfg.Undo, UploadMax: n.cfg.UploadMax, Version: version},
	})
}

// start registers the consumers, opens the accounts and returns when work is being taken.
func (n *node) start(ctx context.Context) error {
	if err := n.journal.Start(n.bus); err != nil {
		return err
	}
	if err := errors.Join(n.continuity.Start(n.bus), n.webhooks.Start(n.bus)); err != nil {
		return err
	}
	if err := n.startFinding(); err != nil {
		return err
	}
	if err := n.startViews(); err != nil {
		return err
	}
	if err := bus.Broadcast(n.bus, bus.Timeline, func(r bus.Record[timeline.Entry]) error {
		n.hub.Deliver(r.Value)
		return nil
	}); err != nil {
		return err
	}
	if err := bus.Consume(n.bus, bus.Outbound, bus.Consumer[timeline.Outbound]{Group: "gateway",
		Lane: gateway.Lane}, n.gateway.Deliver); err != nil {
		return err
	}
	if err := bus.Consume(n.bus, bus.Timeline, bus.Consumer[timeline.Entry]{Group: "errands"}, n.gateway.Errands); err != nil {
		return err
	}
	if n.gossip != nil {
		if err := n.gossip.run(n.ctx, n.hub); err != nil {
			return err
		}
	}
	go n.timers.Run(n.ctx)
	go n.sweep()
	go n.journal.RunErasures(n.ctx)
	go n.continuity.Run(n.ctx)
	go n.webhooks.Run(n.ctx)
	if err := n.seed(ctx); err != nil {
		return err
	}
	if err := n.gateway.Start(ctx); err != nil {
		return err
	}
	return n.bus.Started(ctx)
}

// sweepEvery is how often expired sign-ins and files of messages taken back are removed, and
// how often it is looked whether the audit log is to be checked.
const sweepEvery = time.Minute

func (n *node) sweep() {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-t.C:
			if err := errors.Join(n.auth.Sweep(n.ctx), n.files.Sweep(n.ctx)); err != nil && n.ctx.Err() == nil {
				n.log.Warn("what has expired was not removed; tried again later", "err", err)
			}
			n.trail.check(n.ctx, n.auth.VerifyAudit, time.Now(), n.log)
		}
	}
}

// shutdown is the orderly end: no new work, what is under way finishes, engines last. A
// process manager must grant the sum, 30 seconds, before it kills.
func (n *node) shutdown() obs.Shutdown {
	return obs.Shutdown{
		{Name: "drain", Budget: time.Second, Close: func(context.Context) error { n.health.Drain(); return nil }},
		{Name: "live views", Budget: 2 * time.Second, Close: func(context.Context) error { n.hub.Close(); return nil }},
		{Name: "requests", Budget: requestsBudget + time.Second, Close: n.endRequests},
		{Name: "accounts", Budget: 5 * time.Second, Close: n.gateway.Close},
		{Name: "beside", Budget: time.Second, Close: func(context.Context) error { n.stop(); return nil }},
		{Name: "bus", Budget: 8 * time.Second, Close: n.bus.Close},
		{Name: "search", Budget: 2 * time.Second, Close: func(context.Context) error { return n.finding.Close() }},
		{Name: "store", Budget: 3 * time.Second, Close: func(context.Context) error { return n.store.Close() }},
		{Name: "traces", Budget: 3 * time.Second, Close: n.traces},
	}
}

// requestsBudget is how long requests under way may take to finish at the end.
const requestsBudget = 4 * time.Second

// endRequests lets requests under way finish. A peer that keeps one half-sent is cut off
// with the process: it could hold up every restart otherwise.
func (n *node) endRequests(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestsBudget)
	defer cancel()
	if n.listener != nil {
		n.listener.hush()
	}
	err := n.web.ShutdownWithContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		n.log.Warn("requests that did not finish are cut off", "after", requestsBudget)
		return nil
	}
	return err
}

// abandon closes what was opened before construction failed.
func (n *node) abandon() error {
	n.stop()
	var errs []error
	if n.hub != nil {
		n.hub.Close()
	}
	if n.bus != nil {
		errs = append(errs, n.bus.Close(context.Background()))
	}
	if n.finding != nil {
		errs = append(errs, n.finding.Close())
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
}
