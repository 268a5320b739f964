package doc

import "strconv"

// ObjectWriter appends one JSON object member by member. Begin it with Open, end it with Close.
type ObjectWriter struct{ Out []byte }

// Open begins an object at the end of dst.
func Open(dst []byte) ObjectWriter { return ObjectWriter{append(dst, '{')} }

// Close ends the object and returns the buffer.
func (o *ObjectWriter) Close() []byte { return append(o.Out, '}') }

// Key appends the name of the next member, whose value the caller appends to Out. name must not need escaping.
func (o *ObjectWriter) Key(name string) { o.Out = AppendKey(o.Out, name) }

// Name is Key for a name that users chose.
func (o *ObjectWriter) Name(name string) { o.Out = AppendName(o.Out, name) }

// Text appends a string member.
func (o *ObjectWriter) Text(name, s string) { o.Out = AppendText(o.Out, name, s) }

// TextIf appends a string member unless it is empty.
func (o *ObjectWriter) TextIf(name, s string) {
	if s != "" {
		o.Text(name, s)
	}
}

// Int appends a number.
func (o *ObjectWriter) Int(name string, n int64) { o.Out = AppendInt(o.Out, name, n) }

// IntIf appends a number unless it is 0.
func (o *ObjectWriter) IntIf(name string, n int64) {
	if n != 0 {
		o.Int(name, n)
	}
}

// Bool appends a boolean.
func (o *ObjectWriter) Bool(name string, b bool) { o.Out = AppendBool(o.Out, name, b) }

// Raw appends a member that is JSON already, unless there is none.
func (o *ObjectWriter) Raw(name string, json []byte) {
	if len(json) > 0 {
		o.Key(name)
		o.Out = append(o.Out, json...)
	}
}

// RawOr is Raw with a value for when there is none.
func (o *ObjectWriter) RawOr(name string, json []byte, otherwise string) {
	o.Key(name)
	if len(json) == 0 {
		o.Out = append(o.Out, otherwise...)
		return
	}
	o.Out = append(o.Out, json...)
}

// AppendKey begins a member of the object that dst ends in: no value ends in a brace that opens. name must not need
// escaping.
func AppendKey(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

// AppendName is AppendKey for a name that users chose.
func AppendName(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(AppendString(dst, name), ':')
}

// AppendText appends a string member to the object that dst ends in.
func AppendText(dst []byte, name, s string) []byte { return AppendString(AppendKey(dst, name), s) }

// AppendInt appends a number.
func AppendInt(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(AppendKey(dst, name), n, 10)
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, name string, b bool) []byte {
	return strconv.AppendBool(AppendKey(dst, name), b)
}

// AppendTexts appends a list of strings.
func AppendTexts[T ~string](dst []byte, list []T) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, string(s))
	}
	return append(dst, ']')
}
