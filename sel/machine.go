package sel

import "maestro/sel/internal/joda"

// machine is the state of one run.
type machine struct {
	env    *Env
	slots  []slot
	infos  []slotInfo
	limits Limits
	zone   *joda.Zone // default zone

	visits, memory int64
	ticks          uint32 // loop iterations, to look at Env.Cancelled now and then
	result         Value  // of the last expression statement or return
	stack          []Value

	few    [4]slot
	values [6]Value
}

// slot is a variable. Its cell is own, or one it shares with another variable, an array or a map.
type slot struct {
	cell   *Value // nil until first used
	own    Value
	absent bool // looked for among the inputs and not found
}

// slotInfo is what the compiler knows of a variable.
type slotInfo struct {
	name   string
	object Value // what the name stands for before it is assigned
	static bool  // object is set
	shared bool  // something else may hold the variable's cell, so a declaration needs a new one
}

func (m *machine) start(p *program, env *Env) *Error {
	m.env, m.infos = env, p.slots
	m.limits = env.Limits.withDefaults()
	switch {
	case m.slots != nil: // used before
	case len(p.slots) <= len(m.few):
		m.slots = m.few[:len(p.slots)]
	default:
		m.slots = make([]slot, len(p.slots))
	}
	if m.stack == nil {
		m.stack = m.values[:0]
	}
	m.zone = joda.UTC
	if env.DefaultZone != "" {
		z, ok := joda.ForID(env.DefaultZone)
		if !ok {
			return fail(FailIllegalArgument, "default time zone ", env.DefaultZone, " is not recognised")
		}
		m.zone = z
	}
	return nil
}

// reset forgets a run, so that the machine can serve another of the same script.
func (m *machine) reset() {
	clear(m.slots)
	clear(m.stack[:cap(m.stack)])
	m.stack = m.stack[:0]
	m.env, m.result = nil, Value{}
	m.visits, m.memory, m.ticks = 0, 0, 0
}

// cost is what a piece of straight-line code takes, added up by the compiler so that the machine counts once for all of
// it.
type cost struct {
	visits int64
	memory int64
	depth  int   // operands pending at once
	pos    int32 // where to report that it is too much
}

// enter charges c before its code runs.
func (m *machine) enter(c *cost) *Error {
	m.visits += c.visits
	m.memory += c.memory
	if m.visits >= m.limits.Visits || m.memory >= m.limits.Memory || c.depth > m.limits.Stack {
		return m.exceeded(c.depth).at(c.pos)
	}
	return nil
}

func (m *machine) exceeded(depth int) *Error {
	switch {
	case depth > m.limits.Stack:
		return fail(FailStackLimit, "expression needs more than ", itoa(m.limits.Stack), " operands at once")
	case m.memory >= m.limits.Memory:
		return fail(FailMemoryLimit, "values take ", itoa(m.limits.Memory), " bytes or more in all")
	}
	return fail(FailVisitLimit, "script takes ", itoa(m.limits.Visits), " steps or more")
}

// alloc charges memory for something before it is made.
func (m *machine) alloc(bytes int) *Error {
	m.memory += int64(bytes)
	if m.memory >= m.limits.Memory {
		return m.exceeded(0)
	}
	return nil
}

// work charges a built-in for reading or copying bytes, so that few steps cannot hide much work.
func (m *machine) work(bytes int) *Error {
	m.visits += int64(bytes) >> 6
	if m.visits >= m.limits.Visits {
		return m.exceeded(0)
	}
	return nil
}

// text charges for a new string made of s and returns it as a value.
func (m *machine) text(s string) (Value, *Error) {
	if err := m.alloc(2 * len(s)); err != nil {
		return Value{}, err
	}
	return String(s), m.work(len(s))
}

// tick is called at every loop back-edge.
func (m *machine) tick() *Error {
	if m.ticks++; m.ticks&1023 == 0 {
		return m.poll()
	}
	return nil
}

// poll asks whether the caller has given up.
func (m *machine) poll() *Error {
	if m.env.Cancelled != nil && m.env.Cancelled() {
		return fail(FailTimeout, "evaluation was cancelled")
	}
	return nil
}

// cellOf is the cell of slot i, taken from the inputs on first use, or nil if the name is unknown.
func (m *machine) cellOf(i int) (*Value, *Error) {
	s := &m.slots[i]
	if s.cell != nil || s.absent {
		return s.cell, nil
	}
	info := &m.infos[i]
	if info.static {
		s.own, s.cell = info.object, &s.own
		return s.cell, nil
	}
	if m.env.Lookup == nil {
		s.absent = true
		return nil, nil
	}
	v, ok, err := m.env.Lookup(info.name)
	switch {
	case err != nil:
		return nil, hostFailure("input "+info.name, err)
	case !ok:
		s.absent = true
		return nil, nil
	}
	v, failed := m.admitInput(info.name, v)
	if failed != nil {
		return nil, failed
	}
	s.own, s.cell = v, &s.own
	return s.cell, nil
}

// admitInput copies an input, so that the script can change it as it likes.
func (m *machine) admitInput(name string, v Value) (Value, *Error) {
	if v.kind >= KindLong && v.kind <= KindBoolean {
		m.memory += cellSize // the next statement looks at the limit
		return v, nil
	}
	v, err := m.admit(v, 0)
	if err != nil {
		err.Message = "input " + name + ": " + err.Message
	}
	return v, err
}
