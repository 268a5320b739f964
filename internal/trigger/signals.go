package trigger

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"maestro/internal/engine"
	"maestro/internal/inflight"
	"maestro/internal/scope"
	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/store"
)

// Starter starts runs. *engine.Engine is one.
type Starter interface {
	Start(ctx context.Context, q engine.StartRequest) (engine.Started, error)
}

// Reader is what triggers read of a store.
type Reader interface {
	Record(ctx context.Context, kind, key string) ([]byte, error)
	Scan(ctx context.Context, kind, prefix, after string, n int) ([]store.Record, error)
}

// SignalsConfig is what signal triggers work with.
type SignalsConfig struct {
	Board   *board.Board
	Starter Starter
	Reader  Reader
	Commit  func(name string, records []store.Record) error // writes records that belong to a name, durably
	Exprs   *scope.Exprs
	Guard   *inflight.Guard // is told what is evaluated; nil: none
	Now     func() int64    // epoch milliseconds

	// UniqueID and Random are where the non-determinism of expressions comes from.
	UniqueID func() int64
	Random   func() uint64

	// PerSecond is how many runs a trigger starts a second, after a burst; what comes faster waits. 0: no limit.
	PerSecond int

	Workers int           // how many runs are started at the same time; default 8
	Retry   time.Duration // how long the first wait before a start is tried again is; default 100 ms
	Log     *slog.Logger  // nil: nothing is logged
}

// Signals are the signal triggers of all workflows. Subscribe and Changed are hooks of the catalog.
//
// One goroutine, the matcher, owns the checkpoints and takes instances in the order in which the board tells of them. A
// few workers start runs: those of one workflow one after another, in the order in which they were matched.
type Signals struct {
	cfg    SignalsConfig
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	fire   *firer

	mu        sync.Mutex
	subs      map[string]map[string]*subscription // by workflow and trigger
	index     map[string]*signal.Index[place]     // by signal
	drafts    map[string]*draft                   // by workflow: subscriptions that may be about to be written
	tentative map[string]int                      // signals of drafts
	held      map[string][]string                 // by signal: keys of notes that wait for a draft

	inbox sync.Mutex
	queue []task
	taken int           // tasks that the matcher is at
	nudge chan struct{} // one slot, carries nothing
}

// NewSignals returns triggers that know of no workflow yet. The board's listener is set.
func NewSignals(cfg SignalsConfig) *Signals {
	if cfg.Workers == 0 {
		cfg.Workers = 8
	}
	if cfg.Retry == 0 {
		cfg.Retry = 100 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Signals{
		cfg: cfg, subs: make(map[string]map[string]*subscription), index: make(map[string]*signal.Index[place]),
		drafts: make(map[string]*draft), tentative: make(map[string]int), held: make(map[string][]string),
		nudge: make(chan struct{}, 1),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.fire = newFirer(s)
	cfg.Board.Listen(func(i *signal.Instance) { s.enqueue(task{name: i.Name, seq: i.Seq, instance: i}) })
	return s
}

// Start begins to match and to start runs. The engine must be open.
func (s *Signals) Start() {
	s.work.Go(s.match)
	s.fire.start()
}

// Stop returns when nothing is under way any more. What was not done is done after the next Load.
func (s *Signals) Stop() {
	s.cancel()
	s.work.Wait()
	s.fire.close()
}

// task is one thing for the matcher to do: an instance to match, a workflow whose subscriptions have changed, or notes
// to be taken away.
type task struct {
	name     string
	seq      int64
	instance *signal.Instance // nil: to be read
	held     bool             // its note is kept for a draft

	workflow string        // subscriptions to be read again
	catchUp  *subscription // a fresh one
	notes    []string      // keys of notes that no draft waits for any more
	dead     []store.Record
}

func (s *Signals) enqueue(t task) {
	s.inbox.Lock()
	s.queue = append(s.queue, t)
	s.inbox.Unlock()
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// Pending returns how many instances and other tasks wait for the matcher or are with it, and how many executions there
// are whose run is not started.
func (s *Signals) Pending() int {
	s.inbox.Lock()
	n := len(s.queue) + s.taken
	s.inbox.Unlock()
	return n + s.fire.pending()
}
