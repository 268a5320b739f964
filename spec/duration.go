package spec

import (
	"math"
	"strings"
	"time"
)

// unit is a word that may follow a number in a duration text, and all spellings of it.
type unit struct {
	prefix string // what the reference looks for; it skips the rest of the word
	words  string // the spellings that are certainly meant, each within spaces
	value  time.Duration
}

// units are tried in this order; "min" and "ms" share a first letter but no prefix.
var units = [...]unit{
	{"d", " d day days ", 24 * time.Hour},
	{"h", " h hr hrs hour hours ", time.Hour},
	{"min", " min mins minute minutes ", time.Minute},
	{"s", " s sec secs second seconds ", time.Second},
	{"ms", " ms milli millis millisecond milliseconds ", time.Millisecond},
}

// duration notes are what is doubtful about a duration text, worst last.
type durationNote uint8

const (
	durationClear    durationNote = iota // every part of the text was understood
	durationLoose                        // part of the text is skipped, such as a number without unit
	durationMistaken                     // a sign, a fraction or an unknown unit: the value is not what is written
)

// parseDuration adds up every match of digits, at most one space, and the beginning of a unit, and skips the rest
// (§5.1). The note tells how sure one can be that the sum is what the author means.
func parseDuration(text string) (time.Duration, durationNote) {
	text = strings.ToLower(text)
	var sum time.Duration
	note := durationClear
	add := func(v time.Duration) {
		if sum += v; sum < 0 {
			sum = math.MaxInt64
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < '0' || c > '9' {
			word := wordEnd(text, i)
			switch {
			case c == ' ' || c == ',' || text[i:word] == "and":
			case c == '-' || c == '+' || c == '.':
				note = max(note, durationMistaken)
			default:
				note = max(note, durationLoose)
			}
			i = max(word, i+1)
			continue
		}
		end, n := digits(text, i)
		at := end
		if at < len(text) && text[at] == ' ' {
			at++
		}
		u := unitAt(text[at:])
		if u == nil {
			note = max(note, noteOfBareNumber(text[end:]))
			i = end
			if at < len(text) && isLetter(text[at]) {
				i = wordEnd(text, at)
			}
			continue
		}
		add(scale(n, u.value))
		i = wordEnd(text, at)
		if !strings.Contains(u.words, " "+text[at:i]+" ") {
			note = max(note, durationLoose)
		}
	}
	return sum, note
}

// noteOfBareNumber judges a number that has no unit by what follows it.
func noteOfBareNumber(rest string) durationNote {
	rest = strings.TrimLeft(rest, " ")
	if rest == "" || rest[0] >= '0' && rest[0] <= '9' || rest[0] == ',' {
		return durationLoose
	}
	return durationMistaken
}

// digits returns the end of the number that begins at i, and its value, cut to 64 bits.
func digits(text string, i int) (end int, n int64) {
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		if n > (math.MaxInt64-9)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(text[i]-'0')
	}
	return i, n
}

func unitAt(text string) *unit {
	for i := range units {
		if strings.HasPrefix(text, units[i].prefix) {
			return &units[i]
		}
	}
	return nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }

func wordEnd(text string, i int) int {
	for i < len(text) && isLetter(text[i]) {
		i++
	}
	return i
}
