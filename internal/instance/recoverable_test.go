package instance

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
	"maestro/spec"
)

// TestInvariant_Recoverable folds the journal after every event and compares every field, those that nobody sees from
// outside included, with the run in memory. Only what is remembered to save work may differ.
func TestInvariant_Recoverable(t *testing.T) {
	t.Parallel()
	steps := []string{
		`{"step":{"id":"a","type":"Shell","retry_policy":{"error_retry_limit":2,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":5}},"transition":{"successors":{"b":"1 < 2","c":"false"}}}}`,
		`{"step":{"id":"b","type":"Sleep","transition":{"successors":{"d":"true"}}}}`,
		`{"step":{"id":"c","type":"Shell","transition":{"successors":{"d":"true"}}}}`,
		`{"step":{"id":"d","type":"Shell","failure_mode":"IGNORE_FAILURE","timeout":60,"transition":{"successors":{"e":"true"}}}}`,
		`{"step":{"id":"e","type":"Shell"}}`,
		`{"step":{"id":"f","type":"Shell"}}`,
	}
	report := func(step int, attempt, at int64, o Outcome) Event {
		return Reported{At: at, Step: step, Attempt: attempt, Outcome: o, Begun: true, Artifacts: map[string][]byte{"k": []byte(`{"a":1}`)}, Lines: []Line{InfoLine("x"), WarnLine("y")}}
	}
	events := []Event{
		Start{At: 10},
		report(0, 1, 20, OutcomeContinue),
		report(0, 1, 30, OutcomeUserError),
		Wake{At: 5030},
		Posted{At: 5031, Step: 0, Attempt: 2, Output: []byte(`{"params":{}}`)},
		report(0, 2, 5040, OutcomeDone),
		ActOnStep{At: 5050, Step: "f", Action: Kill, User: "u", Reason: "r"},
		report(5, 1, 5060, OutcomeStopped),
		ActOnStep{At: 5070, Step: "f", Action: Restart, User: "u", Data: []byte(`{"x":1}`)},
		Wake{At: 9000},
		report(3, 1, 9010, OutcomeFatalError),
		ActOnRun{At: 9020, Action: Stop, User: "u", Reason: "r"},
		ActOnRun{At: 9025, Action: Kill, User: "v", Reason: "s"},
		report(4, 1, 9030, OutcomeStopped),
		report(5, 2, 9040, OutcomeDone),
	}
	live := newInner(t, steps)
	var journal [][]byte
	newest := 0 // entry with a snapshot
	for n, ev := range events {
		pass, err := live.Play(ev, free)
		if err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
		if len(pass.Records) == 0 {
			t.Errorf("event %d made no record", n)
		}
		live.Snapshots = SnapshotRule{Entries: 1 + n%3} // some entries have one
		entry, snapshot := live.Append(nil, pass.Records)
		journal = append(journal, entry)
		if snapshot {
			newest = n
		}
		folded := newInner(t, steps)
		for _, e := range journal {
			if err := folded.Fold(e); err != nil {
				t.Fatal(err)
			}
		}
		if diff := differ("run", reflect.ValueOf(folded).Elem(), reflect.ValueOf(live).Elem()); diff != "" {
			t.Errorf("after event %d, %T: folded and in memory differ:\n%s", n, ev, diff)
		}
		present := newInner(t, steps)
		if err := present.Begin(journal[newest]); err != nil {
			t.Fatal(err)
		}
		for _, e := range journal[newest+1:] {
			if err := present.Fold(e); err != nil {
				t.Fatal(err)
			}
		}
		if diff := differ("run", reflect.ValueOf(present).Elem(), reflect.ValueOf(live).Elem()); diff != "" {
			t.Errorf("after event %d, %T: folded from entry %d on and in memory differ:\n%s", n, ev, newest, diff)
		}
	}
	if live.Own != RunFailed {
		t.Errorf("the run ended %s", live.Own)
	}
}

