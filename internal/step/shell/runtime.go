//go:build linux || darwin

package shell

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"maestro/internal/step"
)

// Runtime runs steps of type Shell. It is safe for concurrent use. Several may share a directory, one after the other
// or at the same time: an attempt begins once on this machine.
type Runtime struct {
	cfg   Config
	slots *slots
	at    func(point string) // called between steps, for tests that end the process there

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	active map[string]int // attempt → goroutines that care for it
}

var (
	_ step.Runtime = (*Runtime)(nil)
	_ step.Logs    = (*Runtime)(nil)
)

// New returns a runtime that keeps its attempts in cfg.Dir. Close must be called.
func New(cfg Config) (*Runtime, error) {
	cfg, err := cfg.orDefaults()
	if err != nil {
		return nil, err
	}
	rt := &Runtime{
		cfg:    cfg,
		slots:  &slots{max: cfg.MaxProcesses, maxWaiting: cfg.MaxWaiting, held: map[string]int{}},
		at:     func(string) {},
		active: map[string]int{},
	}
	for _, dir := range []string{rt.attempts(), rt.trash()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("shell: make the directory of attempts: %w", err)
		}
	}
	rt.ctx, rt.cancel = context.WithCancel(context.Background())
	if cfg.TTL > 0 {
		rt.wg.Go(func() { rt.janitor(rt.ctx) })
	}
	return rt, nil
}

// Close lets go of all attempts without stopping them and waits until nothing of the runtime is left.
func (rt *Runtime) Close() {
	rt.mu.Lock()
	rt.closed = true
	rt.mu.Unlock()
	rt.cancel()
	rt.wg.Wait()
}

func (rt *Runtime) attempts() string { return filepath.Join(rt.cfg.Dir, "attempts") }
func (rt *Runtime) trash() string    { return filepath.Join(rt.cfg.Dir, "trash") }

// Start begins the process of an attempt or finds it again.
func (rt *Runtime) Start(ctx context.Context, a *step.Attempt, r step.Reporter) {
	rt.care(ctx, a, r, (*life).start)
}

// Stop ends the process of an attempt, and makes sure that none begins later.
func (rt *Runtime) Stop(ctx context.Context, a *step.Attempt, r step.Reporter) {
	rt.care(ctx, a, r, (*life).stop)
}

// care runs one goroutine for an attempt, which ends when it has reported the end, with ctx, or with Close.
func (rt *Runtime) care(ctx context.Context, a *step.Attempt, r step.Reporter, do func(*life, context.Context)) {
	l := &life{rt: rt, a: a, id: a.Identity(), reporter: r, folder: rt.folder(a)}
	if a.UUID == "" {
		l.report(step.Report{State: step.Internal, Timeline: failure(step.Internal, "the attempt has no identity: its UUID is empty")})
		return
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return
	}
	rt.active[l.id]++
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(rt.ctx, cancel)
	rt.wg.Go(func() {
		defer cancel()
		defer unlink()
		defer rt.leave(l.id)
		defer l.unlink()
		defer l.rescue()
		do(l, ctx)
	})
}

func (rt *Runtime) leave(id string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.active[id]--; rt.active[id] == 0 {
		delete(rt.active, id)
	}
}

// cares reports whether somebody looks after the attempt at present.
func (rt *Runtime) cares(id string) bool {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.active[id] > 0
}

// rescue turns a bug of ours into a failure of the attempt; its process must not go on behind the back of the next.
func (l *life) rescue() {
	if p := recover(); p != nil {
		l.rt.cfg.Log.Error("shell step panicked", "attempt", l.a.UUID, "panic", p, "stack", string(debug.Stack()))
		l.knock()
		l.report(step.Report{State: step.PlatformError, Begun: l.told, Timeline: failure(step.PlatformError, fmt.Sprintf("the server failed to look after the process: %v", p))})
		l.reap()
	}
}

// report passes a report on. A reporter that panics does not hear of it again: it may have taken half of it.
func (l *life) report(r step.Report) {
	defer func() {
		if p := recover(); p != nil {
			l.rt.cfg.Log.Error("report of a shell step panicked", "attempt", l.a.UUID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	l.reporter.Report(r)
}
