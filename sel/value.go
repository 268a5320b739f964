package sel

import (
	"math"
	"unsafe"

	"maestro/sel/internal/joda"
)

// Value is one value of any kind, in three words and without boxing: a number sits in bits, anything else behind ptr,
// whose type the kind tells. Strings are taken apart into data pointer and length as log/slog does. The zero Value is
// NULL.
//
// It has four fields because the compiler keeps structs of more in memory instead of registers. Two Values must not be
// compared with ==, which would compare where strings lie.
//
// Values of array and map kinds refer to their storage. A script never changes storage that came from its caller, and
// a result is not changed after Run has returned it.
type Value struct {
	kind Kind
	null bool // a null-valued cell keeps its kind
	bits uint64
	ptr  unsafe.Pointer
}

// Null is the value NULL.
func Null() Value { return Value{} }

// String is a STRING. Invalid UTF-8 is replaced when the value enters a script.
func String(s string) Value {
	if s == "" {
		return Value{kind: KindString}
	}
	return Value{kind: KindString, bits: uint64(len(s)), ptr: unsafe.Pointer(unsafe.StringData(s))}
}

// NullString is the null-valued STRING, as in a new String[1].
func NullString() Value { return Value{kind: KindString, null: true} }

// Long is a LONG.
func Long(n int64) Value { return Value{kind: KindLong, bits: uint64(n)} }

// Double is a DOUBLE.
func Double(d float64) Value { return Value{kind: KindDouble, bits: math.Float64bits(d)} }

// Bool is a BOOLEAN.
func Bool(b bool) Value {
	v := Value{kind: KindBoolean}
	if b {
		v.bits = 1
	}
	return v
}

func dateTime(d joda.DateTime) Value {
	return Value{kind: KindDateTime, bits: uint64(d.Millis), ptr: unsafe.Pointer(d.Zone)}
}

func zoneValue(z *joda.Zone) Value         { return Value{kind: KindZone, ptr: unsafe.Pointer(z)} }
func formatter(f *joda.Formatter) Value    { return Value{kind: KindFormatter, ptr: unsafe.Pointer(f)} }
func days(n int64) Value                   { return Value{kind: KindDays, bits: uint64(n)} }
func uuidValue(u *[16]byte) Value          { return Value{kind: KindUUID, ptr: unsafe.Pointer(u)} }
func propertyValue(p *joda.Property) Value { return Value{kind: KindProperty, ptr: unsafe.Pointer(p)} }
func thrown(s string) Value                { v := String(s); v.kind = KindError; return v }
func arrayValue(kind Kind, a *array) Value { return Value{kind: kind, ptr: unsafe.Pointer(a)} }
func mapValue(m *mapping) Value            { return Value{kind: KindMap, ptr: unsafe.Pointer(m)} }
func (v Value) array() *array              { return (*array)(v.ptr) }
func (v Value) mapping() *mapping          { return (*mapping)(v.ptr) }
func (v Value) zone() *joda.Zone           { return (*joda.Zone)(v.ptr) }
func (v Value) formatter() *joda.Formatter { return (*joda.Formatter)(v.ptr) }
func (v Value) property() *joda.Property   { return (*joda.Property)(v.ptr) }
func (v Value) uuid() *[16]byte            { return (*[16]byte)(v.ptr) }
func (v Value) dateTime() joda.DateTime {
	return joda.DateTime{Millis: int64(v.bits), Zone: (*joda.Zone)(v.ptr)}
}

// Kind tells which accessor applies.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is NULL or a null-valued cell of another kind.
func (v Value) IsNull() bool { return v.null || v.kind == KindNull }

// Str is the text of a STRING or ERROR, "" for a null-valued one. [Value.Text] renders any kind.
func (v Value) Str() string {
	if v.kind != KindString && v.kind != KindError || v.ptr == nil {
		return ""
	}
	return unsafe.String((*byte)(v.ptr), int(v.bits))
}

// Int64 is the number of a LONG, and zero for any other kind.
func (v Value) Int64() int64 {
	if v.kind != KindLong {
		return 0
	}
	return int64(v.bits)
}

// Float64 is the number of a DOUBLE, and zero for any other kind.
func (v Value) Float64() float64 {
	if v.kind != KindDouble {
		return 0
	}
	return math.Float64frombits(v.bits)
}

// Bool is true for the BOOLEAN true and for nothing else.
func (v Value) Bool() bool { return v.kind == KindBoolean && v.bits != 0 }

// str, long and double read without checking the kind.
func (v Value) str() string     { return unsafe.String((*byte)(v.ptr), int(v.bits)) }
func (v Value) long() int64     { return int64(v.bits) }
func (v Value) double() float64 { return math.Float64frombits(v.bits) }

// initial is what a variable of kind k holds when it is declared without a value.
func initial(k Kind) Value {
	switch k {
	case KindLong, KindDouble, KindBoolean:
		return Value{kind: k}
	case KindStringArray, KindLongArray, KindDoubleArray, KindBooleanArray:
		return arrayValue(k, &array{})
	}
	return Value{kind: k, null: true}
}
