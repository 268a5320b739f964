package sel

// node is a compiled expression. eval yields the content of the cell that the expression denotes.
type node interface {
	eval(m *machine) (Value, *Error)
}

// cellNode is a node that denotes a cell which others may hold too: a variable, an element, an entry of a map. Where the
// language keeps the cell, or reads it only later, cell is used instead of eval.
type cellNode interface {
	node
	cell(m *machine) (*Value, *Error)
}

// cellFrom is the cell that n denotes, a new one if n makes a value.
func cellFrom(m *machine, n node) (*Value, *Error) {
	if c, ok := n.(cellNode); ok {
		return c.cell(m)
	}
	v, err := n.eval(m)
	return &v, err
}

type constNode struct{ v Value }

func (n *constNode) eval(*machine) (Value, *Error) { return n.v, nil }

// slotNode reads a variable.
type slotNode struct {
	slot int
	pos  int32
}

func (n *slotNode) eval(m *machine) (Value, *Error) {
	if c := m.slots[n.slot].cell; c != nil {
		return *c, nil
	}
	c, err := m.cellOf(n.slot)
	if err != nil {
		return Value{}, err.at(n.pos)
	}
	if c == nil {
		return Value{}, nil
	}
	return *c, nil
}

func (n *slotNode) cell(m *machine) (*Value, *Error) {
	c, err := m.cellOf(n.slot)
	if err != nil {
		return nil, err.at(n.pos)
	}
	if c == nil {
		c = &Value{} // an unknown name is NULL
	}
	return c, nil
}

type unaryNode struct {
	op  byte
	x   node
	pos int32
}

func (n *unaryNode) eval(m *machine) (Value, *Error) {
	v, err := n.x.eval(m)
	if err != nil {
		return v, err
	}
	switch {
	case n.op == '!' && v.kind == KindBoolean:
		return Bool(v.bits == 0), nil
	case n.op == '+' && (v.kind == KindLong || v.kind == KindDouble):
		return v, nil
	case n.op == '-' && v.kind == KindLong:
		return Long(-v.long()), nil
	case n.op == '-' && v.kind == KindDouble:
		return Double(-v.double()), nil
	}
	return v, fail(FailUnsupported, v.kind.String(), " DO NOT support operation: ", string(n.op)).at(n.pos)
}

type binaryNode struct {
	op   operator
	l, r node
	pos  int32
}

func (n *binaryNode) eval(m *machine) (Value, *Error) {
	l, err := n.l.eval(m)
	if err != nil {
		return l, err
	}
	r, err := n.r.eval(m)
	if err != nil {
		return r, err
	}
	if l.kind == KindLong && r.kind == KindLong {
		a, b := l.long(), r.long()
		switch n.op {
		case opAdd:
			return Long(a + b), nil
		case opSub:
			return Long(a - b), nil
		case opMul:
			return Long(a * b), nil
		case opLt:
			return Bool(a < b), nil
		case opGt:
			return Bool(a > b), nil
		case opLe:
			return Bool(a <= b), nil
		case opGe:
			return Bool(a >= b), nil
		case opEq:
			return Bool(a == b), nil
		case opNe:
			return Bool(a != b), nil
		}
	}
	v, err := m.binary(n.op, l, r)
	if err != nil {
		err.at(n.pos)
	}
	return v, err
}

// binaryLateNode is a binary operator whose right side assigns something: the left side is read after it.
type binaryLateNode struct{ binaryNode }

func (n *binaryLateNode) eval(m *machine) (Value, *Error) {
	l, err := cellFrom(m, n.l)
	if err != nil {
		return Value{}, err
	}
	r, err := n.r.eval(m)
	if err != nil {
		return r, err
	}
	v, err := m.binary(n.op, *l, r)
	if err != nil {
		err.at(n.pos)
	}
	return v, err
}

// ternaryNode charges for the branch it takes, the only code inside a statement that may not run.
type ternaryNode struct {
	cond      node
	then, els node
	thenCost  cost
	elsCost   cost
	pos       int32
}

func (n *ternaryNode) choose(m *machine) (node, *Error) {
	v, err := n.cond.eval(m)
	if err != nil {
		return nil, err
	}
	if v.kind != KindBoolean {
		return nil, notBoolean("?:", v).at(n.pos)
	}
	if v.bits != 0 {
		return n.then, m.enter(&n.thenCost)
	}
	return n.els, m.enter(&n.elsCost)
}

func (n *ternaryNode) eval(m *machine) (Value, *Error) {
	branch, err := n.choose(m)
	if err != nil {
		return Value{}, err
	}
	return branch.eval(m)
}

func (n *ternaryNode) cell(m *machine) (*Value, *Error) {
	branch, err := n.choose(m)
	if err != nil {
		return nil, err
	}
	return cellFrom(m, branch)
}
