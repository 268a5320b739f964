package scope_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/scope"
	"maestro/param"
)

// world is a World made of literals.
type world struct {
	steps   map[string]scope.FinishedStep
	signals map[string]param.Value // by "signal/param"
	deps    []map[string]param.Value
	foreach []param.Value
	stop    bool
}

func (w *world) FinishedStep(id string) (scope.FinishedStep, bool) {
	s, ok := w.steps[id]
	return s, ok
}

var errNotLoaded = errors.New("not loaded")

func (w *world) Signal(name, p string) (param.Value, error) {
	if v, ok := w.signals[name+"/"+p]; ok {
		return v, nil
	}
	return param.Value{}, errNotLoaded
}

func (w *world) SignalDependency(n int, p string) (param.Value, error) {
	if n < len(w.deps) {
		if v, ok := w.deps[n][p]; ok {
			return v, nil
		}
	}
	return param.Value{}, errNotLoaded
}

func (w *world) Foreach(_, _, _ string) ([]param.Value, error) { return w.foreach, nil }

func (w *world) Subworkflow(step, inner, p string) (param.Value, error) {
	return param.StringValue(step + "." + inner + "." + p), nil
}

func (w *world) NextUniqueID() (int64, error) { return 77, nil }
func (w *world) Random() uint64               { return 4 }
func (w *world) Cancelled() bool              { return w.stop }

func defsOf(t testing.TB, text string) *param.Defs {
	t.Helper()
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defs, err := decode(n, "")
	if err != nil {
		t.Fatal(err)
	}
	return defs
}

// literals returns evaluated params with the given values.
func literals(pairs ...any) *param.Params {
	out := &param.Params{}
	for i := 0; i < len(pairs); i += 2 {
		var v param.Value
		switch x := pairs[i+1].(type) {
		case string:
			v = param.StringValue(x)
		case int:
			v = param.LongValue(int64(x))
		case bool:
			v = param.BooleanValue(x)
		case []int64:
			v = param.LongArrayValue(x)
		}
		out.Set(pairs[i].(string), param.Param{Def: param.EvaluatedLiteral(v), Result: v, Time: 5, Evaluated: true})
	}
	return out
}

// inStep evaluates one expression as a param of step me and returns its text or its failure.
func inStep(w scope.World, own, expr string) string {
	x := scope.New(scope.Config{Environment: "prod"})
	c := &scope.StepScope{
		Run:      &scope.Run{WorkflowID: "w", InstanceID: 3, RunID: 2, Initiator: "TIME", InitiatorZone: "Asia/Tokyo", Policy: "START_FRESH_NEW_RUN", Owner: "o"},
		Step:     &scope.Step{ID: "me", UUID: "u", InstanceID: 8, AttemptID: 4, Type: "NOOP", ErrorRetries: 1},
		Workflow: literals("x", 10, "s", "wf"), World: w, Now: now,
	}
	defs := &param.Defs{}
	if own != "" {
		n, err := doc.ParseJSON([]byte(own), doc.Limits{})
		if err != nil {
			return err.Error()
		}
		if defs, err = decode(n, ""); err != nil {
			return err.Error()
		}
		defs = defs.Clone(1)
	}
	d := param.Expression(param.String, expr)
	if strings.HasPrefix(expr, "text ") {
		d = param.Literal(param.StringValue(expr[5:]))
	}
	defs.Set("result", d)
	p, err := x.EvaluateStep(defs, c)
	if err != nil {
		return param.AsError(err).Detail()
	}
	return p.Lookup("result").Result.Str()
}

