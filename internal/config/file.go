package config

import (
	"errors"
	"fmt"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

// entry is what the file says about one setting.
type entry struct {
	texts []string
	line  int32
}

// fileReader walks the tree of a settings file.
type fileReader struct {
	table    *Table
	name     string
	found    map[string]entry
	problems []string
}

// parseFile reads a settings file: nested objects, or keys with dots, or both.
func (t *Table) parseFile(name string, text []byte) (map[string]entry, []string) {
	r := &fileReader{table: t, name: name, found: map[string]entry{}}
	if len(text) == 0 {
		return r.found, nil
	}
	root, err := yamldoc.Parse(text, doc.Limits{})
	if err != nil {
		line, message := int32(1), err.Error()
		if p, ok := errors.AsType[doc.Problem](err); ok {
			line, message = max(p.Pos.Line, 1), p.Message
		}
		return nil, []string{fmt.Sprintf("%s:%d: %s", name, line, message)}
	}
	r.object("", root)
	return r.found, r.problems
}

func (r *fileReader) problem(at doc.Pos, format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf("%s:%d: ", r.name, at.Line)+fmt.Sprintf(format, args...))
}

// object reads the members of an object whose own path is prefix. A null is like an empty one.
func (r *fileReader) object(prefix string, n *doc.Node) {
	switch {
	case n.Kind == doc.Object:
	case n.Kind == doc.Null:
		return
	case prefix == "":
		r.problem(n.Pos, "expected settings in the form KEY: VALUE")
		return
	default:
		r.problem(n.Pos, "%s holds settings, such as %s; it has no value of its own", prefix, r.table.under(prefix))
		return
	}
	for _, m := range n.Members {
		key := m.Name
		if prefix != "" {
			key = prefix + "." + key
		}
		if m.Repeated() {
			r.problem(m.Pos, "%s is set twice", key)
			continue
		}
		r.member(key, m)
	}
}

func (r *fileReader) member(key string, m doc.Member) {
	s := r.table.Setting(key)
	switch {
	case s == nil && r.table.under(key) != "":
		r.object(key, m.Value)
	case s == nil:
		r.problem(m.Pos, "there is no setting %s%s", key, r.hint(key, m.Value))
	default:
		if earlier, twice := r.found[key]; twice { // nested and with a dot
			r.problem(m.Pos, "%s is already set in line %d", key, earlier.line)
			return
		}
		if texts, ok := r.texts(s, m.Value); ok {
			r.found[key] = entry{texts: texts, line: m.Pos.Line}
		}
	}
}

// texts returns the value of a setting as text. A null is like not being there.
func (r *fileReader) texts(s *Setting, n *doc.Node) ([]string, bool) {
	switch n.Kind {
	case doc.Null:
		return nil, false
	case doc.String, doc.Number, doc.Bool:
		if s.value.kind == "string" || s.value.kind == "list" {
			return []string{n.Written()}, true // 007 is a text, and no number
		}
		return []string{n.Text}, true
	case doc.List:
		if s.value.kind != "list" {
			r.problem(n.Pos, "%s takes one value, not a list", s.Key)
			return nil, false
		}
		all := []string{}
		for _, item := range n.Items {
			texts, ok := r.texts(s, item)
			if !ok {
				return nil, false
			}
			all = append(all, texts...)
		}
		return all, true
	}
	r.problem(n.Pos, "%s takes a %s, not an %s", s.Key, s.value.kind, n.Kind)
	return nil, false
}

// under returns the first key below prefix, empty when there is none.
func (t *Table) under(prefix string) string {
	for _, s := range t.Settings {
		if strings.HasPrefix(s.Key, prefix+".") {
			return s.Key
		}
	}
	return ""
}
