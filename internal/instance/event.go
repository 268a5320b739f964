package instance

// Event is something that happened to a run. Every event carries its own time, in epoch milliseconds.
type Event interface{ event() }

// Outcome is what the work of an attempt came to. It is step.State, restated for the pure core.
type Outcome uint8

// The outcomes, equal in number to the states of package step.
const (
	OutcomeContinue Outcome = iota
	OutcomeDone
	OutcomeUserError
	OutcomePlatformError
	OutcomeFatalError
	OutcomeStopped
	OutcomeTimedOut
	OutcomeInternal
)

// Action is something a user, or the run itself, wants done to steps.
type Action uint8

// The actions. The numbers are stored; never change one.
const (
	NoAction Action = 0
	Stop     Action = 1 // → STOPPED
	Kill     Action = 2 // → FATALLY_FAILED
	Skip     Action = 3 // → SKIPPED
	TimeOut  Action = 4 // → TIMED_OUT; made by the engine only
	Bypass   Action = 5 // leaves WAITING_FOR_SIGNALS
	Restart  Action = 6 // → a new attempt
	Resume   Action = 7 // leaves PAUSED
	Pause    Action = 8 // shown in action maps; done through breakpoints
)

var actionNames = [...]string{"", "STOP", "KILL", "SKIP", "TIME_OUT", "BYPASS_STEP_DEPENDENCIES", "RESTART", "RESUME", "PAUSE"}

// String returns the name clients see.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return "ACTION"
}

// target is the status that an ending action leads to.
func (a Action) target() StepStatus {
	switch a {
	case Kill:
		return FatallyFailed
	case Skip:
		return Skipped
	case TimeOut:
		return StepTimedOut
	default:
		return StepStopped
	}
}

type (
	// Start lets a new run begin: the run strategy has given it its turn.
	Start struct{ At int64 }

	// Wake tells the time: everything that was due at or before At happens.
	Wake struct{ At int64 }

	// Reported is a report of a runtime about the attempt.
	Reported struct {
		At        int64
		Step      int
		Attempt   int64
		Outcome   Outcome
		Begun     bool // the work had begun before it ended
		Artifacts map[string][]byte
		Lines     []Line
		Output    []byte // output data of the job (JSON), nil for none
	}

	// Posted is output data that the job sent through the API.
	Posted struct {
		At      int64
		Step    int
		Attempt int64
		Output  []byte
		Kept    bool // before it was known to be this attempt's: what is wrong with it is told in the timeline
	}

	// ActOnRun stops or kills the whole run.
	ActOnRun struct {
		At     int64
		Action Action // Stop or Kill
		User   string
		Reason string
	}

	// ActOnStep does one action to one step.
	ActOnStep struct {
		At     int64
		Step   int
		Action Action
		User   string
		Reason string
		Data   []byte // of Restart: params and restart configuration (JSON)
		Skip   bool   // of Restart: the new attempt is skipped
	}

	// Permitted says that the permits the step waits for may be free now.
	Permitted struct {
		At   int64
		Step int
	}

	// Signalled says that a signal matched a dependency of a waiting step.
	Signalled struct {
		At         int64
		Step       int
		Attempt    int64
		Dependency int
		Sequence   int64
		Params     []byte // JSON of the signal's params, nil for none
	}

	// Resumed asks for the effects of everything under way again: the run was loaded from the store.
	Resumed struct{ At int64 }
)

func (Start) event()     {}
func (Wake) event()      {}
func (Reported) event()  {}
func (Posted) event()    {}
func (ActOnRun) event()  {}
func (ActOnStep) event() {}
func (Permitted) event() {}
func (Signalled) event() {}
func (Resumed) event()   {}
