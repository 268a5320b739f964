package view

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Cursor is a place in the journal: behind a message or event that an entry gave. It is what a reader remembers in
// order to go on later; a client's is a Token. The zero Cursor is the beginning.
type Cursor struct {
	Pos   int64 // of the entry
	Index int   // of the message within the entry, from 0
}

// WholeEntry is the Index of a cursor behind everything that its entry gave.
const WholeEntry = math.MaxInt32

// ParseCursor reads what String returns: "pos.index", or "pos" alone for behind the whole entry. An empty text is the
// beginning.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	pos, index, parts := strings.Cut(text, ".")
	c := Cursor{Index: WholeEntry}
	n, err := decimal(pos, math.MaxInt64)
	if err != nil {
		return Cursor{}, fmt.Errorf("%q is not a cursor: give the id of an event, or nothing for the beginning", text)
	}
	c.Pos = n
	if parts {
		if n, err = decimal(index, WholeEntry); err != nil {
			return Cursor{}, fmt.Errorf("%q is not a cursor: give the id of an event, or nothing for the beginning", text)
		}
		c.Index = int(n)
	}
	return c, nil
}

// decimal reads digits and nothing else.
func decimal(s string, limit int64) (int64, error) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, strconv.ErrSyntax
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n > limit {
		err = strconv.ErrRange
	}
	return n, err
}

// Append appends the text of the cursor.
func (c Cursor) Append(dst []byte) []byte {
	dst = strconv.AppendInt(dst, c.Pos, 10)
	if c.Index == WholeEntry {
		return dst
	}
	return strconv.AppendInt(append(dst, '.'), int64(c.Index), 10)
}

// String returns the text of the cursor, as the store and logs have it. Behind an event it is the event's id.
func (c Cursor) String() string { return string(c.Append(nil)) }

// Before reports whether a message of an entry comes after the cursor and is still to be read.
func (c Cursor) Before(pos int64, index int) bool {
	return pos > c.Pos || pos == c.Pos && index > c.Index
}

// Unread is the position after which entries are to be read for what comes after the cursor: a cursor within an entry
// needs that entry again.
func (c Cursor) Unread() int64 {
	if c.Index == WholeEntry || c.Pos == 0 {
		return c.Pos
	}
	return c.Pos - 1
}
