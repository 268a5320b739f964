package engine_test

import (
	"path/filepath"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/instance"
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
