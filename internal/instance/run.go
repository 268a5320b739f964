package instance

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"maestro/internal/uuid"
	"maestro/param"
	"maestro/spec"
)

// Language evaluates what users wrote: params, conditions, timeouts. Its methods are pure; now is epoch milliseconds.
// The core hands itself over so that the language can see the finished steps an expression may refer to.
type Language interface {
	// StepParams merges and evaluates the params of the step's latest attempt. results is what must be stored of them.
	StepParams(r *Run, step int, now int64) (p *param.Params, results []byte, err error)
	// RestoreStepParams returns the params of an attempt whose evaluation gave these stored results.
	RestoreStepParams(r *Run, step int, a *Attempt, results []byte) (*param.Params, error)
	// Conditions evaluates the conditions of a complete step's edges, in order. On an error the results before the bad one
	// come with it. own is what had to be stored of the params of a step that was skipped before they were evaluated, as far
	// as conditions needed them; nil for other steps.
	Conditions(r *Run, step int, now int64) (edges []EdgeResult, own []byte, err error)
	// Timeout returns the step's timeout in milliseconds.
	Timeout(r *Run, step int) (int64, error)
	// Retry returns the step's retry policy, resolved.
	Retry(r *Run, step int) spec.Retry
	// Output merges output data into the params and artifacts of a step that is finishing. Nil params are unchanged.
	Output(r *Run, step int, output []byte, now int64) (p *param.Params, results []byte, artifacts map[string][]byte, err error)
	// Dependencies evaluates the step's signal dependencies to their stored form (JSON), nil when it has none.
	Dependencies(r *Run, step int, now int64) ([]byte, error)
	// Signals evaluates the signals that a finishing step announces (JSON), nil when there are none.
	Signals(r *Run, step int, now int64) ([]byte, error)
}

// Run is one run of a workflow instance: the fold of its records.
type Run struct {
	Origin     [16]byte // identity of the store; zero for runs from before stores had one
	ID         int64    // surrogate key in the store
	WorkflowID string
	Internal   int64 // internal id of the workflow
	Instance   int64
	Number     int64  // workflow_run_id
	UUID       string // the caller's request id, if any: unique within the workflow only
	Version    int64
	Created    int64 // epoch milliseconds
	Header     *Header
	Plan       *Plan
	Params     *param.Params    // evaluated params of the run
	Kept       map[string]*Kept // restart: steps of earlier runs that this one does not run again; nil until asked for
	Language   Language
	History    bool // keep earlier attempts, for readers
	Snapshots  SnapshotRule

	Status   RunStatus // of the instance: aggregated over its runs
	Own      RunStatus // of this run alone
	Started  int64
	Ended    int64
	Modified int64
	Steps    []Step
	Lines    []Line
	Ending   Action // not NoAction: the whole run is being stopped, killed or timed out
	EndedBy  string // the user who asked for it
	EndedFor string // the reason given

	nextSequence int64
	active       int // steps that are live or will be retried
	grown        growth

	pass   Pass  // made by the Apply under way
	now    int64 // of its event
	ready  []int // steps that may be able to move
	queued []bool
}

// Kept is a step of an earlier run of the instance, as expressions of a restarted run may refer to it.
type Kept struct {
	Status StepStatus
	Ended  int64
	Params *param.Params
}

// Step is one step of a run: its latest attempt.
type Step struct {
	Attempt
	Earlier []Attempt // with Run.History, oldest first
	waiting int       // predecessors that are not complete
}

// Attempt is one attempt of a step.
type Attempt struct {
	Number    int64 // 0: not created
	Sequence  int64 // step_instance_id
	Status    StepStatus
	Times     [Finishing + 1]int64 // when it entered each status that is not terminal
	Ended     int64
	Modified  int64
	Flags     int64
	Retries   [3]int64 // by spec.RetryKind: how many were used before this attempt
	Manual    int64    // how often it was restarted by hand
	Retryable bool

	Artifacts map[string][]byte
	Lines     []Line
	Output    []byte // posted output data
	Posted    int    // bytes that were recorded of it altogether
	Edges     []EdgeResult
	Signals   []Dependency
	Deps      []byte    // evaluated dependencies as stored, nil for none
	Sent      []byte    // announced signals, nil for none
	RestartBy []byte    // what a manual restart asked for
	Tags      spec.Tags // that its job template gave it
	Waits     string    // what its work waits for before it can begin, as its runtime says; "" for nothing

	results    []byte // of the params' evaluation, nil before
	resultsAt  int64
	params     *param.Params // restored from results when first needed
	ending     StepStatus    // not NotCreated: the runtime has been told to end it, and this is where it goes then
	endingFrom int64         // flags of KindStepEnding
	endingAt   int64         // when it was told
	endingTold int64         // when it was told last
	endedBy    Ender         // what ended it, where a user or the run did
	retry      *spec.Retry
	timeout    int64
	template   *Template // of its job template, asked for when needed
	waitsSince int64     // of Waits
	waited     int64     // milliseconds in STARTING that its work could not begin
}

// Ender is what had an attempt ended, other than its own work.
type Ender struct {
	Action Action // NoAction: nothing
	User   string // empty: the run itself
}

// Dependency is what became of one signal dependency of an attempt.
type Dependency struct {
	Status   SignalStatus
	Sequence int64  // of the signal that matched
	Params   []byte // of that signal (JSON), nil for none
	By       string // who bypassed it
	At       int64  // when it was matched or bypassed
}

// SignalStatus says what a signal dependency waits for.
type SignalStatus uint8

