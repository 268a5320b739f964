package sel

import (
	"math"
	"strconv"
)

// JSON is the compact JSON of v, as Util.toJson gives it and as arrays and maps appear in interpolated text. Only the
// kinds of parameters have one.
func (v Value) JSON() (string, error) {
	w := writer{}
	w.json(v, 0)
	if w.err != nil {
		return "", w.err
	}
	return string(w.buf), nil
}

func (w *writer) json(v Value, depth int) {
	if !w.charge(v, depth) {
		return
	}
	if v.IsNull() {
		w.buf = append(w.buf, "null"...)
		return
	}
	switch k := v.kind; {
	case k == KindString:
		w.buf = appendQuoted(w.buf, v.str())
	case k == KindLong:
		w.buf = strconv.AppendInt(w.buf, v.long(), 10)
	case k == KindDouble:
		if d := v.double(); math.IsNaN(d) || math.IsInf(d, 0) {
			w.buf = append(w.buf, `"`+doubleText(d)+`"`...)
		} else {
			w.buf = appendDouble(w.buf, d)
		}
	case k == KindBoolean:
		w.buf = strconv.AppendBool(w.buf, v.bits != 0)
	case k.IsArray():
		w.buf = append(w.buf, '[')
		for i, e := range v.array().elems {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.json(e, depth+1)
		}
		w.buf = append(w.buf, ']')
	case k == KindMap:
		w.buf = append(w.buf, '{')
		for i, e := range v.mapping().ordered() {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.buf = appendQuoted(w.buf, e.key)
			w.buf = append(w.buf, ':')
			w.json(*e.cell, depth+1)
		}
		w.buf = append(w.buf, '}')
	case w.err == nil:
		w.err = fail(FailUnsupported, v.kind.String(), " has no JSON form")
	}
}

// appendQuoted escapes quotes, backslashes and control characters and nothing else.
func appendQuoted(out []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c >= ' ':
			out = append(out, c)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\f':
			out = append(out, `\f`...)
		default:
			out = append(out, `\u00`...)
			out = append(out, hex[c>>4], hex[c&15])
		}
	}
	return append(out, '"')
}
