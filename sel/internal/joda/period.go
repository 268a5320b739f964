package joda

import (
	"math"
	"strings"
)

// ErrCalendar is returned for a period with years or months, which have no fixed length.
const ErrCalendar = Error("cannot convert to a duration: years and months have no fixed length")

var periodWords = [...]struct {
	word string
	size int64 // zero for a calendar unit
}{
	{"year", 0}, {"month", 0}, {"week", week}, {"day", day}, {"hour", hour}, {"minute", minute}, {"second", second}, {"millisecond", 1},
}

// ParsePeriod reads a duration in English words, such as "1 day, 2 hours and 30 minutes": units in descending order,
// each at most once. The result is in milliseconds.
func ParsePeriod(text string) (int64, error) {
	bad := Error("invalid period: " + clip(text))
	var total int64
	calendar := false
	unit := 0
	for pos := 0; pos < len(text); {
		if unit > 0 {
			sep := separatorAt(text[pos:])
			if sep == 0 {
				return 0, bad
			}
			pos += sep
		}
		n, end := numberAt(text, pos, 12, true)
		if end < 0 || end >= len(text) || text[end] != ' ' || n > math.MaxInt32 || n < math.MinInt32 {
			return 0, bad
		}
		pos = end + 1
		for end = pos; end < len(text) && asciiLetter(text[end]); end++ {
		}
		word := strings.ToLower(text[pos:end])
		pos = end
		for unit < len(periodWords) && strings.TrimSuffix(word, "s") != periodWords[unit].word {
			unit++
		}
		if unit == len(periodWords) {
			return 0, bad
		}
		size := periodWords[unit].size
		calendar = calendar || size == 0 && n != 0
		total += n * size
		unit++
	}
	if calendar {
		return 0, ErrCalendar
	}
	return total, nil
}

// separatorAt is the length of the separator that s begins with.
func separatorAt(s string) int {
	for _, sep := range []string{", and ", ",and ", " and ", ", ", ",", " "} {
		if strings.HasPrefix(s, sep) {
			return len(sep)
		}
	}
	return 0
}
