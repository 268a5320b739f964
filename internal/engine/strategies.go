package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/spec"
)

// strategies decides which runs of a workflow may run at once (spec/engine 5), for the workflows of a group. What it knows
// of a workflow follows from the rows of its runs, is read when the workflow is first used, and is kept up to date by
// starts and ends.
type strategies struct {
	e *Engine
	g *group

	mu    sync.Mutex
	flows map[int64]*flow // by internal id
}

// flow is one workflow id: who runs and who waits.
type flow struct {
	id       string
	internal int64

	mu      sync.Mutex
	loaded  bool
	latest  int64 // highest instance id given out
	running map[store.RunID]member
	queued  []member              // in the order in which they are to run
	failed  map[int64]store.RunID // FAILED runs that hold up STRICT_SEQUENTIAL, by instance
	rule    spec.Rule
	limit   int

	arriving map[store.RunID]struct{} // admitted, and it is not known yet whether they were written
	retrying bool                     // a goroutine is going to call dequeue
}

// member is a run of a workflow that has not ended.
type member struct {
	instance, run int64
	id            store.RunID
}

func (m member) compare(o member) int {
	if m.instance != o.instance {
		return int(m.instance - o.instance)
	}
	return int(m.run - o.run)
}

func newStrategies(g *group) *strategies {
	return &strategies{e: g.e, g: g, flows: make(map[int64]*flow)}
}

func (s *strategies) flow(internal int64, id string) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.flows[internal]
	if f == nil {
		f = &flow{id: id, internal: internal, running: make(map[store.RunID]member), failed: make(map[int64]store.RunID), arriving: make(map[store.RunID]struct{})}
		s.flows[internal] = f
	}
	return f
}

// loadLocked reads what there is of a workflow.
func (f *flow) loadLocked(ctx context.Context, s store.Runs) error {
	if f.loaded {
		return nil
	}
	counts, err := s.Counts(ctx, f.internal)
	if err != nil {
		return fmt.Errorf("count runs of workflow %s: %w", f.id, err)
	}
	f.latest = max(f.latest, counts.MaxInstance)
	if counts.ByStatus[uint8(instance.RunFailed)] > 0 {
		if err := f.loadFailedLocked(ctx, s); err != nil {
			return err
		}
	}
	live := counts.ByStatus[uint8(instance.Created)] + counts.ByStatus[uint8(instance.InProgress)]
	if live > 0 {
		for _, st := range []instance.RunStatus{instance.Created, instance.InProgress} {
			rows, err := s.List(ctx, store.RunQuery{Workflow: f.internal, From: 1, Latest: true, Statuses: []uint8{uint8(st)}})
			if err != nil {
				return fmt.Errorf("list live runs of workflow %s: %w", f.id, err)
			}
			for _, r := range rows {
				m := member{r.Instance, r.Run, r.ID}
				if st == instance.InProgress {
					f.running[r.ID] = m
				} else if _, ok := f.running[r.ID]; !ok {
					f.enqueueLocked(m)
				}
			}
		}
	}
	f.loaded = true
	return nil
}

// loadFailedLocked reads which runs are FAILED and hold up others: not those that are being run again.
func (f *flow) loadFailedLocked(ctx context.Context, s store.Runs) error {
	rows, err := s.List(ctx, store.RunQuery{Workflow: f.internal, From: 1, Latest: true, Statuses: []uint8{uint8(instance.RunFailed)}})
	if err != nil {
		return fmt.Errorf("list failed runs of workflow %s: %w", f.id, err)
	}
	clear(f.failed)
	for _, r := range rows {
		f.failed[r.Instance] = r.ID
	}
	for _, m := range f.running {
		delete(f.failed, m.instance)
	}
	for _, m := range f.queued {
		delete(f.failed, m.instance)
	}
	return nil
}

func (f *flow) enqueueLocked(m member) {
	i, found := slices.BinarySearchFunc(f.queued, m, member.compare)
	if !found {
		f.queued = slices.Insert(f.queued, i, m)
	}
}

// found notes a run that lives, before anything of the workflow goes on.
func (s *strategies) found(internal int64, m member, running bool) {
	f := s.flow(internal, "")
	f.mu.Lock()
	defer f.mu.Unlock()
	if running {
		f.running[m.id] = m
	} else {
		f.enqueueLocked(m)
	}
}

// dequeueAll gives the queued runs of all workflows their turn.
func (s *strategies) dequeueAll() {
	s.mu.Lock()
	flows := make([]*flow, 0, len(s.flows))
	for _, f := range s.flows {
		flows = append(flows, f)
	}
	s.mu.Unlock()
	for _, f := range flows {
		s.dequeue(f)
	}
}

