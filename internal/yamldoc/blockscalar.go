package yamldoc

import (
	"bytes"

	"maestro/internal/doc"
)

// blockHeader is what stands behind the | or > of a block scalar.
type blockHeader struct {
	folded bool
	chomp  byte // '-' drops the line breaks at the end, '+' keeps all of them; without it one is kept
	indent int  // of the text, counted from the column of the collection around; 0: that of the first line with text
}

func (p *parser) blockHeader() (h blockHeader, err error) {
	h.folded = p.peek(0) == '>'
	p.at++
	for {
		switch c := p.peek(0); {
		case (c == '+' || c == '-') && h.chomp == 0:
			h.chomp = c
		case c >= '1' && c <= '9' && h.indent == 0:
			h.indent = int(c - '0')
		default:
			if p.blanks(); !p.lineEnd() {
				return h, p.errorf("unexpected %s after | or >; the text begins on the next line", p.found())
			}
			p.restOfLine()
			return h, nil
		}
		p.at++
	}
}

// blockScalar parses a text that keeps its lines (|) or folds them (>).
func (p *parser) blockScalar(parent int, own props) (*doc.Node, error) {
	pos := p.pos()
	h, err := p.blockHeader()
	if err != nil {
		return nil, err
	}
	if !isBreak(p.peek(0)) {
		return p.scalarNode(pos, "", false, own)
	}
	p.newline()
	p.at = p.bol
	indent := max(parent, 0) + h.indent
	if h.indent == 0 {
		if indent, err = p.blockIndent(parent); err != nil {
			return nil, err
		}
	}
	return p.scalarNode(pos, p.blockLines(h, indent), false, own)
}

// blockIndent returns the indentation of the first line with text, without moving. It is more than that of parent: a
// line further left ends the scalar.
func (p *parser) blockIndent(parent int) (int, error) {
	ahead := p.cursor
	ahead.beginLine()
	widest := 0
	for isBreak(ahead.peek(0)) && !ahead.tabs {
		widest = max(widest, ahead.indent)
		ahead.newline()
	}
	p.visits = ahead.visits
	switch {
	case ahead.peek(0) == 0 && !ahead.tabs:
		return max(parent+1, widest, ahead.indent), nil
	case ahead.indent <= parent:
		return max(parent+1, widest), nil
	case ahead.indent < widest:
		return 0, malformed(ahead.pos(), "an empty line before this one has more spaces; the first line with text says how far a text is indented")
	}
	return ahead.indent, nil
}

// blockLines reads the lines of a block scalar from the beginning of the first.
func (p *parser) blockLines(h blockHeader, indent int) string {
	var out []byte
	ended := false // a line of text was read, and its break not written yet
	empty := 0     // empty lines since then
	more := false  // that line begins with a blank: it is not folded
	for {
		line, text := p.blockLine(indent)
		if !text {
			if line == nil {
				break
			}
			empty++
			continue
		}
		blank := len(line) > 0 && isBlank(line[0])
		switch {
		case !ended:
		case h.folded && !more && !blank:
			if empty == 0 {
				out = append(out, ' ')
			}
		default:
			out = append(out, '\n')
		}
		out = append(out, bytes.Repeat([]byte{'\n'}, empty)...)
		out = append(out, line...)
		ended, empty, more = true, 0, blank
		if p.peek(0) == 0 {
			ended = false // no line break at the end of the text
			break
		}
		p.newline()
		p.at = p.bol
	}
	if p.peek(0) != 0 {
		p.at = p.bol
		p.beginLine()
	}
	p.begin = p.at
	if ended && h.chomp != '-' {
		out = append(out, '\n')
	}
	if h.chomp == '+' {
		out = append(out, bytes.Repeat([]byte{'\n'}, empty)...)
	}
	return string(out)
}

// blockLine returns the text of the line at the cursor and goes to its end. An empty line is passed and is no text. Nil
// means that the scalar has ended before this line.
func (p *parser) blockLine(indent int) (line []byte, text bool) {
	if p.anyMarker() {
		return nil, false
	}
	for p.at-p.bol < indent && p.peek(0) == ' ' {
		p.at++
	}
	switch c := p.peek(0); {
	case c == 0:
		return nil, false
	case isBreak(c):
		p.newline()
		p.at = p.bol
		return []byte{}, false
	case p.at-p.bol < indent:
		return nil, false
	}
	return p.restOfLine(), true
}
