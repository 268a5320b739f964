package catalog

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"maestro/internal/engine"
	"maestro/internal/inflight"
	"maestro/internal/meter"
	"maestro/internal/scope"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

// Config is what a Catalog works with.
type Config struct {
	Store    Store
	Runs     Runs            // nil: nothing runs, ever
	Guard    *inflight.Guard // is told what dry runs evaluate; nil: none
	Params   Params          // evaluates params in dry runs: *scope.Exprs
	Defaults *param.Defaults // default params of workflows and steps
	Rules    spec.Rules      // what definitions are measured against; Now is filled in
	Cluster  string          // cluster_name in events; default "maestro"
	Now      func() int64    // epoch milliseconds; required

	// Exclusive says that no other process writes to the store, so that rows read once need not be read again.
	Exclusive   bool
	CacheBytes  int64         // parsed definitions kept in memory, roughly; default 64 MiB
	TemplateTTL time.Duration // how long a job template is used before it is read again; default 60 s

	// Subscribe returns records that must be written in one transaction with a change, such as the subscriptions of its
	// triggers. An error refuses the change. nil: none.
	Subscribe func(ctx context.Context, c Change) ([]store.Record, error)
	// Keep says what stays of the journals of a deleted workflow's runs: their events. nil: nothing.
	Keep store.Keep
	// Changed is told of every change after it is durable, in order for each workflow. It must not block and must not
	// call back. nil: nobody is.
	Changed func(c Change)
	// NextFire returns the first time after a time at which a trigger of the workflow fires; false: never. nil: what the
	// schedule says.
	NextFire func(workflow string, t *spec.TimeTrigger, after int64) (int64, bool)

	Log *slog.Logger // nil: nothing is logged
}

// Store is what a Catalog needs of a store.
type Store interface {
	store.Definitions
	store.Records
}

// Runs counts the runs of a workflow. store.Runs is one.
type Runs interface {
	Counts(ctx context.Context, workflow int64) (store.Counts, error)
}

// Params evaluates the params and the timeout of a workflow. *scope.Exprs is one.
type Params interface {
	Meter() *meter.Meter
	EvaluateWorkflow(m *meter.Meter, defs *param.Defs, run *scope.Run, world scope.World, now int64) (*param.Params, error)
	Attribute(m *meter.Meter, text, where string, workflow *param.Params, now int64) (string, error)
}

// Catalog is the definitions of one installation.
type Catalog struct {
	cfg   Config
	store Store
	log   *slog.Logger
	seed  maphash.Seed

	definitions *cache[versionKey, *Definition]
	joined      *cache[runKey, *engine.Definition]
	heads       *cache[string, *Head]                // empty unless Exclusive
	ids         *cache[int64, string]                // internal id to id
	templates   *cache[templateKey, *cachedTemplate] // positive answers only

	locks [64]sync.Mutex // by workflow id: who changes it, or reads its head into memory
	loads [64]sync.Mutex // by version: who parses it. Taken after a lock of locks, if both are held

	ctx      context.Context // of deletions; ends with Stop
	cancel   context.CancelFunc
	closing  sync.Mutex
	deleting map[string]bool // ids whose data is being removed
	work     sync.WaitGroup
}

// New returns a catalog over a store.
func New(cfg Config) (*Catalog, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("catalog: no store")
	case cfg.Now == nil:
		return nil, errors.New("catalog: no clock")
	case cfg.Params == nil:
		return nil, errors.New("catalog: nobody to evaluate params")
	}
	if cfg.Defaults == nil {
		d, err := param.LoadDefaults(param.DefaultOverrides{})
		if err != nil {
			return nil, err
		}
		cfg.Defaults = d
	}
	if cfg.Cluster == "" {
		cfg.Cluster = "maestro"
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = 64 << 20
	}
	if cfg.TemplateTTL == 0 {
		cfg.TemplateTTL = time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Catalog{
		cfg: cfg, store: cfg.Store, log: cfg.Log, seed: maphash.MakeSeed(),
		definitions: newCache[versionKey, *Definition](cfg.CacheBytes),
		joined:      newCache[runKey, *engine.Definition](cfg.CacheBytes),
		heads:       newCache[string, *Head](cfg.CacheBytes / 4),
		ids:         newCache[int64, string](cfg.CacheBytes / 16),
		templates:   newCache[templateKey, *cachedTemplate](cfg.CacheBytes / 8),
		deleting:    make(map[string]bool),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Stop ends deletions that are under way and waits for them. The next Start finishes them. Deletions that come later are
// refused.
func (c *Catalog) Stop() {
	c.closing.Lock()
	c.cancel()
	c.closing.Unlock()
	c.work.Wait()
}

var errStopped = errors.New("the catalog has stopped")

// Rules returns what definitions are measured against now.
func (c *Catalog) Rules() spec.Rules {
	r := c.cfg.Rules
	r.Now = time.UnixMilli(c.cfg.Now()).UTC()
	return r
}

// lock makes the caller the only one who changes the workflow in this process.
func (c *Catalog) lock(id string) *sync.Mutex {
	m := &c.locks[maphash.String(c.seed, id)%uint64(len(c.locks))]
	m.Lock()
	return m
}

// loading makes the caller the only one who parses a version.
func (c *Catalog) loading(key versionKey) *sync.Mutex {
	m := &c.loads[uint64(key.internal*31+key.version)%uint64(len(c.loads))]
	m.Lock()
	return m
}
