// Package language gives the state machine the meaning of what users wrote: which params a run and a step have, whether
// an edge is taken, when something times out. It joins package instance, which knows when to ask, to package scope,
// which knows how to answer.
//
// It is pure. A Language is safe for concurrent use; runs belong to their owners.
package language

import (
	"errors"
	"fmt"
	"time"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/scope"
	"maestro/param"
	"maestro/spec"
)

// Config is what a Language is made of.
type Config struct {
	Exprs    *scope.Exprs
	Defaults *param.Defaults // that runs are started with
}

// Timeouts of steps and runs (spec/definition 11).
const (
	DefaultTimeout = 10 * 24 * time.Hour
	MaxTimeout     = 120 * 24 * time.Hour
)

// Language implements instance.Language.
type Language struct {
	cfg  Config
	sets sets
}

// New returns a Language.
func New(cfg Config) *Language {
	l := &Language{cfg: cfg}
	l.sets.current = fingerprintOf(l.Stored())
	l.sets.known = map[string]*param.Defaults{l.sets.current: cfg.Defaults}
	return l
}

// The first byte of stored results says how the rest is to be read.
const (
	compact = 0 // the sum of what merging gives (param.Defs.Sum), and param.AppendResults over it
	whole   = 1 // the params as JSON: what they were merged from may be gone
)

// restore reads stored results. merge gives the definitions they are over, for the forms that need them.
func restore(data []byte, derive param.Derive, merge func() (definitions, error)) (*param.Params, error) {
	data, over, err := openResults(data, merge)
	switch {
	case err != nil:
		return nil, err
	case over.defs == nil:
		return decodeWhole(data)
	}
	return param.RestoreResults(over.defs, data, derive)
}

// openResults returns stored results without their form, and the definitions they are over; none when they need none.
// Results that are over other definitions than merge gives are refused: each value would go to the wrong param.
func openResults(data []byte, merge func() (definitions, error)) ([]byte, definitions, error) {
	if len(data) == 0 {
		return nil, definitions{}, param.Errorf(param.Internal, "stored params are empty")
	}
	form, data := data[0], data[1:]
	switch form {
	case whole:
		return data, definitions{}, nil
	case compact:
		sum, data, ok := param.CutSum(data)
		if !ok {
			return nil, definitions{}, param.Errorf(param.Internal, "stored params are cut short")
		}
		over, err := merge()
		if err == nil && over.sum != sum {
			err = fmt.Errorf("%w: the stored results are of params with other names, types or values than this program merges; "+
				"run it with the version of the program that wrote them", instance.ErrNewer)
		}
		return data, over, err
	}
	return nil, definitions{}, fmt.Errorf("%w: the stored params have form %d, which this program does not know", instance.ErrNewer, form)
}

func encodeCompact(p *param.Params, sum uint32, derive param.Derive) []byte {
	return p.AppendResults(param.AppendSum([]byte{compact}, sum), derive)
}

func encodeWhole(p *param.Params) []byte { return p.AppendJSON([]byte{whole}) }

func decodeWhole(data []byte) (*param.Params, error) {
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil, err
	}
	var problems doc.Problems
	p := param.DecodeParams(n, "params", &problems, param.DecodeOptions{AnyName: true})
	return p, problems.Err()
}

// detail is an error told as its kind and its message, the form timelines show (spec/params 15).
type detail struct{ err error }

func (d detail) Error() string { return param.AsError(d.err).Detail() }
func (d detail) Unwrap() error { return d.err }

func detailed(err error) error {
	if err == nil {
		return nil
	}
	return detail{err}
}

// mergeStep merges a step's params but for what a run adds.
func mergeStep(defaults *param.Defaults, s *spec.Step, template *param.Defs, start *scope.StepStart) (*param.Defs, error) {
	base, err := scope.StepBase(defaults.OfStep(string(s.Type)), template, nil)
	if err != nil {
		return nil, err
	}
	return scope.MergeStep(base, s.Params, start)
}

// scopeRun describes a run to expressions.
func scopeRun(r *instance.Run) *scope.Run {
	in := r.Header.ParsedInitiator()
	return &scope.Run{
		WorkflowID: r.WorkflowID, InstanceID: r.Instance, RunID: r.Number, Policy: r.Policy(),
		Initiator: in.Type, InitiatorZone: in.Timezone, Runner: in.User,
		Owner: r.Header.Owner(), FirstTriggerZone: FirstTriggerZone(r.Plan.Workflow),
	}
}

// FirstTriggerZone returns the zone of the first time trigger of a definition, or "".
func FirstTriggerZone(w *spec.Workflow) string {
	if len(w.TimeTriggers) == 0 {
		return ""
	}
	return w.TimeTriggers[0].Timezone.Or("")
}

func scopeStep(r *instance.Run, step int, a *instance.Attempt) *scope.Step {
	s := r.Plan.Nodes[step].Step
	return &scope.Step{
		ID: r.Plan.Nodes[step].ID, UUID: r.AttemptUUID(step, a.Number), InstanceID: a.Sequence, AttemptID: a.Number,
		Type: s.Type.Name(), SubType: s.SubType.Or(""), ErrorRetries: a.Retries[spec.ErrorRetry],
	}
}

