package spec

import (
	"maestro/internal/doc"
	"maestro/param"
)

// Tag is a label of a workflow, a step or a param; the tags of a step are permits it must hold while it runs (§5.3).
type Tag = param.Tag

// Tags is a list of tags whose names differ. A nil list was not written, an empty one was.
type Tags []Tag

// Find returns the tag called name, or nil.
func (t Tags) Find(name string) *Tag {
	for i := range t {
		if t[i].Name == name {
			return &t[i]
		}
	}
	return nil
}

// AppendJSON appends the list, each tag as an object.
func (t Tags) AppendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range t {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendTag(dst, &t[i])
	}
	return append(dst, ']')
}

// AppendTag appends one tag as an object.
func AppendTag(dst []byte, t *Tag) []byte {
	dst = doc.AppendText(append(dst, '{'), "name", t.Name)
	if t.Namespace != "" {
		dst = doc.AppendText(dst, "namespace", t.Namespace)
	}
	for _, a := range t.Attributes {
		dst = doc.AppendNode(doc.AppendName(dst, a.Name), a.Value)
	}
	return append(dst, '}')
}

// DecodeTag reads one tag, a text or an object, and checks its name.
func DecodeTag(n *doc.Node, r Rules, p *doc.Problems) Tag {
	t, ok := newDecoder(r, p).tag(n)
	if ok {
		newValidator(n, r, p).name(t.Name)
	}
	return t
}

// tags reads a tag list (§5.3).
func (d *decoder) tags(n *doc.Node) Tags {
	if !d.want(n, doc.List) {
		return nil
	}
	tags := make(Tags, 0, len(n.Items))
	seen := make(map[string]bool, len(n.Items))
	d.bean("tags")
	for i, item := range n.Items {
		d.index(i)
		if t, ok := d.tag(item); ok {
			if seen[t.Name] {
				d.errorf(item, "[tag list definition] cannot contain duplicate tag names - rejected value is [%s]", t.Name)
			}
			seen[t.Name] = true
			tags = append(tags, t)
		}
		d.up()
	}
	d.up()
	return tags
}

// tag reads one tag. `attributes` is flattened into the tag; `permit` is for output only and ignored (§5.3).
func (d *decoder) tag(n *doc.Node) (Tag, bool) {
	if name, ok := n.AsText(); ok {
		return Tag{Name: name}, true
	}
	if n.Kind != doc.Object {
		d.errorf(n, "must be a tag name or an object, not %s", describe(n))
		return Tag{}, false
	}
	var t Tag
	ok := true
	for i := range n.Members {
		m := &n.Members[i]
		if m.Value.Kind == doc.Null {
			continue
		}
		d.field(m.Name)
		switch m.Name {
		case "name":
			t.Name, ok = d.text(m.Value)
		case "namespace":
			t.Namespace, _ = d.word(m.Value, namespaces)
		case "permit":
		case "attributes":
			if m.Value.Kind != doc.Object {
				t.Attributes = append(t.Attributes, param.Meta{Name: m.Name, Value: m.Value})
				break
			}
			for _, a := range m.Value.Members {
				if a.Value.Kind != doc.Null {
					t.Attributes = append(t.Attributes, param.Meta{Name: a.Name, Value: a.Value})
				}
			}
		default:
			t.Attributes = append(t.Attributes, param.Meta{Name: m.Name, Value: m.Value})
		}
		d.up()
	}
	return t, ok
}

// Extra is a member of an open object that has no meaning to the engine, kept as compact JSON.
type Extra struct {
	Name string
	JSON string
}

// Extras are the extra members of an open object, in the order in which they were written.
type Extras []Extra

func (e *Extras) add(m *doc.Member) {
	if m.Value.Kind == doc.Null {
		return // absent, like every null (§1)
	}
	*e = append(*e, Extra{Name: m.Name, JSON: string(doc.AppendNode(nil, m.Value))})
}

// appendTo prints the extras as members of the object that dst ends in.
func (e Extras) appendTo(dst []byte) []byte {
	for i := range e {
		dst = append(doc.AppendName(dst, e[i].Name), e[i].JSON...)
	}
	return dst
}

// User is who owns or changes something. Given as a text it is printed as a text, given as an object as an object (§5.2).
type User struct {
	Name   string
	Object bool
	Extras Extras
}

// AppendJSON appends the user in the form in which it was given.
func (u *User) AppendJSON(dst []byte) []byte {
	if !u.Object {
		return doc.AppendString(dst, u.Name)
	}
	dst = doc.AppendText(append(dst, '{'), "name", u.Name)
	return append(u.Extras.appendTo(dst), '}')
}

// user reads a user. The name must be a text; a number of JSON is none (§5.2).
func (d *decoder) user(n *doc.Node) *User {
	if name, ok := n.AsText(); ok {
		return &User{Name: name}
	}
	if n.Kind == doc.Object {
		u := &User{Object: true}
		named := false
		for i := range n.Members {
			m := &n.Members[i]
			if m.Name != "name" {
				u.Extras.add(m)
				continue
			}
			if name, ok := m.Value.AsText(); ok {
				u.Name, named = name, true
			}
		}
		if named {
			return u
		}
	}
	d.errorf(n, "must be a user name or an object with a text `name`, not %s", describe(n))
	return nil
}

func userField[T any](name, about string, at func(*T) **User) field[T] {
	return field[T]{name: name, about: about, shape: ref("user"),
		read: func(d *decoder, n *doc.Node, v *T) { *at(v) = d.user(n) },
		put: func(dst []byte, name string, v *T) []byte {
			if u := *at(v); u != nil {
				return u.AppendJSON(doc.AppendKey(dst, name))
			}
			return dst
		}}
}
