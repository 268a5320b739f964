package param

import (
	"math"
	"slices"
	"strconv"
)

// Value is a literal or an evaluated result (params 2): a tagged union of the ten types, 48 bytes, scalars without
// allocation. Values are immutable; whoever takes a slice or map out of one must not change it. The zero Value is
// absent.
//
// A literal MAP holds definitions ([Value.Defs]); an evaluated MAP holds untyped values ([Value.Values]). Both have
// type Map.
type Value struct {
	typ  Type
	bits uint64 // Long, Double, Boolean
	text string // String; Double: the literal's decimal text, "" when made from a float64
	ref  any    // *Defs, *Values, *Texts, []string, *nullable, []int64, []float64, *decimals, []bool
}

// nullable is a STRING_ARRAY with null elements. It can be stored and printed, but not evaluated (params 2).
type nullable struct {
	items []string
	null  []bool
}

// decimals is a DOUBLE_ARRAY literal, with the decimal text of each element.
type decimals struct {
	vals  []float64
	texts []string
}

// Values is an ordered map from name to untyped value: the evaluated result of a MAP.
type Values struct{ dict[Value] }

// Set replaces or appends an entry. It must not be called on a map that is part of a Value already.
func (m *Values) Set(name string, v Value) { m.put(name, v) }

// Texts is an ordered map from name to text: a STRING_MAP.
type Texts struct{ dict[string] }

// Set replaces or appends an entry. It must not be called on a map that is part of a Value already.
func (m *Texts) Set(name, text string) { m.put(name, text) }

// StringValue returns a STRING.
func StringValue(s string) Value { return Value{typ: String, text: s} }

// LongValue returns a LONG.
func LongValue(n int64) Value { return Value{typ: Long, bits: uint64(n)} }

// DoubleValue returns a DOUBLE without decimal text of its own.
func DoubleValue(f float64) Value { return Value{typ: Double, bits: math.Float64bits(f)} }

// BooleanValue returns a BOOLEAN.
func BooleanValue(b bool) Value {
	v := Value{typ: Boolean}
	if b {
		v.bits = 1
	}
	return v
}

// StringArrayValue returns a STRING_ARRAY that keeps s.
func StringArrayValue(s []string) Value { return Value{typ: StringArray, ref: s} }

// NullableStrings returns a STRING_ARRAY whose elements are null where null says so. It keeps both slices.
func NullableStrings(s []string, null []bool) Value {
	return Value{typ: StringArray, ref: &nullable{s, null}}
}

// Null reports whether element i of a STRING_ARRAY is null.
func (v Value) Null(i int) bool {
	n, ok := v.ref.(*nullable)
	return ok && n.null[i]
}

// LongArrayValue returns a LONG_ARRAY that keeps s.
func LongArrayValue(s []int64) Value { return Value{typ: LongArray, ref: s} }

// DoubleArrayValue returns a DOUBLE_ARRAY that keeps s.
func DoubleArrayValue(s []float64) Value { return Value{typ: DoubleArray, ref: s} }

// BooleanArrayValue returns a BOOLEAN_ARRAY that keeps s.
func BooleanArrayValue(s []bool) Value { return Value{typ: BooleanArray, ref: s} }

// StringMapValue returns a STRING_MAP that keeps m.
func StringMapValue(m *Texts) Value {
	if m == nil {
		m = &Texts{}
	}
	return Value{typ: StringMap, ref: m}
}

// DefsValue returns a literal MAP that keeps m.
func DefsValue(m *Defs) Value {
	if m == nil {
		m = &Defs{}
	}
	return Value{typ: Map, ref: m}
}

// MapValue returns an evaluated MAP that keeps m.
func MapValue(m *Values) Value {
	if m == nil {
		m = &Values{}
	}
	return Value{typ: Map, ref: m}
}

// Type returns the type, None for an absent value.
func (v Value) Type() Type { return v.typ }

// IsNone reports whether v is absent.
func (v Value) IsNone() bool { return v.typ == None }

// Str returns the text of a STRING.
func (v Value) Str() string { return v.text }

// Long returns the number of a LONG.
func (v Value) Long() int64 { return int64(v.bits) }

// Double returns the number of a DOUBLE.
func (v Value) Double() float64 { return math.Float64frombits(v.bits) }

// Boolean returns the truth of a BOOLEAN.
func (v Value) Boolean() bool { return v.bits != 0 }

