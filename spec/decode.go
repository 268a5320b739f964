package spec

import (
	"math"
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// decoder reads a tree into values and reports what it cannot read. It goes on after a problem, so that one pass finds
// all of them.
type decoder struct {
	cursor
	rules Rules
	p     *doc.Problems

	// step reads one wrapped step; a field rather than a call since steps hold lists of steps, and the tables that
	// describe them may not refer to themselves.
	step func(d *decoder, n *doc.Node) *Step

	// maxSteps, when set, is how many steps of a workflow are read: one that has more is refused by Validate unread.
	maxSteps int
}

func newDecoder(r Rules, p *doc.Problems, at ...hop) *decoder {
	return &decoder{cursor: cursor{at: append(make(place, 0, 16), at...)}, rules: r.orDefaults(), p: p, step: decodeStep}
}

func (d *decoder) errorf(n *doc.Node, format string, args ...any) {
	if d.p.Full(doc.Error) {
		return // before the cost of a path
	}
	d.p.Errorf(n, d.path(), format, args...)
}

// errorAt is errorf for the name of a member.
func (d *decoder) errorAt(pos doc.Pos, format string, args ...any) {
	d.errorf(&doc.Node{Pos: pos}, format, args...)
}

// want reports whether n is of the given kind, and says so when it is not.
func (d *decoder) want(n *doc.Node, k doc.Kind) bool {
	if n.Kind == k {
		return true
	}
	d.errorf(n, "must be %s, not %s", withArticle(k), describe(n))
	return false
}

func withArticle(k doc.Kind) string {
	switch k {
	case doc.List, doc.Object:
		return "an " + k.String()
	}
	return "a " + k.String()
}

// describe names a value for messages: the value itself where that is short.
func describe(n *doc.Node) string {
	switch n.Kind {
	case doc.Bool, doc.Number:
		return n.Kind.String() + " " + clip(n.Written())
	case doc.String:
		return "string " + strconv.Quote(clip(n.Text))
	case doc.Null:
		return "null"
	}
	return withArticle(n.Kind)
}

// clip shortens a text for a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// text reads a text; numbers and booleans count as their text (§1), as it is written.
func (d *decoder) text(n *doc.Node) (string, bool) {
	switch n.Kind {
	case doc.String, doc.Number, doc.Bool:
		return n.Written(), true
	}
	d.errorf(n, "must be a string, not %s", describe(n))
	return "", false
}

// long reads an integer: a fraction is cut off, a numeric text is parsed (§1).
func (d *decoder) long(n *doc.Node) (int64, bool) {
	switch n.Kind {
	case doc.Number:
		if v, ok := truncate(n.Text); ok {
			return v, true
		}
		d.errorf(n, "integer %s does not fit into 64 bits", clip(n.Text))
		return 0, false
	case doc.String:
		if v, err := strconv.ParseInt(strings.TrimSpace(n.Text), 10, 64); err == nil {
			return v, true
		}
	}
	d.errorf(n, "must be an integer, not %s", describe(n))
	return 0, false
}

// truncate reads a JSON number as an integer, its fraction cut off.
func truncate(text string) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return v, true
	}
	if whole, _, found := strings.Cut(text, "."); found && !strings.ContainsAny(text, "eE") {
		if whole == "-0" {
			return 0, true
		}
		v, err := strconv.ParseInt(whole, 10, 64)
		return v, err == nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(f) >= math.MaxInt64 {
		return 0, false
	}
	return int64(f), true
}

// boolean reads a boolean; the texts true and false count, and numbers: zero is false (§1).
func (d *decoder) boolean(n *doc.Node) (value, ok bool) {
	switch n.Kind {
	case doc.Bool:
		return n.Text == "true", true
	case doc.Number:
		f, _ := strconv.ParseFloat(n.Text, 64)
		return f != 0, true
	case doc.String:
		switch strings.ToLower(strings.TrimSpace(n.Text)) {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	d.errorf(n, "must be true or false, not %s", describe(n))
	return false, false
}

// word reads a member of an enum.
func (d *decoder) word(n *doc.Node, e *enum) (string, bool) {
	text, ok := n.AsText()
	if !ok {
		d.errorf(n, "must be a %s, not %s", e.what, describe(n))
		return "", false
	}
	if w, ok := e.parse(text); ok {
		return w, true
	}
	d.errorf(n, "unknown %s `%s`%s; known are %s", e.what, clip(text), doc.Suggest(text, e.words), strings.Join(e.words, ", "))
	return "", false
}

// texts reads a list of texts.
func (d *decoder) texts(n *doc.Node) []string {
	if !d.want(n, doc.List) {
		return nil
	}
	out := make([]string, 0, len(n.Items))
	for i, item := range n.Items {
		d.index(i)
		if s, ok := d.text(item); ok {
			out = append(out, s)
		}
		d.up()
	}
	return out
}

// set reads a list of texts as a set: repeated elements count once (§3.2).
func (d *decoder) set(n *doc.Node) []string {
	list := d.texts(n)
	seen := make(map[string]bool, len(list))
	out := list[:0]
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
