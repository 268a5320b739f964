package spec

import (
	"maestro/internal/doc"
	"maestro/param"
)

// object describes one JSON object of the format: its fields in the order in which they are printed. The decoder, the
// encoder and the JSON schema are all driven by it, so they cannot disagree.
type object[T any] struct {
	name   string // of its definition in the schema
	about  string // description in the schema
	fields []field[T]

	// extra, when set, makes the object open: it receives every member that is no field.
	extra func(d *decoder, m *doc.Member, v *T)
	// putExtra prints what extra has kept.
	putExtra func(dst []byte, v *T) []byte
	// ignore lists members that are accepted and dropped.
	ignore []string
}

// field describes one field of an object of type T.
type field[T any] struct {
	name    string
	about   string
	shape   string // JSON schema of its value
	need    bool   // required by the schema; the decoder leaves that to Validate
	notNull bool   // an explicit null is an error, elsewhere it is as good as absence
	read    func(d *decoder, n *doc.Node, v *T)
	put     func(dst []byte, name string, v *T) []byte // prints name and value, or nothing
}

func (f field[T]) required() field[T] { f.need = true; return f }

func (o *object[T]) find(name string) *field[T] {
	for i := range o.fields {
		if o.fields[i].name == name {
			return &o.fields[i]
		}
	}
	return nil
}

func (o *object[T]) names() []string {
	names := make([]string, len(o.fields))
	for i := range o.fields {
		names[i] = o.fields[i].name
	}
	return names
}

// read decodes n into v and reports whether n is an object at all.
func (o *object[T]) read(d *decoder, n *doc.Node, v *T) bool {
	if !d.want(n, doc.Object) {
		return false
	}
	for i := range n.Members {
		m := &n.Members[i]
		f := o.find(m.Name)
		if f == nil {
			o.readOther(d, m, v)
			continue
		}
		d.field(f.name)
		switch {
		case m.Value.Kind != doc.Null:
			f.read(d, m.Value, v)
		case f.notNull:
			d.errorf(m.Value, "must not be null")
		}
		d.up()
	}
	return true
}

func (o *object[T]) readOther(d *decoder, m *doc.Member, v *T) {
	for _, name := range o.ignore {
		if name == m.Name {
			return
		}
	}
	guess := ""
	if len(d.p.List) < 100 {
		guess = doc.Suggest(m.Name, o.names())
	}
	switch {
	case o.extra == nil:
		d.errorAt(m.Pos, "unknown field `%s`%s", clip(m.Name), guess)
	default:
		if guess != "" {
			d.p.Warnf(&doc.Node{Pos: m.Pos}, d.path(), "field `%s` is kept as an extra%s", clip(m.Name), guess)
		}
		o.extra(d, m, v)
	}
}

// put appends v as JSON.
func (o *object[T]) put(dst []byte, v *T) []byte {
	dst = append(dst, '{')
	for i := range o.fields {
		dst = o.fields[i].put(dst, o.fields[i].name, v)
	}
	if o.putExtra != nil {
		dst = o.putExtra(dst, v)
	}
	return append(dst, '}')
}

// Shapes of scalar values, with the coercions of §1.
const (
	shapeText     = `{"type":["string","number","boolean","null"]}`
	shapeLong     = `{"type":["integer","number","string","null"]}`
	shapeBool     = `{"type":["boolean","string","number","null"]}`
	shapeParsable = `{"$ref":"#/$defs/parsable"}`
	shapeTags     = `{"$ref":"#/$defs/tags"}`
	shapeParams   = `{"$ref":"#/$defs/params"}`
	shapeTexts    = `{"type":["array","null"],"items":{"type":["string","number","boolean"]}}`
)

func ref(name string) string { return `{"$ref":"#/$defs/` + name + `"}` }

func listOf(name string) string {
	return `{"type":["array","null"],"items":{"$ref":"#/$defs/` + name + `"}}`
}

func textField[T any](name, about string, at func(*T) *Opt[string]) field[T] {
	return field[T]{name: name, about: about, shape: shapeText,
		read: func(d *decoder, n *doc.Node, v *T) {
			if s, ok := d.text(n); ok {
				*at(v) = Some(s)
			}
		},
		put: func(dst []byte, name string, v *T) []byte {
			if o := at(v); o.Set {
				return doc.AppendText(dst, name, o.Value)
			}
			return dst
		}}
}

// idField is textField for a text whose absence need not be told from its emptiness.
func idField[T any, S ~string](name, about string, at func(*T) *S) field[T] {
	return field[T]{name: name, about: about, shape: shapeText,
		read: func(d *decoder, n *doc.Node, v *T) {
			if s, ok := d.text(n); ok {
				*at(v) = S(s)
			}
		},
		put: func(dst []byte, name string, v *T) []byte {
			if s := *at(v); s != "" {
				return doc.AppendText(dst, name, string(s))
			}
			return dst
		}}
}

