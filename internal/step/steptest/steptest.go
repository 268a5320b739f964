// Package steptest is the conformance suite of step.Runtime: each test states one promise of the contract. It knows
// nothing of what a runtime does; a [World] tells it how to get work of a certain kind done, and what became of it.
//
// A runtime that cannot keep a promise by its nature says so in its [Harness], and the suite says which tests it left
// out. Tests run in parallel, each in a world of its own.
package steptest

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/step"
)

// Work is a kind of work that an attempt does.
type Work int

// The kinds of work.
const (
	Succeeds Work = iota // ends well, soon
	Fails                // ends with a user error, soon
	Holds                // goes on until World.Finish, then ends well
	Forever              // goes on until it is stopped
	Stubborn             // goes on, and takes a while to end when it is stopped
)

// String returns the name of the kind.
func (w Work) String() string {
	return [...]string{"succeeds", "fails", "holds", "forever", "stubborn"}[w]
}

// Harness describes a runtime to the suite.
type Harness struct {
	// New returns a world that nothing else uses. It cleans up after itself with t.Cleanup.
	New func(t *testing.T) World

	CanReattach bool // work outlives the runtime, and another one finds it again
	ExactlyOnce bool // starting twice begins once, also from two runtimes
	CanStop     bool // work that is under way can be ended
	SlowStop    bool // work can take its time to end: there is work of kind Stubborn
	Identity    bool // attempts are told apart by all that identifies them, not by their UUID alone
	InProcess   bool // work is done by goroutines of this process, which therefore do not count as left behind

	Patience time.Duration // for anything to happen; default 10 s
}

// World is what outlives a runtime: a directory, a cluster, a server.
type World struct {
	// Open returns a runtime for this world, and how to let go of it without stopping what it does, as when the
	// process that it lives in ends. Closing twice is harmless.
	Open func(t *testing.T) (rt step.Runtime, close func())

	// Attempt makes an attempt that does work of a kind. It adds identity, params and what else the runtime needs.
	Attempt func(t *testing.T, w Work, uuid string) *step.Attempt

	Began  func(a *step.Attempt) int  // how often its work really began
	Alive  func(a *step.Attempt) bool // whether any of its work goes on; nil: nobody can tell
	Finish func(a *step.Attempt)      // lets work of kind Holds end

	// Misplace puts what is kept of one attempt where that of another one belongs. Nil: nothing is kept that could be
	// mistaken.
	Misplace func(t *testing.T, from, to *step.Attempt)
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = 10 * time.Second
	}
	t.Run("Promises", func(t *testing.T) {
		for _, p := range promises {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()

				if p.needs != nil {
					if why := p.needs(h); why != "" {
						t.Skip("not promised by this runtime: ", why)
					}
				}
				p.test(t, newBench(t, h))
			})
		}
	})
	t.Run("NothingIsLeft", func(t *testing.T) { nothingIsLeft(t, h) })
}

// promise is one test and what a runtime must be able to do for it.
type promise struct {
	name  string
	needs func(h Harness) string // why the runtime cannot keep it; "" if it can
	test  func(t *testing.T, b *bench)
}

var promises = []promise{
	{"DoneWhenItEndsWell", nil, doneWhenItEndsWell},
	{"UserErrorWhenItFails", nil, userErrorWhenItFails},
	{"StartDoesNotWait", nil, startDoesNotWait},
	{"StartTwiceBeginsOnce", exactlyOnce, startTwiceBeginsOnce},
	{"ConcurrentStartsBeginOnce", exactlyOnce, concurrentStartsBeginOnce},
	{"TwoRuntimesBeginOnce", exactlyOnce, twoRuntimesBeginOnce},
	{"ReportsAfterTheEndAreHarmless", nil, reportsAfterTheEndAreHarmless},
	{"PanickingReporterHarmsNobody", nil, panickingReporterHarmsNobody},
	{"StopBeforeStart", nil, stopBeforeStart},
	{"StartAfterStopBeginsNothing", exactlyOnce, startAfterStopBeginsNothing},
	{"StopEndsTheWork", canStop, stopEndsTheWork},
	{"StopTwice", canStop, stopTwice},
	{"StopAfterTheEnd", nil, stopAfterTheEnd},
	{"StopRacesStart", canStop, stopRacesStart},
	{"StoppedOnlyWhenNothingRuns", slowStop, stoppedOnlyWhenNothingRuns},
	{"StopFromAnotherRuntime", stopElsewhere, stopFromAnotherRuntime},
	{"ContextEndLetsGo", canReattach, contextEndLetsGo},
	{"WorkOutlivesTheRuntime", canReattach, workOutlivesTheRuntime},
	{"ResultIsFoundAgain", canReattach, resultIsFoundAgain},
	{"LostReportIsFoundAgain", canReattach, lostReportIsFoundAgain},
	{"OtherWorkflowIsOtherWork", wholeIdentity, otherWorkflowIsOtherWork},
	{"StopOfOneLeavesTheOther", wholeIdentity, stopOfOneLeavesTheOther},
	{"ForeignWorkIsRefused", canReattach, foreignWorkIsRefused},
}

