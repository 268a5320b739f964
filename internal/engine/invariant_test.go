package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
)

// The tests of the files invariant*_test.go carry the names of the invariants of ARCHITECTURE.md.

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
		if _, refused := errors.AsType[*api.Error](err); refused || err == nil || errors.Is(err, instance.ErrStale) {
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
