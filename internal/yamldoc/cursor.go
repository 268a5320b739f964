package yamldoc

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"maestro/internal/doc"
)

// cursor is a place in the text and what is known of the line it is on.
type cursor struct {
	text []byte
	at   int

	bol    int  // where the line begins
	begin  int  // where the content of the line begins, after its indentation
	indent int  // spaces before the content
	tabs   bool // tabs stand between those spaces and the content

	// Positions count lines as everybody does, by \n; a \r alone begins a line of YAML, but not one of positions.
	line      int
	lineStart int

	visits int // bytes looked at, for the test that work grows with the text only
}

// peek returns the byte i places ahead, 0 beyond the end.
func (c *cursor) peek(i int) byte {
	c.visits++
	if c.at+i < len(c.text) {
		return c.text[c.at+i]
	}
	return 0
}

func (c *cursor) pos() doc.Pos {
	return doc.Pos{Line: int32(c.line), Col: int32(c.at - c.lineStart + 1)}
}

// found names what stands at the cursor, for messages.
func (c *cursor) found() string {
	switch r, _ := utf8.DecodeRune(c.text[c.at:]); {
	case c.at >= len(c.text):
		return "end of the text"
	case r == '\n' || r == '\r':
		return "end of the line"
	default:
		return strconv.QuoteRune(r)
	}
}

func isBreak(c byte) bool { return c == '\n' || c == '\r' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isEnd reports whether a token can end before c: white space, or the end of the text.
func isEnd(c byte) bool { return c == 0 || isBlank(c) || isBreak(c) }

// isFlow reports whether c is punctuation of flow lists and mappings.
func isFlow(c byte) bool { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}' }

// skipMark goes over a byte order mark, which says nothing, but which some editors write.
func (c *cursor) skipMark() {
	c.at += len("\uFEFF")
	c.bol, c.lineStart = c.at, c.at
}

// blanks goes over spaces and tabs, and reports whether there was a tab.
func (c *cursor) blanks() (tab bool) {
	for isBlank(c.peek(0)) {
		tab = tab || c.peek(0) == '\t'
		c.at++
	}
	return tab
}

// newline goes over a line break and the indentation after it.
func (c *cursor) newline() {
	if c.peek(0) == '\r' && c.peek(1) == '\n' {
		c.at++
	}
	if c.peek(0) == '\n' {
		c.line++
		c.lineStart = c.at + 1
	}
	c.at++
	c.bol = c.at
	c.beginLine()
}

// beginLine goes over the indentation of the line that begins at the cursor.
func (c *cursor) beginLine() {
	for c.peek(0) == ' ' {
		c.at++
	}
	c.indent = c.at - c.bol
	c.tabs = c.blanks()
	c.begin = c.at
}

// fresh reports whether the cursor is on the first content of a line.
func (c *cursor) fresh() bool { return c.at == c.begin }

// comment reports whether a comment begins at the cursor, which is where a token could. Strictly it needs a blank before
// it; nothing else can be meant by one without.
func (c *cursor) comment() bool { return c.peek(0) == '#' }

// lineEnd reports whether nothing but a comment is left of the line.
func (c *cursor) lineEnd() bool {
	b := c.peek(0)
	return b == 0 || isBreak(b) || c.comment()
}

// restOfLine goes to the end of the line and returns what it passed.
func (c *cursor) restOfLine() []byte {
	from := c.at
	end := bytes.IndexAny(c.text[from:], "\r\n")
	if end < 0 {
		end = len(c.text) - from
	}
	c.visits += end
	c.at += end
	return c.text[from:c.at]
}

// toContent goes over white space, comments and line breaks.
func (c *cursor) toContent() {
	for {
		c.blanks()
		if c.comment() {
			c.restOfLine()
		}
		if !isBreak(c.peek(0)) {
			return
		}
		c.newline()
	}
}

// marker reports whether the line is, or begins with, a marker of documents.
func (c *cursor) marker(word string) bool {
	return c.at == c.bol && c.peek(0) == word[0] && bytes.HasPrefix(c.text[c.at:], []byte(word)) && isEnd(c.peek(len(word)))
}

func (c *cursor) anyMarker() bool { return c.marker("---") || c.marker("...") }

// indicator reports whether the block indicator i stands at the cursor.
func (c *cursor) indicator(i byte) bool { return c.peek(0) == i && isEnd(c.peek(1)) }