// running returns the runs that have been given their turn and have not ended.
func (s *strategies) running() (ids []store.RunID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.flows {
		f.mu.Lock()
		for id := range f.running {
			ids = append(ids, id)
		}
		f.mu.Unlock()
	}
	return ids
}

// decision is what a run strategy says about a new run.
type decision struct {
	member
	start   bool          // it may begin at once
	refused bool          // FIRST_ONLY: it is recorded as STOPPED
	stop    []member      // queued runs that it supersedes
	end     []store.RunID // running ones that must end first
	cleared store.RunID   // the FAILED run of the instance, which held up others until this one was asked for; 0: none
	why     string        // the run strategy's reason for stop and end
}

// admit gives a new run its numbers and its place. number 0 makes a new instance; otherwise it is the number of a new
// run of instance inst. What it decides holds until the run ends or withdraw takes it back.
func (s *strategies) admit(ctx context.Context, d *Definition, inst, number int64, id store.RunID) (decision, error) {
	f := s.flow(d.Internal, d.WorkflowID)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.id = d.WorkflowID
	if err := f.loadLocked(ctx, s.e.store); err != nil {
		return decision{}, err
	}
	f.rule, f.limit = d.Strategy()
	f.latest = max(f.latest, d.FirstInstance)
	var cleared store.RunID
	if inst == 0 {
		f.latest++
		inst, number = f.latest, 1
	} else {
		cleared = f.failed[inst]
		for _, m := range f.running {
			if m.instance == inst {
				return decision{}, api.Errorf(api.BadRequest, "run [%s][%d][%d] is still running", f.id, m.instance, m.run)
			}
		}
		for _, m := range f.queued {
			if m.instance == inst {
				return decision{}, api.Errorf(api.BadRequest, "run [%s][%d][%d] waits for its turn", f.id, m.instance, m.run)
			}
		}
		delete(f.failed, inst) // superseded: it holds up nobody any more
	}
	dec := decision{member: member{inst, number, id}, cleared: cleared}
	f.arriving[id] = struct{}{}
	switch f.rule {
	case spec.FirstOnly:
		dec.refused = len(f.running)+len(f.queued) > 0
		dec.start = !dec.refused
	case spec.LastOnly:
		dec.stop, f.queued = f.queued, nil
		for rid := range f.running {
			dec.end = append(dec.end, rid)
		}
		dec.start = len(f.running) == 0
		dec.why = "LAST_ONLY"
	case spec.SerialLatestOnly:
		dec.stop, f.queued = f.queued, nil
		dec.start = len(f.running) < f.limit
		dec.why = "SERIAL_LATEST_ONLY"
	default:
		dec.start = f.freeLocked() && (len(f.queued) == 0 || dec.member.compare(f.queued[0]) < 0)
	}
	switch {
	case dec.refused:
	case dec.start:
		f.running[id] = dec.member
	default:
		f.enqueueLocked(dec.member)
	}
	return dec, nil
}

// arrived says that it is known whether a run that was admitted was written.
func (s *strategies) arrived(internal int64, id store.RunID) {
	f := s.flow(internal, "")
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.arriving, id)
}

// freeLocked reports whether one more run may begin.
func (f *flow) freeLocked() bool {
	if f.rule == spec.StrictSequential && len(f.failed) > 0 {
		return false
	}
	return len(f.running) < max(f.limit, 1)
}

// withdraw forgets a run that was admitted but never became durable, and puts back whom it took the place of.
func (s *strategies) withdraw(internal int64, dec *decision) {
	s.e.permits.releaseRun(dec.id)
	f := s.flow(internal, "")
	f.mu.Lock()
	delete(f.running, dec.id)
	f.queued = slices.DeleteFunc(f.queued, func(m member) bool { return m.id == dec.id })
	for _, m := range dec.stop {
		f.enqueueLocked(m)
	}
	if dec.cleared != 0 {
		f.failed[dec.instance] = dec.cleared
	}
	f.mu.Unlock()
	s.dequeue(f)
}

// runs reports whether a run has been given its turn and has not ended.
func (s *strategies) runs(internal int64, id store.RunID) bool {
	f := s.flow(internal, "")
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.running[id]
	return ok
}

// ended notes the end of a run and gives the next one its turn.
func (s *strategies) ended(internal int64, id store.RunID, status instance.RunStatus) {
	s.e.permits.releaseRun(id)
	f := s.flow(internal, "")
	f.mu.Lock()
	if m, ok := f.running[id]; ok {
		delete(f.running, id)
		if status == instance.RunFailed {
			f.failed[m.instance] = id
		}
	}
	f.queued = slices.DeleteFunc(f.queued, func(m member) bool {
		if m.id == id && status == instance.RunFailed {
			f.failed[m.instance] = id
		}
		return m.id == id
	})
	f.mu.Unlock()
	s.dequeue(f)
}

