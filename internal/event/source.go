package event

import (
	"context"
	"math"
	"sync"
	"time"

	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
)

// Journal reads journal entries in order. store.Feed is one.
type Journal interface {
	After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error)
}

// Runs knows what runs are called and consist of. *engine.Engine is one.
type Runs interface {
	// IdentifyID returns a run, which need not be folded; api.NotFound or store.ErrNotFound when there is none.
	IdentifyID(ctx context.Context, id store.RunID) (*instance.Run, error)
}

// Config is what a Source works with.
type Config struct {
	Journal   Journal
	Runs      Runs
	Cluster   string        // name of this cluster in events
	Retention time.Duration // how long events live; 0: for ever
	Now       func() int64  // epoch milliseconds; needed with Retention
}

// Event is one published event.
type Event struct {
	Cursor   view.Cursor
	Type     string
	Workflow string
	At       int64  // epoch milliseconds
	Data     []byte // JSON
}

// Source makes readers of one journal. It is safe for concurrent use.
type Source struct {
	cfg   Config
	names runNames
}

// NewSource returns a source.
func NewSource(cfg Config) *Source { return &Source{cfg: cfg} }

// horizon returns the time before which events are too old.
func (s *Source) horizon() int64 {
	if s.cfg.Retention == 0 {
		return math.MinInt64
	}
	return s.cfg.Now() - s.cfg.Retention.Milliseconds()
}

// End returns the position of the last entry of the journal, by halving: the journal only tells what is after a place.
func (s *Source) End(ctx context.Context) (int64, error) {
	return s.first(ctx, 0, func(store.Entry) bool { return false })
}

// first returns the highest position, not below from, up to which no entry is wanted, where all entries behind a wanted
// one are wanted.
func (s *Source) first(ctx context.Context, from int64, wanted func(store.Entry) bool) (int64, error) {
	for hi := int64(math.MaxInt64 - 1); from < hi; {
		mid := from + (hi-from)/2
		e, err := s.cfg.Journal.After(ctx, mid, 0, 1)
		if err != nil {
			return 0, err
		}
		if len(e) == 0 || wanted(e[0]) {
			hi = mid
		} else {
			from = e[0].Pos
		}
	}
	return from, nil
}

// runNames remembers which workflow a run is of, so that a search for one workflow need not load the runs of others
// twice.
type runNames struct {
	mu    sync.Mutex
	names map[store.RunID]string
}

// maxNames bounds the memory of runNames.
const maxNames = 1 << 17

func (n *runNames) get(id store.RunID) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, ok := n.names[id]
	return name, ok
}

func (n *runNames) put(id store.RunID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil || len(n.names) >= maxNames {
		n.names = make(map[store.RunID]string)
	}
	n.names[id] = name
}
