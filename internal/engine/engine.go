package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"maestro/api"
	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/signal/board"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/spec"
)

// Config says how an engine works. Zero fields mean their defaults.
type Config struct {
	Node         string        // name of this node in leases; default "node"
	NodeNumber   uint8         // of this node, in the ids of runs: no two nodes on one store have the same
	Groups       int32         // how many groups runs are spread over; default 16
	IdleAfter    time.Duration // how long a run stays in memory while it only waits; default 1 s
	QueueLimit   int           // changes that may wait for the disk before new work is turned away; default 20,000
	MaxRuns      int           // runs in memory beyond which new ones are turned away; default 200,000
	SweepEvery   time.Duration // how often the store is asked for runs whose wake was missed; default 30 s
	LoadAtOnce   int           // runs loaded at the same time during recovery; default 8
	LeaseFor     time.Duration // how long a lease lasts without renewal; default 10 s
	ActionWithin time.Duration // how long a blocking action may take; default 5 s

	Guard *inflight.Guard // is told what is evaluated, and tells what killed the process; nil: none

	Wall func() time.Time // the machine's clock, for tests that set it; default time.Now

	// Output data that jobs send by themselves.
	OutputTokens    bool   // it needs the token of the attempt
	OutputURL       string // where to jobs send it; empty: they are not told
	OutputUnclaimed int64  // bytes kept of jobs that no step has yet; default 32 MiB

	Snapshots instance.SnapshotRule // when journal entries hold all that came before; zero: as package instance says

	// What the reference does not do with the signals that steps announce (spec/signals-triggers 4.4).
	SignalPerAttempt bool // each attempt announces instances of its own, also of params that were announced before
	SignalPayload    bool // the payload of an output goes into the instance

	// MaxChain is how many runs there may be in a row of which each is triggered by a signal of the one before. The next
	// one fails. Default 100; below 0: no limit.
	MaxChain int
}

func (c Config) orDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if c.Node == "" {
		c.Node = "node"
	}
	if c.Groups == 0 {
		c.Groups = 16
	}
	if c.QueueLimit == 0 {
		c.QueueLimit = 20_000
	}
	if c.MaxRuns == 0 {
		c.MaxRuns = 200_000
	}
	if c.OutputUnclaimed == 0 {
		c.OutputUnclaimed = 32 << 20
	}
	if c.MaxChain == 0 {
		c.MaxChain = 100
	}
	if c.LoadAtOnce == 0 {
		c.LoadAtOnce = 8
	}
	def(&c.IdleAfter, time.Second)
	def(&c.SweepEvery, 30*time.Second)
	def(&c.LeaseFor, 10*time.Second)
	def(&c.ActionWithin, 5*time.Second)
	return c
}

// Store is what the engine needs of a store.
type Store interface {
	store.Runs
	store.Leases
	store.Records
}

// Engine drives the runs of the groups it holds the lease of.
type Engine struct {
	cfg         Config
	store       Store
	catalog     Catalog
	language    *language.Language
	runtimes    map[spec.StepType]step.Runtime
	log         *slog.Logger
	committer   *committer
	permits     *permits
	outputs     *outputs
	breakpoints *breakpoints
	hub         *hub
	board       *board.Board
	clock       *clock
	ids         ids
	origin      store.Origin // of the runs; set by Open

	ctx      context.Context // given to runtimes and the store; ends when the engine stops
	cancel   context.CancelCauseFunc
	stopping chan struct{} // closed when actors are to let go
	stopOnce sync.Once
	door     sync.RWMutex // guards that nobody is added to actors once stopping is closed
	started  atomic.Bool
	ready    chan struct{} // closed when recovery has seen every live run
	actors   sync.WaitGroup
	services sync.WaitGroup

	shards [64]shard
	inMem  atomic.Int64

	unwritten atomic.Int64 // changes that were not written since the log was told
	warned    atomic.Int64 // when it was told, epoch milliseconds

	observe observer // nil but in tests

	runsEnded  atomic.Int64
	stepsEnded atomic.Int64

	loading chan struct{} // a slot for each run that is picked up

	groupsMu sync.RWMutex
	groups   map[int32]*group // by id
}

