package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"maestro/internal/instance"
	"maestro/internal/signal/board"
	"maestro/internal/store"
)

// group is a part of all runs that has one owner at a time: the node that holds its lease. All runs of a workflow fall into
// one group, so that its run strategy is a matter of one owner, and so does everything that is known by a name.
//
// A group owns the epoch that its writes are made under, the actors of its runs in memory, the run strategies of the
// workflows that fall into it, the notes of when its runs are due, and what its steps wait for. It opens when the lease is won: it reads
// what lives and picks it up. It closes when the lease is lost: everything of it is dropped from memory, and nothing of it
// is written any more; whoever holds the lease then has it from the store. The engine is a map of groups and a router.
type group struct {
	e          *Engine
	id         int32
	epoch      atomic.Int64 // of the lease; closedEpoch when it is lost
	strategies *strategies
	waker      *waker
	gone       chan struct{} // closed when the group is closed
	services   sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	actors  map[store.RunID]*actor
	waiting map[waitingStep]struct{} // registered with the board
}

// waitingStep is a step that waits for signals, in memory or not.
type waitingStep struct {
	run  store.RunID
	step int
}

// closedEpoch is an epoch that every store refuses.
const closedEpoch = -1

func newGroup(e *Engine, l store.Lease) *group {
	g := &group{
		e: e, id: l.Group, gone: make(chan struct{}), actors: make(map[store.RunID]*actor), waiting: make(map[waitingStep]struct{}),
	}
	g.epoch.Store(l.Epoch)
	g.strategies = newStrategies(g)
	g.waker = newWaker(g)
	return g
}

// recover reads which runs of the group live, tells the run strategies of their workflows, and returns those that were
// running.
func (g *group) recover(ctx context.Context) (live []store.RunID, err error) {
	for after := store.RunID(0); ; {
		rows, err := g.e.store.Live(ctx, g.id, after, 1000)
		if err != nil {
			return nil, fmt.Errorf("read live runs of group %d: %w", g.id, err)
		}
		for i := range rows {
			r := &rows[i]
			running := instance.RunStatus(r.Status) != instance.Created
			if running {
				live = append(live, r.ID)
			}
			if owner, err := g.e.ownerOf(r.Workflow); err == nil {
				owner.strategies.found(r.Workflow, member{r.Instance, r.Run, r.ID}, running)
			}
			after = r.ID
		}
		if len(rows) < 1000 {
			return live, nil
		}
	}
}

// open picks up the runs that were running. picked is called when all are.
func (g *group) open(live []store.RunID, picked func()) {
	g.services.Go(g.waker.run)
	g.services.Go(func() {
		defer picked()
		g.pickUp(live)
	})
}

// pickUp loads every run that was running, a few at a time over all groups, and then lets queued ones have their turn.
func (g *group) pickUp(live []store.RunID) {
	var loading sync.WaitGroup
	defer loading.Wait()
	for _, id := range live {
		select {
		case g.e.loading <- struct{}{}:
		case <-g.gone:
			return
		case <-g.e.stopping:
			return
		}
		loading.Go(func() {
			defer func() { <-g.e.loading }()
			loaded := make(chan struct{})
			g.e.deliver(id, item{
				event: instance.Wake{At: g.e.clock.of(id)}, done: func(*instance.Run, instance.Acted, error) { close(loaded) },
			})
			<-loaded
		})
	}
	loading.Wait()
	g.strategies.dequeueAll()
}

// close drops everything of the group from memory. It returns when that is done, but for actors that are in the middle of
// a commit, which the store refuses: they go when they have the answer.
func (g *group) close() {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return
	}
	g.closed = true
	g.epoch.Store(closedEpoch)
	waiting := g.waiting
	g.waiting = make(map[waitingStep]struct{})
	g.mu.Unlock()
	close(g.gone)
	for w := range waiting {
		g.e.board.Forget(board.Waiter{Run: w.run, Step: w.step})
	}
	for _, id := range g.strategies.running() {
		g.e.permits.releaseRun(id)
		g.e.outputs.over(id)
	}
	g.services.Wait()
}

// adopt makes an actor one of the group. It reports false when the group is closed.
func (g *group) adopt(a *actor) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.actors[a.id] = a
	return true
}

