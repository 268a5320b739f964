package sel

// Loops and conditions spend their time on variables and whole numbers. The nodes here do what binaryNode and assignNode
// do, but look first whether that is the case, without a call for each operand. Whatever else comes along is left to the
// general node, which has evaluated nothing yet.

// slotLongNode is x op 1.
type slotLongNode struct {
	op   operator
	slot int
	b    int64
	pos  int32 // of x
	slow *binaryNode
}

func (n *slotLongNode) eval(m *machine) (Value, *Error) {
	c := m.slots[n.slot].cell
	if c == nil {
		var err *Error
		if c, err = m.cellOf(n.slot); err != nil {
			return Value{}, err.at(n.pos)
		}
	}
	if c != nil && c.kind == KindLong {
		if v, ok := fastLong(n.op, int64(c.bits), n.b); ok {
			return v, nil
		}
	}
	return n.slow.eval(m)
}

// slotSlotNode is x op y.
type slotSlotNode struct {
	op   operator
	l, r int
	slow *binaryNode
}

func (n *slotSlotNode) eval(m *machine) (Value, *Error) {
	l, r := m.slots[n.l].cell, m.slots[n.r].cell
	if l != nil && r != nil && l.kind == KindLong && r.kind == KindLong {
		if v, ok := fastLong(n.op, int64(l.bits), int64(r.bits)); ok {
			return v, nil
		}
	}
	return n.slow.eval(m)
}

// fastLong applies the operators that cannot fail.
func fastLong(op operator, a, b int64) (Value, bool) {
	var r bool
	switch op {
	case opAdd:
		return Long(a + b), true
	case opSub:
		return Long(a - b), true
	case opMul:
		return Long(a * b), true
	case opDiv, opMod:
		switch {
		case b == 0:
			return Value{}, false
		case op == opDiv:
			return Long(a / b), true
		}
		return Long(a % b), true
	case opLt:
		r = a < b
	case opGt:
		r = a > b
	case opLe:
		r = a <= b
	case opGe:
		r = a >= b
	case opEq:
		r = a == b
	case opNe:
		r = a != b
	default:
		return Value{}, false
	}
	return Bool(r), true
}

// faster picks the node for a binary operator whose operands are evaluated at once.
func faster(b *binaryNode) node {
	l, ok := b.l.(*slotNode)
	if !ok {
		return b
	}
	switch r := b.r.(type) {
	case *slotNode:
		return &slotSlotNode{b.op, l.slot, r.slot, b}
	case *constNode:
		if r.v.kind == KindLong {
			return &slotLongNode{b.op, l.slot, r.v.long(), l.pos, b}
		}
	}
	return b
}

// doer is a node whose value can be dropped cheaper than it is made.
type doer interface {
	do(m *machine) *Error
}

func (n *assignNode) do(m *machine) *Error {
	var r Value
	switch x := n.right.(type) {
	case *constNode:
		r = x.v
	default:
		var err *Error
		if r, err = x.eval(m); err != nil {
			return err
		}
	}
	if c := m.slots[n.slot].cell; c != nil && c.kind == KindLong && r.kind == KindLong {
		switch n.op {
		case assignSet:
			c.bits = r.bits
			return nil
		case assignAdd:
			c.bits += r.bits
			return nil
		case assignSub:
			c.bits -= r.bits
			return nil
		}
	}
	if _, err := n.store(m, r); err != nil {
		return err.at(n.pos)
	}
	return nil
}

// dropStep is an expression statement whose value nobody can see, as in the body of a loop.
type dropStep struct {
	x    node
	do   doer // x, if it is one
	cost cost
}

func (s *dropStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	if s.do != nil {
		return sigNone, s.do.do(m)
	}
	_, err := s.x.eval(m)
	return sigNone, err
}
