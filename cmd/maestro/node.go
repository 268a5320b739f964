package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"maestro/internal/catalog"
	"maestro/internal/config"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/inflight"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/internal/server"
	"maestro/internal/step"
	"maestro/internal/step/httpstep"
	"maestro/internal/step/notebook"
	"maestro/internal/step/shell"
	"maestro/internal/step/task"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
	"maestro/internal/trigger"
	"maestro/internal/yamldoc"
	"maestro/param"
	"maestro/spec"
)

// node is everything a server is made of, joined together: store, catalog, engine, runtimes and API.
type node struct {
	cfg     *config.Config
	log     *slog.Logger
	store   store.Store
	catalog *catalog.Catalog
	engine  *engine.Engine
	signals *trigger.Signals
	events  *outgoing
	permits *server.Permits
	server  *server.Server
	task    *task.Runtime
	guard   *inflight.Guard
	closers []func() error
	stop    chan struct{} // closed when streams are to end
}

// openNode joins the parts and starts them. Close must be called, also after an error it is not.
// addr is where it will be served.
func openNode(ctx context.Context, cfg *config.Config, addr net.Addr, log *slog.Logger) (*node, error) {
	return openNodeWith(ctx, cfg, addr, log, (*node).runtimes)
}

// openNodeWith is openNode with other runtimes than those of the settings.
func openNodeWith(ctx context.Context, cfg *config.Config, addr net.Addr, log *slog.Logger,
	runtimesOf func(n *node, ctx context.Context, exprs *scope.Exprs) (map[spec.StepType]step.Runtime, error)) (_ *node, err error) {
	n := &node{cfg: cfg, log: log, task: new(task.Runtime), stop: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.closeParts())
		}
	}()
	if cfg.Store.Driver != "sqlite" {
		return nil, fmt.Errorf("--store %s: this program keeps state in SQLite only; write it like sqlite:maestro.db", cfg.Store.Driver)
	}
	if err := checkStore(cfg.Store.Source); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(ctx, cfg.Store.Source, sqlite.Options{LockWait: cfg.StoreLockWait})
	if err != nil {
		return nil, storeError(cfg.Store.Source, err)
	}
	n.store = db
	n.closers = append(n.closers, db.Close)
	n.guard = openGuard(ctx, cfg.Store.Source, db, log)
	n.closers = append(n.closers, n.guard.Close)

	defaults, err := loadDefaults(cfg.DefaultParams)
	if err != nil {
		return nil, err
	}
	rules := spec.Rules{Types: stepTypes()}
	exprs := scope.New(scope.Config{Environment: cfg.Environment})
	n.catalog, err = catalog.New(catalog.Config{
		Store: db, Runs: db, Params: exprs, Defaults: defaults, Rules: rules, Cluster: cfg.ClusterName, Now: nowMillis,
		Exclusive: true, TemplateTTL: cfg.JobTemplate.CacheTTL, Log: log, Changed: n.changed,
		Subscribe: n.subscribe, Keep: n.keepEvents, Guard: n.guard,
	})
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, func() error { n.catalog.Close(); return nil })

	runtimes, err := runtimesOf(n, ctx, exprs)
	if err != nil {
		return nil, err
	}
	lang := language.New(language.Config{Exprs: exprs, Defaults: defaults})
	n.engine = engine.New(engine.Config{
		Groups: int32(cfg.Engine.Groups), IdleAfter: cfg.Engine.IdleAfter, QueueLimit: cfg.Engine.QueueLimit,
		MaxRuns: cfg.Engine.MaxRunsInMemory, ActionWithin: cfg.StepAction.Timeout,
		Guard: n.guard, MaxChain: cfg.Signals.MaxChain, SignalPerAttempt: cfg.Signals.PerAttempt, SignalPayload: cfg.Signals.Payload,
		OutputTokens: cfg.OutputData.RequireToken, OutputURL: outputURL(cfg, addr), OutputUnclaimed: cfg.OutputData.Unclaimed,
	}, db, catalog.ForEngine{Catalog: n.catalog}, lang, runtimes, log)
	n.signals = trigger.NewSignals(trigger.SignalsConfig{
		Board: n.engine.Board(), Starter: n.engine, Reader: db, Commit: n.engine.CommitRecords, Exprs: exprs, Now: n.engine.Now, Guard: n.guard,
		UniqueID: rand.Int64, Random: rand.Uint64, PerSecond: cfg.Signals.TriggerRate, Log: log,
	})
	if err := n.signals.Load(ctx); err != nil { // before runs go on and announce
		return nil, err
	}
	n.permits = server.NewPermits(db, n.engine, nowMillis)
	if err := n.permits.Load(ctx); err != nil { // before steps go on
		return nil, err
	}
	if err := n.engine.Open(ctx); err != nil {
		return nil, err
	}
	n.closers = append(n.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Engine.ShutdownTimeout)
		defer cancel()
		return n.engine.Close(ctx)
	})
	n.signals.Start()
	n.closers = append(n.closers, func() error { n.signals.Close(); return nil })

	if err := n.openEvents(db); err != nil {
		return nil, err
	}
	n.catalog.Resume()

	runs := server.NewRuns(server.RunsConfig{
		Starter: n.engine, Runs: n.engine, Steps: n.engine, Reader: n.engine, Watcher: n.engine, Journal: db, Logs: n.engine,
		Cluster: cfg.ClusterName, Events: n.events.source, Stopping: n.stop, Log: log, Now: nowMillis,
	})
	n.server = server.New(server.Config{
		Ready:   func(context.Context) error { return db.Ready() },
		Catalog: n.catalog, Counts: db, Latest: n.latest, Log: log, Version: buildVersion(), Limits: limits(cfg.Limits),
		Register: func(handle func(pattern string, h server.HandlerFunc)) {
			runs.Register(handle)
			n.permits.Register(handle)
			server.NewOutputData(n.engine, nowMillis).Register(handle)
			n.events.register(handle)
			server.NewSignals(n.engine.Board(), rules).Register(handle)
			server.Breakpoints{Debugger: n.engine}.Register(handle)
			handle("GET /api/v3/stats", n.stats)
		},
	})
	return n, nil
}

