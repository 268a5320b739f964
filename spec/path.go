package spec

import (
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// place is where a walk over a document stands. Its text is the path of the bean that the reference reports, such as
// workflow.steps[0].signalDependencies: property names in camel case, wrapper objects left out (§12.3). Its steps lead
// through the tree to the position in the text.
type place []hop

// hop is one step of a place: into a field, an element, or the value of a map key.
type hop struct {
	name  string // of the field as it is written
	index int    // of the element, where kind is hopIndex
	kind  hopKind
}

type hopKind uint8

const (
	hopField   hopKind = iota // name is a field of the document
	hopIndex                  // index is an element of a list
	hopKey                    // name is the key of a map
	hopWrapper                // the only value of a wrapper object, which the path does not show
	hopBean                   // name is a property of the reference's bean that the document does not have
)

func (p place) String() string {
	var b []byte
	for _, h := range p {
		h.name = clipName(h.name)
		switch h.kind {
		case hopIndex:
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(h.index), 10)
			b = append(b, ']')
		case hopKey:
			b = append(b, '[')
			b = append(b, h.name...)
			b = append(b, ']')
		case hopField, hopBean:
			if len(b) > 0 {
				b = append(b, '.')
			}
			b = appendCamel(b, h.name)
		}
	}
	return string(b)
}

// clipName shortens a name that no rule allows anyway: there can be a path for each problem, and each has all names around.
func clipName(name string) string {
	const most = 300
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// appendCamel appends snake_case as camelCase.
func appendCamel(dst []byte, name string) []byte {
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z' {
			i++
			dst = append(dst, name[i]-'a'+'A')
			continue
		}
		dst = append(dst, name[i])
	}
	return dst
}

// find returns the position in the text of the value at p, or of the nearest value around it. The position of a map
// entry is that of its key.
func (p place) find(n *doc.Node) doc.Pos {
	if n == nil {
		return doc.Pos{}
	}
	pos := n.Pos
	for _, h := range p {
		switch h.kind {
		case hopWrapper:
			if len(n.Members) != 1 || n.Members[0].Value.Kind != doc.Object {
				return pos
			}
			n = n.Members[0].Value
			pos = n.Pos
		case hopField, hopKey:
			var m *doc.Member
			for i := range n.Members {
				if n.Members[i].Name == h.name {
					m = &n.Members[i]
				}
			}
			if m == nil || m.Value == nil {
				return pos
			}
			n, pos = m.Value, m.Value.Pos
			if h.kind == hopKey {
				pos = m.Pos
			}
		case hopIndex:
			if h.index >= len(n.Items) {
				return pos
			}
			n = n.Items[h.index]
			pos = n.Pos
		}
	}
	return pos
}

// cursor walks a place.
type cursor struct{ at place }

func (c *cursor) field(name string) { c.at = append(c.at, hop{name: name}) }
func (c *cursor) bean(name string)  { c.at = append(c.at, hop{name: name, kind: hopBean}) }
func (c *cursor) key(name string)   { c.at = append(c.at, hop{name: name, kind: hopKey}) }
func (c *cursor) index(i int)       { c.at = append(c.at, hop{index: i, kind: hopIndex}) }
func (c *cursor) wrapper()          { c.at = append(c.at, hop{kind: hopWrapper}) }
func (c *cursor) up()               { c.at = c.at[:len(c.at)-1] }
func (c *cursor) path() string      { return c.at.String() }