// shard is a part of the table of actors, with a lock of its own.
type shard struct {
	mu     sync.Mutex
	actors map[store.RunID]*actor
}

// New returns an engine that does nothing before Open.
func New(cfg Config, s Store, c Catalog, lang *language.Language, runtimes map[spec.StepType]step.Runtime, log *slog.Logger) *Engine {
	cfg = cfg.orDefaults()
	e := &Engine{
		cfg: cfg, store: s, catalog: c, language: lang, runtimes: runtimes, log: log,
		committer: newCommitter(s, cfg.QueueLimit),
		stopping:  make(chan struct{}), ready: make(chan struct{}),
		groups: make(map[int32]*group), loading: make(chan struct{}, cfg.LoadAtOnce), hub: newHub(), clock: newClock(cfg.Wall),
	}
	e.ids.clock, e.ids.node = e.clock, int64(cfg.NodeNumber)
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	e.permits = newPermits(e)
	e.outputs = newOutputs(e)
	e.breakpoints = &breakpoints{store: s}
	e.board = e.newBoard()
	for i := range e.shards {
		e.shards[i].actors = make(map[store.RunID]*actor)
	}
	return e
}

// Open claims the groups and begins to drive their runs. It returns when new work can be accepted; runs that were under
// way are picked up in the background (Recovered tells when).
func (e *Engine) Open(ctx context.Context) error {
	if e.started.Swap(true) {
		return nil
	}
	var err error
	if e.origin, err = store.Identity(ctx, e.store); err != nil {
		return err
	}
	if err := e.openClock(ctx); err != nil {
		return err
	}
	leases, err := e.store.Claim(ctx, e.cfg.Node, e.cfg.Groups, e.clock.now(), e.cfg.LeaseFor.Milliseconds())
	if err != nil {
		return fmt.Errorf("claim run groups: %w", err)
	}
	if err := e.keepDefaults(ctx); err != nil {
		return err
	}
	if err := e.breakpoints.load(ctx); err != nil {
		return err
	}
	if err := e.outputs.open(ctx); err != nil {
		return err
	}
	e.serve(func() { e.committer.run(e.servicesCtx()) })
	var opening sync.WaitGroup
	opening.Add(len(leases))
	if err := e.hold(ctx, leases, opening.Done); err != nil {
		return err
	}
	e.serve(func() {
		opening.Wait()
		close(e.ready)
	})
	e.serve(e.keepLeases)
	return nil
}

func (e *Engine) serve(f func()) {
	e.services.Add(1)
	go func() {
		defer e.services.Done()
		f()
	}()
}

// servicesCtx ends when every actor has let go: the committer must outlive them.
func (e *Engine) servicesCtx() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-e.stopping
		e.actors.Wait()
		cancel()
	}()
	return ctx
}

// Close lets go of everything: no new work is accepted, changes under way are made durable, runtimes detach. It returns
// when all goroutines have ended, or with ctx's cause. Runs go on when an engine starts on the same store.
func (e *Engine) Close(ctx context.Context) error {
	e.stopOnce.Do(func() {
		e.door.Lock() // whoever is through it is waited for
		close(e.stopping)
		e.door.Unlock()
	})
	done := make(chan struct{})
	go func() {
		e.actors.Wait()
		e.cancel(errStopping)
		for _, g := range e.held() {
			g.services.Wait()
		}
		e.board.Close()
		e.services.Wait()
		close(done)
	}()
	select {
	case <-done:
		if !e.started.Load() {
			return nil
		}
		_ = e.store.PutRecords(context.WithoutCancel(ctx), e.clock.record()) // the next start does without, less exactly
		return e.store.Release(context.WithoutCancel(ctx), e.cfg.Node)
	case <-ctx.Done():
		e.cancel(errStopping)
		return fmt.Errorf("close engine: %w", context.Cause(ctx))
	}
}

func (e *Engine) isStopping() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

// Recovered is closed when every run that was under way when the engine started has been picked up.
func (e *Engine) Recovered() <-chan struct{} { return e.ready }

