package joda

import "math"

// DateTime is an instant seen in a zone.
type DateTime struct {
	Millis int64
	Zone   *Zone
}

// Unit is a unit of date arithmetic.
type Unit uint8

const (
	Years Unit = iota
	Months
	Weeks
	Days
	Hours
	Minutes
	Seconds
	Millis
)

var unitSize = [...]int64{Weeks: week, Days: day, Hours: hour, Minutes: minute, Seconds: second, Millis: 1}

// New is a local time in a zone. A time in a gap is an error; of two the earlier is taken.
func New(year, month, dom, h, m, s, ms int64, z *Zone) (DateTime, error) {
	local := int64(0)
	for _, p := range []struct {
		f Field
		n int64
	}{{Year, year}, {MonthOfYear, month}, {DayOfMonth, dom}, {HourOfDay, h}, {MinuteOfHour, m}, {SecondOfMinute, s}, {MillisOfSecond, ms}} {
		var err error
		if local, err = set(p.f, local, p.n); err != nil {
			return DateTime{}, err
		}
	}
	t, err := z.strict(local)
	return DateTime{t, z}, err
}

func (d DateTime) local() int64 { return d.Millis + d.Zone.Offset(d.Millis) }

// Get reads a field.
func (d DateTime) Get(f Field) int64 { return get(f, d.local()) }

// With changes a field. Where the result is ambiguous the offset stays as it is; in a gap it moves forward, unless the
// field then no longer has the value asked for, which is an error.
func (d DateTime) With(f Field, n int64) (DateTime, error) {
	local, err := set(f, d.local(), n)
	if err != nil {
		return d, err
	}
	r := DateTime{d.Zone.near(local, d.Millis), d.Zone}
	if r.Get(f) != n {
		return d, Error("local time does not exist in zone " + d.Zone.id + " because of a daylight savings transition")
	}
	return r, nil
}

// Plus adds n units. Units up to hours are exact; longer ones are counted on the local calendar and clamp the day of
// month.
func (d DateTime) Plus(u Unit, n int64) (DateTime, error) {
	if n == 0 {
		return d, nil
	}
	if u >= Hours {
		t, err := addMillis(d.Millis, n, unitSize[u])
		return DateTime{t, d.Zone}, err
	}
	local := d.local()
	var err error
	if u >= Weeks {
		local, err = addMillis(local, n, unitSize[u])
	} else {
		year, month, dom := dateOf(floorDiv(local, day))
		if u == Years {
			year += n
		} else {
			m := int64(month-1) + n
			year += floorDiv(m, 12)
			month = int(floorMod(m, 12)) + 1
		}
		if year < minYear || year > maxYear {
			return d, errRange
		}
		dom = min(dom, daysInMonth(year, month))
		local, err = addMillis(floorMod(local, day), daysOf(year, month, dom), day)
	}
	if err != nil {
		return d, err
	}
	return DateTime{d.Zone.lenient(local), d.Zone}, nil
}

// StartOfDay is the first instant of the local day.
func (d DateTime) StartOfDay() DateTime {
	local := floor(DayOfMonth, d.local())
	found, n, next, _ := d.Zone.instants(local)
	if n == 0 {
		return DateTime{next, d.Zone}
	}
	return DateTime{found[0], d.Zone}
}

// DaysBetween counts whole local days from a to b in the zone of a, rounded towards zero.
func DaysBetween(a, b DateTime) (int64, error) {
	n := ((b.Millis + a.Zone.Offset(b.Millis)) - a.local()) / day
	if n > math.MaxInt32 || n < math.MinInt32 {
		return 0, errRange
	}
	return n, nil
}

// Property is one field of one DateTime.
type Property struct {
	DateTime DateTime
	Field    Field
}

// Get reads the field.
func (p *Property) Get() int64 { return p.DateTime.Get(p.Field) }

// Text is the name of a month or weekday, and the number of any other field.
func (p *Property) Text() string {
	n := p.Get()
	switch p.Field {
	case MonthOfYear:
		return monthNames[n-1]
	case DayOfWeek:
		return weekdayNames[n-1]
	}
	return string(appendPadded(nil, n, 1))
}

// Least sets the field to its lowest value for the date. If a gap swallows that, the time after the gap is taken.
func (p *Property) Least() (DateTime, error) {
	lo, _ := bounds(p.Field, p.DateTime.local())
	d, err := p.DateTime.With(p.Field, lo)
	if err != nil && p.Field >= HalfdayOfDay {
		return DateTime{p.DateTime.Zone.at(p.DateTime.Millis - day).end, p.DateTime.Zone}, nil
	}
	return d, err
}

// Most sets the field to its highest value for the date. If a gap swallows that, the time before the gap is taken.
func (p *Property) Most() (DateTime, error) {
	_, hi := bounds(p.Field, p.DateTime.local())
	d, err := p.DateTime.With(p.Field, hi)
	if err != nil && p.Field >= HalfdayOfDay {
		return DateTime{p.DateTime.Zone.at(p.DateTime.Millis+day).start - 1, p.DateTime.Zone}, nil
	}
	return d, err
}

// String is the ISO form, yyyy-MM-ddTHH:mm:ss.SSSZ.
func (d DateTime) String() string {
	var buf [32]byte
	offset := d.Zone.Offset(d.Millis)
	local := d.Millis + offset
	year, month, dom := dateOf(floorDiv(local, day))
	out := appendPadded(buf[:0], year, 4)
	out = appendPadded(append(out, '-'), int64(month), 2)
	out = appendPadded(append(out, '-'), int64(dom), 2)
	of := floorMod(local, day)
	out = appendPadded(append(out, 'T'), of/hour, 2)
	out = appendPadded(append(out, ':'), of%hour/minute, 2)
	out = appendPadded(append(out, ':'), of%minute/second, 2)
	out = appendPadded(append(out, '.'), of%second, 3)
	if offset == 0 {
		return string(append(out, 'Z'))
	}
	return string(appendOffset(out, offset, true))
}
