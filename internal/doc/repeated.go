package doc

import (
	"strconv"
	"strings"
)

const repeatedMessage = "is given more than once"

// WarnRepeated warns of every name that an object of the document gives more than once: the last value counts, which is
// hardly what an author meant who wrote both. What p holds already is not said again, so a tree and what is made of it
// may both be looked at.
func WarnRepeated(n *Node, p *Problems) {
	r := repeated{p: p}
	r.walk(n)
}

// repeated walks a document. Parsers of JSON and YAML bound how deep it is.
type repeated struct {
	p    *Problems
	path []byte
	said map[Pos]bool // places of the warnings in p; made when the first name is found
}

func (r *repeated) walk(n *Node) {
	if n == nil {
		return
	}
	outer := len(r.path)
	for i, item := range n.Items {
		r.path = append(strconv.AppendInt(append(r.path, '['), int64(i), 10), ']')
		r.walk(item)
		r.path = r.path[:outer]
	}
	for i := range n.Members {
		m := &n.Members[i]
		r.enter(m.Name)
		if m.Repeated() {
			r.warn(m)
		}
		r.walk(m.Value)
		r.path = r.path[:outer]
	}
}

// enter appends a name to the path, and no more than a little of it: paths of problems stay readable.
func (r *repeated) enter(name string) {
	const longest, most = 80, 1024
	if len(r.path) > most {
		return
	}
	if len(r.path) > 0 {
		r.path = append(r.path, '.')
	}
	if len(name) > longest {
		name = name[:runeStart([]byte(name), longest)]
	}
	r.path = append(r.path, name...)
}

func (r *repeated) warn(m *Member) {
	if r.said == nil {
		r.said = make(map[Pos]bool)
		for i := range r.p.List {
			if strings.HasPrefix(r.p.List[i].Message, repeatedMessage) {
				r.said[r.p.List[i].Pos] = true
			}
		}
	}
	if r.said[m.Pos] {
		return
	}
	r.said[m.Pos] = true
	r.p.Add(Problem{Severity: Warning, Path: string(r.path), Pos: m.Pos,
		Message: repeatedMessage + ", before at " + m.First.String() + "; the last value counts"})
}
