package yamldoc

import "bytes"

// plainBegins reports whether a plain scalar can begin at the cursor.
func (p *parser) plainBegins(flow bool) bool {
	switch c := p.peek(0); c {
	case 0, '\n', '\r', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return false
	case '-':
		return !isEnd(p.peek(1))
	case '?', ':':
		next := p.peek(1)
		return !isEnd(next) && !(flow && isFlow(next))
	}
	return true
}

// plain reads a plain scalar. It goes on over lines that are indented further than parent; a line break inside of it is
// a space, and each empty line a line break.
func (p *parser) plain(parent int, flow bool) (text string, lines bool, err error) {
	first := p.plainLine(flow)
	var out []byte
	for isBreak(p.peek(0)) {
		breaks := 0
		for isBreak(p.peek(0)) {
			p.newline()
			breaks++
		}
		if p.peek(0) == 0 || p.peek(0) == '#' || p.anyMarker() || !flow && p.indent <= parent {
			break
		}
		more := p.plainLine(flow)
		if len(more) == 0 {
			break // punctuation
		}
		if out == nil {
			out = append(out, first...)
		}
		out = append(appendFold(out, breaks), more...)
		if !flow && p.peek(0) == ':' {
			return "", true, p.errorf("a key must stand on one line; put a text with %s in quotes", "\": \"")
		}
	}
	if out != nil {
		return string(out), true, nil
	}
	return p.build.Word(first), false, nil
}

// plainLine reads what belongs to a plain scalar on the line of the cursor, without blanks at its end. The cursor stops
// where the scalar does: at a colon that ends a key, before a comment, at punctuation of flow, or at the end of the
// line.
func (p *parser) plainLine(flow bool) []byte {
	from, end := p.at, p.at
	defer func() { p.visits += p.at - from }()
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '\n', '\r':
			return p.text[from:end]
		case ' ', '\t':
			continue
		case ':':
			if next := p.peek(1); isEnd(next) || flow && isFlow(next) {
				return p.text[from:end]
			}
		case '#':
			if p.at > from && isBlank(p.text[p.at-1]) {
				return p.text[from:end]
			}
		case ',', '[', ']', '{', '}':
			if flow {
				return p.text[from:end]
			}
		}
		end = p.at + 1
	}
	return p.text[from:end]
}

// appendFold appends what line breaks inside of a scalar mean.
func appendFold(dst []byte, breaks int) []byte {
	if breaks == 1 {
		return append(dst, ' ')
	}
	return append(dst, bytes.Repeat([]byte{'\n'}, breaks-1)...)
}