func TestStepNames(t *testing.T) {
	w := &world{
		steps: map[string]scope.FinishedStep{
			"a":     {Status: "SUCCEEDED", End: 123, Params: literals("p", "pa", "n", 5, "_q", "under")},
			"b_":    {Status: "SUCCEEDED", Params: literals("p", "from b_")},
			"c":     {Status: "SUCCEEDED", Params: literals("_p", "c with _p")},
			"d":     {Params: literals()},
			"d_":    {Params: literals()},
			"job.1": {Status: "FATALLY_FAILED", Params: literals("p", "dotted")},
			"skip":  {Status: "SKIPPED"},
		},
		signals: map[string]param.Value{"sig/day": param.LongValue(20240102), "/t": param.StringValue("trigger")},
	}
	for _, c := range []struct{ own, expr, want string }{
		{"", "x", "10"},
		{"", "a__p", "pa"},
		{"", "text ${a__p}/$a__n/${job.1__p}", "pa/5/dotted"},
		{"", "text $job.1__p", "MaestroInternalError: Cannot find the referenced param [job] in step [me] or upstream steps or the workflow"},
		{"", "a__none", "MaestroInternalError: Cannot find the referenced param name [none] in step [a]"},
		{"", "skip__p", "MaestroInternalError: Cannot find the referenced param name [p] in step [skip]"},
		{"", "b___p", "from b_"},
		{"", "c___p", "c with _p"},
		{"", "d___p", "IllegalArgumentException: reference [d___p] is ambiguous: steps [d] and [d_] both exist"},
		{"", "e___p", "IllegalArgumentException: reference [e___p] is ambiguous: neither step [e] nor step [e_] has finished"},
		{"", "sig__day", "20240102"},
		{"", "text ${sig__day}", "20240102"},
		{"", "__t", "MaestroInvalidExpressionException: Failed to evaluate the param with a definition: [__t]. Please check if there is a typo in the expression."},
		{"", "nosuch__p", "MaestroInvalidExpressionException: Failed to evaluate the param with a definition: [nosuch__p]. Please check if there is a typo in the expression."},
		{"", "nobody", "MaestroInternalError: Cannot find the referenced param [nobody] in step [me] or upstream steps or the workflow"},
		// The own id works for own params, evaluated on demand.
		{`{"y":{"expression":"1 + 1","type":"LONG"}}`, "'' + me__y", "2"},
		{"", "me__y", "MaestroInternalError: Cannot find the referenced param name [y] in step [me]"},
		// An evaluated step param hides the workflow's; one that is not evaluated yet does not.
		{`{"x":{"value":"step","type":"STRING"}}`, "x", "step"},
		{`{"y":{"expression":"x + 1","type":"LONG"},"x":{"value":"step","type":"STRING"}}`, "'' + y", "11"},
		{`{"x":{"expression":"x + 1","type":"LONG"}}`, "'' + x", "11"},
		{`{"a1":{"expression":"b1","type":"LONG"},"b1":{"expression":"a1","type":"LONG"}}`, "1", "IllegalArgumentException: In step [me], param [a1] definition contains a cyclic reference chain"},
		// params sees workflow params, never other step params, but the bare name as it resolves.
		{"", "'' + params.get('x') + params['s'] + params.containsKey('x') + params.containsKey('y')", "10wftruefalse"},
		{`{"y":{"value":"own","type":"STRING"}}`, "'' + params.get('y')", "null"},
		{`{"y":{"value":"own","type":"STRING"}}`, "y + params.get('y')", "ownown"},
	} {
		if got := inStep(w, c.own, c.expr); got != c.want {
			t.Errorf("%s with %s: got %s, want %s", c.expr, c.own, got, c.want)
		}
	}
}

