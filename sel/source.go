package sel

import (
	"strings"
	"unicode/utf8"
)

// source is a text after unicode escapes have been replaced, which happens before anything else looks at it: an escape
// can spell a quote or a line end.
type source struct {
	text string
	orig string
	// offsets[i] is the offset in orig of byte i of text; nil if the two are the same.
	offsets []int32
	// bad is the message of a malformed escape at the end of text, where reading stops.
	bad string
}

func newSource(orig string) *source {
	if !utf8.ValidString(orig) {
		orig = strings.ToValidUTF8(orig, "\uFFFD")
	}
	if !strings.Contains(orig, `\u`) {
		return &source{text: orig, orig: orig}
	}
	s := &source{orig: orig}
	s.unescape()
	return s
}

// place gives the offset in the original text for one in the replaced text.
func (s *source) place(pos int) int {
	switch {
	case s.offsets == nil:
		return pos
	case pos < len(s.offsets):
		return int(s.offsets[pos])
	}
	return len(s.orig)
}

// unescape replaces each escape: a backslash after an even number of backslashes, one or more u, four hex digits.
func (s *source) unescape() {
	var b strings.Builder
	emit := func(at int, text string) {
		b.WriteString(text)
		for range len(text) {
			s.offsets = append(s.offsets, int32(at))
		}
	}
	orig := s.orig
	for i := 0; i < len(orig); {
		if orig[i] != '\\' {
			emit(i, orig[i:i+1])
			i++
			continue
		}
		if i+1 < len(orig) && orig[i+1] != 'u' {
			// The pair hides its second half, which may itself be a backslash.
			n := 1
			if orig[i+1] == '\\' {
				n = 2
			}
			for k := range n {
				emit(i+k, orig[i+k:i+k+1])
			}
			i += n
			continue
		}
		unit, end, ok := escapeAt(orig, i)
		if !ok {
			s.bad = "bad unicode escape"
			break
		}
		r := rune(unit)
		if unit >= 0xD800 && unit < 0xDC00 {
			if low, lowEnd, ok := escapeAt(orig, end); ok && low >= 0xDC00 && low < 0xE000 {
				r = (r-0xD800)<<10 | (rune(low) - 0xDC00) + 0x10000
				end = lowEnd
			}
		}
		emit(i, string(r)) // a lone surrogate becomes U+FFFD
		i = end
	}
	s.text = b.String()
}

// escapeAt reads \u…XXXX at i.
func escapeAt(text string, i int) (unit uint32, end int, ok bool) {
	if i >= len(text) || text[i] != '\\' {
		return 0, 0, false
	}
	i++
	digits := i
	for digits < len(text) && text[digits] == 'u' {
		digits++
	}
	if digits == i || digits+4 > len(text) {
		return 0, 0, false
	}
	for _, c := range []byte(text[digits : digits+4]) {
		d := hexDigit(c)
		if d < 0 {
			return 0, 0, false
		}
		unit = unit<<4 | uint32(d)
	}
	return unit, digits + 4, true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
