package engine

import (
	"bytes"
	"context"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// Inspect calls f with the run as its actor has it, from the actor's goroutine and between two changes: everything the
// run knows is durable. It reports false when the run is not to be had, as when the engine stops.
func (e *Engine) Inspect(id store.RunID, f func(r *instance.Run)) bool {
	seen := make(chan bool, 1)
	e.deliver(id, item{done: func(r *instance.Run, _ instance.Acted, _ error) {
		if r != nil {
			f(r)
		}
		seen <- r != nil
	}})
	return <-seen
}

// Deliver hands an event to a run as runtimes do.
func (e *Engine) Deliver(id store.RunID, ev instance.Event) { e.deliver(id, item{event: ev}) }

// LoadAny loads a run, whoever it belongs to.
func (e *Engine) LoadAny(id store.RunID) (*instance.Run, error) {
	r, _, err := e.loadRun(context.Background(), id, false)
	return r, err
}

// Ask hands a request to a run and waits for the answer.
func (e *Engine) Ask(id store.RunID, ev instance.Event) (instance.Attempt, error) {
	d, err := e.ask(context.Background(), id, ev)
	return d.attempt, err
}

// ForgetWakes loses the notes of when runs are due, and returns how many there were.
func (e *Engine) ForgetWakes() int {
	n := 0
	for _, g := range e.held() {
		g.waker.mu.Lock()
		n += len(g.waker.due)
		g.waker.due = nil
		g.waker.mu.Unlock()
	}
	return n
}

// Held returns how many groups are open.
func (e *Engine) Held() int { return len(e.held()) }

// Remembers returns what the engine has in memory of the runs of its groups: actors, steps that wait, wakes, and runs that
// run or are queued.
func (e *Engine) Remembers() (n int) {
	for _, g := range e.held() {
		g.mu.Lock()
		n += len(g.actors) + len(g.waiting)
		g.mu.Unlock()
		g.waker.mu.Lock()
		n += len(g.waker.due)
		g.waker.mu.Unlock()
		n += len(g.strategies.running())
	}
	e.permits.mu.Lock()
	n += len(e.permits.byRun)
	e.permits.mu.Unlock()
	return n + e.Workers()
}

// RestAfter is how long nothing must have happened.
const RestAfter = restAfter

// Resting reports whether a run is in memory, and whether it rests there.
func (e *Engine) Resting(id store.RunID) (there, resting bool) {
	sh := e.shard(id)
	sh.mu.Lock()
	a := sh.actors[id]
	sh.mu.Unlock()
	if a == nil {
		return false, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return true, a.resting && a.run.Params == nil
}

// Workers returns how many attempts are known to be at work, for the output data of their jobs.
func (e *Engine) Workers() (n int) {
	e.outputs.mu.Lock()
	defer e.outputs.mu.Unlock()
	for _, of := range e.outputs.byRun {
		n += len(of)
	}
	return n
}

// Pass is what happened to a run between two entries, while one actor had it.
type Pass struct {
	Life   any   // the actor
	Before int64 // entries before it
	Played []instance.Event
	Entry  []byte
}

// Observe makes f be told of every pass that is stored. It is called before Open.
func (e *Engine) Observe(f func(store.RunID, Pass)) {
	e.observe = func(a *actor, before int64, played []instance.Event, entry []byte) {
		f(a.id, Pass{a, before, played, bytes.Clone(entry)})
	}
}

// Fresh makes a run from its row, before its first record.
func (e *Engine) Fresh(row *store.Run) (*instance.Run, error) {
	return e.build(context.Background(), row, false)
}

// Fitting returns how many of waiting changes, each of so many runs, go into one transaction.
func Fitting(runs ...int) int {
	waiting := make([]*commit, len(runs))
	for i, n := range runs {
		waiting[i] = &commit{change: store.Change{Runs: make([]store.RunChange, n)}}
	}
	return fitting(waiting)
}
