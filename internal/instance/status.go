package instance

import "fmt"

// RunStatus is the status of a run of a workflow instance (spec/engine 2).
type RunStatus uint8

// The statuses of a run. The numbers are stored; never change one.
const (
	RunNone       RunStatus = 0 // no such run yet
	Created       RunStatus = 1 // accepted; waits for its turn under the run strategy
	InProgress    RunStatus = 2 // its steps run
	Paused        RunStatus = 3 // reserved; never entered
	RunTimedOut   RunStatus = 4 // ended by its timeout
	RunStopped    RunStatus = 5 // ended by a user or a run strategy
	RunFailed     RunStatus = 6 // a step failed for good, or the start itself did
	RunSucceeded  RunStatus = 7 // all that had to run is complete
	FailedCleared RunStatus = 8 // FAILED, unblocked by a user: no longer holds up STRICT_SEQUENTIAL
)

var runNames = [...]string{"", "CREATED", "IN_PROGRESS", "PAUSED", "TIMED_OUT", "STOPPED", "FAILED", "SUCCEEDED", "FAILED"}

// String returns the name that clients see.
func (s RunStatus) String() string {
	if int(s) < len(runNames) {
		return runNames[s]
	}
	return fmt.Sprintf("RUN_STATUS_%d", uint8(s))
}

// Terminal reports whether the run has ended: its status never changes again, but for the mark on FAILED.
func (s RunStatus) Terminal() bool { return s >= RunTimedOut }

// Failed reports whether the run is FAILED, marked or not.
func (s RunStatus) Failed() bool { return s == RunFailed || s == FailedCleared }

// ParseRunStatus returns the status with this name.
func ParseRunStatus(name string) (RunStatus, bool) {
	for s := Created; s <= RunSucceeded; s++ {
		if runNames[s] == name {
			return s, true
		}
	}
	return RunNone, false
}

// StepStatus is the status of one attempt of a step (spec/engine 3). The order is that of the reference: everything
// from Disabled on is terminal.
type StepStatus uint8

// The statuses of an attempt. The numbers are stored; never change one.
const (
	NotCreated         StepStatus = iota // no attempt yet
	StepCreated                          // its turn has come; whether it runs at all is decided now
	Initialized                          // it will run
	StepPaused                           // held by a breakpoint until somebody resumes it
	WaitingForSignals                    // waits for its signal dependencies
	EvaluatingParams                     // its params are merged and evaluated
	WaitingForPermits                    // waits for its tags' permits
	Starting                             // its runtime is told to begin; the timeout runs from here, but for the time that the work waits for its turn
	Running                              // the work is under way
	Finishing                            // the work is done; outputs are merged, signals sent
	Disabled                             // reserved; never entered
	Unsatisfied                          // no true edge leads here: not run, nor is what only follows from it
	Skipped                              // skipped by a user; its successors go on
	Succeeded                            // done
	CompletedWithError                   // failed for good, ignored by its failure mode; its successors go on
	UserFailed                           // failed by the user's fault; a retry follows
	PlatformFailed                       // failed by the platform's fault; a retry follows
	FatallyFailed                        // failed for good
	InternallyFailed                     // cannot be run as written (params, conditions, outputs); no retry
	StepStopped                          // stopped by a user or by the run's end
	TimeoutFailed                        // ran into its timeout; a retry follows
	StepTimedOut                         // ran into its timeout for good
	stepStatuses                         // how many there are
)

var stepNames = [stepStatuses]string{
	"NOT_CREATED", "CREATED", "INITIALIZED", "PAUSED", "WAITING_FOR_SIGNALS", "EVALUATING_PARAMS", "WAITING_FOR_PERMITS",
	"STARTING", "RUNNING", "FINISHING", "DISABLED", "UNSATISFIED", "SKIPPED", "SUCCEEDED", "COMPLETED_WITH_ERROR",
	"USER_FAILED", "PLATFORM_FAILED", "FATALLY_FAILED", "INTERNALLY_FAILED", "STOPPED", "TIMEOUT_FAILED", "TIMED_OUT",
}

// String returns the name that clients see.
func (s StepStatus) String() string {
	if s < stepStatuses {
		return stepNames[s]
	}
	return fmt.Sprintf("STEP_STATUS_%d", uint8(s))
}

// Terminal reports whether the attempt has ended.
func (s StepStatus) Terminal() bool { return s >= Disabled }

// Complete reports whether the attempt has ended in a way that lets its successors go on.
func (s StepStatus) Complete() bool { return s >= Disabled && s <= CompletedWithError }

// Retryable reports whether another attempt follows by itself.
func (s StepStatus) Retryable() bool {
	return s == UserFailed || s == PlatformFailed || s == TimeoutFailed
}

// Restartable reports whether a user may restart the step: it ended, is not complete, and is not retried by itself.
func (s StepStatus) Restartable() bool { return s.Terminal() && !s.Complete() && !s.Retryable() }

// Wakeable reports whether stop, kill and skip have something to act on: a live attempt, or one that awaits its retry.
func (s StepStatus) Wakeable() bool { return !s.Terminal() || s.Retryable() }

// Referenced reports whether roll-ups name the attempts that are in this status (spec/engine 3, column overview).
func (s StepStatus) Referenced() bool {
	switch s {
	case StepPaused, WaitingForSignals, EvaluatingParams, WaitingForPermits, Running,
		UserFailed, PlatformFailed, FatallyFailed, InternallyFailed, TimeoutFailed:
		return true
	default:
		return false
	}
}

// ParseStepStatus returns the status with this name.
func ParseStepStatus(name string) (StepStatus, bool) {
	for s, n := range stepNames {
		if n == name {
			return StepStatus(s), true
		}
	}
	return NotCreated, false
}

// StepStatuses returns all statuses in the reference's order.
func StepStatuses() []StepStatus {
	all := make([]StepStatus, stepStatuses)
	for i := range all {
		all[i] = StepStatus(i)
	}
	return all
}
