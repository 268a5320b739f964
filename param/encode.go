package param

import (
	"math"
	"strconv"

	"maestro/internal/doc"
)

// AppendJSON appends the definitions as a JSON object, fields in the order of params 1.1.
func (s *Defs) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range s.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = doc.AppendString(dst, s.names[i])
		dst = append(dst, ':')
		dst = s.vals[i].AppendJSON(dst)
	}
	return append(dst, '}')
}

// AppendJSON appends one definition as JSON.
func (d *Def) AppendJSON(dst []byte) []byte {
	o := object{dst: dst}
	o.def(d)
	o.meta(d)
	return o.end()
}

// AppendJSON appends the params as the API shows them: definition, result and time (params 1.2).
func (p *Params) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range p.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = doc.AppendString(dst, p.names[i])
		dst = append(dst, ':')
		dst = p.vals[i].AppendJSON(dst)
	}
	return append(dst, '}')
}

// AppendJSON appends one param as JSON.
func (p *Param) AppendJSON(dst []byte) []byte {
	o := object{dst: dst}
	o.def(p.Def)
	if p.Evaluated {
		o.key("evaluated_result")
		o.dst = p.Result.AppendJSON(o.dst)
		o.key("evaluated_time")
		o.dst = strconv.AppendInt(o.dst, p.Time, 10)
	}
	o.meta(p.Def)
	if p.Note != "" {
		o.key(NoteName(p.Def.Type))
		o.dst = doc.AppendString(o.dst, p.Note)
	}
	return o.end()
}

// storedMark is the key under which a stored definition says that its value was evaluated already. Users cannot write
// it: only documents read with DecodeOptions.Stored have it.
const storedMark = "$evaluated"

// AppendStored appends the definitions as JSON for our own store: what AppendJSON gives, and which values were
// evaluated in another run already and must not be interpolated again (params 3.2).
func (s *Defs) AppendStored(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range s.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = doc.AppendString(dst, s.names[i])
		dst = append(dst, ':')
		dst = s.vals[i].appendStored(dst)
	}
	return append(dst, '}')
}

func (d *Def) appendStored(dst []byte) []byte {
	o := object{dst: dst}
	entries := d.Value.Defs()
	if entries != nil {
		o.key("value")
		o.dst = entries.AppendStored(o.dst)
		rest := *d
		rest.Value = Value{}
		d = &rest
	}
	o.def(d)
	o.meta(d)
	if d.Evaluated {
		o.key(storedMark)
		o.dst = append(o.dst, "true"...)
	}
	return o.end()
}

// MarshalJSON returns the JSON form of AppendJSON.
func (s *Defs) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// MarshalJSON returns the JSON form of AppendJSON.
func (p *Params) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// object writes the fields of one JSON object.
type object struct {
	dst  []byte
	some bool
}

func (o *object) key(name string) {
	if o.some {
		o.dst = append(o.dst, ',')
	} else {
		o.dst = append(o.dst, '{')
		o.some = true
	}
	o.dst = doc.AppendString(o.dst, name)
	o.dst = append(o.dst, ':')
}

func (o *object) text(name, s string) {
	o.key(name)
	o.dst = doc.AppendString(o.dst, s)
}

func (o *object) end() []byte {
	if !o.some {
		o.dst = append(o.dst, '{')
	}
	return append(o.dst, '}')
}

func (o *object) def(d *Def) {
	if !d.Value.IsNone() {
		o.key("value")
		o.dst = d.Value.appendLiteral(o.dst)
	}
	if d.HasExpression {
		o.text("expression", d.Expression)
	}
	o.text("type", d.Type.String())
	if d.Validator != "" {
		o.text("validator", d.Validator)
	}
	if d.Tags != nil {
		o.key("tags")
		o.dst = appendTags(o.dst, d.Tags)
	}
	if d.Mode != NoMode {
		o.text("mode", d.Mode.String())
	}
}

func (o *object) meta(d *Def) {
	if d.Source != NoSource {
		if !d.hasMeta("source") {
			o.text("source", d.Source.String())
		}
	}
	if d.InternalMode != NoInternalMode {
		if !d.hasMeta("internal_mode") {
			o.text("internal_mode", d.InternalMode.String())
		}
	}
	for i := range d.Meta {
		o.key(d.Meta[i].Name)
		o.dst = doc.AppendNode(o.dst, d.Meta[i].Value)
	}
}

