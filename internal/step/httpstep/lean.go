package httpstep

import (
	"maestro/internal/step"
	"maestro/param"
)

// lean returns an attempt with only the params that are still going to be read: by decode and by the state expression.
// An attempt may wait for days, and those of a run are ten times as large as all else that is kept of it.
func (rt *Runtime) lean(a *step.Attempt) *step.Attempt {
	expr, err := stateExpr(a.Params)
	if err != nil {
		return a
	}
	names, all := rt.cfg.Names(expr)
	if all {
		return a
	}
	out := *a
	out.Params = pick(a.Params, append([]string{"http", "state_expr"}, names...))
	out.WorkflowParams = pick(a.WorkflowParams, names)
	return &out
}

// pick returns the params of the given names, as far as there are any.
func pick(from *param.Params, names []string) *param.Params {
	out := &param.Params{}
	for _, name := range names {
		if p := from.Lookup(name); p != nil {
			out.Set(name, *p)
		}
	}
	return out
}
