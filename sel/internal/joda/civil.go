package joda

import "math"

// Milliseconds of the units with a fixed length.
const (
	second = 1000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	week   = 7 * day
)

// Sunday is the number of the last day of an ISO week; Monday is 1.
const Sunday = 7

const (
	minYear = -292275054
	maxYear = 292278993
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 {
	r := a % b
	if r < 0 {
		r += b
	}
	return r
}

// daysOf counts days from 1970-01-01 in the proleptic Gregorian calendar. Years are taken to begin in March, so that the
// leap day is the last of its year.
func daysOf(year int64, month, dom int) int64 {
	m := int64(month+9) % 12 // March is 0
	y := year - m/10
	return 365*y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + (m*306+5)/10 + int64(dom) - 1 - 719468
}

// dateOf is the inverse of daysOf.
func dateOf(days int64) (year int64, month, dom int) {
	days += 719468
	era := floorDiv(days, 146097)
	doe := days - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = int(doy-(153*mp+2)/5) + 1
	month = int(mp) + 3
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, dom
}

func leap(year int64) bool { return year&3 == 0 && (year%100 != 0 || year%400 == 0) }

func daysInYear(year int64) int {
	if leap(year) {
		return 366
	}
	return 365
}

func daysInMonth(year int64, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	}
	return 31
}

// dayOfWeek is 1 for Monday; 1970-01-01 was a Thursday.
func dayOfWeek(days int64) int { return int(floorMod(days+3, 7)) + 1 }

// firstWeek is the day on which ISO week 1 of a weekyear begins: the Monday of the week with January 4.
func firstWeek(weekyear int64) int64 {
	jan4 := daysOf(weekyear, 1, 4)
	return jan4 - int64(dayOfWeek(jan4)-1)
}

func weeksInYear(weekyear int64) int {
	return int((firstWeek(weekyear+1) - firstWeek(weekyear)) / 7)
}

func weekOf(days int64) (weekyear int64, weekNo int) {
	year, _, _ := dateOf(days)
	weekyear = year
	switch {
	case days < firstWeek(year):
		weekyear--
	case days >= firstWeek(year+1):
		weekyear++
	}
	return weekyear, int((days-firstWeek(weekyear))/7) + 1
}

const errRange = Error("date is out of range")

// addMillis adds n units to t, or fails.
func addMillis(t, n, unit int64) (int64, error) {
	if n != 0 && (n > math.MaxInt64/unit || n < math.MinInt64/unit) {
		return 0, errRange
	}
	d := n * unit
	sum := t + d
	if (sum > t) != (d > 0) && d != 0 {
		return 0, errRange
	}
	return sum, nil
}