// free answers as if nothing stood in the way.
func free(ask Ask) Event {
	switch q := ask.(type) {
	case AskBreakpoint:
		return BreakpointFound{Step: q.Step, Attempt: q.Attempt}
	case AskPermits:
		return Permitted{Step: q.Step, Attempt: q.Attempt}
	default:
		return nil
	}
}

// remembered are the fields that save work and are made again when needed.
var remembered = map[string]bool{
	"run.pass": true, "run.now": true, "run.ready": true, "run.queued": true, "run.Plan": true, "run.Header": true, "run.Language": true, "run.Kept": true,
	"params": true, "retry": true, "timeout": true, "template": true, "run.Snapshots": true,
}

// differ compares two values field by field.
func differ(at string, got, want reflect.Value) string {
	var b strings.Builder
	switch want.Kind() {
	case reflect.Struct:
		for i := range want.NumField() {
			name := want.Type().Field(i).Name
			if path := at + "." + name; !remembered[path] && !remembered[name] {
				b.WriteString(differ(path, got.Field(i), want.Field(i)))
			}
		}
	case reflect.Slice:
		if got.Len() != want.Len() {
			return fmt.Sprintf("%s: %d elements, want %d\n", at, got.Len(), want.Len())
		}
		for i := range want.Len() {
			b.WriteString(differ(fmt.Sprintf("%s[%d]", at, i), got.Index(i), want.Index(i)))
		}
	case reflect.Pointer:
		if got.IsNil() != want.IsNil() {
			return fmt.Sprintf("%s: one of them is nil\n", at)
		}
		if !want.IsNil() {
			return differ(at, got.Elem(), want.Elem())
		}
	default:
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			fmt.Fprintf(&b, "%s: %s, want %s\n", at, g, w)
		}
	}
	return b.String()
}

func newInner(t testing.TB, steps []string) *Run {
	t.Helper()
	n, err := doc.ParseJSON([]byte(`{"workflow":{"id":"wf","steps":[`+strings.Join(steps, ",")+`]}}`), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var problems doc.Problems
	req := spec.DecodePushRequest(n, spec.Rules{}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	dag, err := spec.BuildDAG(req.Workflow.Steps, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := New(&Header{}, NewPlan(req.Workflow, dag), plain{})
	r.WorkflowID, r.Instance, r.Number, r.UUID = "wf", 1, 1, "00000000-0000-4000-8000-000000000000"
	return r
}

// plain is a language in which every condition is true.
type plain struct{ Language }

func (plain) StepParams(*Run, int, int64) (*param.Params, []byte, error) {
	return &param.Params{}, []byte{0}, nil
}

func (plain) RestoreStepParams(*Run, int, *Attempt, []byte) (*param.Params, error) {
	return &param.Params{}, nil
}

func (plain) Conditions(r *Run, step int, now int64) ([]EdgeResult, []byte, error) {
	out := make([]EdgeResult, len(r.Plan.Nodes[step].Successors))
	for i, e := range r.Plan.Nodes[step].Successors {
		out[i] = EdgeResult{Done: true, True: !e.Always || e.Constant, At: now, Note: "n"}
	}
	return out, nil, nil
}

func (plain) Timeout(r *Run, step int) (int64, error) {
	t := r.Plan.Nodes[step].Step.Timeout
	if !t.IsSet() {
		return defaultTimeout, nil
	}
	d, err := t.Duration(nil)
	return d.Milliseconds(), err
}

func (plain) Retry(r *Run, step int) spec.Retry {
	return r.Plan.Nodes[step].Step.Retry.ResolveOrDefault(nil)
}

func (plain) Output(*Run, int, []byte, int64) (*param.Params, []byte, map[string][]byte, error) {
	return nil, nil, map[string][]byte{"z": []byte(`{}`)}, nil
}
func (plain) Dependencies(*Run, int, int64) ([]byte, error) { return nil, nil }
func (plain) Signals(*Run, int, int64) ([]byte, error)      { return nil, nil }
