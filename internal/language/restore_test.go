package language_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/param"
	"maestro/spec"
)

// TestRestoredIsEvaluated starts a run of everything that the recorded cases push, with everything they start it with, and
// restarts it with its own params. What is restored of it is what was evaluated: a run goes on with the one and is loaded
// with the other.
func TestRestoredIsEvaluated(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../conformance/runs/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded cases: %v", err)
	}
	defaults, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	l := language.New(language.Config{Exprs: scope.New(scope.Config{}), Defaults: defaults})
	runs := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, err := doc.ParseJSON(text, doc.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		plans := make(map[string]*instance.Plan)
		for _, call := range n.Field("calls").Items {
			path, body := call.Field("path").Text, call.Field("body")
			switch {
			case path == "/api/v3/workflows" && body != nil:
				var p doc.Problems
				q := spec.DecodePushRequest(body, spec.Rules{}, &p)
				if p.Failed() || q.Workflow == nil {
					continue
				}
				if dag, err := spec.BuildDAG(q.Workflow.Steps, nil, nil); err == nil {
					plans[string(q.Workflow.ID)] = instance.NewPlan(q.Workflow, dag)
				}
			case strings.HasSuffix(path, "/actions/start"):
				plan := plans[strings.Split(path, "/")[4]]
				var p doc.Problems
				given := param.DecodeDefs(body.Field("run_params"), "run_params", &p, param.DecodeOptions{})
				if plan == nil || p.Failed() {
					continue
				}
				runs += restores(t, l, filepath.Base(file), plan, given)
			}
		}
	}
	if runs < 500 {
		t.Errorf("only %d runs were started", runs)
	}
}

// restores starts a run and a restart of it, and compares what is restored of them. It returns how many it started.
func restores(t *testing.T, l *language.Language, name string, plan *instance.Plan, given *param.Defs) int {
	t.Helper()
	s := &language.RunStart{WorkflowID: string(plan.Workflow.ID), Owner: "o", Plan: plan, RunParams: given, Now: 1700000000000}
	for n := range 2 {
		ev, err := l.Start(s)
		if err != nil {
			return n // it is recorded as a failure, or needs what the case had before
		}
		h := &instance.Header{
			HasParams: true, Params: ev.Stored, Defaults: l.Fingerprint(), Policy: s.Policy, Properties: []byte(`{"owner":"o"}`),
		}
		if n == 0 && given.Len() > 0 {
			h.RunParams = given
		}
		h, err = instance.DecodeHeader(h.AppendHeader(nil))
		if err != nil {
			t.Fatal(err)
		}
		r := instance.New(h, plan, l)
		r.WorkflowID = s.WorkflowID
		got, err := l.RunParams(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return n
		}
		compareParams(t, name, got, ev.Params)
		s.Restart, s.Policy, s.Previous, s.RunParams, s.RestartParams = true, "RESTART_FROM_BEGINNING", ev.Params, nil, given
	}
	return 2
}

// compareParams compares all that expressions, merging and clients see of params.
func compareParams(t *testing.T, name string, got, want *param.Params) {
	t.Helper()
	if a, b := string(got.AppendJSON(nil)), string(want.AppendJSON(nil)); a != b {
		t.Errorf("%s: restored\n%s, evaluated\n%s", name, a, b)
		return
	}
	for i := range want.Len() {
		g, w := got.Ref(i), want.Ref(i)
		if got.Name(i) != want.Name(i) || !g.Def.Equal(w.Def) || g.Def.Source != w.Def.Source || g.Def.InternalMode != w.Def.InternalMode ||
			!g.Result.Equal(w.Result) || g.Time != w.Time || g.Note != w.Note || g.Evaluated != w.Evaluated {
			t.Errorf("%s: param %s is restored as %+v, evaluated %+v", name, want.Name(i), g, w)
		}
	}
	a, aerr := got.ToDefs()
	b, berr := want.ToDefs()
	if (aerr == nil) != (berr == nil) || aerr == nil && string(a.AppendStored(nil)) != string(b.AppendStored(nil)) {
		t.Errorf("%s: a restart takes over\n%s, %v, of what was evaluated\n%s, %v", name, a.AppendStored(nil), aerr, b.AppendStored(nil), berr)
	}
}
