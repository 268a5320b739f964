package doc

import "fmt"

// Limits bounds what a parser accepts. A zero field means its default.
type Limits struct {
	Bytes int // of text; default 64 MiB
	Depth int // nesting of lists and objects; default 200
	Nodes int // values in the document; default 4,000,000

	// Stop is asked now and then whether to go on. An error ends the work and is returned as it is. Callers pass the Err
	// of a context, so that nothing is parsed for a client that has gone. Nil never stops.
	Stop func() error
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

// CheckSize refuses a text that is too large to be read.
func (l Limits) CheckSize(text []byte) error {
	if len(text) > l.Bytes {
		return Problem{Message: fmt.Sprintf("document has %d bytes, more than the limit %d", len(text), l.Bytes)}
	}
	return nil
}

// TooMany is the refusal of a document with too many values; pos is where the limit is passed.
func (l Limits) TooMany(pos Pos) error {
	return Problem{Pos: pos, Message: fmt.Sprintf("document has more than %d values, the most that is read; split it, or keep the data elsewhere", l.Nodes)}
}

// TooDeep is the refusal of a document that is nested too deep.
func (l Limits) TooDeep(pos Pos) error {
	return Problem{Pos: pos, Message: fmt.Sprintf("document is nested more than %d levels deep, the greatest depth that is read", l.Depth)}
}
