package kubernetes

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"maestro/internal/kube"
	"maestro/internal/step"
)

// cluster is what all kinds of steps that run as pods share: the jobs, those who work on them, and those who watch.
type cluster struct {
	cfg  Config
	api  *kube.Client
	logs logs

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	work     *sync.Cond
	closed   bool
	queue    []*job
	jobs     map[string]*job     // by attempt: those that somebody waits for
	watchers map[string]*watcher // by namespace
	stopped  memory              // attempts that were stopped lately
}

func open(cfg Config) (*cluster, error) {
	cfg, err := cfg.orDefaults()
	if err != nil {
		return nil, err
	}
	cl := &cluster{cfg: cfg, api: cfg.Client, jobs: map[string]*job{}, watchers: map[string]*watcher{}}
	cl.work = sync.NewCond(&cl.mu)
	cl.ctx, cl.cancel = context.WithCancel(context.Background())
	cl.logs.open(cl)
	for range cfg.Workers {
		cl.wg.Go(cl.worker)
	}
	cl.wg.Go(cl.janitor)
	return cl, nil
}

// close lets go of everything and waits until nothing is left. Pods go on.
func (cl *cluster) close() {
	cl.mu.Lock()
	cl.closed = true
	for _, j := range cl.jobs {
		j.disarm()
	}
	cl.work.Broadcast()
	cl.mu.Unlock()
	cl.cancel()
	cl.logs.close()
	cl.wg.Wait()
	cl.api.Close()
}

// enlist gives an attempt one more listener, and its job something to do. stop asks for its end.
func (cl *cluster) enlist(ctx context.Context, a *step.Attempt, k *Kind, r step.Reporter, stop bool) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if cl.closed {
		return
	}
	j := cl.jobs[a.UUID]
	if j == nil {
		j = &job{a: a, kind: k, found: stop || a.Again}
		cl.jobs[a.UUID] = j
	}
	j.found = j.found || a.Again
	j.listeners = append(j.listeners, listener{ctx: ctx, r: r, stop: stop})
	if !stop && j.told { // who comes later has not heard that it runs
		j.retell = true
	}
	j.stop = j.stop || stop
	cl.wakeLocked(j)
}

// wake gives a job its turn.
func (cl *cluster) wake(j *job) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.wakeLocked(j)
}

func (cl *cluster) wakeLocked(j *job) {
	switch {
	case cl.closed || j.queued || j.done:
	case j.running:
		j.again = true
	default:
		j.disarm()
		j.queued = true
		cl.queue = append(cl.queue, j)
		cl.work.Signal()
	}
}

// worker takes jobs until the cluster is closed. A job is never with two workers.
func (cl *cluster) worker() {
	for {
		cl.mu.Lock()
		for len(cl.queue) == 0 && !cl.closed {
			cl.work.Wait()
		}
		if cl.closed {
			cl.mu.Unlock()
			return
		}
		j := cl.queue[0]
		cl.queue[0] = nil
		if cl.queue = cl.queue[1:]; len(cl.queue) == 0 {
			cl.queue = nil // and with it the array that grew
		}
		j.queued, j.running, j.again = false, true, false
		cl.mu.Unlock()

		wait := cl.step(j)

		cl.mu.Lock()
		j.running = false
		switch {
		case j.done:
		case j.again || wait == 0:
			cl.wakeLocked(j)
		case wait > 0 && !cl.closed:
			j.timer = time.AfterFunc(wait, func() { cl.wake(j) })
		}
		cl.mu.Unlock()
	}
}

// idle says that a job needs no turn until something wakes it.
const idle = time.Duration(-1)

// step does the next thing for a job, and returns after how long it is due again.
func (cl *cluster) step(j *job) (wait time.Duration) {
	defer func() { // a bug of ours fails the attempt; its pod must not go on behind the back of the next
		if p := recover(); p != nil {
			cl.cfg.Log.Error("kubernetes step panicked", "attempt", j.a.UUID, "panic", p, "stack", string(debug.Stack()))
			failure := step.Report{State: step.PlatformError, Begun: j.told, Timeline: details("The step's runtime broke down", fmt.Sprint(p))}
			cl.settle(j, failure, j.stage != discarding && j.name != "")
			wait = 0
		}
	}()
	cl.mu.Lock()
	in := inbox{seen: j.seen, trusting: cl.trusts(j), check: j.check, stop: j.stop, retell: j.retell}
	j.check, j.retell = false, false
	cl.mu.Unlock()
	switch {
	case j.stage == discarding:
		return cl.discard(j)
	case in.stop:
		return cl.end(j)
	case j.stage == beginning:
		return cl.begin(j)
	}
	return cl.follow(j, in)
}

// settle reports the end of an attempt to all who listen. With discard its pod, if there may be one, is deleted after.
func (cl *cluster) settle(j *job, r step.Report, discard bool) {
	cl.mu.Lock()
	listeners := j.listeners
	cl.forgetLocked(j)
	j.done = !discard
	if j.stop {
		cl.stopped.add(j.a.UUID)
	}
	cl.mu.Unlock()
	if discard {
		j.stage, j.failing, j.tries = discarding, time.Now(), kube.Backoff{Min: 200 * time.Millisecond, Max: 30 * time.Second}
	}
	for _, l := range listeners {
		rep := r
		if l.stop && rep.State != step.Stopped {
			rep = step.Report{State: step.Stopped}
		}
		cl.report(l, rep)
	}
}

// tell reports to those who began the attempt that it goes on.
func (cl *cluster) tell(j *job, r step.Report) {
	cl.mu.Lock()
	listeners := append([]listener(nil), j.listeners...)
	cl.mu.Unlock()
	for _, l := range listeners {
		if !l.stop {
			cl.report(l, r)
		}
	}
}

// report passes a report on, unless nobody listens any more. A reporter that panics harms nobody else.
func (cl *cluster) report(l listener, r step.Report) {
	defer func() {
		if p := recover(); p != nil {
			cl.cfg.Log.Error("report of a kubernetes step panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if l.ctx.Err() == nil {
		l.r.Report(r)
	}
}

// memory remembers the last so many identities.
type memory struct {
	has  map[string]struct{}
	ring []string
	next int
}

const memorySize = 4096

func (m *memory) add(id string) {
	if m.has == nil {
		m.has = map[string]struct{}{}
	}
	if _, ok := m.has[id]; ok {
		return
	}
	m.has[id] = struct{}{}
	if len(m.ring) < memorySize {
		m.ring = append(m.ring, id)
		return
	}
	delete(m.has, m.ring[m.next])
	m.ring[m.next] = id
	m.next = (m.next + 1) % memorySize
}
