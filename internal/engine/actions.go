package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// ActOnRun stops or kills one run (spec/engine 10.2). A run that is queued ends at once; one that runs is told to, and
// ends soon.
func (e *Engine) ActOnRun(ctx context.Context, q RunAction) (RunActed, error) {
	r, err := e.latest(ctx, q.WorkflowID, q.Instance, q.Run)
	if err != nil {
		return RunActed{}, err
	}
	target := instance.RunStopped
	if q.Action == instance.Kill {
		target = instance.RunFailed
	}
	out := RunActed{WorkflowID: q.WorkflowID, Instance: r.Instance, Run: r.Number}
	out.Line = stamped(instance.InfoLine(fmt.Sprintf("User [%s] take an action to %s the running workflow instance run", q.User, q.Action)), nowMillis())
	reason := q.Reason
	if reason == "" {
		reason = out.Line.Message
	}
	if r.Own == target && !r.Status.Failed() || r.Own.Failed() && target == instance.RunFailed {
		out.Status, out.Completed, out.Info = r.Status, true, "The action is completed."
		return out, nil
	}
	if r.Own.Terminal() {
		return RunActed{}, fmt.Errorf("%w: Cannot terminate a workflow instance %s from status [%s] to [%s]", ErrBadRequest, r.Identity(), r.Status, target)
	}
	if r.Status == instance.Created {
		line := instance.WarnLine(fmt.Sprintf("Workflow instance status becomes [%s] due to reason [%s]", target, reason))
		ended, err := e.endQueued(ctx, store.RunID(r.ID), target, line, false)
		if err == nil {
			out.Status, out.Completed, out.Info = ended, true, "The action is completed."
			return out, nil
		}
		if !errors.Is(err, instance.ErrStale) {
			return RunActed{}, err
		}
		// It has begun meanwhile.
	}
	if _, err := e.ask(ctx, store.RunID(r.ID), instance.ActOnRun{At: nowMillis(), Action: q.Action, User: q.User, Reason: reason}); err != nil && !errors.Is(err, instance.ErrStale) {
		return RunActed{}, err
	}
	out.Status, out.Info = instance.InProgress, "The action is accepted and is still running. Please check it again."
	return out, nil
}

// latest loads the latest run of an instance. A run that is named must be the latest.
func (e *Engine) latest(ctx context.Context, workflowID string, inst, run int64) (*instance.Run, error) {
	r, err := e.present(ctx, workflowID, inst, 0)
	if err != nil {
		return nil, err
	}
	if run != 0 && run != r.Number {
		return nil, fmt.Errorf("%w: run [%s][%d][%d] is not the latest run, which is [%d]", ErrBadRequest, workflowID, inst, run, r.Number)
	}
	return r, nil
}

// ask hands an event to a run and returns the run's answer once what follows is durable.
func (e *Engine) ask(ctx context.Context, id store.RunID, ev instance.Event) (acted instance.Attempt, err error) {
	type answer struct {
		attempt instance.Attempt
		err     error
	}
	done := make(chan answer, 1)
	e.deliver(id, item{event: ev, done: func(r *instance.Run, err error) {
		var a answer
		a.err = err
		if on, ok := ev.(instance.ActOnStep); ok && err == nil {
			a.attempt = r.Steps[on.Step].Attempt
		}
		done <- a
	}})
	select {
	case a := <-done:
		return a.attempt, a.err
	case <-ctx.Done():
		return acted, context.Cause(ctx)
	}
}

// endQueued ends a run that waits for its turn. ErrStale says that it does not wait any more.
func (e *Engine) endQueued(ctx context.Context, id store.RunID, to instance.RunStatus, line instance.Line, began bool) (instance.RunStatus, error) {
	r, row, err := e.loadRun(ctx, id, false)
	if err != nil {
		return 0, err
	}
	now := max(nowMillis(), r.Modified)
	records, err := r.EndQueued(to, line, began, now)
	if err != nil {
		return 0, err
	}
	err = e.committer.commit(store.Change{
		Group: row.Group, Epoch: e.epoch(row.Group), Run: id, Seq: row.Entries + 1, At: now,
		Entry:  instance.AppendEntry(nil, records),
		Update: &store.Update{Status: uint8(r.Status), Ended: now},
	})
	if errors.Is(err, store.ErrStale) {
		return 0, instance.ErrStale // it began in the same moment
	}
	if err != nil {
		return 0, err
	}
	e.hub.tell(id)
	e.strategies.ended(r.Internal, id, r.Status)
	return r.Status, nil
}

