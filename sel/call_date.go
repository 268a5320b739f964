package sel

import (
	"math"

	"maestro/sel/internal/joda"
)

// dateTimeCall is a method of a DATETIME. All that can go wrong inside one is FailCallFailed.
func (m *machine) dateTimeCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	if !n.dateTimeHas(len(args)) {
		return Value{}, n.unknown(KindDateTime, args)
	}
	if n.method.id == mParse {
		return m.parseStatic(n, recv, args)
	}
	if recv.null {
		return Value{}, n.failed(recv, "it is null")
	}
	if err := m.spend(dateWork, 0); err != nil {
		return Value{}, err
	}
	d := recv.dateTime()
	switch n.method.id {
	case mToString:
		return m.dateText(n, recv, args)
	case mGetMillis:
		return Long(d.Millis), nil
	case mDateGet:
		return Long(d.Get(n.method.field)), nil
	case mDateProperty:
		return propertyValue(&joda.Property{DateTime: d, Field: n.method.field}), nil
	case mWithTimeAtStartOfDay:
		return dateTime(d.StartOfDay()), nil
	case mWithZone, mToDateTime:
		z, ok := m.zoneOrDefault(args[0])
		if !ok {
			return Value{}, n.wrongArg(recv, args[0])
		}
		return dateTime(joda.DateTime{Millis: d.Millis, Zone: z}), nil
	case mIsAfter, mIsBefore, mIsEqual:
		return m.compareDates(n, recv, args[0])
	}
	x, ok := toInt32(args[0])
	if !ok {
		return Value{}, n.wrongArg(recv, args[0])
	}
	var r joda.DateTime
	var err error
	if n.method.id == mDatePlus {
		r, err = d.Plus(n.method.unit, n.method.sign*x)
	} else {
		r, err = d.With(n.method.field, x)
	}
	if err != nil {
		return Value{}, n.failed(recv, err.Error())
	}
	return dateTime(r), nil
}

// dateWork is what a calculation with a date takes. Far in the future, where the rules of a zone are not tabulated, it is
// a microsecond.
const dateWork = 200

// dateTimeHas reports whether DATETIME has the method with so many arguments.
func (n *callNode) dateTimeHas(args int) bool {
	switch n.method.id {
	case mToString:
		return args <= 1
	case mGetMillis, mDateGet, mDateProperty, mWithTimeAtStartOfDay:
		return args == 0
	case mWithZone, mToDateTime, mIsAfter, mIsBefore, mIsEqual, mDatePlus, mDateWith:
		return args == 1
	case mParse:
		return args == 2
	}
	return false
}

func (m *machine) zoneOrDefault(v Value) (*joda.Zone, bool) {
	switch {
	case v.kind == KindNull, v.kind == KindZone && v.null:
		return m.zone, true
	case v.kind == KindZone:
		return v.zone(), true
	}
	return nil, false
}

func (m *machine) dateText(n *callNode, recv Value, args []Value) (Value, *Error) {
	d := recv.dateTime()
	switch {
	case len(args) == 0 || args[0].kind == KindNull || args[0].kind == KindString && args[0].null:
		return m.text(d.String())
	case args[0].kind != KindString:
		return Value{}, n.wrongArg(recv, args[0])
	}
	f, err := n.formatterOf(m, args[0])
	if err != nil {
		return Value{}, n.failed(recv, err.Message)
	}
	return m.printDate(f, d)
}

// printDate charges for what a pattern can give before printing.
func (m *machine) printDate(f *joda.Formatter, d joda.DateTime) (Value, *Error) {
	c := f.Cost()
	if err := m.spend(c.Print+c.Size>>3, 4*c.Size); err != nil {
		return Value{}, err
	}
	return String(f.Print(d)), nil
}

func (m *machine) compareDates(n *callNode, recv, arg Value) (Value, *Error) {
	var other int64
	switch {
	case arg.kind == KindNull, arg.kind == KindDateTime && arg.null:
		now, err := m.now()
		if err != nil {
			return Value{}, err
		}
		other = now
	case arg.kind == KindDateTime:
		other = arg.long()
	default:
		return Value{}, n.wrongArg(recv, arg)
	}
	switch n.method.id {
	case mIsAfter:
		return Bool(recv.long() > other), nil
	case mIsBefore:
		return Bool(recv.long() < other), nil
	}
	return Bool(recv.long() == other), nil
}

