package instance_test

import (
	"errors"
	"testing"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
)

func codeOf(err error) api.Code {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e.Code
	}
	return ""
}

// TestSimultaneousActions has four actions on one step arrive at the same time: one is done, and the others are told which.
func TestSimultaneousActions(t *testing.T) {
	t.Parallel()
	four := []instance.Action{instance.Stop, instance.Kill, instance.Skip, instance.Stop}
	for name, step := range map[string]string{
		"a runtime has to let go":      `{"step":{"id":"a","type":"Shell"}}`,
		"the step ends at once":        `{"step":{"id":"a","type":"Sleep"}}`,
		"failures of it are not fatal": `{"step":{"id":"a","type":"Sleep","failure_mode":"IGNORE_FAILURE"}}`,
	} {
		for first := range four {
			// Another step keeps the run alive, or the end of the step is the end of the run.
			for _, steps := range [][]string{{step}, {step, `{"step":{"id":"z","type":"Shell"}}`}} {
				r := newRun(t, steps)
				if _, err := instancetest.Apply(r, instance.Start{At: 1000}); err != nil {
					t.Fatal(err)
				}
				var done []instance.Action
				for i := range four {
					action := four[(first+i)%len(four)]
					_, err := instancetest.Apply(r, instance.ActOnStep{At: 2000 + int64(i), Asked: 2000, Step: "a", Action: action, User: "u", Reason: "r"})
					switch {
					case err == nil:
						done = append(done, action)
					case codeOf(err) != api.Conflict:
						t.Errorf("%s: %s after %v: %v", name, action, done, err)
					}
				}
				if len(done) != 1 || done[0] != four[first] {
					t.Errorf("%s: %v were done", name, done)
				}
			}
		}
	}
}

// TestLaterAction says that an action which is asked for after the end of another one is judged by what it finds.
func TestLaterAction(t *testing.T) {
	t.Parallel()
	r := newRun(t, []string{`{"step":{"id":"a","type":"Sleep"}}`, `{"step":{"id":"z","type":"Shell"}}`})
	if _, err := instancetest.Apply(r, instance.Start{At: 1000}); err != nil {
		t.Fatal(err)
	}
	if _, err := instancetest.Apply(r, instance.ActOnStep{At: 2000, Asked: 2000, Step: "a", Action: instance.Stop, User: "u"}); err != nil {
		t.Fatal(err)
	}
	if _, err := instancetest.Apply(r, instance.ActOnStep{At: 2500, Asked: 2500, Step: "a", Action: instance.Kill, User: "u"}); codeOf(err) != api.BadRequest {
		t.Errorf("a kill of a stopped step: %v", err)
	}
	if pass, err := instancetest.Apply(r, instance.ActOnStep{At: 2600, Asked: 2600, Step: "a", Action: instance.Skip, User: "u"}); err != nil || pass.Acted.Action != instance.Restart {
		t.Errorf("a skip of a stopped step is a restart that skips it: %+v, %v", pass.Acted, err)
	}
}
