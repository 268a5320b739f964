// Package cron reads cron texts and tells when they fire next.
//
// It is pure: time comes in as an argument, and the zone of that time is the zone of the schedule. Texts are those of
// the reference's library, cron-utils: five Unix fields, or six or seven Quartz fields (signals-triggers 8.2).
package cron

import (
	"time"
)

// Schedule is a parsed cron text. It is a plain value: copy it, share it. The zero Schedule never fires.
type Schedule struct {
	seconds, minutes, hours uint64 // bit n: fires at n
	months                  uint64 // bit 1 to 12
	days                    uint64 // bit 1 to 31
	weekdays                uint64 // bit 0 (Sunday) to 6

	// Unix: with both restricted, a day that matches either fires. Quartz leaves one of them open with a question mark.
	anyDay, anyWeekday bool

	fromLast    uint64             // bit n: n days before the last day of the month (L, L-3)
	nearest     uint64             // bit n: the working day nearest to day n (15W)
	lastWorkday bool               // LW
	lastOf      uint64             // bit of weekday: the last one of the month (6L)
	nth         [7]uint8           // by weekday, bit n: its nth of the month (6#3)
	years       *[yearWords]uint64 // nil: every year
}

const (
	firstYear = 1970
	lastYear  = 2099
	yearWords = (lastYear-firstYear)/64 + 1
)

// Next returns the first time after t at which the schedule fires, in t's zone, and false when there is none in the
// hundred years after t.
//
// Where clocks are put forward, a fire at a time of day that is skipped comes at the end of the gap. Where they are put
// back, a fire at a time of day that comes twice happens the first time only. Both are different for schedules that
// fire in every hour: these just go on, by the clock on the wall, through all hours that there are.
func (s Schedule) Next(t time.Time) (time.Time, bool) {
	t = t.Truncate(time.Second)
	if s.hours == everyHour {
		return s.nextThroughZones(t)
	}
	w := wallOf(t)
	for {
		next, ok := s.nextWall(w, false)
		if !ok {
			return time.Time{}, false
		}
		if at := next.first(t.Location()); at.After(t) {
			return at, true
		}
		w = next
	}
}

const everyHour = 1<<24 - 1

// nextThroughZones takes one stretch of constant offset after the other: inside of one, wall time is just time.
func (s Schedule) nextThroughZones(t time.Time) (time.Time, bool) {
	inclusive := false // whether the first second of the stretch itself may fire
	for {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		next, ok := s.nextWall(wallOf(t), inclusive)
		if !ok {
			return time.Time{}, false
		}
		at := time.Unix(next.unix()-int64(offset), 0).In(t.Location())
		if end.IsZero() || at.Before(end) {
			return at, true
		}
		t, inclusive = end.In(t.Location()), true
		if soon := at.Add(-48 * time.Hour); soon.After(t) {
			t, inclusive = soon, false // skip the stretches in which nothing fires
		}
	}
}

// wall is a date and a time of day, without a zone.
type wall struct {
	year, month, day     int
	hour, minute, second int
}

func wallOf(t time.Time) wall {
	y, m, d := t.Date()
	h, min, s := t.Clock()
	return wall{y, int(m), d, h, min, s}
}

// unix returns the seconds since 1970 as if w were in UTC.
func (w wall) unix() int64 {
	return time.Date(w.year, time.Month(w.month), w.day, w.hour, w.minute, w.second, 0, time.UTC).Unix()
}

// first returns the first instant at which clocks in loc show w, or, when they skip it, the instant after the skip.
func (w wall) first(loc *time.Location) time.Time {
	const day = 24 * 60 * 60 // no zone changes twice within two days
	utc := w.unix()
	at := func(unix int64) time.Time { return time.Unix(unix, 0).In(loc) }
	_, before := at(utc - day).Zone()
	_, after := at(utc + day).Zone()
	early, late := at(utc-int64(before)), at(utc-int64(after))
	if _, offset := early.Zone(); offset == before {
		return early
	}
	if _, offset := late.Zone(); offset == after {
		return late
	}
	_, gap := late.ZoneBounds()
	return gap.In(loc)
}

