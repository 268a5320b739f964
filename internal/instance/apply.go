package instance

import (
	"errors"
	"fmt"
)

// ErrStale says that an event came too late: what it is about has ended or was never there. Nothing changed.
var ErrStale = errors.New("instance: stale event")

// ErrNotAllowed says that an action is not allowed in the status its target is in. Nothing changed.
var ErrNotAllowed = errors.New("instance: action not allowed")

// Apply makes an event part of the run, and everything that follows from it without the world's help. It returns the
// records to be stored, as one journal entry, and the effects to be performed once they are durable. The slices belong
// to the run and are valid until the next Apply. On an error nothing has changed.
//
// A broken invariant panics; the run is then unusable and must be dropped.
func (r *Run) Apply(ev Event) ([]Record, []Effect, error) {
	r.records, r.effects, r.ready = r.records[:0], r.effects[:0], r.ready[:0]
	if r.queued == nil {
		r.queued = make([]bool, len(r.Steps))
	}
	var at int64
	var err error
	switch e := ev.(type) {
	case Start:
		at = r.notBefore(&e.At)
		err = r.start(e)
	case Wake:
		at = r.notBefore(&e.At)
		err = r.wake(e)
	case Reported:
		at = r.notBefore(&e.At)
		err = r.reported(e)
	case Posted:
		at = r.notBefore(&e.At)
		err = r.posted(e)
	case ActOnRun:
		at = r.notBefore(&e.At)
		err = r.actOnRun(e)
	case ActOnStep:
		at = r.notBefore(&e.At)
		err = r.actOnStep(e)
	case Permitted:
		at = r.notBefore(&e.At)
		err = r.permitted(e)
	case Signalled:
		at = r.notBefore(&e.At)
		err = r.signalled(e)
	case Resumed:
		at = r.notBefore(&e.At)
		r.resume()
	default:
		err = fmt.Errorf("instance: unknown event %T", ev)
	}
	if err != nil {
		return nil, nil, err
	}
	r.settle(at)
	return r.records, r.effects, nil
}

// notBefore moves the time of an event that was overtaken on its way, or made by a clock that was set back, to that of
// the newest record: a journal is in the order of time.
func (r *Run) notBefore(at *int64) int64 {
	*at = max(*at, r.Modified)
	return *at
}

func (r *Run) effect(e Effect) { r.effects = append(r.effects, e) }

// push queues a step for settle.
func (r *Run) push(step int) {
	if !r.queued[step] {
		r.queued[step] = true
		r.ready = append(r.ready, step)
	}
}

// settle advances every step that can move until only the world can move any, and ends the run when none is left.
func (r *Run) settle(at int64) {
	for i := 0; i < len(r.ready); i++ {
		step := r.ready[i]
		r.queued[step] = false
		r.advance(step, at)
	}
	if r.Own == InProgress && r.active == 0 {
		r.finish(at)
	}
}

// start gives a queued run its turn: its roots begin.
func (r *Run) start(e Start) error {
	if r.Status != RunNone && r.Status != Created {
		return ErrStale
	}
	if r.Status == RunNone {
		r.record(Record{Kind: KindRunStatus, Status: uint8(Created), At: e.At})
	}
	r.record(Record{Kind: KindRunStatus, Status: uint8(InProgress), At: e.At})
	for _, step := range r.Plan.Roots {
		if r.rootRuns(step) {
			r.create(step, 0, e.At)
		}
	}
	return nil
}

// rootRuns reports whether a root begins with the run. In a restart from one step, the other steps that never completed
// wait until somebody restarts them, too (spec/engine 11.3).
func (r *Run) rootRuns(step int) bool {
	return r.Header.Target == 0 || r.Plan.Nodes[step].ID == string(r.Plan.Workflow.Steps[r.Header.Target-1].ID)
}

// Queue records that the run was accepted and waits for its turn. It is the first record of a run that cannot start at
// once.
func (r *Run) Queue(at int64) []Record {
	r.records = r.records[:0]
	r.record(Record{Kind: KindRunStatus, Status: uint8(Created), At: at})
	return r.records
}

