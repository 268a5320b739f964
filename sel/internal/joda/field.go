package joda

import "strconv"

// Field is a part of a local date and time.
type Field uint8

const (
	Era Field = iota
	CenturyOfEra
	YearOfEra
	Year
	Weekyear
	MonthOfYear
	WeekOfWeekyear
	DayOfYear
	DayOfMonth
	DayOfWeek
	HalfdayOfDay
	HourOfDay
	ClockhourOfDay
	HourOfHalfday
	ClockhourOfHalfday
	MinuteOfDay
	MinuteOfHour
	SecondOfDay
	SecondOfMinute
	MillisOfDay
	MillisOfSecond
	fractionOfMinute // milliseconds within a minute, only while parsing
	fractionOfHour   // milliseconds within an hour, only while parsing
)

// rank orders units from the longest; none is before all.
type rank uint8

const (
	none rank = iota
	centuries
	years
	months
	weeks
	days
	halfdays
	hours
	minutes
	seconds
	millis
)

// fields describes each field: what it counts, within what, and its bounds where they are always the same.
var fields = [...]struct {
	name       string
	unit, span rank
	min, max   int64
	size, wrap int64 // milliseconds of one and of a full round, for fields of the day
}{
	Era:                {name: "era", max: 1},
	CenturyOfEra:       {name: "centuryOfEra", unit: centuries, max: maxYear / 100},
	YearOfEra:          {name: "yearOfEra", unit: years, min: 1, max: maxYear},
	Year:               {name: "year", unit: years, min: minYear, max: maxYear},
	Weekyear:           {name: "weekyear", unit: years, min: minYear, max: maxYear},
	MonthOfYear:        {name: "monthOfYear", unit: months, span: years, min: 1, max: 12},
	WeekOfWeekyear:     {name: "weekOfWeekyear", unit: weeks, span: years, min: 1},
	DayOfYear:          {name: "dayOfYear", unit: days, span: years, min: 1},
	DayOfMonth:         {name: "dayOfMonth", unit: days, span: months, min: 1},
	DayOfWeek:          {name: "dayOfWeek", unit: days, span: weeks, min: 1, max: 7},
	HalfdayOfDay:       {name: "halfdayOfDay", unit: halfdays, span: days, max: 1, size: day / 2, wrap: day},
	HourOfDay:          {name: "hourOfDay", unit: hours, span: days, max: 23, size: hour, wrap: day},
	ClockhourOfDay:     {name: "clockhourOfDay", unit: hours, span: days, min: 1, max: 24, size: hour, wrap: day},
	HourOfHalfday:      {name: "hourOfHalfday", unit: hours, span: halfdays, max: 11, size: hour, wrap: day / 2},
	ClockhourOfHalfday: {name: "clockhourOfHalfday", unit: hours, span: halfdays, min: 1, max: 12, size: hour, wrap: day / 2},
	MinuteOfDay:        {name: "minuteOfDay", unit: minutes, span: days, max: 1439, size: minute, wrap: day},
	MinuteOfHour:       {name: "minuteOfHour", unit: minutes, span: hours, max: 59, size: minute, wrap: hour},
	SecondOfDay:        {name: "secondOfDay", unit: seconds, span: days, max: 86399, size: second, wrap: day},
	SecondOfMinute:     {name: "secondOfMinute", unit: seconds, span: minutes, max: 59, size: second, wrap: minute},
	MillisOfDay:        {name: "millisOfDay", unit: millis, span: days, max: day - 1, size: 1, wrap: day},
	MillisOfSecond:     {name: "millisOfSecond", unit: millis, span: seconds, max: 999, size: 1, wrap: second},
	fractionOfMinute:   {name: "millisOfSecond", unit: millis, span: minutes, max: minute - 1, size: 1, wrap: minute},
	fractionOfHour:     {name: "millisOfSecond", unit: millis, span: hours, max: hour - 1, size: 1, wrap: hour},
}

func (f Field) String() string { return fields[f].name }

// clock reports whether f counts from 1 where zero is shown as the highest value.
func (f Field) clock() bool { return f == ClockhourOfDay || f == ClockhourOfHalfday }

