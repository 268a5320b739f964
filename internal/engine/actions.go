package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
)

// Actions carry their intent to the run's owner. The state machine alone decides and explains what is allowed
// (instance/actions.go); here they find their run and are answered.

// errOutOfSight answers a caller whose action was accepted when the run is not in memory any more.
var errOutOfSight = api.Errorf(api.RequestTimeout, "the action is accepted, and its end could not be waited for; it stays pending")

// done is what the owner of a run answers.
type done struct {
	acted   instance.Acted
	status  instance.RunStatus
	version int64
	attempt instance.Attempt // of ActOnStep: as it is now
}

// ask hands an event to a run and returns the run's answer once what follows is durable.
func (e *Engine) ask(ctx context.Context, id store.RunID, ev instance.Event) (done, error) {
	return e.askUntil(ctx, id, ev, nil)
}

// askUntil is ask for a caller who waits for what the event leads to, too.
func (e *Engine) askUntil(ctx context.Context, id store.RunID, ev instance.Event, reached func(*instance.Run, instance.Acted) bool) (done, error) {
	type answer struct {
		done
		err error
	}
	answers := make(chan answer, 1)
	it := item{event: ev, done: func(r *instance.Run, acted instance.Acted, err error) {
		a := answer{done{acted: acted}, err}
		if r != nil {
			a.status, a.version = r.Status, r.Version
			if on, ok := ev.(instance.ActOnStep); ok && err == nil {
				step, _ := r.Plan.Ordinal(on.Step)
				a.attempt = r.Steps[step].Attempt
				a.attempt.Artifacts = maps.Clone(a.attempt.Artifacts)
			}
		}
		answers <- a
	}}
	if reached != nil {
		it.until = &until{ctx: ctx, reached: reached}
	}
	e.deliver(id, it)
	select {
	case a := <-answers:
		return a.done, a.err
	case <-ctx.Done():
		return done{}, context.Cause(ctx)
	}
}

// latest returns the row of the latest run of an instance. A run that is named must be the latest.
func (e *Engine) latest(ctx context.Context, workflowID string, inst, run int64, action string) (*store.Run, error) {
	row, err := e.find(ctx, workflowID, inst, 0)
	if err == nil && run != 0 && run != row.Run {
		return nil, api.Errorf(api.BadRequest, "Cannot %s the workflow instance run [%d] as it is not the latest run [%d]", action, run, row.Run)
	}
	return row, err
}

// ActOnRun stops or kills the latest run of an instance (spec/engine 10.2). A run that is queued ends at once; one that
// runs is told to, and ends soon.
func (e *Engine) ActOnRun(ctx context.Context, q RunAction) (RunActed, error) {
	row, err := e.latest(ctx, q.WorkflowID, q.Instance, q.Run, q.Action.String())
	if err != nil {
		return RunActed{}, err
	}
	out := RunActed{WorkflowID: q.WorkflowID, Instance: q.Instance, Run: row.Run}
	out.Line = stamped(instance.InfoLine(fmt.Sprintf("User [%s] take an action to %s the running workflow instance run", q.User, q.Action)), e.clock.now())
	reason := q.Reason
	if reason == "" {
		reason = out.Line.Message
	}
	d, err := e.ask(ctx, row.ID, instance.ActOnRun{At: e.clock.of(row.ID), Action: q.Action, User: q.User, Reason: reason})
	if err != nil {
		return RunActed{}, err
	}
	if d.acted.Done {
		out.Status, out.Completed, out.Info = d.status, true, "The action is completed."
		return out, nil
	}
	out.Status, out.Info = instance.InProgress, "The action is accepted and is still running. Please check it again."
	return out, nil
}

// ActOnWorkflow stops or kills every run of a workflow that is live. It returns how many were queued and how many are
// being ended.
func (e *Engine) ActOnWorkflow(ctx context.Context, workflowID string, action instance.Action, user, reason string) (queued, running int, err error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if errors.Is(err, api.NotFound) {
		return 0, 0, nil
	} else if err != nil {
		return 0, 0, err
	}
	g, err := e.ownerOf(internal)
	if err != nil {
		return 0, 0, err
	}
	waiting, live, err := g.strategies.live(ctx, internal, workflowID)
	if err != nil {
		return 0, 0, err
	}
	// Queued ones first, from the newest to the oldest, so that none of them gets its turn because another has ended.
	slices.Reverse(waiting)
	for _, m := range append(waiting, live...) {
		d, err := e.ask(ctx, m.id, instance.ActOnRun{At: e.clock.of(m.id), Action: action, User: user, Reason: reason})
		switch {
		case refused(err): // it has ended meanwhile
		case err != nil:
			return queued, running, err
		case d.acted.Done:
			queued++
		default:
			running++
		}
	}
	return queued, running, nil
}

// refused reports whether a run refused an action, or took no notice of an event: nothing changed, and nothing will.
func refused(err error) bool {
	return errors.Is(err, instance.ErrStale) || errors.Is(err, instance.ErrEnded) ||
		errors.Is(err, api.BadRequest) || errors.Is(err, api.NotFound) || errors.Is(err, api.Conflict)
}

