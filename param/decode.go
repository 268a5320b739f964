package param

import (
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// DecodeOptions tells how much a decoder trusts its document. The zero value is for what users write.
type DecodeOptions struct {
	Separator string // of step and param in references; "" means "__"
	Lenient   bool   // value and expression may both be missing or both be there: default params, match params of signals
	AnyName   bool   // names are not checked: somebody else does
	Stored    bool   // written by AppendStored: names are not checked again, and values know whether they were evaluated
}

// DecodeDefs reads a map of definitions (params 1.1). Every mistake is reported to p at its path; what could be read is
// returned all the same. A missing or null n gives nil.
func DecodeDefs(n *doc.Node, path string, p *doc.Problems, opts DecodeOptions) *Defs {
	if n.IsNull() {
		return nil
	}
	if n.Kind != doc.Object {
		p.Errorf(n, path, "must be an object of params, not %s", article(n.Kind))
		return nil
	}
	r := reader{p: p, opts: opts}
	return r.defs(n, path)
}

// DecodeDef reads one definition.
func DecodeDef(n *doc.Node, name, path string, p *doc.Problems, opts DecodeOptions) *Def {
	r := reader{p: p, opts: opts}
	return r.def(n, name, path, !opts.Lenient)
}

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
		at := join(path, m.Name)
		r.name(m, at)
		if v, ok := r.one(m.Value, m.Name, at); ok {
			out.Set(m.Name, v)
		}
	}
	return out
}

// UnmarshalJSON reads what AppendJSON wrote.
func (s *Defs) UnmarshalJSON(text []byte) error {
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		return err
	}
	var p doc.Problems
	d := DecodeDefs(n, "", &p, DecodeOptions{Lenient: true, Stored: true})
	if err := p.Err(); err != nil {
		return err
	}
	*s = Defs{}
	if d != nil {
		*s = *d
	}
	return nil
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

// reader decodes definitions and collects problems.
type reader struct {
	p     *doc.Problems
	opts  DecodeOptions
	param bool // evaluated_result and evaluated_time have their meaning
}

func (r *reader) name(m *doc.Member, path string) {
	if r.opts.AnyName || r.opts.Stored {
		return
	}
	if err := ValidateReferenceID(m.Name, r.opts.Separator); err != nil {
		r.p.Errorf(&doc.Node{Pos: m.Pos}, path, "%s", err.Error())
	}
}

func (r *reader) defs(n *doc.Node, path string) *Defs {
	return r.entries(n, path, !r.opts.Lenient)
}

// entries reads the definitions of one object. Strict ones must have exactly one of value and expression; entries of
// a MAP are not held to that (params 1.1).
func (r *reader) entries(n *doc.Node, path string, strict bool) *Defs {
	out := &Defs{}
	for i := range n.Members {
		m := &n.Members[i]
		at := join(path, m.Name)
		r.name(m, at)
		if d := r.def(m.Value, m.Name, at, strict); d != nil {
			out.Set(m.Name, d)
		}
	}
	return out
}

// def reads one definition; nil when it is unusable, which was reported then.
func (r *reader) def(n *doc.Node, name, path string, strict bool) *Def {
	if n.IsNull() {
		r.p.Errorf(n, path, "param [%s] must not be null", name)
		return nil
	}
	if n.Kind != doc.Object {
		r.p.Errorf(n, path, "param [%s] must be an object with a type, not %s", name, article(n.Kind))
		return nil
	}
	d := &Def{}
	if !r.typ(n, path, d) {
		return nil
	}
	var plain = true // source and internal_mode are canonical and the only meta
	var value *doc.Node
	for i := range n.Members {
		m := &n.Members[i]
		at := func() string { return join(path, m.Name) }
		switch m.Name {
		case "type", "name":
		case "value":
			value = m.Value
			if !value.IsNull() {
				d.Value = r.literal(value, d.Type, at())
			}
		case "expression":
			if !m.Value.IsNull() {
				d.Expression, d.HasExpression = r.text(m.Value, at())
			}
		case "validator":
			if !m.Value.IsNull() {
				d.Validator, _ = r.text(m.Value, at())
			}
		case "tags":
			d.Tags = r.tags(m.Value, at())
		case "mode":
			d.Mode = r.mode(m.Value, at())
		case "evaluated_result", "evaluated_time":
			if !r.param {
				d.Meta = append(d.Meta, Meta{m.Name, m.Value})
				plain = false
			}
		case storedMark:
			if r.opts.Stored {
				d.Evaluated = true
				continue
			}
			plain = r.metaKey(d, m) && plain
		default:
			plain = r.metaKey(d, m) && plain
		}
	}
	if plain {
		d.Meta = nil
	}
	if strict && value.IsNull() != d.HasExpression {
		r.p.Errorf(n, path, "Param [%s] must be defined with either a literal value or an expression for parameter", name)
	}
	return d
}

