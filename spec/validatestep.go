package spec

import (
	"fmt"

	"maestro/internal/doc"
	"maestro/param"
)

// steps checks each step of a list by itself. The cursor stands on the list.
func (v *validator) steps(steps []*Step) {
	for i, s := range steps {
		if s.broken {
			continue
		}
		v.enter(i)
		v.step(s)
		v.leave()
	}
}

func (v *validator) step(s *Step) {
	v.errorOf("id", v.rules.referenceProblem(string(s.ID)))
	v.errorOf("name", v.rules.displayProblem(s.Name.Value))
	v.description(s.Description)
	v.stepType(s)
	v.field("tags")
	v.tags(s.Tags)
	v.up()
	v.timeout("timeout", s.Timeout)
	v.retry(s.Retry)
	v.dependencies(s)
	v.outputs(s)
	v.field("params")
	v.defs(s.Params)
	v.up()
	if s.Kind == Foreach || s.Kind == While {
		v.loop(s)
	}
}

// stepType refuses what can never run: types without a runtime, and wrapper kinds written as a type (§7.2).
func (v *validator) stepType(s *Step) {
	t := v.rules.Types.Find(string(s.Type))
	switch {
	case t == nil: // reported by the decoder
	case s.Kind == Typed && t.Wrapper != Typed && t.Runnable:
		v.errorOf("type", fmt.Sprintf("a step of type %s must be written in the wrapper `%s` instead of `step`", t.Name, t.Wrapper))
	case !t.Runnable && s.Kind == Template:
		v.errorf("steps of kind `template` cannot be run; use `step` with a sub_type")
	case !t.Runnable:
		v.errorOf("type", fmt.Sprintf("step type [%s] is not supported: nothing can run it; use one of %s", t.Name, join(v.rules.Types.names())))
	}
}

// retry checks a retry policy (§9.2). Members that depend on params are taken to be in their range.
func (v *validator) retry(p *RetryPolicy) {
	if p == nil {
		return
	}
	fixed := *p
	for k := range fixed.Limits {
		fixed.Limits[k] = v.retryMember(p.Limits[k])
	}
	if p.Backoff != nil {
		b := *p.Backoff
		for k, w := range b.Waits {
			b.Waits[k] = Wait{Base: v.retryMember(w.Base), Exponent: v.retryMember(w.Exponent), Cap: v.retryMember(w.Cap)}
		}
		fixed.Backoff = &b
	}
	_, errs := fixed.resolve(nil)
	for _, err := range errs {
		v.errorOf("retry_policy", "RetryPolicy: "+err.Error())
	}
	if p.Backoff != nil && len(errs) == 0 {
		v.field("retry_policy")
		for _, w := range p.Backoff.Waits {
			v.durationText(w.Base)
			v.durationText(w.Cap)
		}
		v.up()
	}
}

func (v *validator) retryMember(l ParsableLong) ParsableLong {
	if l.Dynamic() {
		return Text("2")
	}
	return l
}

func (v *validator) dependencies(s *Step) {
	if s.SignalDependencies == nil {
		return
	}
	v.field("signal_dependencies")
	defer v.up()
	if len(s.SignalDependencies) == 0 {
		v.errorf("signal dependencies definitions cannot be null or empty or contain null elements")
	}
	for i := range s.SignalDependencies {
		dep := &s.SignalDependencies[i]
		if dep.Name == "" {
			v.element(doc.Error, len(v.at), i, "Signal step dependency definition doesn't contain mandatory name field")
		}
		ranged := ""
		for _, m := range dep.Match {
			if m.Name == "name" {
				v.element(doc.Error, len(v.at), i, "match param [name] of signal [%s] has the name of the signal's own name; rename it", dep.Name)
			}
			if m.Param != nil && m.Param.IsEmpty() {
				v.element(doc.Error, len(v.at), i, "match param [%s] of signal [%s] needs a value or an expression", m.Name, dep.Name)
			}
			if m.Operator == "" || !m.Operator.Range() {
				continue
			}
			if ranged != "" {
				v.element(doc.Error, len(v.at), i, "Invalid signal dependency for signal [%s] with more than one range params: [%s] and [%s]", dep.Name, ranged, m.Name)
			}
			ranged = m.Name
		}
	}
}

func (v *validator) outputs(s *Step) {
	if s.SignalOutputs == nil {
		return
	}
	v.field("signal_outputs")
	defer v.up()
	if len(s.SignalOutputs) == 0 {
		v.errorf("Signal step outputs definitions cannot be null or empty or contain null elements")
	}
	for i := range s.SignalOutputs {
		out := &s.SignalOutputs[i]
		if out.Name == "" {
			v.element(doc.Error, len(v.at), i, "Signal step outputs definition doesn't contain mandatory name field")
		}
		for _, defs := range []*param.Defs{out.Params, out.Payload} {
			if defs.Has("name") {
				v.element(doc.Error, len(v.at), i, "param [name] of signal [%s] has the name of the signal's own name; rename it", out.Name)
			}
		}
	}
}

// loop checks what foreach and while need (§7.4, §7.5).
func (v *validator) loop(s *Step) {
	if n := s.Concurrency; n.Set && n.Value > int64(v.rules.MaxForeachConcurrency) {
		v.errorOf("concurrency", fmt.Sprintf("must be less than or equal to %d", v.rules.MaxForeachConcurrency))
	} else if n.Set && n.Value < 1 {
		v.errorOf("concurrency", fmt.Sprintf("must be at least 1, or no iteration ever starts - rejected value is [%d]", n.Value))
	}
	if s.Kind == While && !s.Condition.Set {
		v.errorOf("condition", "may not be null: a while step needs the condition under which it goes on")
	}
	v.loopParams(s)
	v.field("steps")
	switch {
	case s.Steps == nil:
		v.errorf("may not be null: a %s step needs steps to repeat", s.Kind)
	case len(s.Steps) == 0:
		v.doubtf("is empty: the %s step repeats nothing", s.Kind)
	default:
		v.steps(s.Steps)
	}
	v.up()
}

func (v *validator) loopParams(s *Step) {
	v.field("params")
	defer v.up()
	def := s.Params.Get("loop_params")
	if def == nil {
		v.errorf("must have loop_params, a literal MAP that gives the %s step its values", s.Kind)
		return
	}
	v.key("loop_params")
	defer v.up()
	loop := s.LoopParams()
	if loop == nil {
		v.errorf("loop_params must be a literal MAP, not %s", describeDef(def))
		return
	}
	for name, d := range loop.All() {
		if array := d.Type.IsArray(); array != (s.Kind == Foreach) || !array && !d.Type.IsScalar() {
			want := "an array type"
			if s.Kind == While {
				want = "STRING, LONG, DOUBLE or BOOLEAN"
			}
			v.doubtf("loop param [%s] has type [%s]; a %s step needs %s", name, d.Type, s.Kind, want)
		}
	}
}

func describeDef(d *param.Def) string {
	if d.Type != param.Map {
		return "a param of type " + d.Type.String()
	}
	return "an expression"
}
