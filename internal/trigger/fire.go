package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/inflight"
	"maestro/internal/signal"
	"maestro/internal/store"
)

// execution is a trigger that is complete: a run is to be started.
type execution struct {
	Workflow string  `json:"workflow_id"`
	UUID     string  `json:"trigger_uuid"`
	Signals  []named `json:"signals"`
	Number   int64   `json:"number"`

	tries int
}

// named is the number of an instance that an execution uses.
type named struct {
	Name string `json:"name"`
	Seq  int64  `json:"seq"`
}

func (x *execution) key() string {
	return workflowPrefix(x.Workflow) + string(signal.AppendNumber(nil, uint64(x.Number)))
}

func (x *execution) record() store.Record {
	data, _ := json.Marshal(x) // texts and numbers: cannot fail
	return store.Record{Kind: kindFire, Key: x.key(), Value: data}
}

func (x *execution) done() store.Record { return store.Record{Kind: kindFire, Key: x.key()} }

// firer starts the runs of complete triggers, those of one workflow in their order.
type firer struct {
	s    *Signals
	work sync.WaitGroup
	pace pace

	mu     sync.Mutex
	last   int64                   // number given to an execution
	flows  map[string][]*execution // by workflow, in order; the first may be under way
	ready  []string                // workflows whose first execution may be started
	wake   *sync.Cond
	closed bool
	told   time.Time // when the log was told that a trigger is too fast
	timers map[string]*time.Timer
}

func newFirer(s *Signals) *firer {
	f := &firer{s: s, flows: make(map[string][]*execution), timers: make(map[string]*time.Timer), pace: pace{perSecond: float64(s.cfg.PerSecond)}}
	f.wake = sync.NewCond(&f.mu)
	return f
}

func (f *firer) start() {
	for range f.s.cfg.Workers {
		f.work.Go(f.loop)
	}
}

func (f *firer) close() {
	f.mu.Lock()
	f.closed = true
	for _, t := range f.timers {
		t.Stop()
	}
	f.wake.Broadcast()
	f.mu.Unlock()
	f.work.Wait()
}

func (f *firer) pending() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, list := range f.flows {
		n += len(list)
	}
	return n
}

// execution makes an execution, numbered so that later ones sort later, also after a restart.
func (f *firer) execution(sub *subscription, seqs []int64) *execution {
	f.mu.Lock()
	f.last = max(f.last+1, f.s.cfg.Now()<<12)
	n := f.last
	f.mu.Unlock()
	x := &execution{Workflow: sub.workflow, UUID: sub.uuid, Number: n}
	for i := range sub.signals {
		x.Signals = append(x.Signals, named{sub.signals[i].name, seqs[i]})
	}
	return x
}

// load takes over an execution that is stored.
func (f *firer) load(r store.Record) error {
	x := new(execution)
	if err := json.Unmarshal(r.Value, x); err != nil {
		f.s.cfg.Log.Error("execution of a signal trigger is dropped", "key", r.Key, "error", err)
		f.s.enqueue(task{dead: []store.Record{{Kind: kindFire, Key: r.Key}}})
		return nil
	}
	f.add(x)
	return nil
}

// add queues executions.
func (f *firer) add(list ...*execution) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range list {
		f.last = max(f.last, x.Number)
		f.flows[x.Workflow] = append(f.flows[x.Workflow], x)
		if len(f.flows[x.Workflow]) == 1 {
			f.readyLocked(x.Workflow)
		}
	}
}

func (f *firer) readyLocked(workflow string) {
	f.ready = append(f.ready, workflow)
	f.wake.Signal()
}

// loop is a worker.
func (f *firer) loop() {
	for {
		f.mu.Lock()
		for len(f.ready) == 0 && !f.closed {
			f.wake.Wait()
		}
		if f.closed {
			f.mu.Unlock()
			return
		}
		workflow := f.ready[0]
		f.ready = f.ready[1:]
		x := f.flows[workflow][0]
		if wait := f.pace.take(x.Workflow+signal.Sep+x.UUID, time.Now()); wait > 0 {
			f.holdLocked(x, wait)
			f.mu.Unlock()
			continue
		}
		f.mu.Unlock()

		err := f.run(x)

		f.mu.Lock()
		if err != nil {
			x.tries++
			f.laterLocked(x, err)
		} else {
			list := f.flows[workflow][1:]
			if f.flows[workflow] = list; len(list) == 0 {
				delete(f.flows, workflow)
			} else {
				f.readyLocked(workflow)
			}
		}
		f.mu.Unlock()
	}
}

