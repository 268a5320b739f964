package sel

// signal is how a statement ended.
type signal uint8

const (
	sigNone     signal = iota // without a value
	sigData                   // with a value in machine.result
	sigReturn                 // with a value, and the script ends
	sigBreak                  // the innermost loop ends
	sigContinue               // the innermost loop goes on
)

// step is a compiled statement.
type step interface {
	exec(m *machine) (signal, *Error)
}

type exprStep struct {
	x    node
	cost cost
}

func (s *exprStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	v, err := s.x.eval(m)
	if err != nil {
		return sigNone, err
	}
	m.result = v
	return sigData, nil
}

type returnStep struct {
	x    node
	cost cost
}

func (s *returnStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	v, err := s.x.eval(m)
	m.result = v
	return sigReturn, err
}

type throwStep struct {
	x    node
	cost cost
	pos  int32
}

func (s *throwStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	v, err := s.x.eval(m)
	if err != nil {
		return sigNone, err
	}
	if v.kind != KindString {
		return sigNone, fail(FailIllegalArgument, "throw needs a STRING, not ", v.kind.String()).at(s.pos)
	}
	m.result = thrown(textOf(v))
	return sigReturn, nil
}

type jumpStep struct {
	sig  signal
	cost cost
}

func (s *jumpStep) exec(m *machine) (signal, *Error) { return s.sig, m.enter(&s.cost) }

// blockStep is a block. A whole script is one too, but runs by other rules: see machine.script.
type blockStep struct {
	body []step
	cost cost
}

func (s *blockStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	last := sigNone
	for _, b := range s.body {
		sig, err := b.exec(m)
		if err != nil || sig >= sigReturn {
			return sig, err
		}
		last = sig
	}
	return last, nil
}

// ifStep drops the value of its branch: a condition never leaves one.
type ifStep struct {
	cond      node
	then, els step // els may be nil
	cost      cost
	pos       int32
}

func (s *ifStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	v, err := s.cond.eval(m)
	if err != nil {
		return sigNone, err
	}
	if v.kind != KindBoolean {
		return sigNone, notBoolean("if", v).at(s.pos)
	}
	branch := s.then
	if v.bits == 0 {
		if branch = s.els; branch == nil {
			return sigNone, nil
		}
	}
	sig, err := branch.exec(m)
	if sig == sigData {
		sig = sigNone
	}
	return sig, err
}

func notBoolean(what string, v Value) *Error {
	return fail(FailClassCast, "condition of ", what, " must be BOOLEAN, not ", v.kind.String())
}

// loopStep is while and for.
type loopStep struct {
	init   step // may be nil
	cond   node // may be nil
	update node // may be nil
	// doUpdate is update if its value need not be made.
	doUpdate doer
	body     step
	cost     cost // of one round without its body
	what     string
	pos      int32
}

func (s *loopStep) exec(m *machine) (signal, *Error) {
	if s.init != nil {
		if _, err := s.init.exec(m); err != nil {
			return sigNone, err
		}
	}
	for n := 1; ; n++ {
		if err := m.enter(&s.cost); err != nil {
			return sigNone, err
		}
		if s.cond != nil {
			v, err := s.cond.eval(m)
			if err != nil {
				return sigNone, err
			}
			if v.kind != KindBoolean {
				return sigNone, notBoolean(s.what, v).at(s.pos)
			}
			if v.bits == 0 {
				return sigNone, nil
			}
		}
		sig, err := s.body.exec(m)
		if err != nil || sig == sigReturn {
			return sig, err
		}
		if sig == sigBreak {
			return sigNone, nil
		}
		switch {
		case s.doUpdate != nil:
			err = s.doUpdate.do(m)
		case s.update != nil:
			_, err = s.update.eval(m)
		}
		if err != nil {
			return sigNone, err
		}
		if n >= m.limits.Loop {
			return sigNone, fail(FailLoopLimit, "loop ran ", itoa(n), " times").at(s.pos)
		}
	}
}

// declStep declares one variable. A declared name is bound to the very cell its value comes from.
type declStep struct {
	slot int
	kind Kind
	bad  *Error // the type is not one; reported when the declaration runs
	init node   // may be nil
	cost cost
	pos  int32
}

func (s *declStep) exec(m *machine) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	if s.bad != nil {
		e := *s.bad
		return sigNone, &e
	}
	v := &m.slots[s.slot]
	if s.init == nil {
		m.declare(s.slot, v, initial(s.kind))
		return sigNone, nil
	}
	if alias, ok := s.init.(cellNode); ok {
		c, err := alias.cell(m)
		if err != nil {
			return sigNone, err
		}
		if c.kind != s.kind {
			return sigNone, s.mismatch(c.kind)
		}
		v.cell = c
		return sigNone, nil
	}
	x, err := s.init.eval(m)
	if err != nil {
		return sigNone, err
	}
	if x.kind != s.kind {
		return sigNone, s.mismatch(x.kind)
	}
	m.declare(s.slot, v, x)
	return sigNone, nil
}

// declare gives a variable a cell of its own, the old one again if nobody else can hold it.
func (m *machine) declare(i int, s *slot, v Value) {
	switch {
	case m.infos[i].shared:
		s.cell = &Value{}
	default:
		s.cell = &s.own
	}
	*s.cell = v
}

func (s *declStep) mismatch(got Kind) *Error {
	return fail(FailTypeMismatch, "variable of type ", s.kind.String(), " cannot hold ", got.String()).at(s.pos)
}
