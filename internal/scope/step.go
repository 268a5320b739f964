package scope

import "maestro/param"

// StepBase merges what the system contributes to a step's params: the defaults of its type (which begin with those of
// every step), its job template and what an extension injects; rows 1 to 4 of params 7.3. template and injected may
// be nil.
func StepBase(defaults, template, injected *param.Defs) (*param.Defs, error) {
	defs, err := param.Merge(defaults, template, param.Context{Source: param.SourceTemplateSchema})
	if err != nil {
		return nil, err
	}
	return param.Merge(defs, injected, param.Context{Source: param.SourceSystemInjected})
}

// Template merges the workflow params that have the name of a template param into the template (params 7.3 row 3,
// definition 14).
func Template(schema *param.Defs, workflow *param.Params) (*param.Defs, error) {
	same := &param.Defs{}
	for name := range schema.All() {
		p := workflow.Lookup(name)
		if p == nil {
			continue
		}
		d, err := p.ToDef(name)
		if err != nil {
			return nil, err
		}
		same.Set(name, d)
	}
	return param.Merge(schema, same, param.Context{Source: param.SourceWorkflowParam, Upstream: true})
}

// StepStart says how a step attempt came to be, as far as its params are concerned.
type StepStart struct {
	Parent  param.Source // as of the run's Start
	Restart bool         // the run policy is not a fresh one

	RunParams     *param.Defs // attached to this attempt, else to the run for this step
	RestartParams *param.Defs // of the restart config for this step, given only at the restart's target
}

// MergeStep returns the definitions of a step attempt's params, ready for evaluation: rows 5 to 10 of params 7.3. base is
// what StepBase gave. Without run and restart params the result depends on base and definition alone.
func MergeStep(base, definition *param.Defs, s *StepStart) (*param.Defs, error) {
	run, carried := splitCarried(s.RunParams)
	user := param.Context{Source: userSource(s.Parent, s.Restart), Restart: s.Restart}

	// Params that the definition lacks come before those it has, so that they are evaluated first.
	defs, err := param.Merge(base, undefined(definition, run, s.RestartParams), user)
	if err != nil {
		return nil, err
	}
	for _, row := range []struct {
		in  *param.Defs
		ctx param.Context
	}{
		{definition, param.Context{Source: param.SourceDefinition}},
		{run, user},
		{s.RestartParams, user},
	} {
		if defs, err = param.Merge(defs, row.in, row.ctx); err != nil {
			return nil, err
		}
	}
	if carried.Len() > 0 {
		defs = defs.Clone(carried.Len())
		for name, d := range carried.All() {
			c := *d
			c.Source = param.SourceRestart
			defs.Set(name, &c)
		}
	}
	return param.Cleanup(defs)
}

// splitCarried takes the system's own params out of step run params: a restart carries them along (params 7.3 row 9).
func splitCarried(defs *param.Defs) (user, carried *param.Defs) {
	for name, d := range defs.All() {
		if d.Source == param.SourceSystemInjected && d.Mode == param.Constant && param.IsReservedName(name) {
			if carried == nil {
				carried = &param.Defs{}
			}
			carried.Set(name, d)
		}
	}
	for name := range carried.All() {
		defs = defs.Without(name)
	}
	return defs, carried
}

// undefined returns the run and restart params that the definition does not name. Of two with the same name the run
// param counts.
func undefined(definition, run, restart *param.Defs) *param.Defs {
	var out *param.Defs
	for _, set := range []*param.Defs{restart, run} {
		for name, d := range set.All() {
			if definition.Has(name) {
				continue
			}
			if out == nil {
				out = &param.Defs{}
			}
			out.Set(name, d)
		}
	}
	return out
}

// EnrichStep returns the definition of a step as the enriched view shows it: rows 1, 3, 2 and 6 without cleanup
// (params 7.3, definition 2.4). all are the defaults of every step, ofType those of the type alone or after all.
func EnrichStep(all, template, ofType, definition *param.Defs) (*param.Defs, error) {
	defs, err := param.Merge(all, template, param.Context{Source: param.SourceTemplateSchema})
	if err != nil {
		return nil, err
	}
	if defs, err = param.Merge(defs, ofType, param.Context{Source: param.SourceSystemDefault}); err != nil {
		return nil, err
	}
	return param.Merge(defs, definition, param.Context{Source: param.SourceDefinition})
}

// SatisfiedName is the param that tells whether a step was reached (params 7.3).
const SatisfiedName = "maestro_step_satisfied"

// Satisfied returns the param that every step instance has besides its own: BOOLEAN, without tags, mode and source.
func Satisfied(yes bool, now int64) param.Param {
	v := param.BooleanValue(yes)
	return param.Param{Def: param.Literal(v), Result: v, Time: now, Evaluated: true}
}
