package engine_test

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store/faulty"
)

// TestInvariant_Bounded fills everything that has a limit.
func TestInvariant_Bounded(t *testing.T) {
	t.Run("queue", func(t *testing.T) {
		inLab(t, func(t *testing.T, l *lab) {
			l.work.onStart = hold
			l.push("wf", parallel, shell)
			var slow atomic.Bool
			e, _ := l.open(engine.Config{QueueLimit: 5}, func(w faulty.Write) faulty.Fault {
				if slow.Load() && w.Method == "Commit" {
					return faulty.Fault{Delay: time.Minute}
				}
				return faulty.Fault{}
			})
			slow.Store(true)
			var wg sync.WaitGroup
			var ok, busy atomic.Int64
			for range 20 {
				wg.Go(func() {
					switch _, err := tryStart(e, "wf", ""); {
					case err == nil:
						ok.Add(1)
					case errors.Is(err, api.TooManyRequests) && strings.Contains(err.Error(), "queue_limit"):
						busy.Add(1)
					default:
						t.Error(err)
					}
				})
				idle()
			}
			wg.Wait()
			if ok.Load() != 6 || busy.Load() != 14 { // one on its way to the disk, five that wait
				t.Errorf("%d accepted, %d turned away", ok.Load(), busy.Load())
			}
			slow.Store(false)
			l.close(e)
		})
	})
	t.Run("runs", func(t *testing.T) {
		inLab(t, func(t *testing.T, l *lab) {
			l.work.onStart = hold
			l.push("wf", parallel, shell)
			e, _ := l.open(engine.Config{MaxRuns: 3, IdleAfter: time.Hour}, nil)
			for range 3 {
				l.start(e, "wf")
			}
			if _, err := tryStart(e, "wf", ""); !errors.Is(err, api.TooManyRequests) || !strings.Contains(err.Error(), "max_runs_in_memory") {
				t.Errorf("the fourth: %v", err)
			}
			if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: 1, Action: instance.Stop, User: "u"}); err != nil {
				t.Errorf("what was accepted can still be ended: %v", err)
			}
			idle()
			l.start(e, "wf")
			l.close(e)
		})
	})
	t.Run("inbox", func(t *testing.T) {
		inLab(t, func(t *testing.T, l *lab) {
			l.work.onStart = hold
			l.push("wf", parallel, shell)
			var slow atomic.Bool
			e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
				if slow.Load() && w.Method == "Commit" {
					return faulty.Fault{Delay: time.Second}
				}
				return faulty.Fault{}
			})
			run := l.start(e, "wf")
			slow.Store(true)
			id := l.row(run).ID
			e.Deliver(id, instance.Reported{At: time.Now().UnixMilli(), Attempt: 1, Lines: []instance.Line{instance.InfoLine("x")}})
			idle()
			var wg sync.WaitGroup
			var busy atomic.Int64
			for range 1500 {
				wg.Go(func() {
					if _, err := e.Ask(id, instance.Permitted{At: 1}); errors.Is(err, api.TooManyRequests) {
						busy.Add(1)
					}
				})
			}
			wg.Wait()
			if got := busy.Load(); got != 500 {
				t.Errorf("%d of 1500 requests were turned away, want 500", got)
			}
			l.close(e)
		})
	})
	t.Run("goroutines", func(t *testing.T) {
		inLab(t, func(t *testing.T, l *lab) {
			l.push("wf", `{"owner":"tester","run_strategy":1000}`, `{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":3600}}}}`)
			e, _ := l.open(engine.Config{}, nil)
			l.start(e, "wf")
			time.Sleep(time.Minute)
			before := runtime.NumGoroutine()
			for range 999 {
				l.start(e, "wf")
			}
			time.Sleep(time.Minute)
			if after := runtime.NumGoroutine(); after > before+200 { // other tests run at the same time
				t.Errorf("%d goroutines for 1,000 runs that sleep, %d before", after, before)
			}
			if got := e.InMemory(); got != 0 {
				t.Errorf("%d sleeping runs are in memory", got)
			}
			time.Sleep(2 * time.Hour)
			for _, r := range l.judge() {
				if r.Status != instance.RunSucceeded {
					t.Fatalf("run is %s", describeRun(r))
				}
			}
			l.close(e)
		})
	})
}
