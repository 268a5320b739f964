package doc

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits bounds what a parser accepts. A zero field means its default.
type Limits struct {
	Bytes int // of text; default 64 MiB
	Depth int // nesting of lists and objects; default 200
	Nodes int // values in the document; default 4,000,000
}

// OrDefaults returns l with the default for every field that is zero.
func (l Limits) OrDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Depth == 0 {
		l.Depth = 200
	}
	if l.Nodes == 0 {
		l.Nodes = 4_000_000
	}
	return l
}

// ParseJSON parses one JSON value (RFC 8259) and nothing after it. The error is a Problem that names line and column.
func ParseJSON(text []byte, limits Limits) (*Node, error) {
	p, n, err := parseJSON(text, limits)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.errorf("unexpected %s after the end of the document", p.found())
	}
	return n, nil
}

// ParseLeadingJSON parses the JSON value that text begins with. What follows it, from the first byte that is no white
// space, is returned as it is.
func ParseLeadingJSON(text []byte, limits Limits) (n *Node, rest []byte, err error) {
	p, n, err := parseJSON(text, limits)
	if err != nil {
		return nil, nil, err
	}
	return n, p.text[p.at:], nil
}

// parseJSON parses a value and the white space after it.
func parseJSON(text []byte, limits Limits) (*jsonParser, *Node, error) {
	limits = limits.OrDefaults()
	if len(text) > limits.Bytes {
		return nil, nil, Problem{Message: fmt.Sprintf("document has %d bytes, more than the limit %d", len(text), limits.Bytes)}
	}
	p := &jsonParser{text: text, limits: limits, line: 1}
	if bytes.HasPrefix(text, []byte("\uFEFF")) {
		p.at, p.lineStart = 3, 3 // a byte order mark says nothing, but some editors write it
	}
	p.space()
	n, err := p.value(0)
	if err != nil {
		return nil, nil, err
	}
	p.space()
	return p, n, nil
}

type jsonParser struct {
	text   []byte
	limits Limits

	at        int
	line      int
	lineStart int // offset of the first byte of the current line
	nodes     int
	words     map[string]string // interned names and short texts
	slab      []Node            // nodes are allocated many at a time
	members   []Member          // of the objects that are open
}

func (p *jsonParser) node() *Node {
	if len(p.slab) == 0 {
		p.slab = make([]Node, min(max(p.nodes, 8), 256))
	}
	n := &p.slab[0]
	p.slab = p.slab[1:]
	n.Pos = p.pos()
	return n
}

func (p *jsonParser) pos() Pos { return Pos{Line: int32(p.line), Col: int32(p.at - p.lineStart + 1)} }

func (p *jsonParser) errorf(format string, args ...any) error {
	return Problem{Pos: p.pos(), Message: fmt.Sprintf(format, args...)}
}

// found names the text at the cursor, for messages.
func (p *jsonParser) found() string {
	if p.at >= len(p.text) {
		return "end of input"
	}
	r, _ := utf8.DecodeRune(p.text[p.at:])
	return strconv.QuoteRune(r)
}

func (p *jsonParser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r':
			p.at++
		case '\n':
			p.at++
			p.line++
			p.lineStart = p.at
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) (*Node, error) {
	if p.at >= len(p.text) {
		return nil, p.errorf("unexpected end of input, expected a value")
	}
	if p.nodes++; p.nodes > p.limits.Nodes {
		return nil, p.errorf("document has more than %d values", p.limits.Nodes)
	}
	n := p.node()
	switch c := p.text[p.at]; {
	case c == '{':
		return n, p.object(n, depth)
	case c == '[':
		return n, p.list(n, depth)
	case c == '"':
		s, err := p.str()
		n.Kind, n.Text = String, s
		return n, err
	case c == '-' || c >= '0' && c <= '9':
		return n, p.number(n)
	case p.word("true"):
		n.Kind, n.Text = Bool, "true"
	case p.word("false"):
		n.Kind, n.Text = Bool, "false"
	case p.word("null"):
		n.Kind = Null
	default:
		return nil, p.errorf("unexpected %s, expected a value", p.found())
	}
	return n, nil
}

func (p *jsonParser) word(w string) bool {
	if !bytes.HasPrefix(p.text[p.at:], []byte(w)) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *jsonParser) object(n *Node, depth int) error {
	if depth >= p.limits.Depth {
		return p.errorf("document is nested more than %d levels deep", p.limits.Depth)
	}
	n.Kind = Object
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == '}' {
		p.at++
		return nil
	}
	// The members of all open objects stand on one stack, so that each list of members is allocated once and to size.
	base := len(p.members)
	defer func() {
		clear(p.members[base:])
		p.members = p.members[:base]
	}()
	var index map[string]int // built only for wide objects
	for {
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return p.errorf("unexpected %s, expected a field name in double quotes", p.found())
		}
		pos := p.pos()
		name, err := p.str()
		if err != nil {
			return err
		}
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ':' {
			return p.errorf("unexpected %s, expected ':' after field name %q", p.found(), name)
		}
		p.at++
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		index = p.setMember(base, index, Member{Name: name, Pos: pos, Value: v})
		more, err := p.more('}')
		if err != nil {
			return err
		}
		if !more {
			n.Members = append(make([]Member, 0, len(p.members)-base), p.members[base:]...)
			return nil
		}
	}
}

