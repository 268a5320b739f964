package regex

import (
	"unicode"

	"maestro/internal/meter"
)

// matcher runs a program over one text.
type matcher struct {
	text  []rune
	regs  []int
	stack []choice
	saved []int // registers as they were before the groups that are open now
	last  int   // end of the previous match

	meter *meter.Meter
	steps int // not yet charged
	paid  int // choices that the stack has been charged for
	kept  int // registers that saved has been charged for
}

// stepWork is what a step is charged, and batch how many steps are charged at once.
const (
	stepWork = 3
	batch    = 1024
)

// settle charges the steps so far.
func (m *matcher) settle() error {
	n := m.steps
	m.steps = 0
	return m.meter.Work(stepWork * n)
}

// room charges for the stack before it grows beyond what was charged.
func (m *matcher) room() error {
	if len(m.stack) >= maxStack {
		return ErrDepth
	}
	more := min(max(m.paid, 64), maxStack-m.paid)
	m.paid += more
	return m.meter.Memory(growth * choiceSize * more)
}

// choice is a place to go back to, or, if pc is negative, a register to restore on the way.
type choice struct {
	pc    int32
	pos   int32 // or the old value of register ^pc
	limit int32 // of a run of characters by opRepeat: how far it may shrink or grow; else noLimit
}

const (
	noLimit    = -1
	choiceSize = 12
	regSize    = 8
	growth     = 4 // how much is allocated for an element of a slice that append makes grow
)

// maxStack bounds the open alternatives of one match.
const maxStack = 1 << 20

// run executes prog at pos and gives the end of the match, negative if there is none.
func (m *matcher) run(prog []inst, pos int) (int, error) {
	base := len(m.stack)
	pc := 0
	for {
		if m.steps++; m.steps >= batch {
			if err := m.settle(); err != nil {
				return -1, err
			}
		}
		if len(m.stack) >= m.paid {
			if err := m.room(); err != nil {
				return -1, err
			}
		}
		i := &prog[pc]
		ok := true
		next := pc + 1
		switch i.op {
		case opMatch:
			m.stack = m.stack[:base]
			return pos, nil
		case opSet:
			m.steps += i.cost - 1
			if ok = pos < len(m.text) && i.set.has(m.text[pos]); ok {
				pos++
			}
		case opRepeat:
			ok = m.repeat(i, pc, &pos)
		case opSplit:
			m.stack = append(m.stack, choice{int32(i.y), int32(pos), noLimit})
			next = i.x
		case opJump:
			next = i.x
		case opSave:
			m.set(i.n, pos)
		case opSpin:
			if m.regs[i.n] != pos {
				next = i.x
			}
		case opBackref:
			ok = m.backref(i, &pos)
		case opAssert:
			ok = m.assert(i, pos)
		default:
			var err error
			if ok, err = m.nested(i, &pos); err != nil {
				return -1, err
			}
		}
		if ok {
			pc = next
			continue
		}
		if pc, pos = m.back(prog, base); pc < 0 {
			return -1, nil
		}
	}
}

func (m *matcher) set(reg, v int) {
	m.stack = append(m.stack, choice{^int32(reg), int32(m.regs[reg]), noLimit})
	m.regs[reg] = v
}

// back takes the latest choice, undoing what happened since.
func (m *matcher) back(prog []inst, base int) (pc, pos int) {
	for len(m.stack) > base {
		c := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if c.pc < 0 {
			m.regs[^c.pc] = int(c.pos)
			continue
		}
		if c.limit == noLimit {
			return int(c.pc), int(c.pos)
		}
		if i := &prog[c.pc]; i.mode == '?' {
			m.steps += i.cost
			if !i.set.has(m.text[c.pos]) {
				continue
			}
			c.pos++
		} else {
			c.pos--
		}
		m.push(c)
		return int(c.pc) + 1, int(c.pos)
	}
	return -1, -1
}

// push leaves a run of characters to be shortened or extended later, unless it is at its limit.
func (m *matcher) push(c choice) {
	if c.pos != c.limit {
		m.stack = append(m.stack, c)
	}
}

