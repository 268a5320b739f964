package sel

import (
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep maps may nest. It is also how a map that contains itself is found out.
const maxDepth = 200

var errDepth = "map contains itself, or nests deeper than " + itoa(maxDepth) + " levels"

// admit copies a value of the host into the script and charges for it.
func (m *machine) admit(v Value, depth int) (Value, *Error) {
	if !m.meter.Spend(0, cellSize) {
		return v, m.exceeded(0)
	}
	if v.kind >= KindLong && v.kind <= KindBoolean {
		return v, nil
	}
	switch {
	case v.kind == KindString:
		return m.admitString(v)
	case v.kind == KindNull && depth == 0:
		return v, nil
	case v.kind.IsArray():
		elems := v.array().elems
		if err := m.spend(len(elems), elemSize*len(elems)); err != nil {
			return v, err
		}
		c := &array{elems: make([]Value, len(elems))}
		copy(c.elems, elems)
		if v.kind == KindStringArray {
			for i := range c.elems {
				var err *Error
				if c.elems[i], err = m.admitString(c.elems[i]); err != nil {
					return v, err
				}
			}
		}
		return arrayValue(v.kind, c), nil
	case v.kind == KindMap && v.null:
		return v, nil
	case v.kind == KindMap && depth < maxDepth:
		c := &mapping{}
		for _, e := range v.mapping().entries {
			key, err := m.admitString(String(e.key))
			if err != nil {
				return v, err
			}
			cell, err := m.admit(*e.cell, depth+1)
			if err != nil {
				return v, err
			}
			if err := m.spend(elementWork, entrySize); err != nil {
				return v, err
			}
			c.put(key.str(), &cell)
		}
		return mapValue(c), nil
	case v.kind == KindMap:
		return v, fail(FailIllegalArgument, errDepth)
	case depth > 0:
		return v, fail(FailIllegalArgument, "map entry of type ", v.kind.String(), " cannot enter a script")
	}
	return v, fail(FailUnsupported, "value of type ", v.kind.String(), " cannot enter a script")
}

// admitString charges for a string and makes it valid UTF-8, which everything in the language relies on.
func (m *machine) admitString(v Value) (Value, *Error) {
	if v.null {
		return v, nil
	}
	s := v.str()
	if !m.meter.Spend(int64(len(s)>>5), 2*int64(len(s))) {
		return v, m.exceeded(0)
	}
	if !utf8.ValidString(s) {
		if err := m.spend(len(s), 6*len(s)); err != nil { // a byte may become three
			return v, err
		}
		v = String(strings.ToValidUTF8(s, "\uFFFD"))
	}
	return v, nil
}

// check walks a result, which may hold the same map many times over or within itself, and charges for what the caller
// will copy and see. With onlyParams it also demands kinds that a parameter can hold.
func (m *machine) check(v Value, onlyParams bool, depth int) *Error {
	switch {
	case v.kind == KindMap && !v.null:
		if depth >= maxDepth {
			return fail(FailIllegalArgument, errDepth)
		}
		mp := v.mapping()
		if err := m.spend(orderWork*mp.weight(), (orderSize+entrySize)*len(mp.entries)+2*mp.keys); err != nil {
			return err
		}
		for _, e := range mp.entries {
			if err := m.check(*e.cell, onlyParams, depth+1); err != nil {
				return err
			}
		}
	case v.kind.IsArray():
		elems := v.array().elems
		size := elemSize * len(elems)
		if v.kind == KindStringArray {
			for _, e := range elems {
				size += 2 * int(e.bits)
			}
		}
		return m.spend(len(elems), size)
	case depth == 0:
	case v.kind == KindString && !v.null:
		return m.copied(len(v.str()))
	case onlyParams && (v.kind == KindNull || v.kind > KindMap):
		return fail(FailUnsupported, "map entry of type ", v.kind.String(), " cannot be a parameter")
	}
	return nil
}
