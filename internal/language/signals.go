package language

import (
	"encoding/json"
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/output"
	"maestro/internal/signal"
	"maestro/param"
	"maestro/spec"
)

// Dependencies implements instance.Language: names and params are evaluated over workflow params and finished steps, not
// over the step's own params (spec/signals-triggers 3.2).
func (l *Language) Dependencies(r *instance.Run, step int, now int64) ([]byte, error) {
	c := l.scope(r, step, now, "dependencies")
	written := r.Plan.Nodes[step].Step.SignalDependencies
	list := make([]signal.Dependency, len(written))
	var size signalSize
	for i := range written {
		d := &written[i]
		name, err := l.signalName(d.Name, func(defs *param.Defs) (*param.Params, error) { return l.cfg.Exprs.SignalDependencies(defs, c) })
		if err != nil {
			return nil, detailed(err)
		}
		list[i].Name = name
		for k := range d.Match {
			m := &d.Match[k]
			defs := &param.Defs{}
			defs.Set(m.Name, m.Param)
			p, err := l.cfg.Exprs.SignalDependencies(defs, c)
			if err == nil {
				err = size.add(p)
			}
			if err != nil {
				return nil, detailed(err)
			}
			v, _ := signalValue(p.Lookup(m.Name).Result)
			op, _ := signal.ParseOp(string(m.Operator))
			list[i].Match = append(list[i].Match, signal.Match{Param: m.Name, Op: op, Value: v})
		}
	}
	return signal.AppendDependencies(nil, list), nil
}

// signalSize counts the params of all signals that a step awaits or sends. They may take as much as its params: each is kept
// with the step and with its signal, and a hundred of them may name the same large param.
type signalSize int

func (s *signalSize) add(p *param.Params) error {
	for name, v := range p.All() {
		*s += signalSize(len(name) + v.Result.TextBound()/6) // near to its characters: the bound allows for six of JSON for each
	}
	if *s > param.MaxSize {
		return param.Errorf(param.IllegalArgument, "The params of the step's signals take more than the system limit of %d characters in all; send shorter texts", param.MaxSize)
	}
	return nil
}

// signalName interpolates the name of a signal.
func (l *Language) signalName(text string, evaluate func(*param.Defs) (*param.Params, error)) (string, error) {
	const key = "name"
	defs := &param.Defs{}
	defs.Set(key, param.Literal(param.StringValue(text)))
	p, err := evaluate(defs)
	if err != nil {
		return "", err
	}
	name := p.Lookup(key).Result.Str()
	if name == "" {
		return "", param.Errorf(param.Validation, "the name [%s] of a signal is empty", text)
	}
	return name, nil
}

// signalValue converts a result; false for a type that params of signals do not have.
func signalValue(v param.Value) (signal.Value, bool) {
	switch v.Type() {
	case param.Long:
		return signal.Long(v.Long()), true
	case param.String:
		return signal.Text(v.Str()), true
	}
	return signal.Value{}, false
}

// Signals implements instance.Language: the static outputs of the step, which see its params, and then those that its job
// reported (spec/signals-triggers 4).
func (l *Language) Signals(r *instance.Run, step int, now int64) ([]byte, error) {
	var list []signal.Output
	c := l.scope(r, step, now, "signals")
	own := r.StepParams(step)
	var size signalSize
	evaluate := func(defs *param.Defs) (*param.Params, error) {
		p, err := l.cfg.Exprs.SignalOutputs(defs, own, c)
		if err != nil {
			return nil, err
		}
		return p, size.add(p)
	}
	for i := range r.Plan.Nodes[step].Step.SignalOutputs {
		o, err := l.output(&r.Plan.Nodes[step].Step.SignalOutputs[i], evaluate)
		if err != nil {
			return nil, detailed(err)
		}
		list = append(list, o)
	}
	if artifact, ok := r.Steps[step].Artifacts[output.DynamicOutput]; ok {
		reported, err := dynamicOutputs(artifact)
		if err != nil {
			return nil, detailed(err)
		}
		list = append(list, reported...)
	}
	if len(list) == 0 {
		return nil, nil
	}
	return signal.AppendOutputs(nil, list), nil
}

func (l *Language) output(written *spec.SignalOutput, evaluate func(*param.Defs) (*param.Params, error)) (signal.Output, error) {
	var o signal.Output
	var err error
	if o.Name, err = l.signalName(written.Name, evaluate); err != nil {
		return o, err
	}
	params, err := evaluate(written.Params)
	if err != nil {
		return o, err
	}
	for name, p := range params.All() {
		if v, ok := signalValue(p.Result); ok {
			o.Params = append(o.Params, signal.Param{Name: name, Value: v})
		}
	}
	payload, err := evaluate(written.Payload)
	if err != nil || payload.Len() == 0 {
		return o, err
	}
	o.Payload = []byte{'{'}
	for name, p := range payload.All() {
		o.Payload = doc.AppendName(o.Payload, name)
		o.Payload = p.Result.AppendJSON(o.Payload)
	}
	o.Payload = append(o.Payload, '}')
	return o, nil
}

