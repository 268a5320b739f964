package scope_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/scope"
	"maestro/param"
)

// engine runs workflows just far enough to see their params: steps one after another, without time, retries or
// concurrency.
type engine struct {
	t        *testing.T
	x        *scope.Exprs
	defaults *param.Defaults

	workflows map[string]*workflow
	instances map[string][]*run
	unique    int64
}

type workflow struct {
	id     string
	params *param.Defs
	steps  []*step
	zone   string
	inline bool
}

type step struct {
	id, typ  string
	node     *doc.Node
	params   *param.Defs
	next     []scope.Condition
	explicit bool
	inner    []*step
	cond     string
}

type run struct {
	e         *engine
	w         *workflow
	number    int64
	id        int64
	status    string
	start     scope.Start
	policy    string
	params    *param.Params
	runParams *param.Defs
	steps     map[string]*stepRun
	runs      []*run
	stepRun   map[string]*param.Defs
}

type stepRun struct {
	status     string
	err        error
	params     *param.Params
	conditions []param.Param
	inner      []*run // iterations, or the subworkflow
}

func (s *stepRun) withSatisfied() *param.Params {
	out := &param.Params{}
	out.Set(scope.SatisfiedName, scope.Satisfied(s.status != "UNSATISFIED", 1))
	for name, p := range s.params.All() {
		out.Set(name, *p)
	}
	return out
}

func newEngine(t *testing.T) *engine {
	d, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	return &engine{
		t: t, x: scope.New(scope.Config{Environment: "test"}), defaults: d,
		workflows: map[string]*workflow{}, instances: map[string][]*run{},
	}
}

const now = 1_790_000_000_000

func atoi(s string) int                    { n, _ := strconv.Atoi(s); return n }
func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func decode(n *doc.Node, path string) (*param.Defs, error) {
	var p doc.Problems
	defs := param.DecodeDefs(n, path, &p, param.DecodeOptions{})
	return defs, p.Err()
}

func (e *engine) push(n *doc.Node) error {
	w := &workflow{id: n.Field("id").Text}
	var err error
	if w.params, err = decode(n.Field("params"), "params"); err != nil {
		return err
	}
	if w.steps, err = e.decodeSteps(n.Field("steps")); err != nil {
		return err
	}
	if triggers := n.Field("time_triggers"); triggers != nil {
		w.zone = triggers.Items[0].Field("timezone").Text
	}
	if _, err := e.evaluate(w, &scope.Start{RunParams: scope.DryRunParams(e.defaults, w.params)}, "VALIDATION", "START_FRESH_NEW_RUN", scope.DryRun{}); err != nil {
		return err
	}
	for _, s := range w.steps {
		base, err := scope.StepBase(e.defaults.OfStep(s.typ), nil, nil)
		if err == nil {
			_, err = scope.MergeStep(base, s.params, &scope.StepStart{})
		}
		if err != nil {
			return err
		}
	}
	e.workflows[w.id] = w
	return nil
}

