package engine

import (
	"context"
	"maps"
	"time"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/step"
)

// Logs returns the runtime that keeps the log of an attempt, and the attempt as that runtime knows it.
func (e *Engine) Logs(_ context.Context, r *instance.Run, ordinal int, attempt int64) (step.Logs, *step.Attempt, error) {
	node := &r.Plan.Nodes[ordinal]
	logs, ok := e.runtimes[node.Step.Type].(step.Logs)
	if !ok {
		return nil, nil, api.Errorf(api.NotFound, "steps of type %s keep no logs", node.Step.Type)
	}
	s := &r.Steps[ordinal]
	a := &s.Attempt
	for i := range s.Earlier {
		if s.Earlier[i].Number == attempt {
			a = &s.Earlier[i]
		}
	}
	if a.Number != attempt || attempt == 0 {
		return nil, nil, api.Errorf(api.NotFound, "step [%s] of workflow instance %s has no attempt [%d]", node.ID, r.Identity(), attempt)
	}
	return logs, describe(r, ordinal, a, true), nil
}

// describe tells a runtime about an attempt.
func describe(r *instance.Run, ordinal int, a *instance.Attempt, again bool) *step.Attempt {
	att := identify(r, ordinal, a)
	att.Params, att.WorkflowParams, att.Again = r.AttemptParams(ordinal, a), r.Params, again
	if a == &r.Steps[ordinal].Attempt {
		att.Deadline = time.UnixMilli(r.Deadline(ordinal))
	}
	return att
}

// identify is describe without what must be evaluated.
func identify(r *instance.Run, ordinal int, a *instance.Attempt) *step.Attempt {
	node := &r.Plan.Nodes[ordinal]
	att := &step.Attempt{
		UUID:       r.AttemptUUID(ordinal, a.Number),
		WorkflowID: r.WorkflowID, WorkflowName: r.Plan.Workflow.Name.Or(r.WorkflowID), Instance: r.Instance, Run: r.Number, RunUUID: r.UUID,
		CorrelationID: r.CorrelationID(), Version: r.Version, StepID: node.ID, Number: a.Number,
		StepInstanceID: a.Sequence, Owner: r.Header.Owner(), RunPolicy: r.Policy(),
		Definition: node.Step, Artifacts: maps.Clone(a.Artifacts), Started: time.UnixMilli(a.Times[instance.Starting]),
	}
	if a.Output != nil {
		att.Output = decodeOutput(a.Output)
	}
	return att
}