func (m *matcher) repeat(i *inst, pc int, pos *int) bool {
	most := len(m.text) - *pos
	if i.max >= 0 {
		most = min(most, i.max)
	}
	want := most
	if i.mode == '?' {
		want = min(most, i.min)
	}
	n := 0
	for n < want && i.set.has(m.text[*pos+n]) {
		n++
	}
	m.steps += n * i.cost
	if n < i.min {
		return false
	}
	start := *pos
	*pos += n
	switch i.mode {
	case 0:
		m.push(choice{int32(pc), int32(*pos), int32(start + i.min)})
	case '?':
		m.push(choice{int32(pc), int32(*pos), int32(start + most)})
	}
	return true
}

func (m *matcher) backref(i *inst, pos *int) bool {
	from, to := m.regs[2*i.n], m.regs[2*i.n+1]
	if from < 0 || to < from || len(m.text)-*pos < to-from {
		return false
	}
	for k := from; k < to; k++ {
		a, b := m.text[k], m.text[*pos+k-from]
		m.steps++
		if a == b || i.fold&flagI != 0 && (swapASCII(a) == b || i.fold&flagU != 0 && unicode.ToLower(a) == unicode.ToLower(b)) {
			continue
		}
		return false
	}
	*pos += to - from
	return true
}

// nested runs the program inside a look-around or atomic group.
func (m *matcher) nested(i *inst, pos *int) (bool, error) {
	from, to := *pos, *pos
	if i.op == opBehind {
		from, to = max(0, *pos-i.max), *pos-i.min
	}
	base := len(m.saved)
	if more := base + len(m.regs) - m.kept; more > 0 {
		m.kept += more
		if err := m.meter.Memory(growth * regSize * more); err != nil {
			return false, err
		}
	}
	m.saved = append(m.saved, m.regs...)
	before := m.saved[base:]
	defer func() { m.saved = m.saved[:base] }()
	for ; to >= from; to-- {
		m.steps += 1 + len(before)/4
		end, err := m.run(i.sub, to)
		if err != nil {
			return false, err
		}
		if end < 0 || i.op == opBehind && end != *pos {
			copy(m.regs, before)
			continue
		}
		if i.neg {
			copy(m.regs, before)
			return false, nil
		}
		// What the group captured stays, until it is backtracked over.
		for r, old := range before {
			if v := m.regs[r]; v != old {
				m.regs[r] = old
				m.set(r, v)
			}
		}
		if i.op == opAtomic {
			*pos = end
		}
		return true, nil
	}
	return i.neg, nil
}

func (m *matcher) assert(i *inst, pos int) bool {
	ends := terminators
	if i.fold&flagD != 0 {
		ends = newline
	}
	size := len(m.text)
	switch i.n {
	case assertStart:
		return pos == 0
	case assertLast:
		return pos == size
	case assertPrevious:
		return pos == m.last
	case assertEnd:
		return pos == size || m.lineEnd(pos, ends) && (pos == size-1 || pos == size-2 && m.text[pos] == '\r' && m.text[pos+1] == '\n')
	case assertLineStart:
		if pos == 0 {
			return true
		}
		// Between \r and \n there is no line start, and none at the very end.
		return pos < size && ends.has(m.text[pos-1]) && (m.text[pos-1] != '\r' || m.text[pos] != '\n')
	case assertLineEnd:
		return pos == size || m.lineEnd(pos, ends)
	}
	before := pos > 0 && words.has(m.text[pos-1])
	after := pos < size && words.has(m.text[pos])
	return (before != after) == (i.n == assertWord)
}

// lineEnd reports whether a line ends at pos, which is before the \r of a pair and not between the two.
func (m *matcher) lineEnd(pos int, ends spans) bool {
	return pos < len(m.text) && ends.has(m.text[pos]) && (m.text[pos] != '\n' || pos == 0 || m.text[pos-1] != '\r' || len(ends) == 1)
}