// later runs f in a goroutine that Close waits for.
func (e *Engine) later(f func()) {
	if !e.enter() {
		return
	}
	go func() {
		defer e.actors.Done()
		f()
	}()
}

// enter counts one more goroutine that Close waits for, unless the engine is stopping.
func (e *Engine) enter() bool {
	e.door.RLock()
	defer e.door.RUnlock()
	if e.isStopping() {
		return false
	}
	e.actors.Add(1)
	return true
}

func (e *Engine) shard(id store.RunID) *shard {
	return &e.shards[uint64(id>>14^id)%uint64(len(e.shards))]
}

// deliver hands events to a run, which is loaded if need be. Items whose run cannot be reached are answered with why.
func (e *Engine) deliver(id store.RunID, items ...item) {
	for _, it := range items {
		for !e.actor(id).post(it) {
			if e.isStopping() {
				if it.done != nil {
					it.done(nil, it.acted, errStopping)
				}
				return
			}
		}
	}
	if len(items) == 0 {
		e.actor(id)
	}
}

// closedActor takes nothing: it stands for every actor of an engine that is stopping.
var closedActor = &actor{gone: true}

// actor returns the actor of a run, and makes one that loads the run when there is none.
func (e *Engine) actor(id store.RunID) *actor {
	sh := e.shard(id)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if a := sh.actors[id]; a != nil {
		return a
	}
	if !e.enter() {
		return closedActor
	}
	a := &actor{e: e, id: id, nudge: make(chan struct{}, 1)}
	e.adoptLocked(sh, a)
	go a.loop()
	return a
}

func (e *Engine) adoptLocked(sh *shard, a *actor) {
	if sh.actors[a.id] == nil {
		e.inMem.Add(1)
	}
	sh.actors[a.id] = a
}

// begin makes the actor of a new run and hands it its first event. The run is in memory only until its first change is
// durable.
func (e *Engine) begin(r *instance.Run, row *store.Run, n *newcomer, first item) bool {
	id := store.RunID(r.ID)
	sh := e.shard(id)
	sh.mu.Lock()
	if !e.enter() {
		sh.mu.Unlock()
		return false
	}
	a := &actor{e: e, id: id, nudge: make(chan struct{}, 1), run: r, row: row, with: n.with, origin: n.mark, group: n.group, inbox: []item{first}}
	if !a.group.adopt(a) { // its lease was lost in this moment
		sh.mu.Unlock()
		e.actors.Done()
		return false
	}
	e.adoptLocked(sh, a)
	sh.mu.Unlock()
	go a.loop()
	return true
}

// forget takes an actor out of the table.
func (e *Engine) forget(a *actor) {
	sh := e.shard(a.id)
	sh.mu.Lock()
	if sh.actors[a.id] == a {
		delete(sh.actors, a.id)
		e.inMem.Add(-1)
	}
	sh.mu.Unlock()
	if a.group != nil {
		a.group.drop(a)
	}
}

// InMemory returns how many runs are in memory.
func (e *Engine) InMemory() int { return int(e.inMem.Load()) }

// Stats counts what an engine has done since it was made.
type Stats struct {
	RunsInMemory int64 `json:"runs_in_memory"`
	RunsEnded    int64 `json:"runs_ended"`
	StepsEnded   int64 `json:"steps_ended"` // attempts
}

// Stats returns the present counts.
func (e *Engine) Stats() Stats {
	return Stats{RunsInMemory: e.inMem.Load(), RunsEnded: e.runsEnded.Load(), StepsEnded: e.stepsEnded.Load()}
}

// busy says whether new work must be turned away, and why.
func (e *Engine) busy() error {
	switch {
	case e.isStopping():
		return errStopping
	case e.committer.full():
		return api.Errorf(api.TooManyRequests, "%d changes wait for the disk, which is the limit (engine.queue_limit)", e.cfg.QueueLimit)
	case e.InMemory() >= e.cfg.MaxRuns:
		return api.Errorf(api.TooManyRequests, "%d runs are in memory, which is the limit (engine.max_runs_in_memory)", e.cfg.MaxRuns)
	}
	return nil
}
