package sel

import "maestro/internal/meter"

// program is what runs: nodes with slots for names and costs added up.
type program struct {
	body  blockStep
	slots []slotInfo
	bytes int // that compiled patterns take
	// shared is set if the cell of some variable may live on in a result, so that a machine serves one run only.
	shared bool
}

// compiler turns a tree into a program in one pass.
type compiler struct {
	slots []slotInfo
	names nameList
	inner int // ifs and loops around, which drop the values of statements

	patterns meter.Meter // of regular expressions
}

// maxPatterns bounds the memory of the regular expressions that a script keeps compiled.
const maxPatterns = 2_000_000

func compile(t *tree) *program {
	c := &compiler{}
	c.patterns.Reset(meter.Limits{Memory: maxPatterns})
	p := &program{}
	p.body.cost.visits = 1
	for _, s := range t.body {
		if st := c.stmt(s); st != nil {
			p.body.body = append(p.body.body, st...)
		} else {
			p.body.body = append(p.body.body, &emptyStep{})
		}
	}
	p.slots = c.slots
	_, bytes := c.patterns.Spent()
	p.bytes = int(bytes)
	for i := range p.slots {
		p.shared = p.shared || p.slots[i].shared
	}
	return p
}

// emptyStep is an import.
type emptyStep struct{}

func (*emptyStep) exec(*machine) (signal, *Error) { return sigNone, nil }

func (c *compiler) slot(word string) int {
	if i := c.names.find(word); i >= 0 {
		return i
	}
	info := slotInfo{name: word}
	info.object, info.static = staticObject(word)
	c.slots = append(c.slots, info)
	return c.names.add(word)
}

// stmt compiles a statement. Only a declaration of several variables becomes more than one step.
func (c *compiler) stmt(s statement) []step {
	switch s := s.(type) {
	case *importStmt:
		return nil
	case *declStmt:
		return c.decl(s)
	}
	return []step{c.single(s)}
}

func (c *compiler) single(s statement) step {
	switch s := s.(type) {
	case *exprStmt:
		x := c.expr(s.X)
		st := x.statement(1, exprPos(s.X))
		if c.inner == 0 {
			return &exprStep{x.node, st}
		}
		do, _ := x.node.(doer)
		return &dropStep{x.node, do, st}
	case *returnStmt:
		x := c.expr(s.X)
		return &returnStep{x.node, x.statement(1, exprPos(s.X))}
	case *throwStmt:
		x := c.expr(s.X)
		return &throwStep{x.node, x.statement(1, s.pos), s.pos}
	case *jumpStmt:
		sig := sigBreak
		if s.Continue {
			sig = sigContinue
		}
		return &jumpStep{sig, cost{visits: 1}}
	case *blockStmt:
		b := &blockStep{cost: cost{visits: 1}}
		for _, item := range s.Body {
			b.body = append(b.body, c.stmt(item)...)
		}
		return b
	case *ifStmt:
		c.inner++
		defer func() { c.inner-- }()
		x := c.expr(s.Cond)
		st := &ifStep{cond: x.node, cost: x.statement(1, s.pos), pos: exprPos(s.Cond), then: c.single(s.Then)}
		if s.Else != nil {
			st.els = c.single(s.Else)
		}
		return st
	case *loopStmt:
		return c.loop(s)
	}
	panic("sel: unknown statement")
}

func (c *compiler) loop(s *loopStmt) step {
	c.inner++
	defer func() { c.inner-- }()
	st := &loopStep{what: "for", pos: s.pos}
	if s.While {
		st.what = "while"
	}
	st.cost = cost{visits: 1, pos: s.pos}
	if s.Init != nil {
		if init := c.stmt(s.Init); len(init) == 1 {
			st.init = init[0]
		} else {
			st.init = &blockStep{body: init}
		}
	}
	if s.Cond != nil {
		x := c.expr(s.Cond)
		st.cond = x.node
		st.cost.add(x.statement(1, s.pos))
		st.pos = exprPos(s.Cond)
	}
	if s.Update != nil {
		x := c.expr(s.Update)
		st.update = x.node
		st.doUpdate, _ = x.node.(doer)
		st.cost.add(x.statement(0, s.pos))
	}
	st.body = c.single(s.Body)
	return st
}

func (c *compiler) decl(s *declStmt) []step {
	kind, bad := resolveType(s.Type)
	var steps []step
	for i, v := range s.Vars {
		st := &declStep{kind: kind, bad: bad, pos: v.pos, cost: cost{visits: 4, depth: 1, pos: v.pos}}
		if i > 0 {
			st.cost.visits = 2
		}
		if v.Init != nil {
			x := c.expr(v.Init)
			st.init = x.node
			st.cost.add(x.statement(0, v.pos))
			st.cost.depth = x.depth + 1
			c.share(x.node)
		}
		st.slot = c.slot(v.Name)
		steps = append(steps, st)
	}
	return steps
}

// resolveType finds the kind that a declaration names, or the error it will fail with.
func resolveType(t typeRef) (Kind, *Error) {
	kind, ok := typeNames[t.Name]
	if !ok {
		return kind, fail(FailUnsupported, "type table does not include class:  ", t.Name).at(t.pos)
	}
	if !t.Array {
		return kind, nil
	}
	array, ok := kind.array()
	if !ok {
		return kind, fail(FailIllegalArgument, "there are no arrays of ", t.Name).at(t.pos)
	}
	return array, nil
}

// share marks the variables whose cells n may yield: something besides the variable will hold the cell.
func (c *compiler) share(n node) {
	switch n := n.(type) {
	case *slotNode:
		c.slots[n.slot].shared = true
	case *assignNode:
		c.slots[n.slot].shared = true
	case *ternaryNode:
		c.share(n.then)
		c.share(n.els)
	case *cellCallNode:
		for _, a := range n.args {
			if a.cell {
				c.share(a.node)
			}
		}
	}
}

func (a *cost) add(b cost) {
	a.visits += b.visits
	a.memory += b.memory
	a.depth = max(a.depth, b.depth)
}
