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

// TestGoesOnInMemory has a run go on pass after pass, each with an entry of its own: nobody loads it meanwhile, as is done
// when an entry was refused.
func TestGoesOnInMemory(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel, `{"step":{"id":"a","type":"Shell","transition":{"successors":{"b":"true"}}}}`,
			`{"step":{"id":"b","type":"Shell","transition":{"successors":{"c":"true"}}}}`, `{"step":{"id":"c","type":"Shell"}}`)
		e, _ := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		idle()
		l.want(run, instance.RunSucceeded)
		row := l.row(run)
		if n := l.disk.Loads(row.ID); n != 0 {
			t.Errorf("the run was loaded %d times", n)
		}
		if _, entries, err := l.disk.Load(t.Context(), row.ID); err != nil || len(entries) < 4 {
			t.Errorf("it has %d entries: %v", len(entries), err)
		}
		l.close(e)
	})
}

// TestReportOutlivesItsChange has the change fail that a runtime's report led to. The runtime has said it once: the run
// takes it again when it is loaded.
func TestReportOutlivesItsChange(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reps reporters
		var fails atomic.Bool
		l.work.onStart = reps.add
		l.push("wf", parallel, shell)
		e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if w.Method == "Commit" && fails.CompareAndSwap(true, false) {
				return faulty.Fault{Err: errors.New("not written")}
			}
			return faulty.Fault{}
		})
		run := l.start(e, "wf")
		idle()
		fails.Store(true)
		reps.report(0, step.Report{State: step.Done})
		time.Sleep(soonest)
		if fails.Load() {
			t.Fatal("no change has failed")
		}
		l.want(run, instance.RunSucceeded)
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
