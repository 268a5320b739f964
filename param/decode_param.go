package param

import "maestro/internal/doc"

// DecodeParams reads a map of params of an instance (params 1.2). A missing or null n gives nil.
func DecodeParams(n *doc.Node, path string, p *doc.Problems, opts DecodeOptions) *Params {
	if n.IsNull() {
		return nil
	}
	if n.Kind != doc.Object {
		p.Errorf(n, path, "must be an object of params, not %s", article(n.Kind))
		return nil
	}
	r := reader{p: p, opts: opts, param: true}
	out := &Params{}
	for i := range n.Members {
		m := &n.Members[i]
		at := entry(path, m.Name)
		r.name(m, at)
		if v, ok := r.one(m.Value, m.Name, at); ok {
			out.Set(m.Name, v)
		}
	}
	return out
}

// UnmarshalJSON reads what AppendJSON wrote.
func (p *Params) UnmarshalJSON(text []byte) error {
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		return err
	}
	var problems doc.Problems
	d := DecodeParams(n, "", &problems, DecodeOptions{Lenient: true, Stored: true})
	if err := problems.Err(); err != nil {
		return err
	}
	*p = Params{}
	if d != nil {
		*p = *d
	}
	return nil
}

// one reads a param of an instance.
func (r *reader) one(n *doc.Node, name, path string) (Param, bool) {
	d := r.def(n, name, path, false)
	if d == nil {
		return Param{}, false
	}
	if !r.opts.Lenient && d.HasExpression && d.IsLiteral() {
		r.p.Errorf(n, path, "Param [%s] must not have both a literal value and an expression", name)
	}
	v := Param{Def: d}
	result, at := n.Field("evaluated_result"), n.Field("evaluated_time")
	if !result.IsNull() {
		v.Result = r.result(result, d, join(path, "evaluated_result"))
		v.Evaluated = !v.Result.IsNone()
	}
	if !at.IsNull() {
		v.Time = r.literal(at, Long, join(path, "evaluated_time")).Long()
	} else if v.Evaluated {
		r.p.Errorf(n, path, "param [%s] has an evaluated_result but no evaluated_time", name)
	}
	r.note(&v)
	return v, true
}

// note moves a conversion note from the meta of a stored param into its field.
func (r *reader) note(v *Param) {
	for i, m := range v.Def.Meta {
		if m.Name != NoteName(v.Def.Type) || m.Value.Kind != doc.String || !v.Evaluated {
			continue
		}
		v.Note = m.Value.Text
		rest := append(append([]Meta(nil), v.Def.Meta[:i]...), v.Def.Meta[i+1:]...)
		if onlyCanonical(rest, v.Def) {
			rest = nil
		}
		v.Def.Meta = rest
		return
	}
}

// onlyCanonical reports whether meta says no more than the parsed fields of d.
func onlyCanonical(meta []Meta, d *Def) bool {
	for _, m := range meta {
		if !(m.Name == "source" && m.Value.Text == d.Source.String() || m.Name == "internal_mode" && m.Value.Text == d.InternalMode.String()) {
			return false
		}
	}
	return true
}
