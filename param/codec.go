package param

import (
	"encoding/binary"
	"math"
)

// appendValue appends an evaluated result: its type and its content.
func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.typ))
	switch v.typ {
	case String:
		return appendText(dst, v.text)
	case Long:
		return binary.AppendVarint(dst, v.Long())
	case Double:
		return binary.LittleEndian.AppendUint64(dst, v.bits)
	case Boolean:
		return append(dst, byte(v.bits))
	case StringArray:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		for _, s := range v.Strings() {
			dst = appendText(dst, s)
		}
	case LongArray:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		for _, n := range v.Longs() {
			dst = binary.AppendVarint(dst, n)
		}
	case DoubleArray:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		for _, f := range v.Doubles() {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		}
	case BooleanArray:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		for _, b := range v.Booleans() {
			dst = append(dst, byte(boolBit(b)))
		}
	case StringMap:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		for name, text := range v.Texts().All() {
			dst = appendText(appendText(dst, name), text)
		}
	case Map:
		dst = binary.AppendUvarint(dst, uint64(v.Len()))
		for name, entry := range v.Values().All() {
			dst = appendValue(appendText(dst, name), entry)
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// appendNote appends a conversion note: its number, or 0 and its text when it is none of the known ones.
func appendNote(dst []byte, note string) []byte {
	for i := 1; i < len(notes); i++ {
		if notes[i] == note {
			return append(dst, byte(i))
		}
	}
	return appendText(append(dst, 0), note)
}

// input reads what appendValue wrote. Once bad, it yields zeros; it never takes more memory than a small multiple of
// the data.
type input struct {
	data []byte
	bad  bool
}

func (in *input) byte() byte {
	if len(in.data) == 0 {
		in.bad = true
		return 0
	}
	b := in.data[0]
	in.data = in.data[1:]
	return b
}

func (in *input) uvarint() uint64 {
	n, size := binary.Uvarint(in.data)
	if size <= 0 {
		in.bad, in.data = true, nil
		return 0
	}
	in.data = in.data[size:]
	return n
}

func (in *input) varint() int64 {
	n, size := binary.Varint(in.data)
	if size <= 0 {
		in.bad, in.data = true, nil
		return 0
	}
	in.data = in.data[size:]
	return n
}

func (in *input) double() float64 {
	if len(in.data) < 8 {
		in.bad, in.data = true, nil
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(in.data))
	in.data = in.data[8:]
	return f
}

func (in *input) text() string {
	n := in.uvarint()
	if n > uint64(len(in.data)) {
		in.bad, in.data = true, nil
		return ""
	}
	s := string(in.data[:n])
	in.data = in.data[n:]
	return s
}

// count reads the number of elements that take at least one byte each.
func (in *input) count() int {
	n := in.uvarint()
	if n > uint64(len(in.data)) {
		in.bad, in.data = true, nil
		return 0
	}
	return int(n)
}

func (in *input) note() string {
	switch i := int(in.byte()); {
	case i == 0:
		return in.text()
	case i < len(notes):
		return notes[i]
	}
	in.bad = true
	return ""
}

const maxNesting = 500

func (in *input) value(depth int) Value {
	t := Type(in.byte())
	switch t {
	case None:
		return Value{}
	case String:
		return StringValue(in.text())
	case Long:
		return LongValue(in.varint())
	case Double:
		return DoubleValue(in.double())
	case Boolean:
		return BooleanValue(in.byte() != 0)
	case StringArray:
		return StringArrayValue(list(in, in.text))
	case LongArray:
		return LongArrayValue(list(in, in.varint))
	case DoubleArray:
		return DoubleArrayValue(list(in, in.double))
	case BooleanArray:
		return BooleanArrayValue(list(in, func() bool { return in.byte() != 0 }))
	case StringMap:
		out := &Texts{}
		for n := in.count(); n > 0 && !in.bad; n-- {
			name := in.text()
			out.Set(name, in.text())
		}
		return StringMapValue(out)
	case Map:
		out := &Values{}
		if depth > maxNesting {
			in.bad = true
		}
		for n := in.count(); n > 0 && !in.bad; n-- {
			name := in.text()
			out.Set(name, in.value(depth+1))
		}
		return MapValue(out)
	}
	in.bad = true
	return Value{}
}

func list[T any](in *input, one func() T) []T {
	n := in.count()
	out := make([]T, 0, n)
	for ; n > 0 && !in.bad; n-- {
		out = append(out, one())
	}
	return out
}
