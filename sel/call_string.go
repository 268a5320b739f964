package sel

import (
	"errors"
	"math"
	"strings"

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

// receiver is the text a method works on; reading it is charged for.
func (m *machine) receiver(n *callNode, recv Value) (string, *Error) {
	if recv.null {
		return "", n.failed(recv, "it is null")
	}
	return recv.str(), m.work(len(recv.str()))
}

func (m *machine) stringCall0(n *callNode, recv Value) (Value, *Error) {
	var f func(string) (Value, *Error)
	switch n.method.id {
	case mLength:
		f = func(s string) (Value, *Error) { return Long(int64(utf16Len(s))), nil }
	case mIsEmpty:
		f = func(s string) (Value, *Error) { return Bool(s == ""), nil }
	case mToUpperCase:
		f = func(s string) (Value, *Error) { return m.text(upper(s)) }
	case mToLowerCase:
		f = func(s string) (Value, *Error) { return m.text(lower(s)) }
	case mTrim:
		f = func(s string) (Value, *Error) {
			return m.text(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }))
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
		return m.substring(n, recv, arg, Long(int64(utf16Len(s))))
	case mEquals:
		return Bool(arg.kind == KindString && !arg.null && arg.str() == s), nil
	}
	if arg.kind != KindString || arg.null {
		return Value{}, n.wrongArg(recv, arg)
	}
	t := arg.str()
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
		size := len(s) + strings.Count(s, from)*(len(to)-len(from))
		if err := m.alloc(2 * size); err != nil {
			return Value{}, err
		}
		return String(strings.ReplaceAll(s, from, to)), m.work(size)
	}
	re, err := n.pattern(recv, from)
	if err != nil {
		return Value{}, err
	}
	return m.regexResult(n, recv, func(budget *int64, grow regex.Grow) (Value, error) {
		out, err := re.Replace(s, to, budget, grow)
		return String(out), err
	})
}

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
	size := int64(utf16Len(recv.str()))
	if lo < 0 || lo > hi || hi > size {
		return Value{}, n.failed(recv, "range "+itoa(lo)+" to "+itoa(hi)+" is out of bounds for length "+itoa(size))
	}
	return m.text(utf16Slice(recv.str(), int(lo), int(hi)))
}

// pattern compiles a regular expression, unless the compiler has done so.
func (n *callNode) pattern(recv Value, text string) (*regex.Regexp, *Error) {
	if n.regex != nil {
		return n.regex, nil
	}
	re, err := regex.Compile(text)
	if err != nil {
		return nil, n.failed(recv, err.Error())
	}
	return re, nil
}

func (m *machine) split(n *callNode, recv, pattern Value, limit int) (Value, *Error) {
	re, err := n.pattern(recv, pattern.str())
	if err != nil {
		return Value{}, err
	}
	return m.regexResult(n, recv, func(budget *int64, grow regex.Grow) (Value, error) {
		pieces, err := re.Split(recv.str(), limit, budget, grow)
		return Strings(pieces), err
	})
}

// regexResult runs f with what is left of the steps as its budget, and charges for what it took and made.
func (m *machine) regexResult(n *callNode, recv Value, f func(budget *int64, grow regex.Grow) (Value, error)) (Value, *Error) {
	budget := m.limits.Visits - m.visits
	var limit *Error
	steps := 0
	grow := func(bytes int) error {
		if steps++; steps&1023 == 0 {
			if limit = m.poll(); limit != nil {
				return limit
			}
		}
		if limit = m.alloc(2 * bytes); limit != nil {
			return limit
		}
		return nil
	}
	// A text is taken apart into its characters.
	if err := m.alloc(4 * len(recv.str())); err != nil {
		return Value{}, err
	}
	v, err := f(&budget, grow)
	m.visits = m.limits.Visits - max(budget, 0)
	switch {
	case limit != nil:
		return Value{}, limit
	case errors.Is(err, regex.ErrBudget) || m.visits >= m.limits.Visits:
		return Value{}, m.exceeded(0)
	case err != nil:
		return Value{}, n.failed(recv, err.Error())
	}
	return v, nil
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
	size := 0
	for _, p := range parts {
		if err := want(p, KindString); err != nil {
			return Value{}, err
		}
		size += len(textOf(p)) + len(sep.str())
	}
	if err := m.alloc(2 * size); err != nil {
		return Value{}, err
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(sep.str())
		}
		b.WriteString(textOf(p))
	}
	return String(b.String()), m.work(size)
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
	return m.text(escaper.Replace(recv.str()))
}

var escaper = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\b", `\b`, "\n", `\n`, "\r", `\r`, "\f", `\f`, `"`, `\"`)
