package dsl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"maestro/internal/doc"
	"maestro/param"
)

// paramKey is a key of the form [!]name[<type>][(mode)] (§15.3).
type paramKey struct {
	raw        string // as written, for messages
	name       string
	expression bool
	hint       param.Type // None: not given
	mode       param.Mode
}

// hintTypes are the types that a key may name. The spellings differ from those of params: map is a map of texts.
var hintTypes = map[string]param.Type{
	"string": param.String, "long": param.Long, "double": param.Double, "boolean": param.Boolean,
	"map": param.StringMap, "string_map": param.StringMap, "pmap": param.Map,
	"array<string>": param.StringArray, "string_array": param.StringArray,
	"array<long>": param.LongArray, "long_array": param.LongArray,
	"array<double>": param.DoubleArray, "double_array": param.DoubleArray,
	"array<boolean>": param.BooleanArray, "boolean_array": param.BooleanArray,
}

const (
	hintNames = "string, long, double, boolean, map, pmap, array<string>, array<long>, array<double>, array<boolean>, string_map, string_array, long_array, double_array, boolean_array"
	modeNames = "CONSTANT, IMMUTABLE, MUTABLE, MUTABLE_ON_START, MUTABLE_ON_START_RESTART"
)

// key reads a param key.
func (c *converter) key(m *doc.Member, path string) (paramKey, bool) {
	k := paramKey{raw: m.Name}
	rest := strings.TrimSpace(m.Name)
	if k.expression = strings.HasPrefix(rest, "!"); k.expression {
		rest = strings.TrimSpace(rest[1:])
	}
	if open, end := strings.LastIndexByte(rest, '('), strings.LastIndexByte(rest, ')'); open >= 0 && end > open {
		name := strings.TrimSpace(rest[open+1 : end])
		mode, ok := param.ParseMode(name)
		if !ok {
			c.errorAt(m, path, "Invalid param mode [%s] in param name [%s]. Supported modes are [[%s]]", name, k.raw, modeNames)
			return k, false
		}
		k.mode = mode
		rest = rest[:open] + rest[end+1:]
	}
	if open, end := strings.IndexByte(rest, '<'), strings.LastIndexByte(rest, '>'); open >= 0 && end > open {
		name := rest[open+1 : end]
		hint, ok := hintTypes[strings.ToLower(strings.ReplaceAll(name, " ", ""))]
		if !ok {
			c.errorAt(m, path, "Invalid param type [%s]. Supported types are [%s]", name, hintNames)
			return k, false
		}
		k.hint = hint
		rest = rest[:open] + rest[end+1:]
	}
	k.name = strings.TrimSpace(rest)
	return k, true
}

// param converts a key and its value to a param definition and adds it to params. Declared are params of which the type is
// known, by name.
func (c *converter) param(params object, m *doc.Member, path string, declared *param.Defs) {
	k, ok := c.key(m, path)
	if !ok {
		return
	}
	k.asDeclared(declared, m.Value)
	def := c.def(k, m, path, entriesOf(declared, k.name))
	if def == nil {
		return
	}
	if params.has(k.name) {
		c.warnAt(m, path, "param [%s] is given more than once; the last value counts", k.name)
	}
	params.set(k.name, m.Pos, def)
}

func (c *converter) def(k paramKey, m *doc.Member, path string, entries *param.Defs) *doc.Node {
	v := m.Value
	if v.Kind == doc.Null {
		c.errorAt(m, path, "param value for param [%s] cannot be null", k.raw)
		return nil
	}
	var def object
	if k.expression {
		s, ok := c.scalar(v, path)
		if !ok {
			return nil
		}
		typ := param.String
		if k.hint != param.None {
			typ = k.hint
		}
		o := newObject(v)
		o.set("expression", m.Pos, text(v, s))
		o.set("type", m.Pos, text(v, typ.String()))
		def = o
	} else {
		o, ok := c.literal(k, v, path, entries)
		if !ok {
			return nil
		}
		def = o
	}
	if k.mode != param.NoMode {
		def.set("mode", m.Pos, text(v, k.mode.String()))
	}
	return def.n
}