func TestStepFunctions(t *testing.T) {
	w := &world{
		steps:   map[string]scope.FinishedStep{"a": {Status: "SUCCEEDED", End: 123, Params: literals("p", "pa")}, "b": {Status: "STOPPED"}},
		signals: map[string]param.Value{"sig/day": param.LongValue(20240102), "/t": param.StringValue("trigger")},
		deps:    []map[string]param.Value{{"v": param.StringValue("dep")}},
		foreach: []param.Value{param.LongValue(1), {}, param.LongValue(3)},
	}
	fails := func(expr string) string {
		return "MaestroInvalidExpressionException: BAD_REQUEST - Expression evaluation throws an exception for expr=[" + expr + "]"
	}
	for _, c := range [][2]string{
		{"params.getFromInstance('workflow_id')", "w"},
		{"'' + params.getFromInstance('workflow_instance_id') + params.getFromInstance('workflow_run_id')", "32"},
		{"params.getFromInstance('INITIATOR_TYPE')", "TIME"},
		{"params.getFromInstance('INITIATOR_TIMEZONE')", "Asia/Tokyo"},
		{"params.getFromInstance('RUN_POLICY')", "START_FRESH_NEW_RUN"},
		{"params.getFromInstance('owner')", ""},
		{"params.getFromInstance('FIRST_TIME_TRIGGER_TIMEZONE')", ""},
		{"params.getFromInstance('INITIATOR_RUNNER_NAME')", ""},
		{"params.getFromStep('step_id')", "me"},
		{"'' + params.getFromStep('step_instance_id') + params.getFromStep('step_attempt_id')", "84"},
		{"params.getFromStep('step_type_info')", "NOOP"},
		{"'' + params.getFromStep('MAESTRO_STEP_ERROR_RETRIES')", "1"},
		{"params.getFromStep('nothing')", ""},
		{"params.getFromStep('a', 'p')", "pa"},
		{"params.getFromStep('a', 'MAESTRO_STEP_STATUS')", "SUCCEEDED"},
		{"'' + params.getFromStep('a', 'MAESTRO_STEP_END_TIME')", "123"},
		{"params.getFromStep('b', 'MAESTRO_STEP_END_TIME')", ""},
		{"params.getFromStep('me', 'MAESTRO_STEP_STATUS')", ""},
		{"params.getFromStep('a', 'none')", ""},
		{"params.getFromSignal('t')", "trigger"},
		{"'' + params.getFromSignal('sig', 'day')", "20240102"},
		{"params.getFromSignal('sig', 'none')", ""},
		{"params.getFromSignalOrDefault('sig', 'none', 'def')", "def"},
		{"params.getFromSignalDependency('0', 'v')", "dep"},
		{"params.getFromSignalDependency('1', 'v')", ""},
		{"params.getFromSignalDependency('x', 'v')", ""},
		{"Util.toJson(params.getFromForeach('loop', 'in', 'n'))", "[1,0,3]"},
		{"params.getFromSubworkflow('s', 'in', 'p')", "s.in.p"},
		{"'' + params.nextUniqueId()", "77"},
		{"params.getExecutionEnvironment()", "prod"},
		{"params.nothing('a')", ""},
		{"params.getFromStep(1)", ""},
	} {
		want := c[1]
		if want == "" {
			want = fails(c[0])
		}
		if got := inStep(w, "", c[0]); got != want {
			t.Errorf("%s: got %s, want %s", c[0], got, want)
		}
	}
	w.foreach = []param.Value{{}, {}}
	if got, want := inStep(w, "", "Util.toJson(params.getFromForeach('l', 'i', 'n'))"), fails("Util.toJson(params.getFromForeach('l', 'i', 'n'))"); got != want {
		t.Errorf("got %s", got)
	}
}