// get reads f from local milliseconds.
func get(f Field, local int64) int64 {
	if d := &fields[f]; d.size != 0 {
		n := floorMod(local, d.wrap) / d.size
		if n == 0 && f.clock() {
			return d.max
		}
		return n
	}
	dayNo := floorDiv(local, day)
	switch f {
	case DayOfWeek:
		return int64(dayOfWeek(dayNo))
	case Weekyear:
		y, _ := weekOf(dayNo)
		return y
	case WeekOfWeekyear:
		_, w := weekOf(dayNo)
		return int64(w)
	}
	year, month, dom := dateOf(dayNo)
	switch f {
	case MonthOfYear:
		return int64(month)
	case DayOfMonth:
		return int64(dom)
	case DayOfYear:
		return dayNo - daysOf(year, 1, 1) + 1
	case Year:
		return year
	case Era:
		if year > 0 {
			return 1
		}
		return 0
	}
	if year <= 0 {
		year = 1 - year
	}
	if f == CenturyOfEra {
		return year / 100
	}
	return year
}

// bounds are the values f can be set to at a local time.
func bounds(f Field, local int64) (lo, hi int64) {
	d := &fields[f]
	lo, hi = d.min, d.max
	switch f {
	case WeekOfWeekyear:
		y, _ := weekOf(floorDiv(local, day))
		hi = int64(weeksInYear(y))
	case DayOfYear:
		y, _, _ := dateOf(floorDiv(local, day))
		hi = int64(daysInYear(y))
	case DayOfMonth:
		y, m, _ := dateOf(floorDiv(local, day))
		hi = int64(daysInMonth(y, m))
	}
	return lo, hi
}

// set changes f of a local time to n and leaves the smaller fields alone, as far as the result is a date.
func set(f Field, local, n int64) (int64, error) {
	lo, hi := bounds(f, local)
	if n < lo || n > hi {
		return 0, Error("value " + strconv.FormatInt(n, 10) + " for " + f.String() + " must be in the range [" +
			strconv.FormatInt(lo, 10) + "," + strconv.FormatInt(hi, 10) + "]")
	}
	now := get(f, local)
	if d := &fields[f]; d.size != 0 {
		if f.clock() {
			n, now = n%(hi), now%(hi)
		}
		return addMillis(local, n-now, d.size)
	}
	switch f {
	case DayOfWeek, DayOfMonth, DayOfYear:
		return addMillis(local, n-now, day)
	case WeekOfWeekyear:
		return addMillis(local, n-now, week)
	}
	dayNo := floorDiv(local, day)
	ofDay := floorMod(local, day)
	if f == Weekyear {
		y, w := weekOf(dayNo)
		if y == n {
			return local, nil
		}
		w = min(w, weeksInYear(n))
		return addMillis(ofDay, firstWeek(n)+int64(7*(w-1)+dayOfWeek(dayNo)-1), day)
	}
	year, month, dom := dateOf(dayNo)
	switch f {
	case MonthOfYear:
		month = int(n)
	case Year:
		year = n
	case YearOfEra:
		if year > 0 {
			year = n
		} else {
			year = 1 - n
		}
	case CenturyOfEra:
		y := year
		if y <= 0 {
			y = 1 - y
		}
		if y = n*100 + y%100; year > 0 {
			year = y
		} else {
			year = 1 - y
		}
	case Era:
		if n != now {
			year = -year
		}
	}
	return addMillis(ofDay, daysOf(year, month, min(dom, daysInMonth(year, month))), day)
}

// floor rounds a local time down to where f last changed.
func floor(f Field, local int64) int64 {
	if d := &fields[f]; d.size != 0 {
		return local - floorMod(local, d.size)
	}
	dayNo := floorDiv(local, day)
	year, month, _ := dateOf(dayNo)
	switch f {
	case DayOfWeek, DayOfMonth, DayOfYear:
	case WeekOfWeekyear:
		dayNo -= int64(dayOfWeek(dayNo) - 1)
	case Weekyear:
		y, _ := weekOf(dayNo)
		dayNo = firstWeek(y)
	case MonthOfYear:
		dayNo = daysOf(year, month, 1)
	case Year, YearOfEra:
		dayNo = daysOf(year, 1, 1)
	case CenturyOfEra:
		if year > 0 {
			year = year/100*100 + 0
			year = max(year, 1)
		} else {
			year = 1 - ((1-year)/100*100 + 99)
		}
		dayNo = daysOf(year, 1, 1)
	case Era:
		dayNo = daysOf(1, 1, 1)
		if year <= 0 {
			dayNo = daysOf(minYear, 1, 1)
		}
	}
	return dayNo * day
}
