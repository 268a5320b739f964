package joda

import (
	"math"
	"time"
)

// span is a stretch of time with one offset, from start up to but not including end.
type span struct {
	start, end, offset int64
}

// tableEnd is where the table of a zone ends; later instants, which hardly occur, are asked of package time.
var tableEnd = time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC)

// spansOf tabulates the offsets of a zone from the beginning. Package time computes recurring changes anew for each
// question, which costs more than everything else done with a date.
func spansOf(loc *time.Location) []span {
	var spans []span
	for s := spanAt(loc, math.MinInt64); ; s = spanAt(loc, s.end) {
		if last := len(spans) - 1; last >= 0 && spans[last].offset == s.offset {
			spans[last].end = s.end
		} else {
			spans = append(spans, s)
		}
		if s.end >= tableEnd.UnixMilli() {
			return spans
		}
	}
}

// spanAt asks package time. Its answer may be too short: on the last day of a leap year ZoneBounds gives an end that has
// passed, so what comes back may stop at the end of a day without a change of offset.

func spanAt(loc *time.Location, ms int64) span {
	t := time.UnixMilli(max(ms, math.MinInt64/2)).In(loc)
	_, offset := t.Zone()
	s := span{math.MinInt64, math.MaxInt64, int64(offset) * second}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = start.UnixMilli()
	}
	if !end.IsZero() {
		s.end = end.UnixMilli()
	}
	if s.end <= ms {
		s.start, s.end = ms, ms-floorMod(ms, day)+day
	}
	return s
}

// at finds the span of an instant.
func (z *Zone) at(ms int64) span {
	lo, hi := 0, len(z.spans)
	for lo < hi {
		if mid := (lo + hi) / 2; z.spans[mid].end > ms {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	if lo < len(z.spans) {
		return z.spans[lo]
	}
	return spanAt(z.loc, ms)
}

// widest is more than any offset and any jump of one.
const widest = 2 * day

// instants lists the instants that show a local time: none in a gap, two in an overlap, the earlier one first. In a
// gap, next is the instant at which the zone jumps over the local time and before the offset until then.
func (z *Zone) instants(local int64) (found [2]int64, n int, next, before int64) {
	if z.loc == nil {
		found[0] = local - z.offset
		return found, 1, 0, 0
	}
	s := z.at(saturated(local, -widest/2))
	for {
		t := saturated(local, -s.offset)
		switch {
		case t >= s.start && t < s.end:
			if n < 2 {
				found[n] = t
				n++
			}
		case t >= s.end:
			next, before = s.end, s.offset
		}
		if s.end == math.MaxInt64 || s.end > saturated(local, widest/2) {
			return found, n, next, before
		}
		s = z.at(s.end)
	}
}

func saturated(a, b int64) int64 {
	switch sum := a + b; {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	default:
		return sum
	}
}

// strict turns a local time into an instant. A local time in a gap does not exist; of two the earlier is taken.
func (z *Zone) strict(local int64) (int64, error) {
	found, n, _, _ := z.instants(local)
	if n == 0 {
		return 0, Error("local time does not exist in zone " + z.id + " because of a daylight savings transition")
	}
	return found[0], nil
}

// lenient is strict, but moves a local time in a gap forward by the length of the gap.
func (z *Zone) lenient(local int64) int64 {
	found, n, _, before := z.instants(local)
	if n == 0 {
		return local - before
	}
	return found[0]
}

// near is lenient, but of two instants prefers the one with the offset that was in force at original.
func (z *Zone) near(local, original int64) int64 {
	found, n, _, before := z.instants(local)
	switch n {
	case 0:
		return local - before
	case 2:
		if t := local - z.Offset(original); t == found[1] {
			return t
		}
	}
	return found[0]
}
