package instance

import (
	"errors"
	"fmt"

	"maestro/api"
	"maestro/spec"
)

// ErrEnded says that an action on a step is legal and needs a new run, since this one has ended. Nothing changed.
var ErrEnded = errors.New("instance: the run has ended, and the action needs a new one")

// actOnStep does one action to one step. This is the one place that decides which actions are allowed, and says why one is
// not (spec/engine 10.3).
func (r *Run) actOnStep(e ActOnStep) error {
	switch e.Action {
	case Restart:
		return r.restartStep(e)
	case Skip:
		if err := r.skippable(e.Step); err != nil {
			return err
		}
		if step, ok := r.Plan.Ordinal(e.Step); r.Own.Terminal() || ok && r.Steps[step].Number > 0 && !r.Steps[step].Status.Wakeable() {
			if err := r.overtaken(&e); err != nil {
				return err
			}
			e.Skip = true
			return r.restartStep(e)
		}
	default:
	}
	step, err := r.liveStep(&e)
	if err != nil {
		return err
	}
	s := &r.Steps[step]
	r.pass.Acted = Acted{Action: e.Action, Attempt: s.Number}
	refused := api.Errorf(api.BadRequest, "Cannot %s step [%s] of workflow instance %s, whose status is [%s]", e.Action, e.Step, r.Identity(), s.Status)
	switch e.Action {
	case Stop, Kill, Skip:
		switch {
		case !s.Status.Wakeable() || e.Action == Skip && s.Status == StepCreated:
			return refused
		case e.Action == Skip && r.conditional(step) && r.lacksTemplate(step):
			return api.Errorf(api.Unavailable, "Cannot skip step [%s] of workflow instance %s before its job template is read; try again", e.Step, r.Identity())
		}
		r.endStep(step, ending{target: e.Action.target(), by: Ender{e.Action, e.User}, reason: e.Reason}, e.At)
	case Bypass:
		if s.Status != WaitingForSignals {
			return refused
		}
		for i, d := range s.Signals {
			if d.Status == SignalPending {
				r.record(Record{Kind: KindStepSignal, Step: step, At: e.At, A: int64(i), Status: uint8(SignalSkipped), Text: e.User})
			}
		}
		r.line(step, actionLine(e), e.At)
		r.push(step)
	case Resume:
		if s.Status != StepPaused {
			return refused
		}
		r.to(step, WaitingForSignals, e.At)
		r.push(step)
	default:
		return refused
	}
	return nil
}

// liveStep returns the step that an action is about, or why nothing can be done to it.
func (r *Run) liveStep(e *ActOnStep) (int, error) {
	step, ok := r.Plan.Ordinal(e.Step)
	if r.Own.Terminal() || r.Own != InProgress {
		if ok {
			if err := r.overtaken(e); err != nil {
				return 0, err
			}
		}
		state := "terminal"
		if !r.Own.Terminal() {
			state = "not begun"
		}
		return 0, api.Errorf(api.BadRequest, "Cannot %s step [%s] of workflow instance %s, which is %s [%s]", e.Action, e.Step, r.Identity(), state, r.Status)
	}
	if !ok {
		return 0, api.Errorf(api.BadRequest, "step [%s] is not in the DAG of workflow instance %s", e.Step, r.Identity())
	}
	s := &r.Steps[step]
	if s.Number == 0 {
		return 0, api.Errorf(api.NotFound, "step instance [%s][%d][%d][%s] not found (either not created or deleted)", r.WorkflowID, r.Instance, r.Number, e.Step)
	}
	if e.Attempt != 0 && e.Attempt != s.Number {
		return 0, api.Errorf(api.Conflict, "attempt [%d] of step [%s] of workflow instance %s is not the latest one, which is [%d]", e.Attempt, e.Step, r.Identity(), s.Number)
	}
	if s.IsEnding() {
		return 0, api.Errorf(api.Conflict, "there is an ongoing action for step [%s] of workflow instance %s, %s; try again when it is done", e.Step, r.Identity(), s.endedBy)
	}
	return step, r.overtaken(e)
}

