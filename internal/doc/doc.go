// Package doc is a parsed JSON or YAML document: a tree of values that remember where they stood in the text, so
// that whoever reads meaning into it can name the line and column of every mistake, and report all of them at once.
//
// It knows syntax only. What a field means is the business of the packages that decode a tree (param, spec, api).
// A tree is immutable after parsing and safe for concurrent readers.
package doc

import (
	"fmt"
	"strconv"
)

// Kind is the syntactic kind of a value.
type Kind uint8

// The kinds of values a document is made of.
const (
	Null   Kind = iota // null, also YAML's ~ and the empty value
	Bool               // Text is "true" or "false"
	Number             // Text is the number as written, in JSON's number syntax
	String             // Text is the decoded string
	List               // Items holds the elements
	Object             // Members holds the fields, each name once, in order of first appearance
)

// String returns the word used for the kind in messages.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case List:
		return "array"
	case Object:
		return "object"
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// Pos is a place in the text: line and column, both from 1, the column in bytes. The zero Pos means unknown.
type Pos struct {
	Line, Col int32
}

// String returns the place as messages show it inside of a sentence.
func (p Pos) String() string { return fmt.Sprintf("line %d, column %d", p.Line, p.Col) }

// Node is one value of a document.
type Node struct {
	Kind    Kind
	plain   bool // a Bool or Number of YAML, see SetPlain
	Pos     Pos
	Text    string   // Bool, Number, String
	Items   []*Node  // List
	Members []Member // Object
}

// SetPlain says that a boolean or number stands in the text without quotes in a format that can leave them out, and how
// it is written there: 007 and yes are not what JSON writes. It is for parsers, before anybody else sees the node.
func (n *Node) SetPlain(written string) {
	n.plain = true
	if written != n.Text {
		// Few scalars need it, and a field of its own would make all nodes larger. A scalar has no items: the text stands
		// beyond the end of its empty list.
		n.Items = []*Node{{Kind: String, Pos: n.Pos, Text: written}}[:0]
	}
}

// Written returns a scalar as it is written in the document. That is what a text is meant to be wherever one is
// expected: 007 is not 7, and no is not false.
func (n *Node) Written() string {
	if n.plain && cap(n.Items) > 0 {
		return n.Items[:1][0].Text
	}
	return n.Text
}

// AsText returns the text of a string, or of a scalar that may be one: in YAML a text needs no quotes, whatever it looks
// like. In JSON a number is none. It is for places that take texts only; others take [Node.Written] of any scalar.
func (n *Node) AsText() (text string, ok bool) {
	if n.Kind == String || n.plain {
		return n.Written(), true
	}
	return "", false
}

// Member is one field of an object.
type Member struct {
	Name  string
	Pos   Pos // of the name
	Value *Node
	First Pos // of the first member of this name where the text has several; this is the last of them
}

// Repeated reports whether the text has the name more than once.
func (m *Member) Repeated() bool { return m.First != Pos{} }

// Field returns the value of the field called name, or nil when n is no object or has no such field.
func (n *Node) Field(name string) *Node {
	if n == nil {
		return nil
	}
	for i := range n.Members {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// IsNull reports whether n is absent or null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Null }
