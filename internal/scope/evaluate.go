package scope

import (
	"slices"
	"strings"

	"maestro/internal/meter"
	"maestro/param"
)

// EvaluateWorkflow evaluates the params of a run, in order, with the functions of params 10.5. now is the time of the
// evaluation, also as scripts see it. m is charged for it; nil means a meter of its own.
func (x *Exprs) EvaluateWorkflow(m *meter.Meter, defs *param.Defs, run *Run, world World, now int64) (*param.Params, error) {
	params := param.NewParams(defs)
	s := session{x: x, level: workflowLevel, functions: true, run: run, world: world, meter: m}
	defer s.end()
	if err := s.start(params, "workflow ["+run.WorkflowID+"]", now).All(); err != nil {
		return nil, err
	}
	return params, param.CheckSize(params)
}

// StepScope is the surroundings of a step: what its params, conditions and signals are evaluated in.
type StepScope struct {
	Run      *Run
	Step     *Step
	Workflow *param.Params // evaluated params of the run
	World    World
	Now      int64
	Meter    *meter.Meter // of all that is evaluated in this scope; nil for one each time
}

func (c *StepScope) where() string { return "step [" + c.Step.ID + "]" }

// session returns a session at step level in which everything is visible.
func (x *Exprs) stepSession(c *StepScope) session {
	return session{
		x: x, level: stepLevel, ownVisible: true, seesSteps: true, functions: true,
		run: c.Run, step: c.Step, world: c.World, workflow: c.Workflow, meter: c.Meter,
	}
}

// EvaluateStep evaluates the params of a step attempt, in order.
func (x *Exprs) EvaluateStep(defs *param.Defs, c *StepScope) (*param.Params, error) {
	params := param.NewParams(defs)
	derive := StepDerive(c.Run, c.Step)
	for i := range params.Len() { // what follows from the step's identity needs no script
		p := params.Ref(i)
		if v, ok := derive(params.Name(i), p.Def); ok {
			p.Result, p.Time, p.Evaluated = v, c.Now, true
		}
	}
	s := x.stepSession(c)
	defer s.end()
	if err := s.start(params, c.where(), c.Now).All(); err != nil {
		return nil, err
	}
	return params, param.CheckSize(params)
}

// Condition is the condition under which one successor follows.
type Condition struct {
	Successor string
	Expr      string
}

