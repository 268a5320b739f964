package instance_test

import (
	"errors"
	"testing"

	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
)

// TestTerminalStays brings a step and its run to every status that a few events lead to, and folds every record of a change
// of status: the tables of transitions say which are possible, and all others are refused.
func TestTerminalStays(t *testing.T) {
	t.Parallel()
	steps := []string{`{"step":{"id":"a","type":"Shell"}}`, `{"step":{"id":"z","type":"Shell"}}`}
	report := func(step int, o instance.Outcome) instance.Event {
		return instance.Reported{At: 2000, Step: step, Attempt: 1, Outcome: o, Begun: true}
	}
	seen := make(map[instance.StepStatus]bool)
	ended := make(map[instance.RunStatus]bool)
	for _, events := range [][]instance.Event{
		{},
		{report(0, instance.OutcomeContinue)},
		{report(0, instance.OutcomeDone)},
		{report(0, instance.OutcomeUserError)},
		{report(0, instance.OutcomeFatalError)},
		{report(0, instance.OutcomeStopped)},
		{report(0, instance.OutcomeTimedOut)},
		{report(0, instance.OutcomeInternal)},
		{report(0, instance.OutcomeDone), report(1, instance.OutcomeDone)},
		{report(0, instance.OutcomeDone), report(1, instance.OutcomeFatalError)},
		{report(0, instance.OutcomeDone), report(1, instance.OutcomeStopped)},
		{report(0, instance.OutcomeDone), report(1, instance.OutcomeTimedOut)},
	} {
		fresh := func() *instance.Run {
			r := newRun(t, steps)
			for _, ev := range append([]instance.Event{instance.Start{At: 1000}}, events...) {
				if _, err := instancetest.Apply(r, ev); err != nil {
					t.Fatal(err)
				}
			}
			return r
		}
		from, run := fresh().Steps[0].Status, fresh().Status
		seen[from] = true
		for to := instance.NotCreated; to <= instance.StepTimedOut; to++ {
			allowed := false
			for _, tr := range instance.StepTransitions() {
				allowed = allowed || tr.From == from && tr.To == to
			}
			err := fresh().Fold(instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindStepStatus, Status: uint8(to), At: 3000}}))
			if allowed != (err == nil) {
				t.Errorf("a step goes from %s to %s: %v", from, to, err)
			}
		}
		if run.Terminal() {
			ended[run] = true
		}
		for to := instance.RunNone; to <= instance.FailedCleared; to++ {
			allowed := false
			for _, tr := range instance.RunTransitions() {
				allowed = allowed || tr.From == run && tr.To == to
			}
			err := fresh().Fold(instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindRunStatus, Status: uint8(to), At: 3000}}))
			if allowed != (err == nil) {
				t.Errorf("a run goes from %s to %s: %v", run, to, err)
			}
		}
	}
	if len(seen) < 8 || len(ended) < 4 {
		t.Errorf("only the statuses %v and %v were reached", seen, ended)
	}
}

// TestSignalled_Once has two signals match one dependency: the first counts.
func TestSignalled_Once(t *testing.T) {
	t.Parallel()
	r := newRun(t, []string{`{"step":{"id":"a","type":"NoOp","signal_dependencies":[{"name":"s"},{"name":"z"}]}}`})
	if _, err := instancetest.Apply(r, instance.Start{At: 1000}); err != nil {
		t.Fatal(err)
	}
	if _, err := instancetest.Apply(r, instance.Signalled{At: 2000, Attempt: 1, Sequence: 7}); err != nil {
		t.Fatal(err)
	}
	if _, err := instancetest.Apply(r, instance.Signalled{At: 3000, Attempt: 1, Sequence: 8}); !errors.Is(err, instance.ErrStale) {
		t.Errorf("a second signal: %v", err)
	}
	if got := r.Steps[0].Signals[0].Sequence; got != 7 {
		t.Errorf("the dependency is matched by signal %d, want 7", got)
	}
}
