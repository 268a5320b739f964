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
		dst = s.vals[i].AppendJSON(doc.AppendName(dst, s.names[i]))
	}
	return append(dst, '}')
}

// AppendJSON appends one definition as JSON.
func (d *Def) AppendJSON(dst []byte) []byte {
	o := doc.Open(dst)
	appendDef(&o, d)
	appendMeta(&o, d)
	return o.Close()
}

// AppendJSON appends the params as the API shows them: definition, result and time (params 1.2).
func (p *Params) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range p.Len() {
		dst = p.vals[i].AppendJSON(doc.AppendName(dst, p.names[i]))
	}
	return append(dst, '}')
}

// AppendJSON appends one param as JSON.
func (p *Param) AppendJSON(dst []byte) []byte {
	o := doc.Open(dst)
	appendDef(&o, p.Def)
	if p.Evaluated {
		o.Key("evaluated_result")
		o.Out = p.Result.AppendJSON(o.Out)
		o.Int("evaluated_time", p.Time)
	}
	appendMeta(&o, p.Def)
	if p.Note != "" {
		o.Text(NoteName(p.Def.Type), p.Note)
	}
	return o.Close()
}

// storedMark is the key under which a stored definition says that its value was evaluated already. Users cannot write
// it: only documents read with DecodeOptions.Stored have it.
const storedMark = "$evaluated"

// AppendStored appends the definitions as JSON for our own store: what AppendJSON gives, and which values were
// evaluated in another run already and must not be interpolated again (params 3.2).
func (s *Defs) AppendStored(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range s.Len() {
		dst = s.vals[i].appendStored(doc.AppendName(dst, s.names[i]))
	}
	return append(dst, '}')
}

func (d *Def) appendStored(dst []byte) []byte {
	o := doc.Open(dst)
	entries := d.Value.Defs()
	if entries != nil {
		o.Key("value")
		o.Out = entries.AppendStored(o.Out)
		rest := *d
		rest.Value = Value{}
		d = &rest
	}
	appendDef(&o, d)
	appendMeta(&o, d)
	if d.Evaluated {
		o.Bool(storedMark, true)
	}
	return o.Close()
}

// MarshalJSON returns the JSON form of AppendJSON.
func (s *Defs) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// MarshalJSON returns the JSON form of AppendJSON.
func (p *Params) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

func appendDef(o *doc.ObjectWriter, d *Def) {
	if !d.Value.IsNone() {
		o.Key("value")
		o.Out = d.Value.appendLiteral(o.Out)
	}
	if d.HasExpression {
		o.Text("expression", d.Expression)
	}
	o.Text("type", d.Type.String())
	if d.Validator != "" {
		o.Text("validator", d.Validator)
	}
	if d.Tags != nil {
		o.Key("tags")
		o.Out = appendTags(o.Out, d.Tags)
	}
	if d.Mode != NoMode {
		o.Text("mode", d.Mode.String())
	}
}

func appendMeta(o *doc.ObjectWriter, d *Def) {
	if d.Source != NoSource {
		if !d.hasMeta("source") {
			o.Text("source", d.Source.String())
		}
	}
	if d.InternalMode != NoInternalMode {
		if !d.hasMeta("internal_mode") {
			o.Text("internal_mode", d.InternalMode.String())
		}
	}
	for i := range d.Meta {
		o.Name(d.Meta[i].Name)
		o.Out = doc.AppendNode(o.Out, d.Meta[i].Value)
	}
}

func appendTags(dst []byte, tags []Tag) []byte {
	dst = append(dst, '[')
	for i := range tags {
		if i > 0 {
			dst = append(dst, ',')
		}
		o := doc.Open(dst)
		o.Text("name", tags[i].Name)
		if tags[i].Namespace != "" {
			o.Text("namespace", tags[i].Namespace)
		}
		for _, m := range tags[i].Attributes {
			o.Name(m.Name)
			o.Out = doc.AppendNode(o.Out, m.Value)
		}
		dst = o.Close()
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
			dst = doc.AppendName(dst, name)
			dst = doc.AppendString(dst, v.Texts().vals[i])
		}
		return append(dst, '}')
	case Map:
		if d := v.Defs(); d != nil {
			return d.AppendJSON(dst)
		}
		dst = append(dst, '{')
		for i, name := range v.Values().keys() {
			dst = doc.AppendName(dst, name)
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
