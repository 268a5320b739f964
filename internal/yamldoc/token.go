package yamldoc

import (
	"maestro/internal/doc"
)

// token is a node that may turn out to be a key: a scalar that has no type yet, or a finished node.
type token struct {
	pos    doc.Pos
	text   string
	plain  bool
	quoted bool      // or a flow collection: a colon may follow without a space
	lines  bool      // has line breaks in the text
	node   *doc.Node // alias or flow collection
}

// token reads an alias, a flow collection, or a scalar that is no block scalar. own are the properties before it; an
// anchor of a flow collection is set here, that of a scalar by nodeOf.
func (p *parser) token(parent int, flow bool, own props) (token, error) {
	t := token{pos: p.pos()}
	if flow {
		if err := p.stillOpen(); err != nil {
			return t, err
		}
	}
	bol := p.bol
	var err error
	switch c := p.peek(0); c {
	case '*':
		t.node, err = p.alias()
	case '[', '{':
		t.node, err = p.flowCollection(own)
		t.quoted = true
	case '"':
		t.text, err = p.doubleQuoted()
		t.quoted = true
	case '\'':
		t.text, err = p.singleQuoted()
		t.quoted = true
	default:
		if !p.plainBegins(flow) {
			return t, p.cannotBegin()
		}
		t.plain = true
		t.text, t.lines, err = p.plain(parent, flow)
		return t, err
	}
	t.lines = p.bol != bol
	return t, err
}

// cannotBegin is the refusal of what no value begins with.
func (p *parser) cannotBegin() error {
	switch c := p.peek(0); c {
	case 0:
		return p.errorf("unexpected end of the text, expected a value")
	case '@', '`', '%', ',', '|', '>', '#':
		return p.errorf("a text cannot begin with %s; put it in quotes", p.found())
	default:
		return p.errorf("unexpected %s, expected a value", p.found())
	}
}

// nodeOf makes the node of a token that is no key.
func (p *parser) nodeOf(t token, own props) (*doc.Node, error) {
	if t.node != nil {
		if own.given && !t.quoted {
			return nil, malformed(t.pos, "an alias cannot have an anchor or tag of its own")
		}
		return t.node, nil
	}
	return p.scalarNode(t.pos, t.text, t.plain, own)
}

// scalarNode makes a scalar of its text: quoted and block scalars are texts, plain ones what they look like, and a tag
// decides where there is one.
func (p *parser) scalarNode(pos doc.Pos, text string, plain bool, own props) (*doc.Node, error) {
	return p.anchored(own, func() (*doc.Node, error) {
		n, err := p.build.Node(doc.String, pos)
		if err != nil {
			return nil, err
		}
		n.Text = text
		switch own.tag {
		case "":
			if !plain {
				return n, nil
			}
		case "!", "!!str", "!!binary":
			return n, nil
		}
		n.Kind, n.Text = resolve(text)
		if n.Kind == doc.Bool || n.Kind == doc.Number {
			n.SetPlain(text)
		}
		return n, nil
	})
}

// empty makes the value that is not there.
func (p *parser) empty(pos doc.Pos, own props) (*doc.Node, error) {
	return p.scalarNode(pos, "", true, own)
}
