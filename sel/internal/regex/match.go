package regex

import "unicode"

// matcher runs a program over one text.
type matcher struct {
	text   []rune
	regs   []int
	stack  []choice
	budget *int64
	last   int // end of the previous match
}

// choice is a place to go back to, or, if pc is negative, a register to restore on the way.
type choice struct {
	pc    int32
	pos   int32 // or the old value of register ^pc
	limit int32 // of a run of characters by opRepeat: how far it may shrink or grow; else noLimit
}

const noLimit = -1

// maxStack bounds the open alternatives of one match.
const maxStack = 1 << 20

// run executes prog at pos and gives the end of the match, negative if there is none.
func (m *matcher) run(prog []inst, pos int) (int, error) {
	base := len(m.stack)
	defer func() { m.stack = m.stack[:base] }()
	pc := 0
	for {
		if *m.budget--; *m.budget < 0 {
			return -1, ErrBudget
		}
		if len(m.stack) > maxStack {
			return -1, ErrDepth
		}
		i := &prog[pc]
		ok := true
		next := pc + 1
		switch i.op {
		case opMatch:
			return pos, nil
		case opSet:
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
	*m.budget -= int64(n)
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
	*m.budget -= int64(to - from)
	for k := from; k < to; k++ {
		a, b := m.text[k], m.text[*pos+k-from]
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
	before := append([]int(nil), m.regs...)
	for ; to >= from; to-- {
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
