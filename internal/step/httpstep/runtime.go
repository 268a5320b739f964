package httpstep

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"maestro/internal/step"
)

// Runtime does the work of steps of type Http. Close must be called.
type Runtime struct {
	cfg       Config
	allowed   *allowed
	transport *http.Transport

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	nudge  chan struct{} // tells the clock that something is due sooner than it knows

	mu       sync.Mutex
	closed   bool
	calls    map[string]*call // identity of an attempt → what is under way for it
	schedule schedule
	workers  int    // at most MaxInFlight
	stopped  memory // attempts that were stopped when there was nothing to stop: a late Start begins nothing
}

var _ step.Runtime = (*Runtime)(nil)

// New returns a runtime that calls what cfg allows.
func New(cfg Config) (*Runtime, error) {
	cfg, err := cfg.orDefaults()
	if err != nil {
		return nil, err
	}
	rt := &Runtime{cfg: cfg, nudge: make(chan struct{}, 1), calls: map[string]*call{}}
	if rt.allowed, err = parseAllowed(cfg.Allow); err != nil {
		return nil, err
	}
	rt.transport = rt.newTransport()
	rt.ctx, rt.cancel = context.WithCancel(context.Background())
	rt.wg.Go(rt.clock)
	return rt, nil
}

// Close cancels all requests, lets go of all attempts without a report, and waits until nothing of the runtime is left.
func (rt *Runtime) Close() {
	rt.mu.Lock()
	rt.closed = true
	for _, c := range rt.calls {
		if c.cancel != nil {
			c.cancel()
		}
	}
	rt.mu.Unlock()
	rt.cancel()
	rt.wg.Wait()
	rt.transport.CloseIdleConnections()
}

// enter adds to what Close waits for, unless it is too late for that.
func (rt *Runtime) enter() bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if !rt.closed {
		rt.wg.Add(1)
	}
	return !rt.closed
}

// Start puts an attempt in the queue. If it is under way already, r hears of it from now on.
func (rt *Runtime) Start(ctx context.Context, a *step.Attempt, r step.Reporter) {
	for !rt.start(ctx, a, r) {
		// The call that was found ended at this moment, and is gone at the next look.
	}
}

func (rt *Runtime) start(ctx context.Context, a *step.Attempt, r step.Reporter) bool {
	id := a.Identity()
	rt.mu.Lock()
	if rt.closed {
		rt.mu.Unlock()
		return true
	}
	if c := rt.calls[id]; c != nil && c.ctx.Err() == nil {
		c.a = rt.lean(a) // it is the newer one: the old one may hold what is out of use otherwise
		rt.mu.Unlock()
		return c.join(rt, r)
	}
	if rt.stopped.has(id) {
		rt.mu.Unlock()
		rt.report(a, r, step.Report{State: step.Stopped, Timeline: info("Stopped before it began")})
		return true
	}
	if n := len(rt.calls); n >= rt.cfg.MaxWaiting+rt.cfg.MaxInFlight {
		rt.mu.Unlock()
		rt.report(a, r, step.Report{State: step.PlatformError, Timeline: failed(
			fmt.Sprintf("%d HTTP steps wait on this server, which is as many as it takes", n))})
		return true
	}
	a = rt.lean(a)
	c := &call{a: a, id: id, ctx: ctx, place: -1, starts: []step.Reporter{r}}
	rt.calls[id] = c
	rt.enqueueLocked(c)
	rt.dueLocked(c, time.Now().Add(quiet))
	rt.mu.Unlock()
	return true
}

// enqueueLocked lets a call have its turn.
func (rt *Runtime) enqueueLocked(c *call) {
	c.state = queued
	rt.schedule.push(c)
	if rt.workers < rt.cfg.MaxInFlight {
		rt.workers++
		rt.wg.Go(rt.work)
	}
}

func (rt *Runtime) dueLocked(c *call, at time.Time) {
	if rt.schedule.at(c, at) {
		select {
		case rt.nudge <- struct{}{}:
		default:
		}
	}
}

