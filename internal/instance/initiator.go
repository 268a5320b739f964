package instance

import (
	"encoding/json"

	"maestro/internal/doc"
)

// Types of initiators (spec/api 3.4).
const (
	InitiatorManual      = "MANUAL"
	InitiatorTime        = "TIME"
	InitiatorSignal      = "SIGNAL"
	InitiatorSubworkflow = "SUBWORKFLOW"
	InitiatorForeach     = "FOREACH"
	InitiatorWhile       = "WHILE"
	InitiatorTemplate    = "TEMPLATE"
)

// ManualInitiator returns the initiator of a run that a user started, as it is stored and shown.
func ManualInitiator(user string) []byte {
	o := doc.Open(nil)
	o.Int("depth", 0)
	o.Text("type", InitiatorManual)
	o.Text("user", user)
	return o.Close()
}

// Initiator is what expressions may know of who or what started a run.
type Initiator struct {
	Type     string          `json:"type"`
	User     string          `json:"-"`
	Timezone string          `json:"timezone"`
	RawUser  json.RawMessage `json:"user"`
}

// ByStep reports whether a step of another run started the run: a loop or a subworkflow.
func (in Initiator) ByStep() bool {
	switch in.Type {
	case "FOREACH", "WHILE", "SUBWORKFLOW", "TEMPLATE":
		return true
	}
	return false
}

// ParsedInitiator reads the run's initiator.
func (h *Header) ParsedInitiator() Initiator {
	if h.initiator == nil {
		var in Initiator
		if json.Unmarshal(h.Initiator, &in) == nil {
			in.User = userName(in.RawUser)
		}
		h.initiator = &in
	}
	return *h.initiator
}

// Owner returns the name of the owner in the run's properties.
func (h *Header) Owner() string {
	h.readProperties()
	return h.properties.owner
}

// properties is what the engine reads of a run's properties.
type properties struct {
	Owner           json.RawMessage `json:"owner"`
	StepConcurrency int64           `json:"step_concurrency"`
	owner           string
}

func (h *Header) readProperties() {
	if h.properties != nil {
		return
	}
	h.properties = new(properties)
	if json.Unmarshal(h.Properties, h.properties) == nil {
		h.properties.owner = userName(h.properties.Owner)
	}
}

// userName reads a user, who is a name or an object with one (spec/api 3.1).
func userName(raw json.RawMessage) string {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name
	}
	var u struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &u)
	return u.Name
}

// StepConcurrency returns step_concurrency of the run's properties, 0 when it is unset.
func (h *Header) StepConcurrency() int64 {
	h.readProperties()
	return h.properties.StepConcurrency
}

// StepLimit returns the instance_step_concurrency that holds for the run, 0 for none.
func (r *Run) StepLimit() int64 {
	if r.Header.StepLimit > 0 {
		return r.Header.StepLimit
	}
	return r.Plan.Workflow.InstanceStepConcurrency.Or(0)
}