// ActOnWorkflow stops or kills every run of a workflow that is live. It returns how many were queued and how many are
// being ended.
func (e *Engine) ActOnWorkflow(ctx context.Context, workflowID string, action instance.Action, user, reason string) (queued, running int, err error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if errors.Is(err, ErrNotFound) {
		return 0, 0, nil
	} else if err != nil {
		return 0, 0, err
	}
	waiting, live, err := e.strategies.live(ctx, internal, workflowID)
	if err != nil {
		return 0, 0, err
	}
	target := instance.RunStopped
	if action == instance.Kill {
		target = instance.RunFailed
	}
	line := instance.WarnLine(fmt.Sprintf("Workflow instance status becomes [%s] due to reason [%s]", target, reason))
	// From the newest to the oldest, so that none of them gets its turn because another has ended.
	for i := len(waiting) - 1; i >= 0; i-- {
		switch _, err := e.endQueued(ctx, waiting[i].id, target, line, false); {
		case err == nil:
			queued++
		case errors.Is(err, instance.ErrStale):
			live = append(live, waiting[i])
		default:
			return queued, running, err
		}
	}
	for _, m := range live {
		switch _, err := e.ask(ctx, m.id, instance.ActOnRun{At: nowMillis(), Action: action, User: user, Reason: reason}); {
		case err == nil:
			running++
		case errors.Is(err, instance.ErrStale):
		default:
			return queued, running, err
		}
	}
	return queued, running, nil
}

// Unblock marks FAILED runs as seen to. inst 0 means all of the workflow. It returns how many were marked.
func (e *Engine) Unblock(ctx context.Context, workflowID string, inst, run int64, line instance.Line) (int, error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if err != nil {
		if inst == 0 && errors.Is(err, ErrNotFound) {
			return 0, nil
		}
		return 0, err
	}
	q := store.RunQuery{Workflow: internal, Latest: true, From: 1, Statuses: []uint8{uint8(instance.RunFailed)}}
	if inst != 0 {
		r, err := e.latest(ctx, workflowID, inst, run)
		if err != nil {
			return 0, err
		}
		if !r.Status.Failed() {
			return 0, fmt.Errorf("%w: Cannot unblock workflow instance %s, which is [%s] and not FAILED", ErrBadRequest, r.Identity(), r.Status)
		}
		q.From, q.To = inst, inst
	}
	rows, err := e.store.List(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("list failed runs of workflow %s: %w", workflowID, err)
	}
	n := 0
	for _, row := range rows {
		if err := e.unblock(ctx, row.ID, line); errors.Is(err, instance.ErrStale) {
			continue
		} else if err != nil {
			return n, errors.Join(err, e.strategies.unblocked(ctx, internal))
		}
		n++
	}
	return n, e.strategies.unblocked(ctx, internal)
}

func (e *Engine) unblock(ctx context.Context, id store.RunID, line instance.Line) error {
	r, row, err := e.loadRun(ctx, id, false)
	if errors.Is(err, errDamaged) { // it, too, holds up others only until somebody has seen to it
		if row, err = e.store.Row(ctx, id); err == nil && instance.RunStatus(row.Status) != instance.RunFailed {
			err = instance.ErrStale
		}
		r = &instance.Run{Status: instance.RunFailed}
	}
	if err != nil {
		return err
	}
	now := max(nowMillis(), r.Modified)
	records, err := r.Unblock(line, now)
	if err != nil {
		return err
	}
	err = e.committer.commit(store.Change{
		Group: row.Group, Epoch: e.epoch(row.Group), Run: id, Seq: row.Entries + 1, At: now,
		Entry:  instance.AppendEntry(nil, records),
		Update: &store.Update{Status: uint8(r.Status), Ended: row.Ended},
	})
	if err == nil {
		e.hub.tell(id)
	}
	return err
}

