package sel

import (
	"errors"
	"math"
	"strconv"

	"maestro/sel/internal/joda"
)

// utilCall is a function of Util.
func (m *machine) utilCall(n *callNode, args []Value) (Value, *Error) {
	id, count := n.method.id, len(args)
	switch {
	case id == mToJSON:
		return m.toJSON(args)
	case id == mDateIntToTs && count == 1:
		d, err := m.dateInt(args[0])
		return Long(d.Millis), err
	case id == mTsToDateInt && count == 1:
		ts, err := m.number(args[0])
		if err != nil {
			return Value{}, err
		}
		return m.text(dateIntFormat.Print(joda.DateTime{Millis: ts, Zone: joda.UTC}))
	case id == mIncrementDateInt && count == 2:
		return m.incrementDateInt(args[0], args[1])
	case id == mDateIntHourToTs && count == 5:
		return m.dateIntHourToTs(args)
	case id == mDateIntsBetween && count == 3:
		return m.dateIntsBetween(args)
	case id == mIntsBetween && count == 3:
		return m.intsBetween(args)
	case id == mTimeoutForDateTimeDeadline && count == 2:
		if err := want(args[0], KindDateTime); err != nil {
			return Value{}, err
		}
		if args[0].null {
			return Value{}, fail(FailNullPointer, "deadline is null")
		}
		return m.timeout(args[0].long(), args[1])
	case id == mTimeoutForDateIntDeadline && count == 2:
		d, err := m.dateInt(args[0])
		if err != nil {
			return Value{}, err
		}
		return m.timeout(d.Millis, args[1])
	}
	return Value{}, n.unknown(KindUtil, args)
}

func mustCompile(pattern string) *joda.Formatter {
	f, err := joda.Compile(pattern)
	if err != nil {
		panic(err)
	}
	return f.WithZone(joda.UTC)
}

var (
	dateIntFormat = mustCompile("YYYYMMdd")
	hourFormat    = mustCompile("YYYYMMddHH")
)

// dateIntText is the text of a date written yyyyMMdd, or part of one.
func dateIntText(v Value) (string, *Error) {
	if v.kind == KindLong || v.kind == KindString && !v.null {
		return textOf(v), nil
	}
	return "", fail(FailIllegalArgument, "a date must be STRING or LONG, not ", v.kind.String())
}

func (m *machine) dateInt(v Value) (joda.DateTime, *Error) {
	text, err := dateIntText(v)
	if err != nil {
		return joda.DateTime{}, err
	}
	return m.parseDate(dateIntFormat, text)
}

// number is a LONG, or the LONG that a STRING spells.
func (m *machine) number(v Value) (int64, *Error) {
	switch v.kind {
	case KindLong:
		return v.long(), nil
	case KindString:
		n, err := m.parseLong(v)
		return n.long(), err
	}
	return 0, fail(FailIllegalArgument, "a number must be LONG or STRING, not ", v.kind.String())
}

func (m *machine) number32(v Value) (int64, *Error) {
	n, err := m.number(v)
	if err == nil && (n < math.MinInt32 || n > math.MaxInt32) {
		err = fail(FailIllegalArgument, "number ", itoa(n), " is out of range")
	}
	return n, err
}

func (m *machine) incrementDateInt(date, by Value) (Value, *Error) {
	if err := want(by, KindLong); err != nil {
		return Value{}, err
	}
	d, err := m.dateInt(date)
	if err != nil {
		return Value{}, err
	}
	n, err := m.number32(by)
	if err != nil {
		return Value{}, err
	}
	if d, err = plus(d, joda.Days, n); err != nil {
		return Value{}, err
	}
	return m.text(dateIntFormat.Print(d))
}

func plus(d joda.DateTime, u joda.Unit, n int64) (joda.DateTime, *Error) {
	d, err := d.Plus(u, n)
	if err != nil {
		return d, fail(FailIllegalArgument, err.Error())
	}
	return d, nil
}

func (m *machine) dateIntHourToTs(args []Value) (Value, *Error) {
	date, err := dateIntText(args[0])
	if err != nil {
		return Value{}, err
	}
	hour, err := dateIntText(args[1])
	if err != nil {
		return Value{}, err
	}
	if err := want(args[2], KindString); err != nil {
		return Value{}, err
	}
	zone := m.zone
	if !args[2].null {
		var ok bool
		if zone, ok = joda.ForID(args[2].str()); !ok {
			return Value{}, unknownZone(args[2])
		}
	}
	days, err := m.number32(args[3])
	if err != nil {
		return Value{}, err
	}
	hours, err := m.number32(args[4])
	if err != nil {
		return Value{}, err
	}
	if err := m.copied(len(date) + len(hour)); err != nil {
		return Value{}, err
	}
	d, err := m.parseDate(hourFormat.WithZone(zone), date+hour)
	if err != nil {
		return Value{}, err
	}
	if d, err = plus(d, joda.Days, -days); err != nil {
		return Value{}, err
	}
	d, err = plus(d, joda.Hours, -hours)
	return Long(d.Millis), err
}

