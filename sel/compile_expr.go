package sel

// cellSize is what a new cell is charged.
const cellSize = 32

// elemSize is what an element of an array is charged that is made or copied as a whole.
const elemSize = 40

// code is a compiled expression and what is known about it.
type code struct {
	node    node
	visits  int64 // nodes of the original's tree
	memory  int64 // cells made
	depth   int   // operands pending at once
	assigns bool  // contains an assignment, so what was named before it must be read after it
}

// statement is the cost of x in a statement that itself counts as extra nodes.
func (x code) statement(extra int64, pos int32) cost {
	return cost{visits: x.visits + 1 + extra, memory: x.memory, depth: x.depth, pos: pos}
}

func (c *compiler) expr(e expression) code {
	switch e := e.(type) {
	case *literal:
		return code{node: &constNode{e.Value}, visits: 2, depth: 1}
	case *name:
		return code{node: &slotNode{c.slot(e.Name), e.pos}, visits: 2, depth: 1}
	case *unary:
		x := c.expr(e.X)
		x.node = &unaryNode{e.Op, x.node, e.pos}
		x.visits++
		x.memory += cellSize
		return x
	case *binary:
		return c.binary(e)
	case *ternary:
		return c.ternary(e)
	case *assign:
		return c.assign(e)
	case *index:
		return c.index(e)
	case *field:
		x := c.expr(e.X)
		x.node = newFieldNode(x.node, e)
		x.visits += 2
		x.memory += cellSize
		return x
	case *call:
		return c.call(e)
	case *newObject:
		args, x := c.args(e.Args, 1, false)
		x.node = newObjectNode(e, args)
		x.visits += 4
		x.memory += cellSize
		return x
	case *newArray:
		return c.newArray(e)
	}
	panic("sel: unknown expression")
}

func (c *compiler) binary(e *binary) code {
	l := c.expr(e.L)
	r := c.expr(e.R)
	x := code{
		visits:  l.visits + r.visits + 1,
		memory:  l.memory + r.memory + cellSize,
		depth:   max(l.depth, r.depth+1),
		assigns: l.assigns || r.assigns,
	}
	b := binaryNode{e.Op, l.node, r.node, e.pos}
	if r.assigns {
		c.share(l.node)
		x.node = &binaryLateNode{b}
	} else {
		x.node = faster(&b)
	}
	return x
}

func (c *compiler) ternary(e *ternary) code {
	cond, then, els := c.expr(e.Cond), c.expr(e.Then), c.expr(e.Else)
	n := &ternaryNode{cond: cond.node, then: then.node, els: els.node, pos: exprPos(e.Cond)}
	n.thenCost = then.statement(0, exprPos(e.Then))
	n.elsCost = els.statement(0, exprPos(e.Else))
	cond.node = n
	cond.visits++
	cond.assigns = cond.assigns || then.assigns || els.assigns
	return cond
}

func (c *compiler) assign(e *assign) code {
	if e.Index == nil {
		x := c.expr(e.Right)
		x.node = &assignNode{slot: c.slot(e.Name), op: e.Op, right: x.node, name: e.Name, pos: e.pos}
		x.visits += 4
		x.assigns = true
		return x
	}
	i := c.expr(e.Index)
	r := c.expr(e.Right)
	if r.assigns {
		c.share(i.node)
	}
	return code{
		node: &assignElemNode{
			x: &slotNode{c.slot(e.Name), e.pos}, i: i.node, op: e.Op, right: r.node, late: r.assigns, pos: e.pos,
		},
		visits:  i.visits + r.visits + 5,
		memory:  i.memory + r.memory,
		depth:   max(i.depth, r.depth+1),
		assigns: true,
	}
}

func (c *compiler) index(e *index) code {
	x := c.expr(e.X)
	i := c.expr(e.I)
	if i.assigns {
		c.share(x.node)
	}
	return code{
		node:    &indexNode{x: x.node, i: i.node, late: i.assigns, pos: e.pos},
		visits:  x.visits + i.visits + 2,
		memory:  x.memory + i.memory,
		depth:   max(x.depth, i.depth+1),
		assigns: x.assigns || i.assigns,
	}
}

func (c *compiler) call(e *call) code {
	recv := c.expr(e.X)
	meth := methods[e.Name]
	args, x := c.args(e.Args, 2, meth.keeps)
	n := callNode{recv: recv.node, name: e.Name, method: meth, args: args, pos: e.pos, late: x.assigns}
	if x.assigns {
		c.share(recv.node)
	}
	n.prepare(&c.patterns)
	for _, a := range args {
		n.cells = n.cells || a.cell
	}
	if meth.keeps || meth.id == mGet {
		x.node = &cellCallNode{n}
	} else {
		x.node = &n
	}
	x.visits += recv.visits + 4
	x.memory += recv.memory + cellSize
	x.depth = max(recv.depth, x.depth)
	x.assigns = x.assigns || recv.assigns
	return x
}

// args compiles arguments, below which pending operands lie on the stack. An argument is passed as a cell if the method
// keeps it, or if a later argument may change it before the call reads it.
func (c *compiler) args(list []expression, pending int, keeps bool) ([]argument, code) {
	sum := code{depth: pending + len(list)}
	if len(list) == 0 {
		return nil, sum
	}
	args := make([]argument, len(list))
	assigns := make([]bool, len(list))
	for i, e := range list {
		x := c.expr(e)
		args[i] = argument{node: x.node, cell: keeps}
		assigns[i] = x.assigns
		sum.visits += x.visits + 1
		sum.memory += x.memory
		sum.depth = max(sum.depth, pending+i+x.depth)
	}
	for i := len(list) - 1; i >= 0; i-- {
		args[i].cell = args[i].cell || sum.assigns
		sum.assigns = sum.assigns || assigns[i]
		if args[i].cell {
			c.share(args[i].node)
		}
	}
	return args, sum
}

func (c *compiler) newArray(e *newArray) code {
	kind, bad := elemType(e)
	if e.Size != nil {
		x := c.expr(e.Size)
		x.node = &newArrayNode{kind: kind, bad: bad, size: x.node, pos: e.pos}
		x.visits += 4
		x.memory += cellSize
		x.depth++
		return x
	}
	args, x := c.args(e.Elems, 1, false)
	x.node = &initArrayNode{kind: kind, bad: bad, elems: args, pos: e.pos}
	x.visits += 4
	x.memory += cellSize * int64(1+len(args))
	return x
}

func elemType(e *newArray) (Kind, *Error) {
	kind, ok := typeNames[e.Type]
	if ok {
		if array, ok := kind.array(); ok {
			return array, nil
		}
	}
	return kind, fail(FailUnsupported, "array type table does not include class:  ", e.Type).at(e.pos)
}

// exprPos is where an error about the value of e points.
func exprPos(e expression) int32 {
	switch e := e.(type) {
	case *name:
		return e.pos
	case *unary:
		return e.pos
	case *binary:
		return e.pos
	case *ternary:
		return exprPos(e.Cond)
	case *assign:
		return e.pos
	case *index:
		return e.pos
	case *field:
		return e.pos
	case *call:
		return e.pos
	case *newObject:
		return e.pos
	case *newArray:
		return e.pos
	case *literal:
		return e.pos
	}
	return 0
}
