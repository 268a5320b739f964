package scope

import "maestro/param"

// What parent steps pass down to nested runs as run params (params 7.2). Passed values keep mode and source, and are
// marked as evaluated: a dollar that was escaped once stays a dollar however deep it goes (params 3.2).

// The params by which composite steps are configured, which are not passed down themselves.
const (
	SubworkflowID      = "subworkflow_id"
	SubworkflowVersion = "subworkflow_version"
	LoopParams         = "loop_params"
	LoopIndex          = "loop_index"
	LoopCondition      = "condition"
)

// PassToSubworkflow returns the run params of a subworkflow: the params of the parent run, or only the names of always
// when the step asks for explicit params, then the params that the step's definition names.
func PassToSubworkflow(workflow, step *param.Params, definition *param.Defs, explicit bool, always []string) (*param.Defs, error) {
	var out *param.Defs
	var err error
	if explicit {
		out = &param.Defs{}
		for _, name := range always {
			if err := pass(out, name, workflow.Lookup(name)); err != nil {
				return nil, err
			}
		}
	} else if out, err = workflow.ToDefs(); err != nil {
		return nil, err
	}
	for name := range definition.All() {
		if name == SubworkflowID || name == SubworkflowVersion {
			continue
		}
		if err := pass(out, name, step.Lookup(name)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func pass(out *param.Defs, name string, p *param.Param) error {
	if p == nil {
		return nil
	}
	d, err := p.ToDef(name)
	if err != nil {
		return err
	}
	out.Set(name, d)
	return nil
}

// Loop holds what every iteration of one foreach or while step passes down. It is immutable.
type Loop struct {
	base *param.Defs // the same for every iteration
	vars []loopVar
}

type loopVar struct {
	name   string
	array  param.Value
	stride int // product of the lengths of the variables before
}

// NewLoop returns what the iterations of a loop step share: the params of its run and those its definition names.
func NewLoop(workflow, step *param.Params, definition *param.Defs) (*Loop, error) {
	base, err := workflow.ToDefs()
	if err != nil {
		return nil, err
	}
	for name := range definition.All() {
		if name == LoopParams {
			continue
		}
		if err := pass(base, name, step.Lookup(name)); err != nil {
			return nil, err
		}
	}
	return &Loop{base: base}, nil
}

// NewForeach returns the loop of a foreach step, whose loop params must all be arrays. run is the identity of the run,
// as [W][n][r], and identity that of the step, as [S][attempt][uuid], for messages. A loop with more than limit iterations
// is refused.
func NewForeach(workflow, step *param.Params, definition *param.Defs, run, identity string, limit int) (*Loop, error) {
	l, err := NewLoop(workflow, step, definition)
	if err != nil {
		return nil, err
	}
	params := step.Lookup(LoopParams)
	if params == nil {
		return nil, param.Errorf(param.Internal, "loop_params is missing in foreach step [%s]", identity)
	}
	total := 1
	for i := range params.Result.Len() {
		name := params.Result.Values().Name(i)
		p, _, err := params.Entry(name)
		if err != nil {
			return nil, err
		}
		if !p.Def.Type.IsArray() {
			return nil, param.Errorf(param.Internal, "Invalid loop param with name [%s] and type [%s] for foreach step [%s]", name, p.Def.Type, identity)
		}
		l.vars = append(l.vars, loopVar{name, p.Result, total})
		total = min(total*p.Result.Len(), 1<<40) // no overflow, however many params follow
	}
	if total > limit {
		return nil, param.Errorf(param.IllegalArgument, "Foreach iteration number [%d] is over the loop size limit [%d] for step %s%s", total, limit, run, identity)
	}
	return l, nil
}

// Total returns the number of iterations of a foreach: the product of the lengths of its loop params.
func (l *Loop) Total() int {
	if len(l.vars) == 0 {
		return 0
	}
	last := &l.vars[len(l.vars)-1]
	return last.stride * last.array.Len()
}

// Iterations merges the params of the iterations of one foreach. All that the iterations have in common is merged once:
// what a name becomes depends on no other name.
type Iterations struct {
	loop  *Loop
	base  *param.Defs // what MergeWorkflow starts from
	first *param.Defs // merged params of iteration 0
}

// Iterations prepares the merging of fresh iterations over base, which WorkflowBase gave for upstream runs.
func (l *Loop) Iterations(base *param.Defs) (*Iterations, error) {
	if l.Total() == 0 {
		return &Iterations{loop: l, base: base}, nil // there is nothing to merge
	}
	first, err := MergeWorkflow(base, &Start{Parent: param.SourceForeach, RunParams: l.Iteration(0)})
	return &Iterations{loop: l, base: base, first: first}, err
}

// Merge returns what MergeWorkflow gives for iteration i.
func (it *Iterations) Merge(i int) (*param.Defs, error) {
	out := it.first.Clone(0)
	ctx := param.Context{Source: param.SourceForeach, Upstream: true}
	set := func(name string, m *param.Def) error {
		d, err := param.MergeOne(name, it.base.Get(name), m, ctx)
		if err == nil {
			out.Set(name, d)
		}
		return err
	}
	if err := set(LoopIndex, param.Literal(param.LongValue(int64(i)))); err != nil {
		return nil, err
	}
	for _, v := range it.loop.vars {
		if err := set(v.name, v.at(i)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// at returns the definition of the variable in iteration i.
func (v *loopVar) at(i int) *param.Def {
	return param.EvaluatedLiteral(v.array.Index(i / v.stride % v.array.Len()))
}

// Iteration returns the run params of iteration i, from 0: the first loop param varies fastest.
func (l *Loop) Iteration(i int) *param.Defs {
	out := l.base.Clone(1 + len(l.vars))
	out.Set(LoopIndex, param.Literal(param.LongValue(int64(i))))
	for _, v := range l.vars {
		out.Set(v.name, v.at(i))
	}
	return out
}

// WhileIteration returns the run params of iteration n of a while, from 1, with the present values of its loop params.
func (l *Loop) WhileIteration(n int, values *param.Values) *param.Defs {
	out := l.base.Clone(2 + values.Len())
	out.Set(LoopIndex, param.Literal(param.LongValue(int64(n-1))))
	for name, v := range values.All() {
		out.Set(name, param.EvaluatedLiteral(v))
	}
	out.Set(LoopCondition, param.Literal(param.BooleanValue(true)))
	return out
}
