package sel

import (
	"math"
	"strings"

	"maestro/internal/meter"
	"maestro/sel/internal/regex"
)

// stringCall is a method of a STRING. All that can go wrong inside one is FailCallFailed, but for the static methods
// that the original implements itself.
func (m *machine) stringCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	switch n.method.id {
	case mFormat, mJoin:
		if len(args) == 0 {
			return Value{}, fail(FailIllegalArgument, n.name, " takes at least one argument")
		}
		if n.method.id == mJoin {
			return m.join(args[0], args[1:])
		}
		return m.format(args[0], args[1:])
	case mEscape:
		return m.escape(recv, args)
	case mValueOf:
		if len(args) == 1 {
			if !recv.null {
				return Value{}, n.failed(recv, "it is static")
			}
			s, err := m.render(args[0])
			if err != nil {
				return Value{}, err
			}
			return m.text(s)
		}
	}
	switch len(args) {
	case 0:
		return m.stringCall0(n, recv)
	case 1:
		return m.stringCall1(n, recv, args[0])
	case 2:
		return m.stringCall2(n, recv, args)
	}
	return Value{}, n.unknown(KindString, args)
}

// failed is the error of a method that the receiver has but cannot carry out.
func (n *callNode) failed(recv Value, why string) *Error {
	return fail(FailCallFailed, "Failed calling method ", n.name, " of ", recv.kind.String(), ": ", why)
}

// receiver is the text a method works on. Whatever looks at all of it charges for that.
func (m *machine) receiver(n *callNode, recv Value) (string, *Error) {
	if recv.null {
		return "", n.failed(recv, "it is null")
	}
	return recv.str(), nil
}

// units is the length of s in UTF-16 units.
func (m *machine) units(s string) (int, *Error) {
	if err := m.spend(len(s)>>4, 0); err != nil {
		return 0, err
	}
	if ascii(s) {
		return len(s), nil
	}
	return utf16Len(s), m.scan(len(s))
}

func (m *machine) stringCall0(n *callNode, recv Value) (Value, *Error) {
	var f func(string) (Value, *Error)
	switch n.method.id {
	case mLength:
		f = func(s string) (Value, *Error) { n, err := m.units(s); return Long(int64(n)), err }
	case mIsEmpty:
		f = func(s string) (Value, *Error) { return Bool(s == ""), nil }
	case mToUpperCase:
		f = func(s string) (Value, *Error) { return m.recased(s, upper) }
	case mToLowerCase:
		f = func(s string) (Value, *Error) { return m.recased(s, lower) }
	case mTrim:
		f = func(s string) (Value, *Error) {
			trimmed := strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
			if err := m.spend(len(s)-len(trimmed), 0); err != nil {
				return Value{}, err
			}
			return m.text(trimmed)
		}
	default:
		return Value{}, n.unknown(KindString, nil)
	}
	s, err := m.receiver(n, recv)
	if err != nil {
		return Value{}, err
	}
	return f(s)
}

// recased charges for a text in another case before it is made. Of a text that is not ASCII the characters are looked up
// one by one, and it may grow threefold.
func (m *machine) recased(s string, to func(string) string) (Value, *Error) {
	steps, size := len(s)>>4, 2*len(s)
	if !ascii(s) {
		steps, size = 8*len(s), 10*len(s)
	}
	if err := m.spend(steps, size); err != nil {
		return Value{}, err
	}
	return String(to(s)), nil
}

func (m *machine) stringCall1(n *callNode, recv, arg Value) (Value, *Error) {
	switch n.method.id {
	case mLastIndexOf, mStartsWith, mEndsWith, mContains, mEquals, mCompareTo, mSplit, mSubstring:
	default:
		return Value{}, n.unknown(KindString, []Value{arg})
	}
	s, err := m.receiver(n, recv)
	if err != nil {
		return Value{}, err
	}
	switch n.method.id {
	case mSubstring:
		size, err := m.units(s)
		if err != nil {
			return Value{}, err
		}
		return m.substring(n, recv, arg, Long(int64(size)))
	case mEquals:
		if arg.kind != KindString || arg.null || len(arg.str()) != len(s) {
			return Bool(false), nil
		}
		return Bool(arg.str() == s), m.work(len(s))
	}
	if arg.kind != KindString || arg.null {
		return Value{}, n.wrongArg(recv, arg)
	}
	t := arg.str()
	if n.method.id != mSplit { // it charges by itself
		if err := m.scan(len(s) + len(t)); err != nil {
			return Value{}, err
		}
	}
	switch n.method.id {
	case mLastIndexOf:
		i := strings.LastIndex(s, t)
		if i > 0 {
			i = utf16Len(s[:i])
		}
		return Long(int64(i)), nil
	case mStartsWith:
		return Bool(strings.HasPrefix(s, t)), nil
	case mEndsWith:
		return Bool(strings.HasSuffix(s, t)), nil
	case mContains:
		return Bool(strings.Contains(s, t)), nil
	case mCompareTo:
		return Long(int64(utf16Compare(s, t))), nil
	}
	return m.split(n, recv, arg, 0)
}

func (n *callNode) wrongArg(recv, arg Value) *Error {
	what := arg.kind.String()
	if arg.null {
		what = "null-valued " + what
	}
	return n.failed(recv, "argument is "+what)
}

