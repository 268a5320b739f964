package steptest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
)

// world is where the work of the fake is done: in goroutines that outlive any runtime.
type world struct {
	flaw string // the promise that its runtimes break; "" for none

	mu    sync.Mutex
	works map[string]*work
	began map[string]int
	lives map[string]int
}

type work struct {
	of      string // the attempt that it belongs to
	uuid    string // and its uuid
	stopped bool
	begun   bool
	finish  chan struct{}
	kill    chan struct{}
	ended   chan struct{}
	state   step.State
}

func newWorld(flaw string) func(t *testing.T) steptest.World {
	return func(t *testing.T) steptest.World {
		w := &world{flaw: flaw, works: map[string]*work{}, began: map[string]int{}, lives: map[string]int{}}
		kinds := sync.Map{}
		return steptest.World{
			Open: func(t *testing.T) (step.Runtime, func()) {
				rt := &fake{world: w, kinds: &kinds, own: map[string]*work{}}
				rt.ctx, rt.cancel = context.WithCancel(context.Background())
				return rt, rt.close
			},
			Attempt: func(t *testing.T, k steptest.Work, uuid string) *step.Attempt {
				kinds.Store(uuid, k)
				return &step.Attempt{UUID: uuid}
			},
			Began: func(a *step.Attempt) int { w.mu.Lock(); defer w.mu.Unlock(); return w.began[a.UUID] },
			Alive: func(a *step.Attempt) bool { w.mu.Lock(); defer w.mu.Unlock(); return w.lives[a.UUID] > 0 },
			Finish: func(a *step.Attempt) {
				w.mu.Lock()
				defer w.mu.Unlock()
				for id, k := range w.works {
					if id == w.key(a) || k.uuid == a.UUID {
						closeOnce(k.finish)
					}
				}
			},
			Misplace: func(_ *testing.T, from, to *step.Attempt) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.works[w.key(to)] = w.works[w.key(from)]
			},
		}
	}
}

// key is what the runtimes know an attempt by.
func (w *world) key(a *step.Attempt) string {
	if w.flaw == "goes by the uuid" {
		return a.UUID
	}
	return a.Identity()
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// fake is a runtime whose work is waiting.
type fake struct {
	world  *world
	kinds  *sync.Map
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	own    map[string]*work // what this runtime knows of, if it remembers alone
	once   sync.Map
}

func (f *fake) flawed(flaw string) bool { return f.world.flaw == flaw }

func (f *fake) close() {
	f.cancel()
	f.wg.Wait()
	if f.flawed("takes it along") {
		f.world.mu.Lock()
		defer f.world.mu.Unlock()
		for _, k := range f.world.works {
			closeOnce(k.kill)
		}
	}
}

// work returns the work of an attempt; the world's lock is held.
func (f *fake) work(a *step.Attempt) *work {
	id := f.world.key(a)
	known := f.world.works
	if f.flawed("remembers alone") {
		known = f.own
	}
	k := known[id]
	if k == nil {
		k = &work{of: id, uuid: a.UUID, finish: make(chan struct{}), kill: make(chan struct{}), ended: make(chan struct{})}
		known[id] = k
		f.world.works[id] = k
	}
	return k
}

func (f *fake) Start(ctx context.Context, a *step.Attempt, r step.Reporter) {
	if f.flawed("leaks") {
		go func() { select {} }()
	}
	do := func() {
		if f.flawed("forgets stops") {
			time.Sleep(10 * time.Millisecond)
		}
		f.world.mu.Lock()
		k := f.work(a)
		if k.of != f.world.key(a) && !f.flawed("adopts") {
			f.world.mu.Unlock()
			f.report(r, step.Report{State: step.PlatformError, Timeline: []step.Line{{Message: "that is another's"}}})
			return
		}
		if k.stopped && !k.begun && !f.flawed("forgets stops") {
			f.world.mu.Unlock()
			f.report(r, step.Report{State: step.Stopped})
			return
		}
		begun := k.begun && !f.flawed("begins again")
		if f.flawed("looks before it leaps") {
			f.world.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			f.world.mu.Lock()
		}
		if !begun {
			k.begun = true
			f.world.began[a.UUID]++
			f.world.lives[a.UUID]++
			kind, _ := f.kinds.Load(a.UUID)
			go f.world.run(a.UUID, k, kind.(steptest.Work))
		}
		f.world.mu.Unlock()
		f.report(r, step.Report{State: step.Continue})
		select {
		case <-k.ended:
			f.report(r, step.Report{State: k.state, Begun: true, Timeline: []step.Line{{Message: "ended"}}})
			if f.flawed("reports again") {
				f.report(r, step.Report{State: k.state})
			}
		case <-ctx.Done():
			if f.flawed("takes it along") {
				close(k.kill)
			}
		case <-f.ctx.Done():
		}
	}
	if f.flawed("start waits") {
		do()
		return
	}
	f.wg.Go(do)
}

// run does the work.
func (w *world) run(uuid string, k *work, kind steptest.Work) {
	state := step.Done
	switch kind {
	case steptest.Succeeds:
	case steptest.Fails:
		state = step.UserError
	default:
		select {
		case <-k.finish:
		case <-k.kill:
			state = step.Stopped
			if kind == steptest.Stubborn {
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
	switch w.flaw {
	case "fails always":
		state = step.PlatformError
	case "never fails":
		state = step.Done
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lives[uuid]--
	select {
	case <-k.ended:
	default:
		k.state = state
		close(k.ended)
	}
}

func (f *fake) report(r step.Reporter, rep step.Report) {
	if !f.flawed("does not recover") {
		defer func() { _ = recover() }()
	}
	r.Report(rep)
}

func (f *fake) Stop(ctx context.Context, a *step.Attempt, r step.Reporter) {
	f.wg.Go(func() {
		f.world.mu.Lock()
		k := f.work(a)
		if k.of != f.world.key(a) {
			f.world.mu.Unlock()
			f.report(r, step.Report{State: step.Stopped})
			return
		}
		k.stopped = true
		begun := k.begun
		if begun && !f.flawed("only says so") {
			closeOnce(k.kill)
		}
		f.world.mu.Unlock()
		_, second := f.once.LoadOrStore(a.UUID, true)
		over := false
		select {
		case <-k.ended:
			over = true
		default:
		}
		if f.flawed("stops only what it knows") && !begun || f.flawed("stops once") && second || f.flawed("stops only what runs") && over {
			return
		}
		if begun && !f.flawed("only says so") && !f.flawed("says so early") {
			select {
			case <-k.ended:
			case <-ctx.Done():
				return
			}
		}
		f.report(r, step.Report{State: step.Stopped})
	})
}