// metaKey takes a key without meaning of its own, or source or internal_mode. It reports whether the parsed fields say
// everything that was written.
func (r *reader) metaKey(d *Def, m *doc.Member) bool {
	d.Meta = append(d.Meta, Meta{m.Name, m.Value})
	switch m.Name {
	case "source":
		s, ok := ParseSource(m.Value.Text)
		if ok && m.Value.Kind == doc.String {
			d.Source = s
			return s.String() == m.Value.Text
		}
	case "internal_mode":
		im, ok := ParseInternalMode(m.Value.Text)
		if ok && m.Value.Kind == doc.String {
			d.InternalMode = im
			return im.String() == m.Value.Text
		}
	}
	return false
}

func (r *reader) typ(n *doc.Node, path string, d *Def) bool {
	t := n.Field("type")
	if t.IsNull() {
		at := n
		if t != nil {
			at = t
		}
		r.p.Errorf(at, path, "missing type, must be one of [%s]", knownTypeIDs)
		return false
	}
	var ok bool
	if t.Kind == doc.String {
		d.Type, ok = ParseType(t.Text)
	}
	if !ok {
		r.p.Errorf(t, join(path, "type"), "unknown type '%s', must be one of [%s]", clip(t.Text), knownTypeIDs)
	}
	return ok
}

func (r *reader) mode(n *doc.Node, path string) Mode {
	if n.IsNull() {
		return NoMode
	}
	m, ok := ParseMode(n.Text)
	if !ok || n.Kind != doc.String {
		r.p.Errorf(n, path, "unknown mode '%s', must be one of [%s]", clip(n.Text), strings.Join(modeNames[1:], ", "))
		return NoMode
	}
	return m
}

// text reads a string field; numbers and booleans become their text (definition 1).
func (r *reader) text(n *doc.Node, path string) (string, bool) {
	switch n.Kind {
	case doc.String, doc.Number, doc.Bool:
		return n.Text, true
	}
	r.p.Errorf(n, path, "must be a string, not %s", article(n.Kind))
	return "", false
}

var tagNamespaces = []string{"", "SYSTEM", "RUNTIME", "JOB_TEMPLATE", "NOTEBOOK_TEMPLATE", "USER_DEFINED", "PLATFORM"}

// tags reads a tag list (definition 5.3).
func (r *reader) tags(n *doc.Node, path string) []Tag {
	if n.IsNull() {
		return nil
	}
	if n.Kind != doc.List {
		r.p.Errorf(n, path, "must be an array of tags, not %s", article(n.Kind))
		return nil
	}
	out := make([]Tag, 0, len(n.Items))
	for i, item := range n.Items {
		at := path + "[" + strconv.Itoa(i) + "]"
		t, ok := r.tag(item, at)
		if !ok {
			continue
		}
		if findTag(out, t.Name) >= 0 {
			r.p.Errorf(item, at, "[tag list definition] cannot contain duplicate tag names: %s", t.Name)
			continue
		}
		out = append(out, t)
	}
	return out
}

func (r *reader) tag(n *doc.Node, path string) (Tag, bool) {
	if n.Kind == doc.String && n.Text != "" {
		return Tag{Name: n.Text}, true
	}
	if n.Kind != doc.Object && n.Kind != doc.String {
		r.p.Errorf(n, path, "must be a tag name or a tag object, not %s", article(n.Kind))
		return Tag{}, false
	}
	var t Tag
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "name":
			if !m.Value.IsNull() {
				t.Name, _ = r.text(m.Value, join(path, m.Name))
			}
		case "namespace":
			if m.Value.IsNull() {
				continue
			}
			i, ok := parseName(tagNamespaces, m.Value.Text)
			if !ok {
				r.p.Errorf(m.Value, join(path, m.Name), "unknown tag namespace '%s', must be one of [%s]", clip(m.Value.Text), strings.Join(tagNamespaces[1:], ", "))
			}
			t.Namespace = tagNamespaces[i]
		case "permit": // output only, derived from the tag's permit; given back to us it means nothing
		case "attributes":
			if m.Value.Kind == doc.Object {
				for j := range m.Value.Members {
					t.Attributes = append(t.Attributes, Meta{m.Value.Members[j].Name, m.Value.Members[j].Value})
				}
				continue
			}
			fallthrough
		default:
			if !m.Value.IsNull() {
				t.Attributes = append(t.Attributes, Meta{m.Name, m.Value})
			}
		}
	}
	if t.Name == "" {
		r.p.Errorf(n, path, "tag must have a name")
		return t, false
	}
	return t, true
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

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func article(k doc.Kind) string {
	switch k {
	case doc.Null:
		return "null"
	case doc.List, doc.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}