// literal makes a definition of a value: its type is that of the value, and a hint must agree (§15.3). A hint of texts
// agrees with any scalar, since a text needs no quotes.
func (c *converter) literal(k paramKey, v *doc.Node, path string, declared *param.Defs) (object, bool) {
	if holdsTexts(k.hint, v) {
		return literal(v, k.hint.String(), v), true
	}
	implied, ok := c.implied(v, path)
	if !ok {
		return object{}, false
	}
	typ := implied
	if k.hint != param.None && k.hint != implied {
		emptyList := v.Kind == doc.List && len(v.Items) == 0 && k.hint.IsArray()
		if !emptyList && !(implied == param.StringMap && k.hint == param.Map) {
			c.p.Errorf(v, path, "Type mismatch for param [%s]: specified type [%s] does not match implied type [%s] from its value: [%s]",
				k.raw, k.hint, implied, show(v))
			return object{}, false
		}
		typ = k.hint
	}
	if typ != param.Map {
		return literal(v, typ.String(), v), true
	}
	entries := newObject(v)
	for i := range v.Members {
		e := &v.Members[i]
		c.param(entries, e, join(path, e.Name), declared)
	}
	return literal(v, "MAP", entries.n), true
}

// holdsTexts reports whether v is made of scalars only in the form of the type, one of texts. What they are is then left
// to how they are written.
func holdsTexts(typ param.Type, v *doc.Node) bool {
	scalar := func(n *doc.Node) bool { return n.Kind == doc.String || n.Kind == doc.Number || n.Kind == doc.Bool }
	switch typ {
	case param.String:
		return scalar(v)
	case param.StringArray:
		return v.Kind == doc.List && !slices.ContainsFunc(v.Items, func(n *doc.Node) bool { return !scalar(n) })
	case param.StringMap:
		return len(v.Members) > 0 && !slices.ContainsFunc(v.Members, func(m doc.Member) bool { return !scalar(m.Value) })
	}
	return false
}

// literal returns a definition with a literal value.
func literal(at *doc.Node, typ string, value *doc.Node) object {
	o := newObject(at)
	o.set("value", value.Pos, value)
	o.set("type", at.Pos, text(at, typ))
	return o
}

// implied returns the type that a value has by itself.
func (c *converter) implied(v *doc.Node, path string) (param.Type, bool) {
	switch v.Kind {
	case doc.String:
		return param.String, true
	case doc.Bool:
		return param.Boolean, true
	case doc.Number:
		return c.numberType(v, path)
	case doc.List:
		return c.listType(v, path)
	}
	if len(v.Members) == 0 {
		return param.Map, true
	}
	for i := range v.Members {
		if v.Members[i].Value.Kind != doc.String {
			return param.Map, true
		}
	}
	return param.StringMap, true
}

func (c *converter) numberType(v *doc.Node, path string) (param.Type, bool) {
	if strings.ContainsAny(v.Text, ".eE") {
		return param.Double, true
	}
	if _, err := strconv.ParseInt(v.Text, 10, 64); err != nil {
		c.p.Errorf(v, path, "integer %s does not fit into 64 bits; put a text in quotes", show(v))
		return param.None, false
	}
	return param.Long, true
}

// listType is the array of the type of the first element. The others must be of its kind: all texts, all numbers or
// all booleans.
func (c *converter) listType(v *doc.Node, path string) (param.Type, bool) {
	if len(v.Items) == 0 {
		return param.StringArray, true
	}
	var typ param.Type
	switch first := v.Items[0]; first.Kind {
	case doc.String:
		typ = param.StringArray
	case doc.Bool:
		typ = param.BooleanArray
	case doc.Number:
		t, ok := c.numberType(first, path)
		if !ok {
			return param.None, false
		}
		if typ = param.LongArray; t == param.Double {
			typ = param.DoubleArray
		}
	default:
		c.p.Errorf(first, path, "Unsupported type [%s]. Supported array element types are STRING, LONG, DOUBLE, BOOLEAN", first.Kind)
		return param.None, false
	}
	for i, item := range v.Items {
		if item.Kind != v.Items[0].Kind {
			c.p.Errorf(item, fmt.Sprintf("%s[%d]", path, i), "is %s in a list of type %s, as its first element says", kindOf(item), typ)
			return param.None, false
		}
	}
	return typ, true
}

// show formats a value the way the reference does in its messages.
func show(v *doc.Node) string {
	var b strings.Builder
	showTo(&b, v)
	if s := b.String(); len(s) <= 200 {
		return s
	}
	return strings.ToValidUTF8(b.String()[:200], "") + "…"
}

func showTo(b *strings.Builder, v *doc.Node) {
	if b.Len() > 300 {
		return
	}
	switch v.Kind {
	case doc.List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			showTo(b, item)
		}
		b.WriteByte(']')
	case doc.Object:
		b.WriteByte('{')
		for i := range v.Members {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(v.Members[i].Name + "=")
			showTo(b, v.Members[i].Value)
		}
		b.WriteByte('}')
	case doc.Null:
		b.WriteString("null")
	default:
		b.WriteString(v.Written())
	}
}
