// Package yamldoc parses YAML text into the document tree of package doc, so that everything behind it reads JSON and
// YAML alike.
//
// The parser goes over the text once: its work grows with the text and not with how the text is laid out. It knows the
// syntax of YAML 1.2, in which any JSON document is YAML with the same meaning. Plain scalars get their types by the
// rules of YAML 1.1, as they do in the reference: yes and off are booleans, 010 is eight, 1_000 a thousand; what was
// written stays known, see [doc.Node.Written]. An alias is the node it names, not a copy, but counts against the limits
// as if it were one, so a small text cannot become a huge document.
package yamldoc

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"

	"maestro/internal/doc"
)

// Limits of a YAML document where [doc.Limits] leaves them at zero. They are smaller than those of JSON, since people
// write YAML, and since its values may be repeated by aliases.
const (
	defaultBytes = 4 << 20
	defaultNodes = 500_000
)

// Parse parses one YAML document. Empty documents after it are ignored, others refused. The error is a doc.Problem, or
// what limits.Stop returned.
func Parse(text []byte, limits doc.Limits) (*doc.Node, error) {
	if limits.Bytes == 0 {
		limits.Bytes = defaultBytes
	}
	if limits.Nodes == 0 {
		limits.Nodes = defaultNodes
	}
	limits = limits.OrDefaults()
	if err := limits.CheckSize(text); err != nil {
		return nil, err
	}
	if err := checkText(text); err != nil {
		return nil, err
	}
	p := newParser(text, limits)
	root, err := p.document()
	if err != nil {
		return nil, err
	}
	for root != nil {
		more, err := p.document()
		switch {
		case err != nil:
			return nil, err
		case more == nil:
			return root, nil
		case !more.IsNull():
			return nil, doc.Problem{Pos: more.Pos, Message: "more than one document; only one is allowed"}
		}
	}
	return p.build.Node(doc.Null, doc.Pos{Line: 1, Col: 1})
}

// checkText refuses what YAML cannot hold. After it the parser takes a zero byte for the end of the text.
func checkText(text []byte) error {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size <= 1 {
				return doc.Problem{Pos: posOf(text, i), Message: "text is not UTF-8"}
			}
			i += size
			continue
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return doc.Problem{Pos: posOf(text, i), Message: "control character " + strconv.QuoteRune(rune(c)) + ", write it as an escape in a text with double quotes"}
		}
		i++
	}
	return nil
}

func posOf(text []byte, at int) doc.Pos {
	return doc.Pos{
		Line: int32(bytes.Count(text[:at], []byte{'\n'}) + 1),
		Col:  int32(at - bytes.LastIndexByte(text[:at], '\n')),
	}
}

// parser reads one text. Functions of blocks leave the cursor where the next token may be looked for: inside of a line,
// or on the first content of a later one.
type parser struct {
	cursor
	limits doc.Limits
	build  *doc.Builder

	anchors map[string]anchor
	handles map[string]string // of %TAG directives

	depth   int // lists and objects around the cursor
	deepest int // most of them inside of the anchored node that is being read
}

func newParser(text []byte, limits doc.Limits) *parser {
	p := &parser{cursor: cursor{text: text, line: 1}, limits: limits, build: doc.NewBuilder(limits)}
	if bytes.HasPrefix(text, []byte("\uFEFF")) {
		p.skipMark()
	}
	p.beginLine()
	return p
}

func (p *parser) errorf(format string, args ...any) error {
	return malformed(p.pos(), format, args...)
}

func malformed(pos doc.Pos, format string, args ...any) error {
	return doc.Problem{Pos: pos, Message: "malformed YAML: " + fmt.Sprintf(format, args...)}
}

// enter goes into a list or object, leave comes out of it.
func (p *parser) enter(pos doc.Pos) error {
	if p.depth >= p.limits.Depth {
		return p.limits.TooDeep(pos)
	}
	p.depth++
	p.deepest = max(p.deepest, p.depth)
	return nil
}

func (p *parser) leave() { p.depth-- }

// document parses the next document; nil when there is none.
func (p *parser) document() (*doc.Node, error) {
	p.anchors, p.handles = nil, nil
	directives, err := p.directives()
	if err != nil {
		return nil, err
	}
	var root *doc.Node
	switch {
	case p.marker("---"):
		p.at += len("---")
		root, err = p.value(-1, spot{})
	case directives:
		return nil, p.errorf("expected --- after the directives")
	case p.peek(0) == 0:
		return nil, nil
	default:
		root, err = p.below(-1, props{}, spot{})
	}
	if err != nil {
		return nil, err
	}
	if err := p.endOfNode(); err != nil {
		return nil, err
	}
	if p.peek(0) != 0 && !p.marker("---") && !p.marker("...") {
		return nil, p.errorf("unexpected %s after the end of the document", p.found())
	}
	return root, nil
}

// directives reads the lines before a document, and the ends of documents before it.
func (p *parser) directives() (found bool, err error) {
	for {
		p.toContent()
		switch {
		case p.marker("..."):
			p.at += len("...")
			if p.blanks(); !p.lineEnd() {
				return false, p.errorf("unexpected %s after the end of the document", p.found())
			}
		case p.peek(0) == '%' && p.at == p.bol:
			found = true
			if err := p.directive(); err != nil {
				return false, err
			}
		default:
			return found, nil
		}
	}
}

// directive reads %YAML and %TAG; others are ignored.
func (p *parser) directive() error {
	pos := p.pos()
	words := bytes.Fields(p.restOfLine())
	switch string(words[0]) {
	case "%YAML":
		if len(words) < 2 || !bytes.HasPrefix(words[1], []byte("1.")) {
			return malformed(pos, "this is another version of YAML than 1")
		}
	case "%TAG":
		if len(words) < 3 {
			return malformed(pos, "%%TAG needs a handle and a prefix")
		}
		if p.handles == nil {
			p.handles = make(map[string]string)
		}
		p.handles[string(words[1])] = string(words[2])
	}
	return nil
}
