package sel

// array is the storage of an array value. Elements are cells: a script can bind a variable to one, so they are
// addressed where they lie.
type array struct {
	elems []Value
}

// Strings, Longs, Doubles and Bools make array values. The slice is copied.
func Strings(s []string) Value {
	a := &array{elems: make([]Value, len(s))}
	for i, e := range s {
		a.elems[i] = String(e)
	}
	return arrayValue(KindStringArray, a)
}

// Longs is a LONG_ARRAY.
func Longs(s []int64) Value {
	a := &array{elems: make([]Value, len(s))}
	for i, e := range s {
		a.elems[i] = Long(e)
	}
	return arrayValue(KindLongArray, a)
}

// Doubles is a DOUBLE_ARRAY.
func Doubles(s []float64) Value {
	a := &array{elems: make([]Value, len(s))}
	for i, e := range s {
		a.elems[i] = Double(e)
	}
	return arrayValue(KindDoubleArray, a)
}

// Bools is a BOOLEAN_ARRAY.
func Bools(s []bool) Value {
	a := &array{elems: make([]Value, len(s))}
	for i, e := range s {
		a.elems[i] = Bool(e)
	}
	return arrayValue(KindBooleanArray, a)
}

// Array makes an array of kind k, one of the four array kinds, from elements of its element kind. It is the way to an
// array with null-valued strings; ok is false if an element does not fit.
func Array(k Kind, elems []Value) (v Value, ok bool) {
	if !k.IsArray() {
		return Value{}, false
	}
	for _, e := range elems {
		if e.kind != k.elem() {
			return Value{}, false
		}
	}
	return arrayValue(k, &array{elems: append([]Value(nil), elems...)}), true
}

// Len is the number of elements of an array or entries of a map, and zero for any other kind.
func (v Value) Len() int {
	switch {
	case v.kind.IsArray():
		return len(v.array().elems)
	case v.kind == KindMap && !v.null:
		return len(v.mapping().entries)
	}
	return 0
}

// At is element i of an array. It panics if v is not an array or i is out of range.
func (v Value) At(i int) Value {
	if !v.kind.IsArray() {
		panic("sel: At of " + v.kind.String())
	}
	return v.array().elems[i]
}