// Transitions evaluates the conditions of a finished step as BOOLEAN params named after the successors, in order
// (params 10.6). params are the step's own; those that were not evaluated, because the step was skipped early, are
// evaluated as far as a condition needs them. The first failure ends it: the results so far come with the error.
func (x *Exprs) Transitions(conditions []Condition, params *param.Params, c *StepScope) ([]param.Param, error) {
	out := make([]param.Param, 0, len(conditions))
	var s session
	defer s.end()
	var e *param.Evaluation
	for _, cond := range conditions {
		d := param.Expression(param.Boolean, cond.Expr)
		if v, ok := constant(cond.Expr); ok {
			out = append(out, param.Param{Def: d, Result: v, Time: c.Now, Evaluated: true})
			continue
		}
		if e == nil {
			s = x.stepSession(c)
			e = s.start(own(params), c.where(), c.Now)
		}
		p, err := e.Adhoc(cond.Successor, d)
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

// constant recognizes the condition that nearly every transition has.
func constant(expr string) (param.Value, bool) {
	switch strings.TrimSuffix(strings.TrimSpace(expr), ";") {
	case "true":
		return param.BooleanValue(true), true
	case "false":
		return param.BooleanValue(false), true
	}
	return param.Value{}, false
}

func own(params *param.Params) *param.Params {
	if params == nil {
		return &param.Params{}
	}
	return params
}

// SignalDependencies evaluates the params of one signal dependency of a step: workflow params and finished steps are
// visible, the step's own params and functions are not (params 10.6).
func (x *Exprs) SignalDependencies(defs *param.Defs, c *StepScope) (*param.Params, error) {
	s := x.stepSession(c)
	s.ownVisible, s.functions = false, false
	return s.each(defs, &param.Params{}, c)
}

// SignalOutputs evaluates the params of one signal output of a finished step: all but functions is visible.
func (x *Exprs) SignalOutputs(defs *param.Defs, params *param.Params, c *StepScope) (*param.Params, error) {
	s := x.stepSession(c)
	s.functions = false
	return s.each(defs, own(params), c)
}

// each evaluates definitions that see the params visible, but not each other. The caller will write the results as JSON,
// which is charged here.
func (s *session) each(defs *param.Defs, visible *param.Params, c *StepScope) (*param.Params, error) {
	out := &param.Params{}
	defer s.end()
	e := s.start(visible, c.where(), c.Now)
	for name, d := range defs.All() {
		p, err := e.Adhoc(name, d)
		if err != nil {
			return nil, err
		}
		if err := s.meter.Memory(p.Result.TextBound()); err != nil {
			return nil, param.Wrap(param.IllegalArgument, err, "In %s, param [%s] is beyond a limit: %s", c.where(), name, err)
		}
		out.Set(name, p)
	}
	return out, nil
}

// While evaluates the condition of a while step: it sees the step's params but for loop_params, the present values of
// the loop params, and the workflow params; no other steps and no functions.
func (x *Exprs) While(condition string, params *param.Params, values *param.Values, c *StepScope) (bool, error) {
	visible := &param.Params{}
	for name, p := range params.All() {
		if name != LoopParams {
			visible.Set(name, *p)
		}
	}
	for name, v := range values.All() {
		visible.Set(name, param.Param{Def: param.EvaluatedLiteral(v), Result: v, Time: c.Now, Evaluated: true})
	}
	p, err := x.closed(LoopCondition, param.Expression(param.Boolean, condition), visible, c)
	return p.Result.Boolean(), err
}

// StateExpr evaluates the state expression of an HTTP step, which sees the step's params, the outcome of the request
// and the workflow params.
func (x *Exprs) StateExpr(expr string, params *param.Params, statusCode int64, body string, c *StepScope) (string, error) {
	visible := own(params).Clone()
	for name, v := range map[string]param.Value{"status_code": param.LongValue(statusCode), "response_body": param.StringValue(body)} {
		visible.Set(name, param.Param{Def: param.EvaluatedLiteral(v), Result: v, Time: c.Now, Evaluated: true})
	}
	p, err := x.closed("state_expr", param.Expression(param.String, expr), visible, c)
	return p.Result.Str(), err
}

// StateNames returns the names of all params that a state expression can read. all means that it computes names, and may
// read any. Of an expression that cannot be compiled nothing is known before it is evaluated.
func (x *Exprs) StateNames(expr string) (names []string, all bool) {
	script, err := x.cache.CompileEngine(expr)
	if err != nil {
		return nil, true
	}
	names = script.Names()
	return names, slices.Contains(names, "params")
}

// closed evaluates one definition that sees visible and the workflow params, and nothing else.
func (x *Exprs) closed(name string, d *param.Def, visible *param.Params, c *StepScope) (param.Param, error) {
	s := x.stepSession(c)
	s.seesSteps, s.functions = false, false
	defer s.end()
	return s.start(visible, c.where(), c.Now).Adhoc(name, d)
}

// Attribute interpolates the text of an attribute such as a timeout or an address against evaluated workflow params
// (params 10.7). It is charged to m; nil means a meter of its own. where names the workflow or run in messages; failure is of kind Unprocessable.
func (x *Exprs) Attribute(m *meter.Meter, text, where string, workflow *param.Params, now int64) (string, error) {
	if strings.IndexByte(text, '$') < 0 {
		return text, nil
	}
	const name = "maestro_parsable_str"
	s := session{x: x, level: workflowLevel, meter: m}
	defer s.end()
	p, err := s.start(own(workflow), "workflow ["+where+"]", now).Adhoc(name, param.Literal(param.StringValue(text)))
	if err != nil {
		return "", param.Wrap(param.Unprocessable, err, "Failed to parse attribute [%s] for workflow [%s] due to %s", name, where, param.AsError(err).Detail())
	}
	return p.Result.Str(), nil
}

// Alone evaluates one definition that sees nothing at all, such as a param or the condition of a signal trigger
// (params 10.6). where names it in messages.
func (x *Exprs) Alone(name string, d *param.Def, where string, now int64) (param.Param, error) {
	s := session{x: x, level: workflowLevel}
	defer s.end()
	return s.start(&param.Params{}, where, now).Adhoc(name, d)
}

// Trigger is Alone with functions: what a signal trigger evaluates may ask w for the params of its signals.
func (x *Exprs) Trigger(m *meter.Meter, name string, d *param.Def, w World, where string, now int64) (param.Param, error) {
	s := session{x: x, level: workflowLevel, functions: true, world: w, meter: m}
	defer s.end()
	return s.start(&param.Params{}, where, now).Adhoc(name, d)
}
