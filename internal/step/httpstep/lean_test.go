package httpstep

import (
	"net/http"
	"slices"
	"testing"

	"maestro/internal/step"
	"maestro/param"
)

// TestLean shows which params an attempt keeps while it waits: those that its expression can read.
func TestLean(t *testing.T) {
	t.Parallel()
	names := func(p *param.Params) (out []string) {
		for name := range p.All() {
			out = append(out, name)
		}
		slices.Sort(out)
		return out
	}
	for _, c := range []struct {
		reads     []string
		all       bool
		own, work []string
	}{
		{nil, false, []string{"http", "state_expr"}, nil},
		{[]string{"status_code", "mine", "theirs"}, false, []string{"http", "mine", "state_expr"}, []string{"theirs"}},
		{nil, true, []string{"http", "large", "mine", "state_expr"}, []string{"large", "theirs"}},
	} {
		s := server(t, func(http.ResponseWriter, *http.Request) {})
		var seen *step.Attempt
		rt := open(t, Config{
			Names:    func(string) ([]string, bool) { return c.reads, c.all },
			Evaluate: func(a *step.Attempt, _ string, _ int64, _ string) (string, error) { seen = a; return "DONE", nil },
		})
		a := attempt(s.URL)
		text := param.Param{Result: param.StringValue("x"), Evaluated: true}
		a.Params.Set("mine", text)
		a.Params.Set("large", text)
		a.WorkflowParams = &param.Params{}
		a.WorkflowParams.Set("theirs", text)
		a.WorkflowParams.Set("large", text)
		if _, rep := run(t, rt, a); rep.State != step.Done {
			t.Fatalf("%+v", rep)
		}
		if own, work := names(seen.Params), names(seen.WorkflowParams); !slices.Equal(own, c.own) || !slices.Equal(work, c.work) {
			t.Errorf("reads %v (all: %v): keeps %v and %v of the workflow, want %v and %v", c.reads, c.all, own, work, c.own, c.work)
		}
		if a.Params.Len() != 4 || a.WorkflowParams.Len() != 2 {
			t.Error("the engine's attempt was changed")
		}
	}
}
