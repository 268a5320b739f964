package regex

import "strconv"

// A node is a piece of a pattern.
type node struct {
	op   nodeOp
	set  set     // nSet
	subs []*node // nSeq, nAlt, and the one piece that others are about
	n    int     // group of nGroup and nBackref, kind of nAssert
	min  int     // nRepeat
	max  int     // nRepeat; -1 is no bound
	mode byte    // nRepeat: 0 greedy, '?' lazy, '+' possessive
	neg  bool    // nAhead, nBehind
	fold byte    // nBackref: as flags of the parser

	width *[2]int // as width found it, or nil
}

type nodeOp uint8

const (
	nEmpty nodeOp = iota
	nSet
	nSeq
	nAlt
	nRepeat
	nGroup
	nBackref
	nAssert
	nAhead
	nBehind
	nAtomic
)

// Flags of (?…).
const (
	flagI = 1 << iota // ignore case
	flagM             // ^ and $ at lines
	flagS             // . matches line ends too
	flagD             // only \n ends a line
	flagU             // ignoring case means all letters, not only ASCII
	flagX             // white space and # comments are skipped
)

const maxDepth = 250

type parser struct {
	in     []rune
	pos    int
	flags  byte
	groups int
	depth  int
	names  map[string]int
}

func (p *parser) parse() (*node, error) {
	n, err := p.alternatives()
	if err == nil && p.pos < len(p.in) {
		err = p.err("unmatched closing ')'")
	}
	return n, err
}

func (p *parser) err(what string) error {
	pattern := string(p.in[:min(len(p.in), 100)])
	if len(p.in) > 100 {
		pattern += "..."
	}
	return Error(what + " near index " + strconv.Itoa(p.pos) + " of pattern " + strconv.Quote(pattern))
}

func (p *parser) more() bool { return p.pos < len(p.in) }

func (p *parser) looking(s string) bool {
	for i, r := range s {
		if p.pos+i >= len(p.in) || p.in[p.pos+i] != r {
			return false
		}
	}
	return true
}

func (p *parser) take(s string) bool {
	if !p.looking(s) {
		return false
	}
	p.pos += len(s)
	return true
}

// skip passes over what flag x ignores.
func (p *parser) skip() {
	for p.flags&flagX != 0 && p.more() {
		switch r := p.in[p.pos]; {
		case blanks.has(r):
			p.pos++
		case r == '#':
			for p.more() && !terminators.has(p.in[p.pos]) {
				p.pos++
			}
		default:
			return
		}
	}
}

func (p *parser) alternatives() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.err("nested too deeply")
	}
	defer func() { p.depth-- }()
	alt := &node{op: nAlt}
	for {
		n, err := p.sequence()
		if err != nil {
			return nil, err
		}
		alt.subs = append(alt.subs, n)
		if !p.take("|") {
			break
		}
	}
	if len(alt.subs) == 1 {
		return alt.subs[0], nil
	}
	return alt, nil
}

