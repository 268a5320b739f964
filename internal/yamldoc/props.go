package yamldoc

import (
	"errors"
	"strings"

	"maestro/internal/doc"
)

// props are the properties of a node: an anchor by which aliases name it, and a tag that says its type.
type props struct {
	given  bool
	pos    doc.Pos
	anchor string
	tag    string // "!!str" for the types of YAML, whatever handle they were given with
}

// add adds properties of the same node that stood on another line.
func (own *props) add(more props) error {
	switch {
	case !more.given:
		return nil
	case own.anchor != "" && more.anchor != "":
		return malformed(more.pos, "a value can have one anchor only")
	case own.tag != "" && more.tag != "":
		return malformed(more.pos, "a value can have one tag only")
	}
	if !own.given {
		own.pos = more.pos
	}
	own.given = true
	own.anchor += more.anchor
	own.tag += more.tag
	return nil
}

// props reads the properties at the cursor, and the blanks after them.
func (p *parser) props(own *props) error {
	for {
		one := props{given: true, pos: p.pos()}
		switch p.peek(0) {
		case '&':
			p.at++
			name, err := p.name("an anchor")
			if err != nil {
				return err
			}
			one.anchor = name
		case '!':
			tag, err := p.tag()
			if err != nil {
				return err
			}
			one.tag = tag
		default:
			return nil
		}
		if err := own.add(one); err != nil {
			return err
		}
		if c := p.peek(0); !isEnd(c) && !isFlow(c) {
			return p.errorf("expected a space after an anchor or tag")
		}
		p.blanks()
	}
}

// name reads the name of an anchor.
func (p *parser) name(what string) (string, error) {
	from := p.at
	for c := p.peek(0); !isEnd(c) && !isFlow(c) && !(c == ':' && isEnd(p.peek(1))); c = p.peek(0) {
		p.at++
	}
	if p.at == from {
		return "", p.errorf("expected the name of %s", what)
	}
	return p.build.Word(p.text[from:p.at]), nil
}

// coreTags is what "!!" stands for.
const coreTags = "tag:yaml.org,2002:"

// tag reads a tag: !local, !!core, !handle!suffix or !<verbatim>.
func (p *parser) tag() (string, error) {
	from := p.at
	if p.peek(1) == '<' {
		for c := p.peek(0); c != '>'; c = p.peek(0) {
			if isEnd(c) {
				return "", p.errorf("expected '>' at the end of a tag")
			}
			p.at++
		}
		p.at++
		return shortTag(string(p.text[from+2 : p.at-1])), nil
	}
	for c := p.peek(0); !isEnd(c) && !isFlow(c); c = p.peek(0) {
		p.at++
	}
	text := string(p.text[from:p.at])
	end := strings.LastIndexByte(text, '!') + 1
	handle, suffix := text[:end], text[end:]
	prefix, known := p.handles[handle]
	switch {
	case known:
		return shortTag(prefix + suffix), nil
	case handle == "!" || handle == "!!":
		return text, nil
	}
	return "", malformed(p.pos(), "tag handle %q is not defined by a %%TAG directive", handle)
}

func shortTag(tag string) string {
	if name, ok := strings.CutPrefix(tag, coreTags); ok {
		return "!!" + name
	}
	return "!<" + tag + ">"
}

// anchor is a node that aliases can name.
type anchor struct {
	node   *doc.Node
	size   int // values of it, itself included
	height int // levels of lists and objects, itself included
}

// anchored makes a node and, where its properties have an anchor, remembers it.
func (p *parser) anchored(own props, read func() (*doc.Node, error)) (*doc.Node, error) {
	if own.anchor == "" {
		return read()
	}
	if p.anchors == nil {
		p.anchors = make(map[string]anchor)
	}
	p.anchors[own.anchor] = anchor{} // an alias inside of the node itself
	nodes, deepest, level := p.build.Nodes(), p.deepest, p.depth
	p.deepest = level
	n, err := read()
	if err != nil {
		return nil, err
	}
	height := p.deepest - level
	if n.Kind == doc.List || n.Kind == doc.Object {
		height++ // collectionAt has gone into it already
	}
	p.anchors[own.anchor] = anchor{n, p.build.Nodes() - nodes, height}
	p.deepest = max(deepest, p.deepest)
	return n, nil
}

// alias reads an alias and returns the node it names.
func (p *parser) alias() (*doc.Node, error) {
	pos := p.pos()
	p.at++
	name, err := p.name("an alias")
	if err != nil {
		return nil, err
	}
	a, ok := p.anchors[name]
	switch {
	case !ok:
		return nil, malformed(pos, "unknown anchor '%s' referenced", name)
	case a.node == nil:
		return nil, malformed(pos, "anchor '%s' contains itself", name)
	case p.depth+a.height > p.limits.Depth:
		return nil, p.limits.TooDeep(pos)
	}
	p.deepest = max(p.deepest, p.depth+a.height)
	if err := p.build.Charge(a.size, pos); err != nil {
		if p, ok := errors.AsType[doc.Problem](err); ok {
			err = doc.Problem{Pos: pos, Message: p.Message + "; those repeated by aliases included"}
		}
		return nil, err
	}
	return a.node, nil
}
