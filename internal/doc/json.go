package doc

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ParseJSON parses one JSON value (RFC 8259) and nothing after it. The error is a Problem that names line and column.
func ParseJSON(text []byte, limits Limits) (*Node, error) {
	p, n, err := parseJSON(text, limits, true)
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
	p, n, err := parseJSON(text, limits, false)
	if err != nil {
		return nil, nil, err
	}
	return n, p.text[p.at:], nil
}

// parseJSON parses a value and the white space after it. A whole text ends there.
func parseJSON(text []byte, limits Limits, whole bool) (*jsonParser, *Node, error) {
	limits = limits.OrDefaults()
	if err := limits.CheckSize(text); err != nil {
		return nil, nil, err
	}
	p := &jsonParser{text: text, limits: limits, line: 1, build: NewBuilder(limits)}
	if bytes.HasPrefix(text, []byte("\uFEFF")) {
		p.at, p.lineStart = 3, 3 // a byte order mark says nothing, but some editors write it
	}
	p.space()
	if whole {
		if err := p.checkCount(); err != nil {
			return nil, nil, err
		}
	}
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
	build     *Builder
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
	n, err := p.build.Node(Null, p.pos())
	if err != nil {
		return nil, err
	}
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

// checkCount counts the values of a text that could hold too many, so that one which does is refused before any is made.
// In malformed text the count means little, but there the limit is as good a reason as any other.
func (p *jsonParser) checkCount() error {
	if len(p.text)/2 < p.limits.Nodes {
		return nil
	}
	ahead := *p
	count, first := 1, false // first: a list or object was opened, and nothing of it was seen yet
	for ; ahead.at < len(ahead.text); ahead.at++ {
		ahead.space()
		if ahead.at >= len(ahead.text) {
			break
		}
		c := ahead.text[ahead.at]
		if c == ',' || first && c != ']' && c != '}' {
			if count++; count > p.limits.Nodes {
				return p.limits.TooMany(ahead.pos())
			}
		}
		if first = c == '[' || c == '{'; c == '"' {
			ahead.skipString()
		}
	}
	return nil
}

// skipString goes to the quote that ends the string at the cursor.
func (p *jsonParser) skipString() {
	for p.at++; p.at < len(p.text) && p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
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
		return p.limits.TooDeep(p.pos())
	}
	n.Kind = Object
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == '}' {
		p.at++
		return nil
	}
	fields := p.build.Fields()
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
		fields.Set(Member{Name: name, Pos: pos, Value: v})
		more, err := p.more('}')
		if err != nil {
			return err
		}
		if !more {
			fields.Close(n)
			return nil
		}
	}
}

func (p *jsonParser) list(n *Node, depth int) error {
	if depth >= p.limits.Depth {
		return p.limits.TooDeep(p.pos())
	}
	n.Kind = List
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ']' {
		p.at++
		return nil
	}
	items := p.build.Items()
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		items.Add(v)
		more, err := p.more(']')
		if err != nil {
			return err
		}
		if !more {
			items.Close(n)
			return nil
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
	n.Kind, n.Text = Number, p.build.Word(p.text[start:p.at])
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
		return p.build.Word(p.text[start:i]), nil
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