func (e *engine) decodeSteps(n *doc.Node) ([]*step, error) {
	var out []*step
	for _, item := range n.Items {
		kind, body := strings.ToLower(item.Members[0].Name), item.Members[0].Value
		s := &step{id: body.Field("id").Text, typ: kind, node: body}
		if kind == "step" {
			s.typ = strings.ToLower(body.Field("type").Text)
		}
		var err error
		if s.params, err = decode(body.Field("params"), s.id+".params"); err != nil {
			return nil, err
		}
		if next := body.Field("transition").Field("successors"); next != nil {
			for i := range next.Members {
				s.next = append(s.next, scope.Condition{Successor: next.Members[i].Name, Expr: next.Members[i].Value.Text})
			}
		}
		if x := body.Field("explicit_params"); x != nil {
			s.explicit = x.Text == "true"
		}
		if c := body.Field("condition"); c != nil {
			s.cond = c.Text
		}
		if inner := body.Field("steps"); inner != nil {
			if s.inner, err = e.decodeSteps(inner); err != nil {
				return nil, err
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func (e *engine) info(w *workflow, number, id int64, initiator, policy string) *scope.Run {
	return &scope.Run{
		WorkflowID: w.id, InstanceID: number, RunID: id, Initiator: initiator, Policy: policy,
		Runner: "tester", Owner: "tester", FirstTriggerZone: w.zone,
	}
}

func (e *engine) evaluate(w *workflow, s *scope.Start, initiator, policy string, world scope.World) (*param.Params, error) {
	base, err := scope.WorkflowBase(e.defaults, w.params, s.Upstream())
	if err != nil {
		return nil, err
	}
	defs, err := scope.MergeWorkflow(base, s)
	if err != nil {
		return nil, err
	}
	info := e.info(w, 0, 0, initiator, policy)
	params, err := e.x.EvaluateWorkflow(nil, defs, info, world, now)
	if err == nil {
		e.restores(defs, params, scope.WorkflowDerive(info))
	}
	return params, err
}

// restores checks that params survive storage.
func (e *engine) restores(defs *param.Defs, params *param.Params, derive param.Derive) {
	data := params.AppendResults(nil, derive)
	back, err := param.RestoreResults(defs, data, derive)
	if err != nil {
		e.t.Errorf("restore: %v", err)
	} else if got, want := string(back.AppendJSON(nil)), string(params.AppendJSON(nil)); got != want {
		e.t.Errorf("restored\n%s, want\n%s", got, want)
	}
}

func (e *engine) start(id string, body *doc.Node) error {
	var p doc.Problems
	runParams := param.DecodeDefs(body.Field("run_params"), "run_params", &p, param.DecodeOptions{})
	param.CheckRunParams(runParams, "runParams", &p)
	if err := p.Err(); err != nil {
		return err
	}
	r, err := e.run(e.workflows[id], scope.Start{RunParams: runParams}, "MANUAL")
	if err != nil && body.Field("persist_failed_run") != nil {
		err = nil
	} else if err != nil {
		e.instances[id] = e.instances[id][:r.number-1]
	}
	return err
}

// run creates the next instance of w and runs it.
func (e *engine) run(w *workflow, s scope.Start, initiator string) (*run, error) {
	number := int64(len(e.instances[w.id]) + 1)
	r := &run{e: e, w: w, number: number, id: 1, start: s, policy: "START_FRESH_NEW_RUN", runParams: s.RunParams, steps: map[string]*stepRun{}}
	r.runs = []*run{r}
	e.instances[w.id] = append(e.instances[w.id], r)
	return r, r.execute(initiator)
}

func (r *run) execute(initiator string) error {
	var err error
	if r.params, err = r.e.evaluate(r.w, &r.start, initiator, r.policy, r); err != nil {
		r.status = "FAILED"
		return err
	}
	r.status = "SUCCEEDED"
	waiting := map[string]int{}
	for _, s := range r.w.steps {
		for _, c := range s.next {
			waiting[c.Successor]++
		}
	}
	satisfied := map[string]bool{}
	done := map[string]bool{}
	for range r.w.steps {
		for _, s := range r.w.steps {
			if done[s.id] || waiting[s.id] > 0 {
				continue
			}
			done[s.id] = true
			sr := r.steps[s.id]
			if sr == nil || sr.status != "SUCCEEDED" {
				reached := satisfied[s.id] || !r.hasPredecessor(s.id)
				sr = r.step(s, initiator, reached)
				r.steps[s.id] = sr
			}
			if sr.err != nil {
				r.status = "FAILED"
				continue
			}
			for i, c := range s.next {
				waiting[c.Successor]--
				if i < len(sr.conditions) && sr.conditions[i].Result.Boolean() {
					satisfied[c.Successor] = true
				}
			}
		}
	}
	return nil
}

func (r *run) hasPredecessor(id string) bool {
	return slices.ContainsFunc(r.w.steps, func(s *step) bool {
		return slices.ContainsFunc(s.next, func(c scope.Condition) bool { return c.Successor == id })
	})
}

func (r *run) step(s *step, initiator string, reached bool) *stepRun {
	e, sr := r.e, &stepRun{status: "SUCCEEDED"}
	if !reached {
		sr.status = "UNSATISFIED"
		return sr
	}
	fail := func(status string, err error) *stepRun {
		sr.status, sr.err = status, err
		return sr
	}
	e.unique++
	c := &scope.StepScope{
		Run:      e.info(r.w, r.number, r.id, initiator, r.policy),
		Step:     &scope.Step{ID: s.id, UUID: fmt.Sprint("uuid", e.unique), InstanceID: 1, AttemptID: 1, Type: strings.ToUpper(s.typ)},
		Workflow: r.params, World: r, Now: now,
	}
	for _, attribute := range []string{"timeout"} {
		if n := s.node.Field(attribute); n != nil {
			where := fmt.Sprintf("[%s][%d][%d]", r.w.id, r.number, r.id)
			if _, err := e.x.Attribute(nil, n.Text, where, r.params, now); err != nil {
				return fail("INTERNALLY_FAILED", err)
			}
		}
	}
	base, err := scope.StepBase(e.defaults.OfStep(s.typ), nil, nil)
	if err != nil {
		return fail("INTERNALLY_FAILED", err)
	}
	defs, err := scope.MergeStep(base, s.params, &scope.StepStart{Parent: r.start.Parent, Restart: r.start.Restart, RestartParams: r.stepRun[s.id]})
	if err != nil {
		return fail("INTERNALLY_FAILED", err)
	}
	params, err := e.x.EvaluateStep(defs, c)
	if err != nil {
		return fail("INTERNALLY_FAILED", err)
	}
	e.restores(defs, params, scope.StepDerive(c.Run, c.Step))
	sr.params = params
	output, err := r.work(s, sr, c)
	if err != nil {
		return fail("FATALLY_FAILED", err)
	}
	if sr.status != "SUCCEEDED" {
		sr.err = param.Errorf(param.Internal, "the work failed")
		return sr
	}
	if sr.params, err = param.MergeOutput(params, output); err != nil {
		sr.params = params
		return fail("INTERNALLY_FAILED", err)
	}
	if sr.conditions, err = e.x.Transitions(s.next, sr.params, c); err != nil {
		return fail("INTERNALLY_FAILED", err)
	}
	return sr
}

// work does what a step is for and returns the params that it reports.
func (r *run) work(s *step, sr *stepRun, c *scope.StepScope) (*param.Params, error) {
	e := r.e
	switch s.typ {
	case "subworkflow":
		passed, err := scope.PassToSubworkflow(r.params, sr.params, s.params, s.explicit, nil)
		if err != nil {
			return nil, err
		}
		child, err := e.run(e.workflows[sr.params.Lookup(scope.SubworkflowID).Result.Str()], scope.Start{Parent: param.SourceSubworkflow, RunParams: passed}, "SUBWORKFLOW")
		sr.inner = []*run{child}
		return nil, err
	case "foreach":
		identity := "[" + s.id + "][1][" + c.Step.UUID + "]"
		loop, err := scope.NewForeach(r.params, sr.params, s.params, fmt.Sprintf("[%s][%d][%d]", r.w.id, r.number, r.id), identity, 25000)
		if err != nil {
			return nil, err
		}
		w := &workflow{id: "inner-" + s.id, steps: s.inner, inline: true}
		base, err := scope.WorkflowBase(e.defaults, nil, true)
		if err != nil {
			return nil, err
		}
		iterations, err := loop.Iterations(base)
		if err != nil {
			return nil, err
		}
		for i := range loop.Total() {
			e.sameMerge(iterations, loop, base, i)
			child, err := e.run(w, scope.Start{Parent: param.SourceForeach, RunParams: loop.Iteration(i)}, "FOREACH")
			if err != nil {
				return nil, err
			}
			sr.inner = append(sr.inner, child)
		}
	case "while":
		return nil, r.while(s, sr, c)
	case "kubernetes", "notebook":
		return reported(sr)
	case "http":
		url := sr.params.Lookup("http").Result.Values()
		u, _ := url.Get("url")
		code := int64(atoi(u.Str()[strings.LastIndexByte(u.Str(), '/')+1:]))
		body := fmt.Sprintf(`{"status": %d}`, code)
		state, err := e.x.StateExpr(sr.params.Lookup("state_expr").Result.Str(), sr.params, code, body, c)
		if err != nil {
			return nil, err
		}
		if state != "DONE" {
			sr.status = "FATALLY_FAILED"
		}
		out := &param.Params{}
		for name, v := range map[string]param.Value{"status_code": param.LongValue(code), "response_body": param.StringValue(body)} {
			out.Set(name, param.Param{Def: param.EvaluatedLiteral(v), Result: v, Time: now, Evaluated: true})
		}
		return out, nil
	}
	return nil, nil
}

// sameMerge checks the quick merge of an iteration against the plain one.
func (e *engine) sameMerge(it *scope.Iterations, l *scope.Loop, base *param.Defs, i int) {
	want, err := scope.MergeWorkflow(base, &scope.Start{Parent: param.SourceForeach, RunParams: l.Iteration(i)})
	got, err2 := it.Merge(i)
	if err != nil || err2 != nil || string(got.AppendJSON(nil)) != string(want.AppendJSON(nil)) {
		e.t.Errorf("iteration %d: %v %v\ngot  %s\nwant %s", i, err, err2, got.AppendJSON(nil), want.AppendJSON(nil))
	}
}

func (r *run) while(s *step, sr *stepRun, c *scope.StepScope) error {
	loop, err := scope.NewLoop(r.params, sr.params, s.params)
	if err != nil {
		return err
	}
	w := &workflow{id: "inner-" + s.id, steps: s.inner, inline: true}
	values := sr.params.Lookup(scope.LoopParams).Result.Values()
	for n := 1; n < 100; n++ {
		more, err := r.e.x.While(s.cond, sr.params, values, c)
		if err != nil || !more {
			return err
		}
		child, err := r.e.run(w, scope.Start{Parent: param.SourceWhile, RunParams: loop.WhileIteration(n, values)}, "WHILE")
		if err != nil {
			return err
		}
		next := &param.Values{}
		for name, v := range values.All() {
			for _, inner := range w.steps {
				if p := child.steps[inner.id].params.Lookup(name); p != nil {
					v = p.Result
				}
			}
			next.Set(name, v)
		}
		values = next
		sr.inner = append(sr.inner, child)
	}
	return nil
}

// reported finds the output in the command of a pod.
func reported(sr *stepRun) (*param.Params, error) {
	args, _ := sr.params.Lookup("kubernetes").Result.Values().Get("args")
	for _, a := range args.Strings() {
		if strings.Contains(a, "exit ") {
			sr.status = "FATALLY_FAILED"
		}
		_, text, ok := strings.Cut(a, "MAESTRO_OUTPUT_START_TOKEN'")
		if !ok {
			continue
		}
		text, _, _ = strings.Cut(text, "'MAESTRO_OUTPUT_END_TOKEN")
		n, err := doc.ParseJSON([]byte(text), doc.Limits{})
		if err != nil {
			return nil, err
		}
		var p doc.Problems
		out := param.DecodeParams(n.Field("params"), "params", &p, param.DecodeOptions{})
		return out, p.Err()
	}
	return nil, nil
}

func (e *engine) restart(id string, at int, body *doc.Node, stepID string) error {
	var p doc.Problems
	runParams := param.DecodeDefs(body.Field("run_params"), "run_params", &p, param.DecodeOptions{})
	param.CheckRunParams(runParams, "runParams", &p)
	stepParams := param.DecodeDefs(body.Field("step_run_params"), "step_run_params", &p, param.DecodeOptions{})
	if err := p.Err(); err != nil {
		return err
	}
	if e.find(id, at) == nil {
		e.t.Fatalf("instance %d of %s was not made", at+1, id)
	}
	first := e.instances[id][at]
	last := first.runs[len(first.runs)-1]
	r := &run{
		e: e, w: first.w, number: first.number, id: last.id + 1, policy: body.Field("restart_policy").Text, steps: map[string]*stepRun{},
		start: scope.Start{Restart: true, Previous: last.params, RestartParams: runParams, AtTarget: true},
	}
	if stepID != "" {
		r.stepRun = map[string]*param.Defs{stepID: stepParams}
	}
	if r.policy == "RESTART_FROM_INCOMPLETE" {
		maps.Copy(r.steps, last.steps)
	}
	if err := r.execute("MANUAL"); err != nil {
		return err
	}
	first.runs = append(first.runs, r)
	return nil
}

func (e *engine) find(id string, at int) *run {
	if strings.HasPrefix(id, "{{") {
		for name := range e.instances {
			if strings.HasPrefix(name, "inner-") {
				id = name
			}
		}
	}
	if at < 0 || at >= len(e.instances[id]) {
		return nil
	}
	runs := e.instances[id][at].runs
	return &run{e: e, w: runs[0].w, status: runs[len(runs)-1].status, params: runs[len(runs)-1].params, runParams: runs[len(runs)-1].runParams, steps: runs[len(runs)-1].steps, runs: runs}
}

// A run is the World of its expressions.

func (r *run) FinishedStep(id string) (scope.FinishedStep, bool) {
	s := r.steps[id]
	if s == nil {
		return scope.FinishedStep{}, false
	}
	return scope.FinishedStep{Status: s.status, End: now, Params: s.params}, true
}

func (r *run) Signal(name, p string) (param.Value, error) {
	return param.Value{}, fmt.Errorf("no signal")
}

func (r *run) SignalDependency(n int, p string) (param.Value, error) {
	return param.Value{}, fmt.Errorf("no dependency")
}

func (r *run) Foreach(id, inner, p string) ([]param.Value, error) {
	s := r.steps[id]
	if s == nil {
		return nil, fmt.Errorf("no step")
	}
	var out []param.Value
	for _, it := range s.inner {
		var v param.Value
		if q := it.steps[inner].params.Lookup(p); q != nil {
			v = q.Result
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *run) Subworkflow(id, inner, p string) (param.Value, error) {
	if s := r.steps[id]; s != nil && len(s.inner) == 1 {
		if in := s.inner[0].steps[inner]; in != nil {
			if q := in.params.Lookup(p); q != nil {
				return q.Result, nil
			}
		}
	}
	return param.Value{}, fmt.Errorf("no such param")
}

func (r *run) NextUniqueID() (int64, error) { r.e.unique++; return r.e.unique, nil }
func (r *run) Random() uint64               { return 4 }
func (r *run) Cancelled() bool              { return false }