func exactlyOnce(h Harness) string {
	return unless(h.ExactlyOnce, "an attempt may begin more than once")
}
func canStop(h Harness) string     { return unless(h.CanStop, "work cannot be stopped") }
func canReattach(h Harness) string { return unless(h.CanReattach, "work does not outlive the runtime") }
func slowStop(h Harness) string {
	return unless(h.CanStop && h.SlowStop, "no work takes its time to stop")
}
func stopElsewhere(h Harness) string {
	return unless(h.CanStop && h.CanReattach, "work cannot be stopped by a runtime that did not start it")
}

func wholeIdentity(h Harness) string {
	return unless(h.Identity, "attempts are told apart by their UUID alone")
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// bench is one test's world and its tools.
type bench struct {
	World
	h Harness
}

func newBench(t *testing.T, h Harness) *bench { return &bench{World: h.New(t), h: h} }

var identities atomic.Int64

// attempt returns a new attempt.
func (b *bench) attempt(t *testing.T, w Work) *step.Attempt {
	t.Helper()
	return b.Attempt(t, w, fmt.Sprintf("%s-%d-%d", w, time.Now().UnixNano(), identities.Add(1)))
}

// open returns a runtime that is closed at the end of the test.
func (b *bench) open(t *testing.T) (step.Runtime, func()) {
	t.Helper()
	rt, closeRuntime := b.Open(t)
	t.Cleanup(closeRuntime)
	return rt, closeRuntime
}

// start starts an attempt and returns what it reports.
func (b *bench) start(t *testing.T, ctx context.Context, rt step.Runtime, a *step.Attempt) *Recorder {
	t.Helper()
	r := NewRecorder(b.h.Patience)
	b.promptly(t, "Start", func() { rt.Start(ctx, a, r) })
	return r
}

// stop stops an attempt and waits until it is reported stopped.
func (b *bench) stop(t *testing.T, rt step.Runtime, a *step.Attempt) {
	t.Helper()
	r := NewRecorder(b.h.Patience)
	b.promptly(t, "Stop", func() { rt.Stop(t.Context(), a, r) })
	r.Want(t, step.Stopped)
}

// promptly fails if a call keeps its caller.
func (b *bench) promptly(t *testing.T, name string, call func()) {
	t.Helper()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		call()
	}()
	select {
	case <-returned:
	case <-time.After(b.h.Patience / 4):
		t.Fatalf("%s does not return within %s; it must hand the work over", name, b.h.Patience/4)
	}
}

// eventually waits for a condition.
func (b *bench) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !within(b.h.Patience, ok) {
		t.Fatalf("after %s: not %s", b.h.Patience, what)
	}
}

// begun waits until the work of an attempt has begun.
func (b *bench) begun(t *testing.T, a *step.Attempt) {
	t.Helper()
	b.eventually(t, "begun", func() bool { return b.Began(a) > 0 })
}

func (b *bench) wantBegan(t *testing.T, a *step.Attempt, want int) {
	t.Helper()
	if got := b.Began(a); got != want {
		t.Errorf("its work began %d times, want %d", got, want)
	}
}

func (b *bench) wantNotAlive(t *testing.T, a *step.Attempt) {
	t.Helper()
	if b.Alive != nil && b.Alive(a) {
		t.Error("its work goes on after it was reported stopped")
	}
}

// within asks until the answer is yes or time is up.
func within(d time.Duration, ok func() bool) bool {
	for end := time.Now().Add(d); ; time.Sleep(2 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// again returns the attempt as a new process of the engine sees it: with what was reported so far.
func again(a *step.Attempt, r *Recorder) *step.Attempt {
	c := *a
	c.Again = true
	c.Artifacts = r.Artifacts()
	return &c
}

// nothingIsLeft runs after all other tests, alone: every goroutine that a runtime starts is gone once it is closed.
func nothingIsLeft(t *testing.T, h Harness) {
	b := newBench(t, h)
	before := runtime.NumGoroutine()
	rt, closeRuntime := b.Open(t)
	ctx, cancel := context.WithCancel(t.Context())

	b.start(t, ctx, rt, b.attempt(t, Succeeds)).Want(t, step.Done)
	b.start(t, ctx, rt, b.attempt(t, Fails)).Want(t, step.UserError)
	running := b.attempt(t, Holds)
	r := b.start(t, ctx, rt, running)
	b.begun(t, running)
	if h.CanStop {
		other := b.attempt(t, Forever)
		b.start(t, ctx, rt, other)
		b.stop(t, rt, other)
	}
	cancel()
	closeRuntime()
	if h.InProcess {
		b.Finish(running)
	}
	if !within(h.Patience, func() bool { return runtime.NumGoroutine() <= before }) {
		buf := make([]byte, 64<<10)
		t.Errorf("%d goroutines are left, want %d:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
	}
	if !h.InProcess {
		b.Finish(running)
	}
	if h.CanReattach { // and the world is left tidy
		rt, closeRuntime := b.open(t)
		b.start(t, t.Context(), rt, again(running, r)).Want(t, step.Done)
		closeRuntime()
	}
}
