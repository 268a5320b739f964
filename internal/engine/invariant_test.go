package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
)

// The tests of this file carry the names of the invariants of docs/architecture.md, section 4.

const (
	shell  = `{"step":{"id":"a","type":"Shell"}}`
	noop   = `{"step":{"id":"a","type":"NoOp"}}`
	chain  = `{"step":{"id":"a","type":"Shell","transition":{"successors":{"b":"true"}}}}`
	chain2 = `{"step":{"id":"b","type":"Shell"}}`
)

// TestInvariant_OneOwner has two engines believe that they own the same run. Whoever has the lease writes; what the other
// one says is refused, and it lets go.
func TestInvariant_OneOwner(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var olds, news reporters
		l.work.onStart = olds.add
		l.push("wf", parallel, chain, chain2)
		cut := atomic.Bool{} // the old owner's leases are not renewed, but it can still write
		old, _ := l.open(engine.Config{Node: "old"}, func(w faulty.Write) faulty.Fault {
			if cut.Load() && w.Method != "Commit" {
				return faulty.Fault{Err: errors.New("no way to the leases")}
			}
			return faulty.Fault{}
		})
		run := l.start(old, "wf")
		cut.Store(true)
		time.Sleep(time.Minute)
		l.work = &work{onStart: news.add}
		fresh, _ := l.open(engine.Config{Node: "fresh"}, nil)
		<-fresh.Recovered()
		idle()
		before := l.row(run).Entries

		olds.report(0, step.Report{State: step.FatalError})
		time.Sleep(10 * time.Second)

		if got := l.row(run).Entries; got != before {
			t.Errorf("the old owner wrote: %d entries, %d before", got, before)
		}
		cut.Store(false)
		time.Sleep(10 * time.Second)
		loads := l.disk.Loads(l.row(run).ID)
		time.Sleep(10 * time.Second)
		if got := l.disk.Loads(l.row(run).ID); got != loads || old.InMemory() > 0 {
			t.Errorf("the old owner holds on after it heard that its leases are gone: %d runs in memory, %d loads", old.InMemory(), got-loads)
		}
		for i := range 2 { // a, then b
			news.report(-1, step.Report{State: step.Done})
			idle()
			if want := i + 2; news.len() != want && i == 0 {
				t.Fatalf("the new owner began %d attempts, want %d", news.len(), want)
			}
		}
		l.want(run, instance.RunSucceeded)
		l.judge()
		l.close(old)
		l.close(fresh)
	})
}

// TestInvariant_SaveThenAct holds back commits: meanwhile no runtime is called and nobody gets an answer, and when the
// commit fails, neither ever happens.
func TestInvariant_SaveThenAct(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   faulty.Fault
		started int
	}{
		{"commits", faulty.Fault{Delay: time.Second}, 1},
		{"fails", faulty.Fault{Delay: time.Second, Err: store.ErrFull}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = hold
				l.push("wf", parallel, shell)
				e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
					if w.Method == "Commit" {
						return c.fault
					}
					return faulty.Fault{}
				})
				answered := make(chan error, 1)
				go func() {
					_, err := tryStart(e, "wf", "")
					answered <- err
				}()
				time.Sleep(999 * time.Millisecond)
				idle()
				if len(answered) > 0 || l.work.begun() > 0 {
					t.Errorf("before the commit: %d answers, %d runtime calls", len(answered), l.work.begun())
				}
				err := <-answered
				idle()
				if ok := err == nil; ok != (c.started > 0) {
					t.Errorf("answered: %v", err)
				}
				time.Sleep(soonest)
				if got := l.work.begun(); got != c.started {
					t.Errorf("%d attempts were begun, want %d", got, c.started)
				}
				l.close(e)
			})
		})
	}
}

// TestInvariant_SaveThenAct_Refusals has a request be refused because of something that has not been written yet, and is
// not going to be: the refusal must not be told.
func TestInvariant_SaveThenAct_Refusals(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", parallel, shell)
		var commits atomic.Int64
		e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if w.Method != "Commit" {
				return faulty.Fault{}
			}
			switch commits.Add(1) {
			case 2:
				return faulty.Fault{Delay: time.Second}
			case 3:
				return faulty.Fault{Err: errors.New("not written")}
			}
			return faulty.Fault{}
		})
		run := l.start(e, "wf")
		id := l.row(run).ID
		now := time.Now().UnixMilli()
		e.Deliver(id, instance.Reported{At: now, Attempt: 1, Outcome: instance.OutcomeContinue})
		idle() // on its way to the disk; the next two are written together
		e.Deliver(id, instance.Reported{At: now, Attempt: 1, Outcome: instance.OutcomeDone})
		_, err := e.Ask(id, instance.ActOnRun{At: now, Action: instance.Stop, User: "u"})
		if err == nil || errors.Is(err, instance.ErrStale) {
			t.Errorf("stop was answered %v because the run had ended, and it had not", err)
		}
		time.Sleep(soonest)
		l.want(run, instance.RunSucceeded) // the report is not lost
		l.judge()
		l.close(e)
	})
}