// UnblockRun marks the latest run of an instance, which must be FAILED, as seen to. It returns the number of the run, and
// whether the run had not been seen to before.
func (e *Engine) UnblockRun(ctx context.Context, workflowID string, inst, run int64, line instance.Line) (number int64, blocked bool, err error) {
	row, err := e.latest(ctx, workflowID, inst, run, "UNBLOCK")
	if err != nil {
		return 0, false, err
	}
	g, err := e.ownerOf(row.Workflow)
	if err != nil {
		return 0, false, err
	}
	blocked, err = e.unblock(ctx, row.ID, line)
	return row.Run, blocked, errors.Join(err, g.strategies.unblocked(ctx, row.Workflow))
}

// Unblock marks every FAILED run of a workflow as seen to. It returns how many were marked.
func (e *Engine) Unblock(ctx context.Context, workflowID string, line instance.Line) (int, error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if errors.Is(err, api.NotFound) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	g, err := e.ownerOf(internal)
	if err != nil {
		return 0, err
	}
	rows, err := e.store.List(ctx, store.RunQuery{Workflow: internal, Latest: true, From: 1, Statuses: []uint8{uint8(instance.RunFailed)}})
	if err != nil {
		return 0, fmt.Errorf("list failed runs of workflow %s: %w", workflowID, err)
	}
	n := 0
	for _, row := range rows {
		blocked, err := e.unblock(ctx, row.ID, line)
		switch {
		case refused(err): // it is run again
		case err != nil:
			return n, errors.Join(err, g.strategies.unblocked(ctx, internal))
		case blocked:
			n++
		}
	}
	return n, g.strategies.unblocked(ctx, internal)
}

func (e *Engine) unblock(ctx context.Context, id store.RunID, line instance.Line) (blocked bool, err error) {
	d, err := e.ask(ctx, id, instance.Unblock{At: e.clock.of(id), Line: line})
	if errors.Is(err, errDamaged) { // it, too, holds up others only until it has been seen to
		return true, e.unblockDamaged(ctx, id, line)
	}
	return d.acted.Done, err
}

// ActOnStep does an action to one step of the latest run (spec/engine 10.3). A skip of a step that has ended is a restart
// that skips it.
func (e *Engine) ActOnStep(ctx context.Context, q StepAction) (StepActed, error) {
	asked := e.clock.now()
	row, err := e.find(ctx, q.WorkflowID, q.Instance, 0)
	if err != nil {
		return StepActed{}, err
	}
	const why = "manual step instance API call"
	asSkip := RestartRequest{WorkflowID: q.WorkflowID, Instance: q.Instance, Step: q.Step, User: q.User, Policy: instance.RestartFromIncomplete, Skip: true}
	ev := instance.ActOnStep{
		At: e.clock.of(row.ID), Step: q.Step, Action: q.Action, User: q.User, Reason: why, Asked: asked - e.clock.lag(row.ID),
	}
	if q.Action == instance.Skip {
		ev.Data = newRestartConfig(&asSkip).encode()
	}
	d, err := e.act(ctx, row, ev, q.Blocking)
	switch {
	case errors.Is(err, instance.ErrEnded):
		return e.restartAs(ctx, row, &asSkip)
	case err != nil:
		return StepActed{}, err
	case d.acted.Action == instance.Restart:
		return e.restarted(row, &asSkip, d), nil
	}
	text := fmt.Sprintf("User [%s] take action [%s] on the step", q.User, q.Action)
	if q.Action != instance.Bypass {
		text += fmt.Sprintf(" due to reason: [%s]", why)
	}
	out := StepActed{
		WorkflowID: q.WorkflowID, Instance: q.Instance, Run: row.Run, Version: row.Version, Step: q.Step,
		Action: d.acted.Action, Attempt: d.acted.Attempt, Line: stamped(instance.InfoLine(text), e.clock.now()),
	}
	if q.Blocking {
		out.State = &d.attempt
	}
	return out, nil
}

// act hands an action to the run. With blocking it returns when the step has ended, or api.RequestTimeout.
func (e *Engine) act(ctx context.Context, row *store.Run, ev instance.ActOnStep, blocking bool) (done, error) {
	if !blocking {
		return e.ask(ctx, row.ID, ev)
	}
	late := api.Errorf(api.RequestTimeout, "action [%s] is not done after %s; it stays pending", ev.Action, e.cfg.ActionWithin)
	ctx, cancel := context.WithTimeoutCause(ctx, e.cfg.ActionWithin, late)
	defer cancel()
	return e.askUntil(ctx, row.ID, ev, func(r *instance.Run, acted instance.Acted) bool {
		switch acted.Action {
		case instance.Stop, instance.Kill, instance.Skip:
			step, _ := r.Plan.Ordinal(ev.Step)
			s := &r.Steps[step]
			return s.Status.Terminal() && !s.Status.Retryable() || s.Number > acted.Attempt+1
		default:
			return true
		}
	})
}
