package engine_test

import (
	"fmt"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
)

// TestNumberOfGroupsChanges starts engines on the same store with fewer and with more groups: whatever group a run was
// put into, it goes on, is woken and obeys, and runs of one workflow know of each other across groups.
func TestNumberOfGroupsChanges(t *testing.T) {
	for _, c := range []struct{ before, after int32 }{{64, 1}, {64, 7}, {1, 64}} {
		t.Run(fmt.Sprintf("%d to %d", c.before, c.after), func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				const flows = 20
				l.work.onStart = func(a *step.Attempt, r step.Reporter) {
					if a.WorkflowID[:4] == "fail" {
						r.Report(step.Report{State: step.FatalError})
					}
				}
				name := func(kind string, n int) string { return fmt.Sprint(kind, n) }
				for n := range flows {
					l.push(name("work", n), parallel, shell)
					l.push(name("sleep", n), parallel, `{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":3600}}}}`)
					l.push(name("seq", n), `{"owner":"tester","run_strategy":"sequential"}`, shell)
					l.push(name("fail", n), `{"owner":"tester","run_strategy":"strict_sequential"}`, shell)
				}
				e, s := l.open(engine.Config{Groups: c.before}, nil)
				var runs, stopped []engine.Started
				for n := range flows {
					for _, kind := range []string{"work", "sleep", "seq", "seq"} {
						runs = append(runs, l.start(e, name(kind, n)))
					}
					failed := l.start(e, name("fail", n))
					runs = append(runs, l.start(e, name("fail", n))) // waits until the first is seen to
					idle()
					l.want(failed, instance.RunFailed)
					stopped = append(stopped, l.start(e, name("work", n)))
				}
				time.Sleep(time.Minute)
				l.crash(e, s)

				l.work.onStart = func(a *step.Attempt, r step.Reporter) {
					if a.Instance != 2 || a.WorkflowID[:4] != "work" { // those are to be stopped
						r.Report(step.Report{State: step.Done})
					}
				}
				e, _ = l.open(engine.Config{Groups: c.after, SweepEvery: time.Minute}, nil)
				<-e.Recovered()
				for n := range flows {
					runs = append(runs, l.start(e, name("seq", n)))
					if _, err := e.Unblock(t.Context(), name("fail", n), instance.InfoLine("seen to")); err != nil {
						t.Error(err)
					}
				}
				for _, run := range stopped {
					if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: run.WorkflowID, Instance: run.Instance, Action: instance.Stop, User: "u"}); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Minute)
				if e.ForgetWakes() < flows { // the sweep finds what nobody remembers
					t.Error("sleeping runs are in memory")
				}
				time.Sleep(2 * time.Hour)
				for _, run := range runs {
					l.want(run, instance.RunSucceeded)
				}
				for _, run := range stopped {
					l.want(run, instance.RunStopped)
				}
				l.judge()
				l.close(e)
			})
		})
	}
}