// TestInvariant_AckedIsDurable has the process die in the moment in which a request is answered.
func TestInvariant_AckedIsDurable(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", parallel, shell)
		l.push("seq", `{"owner":"tester","run_strategy":"sequential"}`, shell)
		e, s := l.open(engine.Config{}, nil)
		reopen := func() {
			l.crash(e, s)
			time.Sleep(time.Millisecond) // no process is back in less, and run ids are made of time
			e, s = l.open(engine.Config{}, nil)
		}
		var acked []engine.Started
		for range 3 {
			for _, flow := range []string{"wf", "seq"} {
				acked = append(acked, l.start(e, flow))
				reopen()
			}
		}
		for i, a := range acked {
			if want := map[string]instance.RunStatus{"wf": instance.InProgress, "seq": instance.Created}[a.WorkflowID]; i == 1 {
				l.want(a, instance.InProgress)
			} else {
				l.want(a, want)
			}
		}
		for _, a := range []engine.Started{acked[0], acked[5]} { // one that runs, and one that is queued
			if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: a.WorkflowID, Instance: a.Instance, Action: instance.Stop, User: "u"}); err != nil {
				t.Fatal(err)
			}
			reopen()
		}
		if _, err := e.ActOnStep(t.Context(), engine.StepAction{WorkflowID: "wf", Instance: acked[2].Instance, Step: "a", Action: instance.Kill, User: "u"}); err != nil {
			t.Fatal(err)
		}
		reopen()
		<-e.Recovered()
		time.Sleep(soonest)
		l.want(acked[0], instance.RunStopped)
		l.want(acked[5], instance.RunStopped)
		l.want(acked[2], instance.RunFailed)
		l.judge()
		l.close(e)
	})
}

// TestInvariant_ExactlyOnceTransition makes commits happen and be reported as failed, all the time: whoever writes again
// what is there already is refused. (TestSimulate checks the journals of thousands of random runs.)
func TestInvariant_ExactlyOnceTransition(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		n := 0
		l.push("wf", parallel, chain, chain2)
		e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if n++; w.Method == "Commit" && n%2 == 0 {
				return faulty.Fault{Err: errors.New("written, and reported as failed"), Apply: true}
			}
			return faulty.Fault{}
		})
		for i := range 20 {
			_, _ = tryStart(e, "wf", requestID(1, i))
		}
		time.Sleep(soonest)
		runs := l.judge()
		if len(runs) != 20 {
			t.Errorf("%d runs, want 20", len(runs))
		}
		for _, r := range runs {
			if r.Status != instance.RunSucceeded {
				t.Errorf("run is %s", describeRun(r))
			}
		}
		l.close(e)
	})
}

// TestInvariant_ExactlyOnceTransition_Race has a queued run be stopped at the moment at which its turn comes: both write
// its next entry, from the same state, and one of them is refused.
func TestInvariant_ExactlyOnceTransition_Race(t *testing.T) {
	for _, after := range []time.Duration{0, 5, 10, 15, 20, 25} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				var reps reporters
				l.work.onStart = reps.add
				l.push("wf", `{"owner":"tester","run_strategy":"sequential"}`, shell)
				e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
					return faulty.Fault{Delay: 10 * time.Millisecond}
				})
				first, second := l.start(e, "wf"), l.start(e, "wf")
				idle()
				reps.report(0, step.Report{State: step.Done})
				time.Sleep(after * time.Millisecond)
				if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: second.Instance, Action: instance.Stop, User: "u"}); err != nil {
					t.Error(err)
				}
				time.Sleep(soonest)
				l.want(first, instance.RunSucceeded)
				l.want(second, instance.RunStopped)
				l.judge()
				l.close(e)
			})
		})
	}
}

