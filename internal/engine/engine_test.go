package engine_test

import (
	"path/filepath"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
)

func TestChainOfNoOps(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	b := &book{byID: map[string]*engine.Definition{}}
	b.push(t, "wf", "",
		`{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}}`,
		`{"step":{"id":"b","type":"Shell","transition":{"successors":{"c":"b__step_id == 'b'"}}}}`,
		`{"step":{"id":"c","type":"NoOp"}}`)
	f := newFixture(t, s, b, &work{}, engine.Config{})
	defer f.close(t)
	r := f.await(t, f.start(t, "wf"))
	if r.Status != instance.RunSucceeded {
		for i := range r.Steps {
			t.Logf("%s %s %v", r.Plan.Nodes[i].ID, r.Steps[i].Status, r.Steps[i].Lines)
		}
		t.Errorf("run ended %s, want SUCCEEDED", r.Status)
	}
}

// TestAttemptIsNotChanged holds that what a runtime was told of an attempt stays as it is: it reads it while the run goes
// on.
func TestAttemptIsNotChanged(t *testing.T) {
	t.Parallel()
	f, began, open := openJobs(t)
	run := f.start(t, "w")
	tell := func(j onJob, text string) {
		t.Helper()
		j.r.Report(step.Report{State: step.Continue, Artifacts: map[string][]byte{"k": []byte(text)}})
		for until := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			r, err := f.Load(t.Context(), run.WorkflowID, run.Instance, run.Run)
			if err != nil || time.Now().After(until) {
				t.Fatalf("the report is not heard: %v", err)
			}
			if string(r.Steps[0].Artifacts["k"]) == text {
				return
			}
		}
	}
	tell(<-began, `{"n":1}`)
	f.close(t)
	f = open()
	defer f.close(t)
	j := <-began
	tell(j, `{"n":2}`)
	if got := string(j.a.Artifacts["k"]); got != `{"n":1}` {
		t.Errorf("the runtime was told of %s later", got)
	}
	done(j.r)
	f.await(t, run)
}