// outputURL is where jobs send output data: as set, or on this machine.
func outputURL(cfg *config.Config, addr net.Addr) string {
	const path = "/api/v3/output-data"
	if cfg.OutputData.URL != "" {
		return strings.TrimRight(cfg.OutputData.URL, "/") + path
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port)) + path
}

func limits(c config.Limits) server.Limits {
	return server.Limits{
		Connections: c.Connections, HeaderBytes: int(c.HeaderBytes), Memory: c.Memory, Wait: c.Wait,
		Stall: c.Stall, MinRate: c.MinRate, Streams: c.Streams,
	}
}

// openGuard makes what remembers over the death of the process what was being evaluated then. Without it, as on a disk that
// is full, the server works as well, and is less safe.
func openGuard(ctx context.Context, source string, records store.Records, log *slog.Logger) *inflight.Guard {
	if source == sqlite.Memory {
		return nil
	}
	g, err := inflight.Open(ctx, source+".inflight", records, nowMillis(), log)
	if err != nil {
		log.Warn("what kills the server when it is evaluated cannot be found out", "error", err)
		return nil
	}
	return g
}

// stepTypes are the types that definitions may use: those of the format, and those that this program adds.
func stepTypes() spec.Types { return append(spec.BuiltinTypes(), task.About()) }

func nowMillis() int64 { return time.Now().UnixMilli() }

