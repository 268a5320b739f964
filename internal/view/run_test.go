package view_test

import (
	"strings"
	"testing"

	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
	"maestro/internal/view"
	"maestro/param"
	"maestro/spec"
)

// built is a run made by events, with the journal that they gave.
type built struct {
	*instance.Run
	t       *testing.T
	lang    *fakeLanguage
	entries [][]byte
	now     int64
}

// build makes a run of a workflow whose steps are given as JSON.
func build(t *testing.T, steps string) *built {
	t.Helper()
	w := spec.DecodeWorkflow(nodeOf(t, `{"id":"wf","name":"The workflow","steps":[`+steps+`]}`), spec.Rules{}, problems(t))
	graph, err := spec.BuildDAG(w.Steps, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := &instance.Header{
		Requested: 1000, Initiator: instance.ManualInitiator("alice"), Properties: []byte(`{"create_time":5,"owner":"alice"}`),
		RunParams: new(param.Defs), GroupInfo: 7,
	}
	h.RunParams.Set("day", param.Literal(param.LongValue(1)))
	lang := &fakeLanguage{params: map[string]*param.Params{}, fails: map[int]bool{}, untrue: map[int]bool{}}
	r := instance.New(h, instance.NewPlan(w, graph), lang)
	r.ID, r.WorkflowID, r.Internal, r.Instance, r.Number, r.Version = 42, "wf", 10000, 3, 1, 2
	r.UUID, r.Created, r.Modified, r.History = "6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f", 1000, 1000, true
	r.Params = numbered(2, 1000)
	return &built{Run: r, t: t, lang: lang, now: 1000}
}

// apply gives the run an event; the entry it makes joins the journal.
func (b *built) apply(ev instance.Event) *built {
	b.t.Helper()
	pass, err := instancetest.Apply(b.Run, ev)
	if err != nil {
		b.t.Fatal(err)
	}
	b.entries = append(b.entries, instance.AppendEntry(nil, pass.Records))
	return b
}

func (b *built) start() *built {
	b.now += 10
	return b.apply(instance.Start{At: b.now})
}

func (b *built) done(step int, outcome instance.Outcome, lines ...instance.Line) *built {
	b.now += 10
	return b.apply(instance.Reported{At: b.now, Step: step, Attempt: b.Steps[step].Number, Outcome: outcome, Begun: true, Lines: lines})
}

func (b *built) wake(after int64) *built {
	b.now += after
	return b.apply(instance.Wake{At: b.now})
}

const (
	noop   = `{"step":{"id":"a","type":"NoOp"}}`
	chain  = `{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"NoOp"}}`
	outer  = `{"step":{"id":"a","type":"Http"}}`
	ignore = `{"step":{"id":"a","type":"Http","failure_mode":"IGNORE_FAILURE"}}`
	branch = `{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"x > 1"}}}},{"step":{"id":"b","type":"NoOp"}}`
	sleep  = `{"step":{"id":"a","type":"Sleep"}}`
	signal = `{"step":{"id":"a","type":"NoOp","signal_dependencies":[{"name":"s"}]}}`
)

func TestInstanceOfFinishedRun(t *testing.T) {
	b := build(t, chain).start()
	got := string(view.AppendInstance(nil, view.Instance{Run: b.Run, Enriched: true, Aggregate: view.AllRuns}))
	want := `{"workflow_id":"wf","workflow_instance_id":3,"workflow_run_id":1,"workflow_uuid":"6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f",` +
		`"correlation_id":"wf:3:1","workflow_version_id":2,"group_info":7,"internal_id":10000,` +
		`"execution_id":"6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f","run_config":{"policy":"START_FRESH_NEW_RUN"},` +
		`"run_params":{"day":{"value":1,"type":"LONG"}},"run_properties":{"create_time":5,"owner":"alice"},` +
		`"runtime_workflow":{"id":"wf","name":"The workflow","steps":[{"step":{"id":"a","transition":{"successors":{"b":"true"}},"type":"NoOp"}},` +
		`{"step":{"id":"b","transition":{},"type":"NoOp"}}]},` +
		`"runtime_dag":{"a":{"successors":{"b":"true"}},"b":{"predecessors":["a"]}},` +
		`"params":{"a":{"value":0,"type":"LONG","evaluated_result":0,"evaluated_time":1000},"b":{"value":1,"type":"LONG","evaluated_result":1,"evaluated_time":1000}},` +
		`"initiator":{"depth":0,"type":"MANUAL","user":"alice"},"status":"SUCCEEDED","request_time":1000,"create_time":1000,` +
		`"start_time":1010,"end_time":1010,"modify_time":1010,` +
		`"runtime_overview":{"total_step_count":2,"step_overview":{"SUCCEEDED":{"cnt":2,"steps":[[1,1010,1010],[2,1010,1010]]}},` +
		`"rollup_overview":{"total_leaf_count":2,"overview":{"SUCCEEDED":{"cnt":2}}}},` +
		`"timeline":[{"timestamp":1000,"type":"STATUS","status":"CREATED"},{"timestamp":1010,"type":"STATUS","status":"IN_PROGRESS"},` +
		`{"timestamp":1010,"type":"STATUS","status":"SUCCEEDED"}],` +
		`"aggregated_info":{"workflow_instance_status":"SUCCEEDED","step_aggregated_views":{` +
		`"a":{"workflow_run_id":1,"status":"SUCCEEDED","start_time":1010,"end_time":1010},` +
		`"b":{"workflow_run_id":1,"status":"SUCCEEDED","start_time":1010,"end_time":1010}}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestInstanceWithoutItsTurn looks at runs that wait, and at those that ended while they waited.
func TestInstanceWithoutItsTurn(t *testing.T) {
	queued := build(t, noop)
	queued.apply(instance.Queue{At: 1000})
	show := func(b *built) string {
		return string(view.AppendInstance(nil, view.Instance{Run: b.Run, Enriched: true}))
	}
	for _, absent := range []string{"execution_id", "start_time", "end_time", "runtime_overview", "timeline", "aggregated_info"} {
		if got := show(queued); strings.Contains(got, `"`+absent+`"`) {
			t.Errorf("a queued run has %s: %s", absent, got)
		}
	}
	stopped := build(t, noop)
	stopped.apply(instance.EndQueued{At: 1200, Status: instance.RunStopped, Line: instance.WarnLine("why")})
	stopped.Started = 1200 // as LAST_ONLY has it
	got := show(stopped)
	for _, want := range []string{`"status":"STOPPED"`, `"start_time":1200,"end_time":1200`,
		`{"timestamp":1200,"type":"LOG","level":"WARN","message":"why"}`, `"status":"IN_PROGRESS"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "execution_id") || strings.Contains(got, "runtime_overview") {
		t.Errorf("it looks as if it had begun: %s", got)
	}
}

