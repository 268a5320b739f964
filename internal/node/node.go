// Package node joins the parts of a server: store, catalog, language, step runtimes, engine, triggers, events and API. It
// knows the settings and no command line, so tests open a whole server without a process.
package node

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"maestro/internal/catalog"
	"maestro/internal/config"
	"maestro/internal/engine"
	"maestro/internal/inflight"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/internal/server"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/trigger"
	"maestro/spec"
)

// Config says what a node is made of. Settings and Log are required.
type Config struct {
	Settings   *config.Config
	Log        *slog.Logger
	Addr       net.Addr // where the node will be served, which jobs are told; nil: they are not
	Version    string   // of the program
	Supervisor []string // command line of the process that supervises a shell step; needed when those are enabled

	// What a program serves beside the settings, as the benchmark does.
	Types    []spec.Type                                             // step types beside those of the format
	Runtimes map[spec.StepType]step.Runtime                          // of those types, or in place of those of the settings; the caller closes them
	Routes   func(handle func(pattern string, h server.HandlerFunc)) // of the API; nil: none

	// OpenStore opens what keeps the state. nil: the SQLite file of the settings.
	OpenStore func(ctx context.Context, settings *config.Config) (Store, error)
}

// Store is what a node needs of a store.
type Store interface {
	store.Store
	Ready() error // nil when it can be written as far as it knows
}

// Node is one server. Start starts all parts, Serve lets clients in, Stop ends all of it. A node is started once.
type Node struct {
	cfg     *config.Config
	with    Config
	log     *slog.Logger
	store   Store
	guard   *inflight.Guard
	catalog *catalog.Catalog
	engine  *engine.Engine
	signals *trigger.Signals
	events  *events
	permits *server.Permits
	server  *server.Server

	stops    []func() error // of the parts that have started, in that order
	stopping chan struct{}  // closed when streams are to end
	requests *group         // under way
	work     *group         // what follows from requests and outlives them
	serving  *serving       // nil before Serve
}

// New returns a node that does nothing before Start.
func New(c Config) *Node {
	return &Node{cfg: c.Settings, with: c, log: c.Log, stopping: make(chan struct{}), requests: newGroup(), work: newGroup()}
}

// Start opens the store and starts all parts, each after those that it needs. When it fails, it stops what has started.
// ctx bounds the start only.
func (n *Node) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, n.stopParts())
		}
	}()
	if err := n.openStore(ctx); err != nil {
		return err
	}
	exprs := scope.New(scope.Config{Environment: n.cfg.Environment})
	defaults, err := loadDefaults(n.cfg.DefaultParams)
	if err != nil {
		return err
	}
	rules := spec.Rules{Types: append(spec.BuiltinTypes(), n.with.Types...)}
	n.catalog, err = catalog.New(catalog.Config{
		Store: n.store, Runs: n.store, Params: exprs, Defaults: defaults, Rules: rules, Cluster: n.cfg.ClusterName, Now: nowMillis,
		Exclusive: true, TemplateTTL: n.cfg.JobTemplate.CacheTTL, Log: n.log, Changed: n.changed,
		Subscribe: n.subscribe, Keep: n.keepEvents, Guard: n.guard,
	})
	if err != nil {
		return err
	}
	runtimes, err := n.startRuntimes(ctx, exprs)
	if err != nil {
		return err
	}
	if err := n.startEngine(ctx, exprs, language.New(language.Config{Exprs: exprs, Defaults: defaults}), runtimes); err != nil {
		return err
	}
	if err := n.startEvents(); err != nil {
		return err
	}
	n.catalog.Start() // what it removes asks for the events that stay
	n.stops = append(n.stops, func() error { n.catalog.Stop(); return nil })
	n.server = n.newServer(rules)
	return nil
}