// scope is what an evaluation sees. Evaluations of one attempt at one time differ in their purpose, and so in their chance.
func (l *Language) scope(r *instance.Run, step int, now int64, purpose string) *scope.StepScope {
	return &scope.StepScope{
		Run: scopeRun(r), Step: scopeStep(r, step, &r.Steps[step].Attempt), Workflow: r.Params,
		World: &world{r: r, step: step, chance: newChance(purpose+r.AttemptUUID(step, r.Steps[step].Number), now)}, Now: now, Meter: l.cfg.Exprs.Meter(),
	}
}

// Timeout implements instance.Language.
func (l *Language) Timeout(r *instance.Run, step int) (int64, error) {
	ms, err := l.timeout(r.Plan.Nodes[step].Step.Timeout, r.Identity(), r.Params)
	return ms, detailed(err)
}

func (l *Language) timeout(t spec.ParsableLong, where string, params *param.Params) (int64, error) {
	if !t.IsSet() {
		return DefaultTimeout.Milliseconds(), nil
	}
	d, err := t.Timeout(l.interpolate(where, params), MaxTimeout)
	if err != nil {
		var p *param.Error
		if errors.As(err, &p) {
			return 0, err
		}
		return 0, param.Errorf(param.IllegalArgument, "%s", err)
	}
	return d.Milliseconds(), nil
}

func (l *Language) interpolate(where string, params *param.Params) spec.Interpolate {
	budget := l.cfg.Exprs.Meter() // of all that is interpolated through the function
	return func(text string) (string, error) { return l.cfg.Exprs.Attribute(budget, text, where, params, 0) }
}

// Retry implements instance.Language.
func (l *Language) Retry(r *instance.Run, step int) spec.Retry {
	return r.Plan.Nodes[step].Step.Retry.ResolveOrDefault(l.interpolate(r.Identity(), r.Params))
}

// Conditions implements instance.Language.
func (l *Language) Conditions(r *instance.Run, step int, now int64) ([]instance.EdgeResult, []byte, error) {
	n := &r.Plan.Nodes[step]
	conditions := make([]scope.Condition, len(n.Successors))
	for i, e := range n.Successors {
		conditions[i] = scope.Condition{Successor: r.Plan.Nodes[e.To].ID, Expr: e.Condition}
	}
	params := r.StepParams(step)
	early := params == nil // skipped before its params were evaluated: conditions evaluate what they need
	if early {
		over, err := l.stepDefs(r, step, &r.Steps[step].Attempt)
		if err != nil {
			return nil, nil, detailed(err)
		}
		params = param.NewParams(over.defs)
	}
	out := make([]instance.EdgeResult, len(n.Successors))
	results, err := l.cfg.Exprs.Transitions(conditions, params, l.scope(r, step, now, "conditions"))
	for i, p := range results {
		out[i] = instance.EdgeResult{Done: true, True: p.Result.Boolean(), At: now, Note: p.Note}
	}
	var own []byte
	if early {
		own = encodeWhole(evaluated(params))
	}
	return out, own, detailed(err)
}

// evaluated returns the params that have a result.
func evaluated(params *param.Params) *param.Params {
	out := &param.Params{}
	for name, p := range params.All() {
		if p.Evaluated {
			out.Set(name, *p)
		}
	}
	return out
}

// world is what a run's expressions may ask about the rest of it.
type world struct {
	r       *instance.Run
	step    int
	signals signals
	chance
}

func (w *world) FinishedStep(id string) (scope.FinishedStep, bool) {
	i, ok := w.r.Plan.Ordinal(id)
	if !ok || w.r.Steps[i].Number == 0 {
		if k := w.r.Kept[id]; k != nil {
			return scope.FinishedStep{Status: k.Status.String(), End: k.Ended, Params: k.Params}, true
		}
		return scope.FinishedStep{}, false
	}
	s := &w.r.Steps[i]
	if !s.Status.Terminal() {
		return scope.FinishedStep{}, false
	}
	return scope.FinishedStep{Status: s.Status.String(), End: s.Ended, Params: w.r.StepParams(i)}, true
}

func (w *world) Signal(name, p string) (param.Value, error) {
	return w.signals.ofTrigger(w.r.Header, name, p)
}

func (w *world) SignalDependency(n int, p string) (param.Value, error) {
	return w.signals.ofDependency(&w.r.Steps[w.step].Attempt, n, p)
}

func (w *world) Foreach(step, _, _ string) ([]param.Value, error) {
	return nil, fmt.Errorf("step %s is no foreach step that has finished", step)
}

func (w *world) Subworkflow(step, _, _ string) (param.Value, error) {
	return param.Value{}, fmt.Errorf("step %s is no subworkflow step that has finished", step)
}

func (w *world) Cancelled() bool { return false }