// The statuses of a dependency.
const (
	SignalPending SignalStatus = iota // waits for a signal
	SignalMatched                     // matched by the signal of this sequence number
	SignalSkipped                     // bypassed by a user
)

// EdgeResult is the result of a transition condition.
type EdgeResult struct {
	Done bool
	True bool
	At   int64
	Note string
}

// flags of KindStepEnding.
const (
	endingByRun int64 = 1 << iota // the whole run ends: the failure mode has no say
)

// New returns a run before its first record. Fields that identify it must be set by the caller before use.
func New(h *Header, p *Plan, lang Language) *Run {
	r := &Run{Header: h, Plan: p, Language: lang, nextSequence: 3}
	r.Steps = make([]Step, len(p.Nodes))
	for i := range p.Nodes {
		r.Steps[i].waiting = len(p.Nodes[i].Predecessors)
	}
	if h.Line != nil {
		line := *h.Line
		line.At = h.Requested
		r.Lines = append(r.Lines, line)
	}
	return r
}

// CorrelationID returns the id that a root and all its descendants share.
func (r *Run) CorrelationID() string {
	if r.Header.Correlation != "" {
		return r.Header.Correlation
	}
	return r.WorkflowID + ":" + strconv.FormatInt(r.Instance, 10) + ":" + strconv.FormatInt(r.Number, 10)
}

// Identity returns the run's name in messages: [workflow][instance][run].
func (r *Run) Identity() string {
	return fmt.Sprintf("[%s][%d][%d]", r.WorkflowID, r.Instance, r.Number)
}

// AttemptUUID returns the identity of an attempt, which names its work wherever that is done. It is derived, so that an
// attempt made again after a crash is the same attempt, and need not be stored. It is derived from what nobody but us
// gives out: the run's uuid is the caller's, and two workflows may have been started with the same one.
func (r *Run) AttemptUUID(step int, number int64) string {
	id := r.Plan.Nodes[step].ID
	b := make([]byte, 0, 128)
	if r.Origin == [16]byte{} { // what it has under way is called by this name
		b = append(append(append(b, r.UUID...), id...), 0)
		b = strconv.AppendInt(b, number, 10)
	} else {
		b = append(b, r.Origin[:]...)
		for _, n := range [...]int64{r.Internal, r.ID, number, int64(len(id))} {
			b = binary.BigEndian.AppendUint64(b, uint64(n))
		}
		b = append(b, id...)
	}
	return uuid.Format(uuid.OfName(b))
}

// Timeout returns the run's timeout in milliseconds.
func (r *Run) Timeout() int64 {
	if r.Header.Timeout > 0 {
		return r.Header.Timeout
	}
	return defaultTimeout
}

const defaultTimeout = 10 * 24 * 60 * 60 * 1000

// Evaluated reports whether the attempt's params have been evaluated.
func (a *Attempt) Evaluated() bool { return a.params != nil || a.results != nil }

// Results returns the stored results of the attempt's params, nil when there are none.
func (a *Attempt) Results() []byte { return a.results }

// StepParams returns the evaluated params of the step's latest attempt, nil when there are none.
func (r *Run) StepParams(step int) *param.Params {
	return r.AttemptParams(step, &r.Steps[step].Attempt)
}

// AttemptParams returns the evaluated params of one attempt, nil when there are none.
func (r *Run) AttemptParams(step int, a *Attempt) *param.Params {
	if a.params == nil && a.results != nil {
		p, err := r.Language.RestoreStepParams(r, step, a, a.results)
		if err != nil {
			return nil
		}
		a.params = p
	}
	return a.params
}

// RetryPolicy returns the resolved retry policy of a step.
func (r *Run) RetryPolicy(step int) *spec.Retry {
	s := &r.Steps[step]
	if s.retry == nil {
		p := r.Language.Retry(r, step)
		s.retry = &p
	}
	return s.retry
}

// AwaitsRetry reports whether the attempt failed and another one is due at the returned time.
func (r *Run) AwaitsRetry(step int) (int64, bool) {
	a := &r.Steps[step].Attempt
	if !a.Status.Retryable() || r.Own.Terminal() {
		return 0, false
	}
	kind := retryKind(a.Status)
	return a.Ended + r.RetryPolicy(step).Delay(kind, int(a.Retries[kind])).Milliseconds(), true
}

func retryKind(s StepStatus) spec.RetryKind {
	switch s {
	case PlatformFailed:
		return spec.PlatformRetry
	case TimeoutFailed:
		return spec.TimeoutRetry
	default:
		return spec.ErrorRetry
	}
}

// IsEnding reports whether an attempt is being ended: its runtime has been told, and the run waits for its answer.
func (a *Attempt) IsEnding() bool { return a.ending != NotCreated }

// Deadline returns when the timeout of the step's latest attempt ends it, in epoch milliseconds.
func (r *Run) Deadline(step int) int64 { return min(r.timesOutAt(step), r.Started+r.Timeout()) }

// forget gives back the memory of what a finished attempt is not going to need: its params can be restored from their
// results, should an expression ask for them.
func (a *Attempt) forget() {
	if a.results != nil {
		a.params = nil
	}
}

// Shed gives back the memory of what can be made again. Params is nil afterwards, if there are any: whoever wants to use
// the run must set it first.
func (r *Run) Shed() {
	if r.Header.HasParams {
		r.Params = nil
	}
	for i := range r.Steps {
		r.Steps[i].forget()
	}
	r.pass, r.ready, r.queued = Pass{}, nil, nil
	r.Header.forget()
}
