package instance

import (
	"fmt"
	"strconv"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// endAll ends every step that lives or awaits a retry. Steps that were never created stay so: nothing that leads to
// them will complete.
func (r *Run) endAll(action Action, user, reason string, at int64) {
	if r.Ending == NoAction || action == Kill {
		r.record(Record{Kind: KindRunAction, A: int64(action), Text: user, Data: []byte(reason), At: at})
	}
	for step := range r.Steps {
		if s := &r.Steps[step]; s.Number > 0 && s.Status.Wakeable() {
			r.endStep(step, ending{target: action.target(), flags: endingByRun, by: Ender{action, user}, reason: reason}, at)
		}
	}
}

// ending is what is asked for where an attempt is ended from outside of its work.
type ending struct {
	target StepStatus
	flags  int64
	by     Ender
	reason string
}

// endStep takes a live attempt to its target: at once where the step itself does the work, else once its runtime has let
// go. An attempt that awaits its retry gets one more, which is ended before it begins (spec/engine 8.1).
func (r *Run) endStep(step int, end ending, at int64) {
	s := &r.Steps[step]
	if s.Status.Retryable() {
		r.create(step, FlagEndingOnly, at)
		s = &r.Steps[step]
		if end.target == Skipped {
			r.to(step, Initialized, at)
		}
	}
	if end.by.User != "" {
		r.line(step, InfoLine(fmt.Sprintf("Step is ended as [%s] by user [%s], reason: [%s]", end.target, end.by.User, end.reason)), at)
	}
	work := r.AtWork(step)
	if work && s.ending != NotCreated && end.flags&endingByRun == 0 {
		return // it is being ended
	}
	if work || end.by.User != "" {
		r.record(Record{Kind: KindStepEnding, Step: step, Status: uint8(end.target), A: end.flags, B: int64(end.by.Action), Text: end.by.User, At: at})
	}
	if work {
		r.effect(EndWork{Step: step, Attempt: s.Number})
		return
	}
	r.end(step, end.target, end.flags, at)
}

// AtWork reports whether the runtime of a step may have work of its latest attempt under way: it was told to begin, and
// has not said that it ended.
func (r *Run) AtWork(step int) bool {
	s := &r.Steps[step]
	return (s.Status == Starting || s.Status == Running) && r.Plan.Nodes[step].Work == Outside
}

// end takes an attempt whose work is over to the status that was asked for.
func (r *Run) end(step int, target StepStatus, flags int64, at int64) {
	switch target {
	case FatallyFailed:
		r.fatal(step, flags, at)
	case TimeoutFailed:
		r.failed(step, TimeoutFailed, at)
	default:
		r.to(step, target, at)
		if target.Complete() {
			r.push(step)
		}
	}
}

// signalled notes that a signal matched a dependency.
func (r *Run) signalled(e Signalled) error {
	s, err := r.latest(e.Step, e.Attempt)
	if err != nil {
		return err
	}
	if s.Status != WaitingForSignals || e.Dependency >= len(s.Signals) || s.Signals[e.Dependency].Status != SignalPending {
		return ErrStale
	}
	r.record(Record{Kind: KindStepSignal, Step: e.Step, At: e.At, A: int64(e.Dependency), B: e.Sequence, Status: uint8(SignalMatched), Data: e.Params})
	r.push(e.Step)
	return nil
}
