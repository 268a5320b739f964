package yamldoc

import "maestro/internal/doc"

// spot says what may stand at a place in a block.
type spot struct {
	col        int  // where it is
	collection bool // a block list or mapping may begin on this line
	indentless bool // a list may stand as far left as the mapping around it
	tabbed     bool // tabs stand before it, so where it is means nothing
}

// value parses what belongs to an indicator that was just passed: on the same line, or below it and further right than
// parent, the column of the collection around. What is missing is null.
func (p *parser) value(parent int, s spot) (*doc.Node, error) {
	var own props
	s.tabbed = p.blanks()
	if !p.lineEnd() {
		s.col = p.at - p.bol
		if err := p.props(&own); err != nil {
			return nil, err
		}
		if !p.lineEnd() {
			return p.content(parent, s, props{}, own)
		}
	}
	return p.below(parent, own, s)
}

// below parses the value of which only the properties stood on the line of its indicator.
func (p *parser) below(parent int, outer props, s spot) (*doc.Node, error) {
	for pos := p.pos(); ; {
		p.toContent()
		further := p.indent > parent || s.indentless && p.indent == parent && p.indicator('-')
		if !further || p.peek(0) == 0 || p.anyMarker() {
			return p.empty(pos, outer)
		}
		s = spot{col: p.indent, collection: true, indentless: s.indentless, tabbed: p.tabs}
		var inner props
		if err := p.props(&inner); err != nil {
			return nil, err
		}
		if !p.lineEnd() {
			return p.content(parent, s, outer, inner)
		}
		if err := outer.add(inner); err != nil {
			return nil, err
		}
	}
}

// content parses the node at the cursor. Properties on the line of a key, inner, belong to the key; those above it,
// outer, to the mapping. Elsewhere both belong to the node.
func (p *parser) content(parent int, s spot, outer, inner props) (*doc.Node, error) {
	switch c := p.peek(0); {
	case p.indicator('-'), p.indicator('?'), p.indicator(':'):
		if err := p.mayBegin(s); err != nil {
			return nil, err
		}
		if inner.given && c != ':' {
			return nil, p.errorf("an anchor or tag of a list or mapping stands on a line of its own before it")
		}
		if c == '-' {
			return p.blockList(s.col, s.indentless && s.col == parent, outer)
		}
		k, err := p.blockKey(s.col)
		if err != nil {
			return nil, err
		}
		return p.blockMapping(s.col, k, outer)
	case c == '|' || c == '>':
		if err := outer.add(inner); err != nil {
			return nil, err
		}
		return p.blockScalar(parent, outer)
	case c == '[' || c == '{':
		if err := outer.add(inner); err != nil {
			return nil, err
		}
		pos := p.pos()
		n, err := p.flowCollection(outer)
		if err == nil && p.keyEnds() {
			_, err = keyName(n, pos)
		}
		return n, err
	}
	t, err := p.token(parent, false, inner)
	if err != nil {
		return nil, err
	}
	if !p.keyEnds() {
		if err := outer.add(inner); err != nil {
			return nil, err
		}
		return p.nodeOf(t, outer)
	}
	if err := p.mayBegin(s); err != nil {
		return nil, err
	}
	k, err := p.keyOf(t, inner)
	if err != nil {
		return nil, err
	}
	return p.blockMapping(s.col, k, outer)
}

// mayBegin refuses a block list or mapping where none can begin.
func (p *parser) mayBegin(s spot) error {
	switch {
	case !s.collection:
		return p.errorf("a list or mapping cannot begin here; put it on a line of its own, or put a text with %s in quotes", "\": \"")
	case s.tabbed:
		return p.errorf("a tab cannot indent; use spaces")
	}
	return nil
}

// keyEnds reports whether a colon makes what was just read a key, and goes to it.
func (p *parser) keyEnds() bool {
	if p.fresh() {
		return false // on a later line already
	}
	from := p.at
	p.blanks()
	if p.indicator(':') {
		return true
	}
	p.at = from
	return false
}

// endOfNode goes from the end of a node to the content of a later line.
func (p *parser) endOfNode() error {
	if !p.fresh() {
		if p.blanks(); !p.lineEnd() {
			return p.errorf("unexpected %s after a value", p.found())
		}
	}
	p.toContent()
	return nil
}

// ended reports whether a collection at col has no more lines.
func (p *parser) ended(col int) bool {
	return p.indent < col || p.peek(0) == 0 || p.anyMarker()
}

// aligned refuses a line that is neither part of the collection at col nor outside of it.
func (p *parser) aligned(col int, what string) error {
	switch {
	case p.indent > col:
		return p.errorf("this line is indented further than the %s it belongs to", what)
	case p.tabs:
		return p.errorf("a tab cannot indent; use spaces")
	}
	return nil
}

// blockList parses a list whose first dash is at the cursor.
func (p *parser) blockList(col int, indentless bool, own props) (*doc.Node, error) {
	return p.collection(doc.List, own, func(n *doc.Node) error {
		items := p.build.Items()
		for {
			p.at++
			v, err := p.value(col, spot{collection: true})
			if err != nil {
				return err
			}
			items.Add(v)
			if err := p.endOfNode(); err != nil {
				return err
			}
			if p.ended(col) || indentless && p.indent == col && !p.indicator('-') {
				items.Close(n)
				return nil
			}
			if err := p.aligned(col, "list"); err != nil {
				return err
			}
			if !p.indicator('-') {
				return p.errorf("expected \"- \" and the next element of the list")
			}
		}
	})
}

// blockMapping parses a mapping whose first key was read.
func (p *parser) blockMapping(col int, k key, own props) (*doc.Node, error) {
	return p.collectionAt(k.pos, doc.Object, own, func(n *doc.Node) error {
		m := p.mapping()
		for {
			v, err := p.blockMember(col, &k)
			if err != nil {
				return err
			}
			m.set(k, v)
			if err := p.endOfNode(); err != nil {
				return err
			}
			if p.ended(col) {
				return m.close(n)
			}
			if err := p.aligned(col, "mapping"); err != nil {
				return err
			}
			if k, err = p.blockKey(col); err != nil {
				return err
			}
		}
	})
}

// blockMember parses the value of a key. Behind a ? the key itself was not read yet.
func (p *parser) blockMember(col int, k *key) (*doc.Node, error) {
	anywhere := spot{collection: true, indentless: true}
	if k.explicit {
		p.at++
		n, err := p.value(col, anywhere)
		if err != nil {
			return nil, err
		}
		if k.name, err = keyName(n, k.pos); err != nil {
			return nil, err
		}
		if err := p.endOfNode(); err != nil {
			return nil, err
		}
		if p.indent != col || !p.indicator(':') {
			return p.empty(p.pos(), props{})
		}
		p.at++
		return p.value(col, anywhere)
	}
	p.at++
	return p.value(col, spot{indentless: true})
}

// blockKey reads the key that begins a line of a mapping, up to its colon.
func (p *parser) blockKey(col int) (key, error) {
	pos := p.pos()
	switch {
	case p.indicator('?'):
		return key{pos: pos, explicit: true}, nil
	case p.indicator(':'):
		return key{pos: pos}, nil
	case p.indicator('-'):
		return key{}, p.errorf("expected a key, not an element of a list")
	}
	var own props
	if err := p.props(&own); err != nil {
		return key{}, err
	}
	if p.indicator(':') {
		return key{pos: pos}, nil
	}
	t, err := p.token(col, false, own)
	if err != nil {
		return key{}, err
	}
	if !p.keyEnds() {
		return key{}, malformed(pos, "expected a key with \": \" after it")
	}
	return p.keyOf(t, own)
}
