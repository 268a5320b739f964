package engine

import (
	"container/heap"
	"sync"
	"time"

	"maestro/internal/store"
)

// waker brings runs back into memory when something of theirs is due. It holds a time (the engine's) and an id for each run that left
// memory with a timer, and asks the store now and then for wakes that nobody remembers (after a crash between a commit
// and the note here, or from another node): the sweep, which is never the normal path.
type waker struct {
	e *Engine
	g *group

	mu    sync.Mutex
	due   wakes
	nudge chan struct{}
}

type wakeAt struct {
	at int64
	id store.RunID
}

type wakes []wakeAt

func (w wakes) Len() int           { return len(w) }
func (w wakes) Less(i, j int) bool { return w[i].at < w[j].at }
func (w wakes) Swap(i, j int)      { w[i], w[j] = w[j], w[i] }
func (w *wakes) Push(x any)        { *w = append(*w, x.(wakeAt)) }
func (w *wakes) Pop() any {
	old := *w
	x := old[len(old)-1]
	*w = old[:len(old)-1]
	return x
}

func newWaker(g *group) *waker { return &waker{e: g.e, g: g, nudge: make(chan struct{}, 1)} }

// add notes that a run is due at a time of its own. A note that turns out to be too early costs one load.
func (w *waker) add(at int64, id store.RunID) {
	w.mu.Lock()
	at += w.e.clock.lag(id)
	heap.Push(&w.due, wakeAt{at, id})
	first := w.due[0].id == id
	w.mu.Unlock()
	if first {
		select {
		case w.nudge <- struct{}{}:
		default:
		}
	}
}

// shiftLocked moves all notes to where they are after the clock was set.
func (w *waker) shiftLocked(by int64) {
	if by == 0 {
		return
	}
	for i := range w.due {
		w.due[i].at += by
	}
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

// pop returns the runs that are due, and how long until the next is.
func (w *waker) pop(now int64) (ids []store.RunID, next time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.due) > 0 && w.due[0].at <= now && len(ids) < 1024 {
		ids = append(ids, heap.Pop(&w.due).(wakeAt).id)
	}
	next = time.Hour
	if len(w.due) > 0 {
		next = time.Duration(max(w.due[0].at-now, 0)) * time.Millisecond
	}
	return ids, next
}

func (w *waker) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	sweep := time.NewTicker(w.e.cfg.SweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-w.g.gone:
			return
		case <-w.e.stopping:
			return
		case <-timer.C:
		case <-w.nudge:
		case <-sweep.C:
			w.sweep()
		}
		ids, next := w.pop(w.e.clock.now())
		for _, id := range ids {
			w.e.deliver(id)
		}
		timer.Reset(next)
	}
}

// sweep wakes runs of the group whose wake is overdue in the store and that are not in memory.
func (w *waker) sweep() {
	rows, err := w.e.store.Due(w.e.ctx, w.g.id, w.e.clock.now()-w.e.cfg.SweepEvery.Milliseconds(), 1000)
	if err != nil {
		w.e.log.Warn("overdue runs cannot be read", "group", w.g.id, "error", err)
		return
	}
	for i := range rows {
		w.e.deliver(rows[i].ID)
	}
}
