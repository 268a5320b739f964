package language

import (
	"encoding/json"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/output"
	"maestro/internal/scope"
	"maestro/param"
)

// RunStart is what the params of a new run are made from.
type RunStart struct {
	Identity   string // unique to the run: random numbers are derived from it
	WorkflowID string
	Owner      string
	Plan       *instance.Plan
	Initiator  instance.Initiator
	Policy     string // empty: a fresh run

	RunParams     *param.Defs
	RestartParams *param.Defs   // of a restart that ends at this run
	Previous      *param.Params // of the run before; nil for a fresh run and where it had none
	Restart       bool
	Header        *instance.Header // what the run knows of signals; nil for nothing
	Now           int64
	Cancelled     func() bool // whether whoever asked for the run has gone; nil for never
}

// RunEvaluated is what was decided about a new run's params.
type RunEvaluated struct {
	Params  *param.Params
	Stored  []byte // for instance.Header.Params
	Timeout int64  // milliseconds, 0 when the definition sets none
}

// Start evaluates the params and the timeout of a new run (spec/engine 4, step 5).
func (l *Language) Start(s *RunStart) (*RunEvaluated, error) {
	m, err := l.merged(s.Plan, l.sets.current)
	if err != nil {
		return nil, err
	}
	over, err := m.workflow(&scope.Start{
		Restart: s.Restart, Previous: s.Previous, RunParams: s.RunParams, RestartParams: s.RestartParams, AtTarget: true,
	})
	if err != nil {
		return nil, err
	}
	run := &scope.Run{
		WorkflowID: s.WorkflowID, Policy: s.Policy, Initiator: s.Initiator.Type, InitiatorZone: s.Initiator.Timezone,
		Runner: s.Initiator.User, Owner: s.Owner, FirstTriggerZone: FirstTriggerZone(s.Plan.Workflow),
	}
	if run.Policy == "" {
		run.Policy = instance.StartFresh
	}
	p, err := l.cfg.Exprs.EvaluateWorkflow(nil, over.defs, run, &startWorld{h: s.Header, cancelled: s.Cancelled, chance: newChance(s.Identity, s.Now)}, s.Now)
	if err != nil {
		return nil, err
	}
	out := &RunEvaluated{Params: p}
	if s.Restart {
		out.Stored = encodeWhole(p) // merged from the params of the run before, which nobody should have to look up
	} else {
		out.Stored = encodeCompact(p, over.sum, scope.WorkflowDerive(run))
	}
	if t := s.Plan.Workflow.Timeout; t.IsSet() {
		if out.Timeout, err = l.timeout(t, s.WorkflowID, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// startWorld is what the params of a run that has not begun may ask: next to nothing.
type startWorld struct {
	h         *instance.Header
	cancelled func() bool // may be nil
	signals   signals
	chance
}

func (*startWorld) FinishedStep(string) (scope.FinishedStep, bool) {
	return scope.FinishedStep{}, false
}

func (w *startWorld) Signal(name, p string) (param.Value, error) {
	return w.signals.ofTrigger(w.h, name, p)
}

func (*startWorld) SignalDependency(int, string) (param.Value, error) {
	return param.Value{}, errNoStep
}
func (*startWorld) Foreach(_, _, _ string) ([]param.Value, error)   { return nil, errNoStep }
func (*startWorld) Subworkflow(_, _, _ string) (param.Value, error) { return param.Value{}, errNoStep }
func (w *startWorld) Cancelled() bool                               { return w.cancelled != nil && w.cancelled() }

var errNoStep = param.Errorf(param.Internal, "not available to the params of a workflow")

// RunParams returns the params of a run as its header keeps them.
func (l *Language) RunParams(r *instance.Run) (*param.Params, error) {
	return restore(r.Header.Params, scope.WorkflowDerive(scopeRun(r)), func() (definitions, error) {
		m, err := l.merged(r.Plan, r.Header.Defaults)
		if err != nil {
			return definitions{}, err
		}
		return m.workflow(&scope.Start{RunParams: r.Header.RunParams})
	})
}

func decodeDefs(data []byte) (*param.Defs, error) {
	if len(data) == 0 {
		return nil, nil
	}
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil, err
	}
	var p doc.Problems
	defs := param.DecodeDefs(n, "params", &p, param.DecodeOptions{})
	return defs, p.Err()
}

// stepDefs merges the params of an attempt.
func (l *Language) stepDefs(r *instance.Run, step int, a *instance.Attempt) (definitions, error) {
	s := r.Plan.Nodes[step].Step
	m, err := l.merged(r.Plan, r.Header.Defaults)
	if err != nil {
		return definitions{}, err
	}
	start, plain, err := l.stepStart(r, step, a)
	if err != nil {
		return definitions{}, err
	}
	if plain && m.steps[step].defs != nil {
		return m.steps[step], nil
	}
	var template *param.Defs
	if t := r.StepTemplate(step); t != nil {
		if template, err = scope.Template(t.Params, r.Params); err != nil {
			return definitions{}, err
		}
	}
	defs, err := mergeStep(m.defaults, s, template, start)
	if err != nil {
		return definitions{}, err
	}
	return summed(defs), nil
}

// restartRequest is what a restart adds to the params of a step (instance.KindStepRestart and Header.Restart).
type restartRequest struct {
	StepRunParams json.RawMessage            `json:"step_run_params"`
	Params        map[string]json.RawMessage `json:"step_restart_params"`
}

// stepStart finds the params that a request attached to the step. plain is true when there are none.
func (l *Language) stepStart(r *instance.Run, step int, a *instance.Attempt) (*scope.StepStart, bool, error) {
	start := &scope.StepStart{Restart: r.Policy() != instance.StartFresh && r.Policy() != instance.StartCustomized}
	id := r.Plan.Nodes[step].ID
	var req restartRequest
	switch {
	case a.RestartBy != nil:
		if json.Unmarshal(a.RestartBy, &req) != nil {
			return nil, false, param.Errorf(param.Internal, "the restart of step [%s] cannot be read", id)
		}
	case start.Restart:
		if r.Header.Restart != nil && json.Unmarshal(r.Header.Restart, &req) != nil {
			return nil, false, param.Errorf(param.Internal, "the restart of run %s cannot be read", r.Identity())
		}
	default:
		return start, true, nil
	}
	var err error
	if start.RestartParams, err = decodeDefs(req.Params[id]); err != nil {
		return nil, false, err
	}
	if start.RunParams, err = decodeDefs(req.StepRunParams); err != nil {
		return nil, false, err
	}
	return start, false, nil
}

// StepParams implements instance.Language.
func (l *Language) StepParams(r *instance.Run, step int, now int64) (*param.Params, []byte, error) {
	a := &r.Steps[step].Attempt
	over, err := l.stepDefs(r, step, a)
	if err != nil {
		return nil, nil, detailed(err)
	}
	c := l.scope(r, step, now, "params")
	p, err := l.cfg.Exprs.EvaluateStep(over.defs, c)
	if err != nil {
		return nil, nil, detailed(err)
	}
	return p, encodeStep(r, step, a, p, over.sum), nil
}

// encodeStep returns the stored form of the params of an attempt. Those of a step with a job template are stored whole:
// the template may change.
func encodeStep(r *instance.Run, step int, a *instance.Attempt, p *param.Params, sum uint32) []byte {
	if r.Plan.Nodes[step].Step.SubType.Set {
		return encodeWhole(p)
	}
	return encodeCompact(p, sum, stepDerive(r, step, a))
}

func stepDerive(r *instance.Run, step int, a *instance.Attempt) param.Derive {
	return scope.StepDerive(scopeRun(r), scopeStep(r, step, a))
}

// RestoreStepParams implements instance.Language.
func (l *Language) RestoreStepParams(r *instance.Run, step int, a *instance.Attempt, data []byte) (*param.Params, error) {
	return restore(data, stepDerive(r, step, a), func() (definitions, error) { return l.stepDefs(r, step, a) })
}

// CheckStepParams returns why the stored results of an attempt cannot be restored as they were, if they cannot. It does
// not restore them.
func (l *Language) CheckStepParams(r *instance.Run, step int, a *instance.Attempt, data []byte) error {
	_, _, err := openResults(data, func() (definitions, error) { return l.stepDefs(r, step, a) })
	return err
}

// Output implements instance.Language.
func (l *Language) Output(r *instance.Run, step int, data []byte, now int64) (*param.Params, []byte, map[string][]byte, error) {
	out, err := output.Decode(data)
	if err != nil {
		return nil, nil, nil, detailed(param.Wrap(param.Validation, err, "output data cannot be read"))
	}
	if len(out.Params) == 0 {
		return nil, nil, out.Artifacts, nil
	}
	own := r.StepParams(step)
	if own == nil {
		own = &param.Params{}
	}
	reported, err := outputParams(out.Params, own, now)
	if err != nil {
		return nil, nil, nil, detailed(param.Wrap(param.Validation, err, "output params cannot be read: %s", err))
	}
	merged, err := param.MergeOutput(own, reported)
	if err != nil {
		return nil, nil, nil, detailed(err)
	}
	a := &r.Steps[step].Attempt
	over, err := l.stepDefs(r, step, a)
	if err != nil {
		return nil, nil, nil, detailed(err)
	}
	return merged, encodeStep(r, step, a, merged, over.sum), out.Artifacts, nil
}

// outputParams reads reported params. The params of the step tell the types of plain values.
func outputParams(text []byte, own *param.Params, now int64) (*param.Params, error) {
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		return nil, err
	}
	var p doc.Problems
	return output.Params(n, own, now, &p), p.Err()
}