func TestStepAttempts(t *testing.T) {
	b := build(t, outer).start().done(0, instance.OutcomeUserError, instance.DetailsLine("INTERNAL_ERROR", "no", "IOException: gone"))
	b.wake(120_000)
	first := string(view.AppendStep(nil, view.Step{Run: b.Run, Attempt: 1, Enriched: true}))
	for _, want := range []string{
		`"step_attempt_id":1`, `"status":"USER_FAILED"`, `"error_retries":0`, `"retryable":true`,
		`"params":{"maestro_step_satisfied":{"value":true,"type":"BOOLEAN","evaluated_result":true,"evaluated_time":1010},"a":`,
		`"errors":["IOException: gone"],"retryable":false},{"timestamp":1020,"type":"LOG","level":"INFO","message":"Retrying task in [1m]"},` +
			`{"timestamp":1020,"type":"STATUS","status":"USER_FAILED"}]`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %s in the first attempt: %s", want, first)
		}
	}
	second := string(view.AppendStep(nil, view.Step{Run: b.Run}))
	for _, want := range []string{`"step_attempt_id":2`, `"status":"STARTING"`, `"error_retries":1`, `"timeline":[]`} {
		if !strings.Contains(second, want) {
			t.Errorf("no %s in the second attempt: %s", want, second)
		}
	}
	if (view.Step{Run: b.Run, Attempt: 3}).Find() != nil {
		t.Error("there is a third attempt")
	}
}

