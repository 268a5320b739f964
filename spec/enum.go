package spec

import "strings"

// FailureMode says what the failure of a step does to the rest of its run, once its retries are used up (§9.1).
// The empty mode is one that was not written.
type FailureMode string

// The failure modes.
const (
	FailImmediately  FailureMode = "FAIL_IMMEDIATELY"   // running siblings are stopped and the run fails
	FailAfterRunning FailureMode = "FAIL_AFTER_RUNNING" // no new step starts, running ones end, then the run fails; the default
	IgnoreFailure    FailureMode = "IGNORE_FAILURE"     // the step counts as completed with error and its successors run
)

// Or returns m, or fallback when none was written.
func (m FailureMode) Or(fallback FailureMode) FailureMode {
	if m == "" {
		return fallback
	}
	return m
}

// Criticality tells people how much a workflow matters. The engine only passes it on.
type Criticality string

// The criticalities.
const (
	CriticalityCritical Criticality = "CRITICAL"
	CriticalityHigh     Criticality = "HIGH"
	CriticalityMedium   Criticality = "MEDIUM"
	CriticalityLow      Criticality = "LOW"
)

// Rule says how runs of one workflow share time (§3.1).
type Rule string

// The rules of a run strategy.
const (
	Sequential       Rule = "SEQUENTIAL"         // one run at a time, the others queue; the default
	StrictSequential Rule = "STRICT_SEQUENTIAL"  // as SEQUENTIAL, and a failed run blocks the queue
	FirstOnly        Rule = "FIRST_ONLY"         // a start while a run lives is stopped at once
	LastOnly         Rule = "LAST_ONLY"          // a start stops the run that lives
	Parallel         Rule = "PARALLEL"           // up to workflow_concurrency runs at a time
	SerialLatestOnly Rule = "SERIAL_LATEST_ONLY" // one run at a time, and only the newest queued one survives
)

// Operator compares a param of a signal with what is wanted (§6.2).
type Operator string

// The operators. Texts compare lexicographically.
const (
	Equal          Operator = "="
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
)

// Range reports whether o is anything but equality. A signal dependency may have one range at most (§10.1).
func (o Operator) Range() bool { return o != Equal }

// BackoffType says how the wait between retries grows (§9.2).
type BackoffType string

// The back-off types.
const (
	ExponentialBackoff BackoffType = "EXPONENTIAL_BACKOFF" // base · exponent^n, up to a cap; the default
	FixedBackoff       BackoffType = "FIXED_BACKOFF"       // base, every time
)

// TriggerType is the kind of a time trigger (§6.1).
type TriggerType string

// The time trigger types.
const (
	CronTrigger       TriggerType = "CRON"       // a cron text
	PredefinedTrigger TriggerType = "PREDEFINED" // @daily and its like
	IntervalTrigger   TriggerType = "INTERVAL"   // parsed, and refused by Validate
)

// enum is a closed set of words, matched without regard to case and printed as listed (§1).
type enum struct {
	what  string // for messages: "failure mode"
	words []string
	exact bool // case matters
}

func (e *enum) parse(text string) (string, bool) {
	for _, w := range e.words {
		if w == text || !e.exact && strings.EqualFold(w, text) {
			return w, true
		}
	}
	return "", false
}

var (
	failureModes = &enum{what: "failure mode", words: []string{string(FailImmediately), string(FailAfterRunning), string(IgnoreFailure)}}
	criticals    = &enum{what: "criticality", words: []string{"CRITICAL", "HIGH", "MEDIUM", "LOW"}}
	rules        = &enum{what: "run strategy", words: []string{"SEQUENTIAL", "STRICT_SEQUENTIAL", "FIRST_ONLY", "LAST_ONLY", "PARALLEL", "SERIAL_LATEST_ONLY"}}
	namespaces   = &enum{what: "tag namespace", words: []string{"SYSTEM", "RUNTIME", "JOB_TEMPLATE", "NOTEBOOK_TEMPLATE", "USER_DEFINED", "PLATFORM"}}
	operators    = &enum{what: "operator", words: []string{"=", ">", ">=", "<", "<="}}
	backoffTypes = &enum{what: "backoff type", words: []string{string(ExponentialBackoff), string(FixedBackoff)}}
	triggerTypes = &enum{what: "time trigger type", words: []string{"CRON", "PREDEFINED", "INTERVAL"}}
	severities   = &enum{what: "severity", words: []string{"CRITICAL", "ERROR", "WARNING", "INFO"}}
	actions      = &enum{what: "alerting action", words: []string{"email", "page", "slack", "cancel"}}
	granularity  = &enum{what: "granularity", words: []string{"WORKFLOW", "STEP", "ALL"}}
	alertTypes   = &enum{what: "alert type", exact: true, words: []string{"STEP_FAILURE", "TCT_VIOLATION", "LONG_RUNNING",
		"DEPENDENCY_LATE", "BREAKPOINT_HIT", "DEFINITION_CHANGE", "RUN_SUCCESS", "SUCCESS_WITHIN"}}
)