// TestInvariant_ExactlyOnceTransition_TimeOrder delivers events in another order than that of their times, as two
// goroutines that race for an inbox do.
func TestInvariant_ExactlyOnceTransition_TimeOrder(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", parallel, shell, strings.Replace(shell, `"a"`, `"b"`, 1))
		e, _ := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		now := time.Now().UnixMilli()
		e.Deliver(l.row(run).ID, instance.Reported{At: now + 5, Step: 0, Attempt: 1, Outcome: instance.OutcomeDone})
		e.Deliver(l.row(run).ID, instance.Reported{At: now - 5, Step: 1, Attempt: 1, Outcome: instance.OutcomeDone})
		idle()
		l.want(run, instance.RunSucceeded)
		l.judge()
		l.close(e)
	})
}

// TestInvariant_AtLeastOnceStart has the process die before and after a runtime is called, again and again: the attempt
// is begun again, and is the same attempt.
func TestInvariant_AtLeastOnceStart(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var again []bool
		var last step.Reporter
		l.work.onStart = func(a *step.Attempt, r step.Reporter) {
			again = append(again, a.Again)
			last = r
		}
		l.push("wf", parallel, shell)
		var lost atomic.Bool // the change that says STARTING is written by a process that dies of it
		lost.Store(true)
		e, s := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			return faulty.Fault{Die: lost.Load() && w.Method == "Commit", Apply: true}
		})
		_, err := tryStart(e, "wf", "")
		if err == nil || l.work.begun() != 0 {
			t.Fatalf("the process died: %v, %d begun", err, l.work.begun())
		}
		l.crash(e, s)
		lost.Store(false)
		for range 3 {
			e, s = l.open(engine.Config{}, nil)
			<-e.Recovered()
			idle()
			l.crash(e, s)
		}
		e, _ = l.open(engine.Config{}, nil)
		<-e.Recovered()
		idle()
		if last == nil {
			t.Fatal("the attempt was never begun")
		}
		last.Report(step.Report{State: step.Done})
		idle()
		if l.work.begun() != 1 || len(again) != 4 || slices.Contains(again, false) {
			t.Errorf("begun under %d identities, %d times, again: %v", l.work.begun(), len(again), again)
		}
		for _, r := range l.judge() {
			if r.Status != instance.RunSucceeded || r.Steps[0].Attempt != 1 {
				t.Errorf("run is %s", describeRun(r))
			}
		}
		l.close(e)
	})
}

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
			if w.Changes[0].Run == run {
				return faulty.Fault{Err: lie, Apply: true}
			}
			return faulty.Fault{}
		}, nil},
		{"its own beginning is not written", func(w faulty.Write, run store.RunID) faulty.Fault {
			if w.Changes[0].Run != run && w.Changes[0].Insert == nil && w.N < 12 {
				return faulty.Fault{Err: errors.New("not written")}
			}
			return faulty.Fault{}
		}, nil},
		{"its acceptance is reported as failed", func(w faulty.Write, _ store.RunID) faulty.Fault {
			if w.Changes[0].Insert != nil {
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
			if w.Method == "Commit" && w.Changes[0].Insert != nil {
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
					if at, bad := n.Add(1), bad.Load(); at >= bad && at < bad+4 && w.Changes[0].Insert == nil {
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
			if full.Load() && w.Method == "Commit" && w.Changes[0].Insert != nil {
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
		if _, err := e.Unblock(t.Context(), "strict", 0, 0, instance.InfoLine("seen to")); err != nil {
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
			if n++; w.Method == "Commit" && w.Changes[0].Insert == nil && n%2 == 0 {
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

// TestInvariant_EventsEqualState compares runs in memory with what their journals say, whenever they can be looked at.
func TestInvariant_EventsEqualState(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var rep reporters
		l.work.onStart = rep.add
		l.push("wf", parallel, chain, chain2)
		e, _ := l.open(engine.Config{IdleAfter: time.Hour}, nil)
		run := l.start(e, "wf")
		id := l.row(run).ID
		check := func() {
			t.Helper()
			idle()
			e.Inspect(id, func(r *instance.Run) {
				stored, err := e.LoadAny(id)
				if err != nil {
					t.Errorf("the run cannot be loaded: %v", err)
					return
				}
				if got, want := state(r), state(stored); !bytes.Equal(got, want) {
					t.Errorf("in memory:\n%s\nin the store:\n%s", got, want)
				}
			})
		}
		check()
		rep.report(0, step.Report{State: step.Continue, Artifacts: map[string][]byte{"k": []byte(`{"n":1}`)}, Timeline: []step.Line{{Message: "hello"}}})
		check()
		rep.report(0, step.Report{State: step.Continue, Artifacts: map[string][]byte{"k": []byte(`{"m":2}`)}})
		check()
		rep.report(0, step.Report{State: step.Done, Output: &step.Output{Params: []byte(`{}`)}})
		check()
		if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: 1, Action: instance.Stop, User: "u", Reason: "r"}); err != nil {
			t.Error(err)
		}
		check()
		l.want(run, instance.RunStopped)
		changes := 0
		_, entries, _ := l.disk.Load(t.Context(), id)
		for _, en := range entries {
			records, err := instance.DecodeEntry(en.Data)
			if err != nil {
				t.Fatal(err)
			}
			for i := range records {
				if k := records[i].Kind; k == instance.KindStepStatus || k == instance.KindStepCreated {
					changes++
				}
			}
		}
		if want := 9 + 7; changes != want { // a to SUCCEEDED; b to STARTING and STOPPED
			t.Errorf("%d records of status changes, want %d", changes, want)
		}
		l.judge()
		l.close(e)
	})
}

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
					case errors.Is(err, engine.ErrBusy) && strings.Contains(err.Error(), "queue_limit"):
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
			if _, err := tryStart(e, "wf", ""); !errors.Is(err, engine.ErrBusy) || !strings.Contains(err.Error(), "max_runs_in_memory") {
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
					if _, err := e.Ask(id, instance.Permitted{At: 1}); errors.Is(err, engine.ErrBusy) {
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

// TestInvariant_NoPoison damages the data of a run in every way, and has what is told of it be wrong.
func TestInvariant_NoPoison(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(row *store.Run, entries []store.Entry)
	}{
		{"entry is cut short", func(_ *store.Run, e []store.Entry) { e[0].Data = e[0].Data[:len(e[0].Data)-1] }},
		{"entry is noise", func(_ *store.Run, e []store.Entry) { e[0].Data = []byte{1, 2, 3, 255, 255, 255, 255, 255} }},
		{"entry says what cannot be", func(_ *store.Run, e []store.Entry) {
			e[0].Data = instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindRunStatus, Status: uint8(instance.RunSucceeded), At: 1}})
		}},
		{"entry names a step that is not there", func(_ *store.Run, e []store.Entry) {
			e[0].Data = instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindStepCreated, Step: 99, Attempt: 1, At: 1}})
		}},
		{"entry asks for a table of negative size", func(_ *store.Run, e []store.Entry) {
			e[0].Data = instance.AppendEntry(nil, []instance.Record{
				{Kind: instance.KindStepCreated, Attempt: 1, At: 1}, {Kind: instance.KindStepSignals, A: -1, At: 1},
			})
		}},
		{"header is empty", func(row *store.Run, _ []store.Entry) { row.Header = nil }},
		{"header is noise", func(row *store.Run, _ []store.Entry) { row.Header = []byte{1, 5, 200, 1, 1, 1} }},
		{"header starts from a step that is not there", func(row *store.Run, _ []store.Entry) {
			row.Header = (&instance.Header{Start: []int{-1}}).AppendHeader(nil)
		}},
		{"params are noise", func(row *store.Run, _ []store.Entry) {
			h, _ := instance.DecodeHeader(row.Header)
			h.Params = []byte{0, 1, 200, 3}
			row.Header = h.AppendHeader(nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.work.onStart = hold
				l.push("wf", parallel, shell)
				l.push("seq", `{"owner":"tester","run_strategy":"sequential"}`, shell)
				e, s := l.open(engine.Config{}, nil)
				bad, good := l.start(e, "wf"), l.start(e, "wf")
				badSeq, queued := l.start(e, "seq"), l.start(e, "seq")
				badQueued, last := l.start(e, "seq"), l.start(e, "seq")
				l.crash(e, s)
				for _, run := range []engine.Started{bad, badSeq, badQueued} {
					l.disk.Damage(l.row(run).ID, c.damage)
				}
				l.work.onStart = nil
				e, _ = l.open(engine.Config{}, nil)
				<-e.Recovered()
				time.Sleep(soonest)
				for _, run := range []engine.Started{good, queued, last} {
					l.want(run, instance.RunSucceeded)
				}
				for _, run := range []engine.Started{bad, badSeq, badQueued} {
					l.want(run, instance.RunFailed)
					_, entries, _ := l.disk.Load(t.Context(), l.row(run).ID)
					records, err := instance.DecodeEntry(entries[len(entries)-1].Data)
					if err != nil || len(records) != 2 || !bytes.Contains(records[0].Data, []byte("damaged")) {
						t.Errorf("the last entry does not tell why: %v %v", err, records)
					}
					if _, err := e.Load(t.Context(), run.WorkflowID, run.Instance, 0); err == nil {
						t.Error("the run can be read")
					}
				}
				l.close(e)
			})
		})
	}
}