// What the world lacks shows through the errors, so that an engine can load it and try again.
func TestWorldErrorsShowThrough(t *testing.T) {
	x := scope.New(scope.Config{})
	c := &scope.StepScope{Run: &scope.Run{}, Step: &scope.Step{ID: "me"}, World: &world{}}
	for _, expr := range []string{"params.getFromSignal('a', 'b')", "a__b"} {
		defs := &param.Defs{}
		defs.Set("p", param.Expression(param.String, expr))
		if _, err := x.EvaluateStep(defs, c); !errors.Is(err, errNotLoaded) {
			t.Errorf("%s: %v does not tell that something is not loaded", expr, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	got := inStep(&world{stop: true}, "", "for (int i = 0; i < 20000; i += 1) { for (int j = 0; j < 20000; j += 1) { } } return 'x';")
	if !strings.HasPrefix(got, "MaestroInternalError: ") {
		t.Errorf("got %s", got)
	}
}

func TestWorkflowLevel(t *testing.T) {
	x := scope.New(scope.Config{})
	run := &scope.Run{WorkflowID: "w", InstanceID: 3, RunID: 2, Initiator: "MANUAL", Runner: "me", Owner: "o", FirstTriggerZone: "UTC"}
	w := &world{signals: map[string]param.Value{"sig/day": param.LongValue(5)}, steps: map[string]scope.FinishedStep{"a": {Params: literals("p", 1)}}}
	for _, c := range [][2]string{
		{"params.getFromInstance('owner') + params.getFromInstance('FIRST_TIME_TRIGGER_TIMEZONE') + params.getFromInstance('INITIATOR_RUNNER_NAME')", "oUTCme"},
		{"'[' + params.getFromInstance('workflow_instance_id') + params.getFromInstance('workflow_run_id') + ']'", "[]"},
		{"'' + sig__day + params.getFromSignal('sig', 'day')", "55"},
		{"'' + params.get('y')", "null"},
		{"'' + y + params.get('y')", "77"},
		{"params.getFromStep('step_id')", "error"},
		{"params.getFromStep('a', 'p')", "error"},
		{"'' + a__p", "error"},
		{"nobody", "error"},
	} {
		defs := defsOf(t, `{"y":{"value":7,"type":"LONG"}}`).Clone(1)
		defs.Set("r", param.Expression(param.String, c[0]))
		p, err := x.EvaluateWorkflow(nil, defs, run, w, now)
		got := "error"
		if err == nil {
			got = p.Lookup("r").Result.Str()
		}
		if got != c[1] {
			t.Errorf("%s: got %s (%v), want %s", c[0], got, err, c[1])
		}
	}
}

func TestDryRunSignals(t *testing.T) {
	x := scope.New(scope.Config{})
	w := scope.DryRun{TriggerParams: map[string]bool{"p": true}, SignalParams: map[string]map[string]bool{"sig": {"day": true}}}
	run := &scope.Run{WorkflowID: "w", Initiator: "VALIDATION"}
	for expr, ok := range map[string]bool{
		"params.getFromSignal('p')": true, "params.getFromSignal('q')": false,
		"params.getFromSignal('sig', 'day')": true, "sig__day": true, "sig__other": false, "params.getFromSignal('other', 'day')": false,
	} {
		defs := &param.Defs{}
		defs.Set("r", param.Expression(param.Long, expr))
		p, err := x.EvaluateWorkflow(nil, defs, run, w, now)
		if (err == nil) != ok || ok && p.Lookup("r").Result.Long() != 20220101 {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

func TestVisibility(t *testing.T) {
	x := scope.New(scope.Config{})
	c := &scope.StepScope{
		Run: &scope.Run{WorkflowID: "w"}, Step: &scope.Step{ID: "me"}, Workflow: literals("x", 10), Now: now,
		World: &world{steps: map[string]scope.FinishedStep{"a": {Params: literals("p", 1)}}, signals: map[string]param.Value{}},
	}
	own := literals("y", 2, "loop_params", 3, "i", 1)
	defs := func(expr string) *param.Defs {
		d := &param.Defs{}
		d.Set("r", param.Expression(param.String, "'' + "+expr))
		return d
	}
	type context struct {
		name string
		eval func(expr string) error
	}
	contexts := []context{
		{"dependencies", func(e string) error { _, err := x.SignalDependencies(defs(e), c); return err }},
		{"outputs", func(e string) error { _, err := x.SignalOutputs(defs(e), own, c); return err }},
		{"while", func(e string) error { _, err := x.While("('' + "+e+") == 'z'", own, &param.Values{}, c); return err }},
		{"state", func(e string) error { _, err := x.StateExpr("'' + "+e, own, 200, "b", c); return err }},
		{"transition", func(e string) error {
			_, err := x.Transitions([]scope.Condition{{Successor: "n", Expr: "('' + " + e + ") == 'z'"}}, own, c)
			return err
		}},
		{"alone", func(e string) error {
			_, err := x.Alone("n", param.Expression(param.String, "'' + "+e), "trigger", now)
			return err
		}},
	}
	for expr, visible := range map[string]string{
		"y":                                     "outputs while state transition",
		"me__y":                                 "outputs while state transition",
		"x":                                     "dependencies outputs while state transition",
		"a__p":                                  "dependencies outputs transition",
		"loop_params":                           "outputs state transition",
		"status_code":                           "state",
		"params.getFromInstance('workflow_id')": "transition",
		"params.get('x')":                       "dependencies outputs while state transition alone",
		"1":                                     "dependencies outputs while state transition alone",
	} {
		for _, ctx := range contexts {
			err := ctx.eval(expr)
			if want := strings.Contains(visible, ctx.name); (err == nil) != want {
				t.Errorf("%s in %s: %v", expr, ctx.name, err)
			}
		}
	}
}

func TestWhileValues(t *testing.T) {
	x := scope.New(scope.Config{})
	c := &scope.StepScope{Run: &scope.Run{}, Step: &scope.Step{ID: "me"}, Workflow: literals("limit", 5), Now: now}
	values := &param.Values{}
	values.Set("i", param.LongValue(4))
	if more, err := x.While("i < limit", literals("i", 9), values, c); err != nil || !more {
		t.Errorf("%v %v", more, err)
	}
	values = &param.Values{}
	values.Set("i", param.LongValue(5))
	if more, err := x.While("i < limit", nil, values, c); err != nil || more {
		t.Errorf("%v %v", more, err)
	}
}

func TestTransitionsStopAtFailure(t *testing.T) {
	x := scope.New(scope.Config{})
	c := &scope.StepScope{Run: &scope.Run{}, Step: &scope.Step{ID: "me"}, Now: now}
	unevaluated := param.NewParams(defsOf(t, `{"n":{"expression":"1 + 2","type":"LONG"}}`))
	got, err := x.Transitions([]scope.Condition{{"a", "true"}, {"b", "n == 3"}, {"c", "'TRUE'"}, {"d", "nobody > 1"}, {"e", "true"}}, unevaluated, c)
	if len(got) != 3 || err == nil || param.AsError(err).Kind != param.Internal {
		t.Fatalf("%d results, %v", len(got), err)
	}
	for i, p := range got {
		if !p.Result.Boolean() {
			t.Errorf("condition %d is false", i)
		}
	}
	if got[2].Note == "" {
		t.Error("a text that counts as true leaves no note")
	}
	if _, err := x.Transitions([]scope.Condition{{"a", "1"}}, nil, c); err == nil {
		t.Error("a number counts as condition")
	}
}

func TestAttribute(t *testing.T) {
	x := scope.New(scope.Config{})
	w := literals("t", "2 hours", "n", 4)
	for _, c := range [][2]string{{"5min", "5min"}, {"${t}", "2 hours"}, {"${n}0", "40"}, {"$$n", "$n"}} {
		if got, err := x.Attribute(nil, c[0], "w", w, now); got != c[1] || err != nil {
			t.Errorf("%s: %s %v", c[0], got, err)
		}
	}
	_, err := x.Attribute(nil, "${nobody}", "w", w, now)
	if e := param.AsError(err); e.Kind != param.Unprocessable || e.Kind.Status() != 422 ||
		e.Message != "Failed to parse attribute [maestro_parsable_str] for workflow [w] due to MaestroValidationException: Param [maestro_parsable_str] referenced a non-existing param [nobody] in workflow [w]" {
		t.Errorf("%v", err)
	}
}

func TestForeach(t *testing.T) {
	loopParams := defsOf(t, `{"loop_params":{"value":{"i":{"value":[1,2,3],"type":"LONG_ARRAY"},"s":{"value":["$$a","b"],"type":"STRING_ARRAY"}},"type":"MAP"}}`)
	x := scope.New(scope.Config{})
	c := &scope.StepScope{Run: &scope.Run{}, Step: &scope.Step{ID: "loop"}, Now: now}
	step, err := x.EvaluateStep(loopParams, c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := scope.NewForeach(literals("w", "W", "i", 0), step, loopParams, "[w][1][1]", "[loop][1][u]", 25000)
	if err != nil {
		t.Fatal(err)
	}
	if l.Total() != 6 {
		t.Fatalf("total %d", l.Total())
	}
	var got []string
	for i := range 6 {
		d := l.Iteration(i)
		got = append(got, d.Get("loop_index").Value.String()+d.Get("i").Value.String()+d.Get("s").Value.String())
	}
	if want := "01$a 12$a 23$a 31b 42b 53b"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if text := string(l.Iteration(0).AppendJSON(nil)); !strings.HasPrefix(text, `{"w":{"value":"W","type":"STRING"},"i":{"value":1,"type":"LONG"},"loop_index":{"value":0`) {
		t.Error(text)
	}
	if _, err := scope.NewForeach(nil, step, loopParams, "[w][1][1]", "[loop][1][u]", 5); err == nil || err.Error() != "Foreach iteration number [6] is over the loop size limit [5] for step [w][1][1][loop][1][u]" {
		t.Errorf("6 iterations with a limit of 5: %v", err)
	}
}

// The params of a NOOP step store next to nothing.
func TestNoopStepIsSmall(t *testing.T) {
	defaults := newEngine(t).defaults
	defs, err := param.Cleanup(defaults.OfStep("NOOP"))
	if err != nil {
		t.Fatal(err)
	}
	x := scope.New(scope.Config{})
	c := &scope.StepScope{Run: &scope.Run{WorkflowID: "w", InstanceID: 1}, Step: &scope.Step{ID: "a", UUID: "2b1c0c0e-9ad5-4b1b-8a34-5a4fb1f6ad4c", AttemptID: 1}, Now: now}
	p, err := x.EvaluateStep(defs, c)
	if err != nil {
		t.Fatal(err)
	}
	data := p.AppendResults(nil, scope.StepDerive(c.Run, c.Step))
	if len(data) > 10 {
		t.Errorf("%d bytes", len(data))
	}
}

func TestRestartRows(t *testing.T) {
	e := newEngine(t)
	base, err := scope.WorkflowBase(e.defaults, defsOf(t, `{"d":{"value":"def","type":"STRING"}}`), false)
	if err != nil {
		t.Fatal(err)
	}
	previous := literals("x", 1, "params", 5)
	for _, c := range []struct {
		name  string
		start scope.Start
		want  string
	}{
		{"from previous", scope.Start{Restart: true, Previous: previous}, "x=SYSTEM"},
		{"overrides at the target only", scope.Start{Restart: true, Previous: previous, RunParams: defsOf(t, `{"y":{"value":1,"type":"LONG"}}`), RestartParams: defsOf(t, `{"z":{"value":1,"type":"LONG"}}`)}, "x=SYSTEM y=RESTART"},
		{"at the target", scope.Start{Restart: true, Previous: previous, AtTarget: true, RestartParams: defsOf(t, `{"z":{"value":1,"type":"LONG"}}`)}, "x=SYSTEM z=RESTART"},
		{"new iteration of a restarted loop", scope.Start{Restart: true, Parent: param.SourceForeach, RunParams: defsOf(t, `{"y":{"value":1,"type":"LONG"}}`)}, "y=FOREACH"},
	} {
		defs, err := scope.MergeWorkflow(base, &c.start)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for name, d := range defs.All() {
			got = append(got, fmt.Sprint(name, "=", d.Source))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %v, want %s", c.name, got, c.want)
		}
	}
	defs, err := scope.MergeWorkflow(base, &scope.Start{Restart: true})
	if err != nil || defs.Len() != 24 {
		t.Errorf("a restart without params of the failed run has %d params, %v", defs.Len(), err)
	}
}

func TestTemplate(t *testing.T) {
	schema := defsOf(t, `{"script":{"value":"default","type":"STRING","internal_mode":"REQUIRED"},"kubernetes":{"value":{"image":{"value":"img:1","type":"STRING"}},"type":"MAP"}}`)
	before := string(schema.AppendJSON(nil))
	merged, err := scope.Template(schema, literals("script", "echo w", "other", 1))
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t)
	base, err := scope.StepBase(e.defaults.OfStep("KUBERNETES"), merged, nil)
	if err != nil {
		t.Fatal(err)
	}
	defs, err := scope.MergeStep(base, defsOf(t, `{"kubernetes":{"value":{"memory":{"value":"2Gi","type":"STRING"}},"type":"MAP"}}`), &scope.StepStart{})
	if err != nil {
		t.Fatal(err)
	}
	k, s := defs.Get("kubernetes"), defs.Get("script")
	if s.Value.Str() != "echo w" || s.Source != param.SourceWorkflowParam {
		t.Errorf("script is %s", s.AppendJSON(nil))
	}
	entries := k.Value.Defs()
	if entries.Len() != 4 || entries.Get("image").Source != param.SourceTemplateSchema || entries.Get("memory").Source != param.SourceDefinition || k.Source != param.SourceDefinition {
		t.Errorf("kubernetes is %s", k.AppendJSON(nil))
	}
	if string(schema.AppendJSON(nil)) != before {
		t.Error("the template was changed")
	}
}

func TestStepRows(t *testing.T) {
	definition := defsOf(t, `{"a":{"value":"def","type":"STRING"}}`)
	run := defsOf(t, `{"a":{"value":"run","type":"STRING"},"new":{"value":"run","type":"STRING"}}`)
	restart := defsOf(t, `{"new":{"value":"restart","type":"STRING"},"r":{"value":"restart","type":"STRING"}}`)
	defs, err := scope.MergeStep(nil, definition, &scope.StepStart{RunParams: run, RestartParams: restart, Restart: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, d := range defs.All() {
		got = append(got, fmt.Sprint(name, "=", d.Value, "/", d.Source))
	}
	if want := "new=restart/RESTART r=restart/RESTART a=run/RESTART"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	// The system's own params come along unchanged.
	carried := &param.Defs{}
	carried.Set("AUTH_DATA", &param.Def{Type: param.String, Value: param.StringValue("x"), Mode: param.Constant, Source: param.SourceSystemInjected})
	if defs, err = scope.MergeStep(nil, definition, &scope.StepStart{RunParams: carried, Restart: true}); err != nil {
		t.Fatal(err)
	}
	if d := defs.Get("AUTH_DATA"); d == nil || d.Source != param.SourceRestart || d.Mode != param.Constant {
		t.Error("AUTH_DATA was lost")
	}
}

// Merged definitions and parsed scripts are shared by concurrent runs.
func TestParallel(t *testing.T) {
	e := newEngine(t)
	base, err := scope.WorkflowBase(e.defaults, defsOf(t, `{"t":{"value":"$TARGET_RUN_DATE","type":"STRING"},"m":{"value":{"k":{"expression":"RUN_TS","type":"LONG"}},"type":"MAP"}}`), false)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for i := range 8 {
		go func() {
			for range 20 {
				runParams := &param.Defs{}
				runParams.Set("RUN_TS", param.Literal(param.LongValue(int64(i)*86_400_000)))
				defs, err := scope.MergeWorkflow(base, &scope.Start{RunParams: runParams})
				if err == nil {
					var p *param.Params
					if p, err = e.x.EvaluateWorkflow(nil, defs, &scope.Run{WorkflowID: "w"}, nil, now); err == nil && p.Lookup("t").Result.Str() != fmt.Sprint(19700101+i) {
						err = fmt.Errorf("run %d has %s", i, p.Lookup("t").Result)
					}
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A value of any type passes through an expression unchanged.
func TestValuesThroughExpressions(t *testing.T) {
	x := scope.New(scope.Config{})
	for _, def := range []string{
		`"value":"é😀","type":"STRING"`, `"value":-9223372036854775808,"type":"LONG"`, `"value":2.50,"type":"DOUBLE"`, `"value":true,"type":"BOOLEAN"`,
		`"value":["a",""],"type":"STRING_ARRAY"`, `"value":[1,2],"type":"LONG_ARRAY"`, `"value":[1,2.5],"type":"DOUBLE_ARRAY"`, `"value":[true],"type":"BOOLEAN_ARRAY"`,
		`"value":[],"type":"LONG_ARRAY"`, `"value":{"k":"v"},"type":"STRING_MAP"`,
		`"value":{"a":{"value":[1],"type":"DOUBLE_ARRAY"},"b":{"value":{"c":{"value":true,"type":"BOOLEAN"}},"type":"MAP"}},"type":"MAP"`,
	} {
		typ := def[strings.LastIndex(def, ":")+1:]
		p, err := x.EvaluateWorkflow(nil, defsOf(t, `{"v":{`+def+`},"w":{"expression":"v","type":`+typ+`}}`), &scope.Run{WorkflowID: "w"}, nil, now)
		if err != nil {
			t.Errorf("%s: %v", def, err)
			continue
		}
		if v, w := p.Lookup("v").Result, p.Lookup("w").Result; v.String() != w.String() || v.Type() != w.Type() {
			t.Errorf("%s became %s", v, w)
		}
	}
	world := &world{steps: map[string]scope.FinishedStep{"a": {Params: &param.Params{}}}}
	nulls := param.NullableStrings([]string{"x", ""}, []bool{false, true})
	world.steps["a"].Params.Set("n", param.Param{Def: param.EvaluatedLiteral(nulls), Result: nulls, Evaluated: true})
	if got := inStep(world, "", "Util.toJson(a__n)"); got != `["x",null]` {
		t.Errorf("got %s", got)
	}
}

func TestEnrichStep(t *testing.T) {
	e := newEngine(t)
	defs, err := scope.EnrichStep(e.defaults.Step, defsOf(t, `{"script":{"value":"s","type":"STRING"}}`), e.defaults.OfStep("foreach"), defsOf(t, `{"mine":{"value":1,"type":"LONG"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name := range defs.All() {
		got = append(got, name)
	}
	if want := "workflow_instance_id step_instance_uuid step_attempt_id step_id script loop_params loop_index mine"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

// TestStateNames finds what a state expression can read.
func TestStateNames(t *testing.T) {
	x := scope.New(scope.Config{})
	for expr, want := range map[string]string{
		"status_code == 200 ? 'DONE' : 'USER_ERROR'":          "[status_code] false",
		"x = mine; if (x == 1) { return theirs; } return 'A'": "[mine theirs] false",
		"params['mi' + 'ne']":                                 "[params] true",
		"not ( an expression":                                 "[] true",
	} {
		names, all := x.StateNames(expr)
		if got := fmt.Sprint(names, all); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

// TestZeroHasNoSign holds that DOUBLE params are decimals, which have one zero only, as have numbers given for texts.
func TestZeroHasNoSign(t *testing.T) {
	t.Parallel()
	defs := defsOf(t, `{"d":{"type":"DOUBLE","value":-0.0},"e":{"type":"DOUBLE","expression":"-0.0"},"f":{"type":"DOUBLE_ARRAY","value":[-0.0,-1.5]},
		"s":{"type":"STRING","value":-0.0},"a":{"type":"STRING_ARRAY","value":[-0.0,-0,-0.5]},"m":{"type":"STRING_MAP","value":{"k":-0.00}},
		"t":{"type":"STRING","value":"$d|$e|$f|$s|$a|$m"},"u":{"type":"STRING","expression":"d + '|' + e + '|' + String.format('%.1f', d)"}}`)
	p, err := scope.New(scope.Config{}).EvaluateWorkflow(nil, defs, &scope.Run{WorkflowID: "w"}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"t": `0.0|0.0|[0.0,-1.5]|0.0|["0.0","0","-0.5"]|{"k":"0.00"}`, "u": "0.0|0.0|0.0"} {
		if got := p.Lookup(name).Result.Str(); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
