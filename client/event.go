package client

import (
	"encoding/json"
	"fmt"
)

// Kind says what an Event is about.
type Kind string

// The kinds of events. Newer servers may send others; they have only Data.
const (
	StepChanged  Kind = "step"         // Event.Step: a step's status changed
	RunChanged   Kind = "run"          // Event.Run: the run's status changed
	TimelineLine Kind = "timeline"     // Event.Line: a line for people
	End          Kind = "end"          // the run has ended and nothing follows
	Reconnecting Kind = "reconnecting" // Event.Lost: made by Watch itself when the connection is gone
)

// Event is one thing that happened to a run.
type Event struct {
	Kind   Kind
	Cursor string // where in the stream; what a later Watch would go on after
	Data   json.RawMessage

	Step *StepEvent
	Run  *RunEvent
	Line *LineEvent
	Lost error
}

// StepEvent is a change of a step's status.
type StepEvent struct {
	WorkflowID string `json:"workflow_id"`
	Instance   int64  `json:"workflow_instance_id"`
	Run        int64  `json:"workflow_run_id"`
	StepID     string `json:"step_id"`
	Attempt    int64  `json:"step_attempt_id"`
	Ordinal    int64  `json:"step_instance_id"`
	Status     string `json:"status"`
	OldStatus  string `json:"old_status"`
	Time       int64  `json:"time"`    // epoch milliseconds
	Message    string `json:"message"` // why it was skipped or failed, one line; often empty
}

// RunEvent is a change of a run's status.
type RunEvent struct {
	WorkflowID string `json:"workflow_id"`
	Instance   int64  `json:"workflow_instance_id"`
	Run        int64  `json:"workflow_run_id"`
	Status     string `json:"status"`
	OldStatus  string `json:"old_status"`
	Time       int64  `json:"time"`
}

// LineEvent is a line of the timeline of a step, or of the run where StepID is empty.
type LineEvent struct {
	StepID  string `json:"step_id"`
	Level   string `json:"level"`
	Message string `json:"message"`
	Time    int64  `json:"time"`
}

// parseEvent reads what the server sent as one message.
func parseEvent(m message) (Event, error) {
	ev := Event{Kind: Kind(m.event), Cursor: m.id, Data: m.data}
	var into any
	switch ev.Kind {
	case StepChanged:
		ev.Step = new(StepEvent)
		into = ev.Step
	case RunChanged:
		ev.Run = new(RunEvent)
		into = ev.Run
	case TimelineLine:
		ev.Line = new(LineEvent)
		into = ev.Line
	default:
		return ev, nil
	}
	if err := json.Unmarshal(m.data, into); err != nil {
		return Event{}, fmt.Errorf("client: read a %q event: %w", m.event, err)
	}
	return ev, nil
}
