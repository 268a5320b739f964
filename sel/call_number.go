package sel

import (
	"math"
	"strconv"
	"strings"
)

func (m *machine) longCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	if len(args) == 0 {
		switch n.method.id {
		case mToString:
			return m.text(itoa(recv.long()))
		case mIntValue:
			return recv, nil
		}
		return Value{}, n.unknown(KindLong, args)
	}
	if len(args) > 1 {
		return Value{}, n.unknown(KindLong, args)
	}
	arg := args[0]
	switch n.method.id {
	case mToString:
		if err := want(arg, KindLong); err != nil {
			return Value{}, err
		}
		return m.text(itoa(arg.long()))
	case mValueOf:
		switch arg.kind {
		case KindLong:
			return arg, nil
		case KindString:
			return m.parseLong(arg)
		}
	case mParseLong:
		if err := want(arg, KindString); err != nil {
			return Value{}, err
		}
		return m.parseLong(arg)
	}
	return Value{}, n.unknown(KindLong, args)
}

// parseLong reads an optional sign and decimal digits.
func (m *machine) parseLong(v Value) (Value, *Error) {
	if err := m.parsing(v); err != nil {
		return Value{}, err
	}
	if !v.null {
		if n, err := strconv.ParseInt(v.str(), 10, 64); err == nil {
			return Long(n), nil
		}
	}
	return Value{}, fail(FailNumberFormat, quoteShort(v), " is not a LONG")
}

// parsing charges for reading a number: each character is looked at a few times, and a failure keeps a copy of the text.
func (m *machine) parsing(v Value) *Error {
	if v.null {
		return nil
	}
	return m.spend(10+len(v.str()), len(v.str()))
}

// quoteShort quotes the text of v for a message, cut if it is long.
func quoteShort(v Value) string {
	return strconv.Quote(clip(textOf(v), 60))
}

// clip cuts a long text for a message.
func clip(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most-3], "") + "..."
	}
	return s
}

func (m *machine) doubleCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	if len(args) == 0 {
		switch n.method.id {
		case mToString:
			return m.doubleString(recv)
		case mIntValue, mLongValue:
			return Long(truncate(recv.double())), nil
		}
		return Value{}, n.unknown(KindDouble, args)
	}
	if len(args) > 1 {
		return Value{}, n.unknown(KindDouble, args)
	}
	arg := args[0]
	switch n.method.id {
	case mToString:
		if err := want(arg, KindDouble); err != nil {
			return Value{}, err
		}
		return m.doubleString(arg)
	case mValueOf:
		switch arg.kind {
		case KindDouble:
			return arg, nil
		case KindString:
			return m.parseDouble(arg)
		}
	case mParseDouble:
		if err := want(arg, KindString); err != nil {
			return Value{}, err
		}
		return m.parseDouble(arg)
	}
	return Value{}, n.unknown(KindDouble, args)
}

func (m *machine) doubleString(v Value) (Value, *Error) {
	s, err := m.render(v)
	if err != nil {
		return Value{}, err
	}
	return m.text(s)
}

// truncate goes towards zero and stops at the bounds of int64.
func truncate(d float64) int64 {
	switch {
	case math.IsNaN(d):
		return 0
	case d >= math.MaxInt64:
		return math.MaxInt64
	case d <= math.MinInt64:
		return math.MinInt64
	}
	return int64(d)
}

// parseDouble reads what Java's Double.parseDouble does: white space around, a decimal or hexadecimal number with an
// optional suffix, NaN or Infinity.
func (m *machine) parseDouble(v Value) (Value, *Error) {
	if err := m.parsing(v); err != nil {
		return Value{}, err
	}
	if v.null {
		return Value{}, fail(FailNullPointer, quoteShort(v), " is not a DOUBLE")
	}
	if d, ok := doubleOf(v.str()); ok {
		return Double(d), nil
	}
	return Value{}, fail(FailNumberFormat, quoteShort(v), " is not a DOUBLE")
}

func doubleOf(text string) (float64, bool) {
	s := strings.TrimFunc(text, func(r rune) bool { return r <= ' ' })
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 {
		return 0, false
	}
	switch body {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		if s[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	hex := strings.HasPrefix(body, "0x") || strings.HasPrefix(body, "0X")
	if last := len(s) - 1; last > 0 && strings.IndexByte("fFdD", s[last]) >= 0 && (!hex || strings.ContainsAny(s, "pP")) {
		s = s[:last]
	}
	for i := range len(s) {
		c := s[i]
		if !isDigit(c) && strings.IndexByte("+-.eE", c) < 0 && (!hex || hexDigit(c) < 0 && strings.IndexByte("xXpP", c) < 0) {
			return 0, false
		}
	}
	d, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(d, 0) {
		return 0, false
	}
	return d, true
}

func (m *machine) mathCall(n *callNode, args []Value) (Value, *Error) {
	switch {
	case n.method.id == mRandom && len(args) == 0:
		r, err := m.random()
		return Double(float64(r>>11) / (1 << 53)), err
	case (n.method.id == mMin || n.method.id == mMax) && len(args) == 2:
		for _, a := range args {
			if err := want(a, KindLong); err != nil {
				return Value{}, err
			}
		}
		a, b := args[0].long(), args[1].long()
		if n.method.id == mMin {
			return Long(min(a, b)), nil
		}
		return Long(max(a, b)), nil
	case n.method.id == mPow && len(args) == 2:
		a, err := toDouble(args[0])
		if err != nil {
			return Value{}, err
		}
		b, err := toDouble(args[1])
		return Double(power(a, b)), err
	}
	return Value{}, n.unknown(KindMath, args)
}

func toDouble(v Value) (float64, *Error) {
	switch v.kind {
	case KindLong:
		return float64(v.long()), nil
	case KindDouble:
		return v.double(), nil
	case KindNull:
		return 0, fail(FailNullPointer, "a number is NULL")
	}
	return 0, fail(FailClassCast, v.kind.String(), " is not a number")
}

// power is a to the b. Java wants NaN where C wants 1. Small whole exponents are computed with twice the precision,
// because math.Pow can be off in the last digit where Java is not.
func power(a, b float64) float64 {
	switch {
	case math.IsNaN(b), math.IsInf(b, 0) && (a == 1 || a == -1):
		return math.NaN()
	case b != math.Trunc(b) || math.Abs(b) > 1024 || math.IsInf(a, 0) || math.IsNaN(a) || a == 0:
		return math.Pow(a, b)
	}
	// hi+lo is the product so far, exact to about 100 bits.
	hi, lo := 1.0, 0.0
	sq, sqLo := a, 0.0
	for n := int(math.Abs(b)); n > 0; n >>= 1 {
		if n&1 == 1 {
			hi, lo = mulPair(hi, lo, sq, sqLo)
		}
		sq, sqLo = mulPair(sq, sqLo, sq, sqLo)
	}
	if math.IsInf(hi, 0) || math.IsNaN(lo) || math.Abs(hi) < 0x1p-960 {
		return math.Pow(a, b)
	}
	if b > 0 {
		return hi + lo
	}
	q := 1 / hi
	return q + q*(math.FMA(-q, hi, 1)-q*lo)
}

// mulPair multiplies two unevaluated sums.
func mulPair(a, aLo, b, bLo float64) (hi, lo float64) {
	p := a * b
	e := math.FMA(a, b, -p) + (a*bLo + aLo*b)
	hi = p + e
	return hi, e - (hi - p)
}
