package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"maestro/internal/store"
)

// committer writes the changes of all actors, many per transaction.
//
// Invariants:
//
//   - A change is answered exactly once, after the transaction that held it is durable or known to have failed.
//   - Changes of one caller are written in the order in which it handed them over; an actor has at most one under way.
//   - The committer never waits for more changes: it takes what is there. While one transaction is on its way to the
//     disk the next batch gathers, so batches grow with the load and a lone change is written at once.
//   - At most maxBatch changes go into one transaction, and no more once they have as many runs, so that no caller waits
//     for an endless one.
//   - What waits is bounded: beyond queueLimit, new work (not work that finishes what was accepted) is turned away.
//
// The alternative, a transaction per change on several connections, was measured on both kinds of stores: the disk's
// sync is shared by nobody then, and throughput is its inverse.
type committer struct {
	store store.Runs
	limit int

	mu      sync.Mutex
	waiting []*commit
	wake    chan struct{} // one slot, carries nothing
	closed  bool
	spare   []*commit

	pool sync.Pool // of *commit; one per committer, since a channel made in one synctest bubble is no use in another
}

// commit is one change on its way.
type commit struct {
	change  store.Change
	only    [1]store.RunChange // room for the runs of a change of one
	patient func() bool        // whether the change can wait for a lock of another program still; nil: it cannot
	done    chan error         // one slot
}

const maxBatch = 512

func newCommitter(s store.Runs, queueLimit int) *committer {
	c := &committer{store: s, limit: queueLimit, wake: make(chan struct{}, 1)}
	c.pool.New = func() any { return &commit{done: make(chan error, 1)} }
	return c
}

// commit writes the change and returns when it is durable or refused. It does not return early when the caller loses
// patience: a change handed over is going to be written.
func (c *committer) commit(ch store.Change) error {
	w := c.pool.Get().(*commit)
	w.change = ch
	return c.write(w)
}

// commitPatiently is commit of a change of one run that is tried again as long as another program locks the store and
// patient returns true. It is asked while the caller waits. ch has no runs; the one is given beside it.
func (c *committer) commitPatiently(ch store.Change, run store.RunChange, patient func() bool) error {
	w := c.pool.Get().(*commit)
	w.change, w.only[0], w.patient = ch, run, patient
	w.change.Runs = w.only[:]
	return c.write(w)
}

// write hands a change over, and returns when it is answered.
func (c *committer) write(w *commit) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errStopping
	}
	c.waiting = append(c.waiting, w)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	err := <-w.done
	w.change, w.only[0], w.patient = store.Change{}, store.RunChange{}, nil
	c.pool.Put(w)
	return err
}

// full reports whether new work should be turned away.
func (c *committer) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting) >= c.limit
}

// run writes batches until ctx ends and nothing is waiting any more.
func (c *committer) run(ctx context.Context) {
	var changes []store.Change
	for {
		// Actors that are ready to run may be about to hand over a change. Letting them run first costs nothing where there
		// are none, and under load makes one transaction of what would be many.
		runtime.Gosched()
		batch := c.take()
		if len(batch) == 0 {
			select {
			case <-c.wake:
				continue
			case <-ctx.Done():
			}
			if c.close() {
				return
			}
			continue
		}
		changes = changes[:0]
		for _, w := range batch {
			changes = append(changes, w.change)
		}
		// The store is not told of ctx: a batch that has begun is worth finishing when the engine stops.
		errs := c.store.Commit(context.WithoutCancel(ctx), changes)
		var again []*commit
		for i, w := range batch {
			if w.patient != nil && errors.Is(errs[i], store.ErrLocked) && w.patient() {
				again = append(again, w)
				continue
			}
			w.done <- errs[i]
		}
		c.giveBack(again)
		clear(changes)
		clear(batch)
		c.spare = batch[:0]
	}
}

// take returns what is waiting, up to maxBatch.
func (c *committer) take() []*commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	spare := c.spare
	c.spare = nil
	if n := fitting(c.waiting); n < len(c.waiting) {
		batch := append(spare[:0], c.waiting[:n]...)
		n = copy(c.waiting, c.waiting[n:])
		clear(c.waiting[n:])
		c.waiting = c.waiting[:n]
		return batch
	}
	batch := c.waiting
	c.waiting = spare
	return batch
}

// fitting returns how many changes go into one transaction.
func fitting(waiting []*commit) int {
	runs := 0
	for n, w := range waiting {
		if n == maxBatch || runs >= maxBatch {
			return n
		}
		runs += len(w.change.Runs)
	}
	return len(waiting)
}

// giveBack puts changes before those that wait.
func (c *committer) giveBack(again []*commit) {
	if len(again) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(again, c.waiting...)
}

// close refuses further changes once none is waiting.
func (c *committer) close() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = len(c.waiting) == 0
	return c.closed
}
