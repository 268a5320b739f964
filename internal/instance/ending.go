package instance

import (
	"fmt"
	"strconv"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// actOnRun stops or kills the whole run.
func (r *Run) actOnRun(e ActOnRun) error {
	if r.Own != InProgress {
		return ErrStale
	}
	r.endAll(e.Action, e.User, e.Reason, e.At)
	return nil
}

// endAll ends every step that lives or awaits a retry. Steps that were never created stay so: nothing that leads to
// them will complete.
func (r *Run) endAll(action Action, user, reason string, at int64) {
	if r.Ending == NoAction || action == Kill {
		r.record(Record{Kind: KindRunAction, A: int64(action), Text: user, Data: []byte(reason), At: at})
	}
	for step := range r.Steps {
		if s := &r.Steps[step]; s.Number > 0 && s.Status.Wakeable() {
			r.endStep(step, action.target(), endingByRun, user, reason, at)
		}
	}
}

// actOnStep does one action to one step.
func (r *Run) actOnStep(e ActOnStep) error {
	if e.Step < 0 || e.Step >= len(r.Steps) || r.Own != InProgress {
		return ErrStale
	}
	s := &r.Steps[e.Step]
	switch e.Action {
	case Stop, Kill, Skip:
		if s.Number == 0 || !s.Status.Wakeable() {
			return ErrNotAllowed
		}
		if e.Action == Skip && s.Status == StepCreated {
			return ErrNotAllowed
		}
		r.endStep(e.Step, e.Action.target(), 0, e.User, e.Reason, e.At)
	case Bypass:
		if s.Status != WaitingForSignals {
			return ErrNotAllowed
		}
		for i, d := range s.Signals {
			if d.Status == SignalPending {
				r.record(Record{Kind: KindStepSignal, Step: e.Step, At: e.At, A: int64(i), Status: uint8(SignalSkipped), Text: e.User})
			}
		}
		r.line(e.Step, actionLine(e), e.At)
		r.push(e.Step)
	case Restart:
		if r.Ending != NoAction {
			return ErrNotAllowed // what ends begins nothing new
		}
		if s.Number > 0 && !s.Status.Restartable() || s.Number == 0 && r.rootRuns(e.Step) {
			return ErrNotAllowed
		}
		flags := FlagManual
		if e.Skip {
			flags |= FlagSkip
		}
		r.create(e.Step, flags, e.At)
		if e.Data != nil {
			r.record(Record{Kind: KindStepRestart, Step: e.Step, At: e.At, Data: e.Data})
		}
	case Resume:
		if s.Status != StepPaused {
			return ErrNotAllowed
		}
		r.to(e.Step, WaitingForSignals, e.At)
		r.push(e.Step)
	default:
		return ErrNotAllowed
	}
	return nil
}

func actionLine(e ActOnStep) Line {
	return InfoLine(fmt.Sprintf("User [%s] takes action [%s] on the step, reason: [%s]", e.User, e.Action, e.Reason))
}

// endStep takes a live attempt to target: at once where the step itself does the work, else once its runtime has let go.
// An attempt that awaits its retry gets one more, which is ended before it begins (spec/engine 8.1).
func (r *Run) endStep(step int, target StepStatus, flags int64, user, reason string, at int64) {
	s := &r.Steps[step]
	if s.Status.Retryable() {
		r.create(step, FlagEndingOnly, at)
		s = &r.Steps[step]
		if target == Skipped {
			r.to(step, Initialized, at)
		}
	}
	if flags&endingQuietly == 0 && user != "" {
		r.line(step, InfoLine(fmt.Sprintf("Step is ended as [%s] by user [%s], reason: [%s]", target, user, reason)), at)
	}
	if r.AtWork(step) {
		if s.ending == NotCreated || flags&endingByRun != 0 {
			r.record(Record{Kind: KindStepEnding, Step: step, Status: uint8(target), A: flags, At: at})
			r.effect(EndWork{Step: step, Attempt: s.Number})
		}
		return
	}
	r.end(step, target, flags, at)
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

// permitted tries again to start a step that waits for permits.
func (r *Run) permitted(e Permitted) error {
	if e.Step < 0 || e.Step >= len(r.Steps) || r.Steps[e.Step].Status != WaitingForPermits {
		return ErrStale
	}
	r.push(e.Step)
	return nil
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
