package output

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"maestro/internal/doc"
	"maestro/param"
)

// lines reads lines NAME=value, and NAME<<END with the lines up to END as value. Empty lines and those that begin with #
// say nothing. The value of a param that is a list or a map is JSON.
func (r *Reader) lines(text []byte) error {
	if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return errors.New("it is not UTF-8 text")
	}
	all := &doc.Node{Kind: doc.Object}
	places := make(map[string]int) // of the members
	lines := strings.Split(string(text), "\n")
	for i := 0; i < len(lines) && len(all.Members) <= maxParams; i++ {
		at := i + 1
		line := strings.TrimSuffix(lines[i], "\r")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if before, word, here := strings.Cut(line, "<<"); here && !strings.Contains(before, "=") && word != "" {
			end := slices.IndexFunc(lines[i+1:], func(l string) bool { return strings.TrimSuffix(l, "\r") == word })
			if end < 0 {
				return fmt.Errorf("line %d: there is no line %q to end the value", at, word)
			}
			name, value, ok = before, strings.Join(lines[i+1:i+1+end], "\n"), true
			i += end + 1
		}
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return fmt.Errorf("line %d is %s, which is neither NAME=value nor JSON", at, strconv.Quote(shortened(line)))
		}
		n := &doc.Node{Kind: doc.String, Text: value}
		if d := definition(r.Declared, name); d != nil && !d.Type.IsScalar() && d.Type != param.None {
			parsed, err := doc.ParseJSON([]byte(value), doc.Limits{Nodes: maxNodes})
			if err != nil {
				return fmt.Errorf("line %d: param %q is a %s, so its value must be JSON: %w", at, name, d.Type, err)
			}
			n = parsed
		}
		place(n, doc.Pos{Line: int32(at), Col: 1})
		i, again := places[name]
		if !again {
			i, places[name] = len(all.Members), len(all.Members)
			all.Members = append(all.Members, doc.Member{Name: name})
		}
		all.Members[i].Pos, all.Members[i].Value = n.Pos, n
	}
	var p doc.Problems
	return r.take(values(all, false, r.Declared, r.Time, &p), nil, &p)
}

// place says of all of n that it stands at one place.
func place(n *doc.Node, at doc.Pos) {
	n.Pos = at
	for _, item := range n.Items {
		place(item, at)
	}
	for _, m := range n.Members {
		place(m.Value, at)
	}
}