// runtimes returns what does the steps' work, as the settings allow.
func (n *node) runtimes(ctx context.Context, exprs *scope.Exprs) (map[spec.StepType]step.Runtime, error) {
	all := map[spec.StepType]step.Runtime{task.Type: n.task}
	calls, err := httpstep.New(httpstep.Config{
		Allow: n.cfg.HTTP.Allow, Timeout: n.cfg.HTTP.Timeout, MaxResponseBytes: n.cfg.HTTP.MaxResponseBytes,
		MaxInFlight: n.cfg.HTTP.MaxInFlight, Log: n.log,
		Names: exprs.StateNames,
		Evaluate: func(a *step.Attempt, expr string, status int64, body string) (string, error) {
			mark := inflight.Text("state_expr", a.UUID)
			if err := n.guard.Condemned(mark); err != nil {
				return "", err
			}
			pass := n.guard.Enter(mark)
			defer pass.Leave()
			return exprs.StateExpr(expr, a.Params, status, body, &scope.StepScope{
				Step: &scope.Step{ID: a.StepID}, Workflow: a.WorkflowParams, World: chance{}, Now: nowMillis(),
			})
		},
	})
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, func() error { calls.Close(); return nil })
	all[spec.TypeHTTP] = calls
	if n.cfg.Shell.Enabled {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program's file, which shell steps run under: %w", err)
		}
		dir := filepath.Join(n.cfg.DataDir, "shell")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make the directory for shell steps (data_dir): %w", err)
		}
		rt, err := shell.New(shell.Config{
			Dir: dir, Supervisor: []string{exe, "supervise"}, MaxProcesses: n.cfg.Shell.MaxConcurrent,
			OutputBytes: n.cfg.Shell.MaxOutputBytes, TTL: lifetime(n.cfg.Shell.TTL), Log: n.log,
		})
		if err != nil {
			return nil, err
		}
		n.closers = append(n.closers, func() error { rt.Close(); return nil })
		all[spec.TypeShell] = rt
		all[spec.TypeNotebook] = notebook.OnShell(rt)
	}
	if n.cfg.Kubernetes.Enabled {
		origin, err := store.Identity(ctx, n.store)
		if err != nil {
			return nil, err
		}
		rt, err := pods(n.cfg, origin.ID.String(), n.log)
		if err != nil {
			return nil, err
		}
		n.closers = append(n.closers, func() error { rt.Close(); return nil })
		all[spec.TypeKubernetes] = rt
		all[spec.TypeNotebook] = rt.As(notebook.Kind())
	}
	return all, nil
}

// chance is all of the world that state expressions see.
type chance struct{ scope.DryRun }

// Random returns random bits.
func (chance) Random() uint64 { return rand.Uint64() }

// subscribe returns what a change of a definition makes of its triggers.
func (n *node) subscribe(ctx context.Context, c catalog.Change) ([]store.Record, error) {
	if n.signals == nil {
		return nil, nil
	}
	return n.signals.Subscribe(ctx, c)
}

// latest returns the highest instance of a workflow, 0 when there is none.
func (n *node) latest(ctx context.Context, workflow int64) (int64, error) {
	rows, err := n.store.List(ctx, store.RunQuery{Workflow: workflow, Latest: true, Desc: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].Instance, nil
}

// changed is told of every change of a definition: runs that wait for their turn may have it now.
func (n *node) changed(c catalog.Change) {
	if n.engine == nil {
		return
	}
	n.signals.Changed(c)
	n.engine.Tell()
	if c.Kind == catalog.Deleted {
		go n.forgetPermits(c.Before.ID)
	}
	if c.After != nil {
		go n.engine.Changed(c.After.Internal)
	}
}

// closeParts stops everything, last opened first.
func (n *node) closeParts() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(errs...)
}

// loadDefaults reads the default params, with those of a file over the built-in ones.
func loadDefaults(path string) (*param.Defaults, error) {
	var over param.DefaultOverrides
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read default_params: %w", err)
		}
		root, err := yamldoc.Parse(text, doc.Limits{})
		if err != nil {
			return nil, fmt.Errorf("default_params %s: %w", path, err)
		}
		over.Workflow, over.Step, over.DryRun = root.Field("workflow"), root.Field("step"), root.Field("dry-run")
		if types := root.Field("by-type"); types != nil {
			over.ByType = make(map[string]*doc.Node)
			for _, m := range types.Members {
				over.ByType[m.Name] = m.Value
			}
		}
	}
	d, err := param.LoadDefaults(over)
	if err != nil {
		return nil, fmt.Errorf("default_params %s: %w", path, err)
	}
	return d, nil
}
