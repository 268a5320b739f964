package engine_test

import (
	"slices"
	"sync"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
)

// turns are instances in the order in which their steps began, each held until the test ends it.
type turns struct {
	mu    sync.Mutex
	order []int64
	held  map[int64]step.Reporter
	told  []int64 // to end
}

// work is a runtime that only does what the test says.
func (u *turns) work() *work {
	u.held = make(map[int64]step.Reporter)
	return &work{
		onStart: func(a *step.Attempt, r step.Reporter) {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.order, u.held[a.Instance] = append(u.order, a.Instance), r
		},
		onStop: func(a *step.Attempt, _ step.Reporter) {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.told = append(u.told, a.Instance)
		},
	}
}

// end has the step of an instance report, and waits for all that follows.
func (u *turns) end(instance int64, state step.State) {
	u.mu.Lock()
	r := u.held[instance]
	u.mu.Unlock()
	r.Report(step.Report{State: state})
	idle()
}

// want compares which instances have begun so far.
func (u *turns) want(t *testing.T, when string, begun ...int64) {
	t.Helper()
	idle()
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Equal(u.order, begun) {
		t.Errorf("%s: instances %v have begun, want %v", when, u.order, begun)
	}
}

// TestStrategies says what each run strategy does with a run that is started while others are live, and whose turn it is
// when one has ended.
func TestStrategies(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		play       func(t *testing.T, l *lab, e *engine.Engine, u *turns)
	}{
		{"SEQUENTIAL", `"SEQUENTIAL"`, func(t *testing.T, l *lab, e *engine.Engine, u *turns) {
			for range 3 {
				l.start(e, "wf")
			}
			u.want(t, "three are started", 1)
			u.end(1, step.Done)
			u.want(t, "the first has ended", 1, 2)
			u.end(2, step.FatalError)
			u.want(t, "the second has failed", 1, 2, 3)
		}},
		{"PARALLEL", `{"rule":"PARALLEL","workflow_concurrency":2}`, func(t *testing.T, l *lab, e *engine.Engine, u *turns) {
			for range 4 {
				l.start(e, "wf")
				idle()
			}
			u.want(t, "four are started", 1, 2)
			u.end(2, step.Done)
			u.want(t, "one has ended", 1, 2, 3)
			u.end(1, step.Done)
			u.want(t, "another has ended", 1, 2, 3, 4)
		}},
		{"STRICT_SEQUENTIAL", `"STRICT_SEQUENTIAL"`, func(t *testing.T, l *lab, e *engine.Engine, u *turns) {
			for range 3 {
				l.start(e, "wf")
			}
			u.want(t, "three are started", 1)
			u.end(1, step.Done)
			u.end(2, step.FatalError)
			u.want(t, "the second has failed", 1, 2)
			if n, err := e.Unblock(t.Context(), "wf", instance.InfoLine("seen to")); n != 1 || err != nil {
				t.Errorf("unblocked %d: %v", n, err)
			}
			u.want(t, "the failure has been seen to", 1, 2, 3)
		}},
		{"FIRST_ONLY", `"FIRST_ONLY"`, func(t *testing.T, l *lab, e *engine.Engine, u *turns) {
			l.start(e, "wf")
			second := l.start(e, "wf")
			u.want(t, "a second one is started", 1)
			if l.want(second, instance.RunStopped); second.Status != "STOPPED" {
				t.Errorf("the caller is told %s", second.Status)
			}
			u.end(1, step.Done)
			l.start(e, "wf")
			u.want(t, "a third one is started after the first has ended", 1, 3)
		}},
		{"LAST_ONLY", `"LAST_ONLY"`, func(t *testing.T, l *lab, e *engine.Engine, u *turns) {
			first, second := l.start(e, "wf"), l.start(e, "wf")
			u.want(t, "the first is being ended", 1)
			if !slices.Equal(u.told, []int64{1}) {
				t.Errorf("instances %v are told to end, want 1", u.told)
			}
			third := l.start(e, "wf")
			idle()
			l.want(second, instance.RunStopped)
			u.end(1, step.Stopped)
			u.want(t, "the first has ended", 1, 3)
			l.want(first, instance.RunStopped)
			l.want(third, instance.InProgress)
		}},
		{"SERIAL_LATEST_ONLY", `"SERIAL_LATEST_ONLY"`, func(t *testing.T, l *lab, e *engine.Engine, u *turns) {
			first, second := l.start(e, "wf"), l.start(e, "wf")
			third := l.start(e, "wf")
			u.want(t, "three are started", 1)
			l.want(first, instance.InProgress)
			l.want(second, instance.RunStopped)
			u.end(1, step.Done)
			u.want(t, "the first has ended", 1, 3)
			l.want(first, instance.RunSucceeded)
			l.want(third, instance.InProgress)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				var u turns
				l.work = u.work()
				l.push("wf", `{"owner":"tester","run_strategy":`+c.rule+`}`, shell)
				e, _ := l.open(engine.Config{}, nil)
				c.play(t, l, e, &u)
				l.close(e)
			})
		})
	}
}

// TestQueuedRunEnds ends runs that wait for their turn: they end at once, and never begin.
func TestQueuedRunEnds(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var u turns
		l.work = u.work()
		l.push("wf", `{"owner":"tester","run_strategy":"SEQUENTIAL"}`, shell)
		e, _ := l.open(engine.Config{}, nil)
		l.start(e, "wf")
		for action, want := range map[instance.Action]instance.RunStatus{instance.Stop: instance.RunStopped, instance.Kill: instance.RunFailed} {
			run := l.start(e, "wf")
			acted, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: run.Instance, Action: action, User: "u"})
			if err != nil || !acted.Completed || acted.Status != want {
				t.Errorf("%s: %+v, %v", action, acted, err)
			}
			l.want(run, want)
		}
		u.end(1, step.Done)
		u.want(t, "the first has ended", 1)
		l.close(e)
	})
}

// TestStopSurvivesReload has the process die after a runtime was told to end its work, and before it answered: the next one
// tells it again, and does not begin the work again.
func TestStopSurvivesReload(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var u turns
		l.work = u.work()
		l.push("wf", parallel, shell)
		e, s := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		idle()
		if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: 1, Action: instance.Stop, User: "u"}); err != nil {
			t.Fatal(err)
		}
		idle()
		l.crash(e, s)
		e, _ = l.open(engine.Config{}, nil)
		u.want(t, "after a restart", 1)
		if !slices.Equal(u.told, []int64{1, 1}) {
			t.Errorf("instances %v were told to end, want 1 twice", u.told)
		}
		u.end(1, step.Stopped)
		l.want(run, instance.InProgress) // its reporter died with the process
		l.close(e)
	})
}