// dynamicOutputs reads the outputs that a job reported (spec/signals-triggers 4.2): evaluated maps, in which texts and
// integers are params, and everything else is payload.
func dynamicOutputs(artifact []byte) ([]signal.Output, error) {
	n, err := doc.ParseJSON(artifact, doc.Limits{})
	if err != nil {
		return nil, param.Wrap(param.Validation, err, "artifact [%s] cannot be read", output.DynamicOutput)
	}
	var list []signal.Output
	outputs := n.Field("signal_outputs")
	if outputs.IsNull() {
		return nil, nil
	}
	if outputs.Kind != doc.List {
		return nil, param.Errorf(param.Validation, "signal_outputs of artifact [%s] must be an array, not %s", output.DynamicOutput, outputs.Kind)
	}
	for _, item := range outputs.Items {
		result := item.Field("evaluated_result")
		name := result.Field("name")
		if name.IsNull() || name.Kind != doc.String || name.Text == "" {
			return nil, param.Errorf(param.Validation, "a signal output of artifact [%s] has no name", output.DynamicOutput)
		}
		o := signal.Output{Name: name.Text}
		for i := range result.Members {
			m := &result.Members[i]
			if m.Name == "name" {
				continue
			}
			if m.Value.Kind == doc.String {
				o.Params = append(o.Params, signal.Param{Name: m.Name, Value: signal.Text(m.Value.Text)})
				continue
			}
			if m.Value.Kind == doc.Number {
				if v, err := strconv.ParseInt(m.Value.Text, 10, 64); err == nil {
					o.Params = append(o.Params, signal.Param{Name: m.Name, Value: signal.Long(v)})
					continue
				}
			}
			if o.Payload == nil {
				o.Payload = []byte{'{'}
			}
			o.Payload = doc.AppendNode(doc.AppendName(o.Payload, m.Name), m.Value)
		}
		if o.Payload != nil {
			o.Payload = append(o.Payload, '}')
		}
		list = append(list, o)
	}
	return list, nil
}

// signals are the params of signals that one evaluation has asked for. They are kept, since a script may ask often.
type signals struct {
	trigger *param.Params           // of the trigger that started the run
	decoded map[*byte]signal.Params // by the JSON they were read from
}

// ofTrigger returns a param of the trigger that started the run, or with a name of the signal of that name that did
// (spec/params 10.5).
func (s *signals) ofTrigger(h *instance.Header, name, p string) (param.Value, error) {
	none := param.Errorf(param.Internal, "the run was not started by a signal [%s] with a param [%s]", name, p)
	if h == nil {
		return param.Value{}, none
	}
	if name != "" {
		return s.param(h.TriggeredBy(name), p, none)
	}
	if s.trigger == nil {
		data := h.TriggerParams()
		if data == nil {
			return param.Value{}, none
		}
		params, err := decodeWhole(data)
		if err != nil {
			return param.Value{}, param.Wrap(param.Internal, err, "params of the trigger cannot be read")
		}
		s.trigger = params
	}
	v := s.trigger.Lookup(p)
	if v == nil || !v.Evaluated {
		return param.Value{}, none
	}
	return v.Result, nil
}

// ofDependency returns a param of the signal that a dependency of the attempt matched.
func (s *signals) ofDependency(a *instance.Attempt, n int, p string) (param.Value, error) {
	if n >= len(a.Signals) {
		return param.Value{}, param.Errorf(param.Internal, "the step has no signal dependency [%d]", n)
	}
	return s.param(a.Signals[n].Params, p, param.Errorf(param.Internal, "signal dependency [%d] of the step has no param [%s]", n, p))
}

func (s *signals) param(data json.RawMessage, name string, none error) (param.Value, error) {
	params, err := s.params(data)
	if err != nil {
		return param.Value{}, param.Wrap(param.Internal, err, "params of the signal cannot be read")
	}
	v, ok := params.Get(name)
	switch {
	case !ok:
		return param.Value{}, none
	case v.IsLong:
		return param.LongValue(v.Long), nil
	default:
		return param.StringValue(v.Text), nil
	}
}

func (s *signals) params(data json.RawMessage) (signal.Params, error) {
	if len(data) == 0 {
		return signal.DecodeParams(data)
	}
	if known, ok := s.decoded[&data[0]]; ok {
		return known, nil
	}
	params, err := signal.DecodeParams(data)
	if err == nil {
		if s.decoded == nil {
			s.decoded = make(map[*byte]signal.Params)
		}
		s.decoded[&data[0]] = params
	}
	return params, err
}
