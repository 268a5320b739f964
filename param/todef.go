package param

import "maestro/internal/doc"

// ToDef turns an evaluated param back into a definition (params 9), for restarts, for passing it down to a nested run
// and for merging output. An IMMUTABLE param keeps what it was defined as; every other becomes the literal of its
// result, marked so that it is not interpolated a second time.
func (p *Param) ToDef(name string) (*Def, error) {
	if !p.Evaluated {
		return nil, Errorf(Internal, "Param [%s] is not evaluated yet", name)
	}
	d := *p.Def
	d.clean = nil
	if p.Note != "" {
		d.Meta = append(d.Meta[:len(d.Meta):len(d.Meta)], Meta{NoteName(d.Type), &doc.Node{Kind: doc.String, Text: p.Note}})
	}
	if d.Mode == Immutable {
		return &d, nil
	}
	d.HasExpression, d.Expression, d.Evaluated = false, "", true
	if d.Type != Map {
		d.Value = p.Result
		return &d, nil
	}
	entries, err := literalEntries(name, p.Result.Values(), p.Def.Value.Defs())
	if err != nil {
		return nil, err
	}
	d.Value = DefsValue(entries)
	return &d, nil
}

// literalEntries makes literal definitions of the entries of an evaluated MAP. An entry that was declared keeps its
// type, mode, tags and source; another one gets the type of its value.
func literalEntries(name string, values *Values, declared *Defs) (*Defs, error) {
	out := &Defs{}
	for k, v := range values.All() {
		d := &Def{Type: v.typ}
		if entry := declared.Get(k); entry != nil {
			c := *entry
			d = &c
		}
		d.HasExpression, d.Expression, d.Evaluated, d.clean = false, "", true, nil
		if d.Type == Map && v.typ == Map {
			inner, err := literalEntries(k, v.Values(), d.Value.Defs())
			if err != nil {
				return nil, err
			}
			d.Value = DefsValue(inner)
			out.Set(k, d)
			continue
		}
		if v.IsNone() {
			return nil, Errorf(IllegalArgument, "MAP param [%s] has an entry [%s] without value", name, k)
		}
		converted, _, err := convert(k, v, d.Type)
		if err != nil {
			return nil, err
		}
		d.Value = converted
		out.Set(k, d)
	}
	return out, nil
}

// ToDefs turns evaluated params into definitions, in order (params 9).
func (p *Params) ToDefs() (*Defs, error) {
	out := &Defs{}
	if p.Len() == 0 {
		return out, nil
	}
	sameNames(&out.dict, &p.dict)
	for i := range p.Len() {
		d, err := p.vals[i].ToDef(p.names[i])
		if err != nil {
			return nil, err
		}
		out.vals[i] = d
	}
	return out, nil
}

// Entry returns the entry called name of an evaluated MAP param as a param of its own, converted to its declared type
// (params 10.1). It returns an error when the entry cannot be converted, false when there is none.
func (p *Param) Entry(name string) (Param, bool, error) {
	v, ok := p.Result.Values().lookup(name)
	if !ok {
		return Param{}, false, nil
	}
	d := p.Def.Value.Defs().Get(name)
	if d == nil {
		d = &Def{Type: v.typ, Mode: Mutable}
	}
	v, note, err := convert(name, v, d.Type)
	if err != nil {
		return Param{}, true, err
	}
	return Param{Def: d, Result: v, Time: p.Time, Note: note, Evaluated: true}, true, nil
}

func (m *Values) lookup(name string) (Value, bool) {
	if m == nil {
		return Value{}, false
	}
	return m.Get(name)
}

// EvaluatedLiteral returns the definition of a value that was evaluated elsewhere: a literal that is not interpolated,
// without mode and source. The entries of a MAP become literals of the types they have.
func EvaluatedLiteral(v Value) *Def {
	d := &Def{Type: v.typ, Value: v, Evaluated: true}
	if m := v.Values(); m != nil {
		entries := &Defs{}
		for name, entry := range m.All() {
			entries.Set(name, EvaluatedLiteral(entry))
		}
		d.Value = DefsValue(entries)
	}
	return d
}