func longField[T any](name, about string, at func(*T) *Opt[int64]) field[T] {
	return field[T]{name: name, about: about, shape: shapeLong,
		read: func(d *decoder, n *doc.Node, v *T) {
			if i, ok := d.long(n); ok {
				*at(v) = Some(i)
			}
		},
		put: func(dst []byte, name string, v *T) []byte {
			if o := at(v); o.Set {
				return doc.AppendInt(dst, name, o.Value)
			}
			return dst
		}}
}

func boolField[T any](name, about string, at func(*T) *Opt[bool]) field[T] {
	return field[T]{name: name, about: about, shape: shapeBool,
		read: func(d *decoder, n *doc.Node, v *T) {
			if b, ok := d.boolean(n); ok {
				*at(v) = Some(b)
			}
		},
		put: func(dst []byte, name string, v *T) []byte {
			if o := at(v); o.Set {
				return doc.AppendBool(dst, name, o.Value)
			}
			return dst
		}}
}

func enumField[T any, S ~string](name, about string, e *enum, at func(*T) *S) field[T] {
	return field[T]{name: name, about: about, shape: e.shape(),
		read: func(d *decoder, n *doc.Node, v *T) {
			if w, ok := d.word(n, e); ok {
				*at(v) = S(w)
			}
		},
		put: func(dst []byte, name string, v *T) []byte {
			if s := *at(v); s != "" {
				return doc.AppendText(dst, name, string(s))
			}
			return dst
		}}
}

func parsableField[T any](name, about string, at func(*T) *ParsableLong) field[T] {
	return field[T]{name: name, about: about, shape: shapeParsable,
		read: func(d *decoder, n *doc.Node, v *T) { *at(v) = d.parsable(n) },
		put: func(dst []byte, name string, v *T) []byte {
			if l := at(v); l.IsSet() {
				return l.AppendJSON(doc.AppendKey(dst, name))
			}
			return dst
		}}
}

func tagsField[T any](name, about string, at func(*T) *Tags) field[T] {
	return field[T]{name: name, about: about, shape: shapeTags,
		read: func(d *decoder, n *doc.Node, v *T) { *at(v) = d.tags(n) },
		put: func(dst []byte, name string, v *T) []byte {
			if t := *at(v); t != nil {
				return t.AppendJSON(doc.AppendKey(dst, name))
			}
			return dst
		}}
}

// setField is a set of texts. A written empty set is kept.
func setField[T any](name, about string, at func(*T) *[]string) field[T] {
	return field[T]{name: name, about: about, shape: shapeTexts,
		read: func(d *decoder, n *doc.Node, v *T) { *at(v) = d.set(n) },
		put: func(dst []byte, name string, v *T) []byte {
			if list := *at(v); list != nil {
				return doc.AppendTexts(doc.AppendKey(dst, name), list)
			}
			return dst
		}}
}

func paramsField[T any](name, about string, at func(*T) **param.Defs) field[T] {
	return field[T]{name: name, about: about, shape: shapeParams,
		read: func(d *decoder, n *doc.Node, v *T) { *at(v) = d.defs(n) },
		put: func(dst []byte, name string, v *T) []byte {
			if p := *at(v); p != nil {
				return p.AppendJSON(doc.AppendKey(dst, name))
			}
			return dst
		}}
}

// objectField is a nested object that o describes.
func objectField[T, U any](name, about string, o *object[U], at func(*T) **U) field[T] {
	return field[T]{name: name, about: about, shape: ref(o.name),
		read: func(d *decoder, n *doc.Node, v *T) {
			u := new(U)
			if o.read(d, n, u) {
				*at(v) = u
			}
		},
		put: func(dst []byte, name string, v *T) []byte {
			if u := *at(v); u != nil {
				return o.put(doc.AppendKey(dst, name), u)
			}
			return dst
		}}
}

// listField is a list of objects that o describes. A null element is an error (§1).
func listField[T, U any](name, about string, o *object[U], at func(*T) *[]U) field[T] {
	return field[T]{name: name, about: about, shape: listOf(o.name),
		read: func(d *decoder, n *doc.Node, v *T) {
			if !d.want(n, doc.List) {
				return
			}
			list := make([]U, len(n.Items))
			for i, item := range n.Items {
				d.index(i)
				o.read(d, item, &list[i])
				d.up()
			}
			*at(v) = list
		},
		put: func(dst []byte, name string, v *T) []byte {
			list := *at(v)
			if list == nil {
				return dst
			}
			dst = append(doc.AppendKey(dst, name), '[')
			for i := range list {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = o.put(dst, &list[i])
			}
			return append(dst, ']')
		}}
}
