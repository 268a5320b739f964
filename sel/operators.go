package sel

import "math"

// binary applies an operator. What it means, and how it fails, depends on the left side's kind.
func (m *machine) binary(op operator, l, r Value) (Value, *Error) {
	switch l.kind {
	case KindLong:
		return m.longOp(op, l, r)
	case KindDouble:
		return m.doubleOp(op, l, r)
	case KindString:
		return m.stringOp(op, l, r)
	case KindBoolean:
		return booleanOp(op, l, r)
	case KindNull:
		return m.nullOp(op, l, r)
	}
	return Value{}, unsupportedOp(op, l, r)
}

func unsupportedOp(op operator, l, r Value) *Error {
	return fail(FailUnsupported, l.kind.String(), " DO NOT support operation: ", op.String(), " with ", r.kind.String())
}

func mismatchOp(op operator, l, r Value) *Error {
	return fail(FailTypeMismatch, "Type mismatch: ", l.kind.String(), " ", op.String(), " ", r.kind.String())
}

func (m *machine) longOp(op operator, l, r Value) (Value, *Error) {
	switch r.kind {
	case KindLong:
		switch {
		case op <= opAnd:
			return Value{}, unsupportedOp(op, l, r)
		case op <= opGe:
			return Bool(compare(op, l.long(), r.long())), nil
		}
		return m.arith(op, l, r)
	case KindDouble:
		return m.doubleOp(op, Double(float64(l.long())), r)
	case KindString:
		return m.textOp(op, l, r)
	case KindNull:
		if op == opEq || op == opNe {
			return Bool(op == opNe), nil
		}
	}
	return Value{}, mismatchOp(op, l, r)
}

func (m *machine) doubleOp(op operator, l, r Value) (Value, *Error) {
	switch {
	case r.kind == KindLong:
		r = Double(float64(r.long()))
		fallthrough
	case r.kind == KindDouble:
		switch {
		case op <= opAnd:
			return Value{}, unsupportedOp(op, l, r)
		case op <= opGe:
			return Bool(compare(op, l.double(), r.double())), nil
		}
		return m.arith(op, l, r)
	case r.kind == KindString:
		return m.textOp(op, l, r)
	case r.kind == KindNull:
		if op == opEq || op == opNe {
			return Bool(op == opNe), nil
		}
		return Value{}, unsupportedOp(op, l, r)
	}
	return Value{}, fail(FailClassCast, r.kind.String(), " is not a number in DOUBLE ", op.String(), " ", r.kind.String())
}

// textOp is a number with a STRING: joined, or compared by the number's text.
func (m *machine) textOp(op operator, l, r Value) (Value, *Error) {
	switch op {
	case opAdd:
		return m.concat(l, r)
	case opEq:
		return Bool(textOf(l) == textOf(r)), nil
	case opNe:
		return Bool(textOf(l) != textOf(r)), nil
	}
	return Value{}, unsupportedOp(op, l, r)
}

func (m *machine) stringOp(op operator, l, r Value) (Value, *Error) {
	switch op {
	case opAdd:
		return m.concat(l, r)
	case opEq, opNe:
		switch {
		case r.kind == KindNull:
			return Bool(l.null == (op == opEq)), nil
		case r.kind != KindString:
			return Value{}, mismatchOp(op, l, r)
		}
		if n := min(int(l.bits), int(r.bits)); n >= 64 {
			if err := m.work(n); err != nil {
				return Value{}, err
			}
		}
		same := l.null == r.null && l.str() == r.str()
		return Bool(same == (op == opEq)), nil
	}
	return Value{}, unsupportedOp(op, l, r)
}

func booleanOp(op operator, l, r Value) (Value, *Error) {
	switch r.kind {
	case KindBoolean:
		switch op {
		case opAnd:
			return Bool(l.bits&r.bits != 0), nil
		case opOr:
			return Bool(l.bits|r.bits != 0), nil
		case opEq:
			return Bool(l.bits == r.bits), nil
		case opNe:
			return Bool(l.bits != r.bits), nil
		}
		return Value{}, unsupportedOp(op, l, r)
	case KindNull:
		if op == opEq || op == opNe {
			return Bool(op == opNe), nil
		}
	}
	return Value{}, mismatchOp(op, l, r)
}

func (m *machine) nullOp(op operator, l, r Value) (Value, *Error) {
	switch op {
	case opLt, opGt:
		return Bool(false), nil
	case opAdd:
		return m.concat(l, r)
	case opEq, opNe:
		if r.kind < KindUUID {
			return Bool(r.IsNull() == (op == opEq)), nil
		}
	}
	return Value{}, unsupportedOp(op, l, r)
}

// arith is + - * / % on two LONGs or two DOUBLEs.
func (m *machine) arith(op operator, l, r Value) (Value, *Error) {
	if l.kind == KindDouble {
		a, b := l.double(), r.double()
		switch op {
		case opAdd:
			return Double(a + b), nil
		case opSub:
			return Double(a - b), nil
		case opMul:
			return Double(a * b), nil
		case opDiv:
			return Double(a / b), nil
		}
		return Double(math.Mod(a, b)), nil
	}
	a, b := l.long(), r.long()
	switch op {
	case opAdd:
		return Long(a + b), nil
	case opSub:
		return Long(a - b), nil
	case opMul:
		return Long(a * b), nil
	}
	if b == 0 {
		return Value{}, fail(FailArithmetic, "LONG ", op.String(), " by zero")
	}
	if op == opDiv {
		return Long(a / b), nil
	}
	return Long(a % b), nil
}

func compare[T int64 | float64](op operator, a, b T) bool {
	switch op {
	case opEq:
		return a == b
	case opNe:
		return a != b
	case opLt:
		return a < b
	case opGt:
		return a > b
	case opLe:
		return a <= b
	}
	return a >= b
}

// concat joins two texts, if the right side has one that a script may see.
func (m *machine) concat(l, r Value) (Value, *Error) {
	left, right, err := m.texts(l, r)
	if err != nil {
		return Value{}, err
	}
	return m.joined(left, right)
}

func (m *machine) texts(l, r Value) (left, right string, err *Error) {
	if !textual(r.kind) {
		return "", "", fail(FailUnsupported, r.kind.String(), " DO NOT support being appended to a text")
	}
	if left, err = m.render(l); err != nil {
		return
	}
	if right, err = m.render(r); err != nil {
		return
	}
	return left, right, nil
}

// textual kinds can be appended to a text.
func textual(k Kind) bool {
	return k <= KindMap || k == KindDateTime || k == KindZone || k == KindDays || k == KindProperty
}
