package instance

// The transitions that may happen, each with its cause, and no others: fold refuses a record that makes another one.
// docs/states.md is generated from these two tables.

// RunTransition is an allowed change of a run's status.
type RunTransition struct {
	From, To RunStatus
	Cause    string
}

// StepTransition is an allowed change of an attempt's status.
type StepTransition struct {
	From, To StepStatus
	Cause    string
}

// RunTransitions returns the table of spec/engine 2.1.
func RunTransitions() []RunTransition {
	return []RunTransition{
		{RunNone, Created, "a start or restart is accepted"},
		{RunNone, RunStopped, "the run strategy lets another run have the place"},
		{RunNone, RunFailed, "params cannot be evaluated, and the start asked to keep the failed run"},
		{Created, InProgress, "the run strategy gives it its turn"},
		{Created, RunStopped, "stopped while queued, or superseded by a newer run"},
		{Created, RunFailed, "killed while queued"},
		{InProgress, RunSucceeded, "nothing can move any more and no step failed, timed out or was stopped"},
		{InProgress, RunFailed, "nothing can move any more and a step failed"},
		{InProgress, RunTimedOut, "nothing can move any more and a step timed out, none failed"},
		{InProgress, RunStopped, "nothing can move any more and a step was stopped, none failed or timed out"},
		{RunFailed, FailedCleared, "a user unblocks the workflow"},
	}
}

// StepTransitions returns the table of spec/engine 3.1.
func StepTransitions() []StepTransition {
	t := []StepTransition{
		{NotCreated, StepCreated, "all predecessors are complete, a retry is due, or a user restarts the step"},
		{StepCreated, Initialized, "an edge that leads here is true, or there is none"},
		{StepCreated, Unsatisfied, "no edge that leads here is true"},
		{StepCreated, Skipped, "the restart says to skip it"},
		{Initialized, StepPaused, "a breakpoint matches"},
		{Initialized, WaitingForSignals, "no breakpoint matches"},
		{StepPaused, WaitingForSignals, "a user resumes it"},
		{WaitingForSignals, EvaluatingParams, "every signal dependency is matched or bypassed"},
		{EvaluatingParams, WaitingForPermits, "its params are merged and evaluated"},
		{WaitingForPermits, Starting, "its tags' permits are granted"},
		{Starting, Running, "the runtime has begun the work"},
		{Running, Finishing, "the runtime reports that the work is done"},
		{Finishing, Succeeded, "outputs are merged and signals sent"},
	}
	for _, from := range []StepStatus{Starting, Running} {
		t = append(t,
			StepTransition{from, UserFailed, "a user error, and retries are left"},
			StepTransition{from, PlatformFailed, "a platform error, and retries are left"},
			StepTransition{from, FatallyFailed, "a fatal error, or an error without retries left"},
		)
	}
	for _, from := range []StepStatus{Starting, Running, Finishing} {
		t = append(t, StepTransition{from, TimeoutFailed, "the step's timeout, and timeout retries are left"})
	}
	t = append(t,
		StepTransition{UserFailed, FatallyFailed, "the job reported that a retry is pointless"},
		StepTransition{PlatformFailed, FatallyFailed, "the job reported that a retry is pointless"},
		StepTransition{FatallyFailed, CompletedWithError, "the failure mode is IGNORE_FAILURE"},
	)
	for from := StepCreated; from <= Finishing; from++ {
		t = append(t,
			StepTransition{from, StepStopped, "a user or the run's end stops it"},
			StepTransition{from, StepTimedOut, "its timeout, or that of the run"},
			StepTransition{from, InternallyFailed, "params, timeout, conditions or outputs cannot be evaluated"},
		)
		if from != Starting && from != Running {
			t = append(t, StepTransition{from, FatallyFailed, "killed"})
		}
		if from != StepCreated {
			t = append(t, StepTransition{from, Skipped, "a user skips it"})
		}
	}
	for _, from := range []StepStatus{Skipped, Succeeded, CompletedWithError} {
		t = append(t, StepTransition{from, InternallyFailed, "a transition condition cannot be evaluated"})
	}
	return t
}

var stepAllowed = func() (allowed [stepStatuses][stepStatuses]bool) {
	for _, t := range StepTransitions() {
		allowed[t.From][t.To] = true
	}
	return allowed
}()

var runAllowed = func() (allowed [FailedCleared + 1][FailedCleared + 1]bool) {
	for _, t := range RunTransitions() {
		allowed[t.From][t.To] = true
	}
	return allowed
}()
