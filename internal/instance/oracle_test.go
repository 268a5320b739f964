package instance_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"testing"

	"maestro/internal/engine/enginetest/flows"
	"maestro/internal/instance"
)

// TestAgainstInterpreter runs random workflows on the state machine, with reports that come in random order, and in an
// interpreter that knows nothing of events, attempts under way, records or time: it goes through the steps in an order in
// which edges lead forward and says what must become of each. Both must agree on every step and on the run.
func TestAgainstInterpreter(t *testing.T) {
	t.Parallel()
	n := 5000
	if testing.Short() {
		n = 500
	}
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 2))
		f := flows.Random(r, flows.Shape{
			Steps: 12, Types: []string{"NoOp", "Shell", "Shell", "Sleep"},
			Conditions: []string{"true", "true", "true", "false", "1 == 1", "boom"},
			Modes:      []string{"", "FAIL_AFTER_RUNNING", "IGNORE_FAILURE"},
		})
		for i := range f.Steps { // conditions of the test's language: "true", "boom", anything else is false
			for k := range f.Steps[i].Next {
				if e := &f.Steps[i].Next[k]; e.When == "boom" && r.IntN(4) > 0 {
					e.When = "true"
				}
			}
		}
		outcome := func(id string, attempt int64) instance.Outcome { return outcomeOf(seed, id, attempt) }
		want := interpret(f, outcome)
		got := drive(t, f, outcome, r)
		if got != want {
			t.Fatalf("seed %d: the state machine says\n%s\nthe interpreter\n%s\nof\n%s", seed, got, want, strings.Join(f.JSON(), "\n"))
		}
	}
}

// outcomeOf is what the work of an attempt comes to.
func outcomeOf(seed uint64, id string, attempt int64) instance.Outcome {
	h := fnv.New64a()
	fmt.Fprint(h, seed, id, attempt)
	switch n := h.Sum64() % 100; {
	case n < 60:
		return instance.OutcomeDone
	case n < 75:
		return instance.OutcomeUserError
	case n < 85:
		return instance.OutcomePlatformError
	case n < 92:
		return instance.OutcomeFatalError
	case n < 95:
		return instance.OutcomeStopped
	case n < 98:
		return instance.OutcomeTimedOut
	default:
		return instance.OutcomeInternal
	}
}

// drive plays the workflow to its end: attempts that are under way end in random order, and the run is dropped and folded
// again now and then.
func drive(t *testing.T, f *flows.Flow, outcome func(string, int64) instance.Outcome, r *rand.Rand) string {
	t.Helper()
	p := &player{steps: f.JSON()}
	p.run = newRun(t, p.steps)
	p.apply(instance.Start{At: 0})
	for range 10_000 {
		if p.run.Own.Terminal() {
			break
		}
		var live []int
		for i := range p.run.Steps {
			if s := p.run.Steps[i].Status; p.run.Plan.Nodes[i].Work == instance.Outside && (s == instance.Starting || s == instance.Running) {
				live = append(live, i)
			}
		}
		switch {
		case r.IntN(20) == 0:
			p.reload(t)
		case len(live) > 0 && (r.IntN(4) > 0 || p.run.NextWake() > p.now+3_600_000): // sooner than any timeout
			i := live[r.IntN(len(live))]
			s := &p.run.Steps[i]
			if r.IntN(3) == 0 {
				p.apply(instance.Reported{At: p.now, Step: i, Attempt: s.Number, Outcome: instance.OutcomeContinue})
			}
			p.apply(instance.Reported{At: p.now, Step: i, Attempt: s.Number, Outcome: outcome(p.run.Plan.Nodes[i].ID, s.Number), Begun: r.IntN(2) == 0})
		case p.run.NextWake() == 0:
			t.Fatalf("nothing is under way and nothing is due: %s", p.state())
		default:
			p.advance(max(p.now, p.run.NextWake()))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.run.Own)
	for i := range f.Steps {
		k, _ := p.run.Plan.Ordinal(f.Steps[i].ID)
		fmt.Fprintf(&b, "%s %s %d\n", f.Steps[i].ID, p.run.Steps[k].Status, p.run.Steps[k].Number)
	}
	return b.String()
}

// verdict is what becomes of a step.
type verdict struct {
	status   string // NOT_CREATED when its turn never comes
	attempts int64
	goesOn   bool // what follows may have its turn
	taken    bool // its edges count
}

// interpret says what must become of every step, and of the run.
func interpret(f *flows.Flow, outcome func(string, int64) instance.Outcome) string {
	verdicts := make([]verdict, len(f.Steps))
	for i := range f.Steps {
		turn, wanted, root := true, false, true
		for from := range f.Steps[:i] {
			for _, e := range f.Steps[from].Next {
				if e.To == i {
					root = false
					turn = turn && verdicts[from].goesOn
					wanted = wanted || verdicts[from].taken && e.When == "true"
				}
			}
		}
		v := &verdicts[i]
		switch {
		case !turn:
			*v = verdict{status: "NOT_CREATED"}
		case !wanted && !root:
			*v = verdict{status: "UNSATISFIED", attempts: 1, goesOn: true}
		default:
			*v = work(&f.Steps[i], outcome)
			for _, e := range f.Steps[i].Next {
				if v.goesOn && e.When == "boom" { // it has ended well, but what comes next cannot be told
					*v = verdict{status: "INTERNALLY_FAILED", attempts: v.attempts}
				}
			}
		}
	}
	rank := map[string]int{"FATALLY_FAILED": 3, "INTERNALLY_FAILED": 3, "TIMED_OUT": 2, "STOPPED": 1}
	worst := 0
	var b strings.Builder
	for i, v := range verdicts {
		worst = max(worst, rank[v.status])
		fmt.Fprintf(&b, "%s %s %d\n", f.Steps[i].ID, v.status, v.attempts)
	}
	return []string{"SUCCEEDED", "STOPPED", "TIMED_OUT", "FAILED"}[worst] + "\n" + b.String()
}

// work says what becomes of a step whose turn has come and that is to be run.
func work(s *flows.Step, outcome func(string, int64) instance.Outcome) verdict {
	if s.Type != "Shell" {
		return verdict{status: "SUCCEEDED", attempts: 1, goesOn: true, taken: true}
	}
	left := s.Retries
	for n := int64(1); ; n++ {
		fatal := verdict{status: "FATALLY_FAILED", attempts: n}
		if s.FailureMode == "IGNORE_FAILURE" {
			fatal = verdict{status: "COMPLETED_WITH_ERROR", attempts: n, goesOn: true, taken: true}
		}
		kind := 0
		switch outcome(s.ID, n) {
		case instance.OutcomeDone:
			return verdict{status: "SUCCEEDED", attempts: n, goesOn: true, taken: true}
		case instance.OutcomeStopped:
			return verdict{status: "STOPPED", attempts: n}
		case instance.OutcomeTimedOut:
			return verdict{status: "TIMED_OUT", attempts: n}
		case instance.OutcomeInternal:
			return verdict{status: "INTERNALLY_FAILED", attempts: n}
		case instance.OutcomeFatalError:
			return fatal
		case instance.OutcomePlatformError:
			kind = 1
		}
		if left[kind] == 0 {
			return fatal
		}
		left[kind]--
	}
}
