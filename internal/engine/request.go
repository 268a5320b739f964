package engine

import (
	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

// errStopping answers what comes while the engine stops, or is not done by then.
var errStopping = api.Errorf(api.Unavailable, "engine is stopping")

// StartRequest asks for a new run of a workflow (spec/engine 4).
type StartRequest struct {
	WorkflowID string
	Version    string // active, latest, default or a number
	Initiator  Initiator
	RequestID  string // UUID; empty: no idempotency
	Requested  int64  // request_time in epoch milliseconds; 0: now

	RuntimeTags   spec.Tags
	RunParams     *param.Defs // as decoded; nil for none
	Artifacts     []byte      // JSON, nil for none
	PersistFailed bool        // keep a run whose params cannot be evaluated, as FAILED

	Records []store.Record // written in the transaction of the run; not written when the request is a duplicate
}

// Initiator says who or what started a run.
type Initiator struct {
	Type string // MANUAL, TIME, SIGNAL
	User string // JSON-free name, for MANUAL
	JSON []byte // the initiator as it is shown
	Time *TimeInitiator
	// Signal is set for runs started by a signal trigger.
	Signal *SignalInitiator
}

// TimeInitiator is what a time trigger tells about the run it starts.
type TimeInitiator struct {
	TriggerUUID string
	TriggerTime int64
	Timezone    string
}

// SignalInitiator is what a signal trigger tells about the run it starts.
type SignalInitiator struct {
	TriggerUUID string
	SignalIDs   map[string]int64
	Params      *param.Params
}

// What became of a start.
const (
	Created    = "CREATED"
	Duplicated = "DUPLICATED" // its request id was used before
	Stopped    = "STOPPED"    // by the run strategy
)

// Started is the answer to a start or restart.
type Started struct {
	WorkflowID string
	Version    int64
	Instance   int64
	Run        int64
	UUID       string
	Status     string // Created, Duplicated or Stopped
	Line       instance.Line
}

// RestartRequest asks for a new run of an instance (spec/engine 11).
type RestartRequest struct {
	WorkflowID string
	Instance   int64
	Step       string // not empty: restart from this step
	Policy     string // RESTART_FROM_INCOMPLETE or RESTART_FROM_BEGINNING; of a step restart: for what follows
	Inline     bool   // RESTART_FROM_INLINE_ROOT
	User       string
	RequestID  string
	Requested  int64
	RunParams  *param.Defs // of an instance restart
	StepParams *param.Defs // of a step restart
	Skip       bool        // the step is to be skipped
}

// RunAction stops or kills one run.
type RunAction struct {
	WorkflowID string
	Instance   int64
	Run        int64 // 0: the latest; otherwise it must be the latest
	Action     instance.Action
	User       string
	Reason     string // empty: the reason the reference gives
}

// RunActed is the answer to a RunAction.
type RunActed struct {
	WorkflowID string
	Instance   int64
	Run        int64
	Status     instance.RunStatus
	Completed  bool
	Info       string
	Line       instance.Line
}

// StepAction acts on one step of the latest run.
type StepAction struct {
	WorkflowID string
	Instance   int64
	Step       string
	Action     instance.Action
	User       string
	Blocking   bool
}

// StepActed is the answer to a StepAction.
type StepActed struct {
	WorkflowID string
	Instance   int64
	Run        int64
	Version    int64
	Step       string
	Action     instance.Action // what was done: a skip of a step that has ended is a restart
	Attempt    int64
	State      *instance.Attempt // as it was when the action was done; blocking actions only
	Line       instance.Line
	Restarted  *Started // the action became a new run
}
