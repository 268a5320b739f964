package yamldoc

import "maestro/internal/doc"

// flowNode parses a value inside of a flow list or mapping.
func (p *parser) flowNode() (*doc.Node, error) {
	own, err := p.flowProps()
	if err != nil {
		return nil, err
	}
	if p.flowEmpty() {
		return p.empty(p.pos(), own)
	}
	t, err := p.token(-1, true, own)
	if err != nil {
		return nil, err
	}
	return p.nodeOf(t, own)
}

// flowProps reads properties, which may stand on lines of their own.
func (p *parser) flowProps() (own props, err error) {
	for {
		at := p.at
		if err := p.props(&own); err != nil {
			return own, err
		}
		p.toContent()
		if p.at == at {
			return own, nil
		}
	}
}

// flowEmpty reports whether what stands at the cursor ends a value before it began.
func (p *parser) flowEmpty() bool {
	switch c := p.peek(0); c {
	case ',', ']', '}':
		return true
	case ':':
		return p.flowColon(false)
	}
	return false
}

// flowColon reports whether a colon at the cursor ends a key. After a quoted key, as in JSON, nothing need follow it.
func (p *parser) flowColon(quoted bool) bool {
	if p.peek(0) != ':' {
		return false
	}
	next := p.peek(1)
	return quoted || isEnd(next) || isFlow(next)
}

// flowCollection parses the list or mapping at the cursor.
func (p *parser) flowCollection(own props) (*doc.Node, error) {
	if p.peek(0) == '[' {
		return p.collection(doc.List, own, p.flowList)
	}
	return p.collection(doc.Object, own, p.flowMapping)
}

// flowList parses a list up to its bracket. An element may be a mapping of one member without braces.
func (p *parser) flowList(n *doc.Node) error {
	items := p.build.Items()
	p.at++
	for {
		p.toContent()
		if p.peek(0) == ']' {
			p.at++
			items.Close(n)
			return nil
		}
		v, err := p.flowElement()
		if err != nil {
			return err
		}
		items.Add(v)
		if err := p.flowNext(']'); err != nil {
			return err
		}
	}
}

func (p *parser) flowElement() (*doc.Node, error) {
	if p.peek(0) == ',' {
		return nil, p.errorf("expected a value before ','")
	}
	pos := p.pos()
	if p.indicator('?') {
		return p.pair(pos, p.flowKey)
	}
	own, err := p.flowProps()
	if err != nil {
		return nil, err
	}
	if p.flowEmpty() {
		if p.peek(0) == ':' {
			return p.pair(pos, func() (key, bool, error) { return key{pos: pos}, true, nil })
		}
		return p.empty(p.pos(), own)
	}
	t, err := p.token(-1, true, own)
	if err != nil {
		return nil, err
	}
	from := p.at
	if p.blanks(); p.flowColon(t.quoted) {
		return p.pair(pos, func() (key, bool, error) {
			k, err := p.keyOf(t, own)
			return k, true, err
		})
	}
	p.at = from
	return p.nodeOf(t, own)
}

// pair makes a mapping of one member. read reads its key and reports whether a colon follows.
func (p *parser) pair(pos doc.Pos, read func() (key, bool, error)) (*doc.Node, error) {
	return p.collectionAt(pos, doc.Object, props{}, func(n *doc.Node) error {
		m := p.mapping()
		k, colon, err := read()
		if err != nil {
			return err
		}
		v, err := p.flowMember(colon)
		if err != nil {
			return err
		}
		m.set(k, v)
		return m.close(n)
	})
}

// flowMapping parses a mapping up to its brace.
func (p *parser) flowMapping(n *doc.Node) error {
	m := p.mapping()
	p.at++
	for {
		p.toContent()
		if p.peek(0) == '}' {
			p.at++
			return m.close(n)
		}
		k, colon, err := p.flowKey()
		if err != nil {
			return err
		}
		v, err := p.flowMember(colon)
		if err != nil {
			return err
		}
		m.set(k, v)
		if err := p.flowNext('}'); err != nil {
			return err
		}
	}
}

// flowKey reads a key and reports whether a colon follows.
func (p *parser) flowKey() (k key, colon bool, err error) {
	if p.indicator('?') {
		p.at++
		p.toContent()
	}
	pos := p.pos()
	own, err := p.flowProps()
	if err != nil {
		return k, false, err
	}
	if p.flowEmpty() {
		if p.peek(0) == ',' && !own.given {
			return k, false, p.errorf("expected a key before ','")
		}
		return key{pos: pos}, p.peek(0) == ':', nil
	}
	t, err := p.token(-1, true, own)
	if err != nil {
		return k, false, err
	}
	t.lines = false // inside of braces a key may have several lines
	p.toContent()
	k, err = p.keyOf(t, own)
	return k, p.flowColon(t.quoted), err
}

// flowMember parses the value after a key, which is null without a colon.
func (p *parser) flowMember(colon bool) (*doc.Node, error) {
	if !colon {
		return p.empty(p.pos(), props{})
	}
	p.at++
	p.toContent()
	return p.flowNode()
}

// flowNext goes over the comma after a value, or to the bracket that ends the collection.
func (p *parser) flowNext(closing byte) error {
	p.toContent()
	switch p.peek(0) {
	case ',':
		p.at++
		return nil
	case closing:
		return nil
	}
	if err := p.stillOpen(); err != nil {
		return err
	}
	return p.errorf("expected ',' or '%c', not %s", closing, p.found())
}

// stillOpen refuses the end of the text, or of the document, inside of brackets.
func (p *parser) stillOpen() error {
	if p.peek(0) == 0 || p.anyMarker() {
		return p.errorf("the document ends inside of a list or mapping; is a ] or } missing?")
	}
	return nil
}
