package sel

import (
	"math"

	"maestro/sel/internal/joda"
)

// indexNode is x[i].
type indexNode struct {
	x, i node
	late bool // the index may change what x denotes
	pos  int32
}

func (n *indexNode) operands(m *machine) (x, i Value, err *Error) {
	if n.late {
		var c *Value
		if c, err = cellFrom(m, n.x); err != nil {
			return
		}
		i, err = n.i.eval(m)
		return *c, i, err
	}
	if x, err = n.x.eval(m); err != nil {
		return
	}
	i, err = n.i.eval(m)
	return
}

func (n *indexNode) eval(m *machine) (Value, *Error) {
	x, i, err := n.operands(m)
	if err != nil {
		return x, err
	}
	if i.kind == KindLong && x.kind.IsArray() {
		elems := x.array().elems
		if at := i.long(); at >= 0 && at < int64(len(elems)) {
			return elems[at], nil
		}
	}
	c, err := m.item(x, i)
	if err != nil {
		return x, err.at(n.pos)
	}
	return *c, nil
}

func (n *indexNode) cell(m *machine) (*Value, *Error) {
	x, i, err := n.operands(m)
	if err != nil {
		return nil, err
	}
	c, err := m.item(x, i)
	if err != nil {
		return nil, err.at(n.pos)
	}
	return c, nil
}

func (m *machine) item(x, i Value) (*Value, *Error) {
	switch {
	case i.kind == KindLong && x.kind.IsArray():
		return element(x, i)
	case i.kind == KindString && x.kind == KindParams:
		v, err := m.param(i)
		return &v, err
	case i.kind == KindLong:
		return nil, fail(FailClassCast, x.kind.String(), " is not an array")
	case i.kind == KindString && x.kind == KindMap:
		return nil, fail(FailClassCast, "MAP DO NOT support indexing; use get")
	case i.kind == KindString:
		return nil, fail(FailClassCast, x.kind.String(), " DO NOT support indexing by STRING")
	}
	return nil, fail(FailIllegalArgument, "index must be LONG or STRING, not ", i.kind.String())
}

// element is the cell of an array element.
func element(x, i Value) (*Value, *Error) {
	elems := x.array().elems
	at := i.long()
	if at < 0 || at >= int64(len(elems)) {
		return nil, fail(FailIndex, "index ", itoa(at), " is out of bounds for length ", itoa(len(elems)))
	}
	return &elems[at], nil
}

// param reads an input through params: a fresh copy each time, NULL if there is none.
func (m *machine) param(key Value) (Value, *Error) {
	v, ok, err := m.lookupParam(key)
	if err != nil || !ok {
		return Value{}, err
	}
	return m.admitInput(key.str(), v)
}

// lookupParam asks the host for an input by the name in a STRING.
func (m *machine) lookupParam(key Value) (Value, bool, *Error) {
	lookup := m.env.Params
	if lookup == nil {
		lookup = m.env.Lookup
	}
	if lookup == nil || key.null {
		return Value{}, false, nil
	}
	v, ok, err := lookup(key.str())
	if err != nil {
		return Value{}, false, hostFailure("input "+key.str(), err)
	}
	return v, ok, nil
}

// fieldNode is x.name.
type fieldNode struct {
	x    node
	name string
	pos  int32
}

func newFieldNode(x node, e *field) node { return &fieldNode{x, e.Name, e.pos} }

func (n *fieldNode) eval(m *machine) (Value, *Error) {
	x, err := n.x.eval(m)
	if err != nil {
		return x, err
	}
	switch {
	case x.kind.IsArray() && n.name == "length":
		return Long(int64(len(x.array().elems))), nil
	case x.kind == KindParams:
		v, err := m.param(String(n.name))
		if err != nil {
			err.at(n.pos)
		}
		return v, err
	case x.kind == KindZone && n.name == "UTC":
		return zoneValue(joda.UTC), nil
	case x.kind == KindMisc && n.name == "SUNDAY":
		return Long(joda.Sunday), nil
	}
	return x, fail(FailUnsupported, x.kind.String(), " DO NOT support accessing field: ", n.name).at(n.pos)
}

// newArrayNode is new T[size].
type newArrayNode struct {
	kind Kind
	bad  *Error
	size node
	pos  int32
}

func (n *newArrayNode) eval(m *machine) (Value, *Error) {
	if n.bad != nil {
		e := *n.bad
		return Value{}, &e
	}
	v, err := n.size.eval(m)
	if err != nil {
		return v, err
	}
	if v.kind != KindLong {
		return v, fail(FailClassCast, "array size must be LONG, not ", v.kind.String()).at(n.pos)
	}
	size := v.long()
	switch {
	case size < math.MinInt32 || size > math.MaxInt32:
		return v, fail(FailIllegalArgument, "array size ", itoa(size), " is out of range").at(n.pos)
	case size < 0:
		return v, fail(FailNegativeSize, "array size ", itoa(size), " is negative").at(n.pos)
	}
	if err := m.arraySize(int(size)); err != nil {
		return v, err.at(n.pos)
	}
	if err := m.spend(int(size), elemSize*int(size)); err != nil {
		return v, err.at(n.pos)
	}
	a := &array{elems: make([]Value, size)}
	first := initial(n.kind.elem())
	for i := range a.elems {
		a.elems[i] = first
	}
	return arrayValue(n.kind, a), nil
}

func (m *machine) arraySize(n int) *Error {
	if n >= m.limits.Array {
		return fail(FailArrayLimit, "array of ", itoa(n), " elements; the limit is ", itoa(m.limits.Array-1))
	}
	return nil
}

// initArrayNode is new T[]{elems…}.
type initArrayNode struct {
	kind  Kind
	bad   *Error
	elems []argument
	pos   int32
}

func (n *initArrayNode) eval(m *machine) (Value, *Error) {
	if n.bad != nil {
		e := *n.bad
		return Value{}, &e
	}
	if err := m.arraySize(len(n.elems)); err != nil {
		return Value{}, err.at(n.pos)
	}
	base := len(m.stack)
	elems, err := m.operands(n.elems)
	if err != nil {
		return Value{}, err
	}
	a := &array{elems: append(make([]Value, 0, len(elems)), elems...)}
	m.stack = m.stack[:base]
	for _, e := range a.elems {
		if e.kind != n.kind.elem() {
			return Value{}, mismatch(assignSet, n.kind.elem(), e.kind).at(n.pos)
		}
	}
	return arrayValue(n.kind, a), nil
}

// lateCell is an operand that is read after its neighbours were evaluated.
type lateCell struct {
	i int
	c *Value
}
