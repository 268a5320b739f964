package sel

import (
	"strings"

	"maestro/internal/meter"
)

// Template is a literal string with $name and ${name} in it, compiled for reuse. It is immutable and safe for
// concurrent use.
type Template struct {
	text  string
	parts []templatePart
	refs  []string
}

// templatePart is text to copy, or, if that is empty, a reference.
type templatePart struct {
	text string
	ref  int
}

// CompileTemplate compiles a literal. Every text is a template: a dollar that begins no name is itself.
//
// A dollar takes part in an escape, $$, unless it comes first or what comes before it is no dollar, or is itself
// preceded by one. That looks at the text as written, also at dollars already used, which decides what $$$$a means.
func CompileTemplate(text string) *Template {
	t := &Template{text: text}
	if strings.IndexByte(text, '$') < 0 {
		if text != "" {
			t.parts = []templatePart{{text: text}}
		}
		return t
	}
	refs := nameList{}
	references(text, &refs)
	t.refs = refs.names
	copied := 0 // text before it is in parts
	cut := func(upTo int) {
		if upTo > copied {
			t.parts = append(t.parts, templatePart{text: text[copied:upTo]})
		}
	}
	for i := 0; i < len(text); {
		if text[i] != '$' {
			i++
			continue
		}
		escape := i+1 < len(text) && text[i+1] == '$'
		if free(text, i) {
			if name, end := variable(text, i); end > 0 {
				cut(i)
				t.parts = append(t.parts, templatePart{ref: refs.find(name)})
				i, copied = end, end
				continue
			}
			if escape {
				if _, end := variable(text, i+1); end > 0 {
					cut(i)
					i, copied = end, i+1
					continue
				}
			}
		}
		if escape {
			cut(i)
			copied = i + 1 // of the two dollars the second is kept
			i += 2
			continue
		}
		i++
	}
	cut(len(text))
	return t
}

// free reports whether the dollar at i may begin a name.
func free(s string, i int) bool {
	return i == 0 || s[i-1] != '$' || i >= 2 && s[i-2] == '$'
}

// variable matches ${NAME} or $NAME at i. The end is zero if there is none.
func variable(s string, i int) (name string, end int) {
	if i+1 >= len(s) {
		return "", 0
	}
	if s[i+1] == '{' {
		if i+2 >= len(s) || !asciiLetter(s[i+2]) {
			return "", 0
		}
		end = i + 3
		for end < len(s) && (asciiLetter(s[end]) || isDigit(s[end]) || strings.IndexByte("-_./", s[end]) >= 0) {
			end++
		}
		if end == len(s) || s[end] != '}' {
			return "", 0
		}
		return s[i+2 : end], end + 1
	}
	if !asciiLetter(s[i+1]) {
		return "", 0
	}
	end = i + 2
	for end < len(s) && (asciiLetter(s[end]) || isDigit(s[end]) || s[end] == '_') {
		end++
	}
	return s[i+1 : end], end
}

func asciiLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// references collects the names that must exist. It does not know of escapes that an earlier dollar has used up, so it
// reports a for $$$$a although that prints $$a; the original does the same, and its users see the error.
func references(text string, refs *nameList) {
	for i := 0; i < len(text); {
		if text[i] != '$' || !free(text, i) {
			i++
			continue
		}
		name, end := variable(text, i)
		if end == 0 {
			i++
			continue
		}
		if refs.find(name) < 0 {
			refs.add(name)
		}
		i = end
	}
}

// Expand fills in the values that lookup finds, and charges m for all that is written. All references are looked up, and
// an unknown one is an error of kind [FailNotFound]. Values are not themselves expanded. A nil m has the default limits.
func (t *Template) Expand(m *meter.Meter, lookup func(name string) (Value, bool, error)) (string, error) {
	if m == nil {
		m = meter.New(meter.Limits{})
	}
	values := make([]string, len(t.refs))
	size := 0
	for i, name := range t.refs {
		v, ok, err := lookup(name)
		if err != nil {
			return "", hostFailure("Cannot interpolate ["+clip(t.text, 1000)+"], param ["+name+"]", err)
		}
		if !ok {
			return "", fail(FailNotFound, "Cannot interpolate [", clip(t.text, 1000), "] as param [", name, "] is not found")
		}
		var failed *Error
		if values[i], failed = interpolated(m, v); failed != nil {
			return "", failed
		}
	}
	for i := range t.parts {
		size += len(t.piece(i, values))
	}
	if err := m.Work(partWork * (len(t.parts) + len(t.refs))); err != nil {
		return "", refused(err)
	}
	out := meter.Text{Meter: m}
	out.Grow(size)
	for i := range t.parts {
		out.String(t.piece(i, values))
	}
	if err := out.Err(); err != nil {
		return "", refused(err)
	}
	return out.Done(), nil
}

// partWork is what filling in one part takes, its text apart.
const partWork = 4

// piece is part i with its value filled in.
func (t *Template) piece(i int, values []string) string {
	if p := &t.parts[i]; p.text != "" {
		return p.text
	}
	return values[t.parts[i].ref]
}

// interpolated is a value inside a literal: arrays and maps as JSON, the rest as text.
func interpolated(m *meter.Meter, v Value) (string, *Error) {
	if v.kind.IsArray() || v.kind == KindMap {
		return v.json(m)
	}
	return textOf(v), nil
}

// Interpolate expands a literal once, and charges m also for taking it apart.
func Interpolate(m *meter.Meter, template string, lookup func(name string) (Value, bool, error)) (string, error) {
	if m != nil {
		// A dollar and a letter can be a part of their own.
		if !m.Spend(int64(len(template)), 24*int64(len(template))) {
			return "", refused(m.Err())
		}
	}
	return CompileTemplate(template).Expand(m, lookup)
}

// References are the names a literal refers to, in the order of their first appearance.
func References(template string) []string {
	var refs nameList
	references(template, &refs)
	return refs.names
}
