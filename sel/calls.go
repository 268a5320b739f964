package sel

import (
	"maestro/internal/meter"
	"maestro/sel/internal/joda"
	"maestro/sel/internal/regex"
)

// argument is an operand of a call; see [compiler.args] for when it is passed as a cell.
type argument struct {
	node node
	cell bool
}

// callNode is x.name(args…).
type callNode struct {
	recv   node
	name   string
	method method
	args   []argument
	cells  bool // some argument is passed as a cell
	late   bool // an argument may change what recv denotes
	pos    int32

	ready Value         // formatter or zone of a constant first argument, see prepare
	regex *regex.Regexp // likewise
}

func (n *callNode) eval(m *machine) (Value, *Error) {
	v, c, err := n.invoke(m)
	if err != nil {
		return v, err.at(n.pos)
	}
	if c != nil {
		return *c, nil
	}
	return v, nil
}

// cellCallNode is a call of a method that may answer with an existing cell.
type cellCallNode struct{ callNode }

func (n *cellCallNode) cell(m *machine) (*Value, *Error) {
	v, c, err := n.invoke(m)
	if err != nil {
		return nil, err.at(n.pos)
	}
	if c == nil {
		c = &v
	}
	return c, nil
}

// invoke yields a value, or the existing cell that the method answers with.
func (n *callNode) invoke(m *machine) (Value, *Value, *Error) {
	recv, late, err := n.receiver(m)
	if err != nil {
		return recv, nil, err
	}
	base := len(m.stack)
	var cells []*Value
	if n.cells {
		cells = make([]*Value, len(n.args))
	}
	for i := range n.args {
		a := &n.args[i]
		var v Value
		var err *Error
		if a.cell {
			cells[i], err = cellFrom(m, a.node)
		} else {
			v, err = a.node.eval(m)
		}
		if err != nil {
			m.stack = m.stack[:base]
			return v, nil, err
		}
		m.stack = append(m.stack, v)
	}
	args := m.stack[base:len(m.stack):len(m.stack)]
	for i, c := range cells {
		if c != nil {
			args[i] = *c
		}
	}
	if late != nil {
		recv = *late
	}
	v, c, err := n.dispatch(m, recv, args, cells)
	m.stack = m.stack[:base]
	return v, c, err
}

func (n *callNode) receiver(m *machine) (Value, *Value, *Error) {
	if n.late {
		c, err := cellFrom(m, n.recv)
		return Value{}, c, err
	}
	v, err := n.recv.eval(m)
	return v, nil, err
}

func (n *callNode) dispatch(m *machine, recv Value, args []Value, cells []*Value) (v Value, c *Value, err *Error) {
	switch recv.kind {
	case KindMap:
		return n.mapCall(m, recv, args, cells)
	case KindString:
		v, err = m.stringCall(n, recv, args)
	case KindLong:
		v, err = m.longCall(n, recv, args)
	case KindDouble:
		v, err = m.doubleCall(n, recv, args)
	case KindDateTime:
		v, err = m.dateTimeCall(n, recv, args)
	case KindZone:
		v, err = m.zoneCall(n, recv, args)
	case KindFormatter:
		v, err = m.formatterCall(n, recv, args)
	case KindProperty:
		v, err = m.propertyCall(n, recv, args)
	case KindDays:
		v, err = m.daysCall(n, recv, args)
	case KindUUID:
		v, err = m.uuidCall(n, recv, args)
	case KindMath:
		v, err = m.mathCall(n, args)
	case KindUtil:
		v, err = m.utilCall(n, args)
	case KindParams:
		v, err = m.paramsCall(n, args)
	case KindMisc:
		if n.method.id == mAsList && len(args) == 1 {
			return Value{}, cells[0], nil
		}
		v, err = m.miscCall(n, args)
	case KindNull:
		return v, nil, fail(FailUnsupported, "NULL DO NOT support calling ", n.name)
	default:
		err = n.unknown(recv.kind, args)
	}
	return v, nil, err
}

// unknown is the error for a method that k does not have with so many arguments.
func (n *callNode) unknown(k Kind, args []Value) *Error {
	kinds := ""
	for i, a := range args {
		if i > 0 {
			kinds += ", "
		}
		kinds += a.kind.String()
	}
	return fail(FailUnsupported, k.String(), " DO NOT support calling method: ", n.name, " with args: [", kinds, "]")
}

// want fails unless v is of kind k.
func want(v Value, k Kind) *Error {
	if v.kind != k {
		return fail(FailClassCast, "expected ", k.String(), " but got ", v.kind.String())
	}
	return nil
}

// prepare digests a constant first argument that names a zone, a pattern or a regular expression. If that fails the
// call will fail when it runs. Patterns that are costly to compile are left to the run, which pays for them.
func (n *callNode) prepare(patterns *meter.Meter) {
	if len(n.args) == 0 {
		return
	}
	c, ok := n.args[0].node.(*constNode)
	if !ok || c.v.kind != KindString {
		return
	}
	switch n.method.id {
	case mForID:
		if z, ok := joda.ForID(c.v.str()); ok {
			n.ready = zoneValue(z)
		}
	case mForPattern, mToString:
		if f, err := joda.Compile(c.v.str()); err == nil {
			n.ready = formatter(f)
		}
	case mSplit, mReplaceAll:
		if re, err := regex.Compile(c.v.str(), patterns); err == nil {
			n.regex = re
		}
	}
}

// operands evaluates the arguments of a constructor, or the elements of an array, onto the stack. The caller takes
// them off.
func (m *machine) operands(list []argument) ([]Value, *Error) {
	base := len(m.stack)
	var late []lateCell
	for i := range list {
		var v Value
		var err *Error
		if list[i].cell {
			var c *Value
			c, err = cellFrom(m, list[i].node)
			late = append(late, lateCell{i, c})
		} else {
			v, err = list[i].node.eval(m)
		}
		if err != nil {
			m.stack = m.stack[:base]
			return nil, err
		}
		m.stack = append(m.stack, v)
	}
	args := m.stack[base:len(m.stack):len(m.stack)]
	for _, l := range late {
		args[l.i] = *l.c
	}
	return args, nil
}
