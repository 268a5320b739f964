package instance

import (
	"encoding/json"
	"maps"
	"slices"
)

// Signals is what a run knows of signals from its start: those that triggered it, and what the steps of the run before
// it waited for. It is kept in the header, so that expressions can be evaluated without asking anybody.
type Signals struct {
	Instances map[string][]byte // params (JSON) of the signals that triggered the run, by name
	Params    []byte            // evaluated params (JSON) of the trigger, where the initiator does not tell; nil for none
	Steps     map[string]Waited // of the run before, by step
	Chain     int               // how many runs led to this one, each triggered by a signal of the one before
}

// Waited is what an attempt waited for and what became of it.
type Waited struct {
	Dependencies []byte // as KindStepSignals has them
	States       []Dependency
}

// append appends the stored form.
func (s *Signals) append(dst []byte) []byte {
	e := encoder{dst: dst}
	e.uint(uint64(s.Chain))
	e.uint(uint64(len(s.Instances)))
	for _, name := range slices.Sorted(maps.Keys(s.Instances)) {
		e.text(name)
		e.bytes(s.Instances[name])
	}
	e.bytes(s.Params)
	e.uint(uint64(len(s.Steps)))
	for _, id := range slices.Sorted(maps.Keys(s.Steps)) {
		e.text(id)
		e.bytes(s.Steps[id].Dependencies)
		e.dependencies(s.Steps[id].States)
	}
	return e.dst
}

func decodeSignals(data []byte) (*Signals, error) {
	d := fieldDecoder{decoder: decoder{data: data}}
	s := &Signals{Chain: int(d.below(1 << 31))}
	if n := d.count(); n > 0 {
		s.Instances = make(map[string][]byte, n)
		for range n {
			name := d.text()
			s.Instances[name] = d.blob()
		}
	}
	s.Params = d.blob()
	if n := d.count(); n > 0 {
		s.Steps = make(map[string]Waited, n)
		for range n {
			id := d.text()
			s.Steps[id] = Waited{Dependencies: d.blob(), States: d.dependencies()}
		}
	}
	return s, d.end()
}

func (e *encoder) dependencies(list []Dependency) {
	e.uint(uint64(len(list)))
	for _, d := range list {
		e.uint(uint64(d.Status))
		e.int(d.Sequence)
		e.bytes(d.Params)
		e.text(d.By)
		e.time(d.At)
	}
}

func (d *fieldDecoder) dependencies() []Dependency {
	list := make([]Dependency, d.count())
	for i := range list {
		list[i] = Dependency{
			Status: SignalStatus(d.below(uint64(SignalSkipped) + 1)), Sequence: d.varint(), Params: d.blob(), By: d.text(), At: d.time(),
		}
	}
	return list
}

// TriggeredBy returns the params (JSON) of the signal of a name that triggered the run, nil when none did.
func (h *Header) TriggeredBy(name string) []byte {
	if h.Signals == nil {
		return nil
	}
	return h.Signals.Instances[name]
}

// TriggerParams returns the evaluated params (JSON) of the signal trigger that started the run or, for a restarted one,
// its instance; nil when none did.
func (h *Header) TriggerParams() []byte {
	if h.Signals != nil && h.Signals.Params != nil {
		return h.Signals.Params
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
// (spec/signals-triggers 5.6), and the dependencies of this run's steps, which it does not wait for again (3.2). Nil when
// there is nothing to tell.
func (r *Run) SignalsForRestart() *Signals {
	s := &Signals{Params: r.Header.TriggerParams()}
	if r.Header.Signals != nil {
		s.Instances, s.Chain = r.Header.Signals.Instances, r.Header.Signals.Chain
	}
	for i := range r.Steps {
		a := &r.Steps[i].Attempt
		if a.Number == 0 || a.Deps == nil {
			continue
		}
		if s.Steps == nil {
			s.Steps = make(map[string]Waited)
		}
		s.Steps[r.Plan.Nodes[i].ID] = Waited{Dependencies: a.Deps, States: slices.Clone(a.Signals)}
	}
	if len(s.Instances) == 0 && len(s.Params) == 0 && len(s.Steps) == 0 && s.Chain == 0 {
		return nil
	}
	return s
}

// waited returns what a step of the run before waited for.
func (h *Header) waited(step string) (Waited, bool) {
	if h.Signals == nil {
		return Waited{}, false
	}
	w, ok := h.Signals.Steps[step]
	return w, ok
}

// depend finds out what an attempt waits for: what the run before waited for in this step, or else what is written. A
// later attempt has it from the one before.
func (r *Run) depend(step int, at int64) error {
	n := &r.Plan.Nodes[step]
	want := len(n.Step.SignalDependencies)
	if want == 0 || r.Steps[step].Deps != nil {
		return nil
	}
	if w, ok := r.Header.waited(n.ID); ok && len(w.States) == want {
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
