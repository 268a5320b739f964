package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
)

// lockable opens an engine on a store that another program locks while locked is true.
func (l *lab) lockable(locked *atomic.Bool) *engine.Engine {
	e, _ := l.open(engine.Config{LeaseFor: time.Hour}, func(faulty.Write) faulty.Fault {
		if locked.Load() {
			return faulty.Fault{Delay: 5 * time.Second, Err: store.ErrLocked}
		}
		return faulty.Fault{}
	})
	return e
}

// TestInvariant_NothingSleepsRunnable_Locked has another program lock the store for a minute while an attempt ends: the
// run waits, is not loaded again, and goes on once the lock is gone. Whoever asks for a new run is refused.
func TestInvariant_NothingSleepsRunnable_Locked(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reps reporters
		l.work.onStart = reps.add
		l.push("wf", parallel, chain, chain2)
		var locked atomic.Bool
		e := l.lockable(&locked)
		run := l.start(e, "wf")
		idle()
		loads := l.disk.Loads(l.row(run).ID)
		locked.Store(true)
		reps.report(0, step.Report{State: step.Done})
		if _, err := tryStart(e, "wf", ""); !errors.Is(err, store.ErrLocked) {
			t.Errorf("start: %v", err)
		}
		time.Sleep(time.Minute)
		if got := reps.len(); got != 1 {
			t.Errorf("%d attempts were begun while nothing could be written", got)
		}
		if got := l.disk.Loads(l.row(run).ID); got != loads {
			t.Errorf("the run that waits was loaded again, %d times", got-loads)
		}
		locked.Store(false)
		time.Sleep(6 * time.Second)
		reps.report(-1, step.Report{State: step.Done})
		time.Sleep(soonest)
		l.want(run, instance.RunSucceeded)
		if got := reps.len(); got != 2 {
			t.Errorf("%d attempts were begun, want 2", got)
		}
		if got := len(l.judge()); got != 1 {
			t.Errorf("there are %d runs, and one was started", got)
		}
		l.close(e)
	})
}

// TestLockedStoreAnswersWhoAsks asks for something of a run whose change waits for a locked store: the request is
// refused while the lock is there, and what the runtime reported is not lost by that.
func TestLockedStoreAnswersWhoAsks(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reps reporters
		l.work.onStart = reps.add
		l.push("wf", parallel, shell)
		var locked atomic.Bool
		e := l.lockable(&locked)
		run := l.start(e, "wf")
		idle()
		locked.Store(true)
		reps.report(0, step.Report{State: step.Done})
		idle()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := e.ActOnRun(ctx, engine.RunAction{WorkflowID: "wf", Instance: run.Instance, Action: instance.Stop, User: "u"})
		if !errors.Is(err, store.ErrLocked) || time.Since(began) > 10*time.Second {
			t.Errorf("stop: %v after %v", err, time.Since(began))
		}
		locked.Store(false)
		time.Sleep(soonest + 6*time.Second)
		l.want(run, instance.RunSucceeded)
		l.judge()
		l.close(e)
	})
}

// TestInvariant_NothingSleepsRunnable_Withdrawn has two starts fail of which the later one took the earlier one's place in
// the queue: neither must be waited for.
func TestInvariant_NothingSleepsRunnable_Withdrawn(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", `{"owner":"tester","run_strategy":"serial_latest_only"}`, shell)
		var locked atomic.Bool
		e := l.lockable(&locked)
		first := l.start(e, "wf")
		idle()
		locked.Store(true)
		refused := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := tryStart(e, "wf", "")
				refused <- err
			}()
			idle() // the second finds the first in the queue
		}
		for range 2 {
			if err := <-refused; !errors.Is(err, store.ErrLocked) {
				t.Error(err)
			}
		}
		locked.Store(false)
		if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: first.Instance, Action: instance.Stop, User: "u"}); err != nil {
			t.Error(err)
		}
		time.Sleep(soonest)
		last := l.start(e, "wf")
		time.Sleep(soonest)
		l.want(last, instance.InProgress)
		l.judge()
		l.close(e)
	})
}
