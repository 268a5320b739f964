package regex

import (
	"strconv"
	"unicode"
)

// escape reads what follows a backslash outside a class.
func (p *parser) escape() (*node, error) {
	if !p.more() {
		return nil, p.err("unexpected internal error")
	}
	r := p.in[p.pos]
	if s := shorthand(r); s != nil {
		p.pos++
		return &node{op: nSet, set: s}, nil
	}
	switch r {
	case 'b', 'B', 'A', 'G', 'z', 'Z':
		p.pos++
		return &node{op: nAssert, n: escapedAsserts[r], fold: p.flags}, nil
	case 'R':
		p.pos++
		crlf := &node{op: nSeq, subs: []*node{{op: nSet, set: one('\r')}, {op: nSet, set: one('\n')}}}
		return &node{op: nAlt, subs: []*node{crlf, {op: nSet, set: vertical}}}, nil
	case 'p', 'P':
		s, err := p.property()
		if err != nil {
			return nil, err
		}
		return &node{op: nSet, set: s}, nil
	case 'k':
		p.pos++
		if !p.take("<") {
			return nil, p.err(`\k is not followed by '<' for named capturing group`)
		}
		name, err := p.groupName()
		if err != nil {
			return nil, err
		}
		n, ok := p.names[name]
		if !ok {
			return nil, p.err("named capturing group <" + name + "> does not exist")
		}
		return &node{op: nBackref, n: n, fold: p.flags}, nil
	}
	if r >= '1' && r <= '9' {
		return p.backref(), nil
	}
	c, err := p.escapedChar()
	if err != nil {
		return nil, err
	}
	return p.char(c), nil
}

// backref reads the longest number of a group that exists; the first digit counts in any case.
func (p *parser) backref() *node {
	n := int(p.in[p.pos] - '0')
	p.pos++
	for p.more() && digits.has(p.in[p.pos]) && n*10+int(p.in[p.pos]-'0') <= p.groups {
		n = n*10 + int(p.in[p.pos]-'0')
		p.pos++
	}
	return &node{op: nBackref, n: n, fold: p.flags}
}

// property reads p or P and a name.
func (p *parser) property() (set, error) {
	negative := p.in[p.pos] == 'P'
	p.pos++
	if !p.more() {
		return nil, p.err("unknown character property")
	}
	name := string(p.in[p.pos])
	p.pos++
	if name == "{" {
		start := p.pos
		for p.more() && p.in[p.pos] != '}' {
			p.pos++
		}
		if !p.more() {
			return nil, p.err("unclosed character family")
		}
		name = string(p.in[start:p.pos])
		p.pos++
	}
	s, ok := property(name)
	if !ok {
		return nil, p.err("unknown character property name {" + name + "}")
	}
	s = p.folded(s)
	if negative {
		s = not{s}
	}
	return s, nil
}

// escapedChar reads an escape that stands for one character.
func (p *parser) escapedChar() (rune, error) {
	r := p.in[p.pos]
	p.pos++
	switch r {
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 'f':
		return '\f', nil
	case 'a':
		return '\a', nil
	case 'e':
		return 0x1B, nil
	case 'c':
		if !p.more() {
			return 0, p.err("illegal control escape sequence")
		}
		p.pos++
		return p.in[p.pos-1] ^ 64, nil
	case '0':
		return p.octal()
	case 'x':
		if p.take("{") {
			v, n := p.hex(8)
			if n == 0 || v > unicode.MaxRune || !p.take("}") {
				return 0, p.err("illegal hexadecimal escape sequence")
			}
			return v, nil
		}
		v, n := p.hex(2)
		if n != 2 {
			return 0, p.err("illegal hexadecimal escape sequence")
		}
		return v, nil
	case 'u':
		v, n := p.hex(4)
		if n != 4 {
			return 0, p.err("illegal Unicode escape sequence")
		}
		return v, nil
	}
	if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
		p.pos--
		return 0, p.err("illegal/unsupported escape sequence")
	}
	return r, nil
}

func (p *parser) octal() (rune, error) {
	v, n := rune(0), 0
	for p.more() && n < 3 && p.in[p.pos] >= '0' && p.in[p.pos] <= '7' && v*8+p.in[p.pos]-'0' <= 0xFF {
		v = v*8 + p.in[p.pos] - '0'
		p.pos++
		n++
	}
	if n == 0 {
		return 0, p.err("illegal octal escape sequence")
	}
	return v, nil
}

func (p *parser) hex(digits int) (v rune, n int) {
	for n < digits && p.more() {
		d, err := strconv.ParseUint(string(p.in[p.pos]), 16, 8)
		if err != nil {
			break
		}
		v = v<<4 | rune(d)
		p.pos++
		n++
	}
	return v, n
}
