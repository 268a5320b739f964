package yamldoc

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// doubleQuoted reads a text in double quotes.
func (p *parser) doubleQuoted() (string, error) {
	open := p.pos()
	p.at++
	from := p.at
	var out []byte
	copied := from // what is before it was copied to out
	kept := 0      // length of what an escape or fold has put into out: no blank of it is dropped at a line's end
	for {
		p.until("\"\\\r\n")
		switch c := p.peek(0); {
		case c == '"':
			p.at++
			if out == nil {
				return p.build.Word(p.text[from : p.at-1]), nil
			}
			return string(append(out, p.text[copied:p.at-1]...)), nil
		case c == 0:
			return "", malformed(open, "this text has no closing quote")
		case c == '\\':
			out = append(out, p.text[copied:p.at]...)
			var err error
			if out, err = p.escape(out); err != nil {
				return "", err
			}
			copied, kept = p.at, len(out)
		case isBreak(c):
			out = append(out, p.text[copied:p.at]...)
			for len(out) > kept && isBlank(out[len(out)-1]) {
				out = out[:len(out)-1]
			}
			breaks, err := p.breaks()
			if err != nil {
				return "", err
			}
			out = appendFold(out, breaks)
			copied, kept = p.at, len(out)
		}
	}
}

// singleQuoted reads a text in single quotes, in which a quote is written twice.
func (p *parser) singleQuoted() (string, error) {
	open := p.pos()
	p.at++
	from := p.at
	var out []byte
	copied := from
	for {
		p.until("'\r\n")
		switch c := p.peek(0); {
		case c == '\'' && p.peek(1) == '\'':
			out = append(out, p.text[copied:p.at+1]...)
			p.at += 2
			copied = p.at
		case c == '\'':
			p.at++
			if out == nil {
				return p.build.Word(p.text[from : p.at-1]), nil
			}
			return string(append(out, p.text[copied:p.at-1]...)), nil
		case c == 0:
			return "", malformed(open, "this text has no closing quote")
		case isBreak(c):
			out = append(out, p.text[copied:p.at]...)
			for len(out) > 0 && isBlank(out[len(out)-1]) {
				out = out[:len(out)-1]
			}
			breaks, err := p.breaks()
			if err != nil {
				return "", err
			}
			out = appendFold(out, breaks)
			copied = p.at
		}
	}
}

// until goes to the next of the given bytes, or to the end of the text.
func (p *parser) until(any string) {
	from := p.at
	for p.at < len(p.text) && strings.IndexByte(any, p.text[p.at]) < 0 {
		p.at++
	}
	p.visits += p.at - from
}

// breaks goes over line breaks inside of quotes and the blanks around them, and returns how many there were.
func (p *parser) breaks() (int, error) {
	n := 0
	for ; isBreak(p.peek(0)); n++ {
		p.newline()
		if p.at = p.bol; p.anyMarker() {
			return 0, p.errorf("a document ends inside of quotes")
		}
		p.at = p.begin
	}
	return n, nil
}

var escapes = map[byte]rune{
	'0': 0, 'a': '\a', 'b': '\b', 't': '\t', '\t': '\t', 'n': '\n', 'v': '\v', 'f': '\f', 'r': '\r', 'e': 0x1b,
	' ': ' ', '"': '"', '\'': '\'', '/': '/', '\\': '\\', 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029,
}

// escape decodes the escape at the cursor to the end of dst.
func (p *parser) escape(dst []byte) ([]byte, error) {
	c := p.peek(1)
	if r, ok := escapes[c]; ok {
		p.at += 2
		return utf8.AppendRune(dst, r), nil
	}
	switch {
	case c == 'x':
		return p.hexEscape(dst, 2)
	case c == 'u':
		return p.hexEscape(dst, 4)
	case c == 'U':
		return p.hexEscape(dst, 8)
	case isBreak(c): // the line goes on; empty lines after it still count
		p.at++
		breaks, err := p.breaks()
		for range breaks - 1 {
			dst = append(dst, '\n')
		}
		return dst, err
	case c == 0:
		return nil, p.errorf("unexpected end of the text inside of quotes")
	}
	p.at++
	return nil, p.errorf("unknown escape \\%c in a text; write \\\\ for a backslash, or use single quotes", firstRune(p.text[p.at:]))
}

// hexEscape decodes an escape of so many hexadecimal digits. Half of a surrogate pair becomes U+FFFD without the other
// half, as in JSON.
func (p *parser) hexEscape(dst []byte, digits int) ([]byte, error) {
	r, ok := p.hex(2, digits)
	if !ok || r > utf8.MaxRune {
		return nil, p.errorf("\\%c needs %d hexadecimal digits of a character", p.peek(1), digits)
	}
	p.at += 2 + digits
	if utf16.IsSurrogate(r) && p.peek(0) == '\\' && p.peek(1) == 'u' {
		if low, ok := p.hex(2, 4); ok {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				p.at += 6
				r = full
			}
		}
	}
	return utf8.AppendRune(dst, r), nil
}

// hex reads hexadecimal digits ahead of the cursor.
func (p *parser) hex(from, digits int) (rune, bool) {
	from += p.at
	if from+digits > len(p.text) {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.text[from:from+digits]), 16, 32)
	return rune(v & 0x7fffffff), err == nil && v <= utf8.MaxRune
}

func firstRune(text []byte) rune {
	r, _ := utf8.DecodeRune(text)
	return r
}