// unblocked reads again which runs hold up others: some that did have been seen to, and more than it seems when a commit
// was written and reported as failed.
func (s *strategies) unblocked(ctx context.Context, internal int64) error {
	f := s.flow(internal, "")
	f.mu.Lock()
	err := f.loadFailedLocked(ctx, s.e.store)
	f.mu.Unlock()
	s.dequeue(f)
	return err
}

// dequeue gives queued runs their turn while there is room.
func (s *strategies) dequeue(f *flow) {
	f.mu.Lock()
	if len(f.queued) == 0 {
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	d, err := s.e.catalog.Current(s.e.ctx, f.internal)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		err = f.loadLocked(s.e.ctx, s.e.store) // who is FAILED holds up others, too
	}
	if err != nil {
		if !errors.Is(err, store.ErrNotFound) && !f.retrying {
			s.e.log.Warn("run strategy cannot be read, queued runs wait", "workflow", f.id, "error", err)
			f.retrying = true
			s.e.later(func() { s.dequeueLater(f) })
		}
		return
	}
	f.rule, f.limit = d.Strategy()
	if f.rule == spec.LastOnly || f.rule == spec.SerialLatestOnly { // a crash came between the newest and the end of the others
		for len(f.queued) > 1 {
			m, newest, why := f.queued[0], f.queued[len(f.queued)-1], string(f.rule)
			f.queued = slices.Delete(f.queued, 0, 1)
			s.e.later(func() { s.g.stopQueued(m, newest, why) })
		}
	}
	for len(f.queued) > 0 && f.freeLocked() && !s.e.isStopping() {
		next := f.queued[0]
		f.queued = slices.Delete(f.queued, 0, 1)
		f.running[next.id] = next
		// The new actor tells of what it cannot start through ended or by loading again; it holds no lock of ours.
		s.e.later(func() { s.g.startQueued(f, next) })
	}
}

// dequeueLater tries again what the store or the catalog has failed at.
func (s *strategies) dequeueLater(f *flow) {
	select {
	case <-time.After(time.Second):
	case <-s.e.stopping:
		return
	}
	f.mu.Lock()
	f.retrying = false
	f.mu.Unlock()
	s.dequeue(f)
}

// Changed tells the engine that a workflow's properties, versions or activation changed: queued runs may have their turn.
func (e *Engine) Changed(internal int64) {
	for _, g := range e.held() {
		if f := g.strategies.known(internal); f != nil {
			g.strategies.dequeue(f)
		}
	}
}

// known returns what is known of a workflow, nil for nothing: no run of it lives.
func (s *strategies) known(internal int64) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flows[internal]
}

// startQueued gives a queued run its turn.
func (g *group) startQueued(f *flow, m member) {
	f.mu.Lock()
	_, arriving := f.arriving[m.id]
	f.mu.Unlock()
	g.e.deliver(m.id, item{event: instance.Start{At: g.e.clock.of(m.id)}, done: func(r *instance.Run, _ instance.Acted, err error) {
		switch {
		case err == nil:
		case errors.Is(err, instance.ErrStale):
			// It has ended meanwhile, or begun: its row says which.
			if r != nil && r.Own.Terminal() {
				g.e.later(func() { g.strategies.ended(f.internal, m.id, r.Status) })
			}
		case g.e.isStopping():
		case errors.Is(err, store.ErrNotFound) && !arriving: // its start failed, and then that of the run that took its place
			g.e.later(func() { g.strategies.ended(f.internal, m.id, instance.RunStopped) })
		default:
			g.e.log.Warn("queued run could not begin, trying again", "run", int64(m.id), "error", err)
			g.e.later(func() {
				if sleep(g.e.ctx, g.e.cfg.ActionWithin/10) == nil && g.strategies.runs(f.internal, m.id) {
					g.startQueued(f, m)
				}
			})
		}
	}})
}

// Live returns the ids of the runs of a workflow that wait and of those that run.
func (s *strategies) live(ctx context.Context, internal int64, id string) (queued, running []member, err error) {
	f := s.flow(internal, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.loadLocked(ctx, s.e.store); err != nil {
		return nil, nil, err
	}
	queued = slices.Clone(f.queued)
	for _, m := range f.running {
		running = append(running, m)
	}
	slices.SortFunc(running, member.compare)
	return queued, running, nil
}