// overtaken refuses an action on a step that another one ended after the caller had asked for this one: of simultaneous
// actions one is done, and the others are told which.
func (r *Run) overtaken(e *ActOnStep) error {
	step, ok := r.Plan.Ordinal(e.Step)
	if !ok || e.Asked == 0 {
		return nil
	}
	if s := &r.Steps[step]; s.Status.Terminal() && s.endedBy.User != "" && s.Ended >= e.Asked {
		return api.Errorf(api.Conflict, "step [%s] of workflow instance %s was ended at the same time by another action, %s", e.Step, r.Identity(), s.endedBy)
	}
	return nil
}

// String names the action and the user that asked for it.
func (e Ender) String() string {
	if e.User == "" {
		return fmt.Sprintf("[%s] of the run", e.Action)
	}
	return fmt.Sprintf("[%s] by user [%s]", e.Action, e.User)
}

// skippable refuses to skip a step that there is nothing to skip of. It goes by the view over all runs: a step of an
// earlier run can be skipped by a new one.
func (r *Run) skippable(id string) error {
	view, ok := r.Aggregate().Steps[id]
	switch {
	case !ok:
		return api.Errorf(api.BadRequest, "workflow instance %s has no step [%s]", r.Identity(), id)
	case view.Status == NotCreated:
		return api.Errorf(api.BadRequest, "Cannot skip step [%s][%d][%s] before it is created; try again when it is", r.WorkflowID, r.Instance, id)
	case view.Status == Unsatisfied || view.Status == Disabled:
		return api.Errorf(api.BadRequest, "Cannot skip step [%s][%d][%s], which is [%s]: it was not run, and can only be restarted", r.WorkflowID, r.Instance, id, view.Status)
	}
	return nil
}

// restartStep makes a new attempt of a step. ErrEnded says that a new run must make it.
func (r *Run) restartStep(e ActOnStep) error {
	view, known := r.Aggregate().Steps[e.Step]
	if !known || view.Status == NotCreated {
		return api.Errorf(api.BadRequest, "Invalid restart request for %s: step [%s] is not created in the DAG", r.Identity(), e.Step)
	}
	if !view.Status.Terminal() {
		return api.Errorf(api.BadRequest, "Cannot restart step [%s] of workflow instance %s, which is not terminal but [%s]", e.Step, r.Identity(), view.Status)
	}
	if r.Own.Terminal() {
		return ErrEnded
	}
	step, ok := r.Plan.Ordinal(e.Step)
	if !ok {
		return api.Errorf(api.BadRequest, "step [%s] is not in the DAG of workflow instance %s", e.Step, r.Identity())
	}
	s := &r.Steps[step]
	switch mode := r.Plan.Nodes[step].Step.FailureMode; {
	case s.Number > 0 && !s.Status.Restartable():
		return api.Errorf(api.BadRequest, "Cannot restart step [%s] of workflow instance %s, whose status is [%s]", e.Step, r.Identity(), s.Status)
	case mode != "" && mode != spec.FailAfterRunning:
		return api.Errorf(api.BadRequest, "Cannot restart step [%s] of the live workflow instance %s, since its failure mode is [%s]", e.Step, r.Identity(), mode)
	case r.Own != InProgress || r.Ending != NoAction || s.Number == 0 && r.rootRuns(step):
		return api.Errorf(api.BadRequest, "Cannot restart step [%s] of workflow instance %s any more: the run is ending", e.Step, r.Identity())
	}
	flags := FlagManual
	if e.Skip {
		flags |= FlagSkip
	}
	r.create(step, flags, e.At)
	if e.Data != nil {
		r.record(Record{Kind: KindStepRestart, Step: step, At: e.At, Data: e.Data})
	}
	r.pass.Acted = Acted{Action: Restart, Attempt: r.Steps[step].Number}
	return nil
}

// MayRestart says why no new run of the instance can be made after this one, or nil when it can.
func (r *Run) MayRestart() error {
	if !r.Own.Terminal() {
		return api.Errorf(api.BadRequest, "Cannot restart workflow instance %s, which is not terminal but [%s]", r.Identity(), r.Status)
	}
	return nil
}

func actionLine(e ActOnStep) Line {
	return InfoLine(fmt.Sprintf("User [%s] takes action [%s] on the step, reason: [%s]", e.User, e.Action, e.Reason))
}
