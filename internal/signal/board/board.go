package board

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"maestro/internal/signal"
	"maestro/internal/store"
)

// Waiter is a dependency of a step attempt that waits for a signal.
type Waiter struct {
	Run        store.RunID
	Step       int
	Attempt    int64
	Dependency int
}

// Config is what a Board works with.
type Config struct {
	Reader Reader
	// Commit writes records that belong to a name, durably. It is used for what no run announces.
	Commit func(name string, records []store.Record, at int64) error
	// Wake is told that an instance satisfies what the waiter waits for. It is told once per registration, and the waiter
	// is not registered any more. It must not block.
	Wake func(w Waiter, i *signal.Instance)
	Now  func() int64 // epoch milliseconds
	Log  *slog.Logger
}

// Board owns all names: who announces asks it for a number, and who waits is found by it.
//
// Invariants:
//
//   - A number is given out once. It goes to the store in the transaction of what announces it, together with a row that
//     makes its instance id unique within the name. A number whose transaction failed is given out again if no later one
//     was; otherwise it stays a gap.
//   - Instances of a name are told to listeners in the order of their numbers: one that became durable before an earlier
//     one waits for it.
//   - Whoever waits is registered before the store is asked for earlier instances, so that nothing falls between.
type Board struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	heard  func(*signal.Instance)

	mu     sync.Mutex
	closed bool
	topics map[string]*topic

	looking chan struct{} // a slot for each long look-up under way

	waitMu  sync.Mutex
	waiters map[stepKey][]registration
}

// stepKey is a step of a run: it waits in one attempt at a time.
type stepKey struct {
	run  store.RunID
	step int
}

// registration is a waiter that was registered, and where.
type registration struct {
	waiter Waiter
	topic  *topic
	handle signal.Handle
}

// maxTopics is how many names are remembered although nobody waits for them.
const maxTopics = 100_000

// New returns a board. Close must be called.
func New(cfg Config) *Board {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = func() int64 { return time.Now().UnixMilli() }
	}
	b := &Board{cfg: cfg, topics: make(map[string]*topic), waiters: make(map[stepKey][]registration), looking: make(chan struct{}, 8)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Listen makes f be told of every instance of a subscribed name, in order within the name, once it is durable. f must not
// block. It is called before anything is announced.
func (b *Board) Listen(f func(*signal.Instance)) { b.heard = f }

// Close ends what the board does in the background. Nothing must be announced any more.
func (b *Board) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.work.Wait()
}

// later runs f in a goroutine that Close waits for. It reports false when the board is closed.
func (b *Board) later(f func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.work.Go(f)
	return true
}

// topic is one name.
type topic struct {
	name string

	mu      sync.Mutex
	gone    bool // has left memory
	loaded  bool
	last    int64 // highest number given out
	durable int64 // highest number that is durable, and that was told of
	pending []*slot
	waiters signal.Index[Waiter]
	subs    int // subscriptions of triggers
}

// slot is a number that was given out and whose instance is not known to be durable yet.
type slot struct {
	instance *signal.Instance
	settled  bool
	durable  bool
	done     chan struct{} // closed when settled
}

// locked returns the topic of a name with its lock held and its highest number known.
func (b *Board) locked(ctx context.Context, name string) (*topic, error) {
	for {
		t := b.topic(name)
		t.mu.Lock()
		if t.gone {
			t.mu.Unlock()
			continue
		}
		if t.loaded {
			return t, nil
		}
		last, err := highest(ctx, b.cfg.Reader, name)
		if err != nil {
			t.mu.Unlock()
			return nil, err
		}
		t.last, t.durable, t.loaded = max(last, t.last), max(last, t.durable), true
		return t, nil
	}
}

func (b *Board) topic(name string) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[name]
	if t == nil {
		if len(b.topics) >= maxTopics {
			b.evictLocked()
		}
		t = &topic{name: name}
		b.topics[name] = t
	}
	return t
}

// evictLocked forgets some names that nobody uses.
func (b *Board) evictLocked() {
	looked := 0
	for name, t := range b.topics {
		if looked++; looked > 64 {
			return
		}
		if !t.mu.TryLock() {
			continue
		}
		if len(t.pending) == 0 && t.waiters.Len() == 0 && t.subs == 0 {
			t.gone = true
			delete(b.topics, name)
		}
		t.mu.Unlock()
	}
}

// Instance returns an instance by its number, or nil.
func (b *Board) Instance(ctx context.Context, name string, seq int64) (*signal.Instance, error) {
	if seq < 1 {
		return nil, nil
	}
	return get(ctx, b.cfg.Reader, name, seq)
}

// Latest returns the newest instance of a name, or nil.
func (b *Board) Latest(ctx context.Context, name string) (*signal.Instance, error) {
	last, err := b.Last(ctx, name)
	if err != nil || last == 0 {
		return nil, err
	}
	return newest(ctx, b.cfg.Reader, name, last, nil)
}

// Oldest returns the first instance with a number above after that satisfies the matches, or nil. It knows only what the
// listener was told of: an instance that became durable before one with a lower number is not there yet.
func (b *Board) Oldest(ctx context.Context, name string, after int64, matches signal.Matches) (*signal.Instance, error) {
	t, err := b.locked(ctx, name)
	if err != nil {
		return nil, err
	}
	told := t.last
	if len(t.pending) > 0 {
		told = t.pending[0].instance.Seq - 1
	}
	t.mu.Unlock()
	if told <= after {
		return nil, nil
	}
	i, err := oldest(ctx, b.cfg.Reader, name, after, matches)
	if err != nil || i == nil || i.Seq > told {
		return nil, err
	}
	return i, nil
}

// Last returns the highest number of a name that was given out, 0 for none.
func (b *Board) Last(ctx context.Context, name string) (int64, error) {
	t, err := b.locked(ctx, name)
	if err != nil {
		return 0, err
	}
	defer t.mu.Unlock()
	return t.last, nil
}

// Subscribe makes instances of a name be listed in KindNews and told to the listener from now on. It returns the highest
// number given out before.
func (b *Board) Subscribe(ctx context.Context, name string) (int64, error) {
	t, err := b.locked(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("subscribe to signal %q: %w", name, err)
	}
	defer t.mu.Unlock()
	t.subs++
	return t.last, nil
}

// Mark is Subscribe for somebody who knows where he stands.
func (b *Board) Mark(name string) {
	for {
		t := b.topic(name)
		t.mu.Lock()
		gone := t.gone
		if !gone {
			t.subs++
		}
		t.mu.Unlock()
		if !gone {
			return
		}
	}
}

// Unsubscribe takes one Subscribe or Mark back.
func (b *Board) Unsubscribe(name string) {
	t := b.topic(name)
	t.mu.Lock()
	t.subs = max(t.subs-1, 0)
	t.mu.Unlock()
}