// ActOnStep does an action to one step of the latest run (spec/engine 10.3).
func (e *Engine) ActOnStep(ctx context.Context, q StepAction) (StepActed, error) {
	r, err := e.present(ctx, q.WorkflowID, q.Instance, 0)
	if err != nil {
		return StepActed{}, err
	}
	index, inPlan := r.Plan.Ordinal(q.Step)
	if q.Action == instance.Skip {
		if err := skippable(r, &q); err != nil {
			return StepActed{}, err
		}
	}
	if r.Own.Terminal() {
		if q.Action == instance.Skip {
			return e.restartFromStep(ctx, r, RestartRequest{WorkflowID: q.WorkflowID, Instance: q.Instance, Step: q.Step, User: q.User, Policy: restartIncomplete, Skip: true})
		}
		return StepActed{}, fmt.Errorf("%w: Cannot %s step [%s] of workflow instance %s, which is terminal [%s]", ErrBadRequest, q.Action, q.Step, r.Identity(), r.Status)
	}
	if !inPlan {
		return StepActed{}, fmt.Errorf("%w: step [%s] is not in the DAG of workflow instance %s", ErrBadRequest, q.Step, r.Identity())
	}
	s := &r.Steps[index]
	if s.Number == 0 {
		return StepActed{}, fmt.Errorf("%w: step instance [%s][%d][%d][%s] not found (either not created or deleted)", ErrNotFound, q.WorkflowID, q.Instance, r.Number, q.Step)
	}
	if q.Action == instance.Skip && !s.Status.Wakeable() {
		return e.restartFromStep(ctx, r, RestartRequest{WorkflowID: q.WorkflowID, Instance: q.Instance, Step: q.Step, User: q.User, Policy: restartIncomplete, Skip: true})
	}
	if s.IsEnding() {
		return StepActed{}, fmt.Errorf("%w: there is an ongoing action for step [%s] of workflow instance %s; try again when it is done", ErrConflict, q.Step, r.Identity())
	}
	why := "manual step instance API call"
	text := fmt.Sprintf("User [%s] take action [%s] on the step", q.User, q.Action)
	if q.Action != instance.Bypass {
		text += fmt.Sprintf(" due to reason: [%s]", why)
	}
	out := StepActed{WorkflowID: q.WorkflowID, Instance: q.Instance, Run: r.Number, Step: q.Step, Attempt: s.Number}
	out.Line = stamped(instance.InfoLine(text), nowMillis())
	id := store.RunID(r.ID)
	grown, stop := e.Watch(id)
	defer stop()
	attempt, err := e.ask(ctx, id, instance.ActOnStep{At: nowMillis(), Step: index, Action: q.Action, User: q.User, Reason: why})
	if errors.Is(err, instance.ErrNotAllowed) || errors.Is(err, instance.ErrStale) {
		return StepActed{}, fmt.Errorf("%w: Cannot %s step [%s] of workflow instance %s, whose status is [%s]", ErrBadRequest, q.Action, q.Step, r.Identity(), s.Status)
	} else if err != nil {
		return StepActed{}, err
	}
	if !q.Blocking {
		return out, nil
	}
	out.State, err = e.await(ctx, id, index, attempt, q.Action, grown)
	return out, err
}

// skippable refuses to skip a step that there is nothing to skip of. It goes by the view over all runs: a step of an
// earlier run can be skipped by a new one.
func skippable(r *instance.Run, q *StepAction) error {
	view, ok := r.Aggregate().Steps[q.Step]
	switch {
	case !ok:
		return fmt.Errorf("%w: workflow instance %s has no step [%s]", ErrBadRequest, r.Identity(), q.Step)
	case view.Status == instance.NotCreated:
		return fmt.Errorf("%w: Cannot skip step [%s][%d][%s] before it is created; try again when it is", ErrBadRequest, q.WorkflowID, q.Instance, q.Step)
	case view.Status == instance.Unsatisfied || view.Status == instance.Disabled:
		return fmt.Errorf("%w: Cannot skip step [%s][%d][%s], which is [%s]: it was not run, and can only be restarted", ErrBadRequest, q.WorkflowID, q.Instance, q.Step, view.Status)
	}
	return nil
}

// await waits until the action is done, or for as long as a blocking action may take.
func (e *Engine) await(ctx context.Context, id store.RunID, index int, a instance.Attempt, action instance.Action, grown <-chan struct{}) (*instance.Attempt, error) {
	limit := time.NewTimer(e.cfg.ActionWithin)
	defer limit.Stop()
	for {
		over := a.Status.Terminal() && !a.Status.Retryable()
		if action == instance.Bypass || action == instance.Resume || action == instance.Restart {
			over = true
		}
		if over {
			return &a, nil
		}
		select {
		case <-grown:
			r, err := e.LoadID(ctx, id)
			if err != nil {
				return nil, err
			}
			a = r.Steps[index].Attempt
		case <-limit.C:
			return nil, fmt.Errorf("%w: action [%s] is not done after %s; it stays pending", ErrTimeout, action, e.cfg.ActionWithin)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-e.stopping:
			return nil, ErrClosed
		}
	}
}