// setMember adds m to the members from base on, or replaces the member of the same name in its place: the last of two
// equal names wins.
func (p *jsonParser) setMember(base int, index map[string]int, m Member) map[string]int {
	const wide = 16
	members := p.members[base:]
	if index == nil && len(members) >= wide {
		index = make(map[string]int, 2*len(members))
		for i := range members {
			index[members[i].Name] = i
		}
	}
	at := -1
	if index != nil {
		if i, ok := index[m.Name]; ok {
			at = i
		}
		index[m.Name] = max(at, len(members))
	} else {
		for i := range members {
			if members[i].Name == m.Name {
				at = i
			}
		}
	}
	if at >= 0 {
		m.Repeated = true
		members[at] = m
		if index != nil {
			index[m.Name] = at
		}
		return index
	}
	p.members = append(p.members, m)
	return index
}

// intern returns b as a string, the same one for the same short bytes: documents repeat the same few hundred words.
func (p *jsonParser) intern(b []byte) string {
	const short, most = 24, 1024
	if len(b) > short {
		return string(b)
	}
	if have, ok := p.words[string(b)]; ok { // does not allocate
		return have
	}
	if p.words == nil {
		p.words = make(map[string]string)
	}
	s := string(b)
	if len(p.words) < most {
		p.words[s] = s
	}
	return s
}

func (p *jsonParser) list(n *Node, depth int) error {
	if depth >= p.limits.Depth {
		return p.errorf("document is nested more than %d levels deep", p.limits.Depth)
	}
	n.Kind = List
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ']' {
		p.at++
		return nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, v)
		more, err := p.more(']')
		if err != nil || !more {
			return err
		}
	}
}

// more consumes a comma (and reports true) or the closing bracket.
func (p *jsonParser) more(closing byte) (bool, error) {
	p.space()
	if p.at < len(p.text) {
		switch p.text[p.at] {
		case ',':
			p.at++
			p.space()
			return true, nil
		case closing:
			p.at++
			return false, nil
		}
	}
	return false, p.errorf("unexpected %s, expected ',' or '%c'", p.found(), closing)
}

func (p *jsonParser) number(n *Node) error {
	start := p.at
	digits := func() bool {
		from := p.at
		for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
			p.at++
		}
		return p.at > from
	}
	if p.text[p.at] == '-' {
		p.at++
	}
	zero := p.at < len(p.text) && p.text[p.at] == '0'
	first := p.at
	if !digits() || zero && p.at > first+1 {
		return p.errorf("malformed number %q", p.text[start:min(p.at+1, len(p.text))])
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		if !digits() {
			return p.errorf("malformed number %q, expected a digit after the point", p.text[start:p.at])
		}
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if !digits() {
			return p.errorf("malformed number %q, expected a digit in the exponent", p.text[start:p.at])
		}
	}
	if p.at-start > 1000 {
		return p.errorf("number has more than 1000 characters")
	}
	n.Kind, n.Text = Number, p.intern(p.text[start:p.at])
	return nil
}

func (p *jsonParser) str() (string, error) {
	start := p.at + 1
	i := start
	for i < len(p.text) && p.text[i] != '"' && p.text[i] != '\\' && p.text[i] >= 0x20 && p.text[i] < utf8.RuneSelf {
		i++
	}
	if i < len(p.text) && p.text[i] == '"' { // the common case: plain ASCII without escapes
		p.at = i + 1
		return p.intern(p.text[start:i]), nil
	}
	return p.slowStr(start, i)
}

func (p *jsonParser) slowStr(start, i int) (string, error) {
	out := append([]byte(nil), p.text[start:i]...)
	for i < len(p.text) {
		switch c := p.text[i]; {
		case c == '"':
			p.at = i + 1
			return string(out), nil
		case c < 0x20:
			p.at = i
			return "", p.errorf("control character %s inside a string, write it as an escape", strconv.QuoteRune(rune(c)))
		case c == '\\':
			r, n := p.escape(i)
			if n == 0 {
				p.at = i
				return "", p.errorf("unknown escape in a string")
			}
			out = utf8.AppendRune(out, r)
			i += n
		default:
			r, n := utf8.DecodeRune(p.text[i:])
			if r == utf8.RuneError && n <= 1 {
				p.at = i
				return "", p.errorf("text is not UTF-8")
			}
			out = append(out, p.text[i:i+n]...)
			i += n
		}
	}
	p.at = len(p.text)
	return "", p.errorf("unexpected end of input inside a string")
}

// escape decodes the escape at offset i and returns its rune and length, or length 0 when it is malformed. A lone
// surrogate becomes U+FFFD.
func (p *jsonParser) escape(i int) (rune, int) {
	if i+1 >= len(p.text) {
		return 0, 0
	}
	switch p.text[i+1] {
	case '"', '\\', '/':
		return rune(p.text[i+1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, ok := p.hex(i + 2)
		if !ok {
			return 0, 0
		}
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if i+7 < len(p.text) && p.text[i+6] == '\\' && p.text[i+7] == 'u' {
			if low, ok := p.hex(i + 8); ok {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					return full, 12
				}
			}
		}
		return utf8.RuneError, 6
	}
	return 0, 0
}

func (p *jsonParser) hex(i int) (rune, bool) {
	if i+4 > len(p.text) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.text[i:i+4]), 16, 32)
	return rune(v), err == nil
}