// EndQueued ends a run that has not begun: stopped, killed, superseded, or failed before it could begin. line, if it
// has a message, says why. began says that its start time is shown as that of its end, as where a newer run takes the
// place of this one.
func (r *Run) EndQueued(to RunStatus, line Line, began bool, at int64) ([]Record, error) {
	if r.Status != RunNone && r.Status != Created {
		return nil, ErrStale
	}
	r.records = r.records[:0]
	if line.Type != "" {
		r.record(Record{Kind: KindRunLine, At: at, Data: line.Encode()})
	}
	rec := Record{Kind: KindRunStatus, Status: uint8(to), At: at}
	if began {
		rec.B = 1
	}
	r.record(rec)
	return r.records, nil
}

// Unblock marks a FAILED run as seen to: it no longer holds up a STRICT_SEQUENTIAL workflow. line says by whom.
func (r *Run) Unblock(line Line, at int64) ([]Record, error) {
	if r.Status != RunFailed {
		return nil, ErrStale
	}
	r.records = r.records[:0]
	r.record(Record{Kind: KindRunLine, At: at, Data: line.Encode()})
	r.record(Record{Kind: KindRunStatus, Status: uint8(FailedCleared), At: at})
	return r.records, nil
}

// Break ends a run whose state or definition the engine cannot work with, so that it hurts no other. Everything live
// fails, and the reason is on the timeline.
func (r *Run) Break(reason string, at int64) []Record {
	r.records, r.effects = r.records[:0], r.effects[:0]
	r.record(Record{Kind: KindRunLine, At: at, Data: DetailsLine("INTERNAL_ERROR", "the run cannot go on", reason).Encode()})
	for step := range r.Steps {
		if s := &r.Steps[step]; s.Number > 0 && !s.Status.Terminal() {
			r.to(step, InternallyFailed, at)
		}
	}
	r.record(Record{Kind: KindRunStatus, Status: uint8(RunFailed), At: at})
	return r.records
}

// create makes the next attempt of a step.
func (r *Run) create(step int, flags int64, at int64) {
	s := &r.Steps[step]
	seq := s.Sequence
	if seq == 0 {
		seq = r.nextSequence
	}
	if s.Number > 0 && !s.Retryable {
		flags |= FlagManual
	}
	r.record(Record{Kind: KindStepCreated, Step: step, Attempt: s.Number + 1, A: seq, B: flags, At: at})
	r.push(step)
}

// to records that an attempt enters a status.
func (r *Run) to(step int, status StepStatus, at int64) {
	r.record(Record{Kind: KindStepStatus, Step: step, Status: uint8(status), At: at})
	if status.Terminal() {
		r.effect(StepEnded{Step: step, Attempt: r.Steps[step].Number})
	}
}

func (r *Run) line(step int, l Line, at int64) {
	r.record(Record{Kind: KindStepLine, Step: step, At: at, Data: l.Encode()})
}

// complete lets the successors of a step that has just become complete go on.
func (r *Run) complete(step int, at int64) {
	if r.Steps[step].Status != Unsatisfied {
		if err := r.evaluateEdges(step, at); err != nil {
			r.fail(step, err, at)
			return
		}
	}
	for _, e := range r.Plan.Nodes[step].Successors {
		if s := &r.Steps[e.To]; s.waiting == 0 && s.Number == 0 {
			r.create(e.To, 0, at)
		}
	}
	r.Steps[step].forget()
}

// fail ends an attempt that cannot be run as it is written. Neither retries nor the failure mode apply.
func (r *Run) fail(step int, err error, at int64) {
	r.line(step, DetailsLine("INTERNAL_ERROR", "marked as INTERNALLY_FAILED", err.Error()), at)
	r.to(step, InternallyFailed, at)
}

// finish ends the run: nothing can move any more (spec/engine 9.2).
func (r *Run) finish(at int64) {
	own := RunSucceeded
	created := false
	for i := range r.Steps {
		s := &r.Steps[i]
		created = created || s.Number > 0
		switch s.Status {
		case FatallyFailed, InternallyFailed, UserFailed, PlatformFailed, TimeoutFailed:
			own = RunFailed
		case StepTimedOut:
			if own != RunFailed {
				own = RunTimedOut
			}
		case StepStopped:
			if own == RunSucceeded {
				own = RunStopped
			}
		default:
		}
	}
	if !created {
		own = RunFailed
	}
	status := r.aggregate(own)
	rec := Record{Kind: KindRunStatus, Status: uint8(status), At: at}
	if status != own {
		rec.A = int64(own)
	}
	r.record(rec)
	r.effect(Ended{Status: status})
}
