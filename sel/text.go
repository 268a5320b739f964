package sel

import (
	"math"
	"strconv"

	"maestro/internal/meter"
)

func itoa[T int | int32 | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// Text renders v as concatenation does: numbers in decimal, null as null, arrays as [a, b], maps as {k=v}. A text beyond
// the default limit for memory breaks off.
func (v Value) Text() string {
	if s, ok := scalarText(v); ok {
		return s
	}
	w := writer{out: meter.Text{Meter: meter.New(meter.Limits{})}}
	w.text(v, 0)
	return w.out.Done()
}

// textOf is the text of a value that is neither an array nor a map.
func textOf(v Value) string {
	s, _ := scalarText(v)
	return s
}

func scalarText(v Value) (string, bool) {
	if v.IsNull() {
		return "null", true
	}
	switch v.kind {
	case KindString, KindError:
		return v.str(), true
	case KindLong:
		return itoa(v.long()), true
	case KindDouble:
		return doubleText(v.double()), true
	case KindBoolean:
		return strconv.FormatBool(v.bits != 0), true
	case KindDateTime:
		return v.dateTime().String(), true
	case KindZone:
		return v.zone().ID(), true
	case KindDays:
		return "P" + itoa(v.long()) + "D", true
	case KindProperty:
		return "Property[" + v.property().Field.String() + "]", true
	case KindUUID:
		return uuidText(v.uuid()), true
	case KindMap, KindStringArray, KindLongArray, KindDoubleArray, KindBooleanArray:
		return "", false
	}
	return v.kind.String(), true
}

// doubleText is Java's Double.toString: the shortest digits that read back as d, laid out plainly from 10⁻³ up to 10⁷
// and with an exponent elsewhere.
func doubleText(d float64) string { return string(appendDouble(nil, d)) }

func appendDouble(out []byte, d float64) []byte {
	switch {
	case math.IsNaN(d):
		return append(out, "NaN"...)
	case math.IsInf(d, 1):
		return append(out, "Infinity"...)
	case math.IsInf(d, -1):
		return append(out, "-Infinity"...)
	case d == 0 && math.Signbit(d):
		return append(out, "-0.0"...)
	case d == 0:
		return append(out, "0.0"...)
	}
	digits, exp := shortest(d)
	if d < 0 {
		out = append(out, '-')
	}
	switch {
	case exp >= 7 || exp < -3:
		out = append(out, digits[0], '.')
		if len(digits) == 1 {
			out = append(out, '0')
		}
		out = append(out, digits[1:]...)
		out = append(out, 'E')
		return strconv.AppendInt(out, int64(exp), 10)
	case exp < 0:
		out = append(out, "0.00"[:1-exp]...)
		return append(out, digits...)
	case len(digits) <= exp+1:
		out = append(out, digits...)
		for range exp + 1 - len(digits) {
			out = append(out, '0')
		}
		return append(out, ".0"...)
	}
	out = append(out, digits[:exp+1]...)
	out = append(out, '.')
	return append(out, digits[exp+1:]...)
}

// shortest gives the digits of |d| and the exponent of the first one. Java never takes a single digit where two are
// closer, which shows only for the smallest numbers: 4.9E-324, not 5.0E-324.
func shortest(d float64) (digits []byte, exp int) {
	var buf [32]byte
	s := strconv.AppendFloat(buf[:0], math.Abs(d), 'e', -1, 64)
	if s[1] == 'e' && math.Abs(d) < 0x1p-1022 {
		two := strconv.AppendFloat(nil, math.Abs(d), 'e', 1, 64)
		if back, err := strconv.ParseFloat(string(two), 64); err == nil && back == math.Abs(d) && two[2] != '0' {
			s = two
		}
	}
	for i, c := range s {
		if c == 'e' {
			exp, _ = strconv.Atoi(string(s[i+1:]))
			break
		}
		if c != '.' {
			digits = append(digits, c)
		}
	}
	return digits, exp
}

// render is Text inside a script: it charges for what it writes.
func (m *machine) render(v Value) (string, *Error) {
	if v.kind != KindString {
		if work, size := textCost(v.kind); !m.meter.Spend(int64(work), int64(size)) {
			return "", m.exceeded(0)
		}
	}
	if s, ok := scalarText(v); ok {
		return s, nil
	}
	w := m.writer()
	w.text(v, 0)
	return w.done()
}

// textCost is what the text of a scalar takes: the shortest digits of a double, the calendar of a date.
func textCost(k Kind) (work, size int) {
	switch k {
	case KindDouble:
		return 40, 64
	case KindDateTime:
		return dateWork, 64
	case KindLong, KindDays, KindProperty, KindUUID:
		return 4, 32
	}
	return 0, 0
}

// writer renders arrays and maps and charges for what it does, so that a small map which holds another many times cannot
// grow into a huge text.
type writer struct {
	out meter.Text
	err *Error
}

func (m *machine) writer() writer { return writer{out: meter.Text{Meter: m.meter}} }

func (w *writer) done() (string, *Error) {
	if w.err == nil && w.out.Err() != nil {
		w.err = refused(w.out.Err())
	}
	if w.err != nil {
		return "", w.err
	}
	return w.out.Done(), nil
}

// elementWork is what visiting one element takes, its text apart.
const elementWork = 8

// enter accounts for one element and reports whether to go on.
func (w *writer) enter(k Kind, depth int) bool {
	work, size := textCost(k)
	switch {
	case w.err != nil:
	case depth > maxDepth:
		w.err = fail(FailIllegalArgument, errDepth)
	case !w.out.Meter.Spend(int64(elementWork+work), int64(size)):
		w.err = refused(w.out.Meter.Err())
	}
	return w.err == nil
}

// entries are those of a map in the order in which it is written.
func (w *writer) entries(m *mapping) []entry {
	if err := w.out.Meter.Work(orderWork * m.weight()); err != nil {
		w.err = refused(err)
		return nil
	}
	if err := w.out.Meter.Memory(orderSize * len(m.entries)); err != nil {
		w.err = refused(err)
		return nil
	}
	return m.ordered()
}

func (w *writer) text(v Value, depth int) {
	if !w.enter(v.kind, depth) {
		return
	}
	if s, ok := scalarText(v); ok {
		w.out.String(s)
		return
	}
	if v.kind == KindMap {
		w.out.Byte('{')
		for i, e := range w.entries(v.mapping()) {
			if i > 0 {
				w.out.String(", ")
			}
			w.out.String(e.key)
			w.out.Byte('=')
			w.text(*e.cell, depth+1)
		}
		w.out.Byte('}')
		return
	}
	w.out.Byte('[')
	for i, e := range v.array().elems {
		if i > 0 {
			w.out.String(", ")
		}
		if w.text(e, depth+1); w.err != nil {
			return
		}
	}
	w.out.Byte(']')
}

func uuidText(u *[16]byte) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i, b := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hex[b>>4], hex[b&15])
	}
	return string(out)
}
