package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/scope"
	"maestro/param"
	"maestro/spec"
)

// dryRunError says why a definition could not start.
type dryRunError struct {
	kind    string // class of the failure, as clients of the reference know it
	message string
}

func (e *dryRunError) Error() string { return e.kind + ": " + e.message }

func dryRunFailure(err error) error {
	e := param.AsError(err)
	return &dryRunError{kind: e.Kind.String(), message: e.Message}
}

// maxTimeout bounds the timeout of a run (definition 5.1).
const maxTimeout = 120 * 24 * time.Hour

// dryRun proves that a start of w would get past the merging of params (definition 13): the graph has no cycle, workflow
// params merge and evaluate, the timeout is one, and the params of every top-level step merge. Nothing in loops is looked
// at, and nothing of a step is evaluated. An error that is no dryRunError is not about w.
func (c *Catalog) dryRun(ctx context.Context, w *spec.Workflow, caller string) error {
	if _, err := spec.BuildDAG(w.Steps, nil, nil); err != nil {
		cycle, ok := errors.AsType[*spec.CycleError](err)
		if !ok {
			return err
		}
		return &dryRunError{"IllegalArgumentException", fmt.Sprintf("Invalid workflow definition [%s], where %s", w.ID, cycle)}
	}
	mark := inflight.Text("definition", string(w.AppendJSON(nil)))
	if err := c.cfg.Guard.Condemned(mark); err != nil {
		return &dryRunError{"IllegalArgumentException", fmt.Sprintf("Invalid workflow definition [%s]: %s", w.ID, err)}
	}
	pass := c.cfg.Guard.Enter(mark)
	defer pass.Leave()
	base, err := scope.WorkflowBase(c.cfg.Defaults, w.Params, false)
	if err != nil {
		return dryRunFailure(err)
	}
	defs, err := scope.MergeWorkflow(base, &scope.Start{RunParams: scope.DryRunParams(c.cfg.Defaults, w.Params)})
	if err != nil {
		return dryRunFailure(err)
	}
	now := c.cfg.Now()
	budget := c.cfg.Params.Meter() // of the params and the timeout together
	signals := signalsOf(w)
	signals.Stop = func() bool { return ctx.Err() != nil }
	run := &scope.Run{WorkflowID: string(w.ID), Policy: instance.StartFresh, Initiator: "VALIDATION", Runner: caller, Owner: caller, FirstTriggerZone: firstZone(w)}
	params, err := c.cfg.Params.EvaluateWorkflow(budget, defs, run, signals, now)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return dryRunFailure(err)
	}
	if w.Timeout.IsSet() {
		interpolate := func(text string) (string, error) {
			return c.cfg.Params.Attribute(budget, text, "workflow ["+string(w.ID)+"]", params, now)
		}
		if _, err := w.Timeout.Timeout(interpolate, maxTimeout); err != nil {
			if p, ok := errors.AsType[*param.Error](err); ok {
				return dryRunFailure(p)
			}
			return &dryRunError{"IllegalArgumentException", err.Error()}
		}
	}
	for _, s := range w.Steps {
		if err := c.dryRunStep(ctx, s, params); err != nil {
			return err
		}
	}
	return nil
}

func (c *Catalog) dryRunStep(ctx context.Context, s *spec.Step, workflow *param.Params) error {
	template, err := c.mergedTemplate(ctx, s, workflow)
	if _, ok := errors.AsType[*param.Error](err); ok {
		return dryRunFailure(err)
	}
	if err != nil {
		return err
	}
	base, err := scope.StepBase(c.cfg.Defaults.OfStep(string(s.Type)), template, nil)
	if err != nil {
		return dryRunFailure(err)
	}
	if _, err := scope.MergeStep(base, s.Params, &scope.StepStart{}); err != nil {
		return dryRunFailure(err)
	}
	return nil
}

// firstZone returns the time zone of the first time trigger.
func firstZone(w *spec.Workflow) string {
	if len(w.TimeTriggers) == 0 {
		return ""
	}
	return w.TimeTriggers[0].Timezone.Value
}

// signalsOf says which params of signals the triggers of w declare.
func signalsOf(w *spec.Workflow) scope.DryRun {
	d := scope.DryRun{TriggerParams: make(map[string]bool), SignalParams: make(map[string]map[string]bool)}
	for i := range w.SignalTriggers {
		t := &w.SignalTriggers[i]
		for name := range t.Params.All() {
			d.TriggerParams[name] = true
		}
		for _, s := range t.Definitions {
			if d.SignalParams[s.Signal] == nil {
				d.SignalParams[s.Signal] = make(map[string]bool)
			}
			for _, m := range s.Match {
				d.SignalParams[s.Signal][m.Param] = true
			}
			for _, key := range s.JoinKeys {
				d.SignalParams[s.Signal][key] = true
			}
		}
	}
	return d
}