// Strings returns the elements of a STRING_ARRAY; null elements are empty.
func (v Value) Strings() []string {
	switch r := v.ref.(type) {
	case []string:
		return r
	case *nullable:
		return r.items
	}
	return nil
}

// HasNull reports whether v is a STRING_ARRAY with a null element.
func (v Value) HasNull() bool {
	_, ok := v.ref.(*nullable)
	return ok
}

// Longs returns the elements of a LONG_ARRAY.
func (v Value) Longs() []int64 { r, _ := v.ref.([]int64); return r }

// Doubles returns the elements of a DOUBLE_ARRAY.
func (v Value) Doubles() []float64 {
	switch r := v.ref.(type) {
	case []float64:
		return r
	case *decimals:
		return r.vals
	}
	return nil
}

// Booleans returns the elements of a BOOLEAN_ARRAY.
func (v Value) Booleans() []bool { r, _ := v.ref.([]bool); return r }

// Texts returns the entries of a STRING_MAP.
func (v Value) Texts() *Texts { r, _ := v.ref.(*Texts); return r }

// Defs returns the entries of a literal MAP, nil for every other value.
func (v Value) Defs() *Defs { r, _ := v.ref.(*Defs); return r }

// Values returns the entries of an evaluated MAP, nil for every other value.
func (v Value) Values() *Values { r, _ := v.ref.(*Values); return r }

// Len returns the number of elements of an array or entries of a map.
func (v Value) Len() int {
	switch r := v.ref.(type) {
	case []string:
		return len(r)
	case *nullable:
		return len(r.items)
	case []int64:
		return len(r)
	case []float64:
		return len(r)
	case *decimals:
		return len(r.vals)
	case []bool:
		return len(r)
	case *Texts:
		return r.Len()
	case *Defs:
		return r.Len()
	case *Values:
		return r.Len()
	}
	return 0
}

// Index returns element i of an array as a scalar; the element of a LONG_ARRAY is a LONG, and so on.
func (v Value) Index(i int) Value {
	switch v.typ {
	case StringArray:
		return StringValue(v.Strings()[i])
	case LongArray:
		return LongValue(v.Longs()[i])
	case DoubleArray:
		return DoubleValue(v.Doubles()[i])
	case BooleanArray:
		return BooleanValue(v.Booleans()[i])
	}
	return Value{}
}

// Equal reports whether two values have the same type and content. Doubles compare by number, maps by entries
// without regard to order.
func (v Value) Equal(w Value) bool {
	if v.typ != w.typ {
		return false
	}
	switch v.typ {
	case None:
		return true
	case String:
		return v.text == w.text
	case Long, Boolean:
		return v.bits == w.bits
	case Double:
		return v.Double() == w.Double()
	case StringArray:
		return slices.Equal(v.Strings(), w.Strings()) && v.nulls() == w.nulls()
	case LongArray:
		return slices.Equal(v.Longs(), w.Longs())
	case DoubleArray:
		return slices.Equal(v.Doubles(), w.Doubles())
	case BooleanArray:
		return slices.Equal(v.Booleans(), w.Booleans())
	case StringMap:
		return v.Texts().equal(w.Texts())
	case Map:
		if (v.Defs() == nil) != (w.Defs() == nil) {
			return false
		}
		if v.Defs() != nil {
			return v.Defs().Equal(w.Defs())
		}
		return v.Values().equal(w.Values())
	}
	return false
}

// nulls renders which elements are null, for comparison.
func (v Value) nulls() string {
	n, ok := v.ref.(*nullable)
	if !ok {
		return ""
	}
	b := make([]byte, len(n.null))
	for i, null := range n.null {
		b[i] = '0' + byte(boolBit(null))
	}
	return string(b)
}

func boolBit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (m *Texts) equal(o *Texts) bool {
	if m.Len() != o.Len() {
		return false
	}
	for name, text := range m.All() {
		if other, ok := o.Get(name); !ok || other != text {
			return false
		}
	}
	return true
}

func (m *Values) equal(o *Values) bool {
	if m.Len() != o.Len() {
		return false
	}
	for name, v := range m.All() {
		if other, ok := o.Get(name); !ok || !v.Equal(other) {
			return false
		}
	}
	return true
}

// String returns the text that a value becomes inside a text (params 3.2): scalars as they are, the rest as JSON.
func (v Value) String() string {
	switch v.typ {
	case String:
		return v.text
	case Long:
		return strconv.FormatInt(v.Long(), 10)
	}
	return string(v.AppendText(nil))
}
