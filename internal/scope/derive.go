package scope

import "maestro/param"

// StepDerive returns how the results of a step's own default params follow from its identity, so that they need not be
// stored (params 13.2). An operator's changed defaults are not recognized and are stored.
func StepDerive(run *Run, step *Step) param.Derive {
	return func(name string, d *param.Def) (param.Value, bool) {
		if d.Source != param.SourceSystemDefault {
			return param.Value{}, false
		}
		switch d.Expression {
		case `return params.getFromInstance("workflow_instance_id");`:
			return param.LongValue(run.InstanceID), d.Type == param.Long
		case `return params.getFromStep("step_instance_uuid");`:
			return param.StringValue(step.UUID), d.Type == param.String
		case `return params.getFromStep("step_attempt_id");`:
			return param.LongValue(step.AttemptID), d.Type == param.Long
		case `return params.getFromStep("step_id");`:
			return param.StringValue(step.ID), d.Type == param.String
		}
		return param.Value{}, false
	}
}

// WorkflowDerive is StepDerive for the params of a run: its id and owner.
func WorkflowDerive(run *Run) param.Derive {
	return func(name string, d *param.Def) (param.Value, bool) {
		if d.Source != param.SourceSystemDefault {
			return param.Value{}, false
		}
		switch d.Expression {
		case `return params.getFromInstance("workflow_id");`:
			return param.StringValue(run.WorkflowID), d.Type == param.String
		case `return params.getFromInstance("owner");`:
			return param.StringValue(run.Owner), d.Type == param.String
		}
		return param.Value{}, false
	}
}
