package instance

// Effect is something the engine must do once the records that go with it are durable, and never before.
type Effect interface{ effect() }

type (
	// Launch tells the runtime of a step's type to begin the attempt, or to find it again. It may be performed more than
	// once.
	Launch struct {
		Step    int
		Attempt int64
		Again   bool // an earlier process may have performed it already
	}

	// EndWork tells the runtime to end the attempt. The run waits for its report.
	EndWork struct {
		Step    int
		Attempt int64
	}

	// AwaitSignals asks to be told (Signalled) when a signal matches a pending dependency of the step.
	AwaitSignals struct {
		Step    int
		Attempt int64
	}

	// StepEnded says that an attempt ended: what it held is free.
	StepEnded struct {
		Step    int
		Attempt int64
	}

	// Ended says that the run is terminal.
	Ended struct{ Status RunStatus }
)

func (Launch) effect()       {}
func (EndWork) effect()      {}
func (AwaitSignals) effect() {}
func (StepEnded) effect()    {}
func (Ended) effect()        {}
