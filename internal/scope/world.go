package scope

import "maestro/param"

// World is what expressions may ask about the rest of the run. The engine implements it for one evaluation; it may
// answer from memory or fail with an error that says what it has to load first (errors.Is sees it through the errors of
// this package). A nil World knows nothing.
type World interface {
	// FinishedStep returns a step of this run in a terminal state, in its latest attempt, kept steps of earlier runs
	// included; false for any other id.
	FinishedStep(id string) (FinishedStep, bool)

	// Signal returns a param of the signal that triggered the run: of the instance of signal name, or with name "" of the
	// trigger's own params.
	Signal(name, param string) (param.Value, error)

	// SignalDependency returns a param of the signal that the n-th dependency (from 0) of the current step matched.
	SignalDependency(n int, param string) (param.Value, error)

	// Foreach returns the values that a param of an inner step has in the iterations of a finished foreach, in order. An
	// iteration that has none is absent.
	Foreach(step, inner, param string) ([]param.Value, error)

	// Subworkflow returns a param of a step inside the subworkflow that a step launched.
	Subworkflow(step, inner, param string) (param.Value, error)

	// NextUniqueID returns a number nobody got before.
	NextUniqueID() (int64, error)

	// Random returns random bits.
	Random() uint64

	// Cancelled reports whether the evaluation should end because nobody waits for it. Where the result is recorded it is
	// always false: the same inputs must give the same result.
	Cancelled() bool
}

// FinishedStep is what other steps may know of a step that has ended.
type FinishedStep struct {
	Status string        // canonical name
	End    int64         // epoch milliseconds, 0 when not set
	Params *param.Params // nil when it never had any
}

// Run is the run whose params are evaluated, as params.getFromInstance sees it.
type Run struct {
	WorkflowID       string
	InstanceID       int64
	RunID            int64
	Policy           string // RUN_POLICY
	Initiator        string // INITIATOR_TYPE: MANUAL, TIME, SIGNAL, SUBWORKFLOW, FOREACH, WHILE, or VALIDATION in a dry run
	InitiatorZone    string // of the time trigger that started the run, else ""
	Runner           string // who started a manual run
	Owner            string
	FirstTriggerZone string // of the first time trigger of the definition, else ""
}

// Step is the step whose params are evaluated, as params.getFromStep sees it.
type Step struct {
	ID           string
	UUID         string
	InstanceID   int64
	AttemptID    int64
	Type         string // canonical upper-case type
	SubType      string
	ErrorRetries int64 // user-error retries so far
}

// DryRun is the World of a dry run (definition 13): signals have the value 20220101 where the triggers declare them.
type DryRun struct {
	TriggerParams map[string]bool            // names of the params of the signal triggers
	SignalParams  map[string]map[string]bool // by signal name, the params that the triggers match
	Stop          func() bool                // whether whoever asked has gone; nil for never
}

const dryRunSignalValue = 20220101

// FinishedStep knows no step.
func (DryRun) FinishedStep(string) (FinishedStep, bool) { return FinishedStep{}, false }

// Signal returns the constant for what is declared.
func (d DryRun) Signal(name, p string) (param.Value, error) {
	if name == "" && d.TriggerParams[p] || name != "" && d.SignalParams[name][p] {
		return param.LongValue(dryRunSignalValue), nil
	}
	return param.Value{}, param.Errorf(param.Validation, "signal param [%s] of [%s] is not declared in the signal triggers", p, name)
}

// SignalDependency fails: steps are not evaluated in a dry run.
func (DryRun) SignalDependency(int, string) (param.Value, error) { return param.Value{}, errDryRun }

// Foreach fails.
func (DryRun) Foreach(_, _, _ string) ([]param.Value, error) { return nil, errDryRun }

// Subworkflow fails.
func (DryRun) Subworkflow(_, _, _ string) (param.Value, error) { return param.Value{}, errDryRun }

// NextUniqueID returns a fixed number.
func (DryRun) NextUniqueID() (int64, error) { return 1, nil }

// Random returns fixed bits.
func (DryRun) Random() uint64 { return 0x9E3779B97F4A7C15 }

// Cancelled asks Stop.
func (d DryRun) Cancelled() bool { return d.Stop != nil && d.Stop() }

var errDryRun = param.Errorf(param.Internal, "not available in a dry run")
