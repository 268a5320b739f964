package param

import (
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// Tag is a tag of a param (definition 5.3). Given as a plain name or as an object, printed as an object.
type Tag struct {
	Name       string
	Namespace  string // canonical upper-case; "" when not given
	Attributes []Meta // other keys in order
}

func tagsEqual(a, b []Tag) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if findTag(b, a[i].Name) < 0 {
			return false
		}
	}
	return true
}

func findTag(tags []Tag, name string) int {
	for i := range tags {
		if tags[i].Name == name {
			return i
		}
	}
	return -1
}

func unionTags(a, b []Tag) []Tag {
	if len(b) == 0 {
		return a
	}
	out := a[:len(a):len(a)]
	for _, t := range b {
		if findTag(a, t.Name) < 0 {
			out = append(out, t)
		}
	}
	return out
}

var tagNamespaces = []string{"", "SYSTEM", "RUNTIME", "JOB_TEMPLATE", "NOTEBOOK_TEMPLATE", "USER_DEFINED", "PLATFORM"}

// tags reads a tag list (definition 5.3).
func (r *reader) tags(n *doc.Node, path string) []Tag {
	if n.IsNull() {
		return nil
	}
	if n.Kind != doc.List {
		r.p.Errorf(n, path, "must be an array of tags, not %s", article(n.Kind))
		return nil
	}
	out := make([]Tag, 0, len(n.Items))
	seen := make(map[string]bool, len(n.Items))
	for i, item := range n.Items {
		at := path + "[" + strconv.Itoa(i) + "]"
		t, ok := r.tag(item, at)
		if !ok {
			continue
		}
		if seen[t.Name] {
			r.p.Errorf(item, at, "[tag list definition] cannot contain duplicate tag names: %s", t.Name)
			continue
		}
		seen[t.Name] = true
		out = append(out, t)
	}
	return out
}

func (r *reader) tag(n *doc.Node, path string) (Tag, bool) {
	if name, ok := n.AsText(); ok && name != "" {
		return Tag{Name: name}, true
	}
	if n.Kind != doc.Object && n.Kind != doc.String {
		r.p.Errorf(n, path, "must be a tag name or a tag object, not %s", article(n.Kind))
		return Tag{}, false
	}
	var t Tag
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "name":
			if !m.Value.IsNull() {
				t.Name, _ = r.text(m.Value, join(path, m.Name))
			}
		case "namespace":
			if m.Value.IsNull() {
				continue
			}
			i, ok := parseName(tagNamespaces, m.Value.Text)
			if !ok {
				r.p.Errorf(m.Value, join(path, m.Name), "unknown tag namespace '%s', must be one of [%s]", clip(m.Value.Text), strings.Join(tagNamespaces[1:], ", "))
			}
			t.Namespace = tagNamespaces[i]
		case "permit": // output only, derived from the tag's permit; given back to us it means nothing
		case "attributes":
			if m.Value.Kind == doc.Object {
				for j := range m.Value.Members {
					t.Attributes = append(t.Attributes, Meta{m.Value.Members[j].Name, m.Value.Members[j].Value})
				}
				continue
			}
			fallthrough
		default:
			if !m.Value.IsNull() {
				t.Attributes = append(t.Attributes, Meta{m.Name, m.Value})
			}
		}
	}
	if t.Name == "" {
		r.p.Errorf(n, path, "tag must have a name")
		return t, false
	}
	return t, true
}
