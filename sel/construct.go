package sel

import "strings"

// newNode is new T(args…).
type newNode struct {
	typ  string
	kind Kind
	ok   bool // typ has constructors
	args []argument
	pos  int32
}

func newObjectNode(e *newObject, args []argument) node {
	n := &newNode{typ: e.Type, args: args, pos: e.pos}
	n.kind, n.ok = typeNames[e.Type]
	switch n.kind {
	case KindZone, KindFormatter, KindProperty, KindDays, KindUUID:
		n.ok = false
	}
	return n
}

func (n *newNode) eval(m *machine) (Value, *Error) {
	base := len(m.stack)
	args, err := m.operands(n.args)
	if err != nil {
		return Value{}, err
	}
	v, err := n.construct(m, args)
	m.stack = m.stack[:base]
	if err != nil {
		return v, err.at(n.pos)
	}
	return v, nil
}

func (n *newNode) construct(m *machine, args []Value) (Value, *Error) {
	if !n.ok {
		return Value{}, fail(FailUnsupported, "constructor table does not include class:  ", n.typ)
	}
	switch {
	case n.kind == KindDateTime:
		return m.newDateTime(args)
	case n.kind == KindMap && len(args) == 0:
		return mapValue(&mapping{}), nil
	case n.kind == KindString && len(args) == 0:
		return String(""), nil
	case n.kind == KindMap || len(args) != 1:
		return Value{}, n.wrong(args)
	}
	arg := args[0]
	switch n.kind {
	case KindString:
		if arg.kind == KindString || arg.kind == KindLong {
			if arg.null {
				return arg, nil
			}
			return m.text(textOf(arg))
		}
	case KindLong:
		switch arg.kind {
		case KindLong:
			return arg, nil
		case KindString:
			return m.parseLong(arg)
		}
	case KindDouble:
		switch arg.kind {
		case KindDouble:
			return arg, nil
		case KindString:
			return m.parseDouble(arg)
		}
	case KindBoolean:
		switch arg.kind {
		case KindBoolean:
			return arg, nil
		case KindString:
			return Bool(len(textOf(arg)) == len("true") && strings.EqualFold(textOf(arg), "true")), nil
		}
	}
	return Value{}, n.wrong(args)
}

func (n *newNode) wrong(args []Value) *Error {
	kinds := ""
	for i, a := range args {
		if i > 0 {
			kinds += ", "
		}
		kinds += a.kind.String()
	}
	return fail(FailIllegalArgument, "no constructor of ", n.typ, " takes (", kinds, ")")
}
