package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a cron text: five Unix fields (minute hour day month weekday, Sunday is 0 or 7), or six or seven Quartz
// fields (second minute hour day month weekday [year], Sunday is 1). Names such as MON and JAN are known in both.
func Parse(text string) (Schedule, error) {
	fields := strings.Fields(text)
	switch len(fields) {
	case 5:
		return parseUnix(fields)
	case 6, 7:
		return parseQuartz(fields)
	case 0:
		return Schedule{}, fmt.Errorf("is empty")
	}
	if len(fields) == 1 && strings.HasPrefix(text, "@") {
		return Schedule{}, fmt.Errorf("%s is no cron text; use a trigger of type PREDEFINED for it", text)
	}
	return Schedule{}, fmt.Errorf("has %d fields, expected 5 (minute hour day month weekday), or 6 or 7 (second minute hour day month weekday [year])", len(fields))
}

// field describes one field of a cron text.
type field struct {
	name      string
	low, high int
	words     string // three-letter names of the values, from first on
	first     int
	wraps     bool // a range may run over the end: FRI-MON
}

const (
	monthWords   = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
	weekdayWords = "SUNMONTUEWEDTHUFRISAT"
)

func parseUnix(text []string) (s Schedule, err error) {
	s.seconds = 1
	p := parser{}
	s.minutes = p.bits(text[0], field{name: "minute", high: 59})
	s.hours = p.bits(text[1], field{name: "hour", high: 23})
	s.days = p.bits(text[2], field{name: "day of month", low: 1, high: 31})
	s.months = p.bits(text[3], field{name: "month", low: 1, high: 12, words: monthWords, first: 1})
	s.weekdays = p.bits(text[4], field{name: "day of week", high: 7, words: weekdayWords})
	s.weekdays = s.weekdays&0x7f | s.weekdays>>7 // 7 is Sunday too
	s.anyDay, s.anyWeekday = text[2] == "*", text[4] == "*"
	return s, p.err
}

func parseQuartz(text []string) (s Schedule, err error) {
	p := parser{}
	s.seconds = p.bits(text[0], field{name: "second", high: 59, wraps: true})
	s.minutes = p.bits(text[1], field{name: "minute", high: 59, wraps: true})
	s.hours = p.bits(text[2], field{name: "hour", high: 23, wraps: true})
	s.months = p.bits(text[4], field{name: "month", low: 1, high: 12, words: monthWords, first: 1, wraps: true})
	if (text[3] == "?") == (text[5] == "?") {
		p.fail("exactly one of day of month and day of week must be ?")
	}
	s.anyDay, s.anyWeekday = text[3] == "?" || text[3] == "*", text[5] == "?" || text[5] == "*"
	if !s.anyDay {
		p.quartzDays(&s, text[3])
	}
	if !s.anyWeekday {
		p.quartzWeekdays(&s, text[5])
	}
	if len(text) == 7 {
		p.quartzYears(&s, text[6])
	}
	return s, p.err
}

// parser reads fields and keeps the first mistake.
type parser struct{ err error }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// bits reads a field of plain values, ranges and steps as a set.
func (p *parser) bits(text string, f field) uint64 {
	var set uint64
	for _, item := range strings.Split(text, ",") {
		p.item(item, f, func(v int) { set |= 1 << v })
	}
	return set
}

// item reads *, n, a-b, and each of them with /step, and calls add for every value.
func (p *parser) item(item string, f field, add func(v int)) {
	span, stepText, stepped := strings.Cut(item, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || n < 1 || n > f.high-f.low+1 {
			p.fail("%s: step %q of %q must be a number from 1 to %d", f.name, stepText, item, f.high-f.low+1)
			return
		}
		step = n
	}
	var low, high int
	from, to, ranged := strings.Cut(span, "-")
	switch {
	case span == "*" || span == "" && stepped:
		low, high = f.low, f.high
	case ranged:
		var ok, ok2 bool
		if low, ok = p.value(from, f); !ok {
			return
		}
		if high, ok2 = p.value(to, f); !ok2 {
			return
		}
		if low > high && !f.wraps {
			p.fail("%s: range %q runs backwards", f.name, span)
			return
		}
	default:
		var ok bool
		if low, ok = p.value(span, f); !ok {
			return
		}
		high = low
		if stepped {
			high = f.high
		}
	}
	if low > high {
		high += f.high - f.low + 1
	}
	for v := low; v <= high; v += step {
		add(f.low + (v-f.low)%(f.high-f.low+1))
	}
}

// value reads a number or a name.
func (p *parser) value(text string, f field) (int, bool) {
	if n, err := strconv.Atoi(text); err == nil && text[0] != '+' && text[0] != '-' {
		if n < f.low || n > f.high {
			p.fail("%s: %d is not in range [%d, %d]", f.name, n, f.low, f.high)
			return 0, false
		}
		return n, true
	}
	if at := strings.Index(f.words, strings.ToUpper(text)); len(text) == 3 && at >= 0 && at%3 == 0 {
		return f.first + at/3, true
	}
	p.fail("%s: %q is neither a number nor a name that is known there", f.name, text)
	return 0, false
}

// quartzDays reads the day of month with L, L-3, LW and 15W.
func (p *parser) quartzDays(s *Schedule, text string) {
	f := field{name: "day of month", low: 1, high: 31, wraps: true}
	for _, item := range strings.Split(text, ",") {
		switch upper := strings.ToUpper(item); {
		case upper == "L":
			s.fromLast |= 1
		case upper == "LW" || upper == "WL":
			s.lastWorkday = true
		case strings.HasPrefix(upper, "L-"):
			n, err := strconv.Atoi(upper[2:])
			if err != nil || n < 0 || n > 30 {
				p.fail("day of month: %q must be L- and a number from 0 to 30", item)
				return
			}
			s.fromLast |= 1 << n
		case strings.HasSuffix(upper, "W"):
			if n, ok := p.value(upper[:len(upper)-1], f); ok {
				s.nearest |= 1 << n
			}
		default:
			p.item(item, f, func(v int) { s.days |= 1 << v })
		}
	}
}

// quartzWeekdays reads the day of week with L, 6L and 6#3. Quartz counts from Sunday as 1.
func (p *parser) quartzWeekdays(s *Schedule, text string) {
	f := field{name: "day of week", low: 1, high: 7, words: weekdayWords, first: 1, wraps: true}
	for _, item := range strings.Split(text, ",") {
		day, nth, hash := strings.Cut(item, "#")
		switch upper := strings.ToUpper(item); {
		case hash:
			n, err := strconv.Atoi(nth)
			if err != nil || n < 1 || n > 5 {
				p.fail("day of week: %q must end in a number from 1 to 5", item)
				return
			}
			if v, ok := p.value(day, f); ok {
				s.nth[v-1] |= 1 << n
			}
		case upper == "L":
			s.weekdays |= 1 << 6
		case strings.HasSuffix(upper, "L"):
			if v, ok := p.value(upper[:len(upper)-1], f); ok {
				s.lastOf |= 1 << (v - 1)
			}
		default:
			p.item(item, f, func(v int) { s.weekdays |= 1 << (v - 1) })
		}
	}
}

func (p *parser) quartzYears(s *Schedule, text string) {
	if text == "*" {
		return
	}
	var years [yearWords]uint64
	for _, item := range strings.Split(text, ",") {
		p.item(item, field{name: "year", low: firstYear, high: lastYear}, func(v int) {
			years[(v-firstYear)/64] |= 1 << ((v - firstYear) % 64)
		})
	}
	s.years = &years
}