func (m *machine) stringCall2(n *callNode, recv Value, args []Value) (Value, *Error) {
	switch n.method.id {
	case mSubstring, mReplace, mReplaceAll, mSplit:
	default:
		return Value{}, n.unknown(KindString, args)
	}
	s, err := m.receiver(n, recv)
	if err != nil {
		return Value{}, err
	}
	if n.method.id == mSubstring {
		return m.substring(n, recv, args[0], args[1])
	}
	if args[0].kind != KindString || args[0].null {
		return Value{}, n.wrongArg(recv, args[0])
	}
	if n.method.id == mSplit {
		limit, ok := toInt32(args[1])
		if !ok {
			return Value{}, n.wrongArg(recv, args[1])
		}
		return m.split(n, recv, args[0], int(limit))
	}
	if args[1].kind != KindString || args[1].null {
		return Value{}, n.wrongArg(recv, args[1])
	}
	from, to := args[0].str(), args[1].str()
	if n.method.id == mReplace {
		if err := m.scan(2 * len(s)); err != nil { // counting, then replacing
			return Value{}, err
		}
		count := strings.Count(s, from)
		size := len(s) + count*(len(to)-len(from))
		if err := m.spend(replaceWork*count+size>>6, 2*size); err != nil {
			return Value{}, err
		}
		return String(strings.ReplaceAll(s, from, to)), nil
	}
	re, err := m.pattern(n, recv, from)
	if err != nil {
		return Value{}, err
	}
	out, e := re.Replace(s, to, m.meter)
	if e != nil {
		return Value{}, m.regexFailed(n, recv, e)
	}
	return String(out), nil
}

// replaceWork is what replacing one occurrence of a text takes.
const replaceWork = 4

// toInt32 is the number of a LONG that fits into 32 bits.
func toInt32(v Value) (int64, bool) {
	n := v.long()
	return n, v.kind == KindLong && n >= math.MinInt32 && n <= math.MaxInt32
}

func (m *machine) substring(n *callNode, recv, from, to Value) (Value, *Error) {
	lo, ok := toInt32(from)
	if !ok {
		return Value{}, n.wrongArg(recv, from)
	}
	hi, ok := toInt32(to)
	if !ok {
		return Value{}, n.wrongArg(recv, to)
	}
	units, err := m.units(recv.str())
	if err != nil {
		return Value{}, err
	}
	size := int64(units)
	if lo < 0 || lo > hi || hi > size {
		return Value{}, n.failed(recv, "range "+itoa(lo)+" to "+itoa(hi)+" is out of bounds for length "+itoa(size))
	}
	if units < len(recv.str()) { // it is put together character by character
		if err := m.spend(len(recv.str())>>2, 2*len(recv.str())); err != nil {
			return Value{}, err
		}
	}
	return m.text(utf16Slice(recv.str(), int(lo), int(hi)))
}

// pattern compiles a regular expression, unless the compiler has done so.
func (m *machine) pattern(n *callNode, recv Value, text string) (*regex.Regexp, *Error) {
	if n.regex != nil {
		return n.regex, nil
	}
	re, err := regex.Compile(text, m.meter)
	if err != nil {
		return nil, m.regexFailed(n, recv, err)
	}
	return re, nil
}

// regexFailed is the error of a method whose pattern cannot be compiled or matched.
func (m *machine) regexFailed(n *callNode, recv Value, err error) *Error {
	if m.meter.Err() != nil {
		return m.exceeded(0)
	}
	return n.failed(recv, err.Error())
}

func (m *machine) split(n *callNode, recv, pattern Value, limit int) (Value, *Error) {
	re, err := m.pattern(n, recv, pattern.str())
	if err != nil {
		return Value{}, err
	}
	a := &array{}
	found, e := re.Split(recv.str(), limit, m.meter, func(piece string) error {
		size := 2 * len(piece)
		if len(a.elems) == cap(a.elems) {
			room := max(2*cap(a.elems), 4)
			if size += elemSize * room; !m.meter.Spend(int64(room), int64(size)) {
				return m.meter.Err()
			}
			a.elems = append(make([]Value, 0, room), a.elems...)
			size = 0
		}
		if !m.meter.Spend(elementWork, int64(size)) {
			return m.meter.Err()
		}
		a.elems = append(a.elems, String(piece))
		return nil
	})
	if e != nil {
		return Value{}, m.regexFailed(n, recv, e)
	}
	for found && limit == 0 && len(a.elems) > 0 && a.elems[len(a.elems)-1].bits == 0 {
		a.elems = a.elems[:len(a.elems)-1]
	}
	return arrayValue(KindStringArray, a), nil
}

func (m *machine) join(sep Value, parts []Value) (Value, *Error) {
	if err := want(sep, KindString); err != nil {
		return Value{}, err
	}
	if sep.null {
		return Value{}, fail(FailNullPointer, "separator of join is null")
	}
	if len(parts) == 1 && parts[0].kind == KindStringArray {
		parts = parts[0].array().elems
	}
	if err := m.spend(elementWork/2*len(parts), 0); err != nil {
		return Value{}, err
	}
	size := 0
	for i, p := range parts {
		if err := want(p, KindString); err != nil {
			return Value{}, err
		}
		if i > 0 {
			size += len(sep.str())
		}
		size += len(textOf(p))
	}
	out := meter.Text{Meter: m.meter}
	out.Grow(size)
	for i, p := range parts {
		if i > 0 {
			out.String(sep.str())
		}
		out.String(textOf(p))
	}
	return finished(&out)
}

func (m *machine) escape(recv Value, args []Value) (Value, *Error) {
	switch {
	case len(args) == 1 && args[0].kind == KindString:
		recv = args[0]
	case len(args) != 0:
		return Value{}, fail(FailIllegalArgument, "escape takes one STRING or none")
	}
	if recv.null {
		return Value{}, fail(FailNullPointer, "escape of a null-valued STRING")
	}
	s := recv.str()
	if err := m.spend(len(s)>>2, 4*len(s)); err != nil { // it may grow to twice its size
		return Value{}, err
	}
	return String(escaper.Replace(s)), nil
}

var escaper = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\b", `\b`, "\n", `\n`, "\r", `\r`, "\f", `\f`, `"`, `\"`)
