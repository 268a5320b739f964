package sel

// assignNode is x op e. The right side comes first, then the target is looked for.
type assignNode struct {
	slot  int
	op    assignOp
	right node
	name  string
	pos   int32
}

func (n *assignNode) eval(m *machine) (Value, *Error) {
	r, err := n.right.eval(m)
	if err != nil {
		return r, err
	}
	if c := m.slots[n.slot].cell; c != nil && c.kind == KindLong && r.kind == KindLong {
		switch n.op {
		case assignSet:
			c.bits = r.bits
			return r, nil
		case assignAdd:
			c.bits += r.bits
			return Value{kind: KindLong, bits: c.bits}, nil
		}
	}
	c, err := n.store(m, r)
	if err != nil {
		return Value{}, err.at(n.pos)
	}
	return *c, nil
}

func (n *assignNode) cell(m *machine) (*Value, *Error) {
	r, err := n.right.eval(m)
	if err != nil {
		return nil, err
	}
	c, err := n.store(m, r)
	if err != nil {
		return nil, err.at(n.pos)
	}
	return c, nil
}

func (n *assignNode) store(m *machine, r Value) (*Value, *Error) {
	c, err := m.cellOf(n.slot)
	if err != nil {
		return nil, err
	}
	if c != nil {
		return c, m.assign(c, n.op, r)
	}
	if n.op != assignSet {
		return nil, fail(FailUnsupported, "unknown variable ", n.name, " DOES NOT support operation: ", n.op.String())
	}
	if !storable(r.kind) {
		return nil, fail(FailUnsupported, "a variable cannot hold ", r.kind.String())
	}
	s := &m.slots[n.slot]
	if m.infos[n.slot].shared {
		s.cell = &Value{}
	} else {
		s.cell = &s.own
	}
	*s.cell = r
	return s.cell, nil
}

// storable kinds can be copied from cell to cell.
func storable(k Kind) bool {
	return k >= KindString && k <= KindMap || k >= KindDateTime && k <= KindDays
}

// assignElemNode is x[i] op e.
type assignElemNode struct {
	x     *slotNode
	i     node
	op    assignOp
	right node
	late  bool // the right side may change what the index denotes
	pos   int32
}

func (n *assignElemNode) eval(m *machine) (Value, *Error) {
	c, err := n.cell(m)
	if err != nil {
		return Value{}, err
	}
	return *c, nil
}

func (n *assignElemNode) cell(m *machine) (*Value, *Error) {
	var i Value
	var at *Value
	var err *Error
	if n.late {
		at, err = cellFrom(m, n.i)
	} else {
		i, err = n.i.eval(m)
	}
	if err != nil {
		return nil, err
	}
	r, err := n.right.eval(m)
	if err != nil {
		return nil, err
	}
	if at != nil {
		i = *at
	}
	x, err := n.x.eval(m)
	if err != nil {
		return nil, err
	}
	if !x.kind.IsArray() {
		return nil, fail(FailClassCast, x.kind.String(), " is not an array").at(n.pos)
	}
	if i.kind != KindLong {
		return nil, fail(FailClassCast, "index must be LONG, not ", i.kind.String()).at(n.pos)
	}
	c, err := element(x, i)
	if err == nil {
		err = m.assign(c, n.op, r)
	}
	if err != nil {
		return nil, err.at(n.pos)
	}
	return c, nil
}

// assign stores r in cell c, or combines the two. A cell keeps its kind for ever.
func (m *machine) assign(c *Value, op assignOp, r Value) *Error {
	switch k := c.kind; {
	case k == KindLong || k == KindDouble:
		if r.kind != k {
			return mismatch(op, k, r.kind)
		}
		if op == assignSet {
			c.bits = r.bits
			return nil
		}
		v, err := m.arith(arithOf[op], *c, r)
		if err == nil {
			c.bits = v.bits
		}
		return err
	case k == KindString && op == assignAdd:
		v, err := m.concat(*c, r)
		if err == nil {
			*c = v
		}
		return err
	case !storable(k) || op != assignSet:
		return fail(FailUnsupported, k.String(), " DO NOT support operation: ", op.String())
	case r.kind != k:
		return mismatch(op, k, r.kind)
	}
	*c = r
	return nil
}

var arithOf = [...]operator{assignAdd: opAdd, assignSub: opSub, assignMul: opMul, assignDiv: opDiv, assignMod: opMod}

func mismatch(op assignOp, target, got Kind) *Error {
	return fail(FailTypeMismatch, "Type mismatch: ", target.String(), " ", op.String(), " ", got.String())
}