// parseStatic is DateTime.parse(text, formatter).
func (m *machine) parseStatic(n *callNode, recv Value, args []Value) (Value, *Error) {
	if !recv.null {
		return Value{}, n.failed(recv, "it is static")
	}
	if args[0].kind != KindString || args[0].null {
		return Value{}, n.wrongArg(recv, args[0])
	}
	if args[1].kind != KindFormatter || args[1].null {
		return Value{}, n.wrongArg(recv, args[1])
	}
	d, err := m.parseDate(args[1].formatter(), args[0].str())
	if err != nil {
		return Value{}, n.failed(recv, err.Message)
	}
	return dateTime(d), nil
}

func (m *machine) parseDate(f *joda.Formatter, text string) (joda.DateTime, *Error) {
	var missing *Error
	now := func() (joda.DateTime, error) {
		ms, err := m.now()
		if missing = err; err != nil {
			return joda.DateTime{}, err
		}
		return joda.DateTime{Millis: ms, Zone: m.zone}, nil
	}
	c := f.Cost()
	if err := m.spend(c.Parse+len(text)>>3, parsedSize+32*c.Parts); err != nil {
		return joda.DateTime{}, err
	}
	d, err := f.Parse(text, m.zone, now)
	switch {
	case missing != nil:
		return d, missing
	case err != nil && !f.Parses():
		return d, fail(FailUnsupported, err.Error())
	case err != nil:
		return d, fail(FailIllegalArgument, err.Error())
	}
	return d, nil
}

// What compiling a pattern takes for each of its characters, which may all be parts of their own.
const patternWork, partSize = 20, 200

// parsedSize is what reading a date takes, each field apart.
const parsedSize = 300

// formatterOf compiles a pattern, unless the compiler has done so.
func (n *callNode) formatterOf(m *machine, pattern Value) (*joda.Formatter, *Error) {
	if n.ready.kind == KindFormatter {
		return n.ready.formatter(), nil
	}
	if size := len(pattern.str()); size > 0 {
		if err := m.spend(patternWork*size, partSize*size); err != nil {
			return nil, err
		}
	}
	f, err := joda.Compile(pattern.str())
	if err != nil {
		return nil, fail(FailIllegalArgument, err.Error())
	}
	return f, nil
}

func (m *machine) zoneCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	if len(args) == 1 {
		switch n.method.id {
		case mForID:
			return m.zoneByID(n, args[0])
		case mGetOffset:
			if err := m.spend(dateWork/2, 0); err != nil {
				return Value{}, err
			}
			if recv.null {
				return Value{}, fail(FailNullPointer, "calling getOffset of a null-valued DATETIME_ZONE")
			}
			if err := want(args[0], KindDateTime); err != nil {
				return Value{}, err
			}
			at := args[0].long()
			if args[0].null {
				now, err := m.now()
				if err != nil {
					return Value{}, err
				}
				at = now
			}
			return Long(recv.zone().Offset(at)), nil
		}
	}
	return Value{}, n.unknown(KindZone, args)
}

func (m *machine) zoneByID(n *callNode, id Value) (Value, *Error) {
	if err := want(id, KindString); err != nil {
		return Value{}, err
	}
	if id.null {
		return zoneValue(m.zone), nil
	}
	if n.ready.kind == KindZone {
		return n.ready, nil
	}
	if err := m.scan(len(id.str())); err != nil {
		return Value{}, err
	}
	z, ok := joda.ForID(id.str())
	if !ok {
		return Value{}, unknownZone(id)
	}
	return zoneValue(z), nil
}

func unknownZone(id Value) *Error {
	return fail(FailIllegalArgument, "the datetime zone id ", quoteShort(id), " is not recognised")
}

