package sel

import (
	"strings"
	"unicode/utf8"
)

// Strings are UTF-8 here and UTF-16 in the language: lengths and positions that a script sees count UTF-16 units.

// utf16Len is the length of s in UTF-16 units.
func utf16Len(s string) int {
	n := len(s)
	for i := range len(s) {
		c := s[i]
		n -= int(c >> 7 &^ (c >> 6) & 1)                      // a continuation byte
		n += int(c >> 7 & (c >> 6) & (c >> 5) & (c >> 4) & 1) // the first byte of two units
	}
	return n
}

func ascii(s string) bool {
	for len(s) >= 8 {
		word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if word&0x8080808080808080 != 0 { // one load and one test for eight bytes
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// utf16Slice cuts s by UTF-16 positions, which must be in range. Half of a pair becomes U+FFFD.
func utf16Slice(s string, from, to int) string {
	if ascii(s) {
		return s[from:to]
	}
	var b strings.Builder
	b.Grow(min(len(s), 3*(to-from)))
	at := 0
	for _, r := range s {
		size := 1
		if r > 0xFFFF {
			size = 2
		}
		switch lo, hi := max(at, from), min(at+size, to); {
		case hi-lo == size:
			b.WriteRune(r)
		case hi > lo:
			b.WriteRune('\uFFFD')
		}
		if at += size; at >= to {
			break
		}
	}
	return b.String()
}

// utf16Compare is Java's compareTo: the difference of the first units that differ, else of the lengths.
func utf16Compare(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && (i < len(a) && a[i]&0xC0 == 0x80 || i < len(b) && b[i]&0xC0 == 0x80) {
		i-- // back to where a character begins
	}
	a, b = a[i:], b[i:]
	if a == "" || b == "" {
		return utf16Len(a) - utf16Len(b)
	}
	a1, a2 := units(a)
	b1, b2 := units(b)
	if a1 != b1 {
		return a1 - b1
	}
	return a2 - b2
}

// units are the UTF-16 units of the first character of s, the second zero if there is none.
func units(s string) (int, int) {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case size == 0:
		return 0, 0
	case r > 0xFFFF:
		r -= 0x10000
		return 0xD800 + int(r>>10), 0xDC00 + int(r&0x3FF)
	}
	return int(r), 0
}