// startEngine starts the engine and the signal triggers, which start runs on it.
func (n *Node) startEngine(ctx context.Context, exprs *scope.Exprs, lang *language.Language, runtimes map[spec.StepType]step.Runtime) error {
	cfg := n.cfg
	n.engine = engine.New(engine.Config{
		Groups: int32(cfg.Engine.Groups), IdleAfter: cfg.Engine.IdleAfter, QueueLimit: cfg.Engine.QueueLimit,
		MaxRuns: cfg.Engine.MaxRunsInMemory, ActionWithin: cfg.StepAction.Timeout,
		Guard: n.guard, MaxChain: cfg.Signals.MaxChain, SignalPerAttempt: cfg.Signals.PerAttempt, SignalPayload: cfg.Signals.Payload,
		OutputTokens: cfg.OutputData.RequireToken, OutputURL: outputURL(cfg, n.with.Addr), OutputUnclaimed: cfg.OutputData.Unclaimed,
	}, n.store, catalog.ForEngine{Catalog: n.catalog}, lang, runtimes, n.log)
	n.signals = trigger.NewSignals(trigger.SignalsConfig{
		Board: n.engine.Board(), Starter: n.engine, Reader: n.store, Commit: n.engine.CommitRecords, Exprs: exprs, Now: n.engine.Now, Guard: n.guard,
		UniqueID: rand.Int64, Random: rand.Uint64, PerSecond: cfg.Signals.TriggerRate, Log: n.log,
	})
	if err := n.signals.Load(ctx); err != nil { // before runs go on and announce
		return err
	}
	n.permits = server.NewPermits(n.store, n.engine, nowMillis)
	if err := n.permits.Load(ctx); err != nil { // before steps go on
		return err
	}
	if err := n.engine.Open(ctx); err != nil {
		return err
	}
	n.stops = append(n.stops, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), cfg.Engine.ShutdownTimeout)
		defer cancel()
		return n.engine.Close(ctx)
	})
	n.signals.Start()
	n.stops = append(n.stops, func() error { n.signals.Stop(); return nil })
	return nil
}

// Recovered is closed when every run that was under way when the node started has been picked up.
func (n *Node) Recovered() <-chan struct{} { return n.engine.Recovered() }

// Stop ends the node: requests that are under way may finish, then the parts stop, last started first, and the store is
// closed. Nothing of the node is left when it returns, and runs go on at the next start. It takes engine.shutdown_timeout
// for requests and the engine each at most; what does not end by then is cut off, with an error.
func (n *Node) Stop() error {
	close(n.stopping)
	err := n.stopServing()
	n.work.end(context.Background()) // writes to the store, and ends with them
	return errors.Join(err, n.stopParts())
}

// stopParts stops the parts that have started, last started first.
func (n *Node) stopParts() error {
	var errs []error
	for i := len(n.stops) - 1; i >= 0; i-- {
		errs = append(errs, n.stops[i]())
	}
	n.stops = nil
	return errors.Join(errs...)
}

func nowMillis() int64 { return time.Now().UnixMilli() }

// openStore opens what keeps the state, and what remembers evaluations beside it.
func (n *Node) openStore(ctx context.Context) (err error) {
	open := n.with.OpenStore
	if open == nil {
		open = openSQLite
	}
	if n.store, err = open(ctx, n.cfg); err != nil {
		return err
	}
	n.stops = append(n.stops, n.store.Close)
	n.guard = openGuard(ctx, n.cfg.Store.Source, n.store, n.log)
	n.stops = append(n.stops, n.guard.Close)
	return nil
}

// newServer returns the API of the parts.
func (n *Node) newServer(rules spec.Rules) *server.Server {
	runs := server.NewRuns(server.RunsConfig{
		Starter: n.engine, Runs: n.engine, Steps: n.engine, Reader: n.engine, Watcher: n.engine, Journal: n.store, Logs: n.engine,
		Cluster: n.cfg.ClusterName, Events: n.events.source, Stopping: n.stopping, Log: n.log, Now: nowMillis,
	})
	return server.New(server.Config{
		Ready:   func(context.Context) error { return n.store.Ready() },
		Catalog: n.catalog, Counts: n.store, Latest: n.latest, Log: n.log, Version: n.with.Version, Limits: limits(n.cfg.Limits),
		Register: func(handle func(pattern string, h server.HandlerFunc)) {
			runs.Register(handle)
			n.permits.Register(handle)
			server.NewOutputData(n.engine, nowMillis).Register(handle)
			n.events.register(handle)
			server.NewSignals(n.engine.Board(), rules).Register(handle)
			server.Breakpoints{Debugger: n.engine}.Register(handle)
			handle("GET /api/v3/stats", n.stats)
			if n.with.Routes != nil {
				n.with.Routes(handle)
			}
		},
	})
}

// latest returns the highest instance of a workflow, 0 when there is none.
func (n *Node) latest(ctx context.Context, workflow int64) (int64, error) {
	rows, err := n.store.List(ctx, store.RunQuery{Workflow: workflow, Latest: true, Desc: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].Instance, nil
}