// nextWall returns the first wall time after w that matches; w itself counts if inclusive.
func (s *Schedule) nextWall(w wall, inclusive bool) (wall, bool) {
	if w.year < firstYear {
		w, inclusive = wall{year: firstYear, month: 1, day: 1}, true
	}
	end := w.year + 100
	second := w.second
	if !inclusive {
		second++
	}
	// The first day begins at a time of day, all later ones at midnight.
	if s.month(w.year, w.month) && s.day(w.year, w.month, w.day) {
		if h, m, sec, ok := s.clock(w.hour, w.minute, second); ok {
			return wall{w.year, w.month, w.day, h, m, sec}, true
		}
	}
	h, m, sec, ok := s.clock(0, 0, 0)
	if !ok {
		return wall{}, false
	}
	year, month, day := w.year, w.month, w.day+1
	for year <= end {
		if s.month(year, month) {
			for last := monthDays(year, month); day <= last; day++ {
				if s.day(year, month, day) {
					return wall{year, month, day, h, m, sec}, true
				}
			}
		}
		day = 1
		if month++; month > 12 {
			year, month = year+1, 1
		}
	}
	return wall{}, false
}

// clock returns the first matching time of day from h:m:s on.
func (s *Schedule) clock(h, m, sec int) (int, int, int, bool) {
	for ; h < 24; h, m, sec = h+1, 0, 0 {
		if s.hours>>h&1 == 0 {
			continue
		}
		for ; m < 60; m, sec = m+1, 0 {
			if s.minutes>>m&1 == 0 {
				continue
			}
			for ; sec < 60; sec++ {
				if s.seconds>>sec&1 != 0 {
					return h, m, sec, true
				}
			}
		}
	}
	return 0, 0, 0, false
}

func (s *Schedule) month(year, month int) bool {
	if s.months>>month&1 == 0 {
		return false
	}
	if s.years == nil {
		return true
	}
	if year < firstYear || year > lastYear {
		return false
	}
	return s.years[(year-firstYear)/64]>>((year-firstYear)%64)&1 != 0
}

func (s *Schedule) day(year, month, day int) bool {
	switch {
	case s.anyDay && s.anyWeekday:
		return true
	case s.anyDay:
		return s.weekdayOf(year, month, day)
	case s.anyWeekday:
		return s.dayOf(year, month, day)
	}
	return s.dayOf(year, month, day) || s.weekdayOf(year, month, day)
}

// dayOf reports whether the day matches the field day of month.
func (s *Schedule) dayOf(year, month, day int) bool {
	if s.days>>day&1 != 0 {
		return true
	}
	if s.fromLast == 0 && s.nearest == 0 && !s.lastWorkday {
		return false
	}
	last := monthDays(year, month)
	if s.fromLast>>(last-day)&1 != 0 {
		return true
	}
	switch weekday(year, month, day) {
	case time.Saturday, time.Sunday:
		return false
	}
	if s.lastWorkday && day == workday(year, month, last) {
		return true
	}
	for d := max(1, day-2); d <= min(last, day+2); d++ { // a working day is at most two days away
		if s.nearest>>d&1 != 0 && day == workday(year, month, d) {
			return true
		}
	}
	return false
}

// weekdayOf reports whether the day matches the field day of week.
func (s *Schedule) weekdayOf(year, month, day int) bool {
	wd := weekday(year, month, day)
	return s.weekdays>>wd&1 != 0 ||
		s.lastOf>>wd&1 != 0 && day+7 > monthDays(year, month) ||
		s.nth[wd]>>((day-1)/7+1)&1 != 0
}

// workday returns the working day of the month that is nearest to day.
func workday(year, month, day int) int {
	switch weekday(year, month, day) {
	case time.Saturday:
		if day > 1 {
			return day - 1
		}
		return day + 2
	case time.Sunday:
		if day < monthDays(year, month) {
			return day + 1
		}
		return day - 2
	}
	return day
}

func weekday(year, month, day int) time.Weekday {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Weekday()
}

func monthDays(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
