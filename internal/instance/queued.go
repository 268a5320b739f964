package instance

import (
	"fmt"

	"maestro/api"
)

// What happens to a run before it begins, and after it has ended. Its number and its turn are one decision of the run
// strategy, made before the run has a row: Queue, Start and EndQueued carry it.

// queue accepts a run that waits for its turn.
func (r *Run) queue(e Queue) error {
	if r.Status != RunNone {
		return ErrStale
	}
	r.record(Record{Kind: KindRunStatus, Status: uint8(Created), At: e.At})
	return nil
}

// endQueued ends a run that has not begun.
func (r *Run) endQueued(e EndQueued) error {
	if r.Status != RunNone && r.Status != Created {
		return ErrStale
	}
	if e.Line.Type != "" {
		r.record(Record{Kind: KindRunLine, At: e.At, Data: e.Line.Encode()})
	}
	rec := Record{Kind: KindRunStatus, Status: uint8(e.Status), At: e.At}
	if e.Began {
		rec.B = 1
	}
	r.record(rec)
	r.effect(Ended{Status: e.Status})
	return nil
}

// unblock marks a FAILED run as seen to: it no longer holds up a STRICT_SEQUENTIAL workflow.
func (r *Run) unblock(e Unblock) error {
	if r.Status == FailedCleared {
		return nil // it has been seen to
	}
	if r.Status != RunFailed {
		return api.Errorf(api.BadRequest, "Cannot unblock a workflow instance %s from status [%s] as it is not FAILED status", r.Identity(), r.Status)
	}
	r.record(Record{Kind: KindRunLine, At: e.At, Data: e.Line.Encode()})
	r.record(Record{Kind: KindRunStatus, Status: uint8(FailedCleared), At: e.At})
	r.pass.Acted = Acted{Done: true}
	return nil
}

// breakOff fails a run that cannot go on, and everything live in it.
func (r *Run) breakOff(e Break) error {
	if r.Own.Terminal() {
		return ErrStale
	}
	r.record(Record{Kind: KindRunLine, At: e.At, Data: DetailsLine("INTERNAL_ERROR", "the run cannot go on", e.Reason).Encode()})
	for step := range r.Steps {
		if s := &r.Steps[step]; s.Number > 0 && !s.Status.Terminal() {
			r.to(step, InternallyFailed, e.At)
		}
	}
	r.record(Record{Kind: KindRunStatus, Status: uint8(RunFailed), At: e.At})
	r.effect(Ended{Status: RunFailed})
	return nil
}

// actOnRun stops or kills the whole run: at once while it is queued, else step by step.
func (r *Run) actOnRun(e ActOnRun) error {
	target := RunStopped
	if e.Action == Kill {
		target = RunFailed
	}
	switch {
	case r.Own == target && !r.Status.Failed() || r.Own.Failed() && target == RunFailed:
		r.pass.Acted = Acted{Action: e.Action, Done: true}
		return nil // it is where it was asked to go
	case r.Own.Terminal():
		return api.Errorf(api.BadRequest, "Cannot terminate a workflow instance %s from status [%s] to [%s]", r.Identity(), r.Status, target)
	case r.Own == InProgress:
		r.endAll(e.Action, e.User, e.Reason, e.At)
		r.pass.Acted = Acted{Action: e.Action}
		return nil
	default:
		line := WarnLine(fmt.Sprintf("Workflow instance status becomes [%s] due to reason [%s]", target, e.Reason))
		r.pass.Acted = Acted{Action: e.Action, Done: true}
		return r.endQueued(EndQueued{At: e.At, Status: target, Line: line})
	}
}
