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
)

// TestSoonerWakeIsStored has something of a run become due sooner than its row says: the row says so, for those who know
// of the run by its row alone.
func TestSoonerWakeIsStored(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reps reporters
		l.work.onStart = reps.add
		l.push("wf", parallel, `{"step":{"id":"s","type":"Sleep","params":{"sleep_seconds":{"value":3600,"type":"LONG"}}}}`,
			`{"step":{"id":"a","type":"Shell","retry_policy":{"error_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":60}}}}`)
		e, _ := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		idle()
		reps.report(0, step.Report{State: step.UserError})
		idle()
		if in := l.row(run).Wake - time.Now().UnixMilli(); in < 0 || in > 61_000 {
			t.Errorf("the row says that the run is due in %d ms, want 60000", in)
		}
		l.close(e)
	})
}

// unfindable is a store that cannot find runs by their numbers while it is down, but for the newest.
type unfindable struct {
	engine.Store
	down  atomic.Bool
	asked atomic.Int64
}

func (s *unfindable) Find(ctx context.Context, workflow, inst, run int64) (*store.Run, error) {
	if s.asked.Add(1); run != 0 && s.down.Load() {
		return nil, errors.New("the disk is gone")
	}
	return s.Store.Find(ctx, workflow, inst, run)
}

// TestKeptNotReadable restarts a run whose steps that are not run again cannot be read: it waits until they can.
func TestKeptNotReadable(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reps reporters
		l.work.onStart = reps.add
		l.push("wf", parallel, `{"step":{"id":"a","type":"Shell","transition":{"successors":{"b":"true"}}}}`, `{"step":{"id":"b","type":"Shell"}}`)
		s := &unfindable{Store: l.disk}
		e := l.openOn(engine.Config{}, s, l.book)
		first := l.start(e, "wf")
		idle()
		reps.report(0, step.Report{State: step.Done})
		idle()
		reps.report(1, step.Report{State: step.FatalError})
		idle()
		l.want(first, instance.RunFailed)
		s.down.Store(true)
		again, err := e.Restart(t.Context(), engine.RestartRequest{WorkflowID: "wf", Instance: 1, Policy: "RESTART_FROM_INCOMPLETE", User: "u"})
		if err != nil {
			t.Fatal(err)
		}
		s.asked.Store(0)
		time.Sleep(time.Minute)
		if reps.len() != 2 || s.asked.Load() < 5 {
			t.Errorf("%d attempts have begun, want 2; the store was asked %d times", reps.len(), s.asked.Load())
		}
		s.down.Store(false)
		time.Sleep(time.Minute)
		if reps.len() != 3 {
			t.Fatal("the step that failed is not run again")
		}
		reps.report(2, step.Report{State: step.Done})
		idle()
		l.want(again, instance.RunSucceeded)
		l.close(e)
	})
}
