package sel

import (
	"math"
	"strconv"

	"maestro/internal/meter"
)

// JSON is the compact JSON of v, as Util.toJson gives it and as arrays and maps appear in interpolated text. Only the
// kinds of parameters have one. Its size is bounded by the default limit for memory.
func (v Value) JSON() (string, error) {
	s, err := v.json(meter.New(meter.Limits{}))
	if err != nil {
		return "", err
	}
	return s, nil
}

func (v Value) json(m *meter.Meter) (string, *Error) {
	w := writer{out: meter.Text{Meter: m}}
	w.json(v, 0)
	return w.done()
}

// longNumber is at least the length of any number.
const longNumber = 32

func (w *writer) json(v Value, depth int) {
	if !w.enter(v.kind, depth) {
		return
	}
	if v.IsNull() {
		w.out.String("null")
		return
	}
	switch k := v.kind; {
	case k == KindString:
		w.quoted(v.str())
	case k == KindLong:
		w.out.Append(longNumber, func(b []byte) []byte { return strconv.AppendInt(b, v.long(), 10) })
	case k == KindDouble:
		if d := v.double(); math.IsNaN(d) || math.IsInf(d, 0) {
			w.out.String(`"` + doubleText(d) + `"`)
		} else {
			w.out.Append(longNumber, func(b []byte) []byte { return appendDouble(b, d) })
		}
	case k == KindBoolean:
		w.out.String(strconv.FormatBool(v.bits != 0))
	case k.IsArray():
		w.out.Byte('[')
		for i, e := range v.array().elems {
			if i > 0 {
				w.out.Byte(',')
			}
			if w.json(e, depth+1); w.err != nil {
				return
			}
		}
		w.out.Byte(']')
	case k == KindMap:
		w.out.Byte('{')
		for i, e := range w.entries(v.mapping()) {
			if i > 0 {
				w.out.Byte(',')
			}
			w.quoted(e.key)
			w.out.Byte(':')
			w.json(*e.cell, depth+1)
		}
		w.out.Byte('}')
	default:
		w.err = fail(FailUnsupported, v.kind.String(), " has no JSON form")
	}
}

// escaped are the characters that JSON does not hold as they are: quotes, backslashes and control characters, and
// nothing else.
func escaped(c byte) bool { return c < ' ' || c == '"' || c == '\\' }

// quoted writes s as a JSON string.
func (w *writer) quoted(s string) {
	if err := w.out.Meter.Work(len(s) >> 3); err != nil {
		w.err = refused(err)
		return
	}
	w.out.Byte('"')
	start := 0
	for i := range len(s) {
		if escaped(s[i]) {
			w.out.String(s[start:i])
			w.escape(s[i])
			start = i + 1
		}
	}
	w.out.String(s[start:])
	w.out.Byte('"')
}

func (w *writer) escape(c byte) {
	const hex = "0123456789ABCDEF"
	w.out.Byte('\\')
	switch c {
	case '\n':
		c = 'n'
	case '\t':
		c = 't'
	case '\r':
		c = 'r'
	case '\b':
		c = 'b'
	case '\f':
		c = 'f'
	case '"', '\\':
	default:
		w.out.String("u00")
		w.out.Byte(hex[c>>4])
		c = hex[c&15]
	}
	w.out.Byte(c)
}
