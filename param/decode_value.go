package param

import (
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// literal reads a value of type t with the coercions of params 2. It reports what does not fit and returns none then.
func (r *reader) literal(n *doc.Node, t Type, path string) Value {
	switch t {
	case String:
		if s, ok := r.text(n, path); ok {
			return StringValue(s)
		}
	case Long:
		if i, ok := r.long(n, path); ok {
			return LongValue(i)
		}
	case Double:
		if text, f, ok := r.double(n, path); ok {
			v := DoubleValue(f)
			v.text = text
			return v
		}
	case Boolean:
		if b, ok := r.boolean(n, path); ok {
			return BooleanValue(b)
		}
	case StringMap:
		return r.stringMap(n, path)
	case Map:
		if n.Kind == doc.Object {
			return DefsValue(r.entries(n, path, false))
		}
		r.p.Errorf(n, path, "a MAP value must be an object of params, not %s", article(n.Kind))
	case StringArray, LongArray, DoubleArray, BooleanArray:
		return r.array(n, t, path)
	}
	return Value{}
}

func (r *reader) long(n *doc.Node, path string) (int64, bool) {
	switch n.Kind {
	case doc.Number, doc.String:
		i, err := strconv.ParseInt(strings.TrimSpace(n.Text), 10, 64)
		if err == nil {
			return i, true
		}
		if i, ok := truncate(n.Text); ok && n.Kind == doc.Number {
			return i, true
		}
		if n.Kind == doc.Number {
			r.p.Errorf(n, path, "number %s is out of range of LONG (-9223372036854775808 to 9223372036854775807)", clip(n.Text))
			return 0, false
		}
		r.p.Errorf(n, path, "%s is no valid LONG value", strconv.Quote(clip(n.Text)))
		return 0, false
	}
	r.p.Errorf(n, path, "a LONG value must be an integer, not %s", article(n.Kind))
	return 0, false
}

// truncate reads a number and cuts its fraction off (params 2).
func truncate(s string) (int64, bool) {
	digits, scale, neg, ok := splitDecimal(s)
	if !ok {
		return 0, false
	}
	switch n := int64(len(digits)); {
	case digits == "0" || scale >= n:
		return 0, true
	case scale > 0:
		digits = digits[:n-scale]
	case n-scale > 19:
		return 0, false
	default:
		digits += strings.Repeat("0", int(-scale))
	}
	if neg {
		digits = "-" + digits
	}
	i, err := strconv.ParseInt(digits, 10, 64)
	return i, err == nil
}

func (r *reader) double(n *doc.Node, path string) (string, float64, bool) {
	switch n.Kind {
	case doc.Number, doc.String:
		if text, f, ok := parseDecimal(strings.TrimSpace(n.Text)); ok {
			return text, f, true
		}
		r.p.Errorf(n, path, "%s is no valid DOUBLE value", strconv.Quote(clip(n.Text)))
	default:
		r.p.Errorf(n, path, "a DOUBLE value must be a number, not %s", article(n.Kind))
	}
	return "", 0, false
}

func (r *reader) boolean(n *doc.Node, path string) (value, ok bool) {
	switch n.Kind {
	case doc.Bool:
		return n.Text == "true", true
	case doc.Number:
		_, f, ok := parseDecimal(n.Text)
		return f != 0, ok
	case doc.String:
		switch strings.TrimSpace(n.Text) {
		case "true", "True", "TRUE":
			return true, true
		case "false", "False", "FALSE":
			return false, true
		}
		r.p.Errorf(n, path, "%s is no valid BOOLEAN value, only \"true\" or \"false\" are", strconv.Quote(clip(n.Text)))
	default:
		r.p.Errorf(n, path, "a BOOLEAN value must be true or false, not %s", article(n.Kind))
	}
	return false, false
}

func (r *reader) stringMap(n *doc.Node, path string) Value {
	if n.Kind != doc.Object {
		r.p.Errorf(n, path, "a STRING_MAP value must be an object of strings, not %s", article(n.Kind))
		return Value{}
	}
	out := &Texts{}
	for i := range n.Members {
		m := &n.Members[i]
		if s, ok := r.text(m.Value, join(path, m.Name)); ok {
			out.Set(m.Name, s)
		}
	}
	return StringMapValue(out)
}

func (r *reader) array(n *doc.Node, t Type, path string) Value {
	if n.Kind != doc.List {
		r.p.Errorf(n, path, "a %s value must be an array, not %s", t, article(n.Kind))
		return Value{}
	}
	at := func(i int) string { return path + "[" + strconv.Itoa(i) + "]" }
	switch t {
	case StringArray:
		items := make([]string, len(n.Items))
		var null []bool
		for i, item := range n.Items {
			if item.IsNull() {
				if null == nil {
					null = make([]bool, len(n.Items))
				}
				null[i] = true
				continue
			}
			items[i], _ = r.text(item, at(i))
		}
		if null != nil {
			return Value{typ: StringArray, ref: &nullable{items, null}}
		}
		return StringArrayValue(items)
	case LongArray:
		items := make([]int64, len(n.Items))
		for i, item := range n.Items {
			if !item.IsNull() { // null is 0
				items[i], _ = r.long(item, at(i))
			}
		}
		return LongArrayValue(items)
	case DoubleArray:
		d := &decimals{make([]float64, len(n.Items)), make([]string, len(n.Items))}
		for i, item := range n.Items {
			d.texts[i] = "0.0"
			if !item.IsNull() {
				d.texts[i], d.vals[i], _ = r.double(item, at(i))
			}
		}
		return Value{typ: DoubleArray, ref: d}
	default:
		items := make([]bool, len(n.Items))
		for i, item := range n.Items {
			if !item.IsNull() {
				items[i], _ = r.boolean(item, at(i))
			}
		}
		return BooleanArrayValue(items)
	}
}

// result reads an evaluated_result of the param d; that of a MAP is plain JSON whose types are restored (params 2).
func (r *reader) result(n *doc.Node, d *Def, path string) Value {
	if d.Type == Map {
		if n.Kind != doc.Object {
			r.p.Errorf(n, path, "the result of a MAP must be an object, not %s", article(n.Kind))
			return Value{}
		}
		return r.untypedMap(n, d.Value.Defs(), path)
	}
	return r.literal(n, d.Type, path).plain()
}

// untypedMap reads the result of a MAP. Where entries tells the declared type of an entry, it decides what an empty
// array is.
func (r *reader) untypedMap(n *doc.Node, entries *Defs, path string) Value {
	out := &Values{}
	for i := range n.Members {
		m := &n.Members[i]
		out.Set(m.Name, r.untyped(m.Value, entries.Get(m.Name), join(path, m.Name)))
	}
	return MapValue(out)
}

func (r *reader) untyped(n *doc.Node, d *Def, path string) Value {
	switch n.Kind {
	case doc.String:
		return StringValue(n.Text)
	case doc.Bool:
		return BooleanValue(n.Text == "true")
	case doc.Number:
		return r.untypedNumber(n, path)
	case doc.Object:
		switch {
		case d != nil && d.Type == StringMap:
			return r.stringMap(n, path)
		case d != nil:
			return r.untypedMap(n, d.Value.Defs(), path)
		}
		return r.untypedMap(n, nil, path)
	case doc.List:
		return r.untypedList(n, d, path)
	}
	return Value{}
}

func (r *reader) untypedNumber(n *doc.Node, path string) Value {
	if !strings.ContainsAny(n.Text, ".eE") {
		if i, ok := r.long(n, path); ok {
			return LongValue(i)
		}
		return Value{}
	}
	_, f, _ := r.double(n, path)
	return DoubleValue(f)
}

// untypedList takes the type of an array from its first element. An empty one has the declared type of its entry, or
// is taken for texts (sel 13.9). Numbers among which one has a fraction are doubles.
func (r *reader) untypedList(n *doc.Node, d *Def, path string) Value {
	t := StringArray
	if len(n.Items) == 0 {
		if d != nil && d.Type.IsArray() {
			t = d.Type
		}
		return r.array(n, t, path).plain()
	}
	switch n.Items[0].Kind {
	case doc.Number:
		t = LongArray
		for _, item := range n.Items {
			if strings.ContainsAny(item.Text, ".eE") {
				t = DoubleArray
			}
		}
	case doc.Bool:
		t = BooleanArray
	case doc.String:
	default:
		r.p.Errorf(n, path, "an array inside a MAP result must hold strings, numbers or booleans, not %s", article(n.Items[0].Kind))
		return Value{}
	}
	return r.array(n, t, path).plain()
}

// plain drops what only literals have: decimal texts.
func (v Value) plain() Value {
	if v.typ == Double {
		v.text = ""
	}
	if d, ok := v.ref.(*decimals); ok {
		return DoubleArrayValue(d.vals)
	}
	return v
}
