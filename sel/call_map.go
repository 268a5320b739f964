package sel

import "maestro/sel/internal/joda"

// entrySize is what a new entry of a map is charged, its cell, its place in the index and room to grow included.
const entrySize = 200

// hostWork is what a call of the host is charged. The host charges the same meter for what it makes.
const hostWork = 100

// mapCall is a method of a MAP. It answers with the stored cell itself where there is one.
func (n *callNode) mapCall(m *machine, recv Value, args []Value, cells []*Value) (Value, *Value, *Error) {
	id, count := n.method.id, len(args)
	switch {
	case id == mSize && count == 0:
		return Long(int64(recv.Len())), nil, nil
	case id == mGet && count == 1, id == mContainsKey && count == 1, id == mGetOrDefault && count == 2, id == mPut && count == 2:
	default:
		return Value{}, nil, n.unknown(KindMap, args)
	}
	if err := want(args[0], KindString); err != nil {
		return Value{}, nil, err
	}
	if recv.null {
		if id == mContainsKey {
			return Bool(false), nil, nil
		}
		return Value{}, nil, fail(FailNullPointer, "calling ", n.name, " of a null-valued MAP")
	}
	key := textOf(args[0])
	if err := m.scan(len(key)); err != nil {
		return Value{}, nil, err
	}
	mp := recv.mapping()
	switch id {
	case mGet:
		return Value{}, mp.get(key), nil
	case mContainsKey:
		return Bool(mp.find(key) >= 0), nil, nil
	case mGetOrDefault:
		if c := mp.get(key); c != nil {
			return Value{}, c, nil
		}
		return Value{}, cells[1], nil
	}
	if err := m.spend(elementWork, entrySize); err != nil {
		return Value{}, nil, err
	}
	return Value{}, mp.put(key, cells[1]), nil
}

func (m *machine) paramsCall(n *callNode, args []Value) (Value, *Error) {
	switch {
	case n.method.id == mGet && len(args) == 1:
		if err := want(args[0], KindString); err != nil {
			return Value{}, err
		}
		return m.param(args[0])
	case n.method.id == mContainsKey && len(args) == 1:
		if err := want(args[0], KindString); err != nil {
			return Value{}, err
		}
		_, ok, err := m.lookupParam(args[0])
		return Bool(ok), err
	case m.env.Call == nil || len(args) > 3:
		return Value{}, n.unknown(KindParams, args)
	}
	for _, a := range args {
		if a.kind != KindString {
			return Value{}, n.unknown(KindParams, args)
		}
	}
	if err := m.spend(hostWork, 0); err != nil {
		return Value{}, err
	}
	v, err := m.env.Call(n.name, append([]Value(nil), args...))
	if err != nil {
		return Value{}, hostFailure("params."+n.name, err)
	}
	return m.admit(v, 0)
}

func (m *machine) miscCall(n *callNode, args []Value) (Value, *Error) {
	if n.method.id == mCurrentTimeMillis && len(args) == 0 {
		now, err := m.now()
		return Long(now), err
	}
	return Value{}, n.unknown(KindMisc, args)
}

func (m *machine) uuidCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	switch {
	case n.method.id == mRandomUUID && len(args) == 0:
		var u [16]byte
		for i := 0; i < 16; i += 8 {
			r, err := m.random()
			if err != nil {
				return Value{}, err
			}
			for k := range 8 {
				u[i+k] = byte(r >> (8 * k))
			}
		}
		return uuidValue(&u), nil
	case n.method.id == mToString && len(args) == 0:
		return m.text(textOf(recv))
	}
	return Value{}, n.unknown(KindUUID, args)
}

func (m *machine) daysCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	switch {
	case n.method.id == mGetDays && len(args) == 0:
		if recv.null {
			return Value{}, fail(FailNullPointer, "calling getDays of a null-valued DATETIME_DAYS")
		}
		return Long(recv.long()), nil
	case n.method.id == mDaysBetween && len(args) == 2:
		for _, a := range args {
			if err := want(a, KindDateTime); err != nil {
				return Value{}, err
			}
			if a.null {
				return Value{}, fail(FailIllegalArgument, "ReadableInstant objects must not be null")
			}
		}
		if err := m.spend(dateWork, 0); err != nil {
			return Value{}, err
		}
		d, err := joda.DaysBetween(args[0].dateTime(), args[1].dateTime())
		if err != nil {
			return Value{}, fail(FailIllegalArgument, err.Error())
		}
		return days(d), nil
	}
	return Value{}, n.unknown(KindDays, args)
}
