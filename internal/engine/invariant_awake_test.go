package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
)

// TestInvariant_NothingSleepsRunnable_Timers lets sleeps, retries and timeouts fall due in every way: with the run in
// memory, out of it, and with the engine down meanwhile.
func TestInvariant_NothingSleepsRunnable_Timers(t *testing.T) {
	for _, down := range []time.Duration{0, time.Minute, 3 * time.Hour} {
		t.Run(down.String(), func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = func(a *step.Attempt, r step.Reporter) {
					if a.StepID == "retried" && a.Number == 1 {
						r.Report(step.Report{State: step.UserError})
					}
				}
				l.push("wf", parallel,
					`{"step":{"id":"sleep","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":3600}}}}`,
					`{"step":{"id":"retried","type":"Shell","timeout":600,"retry_policy":{"error_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":1800}}}}`)
				e, s := l.open(engine.Config{}, nil)
				run := l.start(e, "wf")
				if down > 0 {
					time.Sleep(10 * time.Second)
					l.crash(e, s)
					time.Sleep(down)
					e, _ = l.open(engine.Config{}, nil)
				}
				time.Sleep(max(3600*time.Second, down+601*time.Second) + time.Second)
				l.want(run, instance.RunTimedOut)
				l.judge()
				row := l.row(run)
				if latest := max(3600, int64(down/time.Second)+610); row.Ended-row.Created > (latest+1)*1000 {
					t.Errorf("it took %d ms, want %d s", row.Ended-row.Created, latest)
				}
				l.close(e)
			})
		})
	}
}

// TestInvariant_NothingSleepsRunnable_Sweep loses the note of when a run is due: the row says so, and the sweep finds it.
func TestInvariant_NothingSleepsRunnable_Sweep(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel, `{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":3600}}}}`)
		e, _ := l.open(engine.Config{SweepEvery: time.Minute}, nil)
		run := l.start(e, "wf")
		time.Sleep(time.Second)
		if n := e.ForgetWakes(); n != 1 {
			t.Fatalf("%d wakes were noted, want 1", n)
		}
		time.Sleep(time.Hour + 2*time.Minute)
		l.want(run, instance.RunSucceeded)
		l.close(e)
	})
}

// TestInvariant_NothingSleepsRunnable_SweepIsNotTheNormalPath counts how often a run is loaded that waits for long, after
// something else of it was due: the sweep must not bring it back each time.
func TestInvariant_NothingSleepsRunnable_SweepIsNotTheNormalPath(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = func(_ *step.Attempt, r step.Reporter) {
			time.AfterFunc(2*time.Second, func() { r.Report(step.Report{State: step.Done}) })
		}
		l.push("wf", parallel,
			`{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":60}},"transition":{"successors":{"b":"true"}}}}`,
			`{"step":{"id":"b","type":"Shell","timeout":120,"transition":{"successors":{"c":"true"}}}}`,
			`{"step":{"id":"c","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":86400}}}}`)
		e, _ := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		time.Sleep(25 * time.Hour)
		l.want(run, instance.RunSucceeded)
		if n := l.disk.Loads(l.row(run).ID); n > 8 {
			t.Errorf("the run was loaded %d times", n)
		}
		l.close(e)
	})
}

// TestInvariant_NothingSleepsRunnable_Queue makes everything fail that a queued run's turn hangs on.
func TestInvariant_NothingSleepsRunnable_Queue(t *testing.T) {
	lie := errors.New("written, and reported as failed")
	for _, c := range []struct {
		name  string
		fault func(w faulty.Write, run store.RunID) faulty.Fault // of the writes after the first run, run, has begun
		book  func() error
	}{
		{"end of the one before is reported as failed", func(w faulty.Write, run store.RunID) faulty.Fault {
			if w.First().ID == run {
				return faulty.Fault{Err: lie, Apply: true}
			}
			return faulty.Fault{}
		}, nil},
		{"its own beginning is not written", func(w faulty.Write, run store.RunID) faulty.Fault {
			if w.First().ID != run && w.First().Insert == nil && w.N < 12 {
				return faulty.Fault{Err: errors.New("not written")}
			}
			return faulty.Fault{}
		}, nil},
		{"its acceptance is reported as failed", func(w faulty.Write, _ store.RunID) faulty.Fault {
			if w.First().Insert != nil {
				return faulty.Fault{Err: lie, Apply: true}
			}
			return faulty.Fault{}
		}, nil},
		{"the catalog fails", func(faulty.Write, store.RunID) faulty.Fault { return faulty.Fault{} }, func() error { return errors.New("no catalog") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				var reps reporters
				l.work.onStart = reps.add
				l.push("wf", `{"owner":"tester","run_strategy":"sequential"}`, shell)
				var first atomic.Int64
				e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
					if first.Load() == 0 || w.Method != "Commit" {
						return faulty.Fault{}
					}
					return c.fault(w, store.RunID(first.Load()))
				})
				run := l.start(e, "wf")
				idle()
				first.Store(int64(l.row(run).ID))
				_, _ = tryStart(e, "wf", "")
				var fails atomic.Int64
				if c.book != nil {
					l.book.Broken = func() error {
						if fails.Add(1) > 3 {
							return nil
						}
						return c.book()
					}
				}
				reps.report(0, step.Report{State: step.Done})
				time.Sleep(soonest)
				if reps.len() < 2 {
					t.Fatal("the queued run never had its turn")
				}
				reps.report(-1, step.Report{State: step.Done})
				time.Sleep(time.Second)
				for _, r := range l.judge() {
					if r.Status != instance.RunSucceeded {
						t.Errorf("run is %s", describeRun(r))
					}
				}
				l.close(e)
			})
		})
	}
}