func TestUnsatisfiedStep(t *testing.T) {
	b := build(t, branch)
	b.lang.untrue[0] = true
	b.start()
	i, _ := b.Plan.Ordinal("b")
	got := string(view.AppendStep(nil, view.Step{Run: b.Run, Ordinal: i}))
	if want := `"params":{"maestro_step_satisfied":{"value":false,"type":"BOOLEAN","evaluated_result":false,"evaluated_time":1010}}`; !strings.Contains(got, want) {
		t.Errorf("no %s in %s", want, got)
	}
	i, _ = b.Plan.Ordinal("a")
	got = string(view.AppendStep(nil, view.Step{Run: b.Run, Ordinal: i}))
	if want := `"successors":{"b":{"expression":"x > 1","type":"BOOLEAN","evaluated_result":false,"evaluated_time":1010}}`; !strings.Contains(got, want) {
		t.Errorf("no %s in %s", want, got)
	}
}

func TestBypassedSignal(t *testing.T) {
	b := build(t, signal).start()
	waiting := string(view.AppendStep(nil, view.Step{Run: b.Run}))
	if want := `"signal_dependencies":{"dependencies":[{"name":"s","status":"PENDING"}]},`; !strings.Contains(waiting, want) {
		t.Errorf("no %s in %s", want, waiting)
	}
	b.apply(instance.ActOnStep{At: 1500, Step: "a", Action: instance.Bypass, User: "bob"})
	got := string(view.AppendStep(nil, view.Step{Run: b.Run}))
	want := `{"name":"s","status":"SKIPPED"}],"info":{"timestamp":1500,"type":"LOG","level":"INFO","message":"Signal step dependencies have been bypassed by user [bob]"}}`
	if !strings.Contains(got, want) {
		t.Errorf("no %s in %s", want, got)
	}
}

func TestOneLine(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for _, c := range []struct {
		line instance.Line
		want string
	}{
		{instance.InfoLine(" said \n more"), "said"},
		{instance.DetailsLine("X", "message", "cause\n  at"), "cause"},
		{instance.InfoLine(long), strings.Repeat("ä", 150) + "…"},
	} {
		if got := view.OneLine(&c.line); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestRestartedStep restarts a failed step by hand while another one runs.
func TestRestartedStep(t *testing.T) {
	b := build(t, outer+`,{"step":{"id":"z","type":"Http"}}`).start().done(0, instance.OutcomeFatalError)
	b.apply(instance.ActOnStep{At: 1500, Step: "a", Action: instance.Restart, User: "bob", Data: []byte(`{"step_restart_params":{"a":{}}}`)})
	got := string(view.AppendStep(nil, view.Step{Run: b.Run}))
	want := `"step_run_params":{},"restart_config":{"restart_path":[{"workflow_id":"wf","instance_id":3,"step_id":"a"}],` +
		`"restart_policy":"RESTART_FROM_SPECIFIC","downstream_policy":"RESTART_FROM_INCOMPLETE","step_restart_params":{"a":{}}},`
	if !strings.Contains(got, want) || !strings.Contains(got, `"manual_retries":1,"retryable":false`) {
		t.Errorf("no %s in %s", want, got)
	}
	if got := string(view.AppendStep(nil, view.Step{Run: b.Run, Attempt: 1})); strings.Contains(got, "restart_config") {
		t.Errorf("the first attempt was not restarted: %s", got)
	}
}

// TestRuntimeTags shows where the tags of a start are seen, and those that a restart took over.
func TestRuntimeTags(t *testing.T) {
	b := build(t, noop)
	b.Header.Tags = spec.Tags{{Name: "r"}}
	show := func() string { return string(view.AppendInstance(nil, view.Instance{Run: b.Run})) }
	if got := show(); !strings.Contains(got, `"run_config":{"runtime_tags":[{"name":"r"}],"policy":`) || !strings.Contains(got, `"tags":[{"name":"r"}],"steps"`) {
		t.Errorf("started: %s", got)
	}
	b.Header.Restart, b.Header.Policy = []byte(`{"restart_policy":"P"}`), "RESTART_FROM_BEGINNING"
	if got := show(); !strings.Contains(got, `"run_config":{"policy":"RESTART_FROM_BEGINNING","restart_config":{"restart_policy":"P"}}`) || !strings.Contains(got, `"tags":[{"name":"r"}],"steps"`) {
		t.Errorf("restarted: %s", got)
	}
}
