package instance

import "encoding/json"

// Signals is what a run knows of signals from its start: those that triggered it, and what the steps of the run before
// it waited for. It is kept in the header, so that expressions can be evaluated without asking anybody.
type Signals struct {
	Instances map[string]json.RawMessage `json:"instances,omitempty"` // params of the signals that triggered the run, by name
	Params    json.RawMessage            `json:"params,omitempty"`    // evaluated params of the trigger, where the initiator does not tell
	Steps     map[string]Waited          `json:"steps,omitempty"`     // of the run before, by step
	Chain     int                        `json:"chain,omitempty"`     // how many runs led to this one, each triggered by a signal of the one before
}

// Waited is what an attempt waited for and what became of it.
type Waited struct {
	Dependencies json.RawMessage `json:"dependencies"`
	States       []WaitedState   `json:"states"`
}

// WaitedState is one Dependency, stored.
type WaitedState struct {
	Status   SignalStatus    `json:"status,omitempty"`
	Sequence int64           `json:"seq,omitempty"`
	Params   json.RawMessage `json:"params,omitempty"`
	By       string          `json:"by,omitempty"`
	At       int64           `json:"at,omitempty"`
}

// Encode returns the stored form, nil when there is nothing to store.
func (s *Signals) Encode() []byte {
	if len(s.Instances) == 0 && len(s.Params) == 0 && len(s.Steps) == 0 && s.Chain == 0 {
		return nil
	}
	data, _ := json.Marshal(s) // raw JSON, texts and numbers: cannot fail
	return data
}

// ParsedSignals reads the header's signals. Where there are none it is empty.
func (h *Header) ParsedSignals() *Signals {
	if h.signals == nil {
		h.signals = new(Signals)
		if h.Signals != nil {
			_ = json.Unmarshal(h.Signals, h.signals) // what cannot be read is not there
		}
	}
	return h.signals
}

// TriggerParams returns the evaluated params (JSON) of the signal trigger that started the run or, for a restarted one,
// its instance; nil when none did.
func (h *Header) TriggerParams() []byte {
	if p := h.ParsedSignals().Params; p != nil {
		return p
	}
	return h.initiatorParams()
}

func (h *Header) initiatorParams() []byte {
	if h.ParsedInitiator().Type != InitiatorSignal {
		return nil
	}
	var in struct {
		Params json.RawMessage `json:"params"`
	}
	if json.Unmarshal(h.Initiator, &in) != nil || len(in.Params) == 0 {
		return []byte("{}")
	}
	return in.Params
}

// SignalsForRestart returns what the next run of the instance is told of signals: what triggered the instance
// (spec/signals-triggers 5.6), and the dependencies of this run's steps, which it does not wait for again (3.2).
func (r *Run) SignalsForRestart() []byte {
	s := Signals{Instances: r.Header.ParsedSignals().Instances, Params: r.Header.TriggerParams(), Chain: r.Header.ParsedSignals().Chain}
	for i := range r.Steps {
		a := &r.Steps[i].Attempt
		if a.Number == 0 || a.Deps == nil {
			continue
		}
		w := Waited{Dependencies: a.Deps, States: make([]WaitedState, len(a.Signals))}
		for k, d := range a.Signals {
			w.States[k] = d.stored()
		}
		if s.Steps == nil {
			s.Steps = make(map[string]Waited)
		}
		s.Steps[r.Plan.Nodes[i].ID] = w
	}
	return s.Encode()
}

func (d Dependency) stored() WaitedState {
	return WaitedState{Status: d.Status, Sequence: d.Sequence, Params: d.Params, By: d.By, At: d.At}
}

// depend finds out what an attempt waits for: what the run before waited for in this step, or else what is written. A
// later attempt has it from the one before.
func (r *Run) depend(step int, at int64) error {
	n := &r.Plan.Nodes[step]
	want := len(n.Step.SignalDependencies)
	if want == 0 || r.Steps[step].Deps != nil {
		return nil
	}
	if w, ok := r.Header.ParsedSignals().Steps[n.ID]; ok && len(w.States) == want {
		r.record(Record{Kind: KindStepSignals, Step: step, At: at, A: int64(want), Data: w.Dependencies})
		for i, d := range w.States {
			rec := Record{Kind: KindStepSignal, Step: step, At: at, A: int64(i), Status: uint8(d.Status)}
			switch d.Status {
			case SignalMatched:
				rec.B, rec.Data = d.Sequence, d.Params
			case SignalSkipped:
				rec.B, rec.Text = d.At, d.By
			default:
				continue
			}
			r.record(rec)
		}
		return nil
	}
	deps, err := r.Language.Dependencies(r, step, at)
	if err != nil {
		return err
	}
	r.record(Record{Kind: KindStepSignals, Step: step, At: at, A: int64(want), Data: deps})
	return nil
}

// foldSignal returns what a KindStepSignal record makes of its dependency.
func foldSignal(rec *Record) Dependency {
	d := Dependency{Status: SignalStatus(rec.Status), At: rec.At}
	if d.Status == SignalMatched {
		d.Sequence, d.Params = rec.B, rec.Data
		return d
	}
	d.By = rec.Text
	if rec.B != 0 {
		d.At = rec.B
	}
	return d
}
