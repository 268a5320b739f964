package param

// MergeOutput returns params with the params that a finished job reported merged into it (params 14). A reported param
// must exist and be evaluated, and may change only what is MUTABLE. Params that were computed from an overwritten one
// keep their values. On error params stands as it was; nothing is merged in part.
func MergeOutput(params, output *Params) (*Params, error) {
	if output.Len() == 0 {
		return params, nil
	}
	out := params.Clone()
	for i := range output.Len() {
		name, reported := output.Name(i), output.Ref(i)
		p := out.Lookup(name)
		if p == nil {
			return nil, Errorf(Validation, "Invalid output parameter [%s], not defined in params", name)
		}
		merged, err := mergeOutput(name, p, reported)
		if err != nil {
			return nil, err
		}
		*p = merged
	}
	return out, nil
}

func mergeOutput(name string, p, reported *Param) (Param, error) {
	b, err := p.ToDef(name)
	if err != nil {
		return Param{}, err
	}
	if reported.Time == 0 {
		return Param{}, Errorf(Validation, "Output parameter [%s] must have an evaluated_result and an evaluated_time", name)
	}
	m, err := reported.ToDef(name)
	if err != nil {
		return Param{}, err
	}
	d, err := mergeDef(name, b, m, Context{Source: SourceOutput})
	if err != nil {
		return Param{}, err
	}
	d.InternalMode = NoInternalMode
	out := Param{Def: d, Time: reported.Time, Evaluated: true}
	if d.IsLiteral() && (d.Type == Map || d.Type == StringMap) {
		var ok bool
		if out.Result, ok = static(d); !ok {
			return Param{}, Errorf(Internal, "Param [%s] has an invalid evaluated result [%s]", name, d.Value.brief())
		}
		return out, nil
	}
	if out.Result, out.Note, err = convert(name, reported.Result, d.Type); err != nil {
		return Param{}, err
	}
	shorten(&out)
	return out, nil
}

// identical stands for the value of a reported param that is the same as its result. Clients of the reference see it,
// since it stores reported params so.
const identical = "PARAM_VALUE_IDENTICAL_TO_EVALUATED_RESULT"

// shorten replaces the value of a reported STRING_ARRAY or long STRING that equals the result (params 14). The result
// is what counts from then on.
func shorten(p *Param) {
	if p.Def.Mode == Immutable || !p.Def.Value.Equal(p.Result) {
		return
	}
	switch {
	case p.Def.Type == StringArray:
		p.Def.Value = StringArrayValue([]string{identical})
	case p.Def.Type == String && len(p.Result.text) > 1000 && units(p.Result.text) > 1000:
		p.Def.Value = StringValue(identical)
	}
}

// static returns the result of a definition that needs no evaluation: a literal in which nothing is interpolated.
func static(d *Def) (Value, bool) {
	v := d.Value
	if entries := v.Defs(); entries != nil {
		out := &Values{}
		for name, entry := range entries.All() {
			ev, ok := static(entry)
			if !ok {
				return Value{}, false
			}
			out.Set(name, ev)
		}
		return MapValue(out), true
	}
	if v.IsNone() || v.HasNull() || v.typ != d.Type || !d.Evaluated && hasDollar(v) {
		return Value{}, false
	}
	return v.plain(), true
}
