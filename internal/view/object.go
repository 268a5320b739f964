package view

import (
	"strconv"

	"maestro/internal/doc"
)

// Object appends one JSON object member by member. Begin it with Open, end it with Close.
type Object struct {
	Out  []byte
	some bool
}

// Open begins an object at the end of dst.
func Open(dst []byte) Object { return Object{Out: append(dst, '{')} }

// Close ends the object and returns the buffer.
func (o *Object) Close() []byte { return append(o.Out, '}') }

// Key appends the name of the next member, whose value the caller appends to Out. name must not need escaping.
func (o *Object) Key(name string) {
	if o.some {
		o.Out = append(o.Out, ',')
	}
	o.some = true
	o.Out = append(o.Out, '"')
	o.Out = append(o.Out, name...)
	o.Out = append(o.Out, '"', ':')
}

// Name is Key for a name that users chose.
func (o *Object) Name(name string) {
	if o.some {
		o.Out = append(o.Out, ',')
	}
	o.some = true
	o.Out = append(doc.AppendString(o.Out, name), ':')
}

// Text appends a string member.
func (o *Object) Text(name, s string) {
	o.Key(name)
	o.Out = doc.AppendString(o.Out, s)
}

// TextIf appends a string member unless it is empty.
func (o *Object) TextIf(name, s string) {
	if s != "" {
		o.Text(name, s)
	}
}

// Int appends a number.
func (o *Object) Int(name string, n int64) {
	o.Key(name)
	o.Out = strconv.AppendInt(o.Out, n, 10)
}

// IntIf appends a number unless it is 0.
func (o *Object) IntIf(name string, n int64) {
	if n != 0 {
		o.Int(name, n)
	}
}

// Bool appends a boolean.
func (o *Object) Bool(name string, b bool) {
	o.Key(name)
	o.Out = strconv.AppendBool(o.Out, b)
}

// Raw appends a member that is JSON already, unless there is none.
func (o *Object) Raw(name string, json []byte) {
	if len(json) > 0 {
		o.Key(name)
		o.Out = append(o.Out, json...)
	}
}

// rawOr is Raw with a value for when there is none.
func (o *Object) rawOr(name string, json []byte, otherwise string) {
	o.Key(name)
	if len(json) == 0 {
		o.Out = append(o.Out, otherwise...)
		return
	}
	o.Out = append(o.Out, json...)
}

// appendTexts appends a list of strings.
func appendTexts(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = doc.AppendString(dst, s)
	}
	return append(dst, ']')
}

// parsed reads JSON of our own store. What cannot be read is as good as absent.
func parsed(json []byte) *doc.Node {
	if len(json) == 0 {
		return nil
	}
	n, err := doc.ParseJSON(json, doc.Limits{})
	if err != nil {
		return nil
	}
	return n
}