func (p *parser) sequence() (*node, error) {
	seq := &node{op: nSeq}
	for {
		p.skip()
		if !p.more() || p.looking("|") || p.looking(")") {
			return seq, nil
		}
		if p.take(`\Q`) {
			p.quotation(seq)
			continue
		}
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n == nil { // flags
			continue
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		seq.subs = append(seq.subs, n)
	}
}

// quotation reads up to \E. A quantifier after it is about its last character.
func (p *parser) quotation(seq *node) {
	for p.more() && !p.take(`\E`) {
		n := p.char(p.in[p.pos])
		p.pos++
		if p.looking(`\E`) {
			p.pos += 2
			if q, err := p.quantified(n); err == nil {
				n = q
			}
			seq.subs = append(seq.subs, n)
			return
		}
		seq.subs = append(seq.subs, n)
	}
}

func (p *parser) char(r rune) *node { return &node{op: nSet, set: p.folded(one(r))} }

// folded is s without regard to case, if that is asked for. It is applied to what is written, before any negation.
func (p *parser) folded(s set) set {
	if p.flags&flagI != 0 {
		return fold{s, p.flags&flagU != 0}
	}
	return s
}

func (p *parser) atom() (*node, error) {
	r := p.in[p.pos]
	switch r {
	case '(':
		p.pos++
		return p.group()
	case '[':
		p.pos++
		s, err := p.class()
		if err != nil {
			return nil, err
		}
		return &node{op: nSet, set: s}, nil
	case '\\':
		p.pos++
		return p.escape()
	case '*', '+', '?':
		return nil, p.err("dangling meta character '" + string(r) + "'")
	case '{':
		return nil, p.err("illegal repetition")
	}
	p.pos++
	switch r {
	case '.':
		return &node{op: nSet, set: p.dot()}, nil
	case '^':
		return p.assert(assertLineStart, assertStart), nil
	case '$':
		return p.assert(assertLineEnd, assertEnd), nil
	}
	return p.char(r), nil
}

func (p *parser) dot() set {
	switch {
	case p.flags&flagS != 0:
		return everything
	case p.flags&flagD != 0:
		return not{newline}
	}
	return not{terminators}
}

func (p *parser) assert(multi, single int) *node {
	kind := single
	if p.flags&flagM != 0 {
		kind = multi
	}
	return &node{op: nAssert, n: kind, fold: p.flags}
}

func (p *parser) quantified(n *node) (*node, error) {
	for {
		p.skip()
		if !p.more() {
			return n, nil
		}
		lo, hi := 0, -1
		switch p.in[p.pos] {
		case '*':
		case '+':
			lo = 1
		case '?':
			hi = 1
		case '{':
			var ok bool
			if lo, hi, ok = p.counts(); !ok {
				return nil, p.err("illegal repetition")
			}
			p.pos--
		default:
			return n, nil
		}
		p.pos++
		rep := &node{op: nRepeat, subs: []*node{n}, min: lo, max: hi}
		switch {
		case p.take("?"):
			rep.mode = '?'
		case p.take("+"):
			rep.mode = '+'
		}
		if n.op == nRepeat {
			// Java refuses a** but reads a{2}{3} as a repetition of a repetition.
			if last := p.in[p.pos-1]; last != '}' {
				return nil, p.err("dangling meta character '" + string(last) + "'")
			}
		}
		n = rep
	}
}

// counts reads {n}, {n,} or {n,m}.
func (p *parser) counts() (lo, hi int, ok bool) {
	p.pos++
	if lo, ok = p.number(); !ok {
		return 0, 0, false
	}
	hi = lo
	if p.take(",") {
		hi = -1
		if !p.looking("}") {
			if hi, ok = p.number(); !ok || hi < lo {
				return 0, 0, false
			}
		}
	}
	return lo, hi, p.take("}")
}

func (p *parser) number() (int, bool) {
	start, n := p.pos, 0
	for p.more() && digits.has(p.in[p.pos]) {
		if n = n*10 + int(p.in[p.pos]-'0'); n > 1<<31-1 {
			return 0, false
		}
		p.pos++
	}
	return n, p.pos > start
}

// group reads what follows an opening parenthesis.
func (p *parser) group() (*node, error) {
	n := &node{op: nSeq}
	flags := p.flags
	switch {
	case !p.take("?"):
		p.groups++
		n = &node{op: nGroup, n: p.groups}
	case p.take(":"):
	case p.take("="):
		n = &node{op: nAhead}
	case p.take("!"):
		n = &node{op: nAhead, neg: true}
	case p.take("<="):
		n = &node{op: nBehind}
	case p.take("<!"):
		n = &node{op: nBehind, neg: true}
	case p.take(">"):
		n = &node{op: nAtomic}
	case p.take("<"):
		name, err := p.groupName()
		if err != nil {
			return nil, err
		}
		if _, ok := p.names[name]; ok {
			return nil, p.err("named capturing group <" + name + "> is already defined")
		}
		p.groups++
		p.names[name] = p.groups
		n = &node{op: nGroup, n: p.groups}
	default:
		done, err := p.setFlags()
		if err != nil || done {
			return nil, err // the flags hold to the end of the enclosing group
		}
	}
	body, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.err("unclosed group")
	}
	p.flags = flags
	n.subs = []*node{body}
	return n, nil
}

// groupName reads a name up to the closing angle bracket.
func (p *parser) groupName() (string, error) {
	start := p.pos
	for p.more() && nameRune(p.in[p.pos], p.pos == start) {
		p.pos++
	}
	name := string(p.in[start:p.pos])
	if name == "" || !p.take(">") {
		return "", p.err("bad group name")
	}
	return name, nil
}

func nameRune(r rune, first bool) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || !first && r >= '0' && r <= '9'
}

// setFlags reads (?i) or (?i-s: and reports whether the group ends there.
func (p *parser) setFlags() (done bool, err error) {
	off := false
	for p.more() {
		r := p.in[p.pos]
		p.pos++
		var f byte
		switch r {
		case 'i':
			f = flagI
		case 'm':
			f = flagM
		case 's':
			f = flagS
		case 'd':
			f = flagD
		case 'u', 'U':
			f = flagU
		case 'x':
			f = flagX
		case '-':
			if off {
				return false, p.err("unknown inline modifier")
			}
			off = true
			continue
		case ')':
			return true, nil
		case ':':
			return false, nil
		default:
			return false, p.err("unknown inline modifier")
		}
		if off {
			p.flags &^= f
		} else {
			p.flags |= f
		}
	}
	return false, p.err("unknown inline modifier")
}