// drop takes an actor out of the group.
func (g *group) drop(a *actor) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.actors[a.id] == a {
		delete(g.actors, a.id)
	}
}

// waits notes that a step is registered with the board. It reports false when the group is closed.
func (g *group) waits(run store.RunID, step int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.waiting[waitingStep{run, step}] = struct{}{}
	}
	return !g.closed
}

// waitsNoMore takes a step out of the board.
func (g *group) waitsNoMore(run store.RunID, step int) {
	g.mu.Lock()
	delete(g.waiting, waitingStep{run, step})
	g.mu.Unlock()
	g.e.board.Forget(board.Waiter{Run: run, Step: step})
}

// lost is the answer to those who ask something of a group that is closed.
func (g *group) lost() error {
	return fmt.Errorf("%w: this node has lost its lease of group %d", store.ErrStale, g.id)
}

// group returns a group that this node holds the lease of, or nil.
func (e *Engine) group(id int32) *group {
	e.groupsMu.RLock()
	defer e.groupsMu.RUnlock()
	return e.groups[id]
}

// held returns the groups that this node holds the lease of, in order. Their number is not that of the settings where this
// was higher once.
func (e *Engine) held() []*group {
	e.groupsMu.RLock()
	defer e.groupsMu.RUnlock()
	list := make([]*group, 0, len(e.groups))
	for _, g := range e.groups {
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b *group) int { return int(a.id - b.id) })
	return list
}

// owner returns the group that owns what is known by a name, such as a signal. The error says that this node does not hold
// its lease.
func (e *Engine) owner(name string) (*group, error) {
	return e.holder(e.falls([]byte(name)), name)
}

// ownerOf returns the group that owns a workflow, by its internal id: its run strategy and the runs that are started from
// now on. Runs that were started when there were more groups, or fewer, stay in the group that they were started in.
func (e *Engine) ownerOf(internal int64) (*group, error) {
	return e.holder(e.falls(binary.BigEndian.AppendUint64(nil, uint64(internal))), "the workflow")
}

func (e *Engine) holder(id int32, of string) (*group, error) {
	if g := e.group(id); g != nil {
		return g, nil
	}
	return nil, fmt.Errorf("%w: this node does not hold the lease of group %d, which [%s] falls into", store.ErrStale, id, of)
}

// falls returns the group that a key falls into.
func (e *Engine) falls(key []byte) int32 {
	h := uint32(2166136261) // FNV-1a
	for _, b := range key {
		h = (h ^ uint32(b)) * 16777619
	}
	return int32(h % uint32(e.cfg.Groups))
}

// ended tells the run strategy of a workflow that one of its runs has ended.
func (e *Engine) ended(internal int64, id store.RunID, status instance.RunStatus) {
	if g, err := e.ownerOf(internal); err == nil {
		g.strategies.ended(internal, id, status)
	}
}

// hold opens the groups of new leases and closes those whose lease is lost, or has passed through other hands meanwhile.
func (e *Engine) hold(ctx context.Context, leases []store.Lease, picked func()) error {
	epochs := make(map[int32]int64, len(leases))
	for _, l := range leases {
		epochs[l.Group] = l.Epoch
	}
	for _, g := range e.held() {
		if epochs[g.id] == g.epoch.Load() {
			delete(epochs, g.id)
			continue
		}
		e.log.Warn("the lease of a group is lost; its runs are dropped from memory", "group", g.id)
		e.groupsMu.Lock()
		delete(e.groups, g.id)
		e.groupsMu.Unlock()
		g.close()
	}
	opened := make([]*group, 0, len(epochs))
	for _, l := range leases {
		if _, is := epochs[l.Group]; is {
			opened = append(opened, newGroup(e, l))
		}
	}
	e.groupsMu.Lock()
	for _, g := range opened {
		e.groups[g.id] = g
	}
	e.groupsMu.Unlock()
	e.permits.opening(len(opened))
	live := make([][]store.RunID, len(opened))
	for i, g := range opened { // before any run goes on: it may be of a workflow whose run strategy another group has
		var err error
		if live[i], err = g.recover(ctx); err != nil {
			return err
		}
	}
	for i, g := range opened {
		g.open(live[i], func() {
			e.permits.opened()
			picked()
		})
	}
	return nil
}
