package engine_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
)

// greeting needs the params of the run before and after its first step.
var greeting = []string{
	`{"step":{"id":"a","type":"Shell","timeout":3600,"params":{"who":{"value":"${name} and ${workflow_id}","type":"STRING"}},"transition":{"successors":{"b":"name == 'Ada'"}}}}`,
	`{"step":{"id":"b","type":"Shell","params":{"who":{"value":"${a__who}, ${name}","type":"STRING"}}}}`,
}

// TestRest follows a run whose step is at work outside: it stays in memory without a goroutine, goes on from there with
// params as before, and leaves memory after a while.
func TestRest(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var mu sync.Mutex
		reports := make(map[string]step.Reporter)
		seen := make(map[string]string)
		l.work.onStart = func(a *step.Attempt, r step.Reporter) {
			mu.Lock()
			defer mu.Unlock()
			reports[a.StepID], seen[a.StepID] = r, a.Params.Lookup("who").Result.Str()+"|"+a.WorkflowParams.Lookup("name").Result.Str()
		}
		if err := l.book.Push("wf", parallel, `"params":{"name":{"value":"Ada","type":"STRING"}},`, greeting...); err != nil {
			t.Fatal(err)
		}
		e, _ := l.open(engine.Config{IdleAfter: time.Minute}, nil)
		run := l.start(e, "wf")
		id := l.row(run).ID
		is := func(when string, there, resting bool) {
			t.Helper()
			idle()
			if a, b := e.Resting(id); a != there || b != resting {
				t.Errorf("%s: in memory %v, resting %v", when, a, b)
			}
		}
		is("begun", true, false)
		time.Sleep(100 * time.Millisecond)
		is("after 0.1 s", true, false)
		time.Sleep(200 * time.Millisecond)
		is("after 0.3 s", true, true)
		reports["a"].Report(step.Report{State: step.Continue})
		is("a report", true, false)
		time.Sleep(30 * time.Second)
		is("after 30 s", true, true)
		reports["a"].Report(step.Report{State: step.Done})
		is("the next step", true, false)
		time.Sleep(59 * time.Second)
		is("after 59 s", true, true)
		time.Sleep(2 * time.Second)
		is("after a minute", false, false)
		reports["b"].Report(step.Report{State: step.Done})
		idle()
		l.want(run, instance.RunSucceeded)
		l.judge()
		if seen["a"] != "Ada and wf|Ada" || seen["b"] != "Ada and wf, Ada|Ada" {
			t.Errorf("params %q", seen)
		}
		l.close(e)
	})
}

// TestRest_Wakes has everything come that can come to a run that rests.
func TestRest_Wakes(t *testing.T) {
	for name, c := range map[string]struct {
		wake func(t *testing.T, l *lab, e *engine.Engine, run engine.Started)
		want instance.RunStatus
	}{
		"timeout of a step": {func(*testing.T, *lab, *engine.Engine, engine.Started) { time.Sleep(time.Hour) }, instance.RunTimedOut},
		"stop of the run": {func(t *testing.T, _ *lab, e *engine.Engine, run engine.Started) {
			if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: run.Instance, Action: instance.Stop, User: "u"}); err != nil {
				t.Error(err)
			}
		}, instance.RunStopped},
		"the end of the process": {func(_ *testing.T, l *lab, e *engine.Engine, _ engine.Started) {
			l.close(e)
			l.work.onStart = nil
			l.open(engine.Config{}, nil)
		}, instance.RunSucceeded},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = hold
				if err := l.book.Push("wf", parallel, `"params":{"name":{"value":"Ada","type":"STRING"}},`, greeting...); err != nil {
					t.Fatal(err)
				}
				e, _ := l.open(engine.Config{IdleAfter: 2 * time.Hour}, nil)
				run := l.start(e, "wf")
				id := l.row(run).ID
				time.Sleep(time.Second)
				if _, resting := e.Resting(id); !resting {
					t.Error("it does not rest")
				}
				c.wake(t, l, e, run)
				idle()
				time.Sleep(time.Second)
				l.want(run, c.want)
				l.judge()
				l.close(e)
				if _, err := e.Ask(id, instance.Permitted{At: 1}); !errors.Is(err, api.Unavailable) {
					t.Errorf("asked after the end: %v", err)
				}
			})
		})
	}
}

// TestRest_Goroutines has a thousand runs wait for the world.
func TestRest_Goroutines(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", `{"owner":"tester","run_strategy":1000}`, shell)
		e, _ := l.open(engine.Config{IdleAfter: time.Hour}, nil)
		l.start(e, "wf")
		time.Sleep(time.Minute)
		before := runtime.NumGoroutine()
		for range 999 {
			l.start(e, "wf")
		}
		time.Sleep(time.Minute)
		if after := runtime.NumGoroutine(); after > before+200 { // other tests run at the same time
			t.Errorf("%d goroutines for 1,000 runs that wait, %d before", after, before)
		}
		if got := e.InMemory(); got != 1000 {
			t.Errorf("%d runs are in memory, want 1000", got)
		}
		l.close(e)
	})
}

// TestRest_Race has reports come at the very moment at which runs lie down.
func TestRest_Race(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = func(_ *step.Attempt, r step.Reporter) {
			time.AfterFunc(engine.RestAfter, func() { r.Report(step.Report{State: step.Done}) })
		}
		l.push("wf", `{"owner":"tester","run_strategy":1000}`, shell)
		e, _ := l.open(engine.Config{IdleAfter: time.Hour}, nil)
		for range 3000 {
			l.start(e, "wf")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		for _, r := range l.judge() {
			if r.Status != instance.RunSucceeded {
				t.Errorf("a report was not taken up: run is %s", describeRun(r))
				break
			}
		}
		l.close(e)
	})
}
