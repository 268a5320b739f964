package instance

import "math"

// NextWake returns the time at which something of the run is due, or 0 when nothing is. Timers are not stored: they
// follow from the state.
func (r *Run) NextWake() int64 {
	if r.Own != InProgress {
		return 0
	}
	next := int64(0)
	sooner := func(t int64) {
		if next == 0 || t < next {
			next = t
		}
	}
	if r.Ending == NoAction {
		sooner(r.Started + r.Timeout())
	}
	for step := range r.Steps {
		s := &r.Steps[step]
		switch {
		case s.Number == 0:
		case s.Status.Retryable():
			due, _ := r.AwaitsRetry(step)
			sooner(due)
		case s.ending != NotCreated:
			sooner(s.endingTold + tellAgain)
		case s.Status >= Starting && s.Status <= Finishing:
			if s.Waits == "" {
				sooner(r.timesOutAt(step))
			}
			if s.Status == Running && r.Plan.Nodes[step].Work == Sleeping {
				if until, err := r.sleepsUntil(step); err == nil {
					sooner(until + 1)
				}
			}
		}
	}
	return next
}

// A runtime that does not answer is told again to end its work, and not waited for for ever.
const (
	tellAgain = 30 * 1000
	giveUp    = 10 * 60 * 1000
)

// timesOutAt returns when the step's timeout ends the attempt. The clock starts with STARTING (spec/engine 8.2) and stands
// still while the work waits for its turn.
func (r *Run) timesOutAt(step int) int64 {
	s := &r.Steps[step]
	if s.Waits != "" {
		return math.MaxInt64
	}
	if s.timeout == 0 {
		s.timeout = defaultTimeout
		if t, err := r.Language.Timeout(r, step); err == nil {
			s.timeout = t
		}
	}
	return s.Times[Starting] + s.timeout + s.waited
}

// wake does everything that was due.
func (r *Run) wake(e Wake) error {
	if r.Own != InProgress {
		return ErrStale
	}
	if r.Ending == NoAction && e.At >= r.Started+r.Timeout() {
		r.endAll(TimeOut, "", "the workflow timed out", e.At)
	}
	for step := range r.Steps {
		s := &r.Steps[step]
		switch {
		case s.Number == 0:
		case s.Status.Retryable():
			if due, ok := r.AwaitsRetry(step); ok && e.At >= due {
				r.create(step, 0, e.At)
			}
		case s.ending != NotCreated:
			r.pressOn(step, e.At)
		case s.Status >= Starting && s.Status <= Finishing && e.At >= r.timesOutAt(step):
			r.endStep(step, ending{target: r.afterTimeout(step), by: Ender{Action: TimeOut}}, e.At)
		case s.Status == Running && r.Plan.Nodes[step].Work == Sleeping:
			r.push(step)
		}
	}
	return nil
}

// pressOn sees to an attempt whose runtime has been told to end it and has not answered.
func (r *Run) pressOn(step int, at int64) {
	s := &r.Steps[step]
	switch {
	case at >= s.endingAt+giveUp:
		r.line(step, WarnLine("The runtime did not confirm within "+durationText(giveUp)+" that the work has ended; it may still be under way"), at)
		r.end(step, s.ending, s.endingFrom, at)
	case at >= s.endingTold+tellAgain:
		r.record(Record{Kind: KindStepTold, Step: step, At: at})
		r.effect(EndWork{Step: step, Attempt: s.Number})
	}
}

// afterTimeout says where an attempt goes that ran into its timeout.
func (r *Run) afterTimeout(step int) StepStatus {
	s := &r.Steps[step]
	if s.Retryable && s.Retries[2] < int64(r.RetryPolicy(step).Limits[2]) {
		return TimeoutFailed
	}
	return StepTimedOut
}

// resume asks again for the effects of everything under way, after the run was loaded.
func (r *Run) resume() {
	for step := range r.Steps {
		s := &r.Steps[step]
		switch {
		case s.Number == 0 || s.Status.Terminal():
		case s.Status == Starting || s.Status == Running:
			if r.Plan.Nodes[step].Work != Outside {
				r.push(step)
				continue
			}
			if s.ending != NotCreated {
				r.effect(EndWork{Step: step, Attempt: s.Number})
				continue
			}
			r.effect(Launch{Step: step, Attempt: s.Number, Again: true})
		default:
			r.push(step)
		}
	}
	for step := range r.Steps {
		if s := &r.Steps[step]; s.Number > 0 && (s.Status == Starting || s.Status == Running || s.Status == Finishing) {
			r.ask(AskPermits{Step: step, Attempt: s.Number, Held: true})
		}
	}
}
