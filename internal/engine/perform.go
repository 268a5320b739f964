package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"maestro/internal/instance"
	"maestro/internal/output"
	"maestro/internal/step"
	"maestro/internal/store"
)

// perform does what must follow now that the change is durable. Nothing here blocks for long.
func (a *actor) perform() {
	for _, eff := range a.effects {
		switch eff := eff.(type) {
		case instance.Launch:
			a.launch(eff)
		case instance.EndWork:
			a.endWork(eff)
		case instance.AwaitSignals:
			a.await(eff)
		case instance.StepEnded:
			a.e.stepsEnded.Add(1)
			a.stepEnded(eff)
		case instance.Ended:
			a.e.runsEnded.Add(1)
			a.e.ended(a.run.Internal, a.id, eff.Status)
		}
	}
	a.effects = a.effects[:0]
	a.forgetSignals()
}

// current reports whether the attempt is still the step's latest and at work.
func (a *actor) current(stepIndex int, attempt int64) bool {
	s := &a.run.Steps[stepIndex]
	return s.Number == attempt && (s.Status == instance.Starting || s.Status == instance.Running)
}

func (a *actor) launch(eff instance.Launch) {
	if !a.current(eff.Step, eff.Attempt) {
		return
	}
	a.outside++
	att := describe(a.run, eff.Step, &a.run.Steps[eff.Step].Attempt, eff.Again)
	a.e.clock.dated(att, a.id)
	rep := &reporter{e: a.e, run: a.id, step: eff.Step, attempt: eff.Attempt}
	rt := a.e.runtimes[att.Definition.Type]
	if rt == nil {
		rep.Report(step.Report{State: step.Internal, Timeline: []step.Line{{
			Level: step.Err, Code: "INTERNAL_ERROR", Message: "marked as INTERNALLY_FAILED",
			Errors: []string{fmt.Sprintf("no runtime for steps of type %s is enabled on this server (see the settings shell.enabled and kubernetes.enabled)", att.Definition.Type)},
		}}})
		return
	}
	att.Env = a.e.outputs.env(att.UUID)
	h := holder{run: a.id, step: eff.Step, attempt: eff.Attempt}
	a.e.outputs.launched(h, att.Definition.Type, att.WorkflowID, att.UUID, att.Artifacts)
	guard(rep, func() { rt.Start(a.e.ctx, att, rep) })
}

func (a *actor) endWork(eff instance.EndWork) {
	if !a.current(eff.Step, eff.Attempt) {
		return
	}
	rep := &reporter{e: a.e, run: a.id, step: eff.Step, attempt: eff.Attempt}
	att := describe(a.run, eff.Step, &a.run.Steps[eff.Step].Attempt, true)
	rt := a.e.runtimes[att.Definition.Type]
	if rt == nil {
		rep.Report(step.Report{State: step.Stopped})
		return
	}
	guard(rep, func() { rt.Stop(a.e.ctx, att, rep) })
}

// guard turns a panic of a runtime into a platform error of the attempt it was called for.
func guard(rep *reporter, call func()) {
	defer func() {
		if p := recover(); p != nil {
			rep.e.log.Error("step runtime panicked", "run", int64(rep.run), "panic", p, "stack", string(debug.Stack()))
			rep.Report(step.Report{State: step.PlatformError, Timeline: []step.Line{{
				Level: step.Err, Code: "INTERNAL_ERROR", Message: "The step's runtime broke down", Errors: []string{fmt.Sprint(p)},
			}}})
		}
	}()
	call()
}

func (a *actor) stepEnded(eff instance.StepEnded) {
	if a.run.Plan.Nodes[eff.Step].Work == instance.Outside && a.outside > 0 {
		a.outside--
	}
	a.e.permits.release(a.id, eff.Step, eff.Attempt)
	a.e.outputs.ended(holder{run: a.id, step: eff.Step, attempt: eff.Attempt})
}

// reporter carries reports of one attempt to its run.
type reporter struct {
	e       *Engine
	run     store.RunID
	step    int
	attempt int64
}

// Report implements step.Reporter.
func (p *reporter) Report(rep step.Report) {
	ev := instance.Reported{
		At: p.e.clock.of(p.run), Step: p.step, Attempt: p.attempt, Outcome: instance.Outcome(rep.State), Begun: rep.Begun, Waits: rep.Waits,
		Artifacts: rep.Artifacts,
	}
	for _, l := range rep.Timeline {
		ev.Lines = append(ev.Lines, lineOf(l))
	}
	if rep.Output != nil {
		ev.Output = encodeOutput(rep.Output)
	}
	p.e.outputs.reported(holder{run: p.run, step: p.step, attempt: p.attempt}, ev)
}

func lineOf(l step.Line) instance.Line {
	if len(l.Errors) > 0 {
		code := l.Code
		if code == "" {
			code = "INTERNAL_ERROR"
		}
		line := instance.DetailsLine(code, l.Message, l.Errors...)
		line.Retryable = &l.Retryable
		return line
	}
	if l.Level == step.Info {
		return instance.InfoLine(l.Message)
	}
	return instance.WarnLine(l.Message)
}

var _ step.Reporter = (*reporter)(nil)

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// encodeOutput returns what a job reported in the form in which output data is posted (spec/runtimes 6.1).
func encodeOutput(o *step.Output) []byte {
	data, err := (*output.Data)(o).Encode()
	if err != nil {
		return []byte("null") // not JSON: told when the step finishes
	}
	return data
}

func decodeOutput(data []byte) *step.Output {
	o, err := output.Decode(data)
	if err != nil {
		return nil
	}
	return (*step.Output)(o)
}
