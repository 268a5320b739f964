package engine_test

import (
	"strings"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/view"
)

// TestConditionsOfText shows on the edge of a transition that its condition gave a text and no boolean, of a step that ran
// and of one that was skipped before its params were evaluated, in the life of an engine and in the next one.
func TestConditionsOfText(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel,
			`{"step":{"id":"a","type":"NoOp","params":{"yes":{"type":"STRING","value":"TRUE"}},"transition":{"successors":{"b":"'true'","c":"yes","d":"1 == 1"}}}}`,
			`{"step":{"id":"b","type":"NoOp","signal_dependencies":[{"name":"never"}],"transition":{"successors":{"e":"'False'"}}}}`,
			`{"step":{"id":"c","type":"NoOp"}}`, `{"step":{"id":"d","type":"NoOp"}}`, `{"step":{"id":"e","type":"NoOp"}}`)
		e, _ := l.open(engine.Config{}, nil)
		s := l.start(e, "wf")
		idle()
		if _, err := e.ActOnStep(t.Context(), engine.StepAction{WorkflowID: "wf", Instance: s.Instance, Step: "b", Action: instance.Skip, User: "u"}); err != nil {
			t.Fatal(err)
		}
		idle()
		look := func() {
			t.Helper()
			r, err := e.LoadAny(l.row(s).ID)
			if err != nil {
				t.Fatal(err)
			}
			for step, want := range map[string]int{"a": 2, "b": 1, "c": 0} {
				n, _ := r.Plan.Ordinal(step)
				text := string(view.AppendStep(nil, view.Step{Run: r, Ordinal: n}))
				if got := strings.Count(text, `"warn":"Implicitly converted the evaluated result to a boolean for type String"`); got != want {
					t.Errorf("step %s has %d warnings, want %d: %s", step, got, want, text)
				}
			}
		}
		look()
		l.close(e)
		e, _ = l.open(engine.Config{}, nil)
		look()
		l.close(e)
	})
}
