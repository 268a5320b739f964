package joda

// ParseISO reads the ISO forms of a date, a time, or both, all of text. Local time is taken in zone unless the text has
// an offset; the result is in zone either way.
//
//	2019-02-03T10:20:30.456+01:00   2019-2-3   2019-034   2019-W05-7   2019   T10:20   2019-02-03T10.5
func ParseISO(text string, zone *Zone) (DateTime, error) {
	b := &parsed{zone: zone}
	b.fields = b.room[:0]
	pos := isoText(b, text)
	if pos != len(text) || pos == 0 {
		return DateTime{}, invalidFormat(text, max(pos, 0))
	}
	ms, err := b.millis()
	if err != nil {
		return DateTime{}, Error("cannot parse " + clip(text) + ": " + err.Error())
	}
	return DateTime{ms, zone}, nil
}

// isoText reads as much as it can and gives the end.
func isoText(b *parsed, s string) int {
	pos := 0
	timeNeeded := true
	if !charAt(s, 0, 'T') {
		if pos = isoDate(b, s); pos < 0 || !charAt(s, pos, 'T') {
			return max(pos, 0)
		}
		timeNeeded = false
	}
	pos++
	end := isoTime(b, s, pos)
	if end < 0 {
		if timeNeeded {
			return 0
		}
		end = pos
	}
	if ms, e := parseOffset(s, end, true); e >= 0 {
		b.offset, b.hasOffset = ms, true
		return e
	}
	return end
}

// charAt compares without case; want is a capital.
func charAt(s string, pos int, want byte) bool {
	return pos < len(s) && (s[pos] == want || s[pos] == want+'a'-'A')
}

func isoDate(b *parsed, s string) int {
	year, pos := numberAt(s, 0, 9, true)
	if pos < 0 {
		return -1
	}
	if pos+1 >= len(s) || s[pos] != '-' {
		b.save(Year, year)
		return pos
	}
	if charAt(s, pos+1, 'W') {
		n, end := numberAt(s, pos+2, 2, false)
		if end < 0 {
			b.save(Year, year)
			return pos
		}
		b.save(Weekyear, year)
		b.save(WeekOfWeekyear, n)
		if end < len(s) && s[end] == '-' {
			if n, e := numberAt(s, end+1, 1, false); e >= 0 {
				b.save(DayOfWeek, n)
				return e
			}
		}
		return end
	}
	b.save(Year, year)
	if n, end := numberAt(s, pos+1, 3, false); end == pos+4 {
		b.save(DayOfYear, n)
		return end
	}
	n, end := numberAt(s, pos+1, 2, false)
	if end < 0 {
		return pos
	}
	b.save(MonthOfYear, n)
	if end < len(s) && s[end] == '-' {
		if n, e := numberAt(s, end+1, 2, false); e >= 0 {
			b.save(DayOfMonth, n)
			return e
		}
	}
	return end
}

func isoTime(b *parsed, s string, pos int) int {
	end := -1
	for _, part := range []struct {
		field, fraction Field
		size            int64
	}{{HourOfDay, fractionOfHour, hour}, {MinuteOfHour, fractionOfMinute, minute}, {SecondOfMinute, MillisOfSecond, second}} {
		if end >= 0 {
			if end >= len(s) || s[end] != ':' {
				return end
			}
			pos = end + 1
		}
		n, e := numberAt(s, pos, 2, false)
		if e < 0 {
			return end
		}
		b.save(part.field, n)
		end = e
		if end < len(s) && (s[end] == '.' || s[end] == ',') {
			if ms, e := fractionAt(s, end+1, 9, part.size); e >= 0 {
				b.save(part.fraction, ms)
				return e
			}
			return end
		}
	}
	return end
}