func (m *machine) formatterCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	if len(args) != 1 {
		return Value{}, n.unknown(KindFormatter, args)
	}
	arg := args[0]
	switch n.method.id {
	case mForPattern:
		if err := want(arg, KindString); err != nil {
			return Value{}, err
		}
		if arg.null {
			return Value{}, fail(FailIllegalArgument, "invalid pattern specification: null")
		}
		f, err := n.formatterOf(m, arg)
		if err != nil {
			return Value{}, err
		}
		return formatter(f), nil
	case mWithZone, mPrint, mParseDateTime, mParseMillis:
	default:
		return Value{}, n.unknown(KindFormatter, args)
	}
	if recv.null {
		return Value{}, fail(FailNullPointer, "calling ", n.name, " of a null-valued DATETIME_FORMATTER")
	}
	f := recv.formatter()
	switch n.method.id {
	case mWithZone:
		if err := want(arg, KindZone); err != nil {
			return Value{}, err
		}
		if arg.null {
			return formatter(f.WithZone(nil)), nil
		}
		return formatter(f.WithZone(arg.zone())), nil
	case mPrint:
		switch {
		case arg.kind == KindLong:
			return m.printDate(f, joda.DateTime{Millis: arg.long(), Zone: m.zone})
		case arg.kind == KindDateTime && !arg.null:
			return m.printDate(f, arg.dateTime())
		}
		return Value{}, n.unknown(KindFormatter, args)
	case mParseMillis:
		if err := want(arg, KindString); err != nil {
			return Value{}, err
		}
	default:
		if arg.kind != KindString && arg.kind != KindLong {
			return Value{}, n.unknown(KindFormatter, args)
		}
	}
	if arg.null {
		return Value{}, fail(FailNullPointer, n.name, " of a null-valued STRING")
	}
	d, err := m.parseDate(f, textOf(arg))
	if err != nil {
		return Value{}, err
	}
	if n.method.id == mParseMillis {
		return Long(d.Millis), nil
	}
	return dateTime(d), nil
}

func (m *machine) propertyCall(n *callNode, recv Value, args []Value) (Value, *Error) {
	switch n.method.id {
	case mGet, mGetAsText, mWithMinimumValue, mWithMaximumValue:
	default:
		return Value{}, n.unknown(KindProperty, args)
	}
	if len(args) > 0 {
		return Value{}, n.unknown(KindProperty, args)
	}
	if recv.null {
		return Value{}, fail(FailNullPointer, "calling ", n.name, " of a null-valued DATETIME_PROPERTY")
	}
	if err := m.spend(2*dateWork, 0); err != nil {
		return Value{}, err
	}
	p := recv.property()
	var d joda.DateTime
	var err error
	switch n.method.id {
	case mGet:
		return Long(p.Get()), nil
	case mGetAsText:
		return m.text(p.Text())
	case mWithMinimumValue:
		d, err = p.Least()
	default:
		d, err = p.Most()
	}
	if err != nil {
		return Value{}, fail(FailIllegalArgument, err.Error())
	}
	return dateTime(d), nil
}

// newDateTime is the constructor of DateTime.
func (m *machine) newDateTime(args []Value) (Value, *Error) {
	zone := m.zone
	switch len(args) {
	case 0:
		args = []Value{{}}
	case 1:
		if args[0].kind == KindDateTime && !args[0].null {
			return args[0], nil
		}
	case 2:
		if err := want(args[1], KindZone); err != nil {
			return Value{}, err
		}
		zone, _ = m.zoneOrDefault(args[1])
	case 8:
		return m.dateOfFields(args)
	default:
		return Value{}, fail(FailIllegalArgument, "no constructor of DateTime takes ", itoa(len(args)), " arguments")
	}
	x := args[0]
	ms := x.long()
	switch {
	case x.kind == KindLong, x.kind == KindDateTime && !x.null:
	case x.kind == KindNull, x.null && (x.kind == KindString || x.kind == KindDateTime):
		now, err := m.now()
		if err != nil {
			return Value{}, err
		}
		ms = now
	case x.kind == KindString:
		if err := m.spend(10*dateWork+len(x.str())>>3, parsedSize); err != nil {
			return Value{}, err
		}
		d, err := joda.ParseISO(x.str(), zone)
		if err != nil {
			return Value{}, fail(FailIllegalArgument, err.Error())
		}
		ms = d.Millis
	default:
		return Value{}, fail(FailIllegalArgument, "no constructor of DateTime takes ", x.kind.String())
	}
	return dateTime(joda.DateTime{Millis: ms, Zone: zone}), nil
}

func (m *machine) dateOfFields(args []Value) (Value, *Error) {
	var f [7]int64
	for i := range f {
		if err := want(args[i], KindLong); err != nil {
			return Value{}, err
		}
		if f[i] = args[i].long(); f[i] < math.MinInt32 || f[i] > math.MaxInt32 {
			return Value{}, fail(FailIllegalArgument, "field ", itoa(f[i]), " is out of range")
		}
	}
	if err := want(args[7], KindZone); err != nil {
		return Value{}, err
	}
	z, _ := m.zoneOrDefault(args[7])
	if err := m.spend(2*dateWork, 0); err != nil {
		return Value{}, err
	}
	d, err := joda.New(f[0], f[1], f[2], f[3], f[4], f[5], f[6], z)
	if err != nil {
		return Value{}, fail(FailIllegalArgument, err.Error())
	}
	return dateTime(d), nil
}
