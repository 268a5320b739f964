package main

import (
	"fmt"
	"strconv"
	"time"
)

// ago says how long a time in epoch milliseconds is past, in the one unit that matters.
func (p *program) ago(ms int64) string {
	if ms == 0 {
		return "-"
	}
	d := p.now().Sub(time.UnixMilli(ms))
	switch {
	case d < 0:
		return time.UnixMilli(ms).In(p.zone).Format("2006-01-02 15:04")
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", d/time.Hour)
	case d < 30*24*time.Hour:
		return fmt.Sprintf("%dd ago", d/(24*time.Hour))
	}
	return time.UnixMilli(ms).In(p.zone).Format("2006-01-02")
}

// clock returns the time of day of a time in epoch milliseconds.
func (p *program) clock(ms int64) string { return time.UnixMilli(ms).In(p.zone).Format("15:04:05.000") }

// lasted returns the time from start to end, or until now where there is no end yet, both in epoch milliseconds.
func (p *program) lasted(start, end int64) string {
	if start == 0 {
		return "-"
	}
	if end == 0 {
		end = p.now().UnixMilli()
	}
	return span(time.Duration(end-start) * time.Millisecond)
}

// span writes a duration with two significant parts.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d/time.Millisecond)
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// group writes a number with commas between thousands.
func group(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural counts things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return group(n) + " " + what + "s"
}
