package scope

import (
	"maestro/param"
	"maestro/sel"
)

// toSel converts a param's value for a script. Scalars cost nothing; arrays and maps are copied, since a script may
// change what it gets, and are charged for.
func (s *session) toSel(v param.Value) (sel.Value, error) {
	if !v.Type().IsScalar() && !v.IsNone() {
		work, size := copyCost(v)
		if !s.meter.Spend(int64(work), int64(size)) {
			return sel.Value{}, s.meter.Err()
		}
	}
	return toSel(v)
}

// What is charged for copying an entry of a map or an element of an array.
const entryWork, entrySize = 20, 250

// copyCost is what copying an array or a map takes. The texts in it are not copied.
func copyCost(v param.Value) (work, size int) {
	if m := v.Values(); m != nil {
		for _, entry := range m.All() {
			w, n := copyCost(entry)
			work, size = work+w+entryWork, size+n+entrySize
		}
		return work, size
	}
	if v.Type() == param.StringMap {
		return entryWork * v.Len(), entrySize * v.Len()
	}
	return v.Len(), 40 * v.Len()
}

func toSel(v param.Value) (sel.Value, error) {
	switch v.Type() {
	case param.String:
		return sel.String(v.Str()), nil
	case param.Long:
		return sel.Long(v.Long()), nil
	case param.Double:
		return sel.Double(v.Double()), nil
	case param.Boolean:
		return sel.Bool(v.Boolean()), nil
	case param.StringArray:
		if v.HasNull() {
			items := make([]sel.Value, v.Len())
			for i, s := range v.Strings() {
				if items[i] = sel.String(s); v.Null(i) {
					items[i] = sel.NullString()
				}
			}
			out, _ := sel.Array(sel.KindStringArray, items)
			return out, nil
		}
		return sel.Strings(v.Strings()), nil
	case param.LongArray:
		return sel.Longs(v.Longs()), nil
	case param.DoubleArray:
		return sel.Doubles(v.Doubles()), nil
	case param.BooleanArray:
		return sel.Bools(v.Booleans()), nil
	case param.StringMap:
		entries := make([]sel.Entry, 0, v.Len())
		for name, text := range v.Texts().All() {
			entries = append(entries, sel.Entry{Key: name, Value: sel.String(text)})
		}
		return sel.Map(entries...), nil
	case param.Map:
		if v.Values() == nil {
			break
		}
		entries := make([]sel.Entry, 0, v.Len())
		for name, entry := range v.Values().All() {
			e, err := toSel(entry)
			if err != nil {
				return sel.Value{}, err
			}
			entries = append(entries, sel.Entry{Key: name, Value: e})
		}
		return sel.Map(entries...), nil
	case param.None:
		return sel.Null(), nil
	}
	return sel.Value{}, param.Errorf(param.Internal, "a value of type [%s] cannot enter an expression", v.Type())
}

// fromSel converts the result of a script, which is of one of the kinds a param can have (sel 13.3).
func fromSel(v sel.Value) (param.Value, error) {
	switch {
	case v.IsNull():
	case v.Kind() == sel.KindString:
		return param.StringValue(v.Str()), nil
	case v.Kind() == sel.KindLong:
		return param.LongValue(v.Int64()), nil
	case v.Kind() == sel.KindDouble:
		return param.DoubleValue(v.Float64()), nil
	case v.Kind() == sel.KindBoolean:
		return param.BooleanValue(v.Bool()), nil
	case v.Kind().IsArray():
		return arrayFromSel(v), nil
	case v.Kind() == sel.KindMap:
		out := &param.Values{}
		for name, entry := range v.Entries() {
			e, err := fromSel(entry)
			if err != nil {
				return param.Value{}, param.Errorf(param.Internal, "entry [%s] of the result has the type [%s], which a param cannot have", name, entry.Kind())
			}
			out.Set(name, e)
		}
		return param.MapValue(out), nil
	}
	return param.Value{}, param.Errorf(param.InvalidExpression, "Invalid return type [%s]", v.Kind())
}

func arrayFromSel(v sel.Value) param.Value {
	n := v.Len()
	switch v.Kind() {
	case sel.KindLongArray:
		return param.LongArrayValue(collect(v, n, sel.Value.Int64))
	case sel.KindDoubleArray:
		return param.DoubleArrayValue(collect(v, n, sel.Value.Float64))
	case sel.KindBooleanArray:
		return param.BooleanArrayValue(collect(v, n, sel.Value.Bool))
	}
	items := collect(v, n, sel.Value.Str)
	for i := range n {
		if v.At(i).IsNull() {
			return param.NullableStrings(items, collect(v, n, sel.Value.IsNull))
		}
	}
	return param.StringArrayValue(items)
}

func collect[T any](v sel.Value, n int, one func(sel.Value) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = one(v.At(i))
	}
	return out
}

// gather makes an array of scalars of type t; absent ones are null, 0 or false.
func gather(values []param.Value, t param.Type) (sel.Value, error) {
	items := make([]sel.Value, len(values))
	kind := map[param.Type]sel.Kind{
		param.String: sel.KindStringArray, param.Long: sel.KindLongArray, param.Double: sel.KindDoubleArray, param.Boolean: sel.KindBooleanArray,
	}[t]
	for i, v := range values {
		switch {
		case v.Type() == t:
			items[i], _ = toSel(v)
		case !v.IsNone():
			return sel.Value{}, param.Errorf(param.Internal, "iteration %d has a %s among values of type %s", i+1, v.Type(), t)
		case t == param.String:
			items[i] = sel.NullString()
		case t == param.Long:
			items[i] = sel.Long(0)
		case t == param.Double:
			items[i] = sel.Double(0)
		default:
			items[i] = sel.Bool(false)
		}
	}
	out, ok := sel.Array(kind, items)
	if !ok {
		return sel.Value{}, param.Errorf(param.Internal, "values are not of one type")
	}
	return out, nil
}