func appendTags(dst []byte, tags []Tag) []byte {
	dst = append(dst, '[')
	for i := range tags {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := object{dst: dst}
		o.text("name", tags[i].Name)
		if tags[i].Namespace != "" {
			o.text("namespace", tags[i].Namespace)
		}
		for _, m := range tags[i].Attributes {
			o.key(m.Name)
			o.dst = doc.AppendNode(o.dst, m.Value)
		}
		dst = o.end()
	}
	return append(dst, ']')
}

// AppendJSON appends v as JSON. Doubles of a literal keep their decimal text; other doubles always have a point or an
// exponent, so that reading untyped JSON finds doubles again (params 2).
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.typ {
	case String:
		return doc.AppendString(dst, v.text)
	case Long:
		return strconv.AppendInt(dst, v.Long(), 10)
	case Double:
		if v.text != "" {
			return append(dst, v.text...)
		}
		return appendDouble(dst, v.Double())
	case Boolean:
		return strconv.AppendBool(dst, v.bits != 0)
	case StringArray:
		return v.appendStrings(dst)
	case LongArray:
		return appendList(dst, v.Longs(), func(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) })
	case DoubleArray:
		if d, ok := v.ref.(*decimals); ok {
			return appendList(dst, d.texts, func(dst []byte, s string) []byte { return append(dst, s...) })
		}
		return appendList(dst, v.Doubles(), appendDouble)
	case BooleanArray:
		return appendList(dst, v.Booleans(), strconv.AppendBool)
	case StringMap:
		dst = append(dst, '{')
		for i, name := range v.Texts().keys() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = doc.AppendString(dst, name)
			dst = append(dst, ':')
			dst = doc.AppendString(dst, v.Texts().vals[i])
		}
		return append(dst, '}')
	case Map:
		if d := v.Defs(); d != nil {
			return d.AppendJSON(dst)
		}
		dst = append(dst, '{')
		for i, name := range v.Values().keys() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = doc.AppendString(dst, name)
			dst = append(dst, ':')
			dst = v.Values().vals[i].AppendJSON(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// appendLiteral appends v as the value of a definition, where doubles are decimals: 1.0E+20, not 1.0E20.
func (v Value) appendLiteral(dst []byte) []byte {
	switch {
	case v.typ == Double && v.text == "":
		return appendDecimal(dst, v.Double())
	case v.typ == DoubleArray:
		if _, ok := v.ref.(*decimals); !ok {
			return appendList(dst, v.Doubles(), appendDecimal)
		}
	}
	return v.AppendJSON(dst)
}

func appendDecimal(dst []byte, f float64) []byte {
	from := len(dst)
	dst = appendDouble(dst, f)
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 || a == 0 {
		return dst
	}
	if text, _, ok := parseDecimal(string(dst[from:])); ok {
		return append(dst[:from], text...)
	}
	return dst
}

// AppendText appends the text of v as interpolation inserts it (params 3.2).
func (v Value) AppendText(dst []byte) []byte {
	switch v.typ {
	case String:
		return append(dst, v.text...)
	case Double:
		return doc.AppendDouble(dst, v.Double())
	}
	return v.AppendJSON(dst)
}

func (v Value) appendStrings(dst []byte) []byte {
	n, ok := v.ref.(*nullable)
	if !ok {
		return appendList(dst, v.Strings(), doc.AppendString)
	}
	dst = append(dst, '[')
	for i, s := range n.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		if n.null[i] {
			dst = append(dst, "null"...)
		} else {
			dst = doc.AppendString(dst, s)
		}
	}
	return append(dst, ']')
}

func appendList[T any](dst []byte, items []T, one func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, items[i])
	}
	return append(dst, ']')
}

// appendDouble appends f as JSON; what JSON has no number for becomes text.
func appendDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		dst = append(dst, '"')
		return append(doc.AppendDouble(dst, f), '"')
	}
	return doc.AppendDouble(dst, f)
}
