package instance

import (
	"fmt"
	"maps"
	"slices"

	"maestro/internal/output"
	"maestro/param"
)

// advance moves one attempt through its phases (spec/engine 7) until the world has to do something.
func (r *Run) advance(step int, at int64) {
	for {
		s := &r.Steps[step]
		before := s.Status
		switch s.Status {
		case StepCreated:
			r.advanceCreated(step, at)
		case Initialized:
			r.ask(AskBreakpoint{Step: step, Attempt: s.Number})
			return
		case WaitingForSignals:
			r.advanceSignals(step, at)
		case EvaluatingParams:
			r.evaluateParams(step, at)
		case WaitingForPermits:
			r.ask(AskPermits{Step: step, Attempt: s.Number})
			return
		case Starting:
			if r.Plan.Nodes[step].Work == Outside {
				r.effect(Launch{Step: step, Attempt: s.Number})
				return
			}
			r.to(step, Running, at)
		case Running:
			r.advanceRunning(step, at)
		case Finishing:
			r.advanceFinishing(step, at)
		case Unsatisfied, Skipped, Succeeded, CompletedWithError:
			r.complete(step, at)
			return
		default:
			return
		}
		if r.Steps[step].Status == before {
			return
		}
	}
}

// advanceCreated decides whether the step is run at all.
func (r *Run) advanceCreated(step int, at int64) {
	s := &r.Steps[step]
	if s.Flags&FlagEndingOnly != 0 {
		return // made to be ended by whoever made it
	}
	if !r.satisfied(step) {
		r.to(step, Unsatisfied, at)
		return
	}
	if r.lacksTemplate(step) { // conditions may need its params, also of a step that is skipped
		r.askTemplate(step)
		return
	}
	if s.Flags&FlagSkip != 0 || r.skipListed(step) && s.Number == 1 {
		r.to(step, Skipped, at)
		return
	}
	timeout, err := r.Language.Timeout(r, step)
	if err != nil {
		r.fail(step, err, at)
		return
	}
	s.timeout = timeout
	if err := r.depend(step, at); err != nil {
		r.fail(step, err, at)
		return
	}
	r.to(step, Initialized, at)
}

func (r *Run) skipListed(step int) bool {
	for _, i := range r.Header.Skip {
		if string(r.Plan.Workflow.Steps[i].ID) == r.Plan.Nodes[step].ID {
			return true
		}
	}
	return false
}

// advanceSignals lets an attempt whose dependencies are all matched or bypassed go on.
func (r *Run) advanceSignals(step int, at int64) {
	s := &r.Steps[step]
	for _, d := range s.Signals {
		if d.Status == SignalPending {
			r.effect(AwaitSignals{Step: step, Attempt: s.Number})
			return
		}
	}
	s.template = nil // it may have changed while the step waited
	r.to(step, EvaluatingParams, at)
}

func (r *Run) evaluateParams(step int, at int64) {
	if r.lacksTemplate(step) {
		r.askTemplate(step)
		return
	}
	p, results, err := r.Language.StepParams(r, step, at)
	if err != nil {
		r.fail(step, err, at)
		return
	}
	r.setParams(step, p, results, at)
	r.to(step, WaitingForPermits, at)
}

func (r *Run) setParams(step int, p *param.Params, results []byte, at int64) {
	r.record(Record{Kind: KindStepParams, Step: step, At: at, Data: results})
	r.Steps[step].params = p
}

// advanceRunning does the work of the steps that only wait or count.
func (r *Run) advanceRunning(step int, at int64) {
	switch r.Plan.Nodes[step].Work {
	case Nothing:
		r.to(step, Finishing, at)
	case Sleeping:
		until, err := r.sleepsUntil(step)
		if err != nil {
			r.fail(step, err, at)
		} else if at > until {
			r.to(step, Finishing, at)
		}
	case Loop:
		r.fail(step, fmt.Errorf("MaestroUnprocessableEntityException: steps of type %s are accepted, but this version cannot run them", r.Plan.Nodes[step].Step.Type), at)
	default:
	}
}

// sleepsUntil returns the time after which a Sleep step is done.
func (r *Run) sleepsUntil(step int) (int64, error) {
	seconds := int64(3)
	if p := r.StepParams(step); p != nil {
		if v := p.Lookup("sleep_seconds"); v != nil {
			if v.Def.Type != param.Long {
				return 0, fmt.Errorf("MaestroInternalError: Param [sleep_seconds] is a [%s] type and cannot be used as LONG", v.Def.Type)
			}
			seconds = v.Result.Long()
		}
	}
	seconds = min(max(seconds, -1), maxSleep)
	return r.Steps[step].Times[Starting] + seconds*1000, nil
}

// maxSleep keeps the arithmetic of absurd params in range; a step's timeout ends it long before.
const maxSleep = 10 * 365 * 24 * 60 * 60

// advanceFinishing merges what the job reported and announces the step's signals.
func (r *Run) advanceFinishing(step int, at int64) {
	s := &r.Steps[step]
	if s.Output != nil {
		p, results, artifacts, err := r.Language.Output(r, step, s.Output, at)
		if err != nil {
			r.fail(step, err, at)
			return
		}
		if p != nil {
			r.setParams(step, p, results, at)
		}
		for _, key := range slices.Sorted(maps.Keys(artifacts)) {
			r.artifact(step, key, artifacts[key], at)
		}
	}
	if s.Sent == nil && r.announces(step) {
		signals, err := r.Language.Signals(r, step, at)
		if err != nil {
			r.fail(step, err, at)
			return
		}
		if signals != nil {
			if s.Output != nil { // merged: the step may have to wait for its numbers
				r.record(Record{Kind: KindStepOutput, Step: step, At: at})
			}
			r.ask(AskNumbers{Step: step, Attempt: s.Number, Signals: signals})
			return
		}
	}
	r.to(step, Succeeded, at)
}

func (r *Run) announces(step int) bool {
	_, dynamic := r.Steps[step].Artifacts[output.DynamicOutput]
	return dynamic || len(r.Plan.Nodes[step].Step.SignalOutputs) > 0
}