// TestInvariant_NothingSleepsRunnable_FirstCommit has the first commit of a run, which begins at once, be written and
// reported as failed: the caller is told of the failure, and the run is there, so it must be driven.
func TestInvariant_NothingSleepsRunnable_FirstCommit(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel, shell)
		e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if w.Method == "Commit" && w.First().Insert != nil {
				return faulty.Fault{Err: errors.New("written, and reported as failed"), Apply: true}
			}
			return faulty.Fault{}
		})
		if _, err := tryStart(e, "wf", ""); err == nil {
			t.Error("start succeeded")
		}
		time.Sleep(soonest)
		if runs := l.judge(); len(runs) != 1 || runs[0].Status != instance.RunSucceeded {
			t.Errorf("run is %s", describeRun(runs[0]))
		}
		l.close(e)
	})
}

// TestInvariant_NothingSleepsRunnable_Superseded has commits fail while a run takes the place of queued ones.
func TestInvariant_NothingSleepsRunnable_Superseded(t *testing.T) {
	for _, die := range []bool{false, true} {
		t.Run(fmt.Sprintf("die=%t", die), func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = hold
				l.push("wf", `{"owner":"tester","run_strategy":"last_only"}`, shell)
				var n, bad atomic.Int64
				bad.Store(1 << 30)
				var deaf atomic.Bool
				l.work.onStop = func(_ *step.Attempt, r step.Reporter) {
					if !deaf.Load() {
						r.Report(step.Report{State: step.Stopped})
					}
				}
				e, s := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
					if w.Method != "Commit" {
						return faulty.Fault{}
					}
					if at, bad := n.Add(1), bad.Load(); at >= bad && at < bad+4 && w.First().Insert == nil {
						return faulty.Fault{Err: errors.New("not written"), Die: die}
					}
					return faulty.Fault{}
				})
				l.start(e, "wf")
				idle()
				deaf.Store(true) // the first one takes its time
				l.start(e, "wf")
				idle()
				bad.Store(n.Load() + 1)
				_, _ = tryStart(e, "wf", "")
				time.Sleep(time.Second)
				if die {
					l.crash(e, s)
					bad.Store(1 << 30)
					e, _ = l.open(engine.Config{}, nil)
				}
				deaf.Store(false)
				time.Sleep(time.Hour)
				var got []string
				for _, r := range l.judge() {
					got = append(got, r.Status.String())
				}
				if want := []string{"STOPPED", "STOPPED", "IN_PROGRESS"}; !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				l.close(e)
			})
		})
	}
}

// TestInvariant_NothingSleepsRunnable_Refused has the start fail for which queued runs were to be ended: they stay in the
// queue, and a FAILED run goes on holding up those after it.
func TestInvariant_NothingSleepsRunnable_Refused(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reps reporters
		l.work.onStart = reps.add
		l.push("last", `{"owner":"tester","run_strategy":"serial_latest_only"}`, shell)
		l.push("strict", `{"owner":"tester","run_strategy":"strict_sequential"}`, shell)
		var full atomic.Bool
		e, s := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if full.Load() && w.Method == "Commit" && w.First().Insert != nil {
				return faulty.Fault{Err: store.ErrFull}
			}
			return faulty.Fault{}
		})
		l.start(e, "last")
		waits := l.start(e, "last")
		failed := l.start(e, "strict")
		held := l.start(e, "strict")
		idle()
		reps.report(1, step.Report{State: step.FatalError})
		idle()
		full.Store(true)
		if _, err := tryStart(e, "last", ""); !errors.Is(err, store.ErrFull) {
			t.Errorf("start: %v", err)
		}
		if _, err := e.Restart(t.Context(), engine.RestartRequest{WorkflowID: "strict", Instance: failed.Instance, Policy: "RESTART_FROM_BEGINNING", User: "u"}); !errors.Is(err, store.ErrFull) {
			t.Errorf("restart: %v", err)
		}
		full.Store(false)
		reps.report(0, step.Report{State: step.Done})
		time.Sleep(soonest)
		l.want(waits, instance.InProgress)
		l.want(held, instance.Created)
		l.crash(e, s)
		e, _ = l.open(engine.Config{}, nil) // also after a restart
		time.Sleep(soonest)
		l.want(held, instance.Created)
		if _, err := e.Unblock(t.Context(), "strict", instance.InfoLine("seen to")); err != nil {
			t.Error(err)
		}
		time.Sleep(soonest)
		l.want(held, instance.InProgress)
		l.judge()
		l.close(e)
	})
}

// TestInvariant_NothingSleepsRunnable_Permits has the change that ends a step be written and reported as failed: the
// permit that the step held must be free.
func TestInvariant_NothingSleepsRunnable_Permits(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", `{"owner":"tester","run_strategy":"parallel","step_concurrency":1}`, shell,
			strings.Replace(shell, `"a"`, `"b"`, 1), strings.Replace(shell, `"a"`, `"c"`, 1))
		n := 0
		e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if n++; w.Method == "Commit" && w.First().Insert == nil && n%2 == 0 {
				return faulty.Fault{Err: errors.New("written, and reported as failed"), Apply: true}
			}
			return faulty.Fault{}
		})
		for range 3 {
			_, _ = tryStart(e, "wf", "")
		}
		time.Sleep(soonest)
		for _, r := range l.judge() {
			if r.Status != instance.RunSucceeded {
				t.Errorf("run is %s", describeRun(r))
			}
		}
		l.close(e)
	})
}
