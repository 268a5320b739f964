package yamldoc

import "maestro/internal/doc"

// key is the name of a member.
type key struct {
	name     string
	pos      doc.Pos
	merge    bool // a plain <<
	explicit bool // a ? stands before it, and it was not read yet
}

// keyOf makes a key of a token that a colon follows.
func (p *parser) keyOf(t token, own props) (key, error) {
	if t.node != nil { // an alias, a list or a mapping
		if own.given {
			return key{}, malformed(t.pos, "an alias cannot have an anchor or tag of its own, and a key must be a scalar")
		}
		name, err := keyName(t.node, t.pos)
		return key{name: name, pos: t.pos}, err
	}
	if t.lines {
		return key{}, malformed(t.pos, "a key must stand on one line; is a bracket or quote before it not closed?")
	}
	if own.anchor != "" {
		if _, err := p.nodeOf(t, own); err != nil {
			return key{}, err
		}
	}
	return key{name: t.text, pos: t.pos, merge: t.plain && t.text == "<<"}, nil
}

// keyName is the name that a node gives as a key.
func keyName(n *doc.Node, pos doc.Pos) (string, error) {
	if n.Kind == doc.List || n.Kind == doc.Object {
		return "", doc.Problem{Pos: pos, Message: "a key must be a scalar"}
	}
	return n.Written(), nil
}

// mapping collects members. As in JSON the last of two equal keys wins, in the place of the first. Merge keys add what
// the mapping does not have itself.
type mapping struct {
	fields doc.Fields
	merges []doc.Member
}

func (p *parser) mapping() *mapping { return &mapping{fields: p.build.Fields()} }

func (m *mapping) set(k key, v *doc.Node) {
	member := doc.Member{Name: k.name, Pos: k.pos, Value: v}
	if k.merge {
		m.merges = append(m.merges, member)
		return
	}
	m.fields.Set(member)
}

func (m *mapping) close(n *doc.Node) error {
	for _, merge := range m.merges {
		sources := []*doc.Node{merge.Value}
		if merge.Value.Kind == doc.List {
			sources = merge.Value.Items
		}
		for _, source := range sources {
			if source.Kind != doc.Object {
				return doc.Problem{Pos: merge.Pos, Message: "a merge key (<<) needs a mapping or a list of mappings"}
			}
			for i := range source.Members {
				if !m.fields.Has(source.Members[i].Name) {
					m.fields.Set(source.Members[i])
				}
			}
		}
	}
	m.fields.Close(n)
	return nil
}

// collection parses a list or object at the cursor with read, which fills it.
func (p *parser) collection(kind doc.Kind, own props, read func(*doc.Node) error) (*doc.Node, error) {
	return p.collectionAt(p.pos(), kind, own, read)
}

func (p *parser) collectionAt(pos doc.Pos, kind doc.Kind, own props, read func(*doc.Node) error) (*doc.Node, error) {
	if err := p.enter(pos); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.anchored(own, func() (*doc.Node, error) {
		n, err := p.build.Node(kind, pos)
		if err != nil {
			return nil, err
		}
		return n, read(n)
	})
}
