package instance

import (
	"errors"
	"fmt"
)

// ErrStale says that an event came too late: what it is about has ended or was never there. Nothing changed.
var ErrStale = errors.New("instance: stale event")

// Pass is what one event led to. Its fields are in the order in which they bind:
//
//  1. Asks are answered, each by an event of its own, whose pass is added to this one.
//  2. Records of all of them are made durable together, as one journal entry.
//  3. Effects are performed, and whoever asked for the event is answered.
//
// The slices belong to the run and are valid until the next Apply.
type Pass struct {
	Asks    []Ask
	Records []Record
	Effects []Effect
	Acted   Acted // what an action came to
}

// Apply makes an event part of the run, and everything that follows from it without the world's help. On an error nothing
// has changed: ErrStale says that the event came too late, an *api.Error why an action is refused.
//
// It is a function of the run and the event: the same events give the same records, always.
//
// A broken invariant panics; the run is then unusable and must be dropped.
func (r *Run) Apply(ev Event) (Pass, error) { return r.Play(ev, func(Ask) Event { return nil }) }

// Play is Apply for an event and for the answers to everything that is asked because of it, in one pass. Asks of the pass
// are those that answer has no event for.
func (r *Run) Play(ev Event, answer func(Ask) Event) (Pass, error) {
	r.pass = Pass{Asks: r.pass.Asks[:0], Records: r.pass.Records[:0], Effects: r.pass.Effects[:0]}
	if r.queued == nil {
		r.queued = make([]bool, len(r.Steps))
	}
	r.now = 0
	at, err := r.dispatch(ev)
	if err != nil {
		return Pass{}, err
	}
	r.now = at
	r.settle(at)
	open := 0
	for i := 0; i < len(r.pass.Asks); i++ {
		ask := r.pass.Asks[i]
		found := answer(ask)
		if found == nil {
			r.pass.Asks[open] = ask
			open++
			continue
		}
		if at, err := r.dispatch(found); err == nil { // else an earlier answer has made this one pointless
			r.settle(at)
		}
	}
	r.pass.Asks = r.pass.Asks[:open]
	return r.pass, nil
}

func (r *Run) dispatch(ev Event) (at int64, err error) {
	switch e := ev.(type) {
	case Queue:
		at = r.notBefore(&e.At)
		err = r.queue(e)
	case Start:
		at = r.notBefore(&e.At)
		err = r.start(e)
	case EndQueued:
		at = r.notBefore(&e.At)
		err = r.endQueued(e)
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
	case Unblock:
		at = r.notBefore(&e.At)
		err = r.unblock(e)
	case Break:
		at = r.notBefore(&e.At)
		err = r.breakOff(e)
	case Signalled:
		at = r.notBefore(&e.At)
		err = r.signalled(e)
	case Resumed:
		at = r.notBefore(&e.At)
		r.resume()
	case BreakpointFound:
		at = r.notBefore(&e.At)
		err = r.breakpointFound(e)
	case Permitted:
		at = r.notBefore(&e.At)
		err = r.permitted(e)
	case TemplateFound:
		at = r.notBefore(&e.At)
		err = r.templateFound(e)
	case Numbered:
		at = r.notBefore(&e.At)
		err = r.numbered(e)
	case KeptFound:
		at = r.notBefore(&e.At)
		err = r.keptFound(e)
	default:
		err = fmt.Errorf("instance: unknown event %T", ev)
	}
	return at, err
}

// notBefore moves the time of an event that was overtaken on its way, or made by a clock that was set back, to that of
// the newest record: a journal is in the order of time. An answer is not earlier than what it is about.
func (r *Run) notBefore(at *int64) int64 {
	*at = max(*at, r.Modified, r.now)
	return *at
}

func (r *Run) effect(e Effect) { r.pass.Effects = append(r.pass.Effects, e) }

// push queues a step for settle.
func (r *Run) push(step int) {
	if !r.queued[step] {
		r.queued[step] = true
		r.ready = append(r.ready, step)
	}
}

// settle advances every step that can move until only an answer or the world can move any, and ends the run when none is
// left.
func (r *Run) settle(at int64) {
	if len(r.ready) > 0 {
		if runs, lacks := r.lacksKept(); lacks {
			r.ask(AskKept{Runs: runs}) // what is ready stays so
			return
		}
	}
	for i := 0; i < len(r.ready); i++ {
		step := r.ready[i]
		r.queued[step] = false
		r.advance(step, at)
	}
	r.ready = r.ready[:0]
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
// wait until they are restarted, too (spec/engine 11.3).
func (r *Run) rootRuns(step int) bool {
	return r.Header.Target == 0 || r.Plan.Nodes[step].ID == string(r.Plan.Workflow.Steps[r.Header.Target-1].ID)
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
