package sel

import "strings"

// Template is a literal string with $name and ${name} in it, compiled for reuse. It is immutable and safe for
// concurrent use.
type Template struct {
	text  string
	parts []templatePart
	refs  []string
}

// templatePart is text to copy, or a name to look up.
type templatePart struct {
	text string
	name string
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
	t.refs = references(text)
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
				t.parts = append(t.parts, templatePart{name: name})
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
func references(text string) []string {
	var refs []string
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
		known := false
		for _, r := range refs {
			known = known || r == name
		}
		if !known {
			refs = append(refs, name)
		}
		i = end
	}
	return refs
}

// References are the names the template needs, in the order of their first appearance. The slice must not be changed.
func (t *Template) References() []string { return t.refs }

// Expand fills in the values that lookup finds. All references are looked up, and an unknown one is an error of kind
// [FailNotFound]. Values are not themselves expanded.
func (t *Template) Expand(lookup func(name string) (Value, bool, error)) (string, error) {
	if len(t.refs) == 0 {
		return t.plain(), nil
	}
	values := make([]string, len(t.refs))
	for i, name := range t.refs {
		v, ok, err := lookup(name)
		if err != nil {
			return "", hostFailure("Cannot interpolate ["+t.text+"], param ["+name+"]", err)
		}
		if !ok {
			return "", fail(FailNotFound, "Cannot interpolate [", t.text, "] as param [", name, "] is not found")
		}
		if values[i], err = interpolated(v); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		for i, name := range t.refs {
			if name == p.name {
				b.WriteString(values[i])
				break
			}
		}
	}
	return b.String(), nil
}

// plain is the text of a template without names.
func (t *Template) plain() string {
	if len(t.parts) == 1 {
		return t.parts[0].text
	}
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
	}
	return b.String()
}

// interpolated is a value inside a literal: arrays and maps as JSON, the rest as text.
func interpolated(v Value) (string, error) {
	if v.kind.IsArray() || v.kind == KindMap {
		return v.JSON()
	}
	return v.Text(), nil
}

// Interpolate expands a literal once.
func Interpolate(template string, lookup func(name string) (Value, bool, error)) (string, error) {
	return CompileTemplate(template).Expand(lookup)
}

// References are the names a literal refers to, in the order of their first appearance.
func References(template string) []string { return references(template) }