// dateIntsBetween lists dates from the lower bound, which is included, to the upper, which is not; backwards for a
// negative step.
func (m *machine) dateIntsBetween(args []Value) (Value, *Error) {
	from, err := m.dateInt(args[0])
	if err != nil {
		return Value{}, err
	}
	to, err := m.dateInt(args[1])
	if err != nil {
		return Value{}, err
	}
	text, err := m.render(args[2])
	if err != nil {
		return Value{}, err
	}
	inc, e := strconv.ParseInt(text, 10, 32)
	switch {
	case e != nil:
		return Value{}, fail(FailNumberFormat, quoteShort(args[2]), " is not a number of days")
	case inc == 0:
		return Value{}, fail(FailIllegalArgument, "increment must not be zero")
	}
	reversed := inc < 0
	if reversed {
		from, to, inc = to, from, -inc
	}
	step := inc * millisPerDay // dates are days of UTC
	a, err := m.list(steps(from.Millis, to.Millis, uint64(step)))
	if err != nil {
		return Value{}, err
	}
	for d := from; d.Millis < to.Millis; d.Millis += step {
		a.elems = append(a.elems, Long(d.Get(joda.Year)*10000+d.Get(joda.MonthOfYear)*100+d.Get(joda.DayOfMonth)))
	}
	for i, j := 0, len(a.elems)-1; reversed && i < j; i, j = i+1, j-1 {
		a.elems[i], a.elems[j] = a.elems[j], a.elems[i]
	}
	return arrayValue(KindLongArray, a), nil
}

const millisPerDay = 24 * 60 * 60 * 1000

// steps is how many steps of a size it takes from a to b, which is not included.
func steps(a, b int64, size uint64) uint64 {
	if a >= b {
		return 0
	}
	return (uint64(b)-uint64(a)-1)/size + 1
}

// list is an array with room for n numbers, which are about to be computed.
func (m *machine) list(n uint64) (*array, *Error) {
	count := int(min(n, math.MaxInt32)) // more than any limit
	if err := m.spend(numberWork*count, elemSize*count); err != nil {
		return nil, err
	}
	return &array{elems: make([]Value, 0, count)}, nil
}

// numberWork is what computing one element of a list takes: a date is taken apart for it.
const numberWork = 12

func (m *machine) intsBetween(args []Value) (Value, *Error) {
	var n [3]int64
	for i := range n {
		var err *Error
		if n[i], err = m.number(args[i]); err != nil {
			return Value{}, err
		}
	}
	from, to, inc := n[0], n[1], n[2]
	var count uint64
	switch {
	case inc == 0 && from > to:
		return Value{}, fail(FailIllegalArgument, "increment must not be zero")
	case inc > 0:
		count = steps(from, to, uint64(inc))
	case inc < 0:
		count = steps(to, from, -uint64(inc))
	}
	a, err := m.list(count)
	if err != nil {
		return Value{}, err
	}
	for x := from; count > 0; count-- {
		a.elems = append(a.elems, Long(x))
		x += inc
	}
	return arrayValue(KindLongArray, a), nil
}

// timeout is the time left until period after at, as text.
func (m *machine) timeout(at int64, period Value) (Value, *Error) {
	if err := want(period, KindString); err != nil {
		return Value{}, err
	}
	if period.null {
		return Value{}, fail(FailNullPointer, "period is null")
	}
	if err := m.spend(dateWork+len(period.str())>>3, 0); err != nil {
		return Value{}, err
	}
	length, e := joda.ParsePeriod(period.str())
	switch {
	case errors.Is(e, joda.ErrCalendar):
		return Value{}, fail(FailUnsupported, e.Error())
	case e != nil:
		return Value{}, fail(FailIllegalArgument, e.Error())
	}
	now, err := m.now()
	if err != nil {
		return Value{}, err
	}
	return m.text(itoa(max(0, at+length-now)) + " milliseconds")
}

func (m *machine) toJSON(args []Value) (Value, *Error) {
	if len(args) != 1 {
		return Value{}, fail(FailIllegalArgument, "toJson takes one argument")
	}
	s, err := args[0].json(m.meter)
	return String(s), err
}
