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

// Acted says what an action came to, in the pass that took it.
type Acted struct {
	Action  Action // what was done: a skip of a step that has ended is a restart
	Attempt int64  // of ActOnStep: the attempt it was done to; one that awaits its retry is followed by one that is ended
	Done    bool   // of ActOnRun: nothing is left to be waited for; of Unblock: the run was blocked
}

type (
	// Queue accepts a new run that waits for its turn.
	Queue struct{ At int64 }

	// Start lets a new or a queued run begin: the run strategy has given it its turn.
	Start struct{ At int64 }

	// EndQueued ends a run that has not begun: superseded, refused by its run strategy, or failed before it could begin.
	EndQueued struct {
		At     int64
		Status RunStatus
		Line   Line // says why; none when its Type is empty
		Began  bool // its start time is shown as that of its end, as where a newer run takes the place of this one
	}

	// Unblock marks a FAILED run as seen to. Line says by whom.
	Unblock struct {
		At   int64
		Line Line
	}

	// Break fails a run whose state or definition the engine cannot work with, so that it hurts no other.
	Break struct {
		At     int64
		Reason string
	}

	// Wake tells the time: everything that was due at or before At happens.
	Wake struct{ At int64 }

	// Reported is a report of a runtime about the attempt.
	Reported struct {
		At        int64
		Step      int
		Attempt   int64
		Outcome   Outcome
		Begun     bool   // the work had begun before it ended
		Waits     string // of OutcomeContinue: what the work waits for before it can begin; "" if it has begun
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
		At      int64
		Step    string // its id
		Attempt int64  // not 0: refused when it is not the latest one
		Action  Action
		User    string
		Reason  string
		Asked   int64  // when the caller asked for it: what has happened to the step since may be news to the caller
		Data    []byte // of Restart, and of a Skip that becomes one: params and restart configuration (JSON)
		Skip    bool   // of Restart: the new attempt is skipped
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

func (Queue) event()     {}
func (Start) event()     {}
func (EndQueued) event() {}
func (Unblock) event()   {}
func (Break) event()     {}
func (Wake) event()      {}
func (Reported) event()  {}
func (Posted) event()    {}
func (ActOnRun) event()  {}
func (ActOnStep) event() {}
func (Signalled) event() {}
func (Resumed) event()   {}
