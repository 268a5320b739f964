package regex

// class reads a character class after its opening bracket: characters, ranges, shorthands, nested classes, and && for
// what two have in common.
func (p *parser) class() (set, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.err("nested too deeply")
	}
	defer func() { p.depth-- }()
	negative := p.take("^")
	var left set // before the last &&
	var items union
	for first := true; ; first = false {
		p.skip()
		switch {
		case !p.more():
			return nil, p.err("unclosed character class")
		case p.looking("]") && (!first || left != nil):
			p.pos++
			s := meet(left, items)
			if negative {
				s = not{s}
			}
			return s, nil
		case p.take("["):
			s, err := p.class()
			if err != nil {
				return nil, err
			}
			items = append(items, s)
		case p.take("&&"):
			for p.take("&&") {
			}
			left, items = meet(left, items), nil
		default:
			s, err := p.classItem()
			if err != nil {
				return nil, err
			}
			items = append(items, s)
		}
	}
}

// meet intersects what is left of && with the items on its right; either side may be missing.
func meet(left set, items union) set {
	switch {
	case left == nil:
		return items.merged()
	case items == nil:
		return left
	}
	return both{left, items.merged()}
}

// classItem reads a character, a range or a shorthand.
func (p *parser) classItem() (set, error) {
	lo, s, err := p.classChar()
	if err != nil || s != nil {
		return s, err
	}
	if !p.looking("-") || p.pos+1 >= len(p.in) || p.in[p.pos+1] == ']' || p.in[p.pos+1] == '[' {
		return p.folded(one(lo)), nil
	}
	p.pos++
	hi, s, err := p.classChar()
	if err != nil {
		return nil, err
	}
	if s != nil || hi < lo {
		return nil, p.err("illegal character range")
	}
	return p.folded(spans{{lo, hi}}), nil
}

// classChar reads one character, or a shorthand as a set.
func (p *parser) classChar() (rune, set, error) {
	if !p.more() {
		return 0, nil, p.err("unclosed character class")
	}
	r := p.in[p.pos]
	p.pos++
	if r != '\\' {
		return r, nil, nil
	}
	if !p.more() {
		return 0, nil, p.err("illegal escape at the end")
	}
	r = p.in[p.pos]
	if s := shorthand(r); s != nil {
		p.pos++
		return 0, s, nil
	}
	if r == 'p' || r == 'P' {
		s, err := p.property()
		return 0, s, err
	}
	if r >= '1' && r <= '9' {
		return 0, nil, p.err("illegal escape in character class")
	}
	c, err := p.escapedChar()
	return c, nil, err
}