// TestInvariant_NoPoison_Newer leaves a run alone whose journal was written by a newer program: its data is sound.
func TestInvariant_NoPoison_Newer(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", parallel, shell)
		e, s := l.open(engine.Config{}, nil)
		run := l.start(e, "wf")
		l.crash(e, s)
		l.disk.Damage(l.row(run).ID, func(_ *store.Run, e []store.Entry) { e[0].Data[0]++ })
		e, _ = l.open(engine.Config{}, nil)
		time.Sleep(soonest)
		l.want(run, instance.InProgress)
		l.close(e)
		l.disk.Damage(l.row(run).ID, func(_ *store.Run, e []store.Entry) { e[0].Data[0]-- })
		l.work.onStart = nil
		e, _ = l.open(engine.Config{}, nil)
		time.Sleep(soonest)
		l.want(run, instance.RunSucceeded)
		l.close(e)
	})
}

// broken is a language that panics whatever it is asked.
type broken struct{ instance.Language }

// TestInvariant_NoPoison_Panics has the language panic wherever a run may ask it, and the runtime, too.
func TestInvariant_NoPoison_Panics(t *testing.T) {
	for _, at := range []string{"NextWake", "Apply", "Start", "Stop"} {
		t.Run(at, func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				var hurt atomic.Bool
				l.work.onStart = func(a *step.Attempt, r step.Reporter) {
					if a.WorkflowID == "bad" && at == "Start" {
						panic("start")
					}
					r.Report(step.Report{State: step.Continue})
				}
				l.work.onStop = func(a *step.Attempt, r step.Reporter) {
					if a.WorkflowID == "bad" && at == "Stop" && hurt.CompareAndSwap(false, true) {
						panic("stop")
					}
					r.Report(step.Report{State: step.Stopped})
				}
				once := `{"step":{"id":"a","type":"Shell","retry_policy":{"platform_retry_limit":0}}}`
				l.push("bad", parallel, once)
				l.push("good", parallel, once)
				e, _ := l.open(engine.Config{IdleAfter: time.Hour}, nil)
				bad, good := l.start(e, "bad"), l.start(e, "good")
				idle()
				e.Inspect(l.row(bad).ID, func(r *instance.Run) {
					switch at {
					case "NextWake":
						r.Plan = nil // it looks there for what is at work
					case "Apply":
						r.Language = broken{} // it asks for the retry policy
					}
				})
				if at == "Apply" {
					e.Deliver(l.row(bad).ID, instance.Reported{At: time.Now().UnixMilli(), Attempt: 1, Outcome: instance.OutcomeUserError})
				}
				idle()
				for _, run := range []engine.Started{bad, good} {
					_, _ = e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: run.WorkflowID, Instance: run.Instance, Action: instance.Stop, User: "u"})
				}
				time.Sleep(time.Hour)
				l.want(good, instance.RunStopped)
				row := l.row(bad)
				if got := instance.RunStatus(row.Status); !got.Terminal() {
					t.Errorf("bad run is %s", got)
				}
				r, err := e.LoadAny(row.ID)
				if err != nil {
					t.Fatal(err)
				}
				told := false
				for _, line := range slices.Concat(r.Lines, r.Steps[0].Lines) {
					told = told || line.Status == "INTERNAL_ERROR"
				}
				if !told {
					t.Errorf("nobody is told why: %v %v", r.Lines, r.Steps[0].Lines)
				}
				l.judge()
				l.close(e)
			})
		})
	}
}

// TestInvariant_Recoverable loads a run after every single change and compares it with the one in memory. (Package
// instance compares every field; this is the same for what the store gives back.)
func TestInvariant_Recoverable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &enginetest.World{Seed: 3, Nice: true}
		for seed := range uint64(20) {
			s := &simulation{t: t, seed: seed, r: newRand(seed), book: &enginetest.Book{}, disk: enginetest.NewMemory(), log: quiet(), world: w}
			s.calm.Store(true)
			s.define()
			s.open()
			for n, f := range s.flows {
				_, _ = tryStart(s.engine.Load(), f, requestID(seed, n))
			}
			for range 60 {
				time.Sleep(2 * time.Second)
				s.compare(s.engine.Load())
			}
			s.close(false)
			for _, w := range s.wrong {
				t.Error(w)
			}
		}
	})
}