// laterLocked tries an execution again after a while. The others of its workflow wait behind it.
func (f *firer) laterLocked(x *execution, err error) {
	if f.closed {
		return
	}
	delay := min(f.s.cfg.Retry<<min(x.tries-1, 12), time.Minute)
	f.s.cfg.Log.Warn("workflow cannot be started by its signal trigger, trying again", "workflow", x.Workflow, "trigger", x.UUID, "in", delay, "error", err)
	f.readyAfterLocked(x.Workflow, delay)
}

// holdLocked lets an execution wait whose trigger starts too many runs.
func (f *firer) holdLocked(x *execution, wait time.Duration) {
	if f.closed {
		return
	}
	if now := time.Now(); now.Sub(f.told) > time.Minute {
		f.told = now
		f.s.cfg.Log.Info("signal trigger starts more runs than it may; the others wait their turn (signals.trigger_rate)", "workflow", x.Workflow, "waiting", len(f.flows[x.Workflow]))
	}
	f.readyAfterLocked(x.Workflow, wait)
}

func (f *firer) readyAfterLocked(workflow string, delay time.Duration) {
	f.timers[workflow] = time.AfterFunc(delay, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.timers, workflow)
		f.readyLocked(workflow)
	})
}

// run evaluates a trigger and starts its run. An error means: try again. The run's own transaction takes the execution
// away, so that one that is still there was not started.
func (f *firer) run(x *execution) error {
	if x.tries > 0 {
		_, err := f.s.cfg.Reader.Record(f.s.ctx, kindFire, x.key())
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	sub := f.s.subscribed(x.Workflow, x.UUID)
	if sub == nil {
		return f.drop(x) // it is not in effect any more
	}
	mark := inflight.Text("trigger", sub.key())
	if err := f.s.cfg.Guard.Condemned(mark); err != nil {
		f.s.cfg.Log.Error("signal trigger starts nothing", "trigger", sub.text(), "error", err)
		return f.drop(x)
	}
	pass := f.s.cfg.Guard.Enter(mark)
	q, err := f.s.request(f.s.ctx, sub, x)
	pass.Leave()
	if err != nil {
		return err
	}
	if q == nil {
		return f.drop(x)
	}
	q.Records = []store.Record{x.done()}
	started, err := f.s.cfg.Starter.Start(f.s.ctx, *q)
	switch {
	case err == nil && started.Status == engine.Duplicated:
		return f.drop(x)
	case err == nil:
		return nil
	case errors.Is(err, api.Conflict), errors.Is(err, api.NotFound), errors.Is(err, api.UnprocessableEntity):
		f.s.cfg.Log.Info("signal trigger is not in effect any more", "trigger", sub.text(), "reason", err)
		return f.s.unsubscribe(sub, x)
	case errors.Is(err, api.BadRequest):
		f.s.cfg.Log.Error("workflow cannot be started by its signal trigger", "trigger", sub.text(), "error", err)
		return f.drop(x)
	default:
		return err
	}
}

// drop takes an execution away that starts nothing.
func (f *firer) drop(x *execution) error {
	if err := f.s.cfg.Commit(x.Workflow, []store.Record{x.done()}); err != nil {
		return fmt.Errorf("drop execution: %w", err)
	}
	return nil
}

// subscribed returns the subscription of a trigger, nil when it is not in effect.
func (s *Signals) subscribed(workflow, uuid string) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs[workflow][uuid]
}

// unsubscribe ends a subscription that is stale (spec 5.5), and the execution that has found it so.
func (s *Signals) unsubscribe(sub *subscription, x *execution) error {
	if err := s.cfg.Commit(sub.workflow, append(sub.goneRecords(), x.done())); err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !sub.gone {
		s.removeLocked(sub)
	}
	return nil
}