// Stop cancels what is under way for an attempt.
func (rt *Runtime) Stop(_ context.Context, a *step.Attempt, r step.Reporter) {
	id := a.Identity()
	rt.mu.Lock()
	c := rt.calls[id]
	switch {
	case rt.closed:
		rt.mu.Unlock()
	case c == nil:
		rt.stopped.add(id)
		rt.mu.Unlock()
		rt.report(a, r, step.Report{State: step.Stopped})
	case c.state == flying:
		c.stops = append(c.stops, r)
		if c.grace == nil {
			if wait := rt.grace(a); wait > 0 {
				c.grace = time.AfterFunc(wait, c.cancel)
			} else {
				c.cancel()
			}
		}
		rt.mu.Unlock()
	default:
		rt.removeLocked(c)
		rt.mu.Unlock()
		rep := step.Report{State: step.Stopped, Begun: c.sent > 0, Timeline: info(c.stoppedLine())}
		c.end(rt, a, rep)
		rt.report(a, r, rep)
	}
}

// grace returns how long the answer to a request under way is waited for.
func (rt *Runtime) grace(a *step.Attempt) time.Duration {
	if a.Deadline.IsZero() || time.Now().Before(a.Deadline) {
		return 0
	}
	return rt.cfg.Grace
}

func (rt *Runtime) removeLocked(c *call) {
	c.state = over
	rt.schedule.forget(c)
	if rt.calls[c.id] == c { // not one that came after the end of this one's context
		delete(rt.calls, c.id)
	}
}

// clock wakes what is due until the runtime is closed.
func (rt *Runtime) clock() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(rt.tick())
		select {
		case <-rt.ctx.Done():
			return
		case <-rt.nudge:
		case <-timer.C:
		}
	}
}

// tick does what is due and returns how long nothing else is.
func (rt *Runtime) tick() time.Duration {
	for {
		rt.mu.Lock()
		c, wait := rt.schedule.next(time.Now())
		if c == nil {
			rt.mu.Unlock()
			return wait
		}
		if c.ctx.Err() != nil && c.state != flying {
			rt.removeLocked(c)
			rt.mu.Unlock()
			continue
		}
		if c.state == polling {
			rt.enqueueLocked(c)
			rt.mu.Unlock()
			continue
		}
		a, waits := c.a, c.state == queued
		rt.mu.Unlock()
		c.announce(rt, a, waits)
	}
}

// work sends requests as long as there are some to send. Each is sent and waited for by a new goroutine, which then takes
// the place of this one: what came before made its stack larger than waiting needs, and waiting is most of what is done.
func (rt *Runtime) work() {
	for {
		c, a, ctx := rt.take()
		if c == nil {
			return
		}
		f, o := rt.prepare(ctx, a)
		if f == nil {
			rt.settle(c, a, o)
			continue
		}
		rt.wg.Go(func() {
			rt.settle(c, a, rt.finish(f))
			rt.work()
		})
		return
	}
}

// take takes the next call from the queue. It is told with the same lock that the worker ends, so that whoever adds to
// the queue knows whether it must start one.
func (rt *Runtime) take() (*call, *step.Attempt, context.Context) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	c := rt.schedule.pop()
	if c == nil || rt.closed {
		rt.workers--
		return nil, nil, nil
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, rt.cfg.Timeout, errSlow) // if it has ended, nothing is sent
	c.state, c.cancel = flying, cancel
	c.sent++
	if c.sent == 1 && c.place < 0 { // it was told that it waits
		rt.dueLocked(c, time.Now().Add(quiet))
	}
	return c, c.a, ctx
}

// settle decides what follows after a request: the end, a stop, or the next request.
func (rt *Runtime) settle(c *call, a *step.Attempt, o outcome) {
	rt.mu.Lock()
	c.cancel()
	c.cancel = nil
	if c.grace != nil {
		c.grace.Stop()
		c.grace = nil
	}
	stops := c.stops
	switch {
	case len(stops) > 0:
		rt.removeLocked(c)
		rt.mu.Unlock()
		started, stopped := endings(o)
		c.end(rt, a, started)
		for _, r := range stops {
			rt.report(a, r, stopped)
		}
	case rt.closed || c.ctx.Err() != nil: // let go
		rt.removeLocked(c)
		rt.mu.Unlock()
	case o.report.State.Final():
		rt.removeLocked(c)
		rt.mu.Unlock()
		c.end(rt, a, o.report)
	default:
		c.state = polling
		rt.dueLocked(c, time.Now().Add(rt.cfg.Poll))
		rt.mu.Unlock()
		c.proceed(rt, a, o)
	}
}
