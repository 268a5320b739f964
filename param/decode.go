package param

import (
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
		r.p.Errorf(&doc.Node{Pos: m.Pos}, path+".name", "%s", err.Error())
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
		at := entry(path, m.Name)
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

// text reads a string field; numbers and booleans become their text (definition 1), as it is written.
func (r *reader) text(n *doc.Node, path string) (string, bool) {
	switch n.Kind {
	case doc.Number:
		return unsignedText(n.Written()), true
	case doc.String, doc.Bool:
		return n.Written(), true
	}
	r.p.Errorf(n, path, "must be a string, not %s", article(n.Kind))
	return "", false
}

// maxPath is how long paths of problems get, about. Beyond that only positions tell places apart: the path of each value
// is made whether it has a problem or not, and so must not grow with what a document is called and how deep it is.
const maxPath = 1024

func join(path, name string) string {
	switch {
	case path == "":
		return clip(name)
	case len(path) > maxPath:
		return path
	}
	return path + "." + clip(name)
}

func entry(path, name string) string {
	if len(path) > maxPath {
		return path
	}
	return path + "[" + clip(name) + "]"
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
