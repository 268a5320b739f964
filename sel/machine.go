package sel

import (
	"errors"
	"unsafe"

	"maestro/internal/meter"
	"maestro/sel/internal/joda"
)

// machine is the state of one run.
type machine struct {
	env    *Env
	slots  []slot
	infos  []slotInfo
	limits Limits
	zone   *joda.Zone // default zone

	meter  *meter.Meter
	result Value // of the last expression statement or return
	stack  []Value
	tails  [4]tail
	next   int // tails made so far; they are used in turn

	own    meter.Meter // for a run whose Env has none
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
	if m.meter = env.Meter; m.meter == nil {
		m.own.Reset(meter.Limits{Work: m.limits.Visits, Memory: m.limits.Memory})
		m.meter = &m.own
	}
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
	m.env, m.meter, m.result = nil, nil, Value{}
	if m.next > 0 {
		m.tails, m.next = [4]tail{}, 0
	}
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
	if !m.meter.Spend(c.visits, c.memory) || c.depth > m.limits.Stack {
		return m.exceeded(c.depth).at(c.pos)
	}
	return nil
}

func (m *machine) exceeded(depth int) *Error {
	if err := m.meter.Err(); err != nil {
		return refused(err)
	}
	return fail(FailStackLimit, "expression needs more than ", itoa(m.limits.Stack), " operands at once; it needs ", itoa(depth))
}

// refused is the error of a charge that the meter refused.
func refused(err error) *Error {
	e := &Error{Kind: FailVisitLimit, Message: err.Error(), Cause: err}
	if x, ok := errors.AsType[*meter.Exceeded](err); ok {
		switch x.What {
		case meter.Memory:
			e.Kind = FailMemoryLimit
		case meter.Stopped:
			e.Kind = FailTimeout
		}
	}
	return e
}

// spend charges steps and bytes before what they stand for happens.
func (m *machine) spend(steps, bytes int) *Error {
	if !m.meter.Spend(int64(steps), int64(bytes)) {
		return m.exceeded(0)
	}
	return nil
}

// work charges a built-in for copying or comparing bytes, which goes fast.
func (m *machine) work(bytes int) *Error { return m.spend(bytes>>6, 0) }

// scan charges a built-in for looking at each byte.
func (m *machine) scan(bytes int) *Error { return m.spend(bytes>>2, 0) }

// copied charges for a new text of so many bytes.
func (m *machine) copied(bytes int) *Error { return m.spend(bytes>>6, 2*bytes) }

// text charges for a new string made of s and returns it as a value. Strings that can be long are charged for before
// they are made.
func (m *machine) text(s string) (Value, *Error) {
	if err := m.copied(len(s)); err != nil {
		return Value{}, err
	}
	return String(s), nil
}

// finished is a text that was charged for while it was written.
func finished(t *meter.Text) (Value, *Error) {
	if err := t.Err(); err != nil {
		return Value{}, refused(err)
	}
	return String(t.Done()), nil
}

// tail is a text with room behind it. Nobody sees that room, so another text may be appended in it: a script that builds
// a text piece by piece does not copy it each time.
type tail struct {
	base      unsafe.Pointer
	len, room int
}

// smallText is what is copied rather than given room.
const smallText = 64

// joined is left followed by right.
func (m *machine) joined(left, right string) (Value, *Error) {
	n := len(left) + len(right)
	switch {
	case left == "":
		return String(right), nil
	case right == "":
		return String(left), nil
	case len(left) < smallText:
		if err := m.copied(n); err != nil {
			return Value{}, err
		}
		return String(left + right), nil
	}
	base := unsafe.Pointer(unsafe.StringData(left))
	for i := range m.tails {
		if t := &m.tails[i]; t.base == base && t.len == len(left) {
			return m.extended(t, left, right)
		}
	}
	// The first time a text is appended to it may be the last time.
	if err := m.copied(n); err != nil {
		return Value{}, err
	}
	v := String(left + right)
	m.tails[m.next%len(m.tails)] = tail{base: v.ptr, len: n}
	m.next++
	return v, nil
}

// extended appends right to the text of t, which is left, and moves it to twice the room if there is not enough.
func (m *machine) extended(t *tail, left, right string) (Value, *Error) {
	n := len(left) + len(right)
	if t.room < len(right) {
		if err := m.copied(2 * n); err != nil {
			return Value{}, err
		}
		buf := make([]byte, 2*n)
		copy(buf, left)
		*t = tail{base: unsafe.Pointer(unsafe.SliceData(buf)), len: len(left), room: 2*n - len(left)}
	}
	if err := m.work(len(right)); err != nil {
		return Value{}, err
	}
	copy(unsafe.Slice((*byte)(t.base), n)[len(left):], right)
	t.len, t.room = n, t.room-len(right)
	return Value{kind: KindString, bits: uint64(n), ptr: t.base}, nil
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
		m.meter.Spend(0, cellSize) // the next charge is refused if this one was
		return v, nil
	}
	v, err := m.admit(v, 0)
	if err != nil {
		err.Message = "input " + name + ": " + err.Message
	}
	return v, err
}
