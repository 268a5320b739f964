package instance_test

import (
	"testing"

	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
)

// TestSnapshot_Joins restores a run from a snapshot while one of two predecessors of a step is complete: the step begins
// when the other one is, and not before.
func TestSnapshot_Joins(t *testing.T) {
	t.Parallel()
	steps := []string{
		`{"step":{"id":"a","type":"Shell","transition":{"successors":{"c":"true"}}}}`,
		`{"step":{"id":"b","type":"Shell","transition":{"successors":{"c":"true"}}}}`,
		`{"step":{"id":"c","type":"Shell"}}`,
	}
	done := func(r *instance.Run, at int64, id string) instance.Pass {
		t.Helper()
		step, _ := r.Plan.Ordinal(id)
		pass, err := instancetest.Apply(r, instance.Reported{At: at, Step: step, Attempt: 1, Outcome: instance.OutcomeDone})
		if err != nil {
			t.Fatal(err)
		}
		return pass
	}
	r := newRun(t, steps)
	r.Snapshots = instance.SnapshotRule{Entries: 1}
	if _, err := instancetest.Apply(r, instance.Start{At: 1000}); err != nil {
		t.Fatal(err)
	}
	entry, ok := r.Append(nil, done(r, 2000, "a").Records)
	if !ok {
		t.Fatal("no snapshot was made")
	}
	restored := newRun(t, steps)
	if err := restored.Begin(entry); err != nil {
		t.Fatal(err)
	}
	c, _ := restored.Plan.Ordinal("c")
	if s := restored.Steps[c]; s.Number != 0 {
		t.Errorf("the join is %s before its predecessors are complete", s.Status)
	}
	done(restored, 3000, "b")
	if s := restored.Steps[c]; s.Status != instance.Starting {
		t.Errorf("the join is %s after its predecessors are complete", s.Status)
	}
}
