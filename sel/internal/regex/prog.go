package regex

import "maestro/internal/meter"

// inst is an instruction. Control goes to the next one unless it says otherwise.
type inst struct {
	op   op
	set  set
	n    int // register, group, or kind of assertion
	cost int // of asking set about one character
	x, y int // targets
	min  int
	max  int
	mode byte
	fold byte
	neg  bool
	sub  []inst // of look-around and atomic groups, ending in opMatch
}

type op uint8

const (
	opMatch   op = iota
	opSet        // one character of set
	opRepeat     // min to max characters of set, by mode
	opSplit      // try x, then y
	opJump       // go to x
	opSave       // register n is the position
	opSpin       // go to x unless nothing was matched since register n was saved
	opBackref    // the text of group n
	opAssert     // n holds here
	opAhead      // sub matches here, or not if neg
	opBehind     // sub matches up to here from min to max characters back, or not if neg
	opAtomic     // sub matches here; the first way is the only one
)

// Kinds of assertion.
const (
	assertStart = iota
	assertEnd   // before a final line end too
	assertLast  // \z
	assertLineStart
	assertLineEnd
	assertWord
	assertNotWord
	assertPrevious // \G, the end of the previous match
)

var escapedAsserts = map[rune]int{
	'b': assertWord, 'B': assertNotWord, 'A': assertStart, 'G': assertPrevious, 'z': assertLast, 'Z': assertEnd,
}

type compiler struct {
	meter  *meter.Meter
	prog   []inst
	groups int
	regs   int
	work   int // pieces compiled, counting each time they are written out
	full   bool
}

const errLarge = Error("regular expression is too large")

func (c *compiler) emit(i inst) int {
	if len(c.prog) >= maxProg {
		c.full = true
		return len(c.prog) - 1
	}
	c.prog = append(c.prog, i)
	return len(c.prog) - 1
}

func (c *compiler) node(n *node) error {
	// An empty piece emits nothing, however often it is repeated.
	if c.work++; c.full || c.work > maxProg {
		return errLarge
	}
	if !c.meter.Spend(instWork, instSize) {
		return c.meter.Err()
	}
	switch n.op {
	case nSet:
		c.emit(inst{op: opSet, set: n.set, cost: n.set.cost()})
	case nSeq:
		for _, s := range n.subs {
			if err := c.node(s); err != nil {
				return err
			}
		}
	case nAlt:
		return c.alt(n)
	case nRepeat:
		return c.repeat(n)
	case nGroup:
		c.emit(inst{op: opSave, n: 2 * n.n})
		if err := c.node(n.subs[0]); err != nil {
			return err
		}
		c.emit(inst{op: opSave, n: 2*n.n + 1})
	case nBackref:
		if n.n > c.groups {
			c.emit(inst{op: opSet, set: spans{}, cost: 1}) // a group that does not exist matches nothing
			return nil
		}
		c.emit(inst{op: opBackref, n: n.n, fold: n.fold})
	case nAssert:
		c.emit(inst{op: opAssert, n: n.n, fold: n.fold})
	case nAhead:
		return c.sub(n.subs[0], inst{op: opAhead, neg: n.neg})
	case nBehind:
		lo, hi := width(n.subs[0])
		if hi < 0 {
			return Error("look-behind group does not have an obvious maximum length")
		}
		return c.sub(n.subs[0], inst{op: opBehind, neg: n.neg, min: lo, max: hi})
	case nAtomic:
		return c.sub(n.subs[0], inst{op: opAtomic})
	}
	return nil
}

func (c *compiler) alt(n *node) error {
	var ends []int
	for i, s := range n.subs {
		split := -1
		if i < len(n.subs)-1 {
			split = c.emit(inst{op: opSplit})
			c.prog[split].x = len(c.prog)
		}
		if err := c.node(s); err != nil {
			return err
		}
		if split >= 0 {
			ends = append(ends, c.emit(inst{op: opJump}))
			c.prog[split].y = len(c.prog)
		}
	}
	for _, e := range ends {
		c.prog[e].x = len(c.prog)
	}
	return nil
}

func (c *compiler) repeat(n *node) error {
	body := n.subs[0]
	if body.op == nSet {
		c.emit(inst{op: opRepeat, set: body.set, cost: body.set.cost(), min: n.min, max: n.max, mode: n.mode})
		return nil
	}
	if n.mode == '+' {
		greedy := *n
		greedy.mode = 0
		return c.sub(&greedy, inst{op: opAtomic})
	}
	for range n.min {
		if err := c.node(body); err != nil {
			return err
		}
	}
	if n.max < 0 {
		return c.star(body, n.mode)
	}
	var splits []int
	for range n.max - n.min {
		splits = append(splits, c.split(n.mode))
		if err := c.node(body); err != nil {
			return err
		}
	}
	for _, s := range splits {
		c.leave(s, n.mode)
	}
	return nil
}

// star is body any number of times. A round that matches nothing is the last.
func (c *compiler) star(body *node, mode byte) error {
	reg := c.regs
	c.regs++
	top := c.split(mode)
	c.emit(inst{op: opSave, n: reg})
	if err := c.node(body); err != nil {
		return err
	}
	c.emit(inst{op: opSpin, n: reg, x: top})
	c.leave(top, mode)
	return nil
}

// split begins an optional piece; leave completes it when its end is known.
func (c *compiler) split(mode byte) int {
	s := c.emit(inst{op: opSplit})
	if mode == '?' {
		c.prog[s].y = len(c.prog)
	} else {
		c.prog[s].x = len(c.prog)
	}
	return s
}

func (c *compiler) leave(s int, mode byte) {
	if mode == '?' {
		c.prog[s].x = len(c.prog)
	} else {
		c.prog[s].y = len(c.prog)
	}
}

func (c *compiler) sub(body *node, i inst) error {
	outer := c.prog
	c.prog = nil
	err := c.node(body)
	c.emit(inst{op: opMatch})
	i.sub = c.prog
	c.prog = outer
	c.emit(i)
	return err
}

// widest is more than any text has.
const widest = 1 << 28

// width gives how many characters a node matches; a negative hi is no bound. A node is measured once: look-behinds may
// lie within each other.
func width(n *node) (lo, hi int) {
	if n.width == nil {
		lo, hi = measure(n)
		n.width = &[2]int{lo, hi}
	}
	return n.width[0], n.width[1]
}

func measure(n *node) (lo, hi int) {
	switch n.op {
	case nSet:
		return 1, 1
	case nBackref:
		return 0, -1
	case nSeq, nGroup, nAtomic:
		for _, s := range n.subs {
			l, h := width(s)
			lo += l
			if hi >= 0 && h >= 0 {
				hi += h
			} else {
				hi = -1
			}
		}
	case nAlt:
		lo = -1
		for _, s := range n.subs {
			l, h := width(s)
			if lo < 0 || l < lo {
				lo = l
			}
			if hi < 0 || h < 0 {
				hi = -1
			} else {
				hi = max(hi, h)
			}
		}
	case nRepeat:
		l, h := width(n.subs[0])
		lo = l * n.min
		switch {
		case n.max < 0 || h < 0:
			hi = -1
		default:
			hi = h * n.max
		}
	}
	return min(lo, widest), min(hi, widest)
}
