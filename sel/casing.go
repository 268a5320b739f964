package sel

import (
	"strings"
	"unicode"
)

// upper is Java's toUpperCase, where some characters become several.
func upper(s string) string {
	if ascii(s) {
		return strings.ToUpper(s)
	}
	var b strings.Builder
	for _, r := range s {
		if full := upperFull(r); full != "" {
			b.WriteString(full)
		} else {
			b.WriteRune(unicode.ToUpper(r))
		}
	}
	return b.String()
}

// lower is Java's toLowerCase, where a sigma at the end of a word has a form of its own.
func lower(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && finalSigma(runes, i):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma reports whether a cased letter comes before i and none after, marks between them aside.
func finalSigma(s []rune, i int) bool {
	cased := func(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) }
	ignorable := func(r rune) bool {
		return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·’", r)
	}
	before := i - 1
	for before >= 0 && ignorable(s[before]) {
		before--
	}
	after := i + 1
	for after < len(s) && ignorable(s[after]) {
		after++
	}
	return before >= 0 && cased(s[before]) && (after == len(s) || !cased(s[after]))
}

// upperFull is the upper case of a character for which that is more than one, or "". From Unicode's SpecialCasing.
func upperFull(r rune) string {
	switch {
	case r < 0xDF:
		return ""
	case r >= 0x1F80 && r <= 0x1FAF: // Greek with iota below: the capital, then an iota
		base := [...]rune{0x1F08, 0x1F28, 0x1F68}[(r-0x1F80)>>4]
		return string(base+r&7) + "Ι"
	}
	return specialUpper[r]
}

var specialUpper = map[rune]string{
	'ß': "SS", 'ŉ': "ʼN", 'ǰ': "J\u030C", 'ΐ': "Ι\u0308\u0301", 'ΰ': "Υ\u0308\u0301", 'և': "ԵՒ",
	'ẖ': "H\u0331", 'ẗ': "T\u0308", 'ẘ': "W\u030A", 'ẙ': "Y\u030A", 'ẚ': "Aʾ",
	'ﬀ': "FF", 'ﬁ': "FI", 'ﬂ': "FL", 'ﬃ': "FFI", 'ﬄ': "FFL", 'ﬅ': "ST", 'ﬆ': "ST",
	'ﬓ': "ՄՆ", 'ﬔ': "ՄԵ", 'ﬕ': "ՄԻ", 'ﬖ': "ՎՆ", 'ﬗ': "ՄԽ",
	'ὐ': "Υ\u0313", 'ὒ': "Υ\u0313\u0300", 'ὔ': "Υ\u0313\u0301", 'ὖ': "Υ\u0313\u0342",
	'ᾲ': "ᾺΙ", 'ᾳ': "ΑΙ", 'ᾴ': "ΆΙ", 'ᾶ': "Α\u0342", 'ᾷ': "Α\u0342Ι", 'ᾼ': "ΑΙ",
	'ῂ': "ῊΙ", 'ῃ': "ΗΙ", 'ῄ': "ΉΙ", 'ῆ': "Η\u0342", 'ῇ': "Η\u0342Ι", 'ῌ': "ΗΙ",
	'ῒ': "Ι\u0308\u0300", '\u1FD3': "Ι\u0308\u0301", 'ῖ': "Ι\u0342", 'ῗ': "Ι\u0308\u0342",
	'ῢ': "Υ\u0308\u0300", '\u1FE3': "Υ\u0308\u0301", 'ῤ': "Ρ\u0313", 'ῦ': "Υ\u0342", 'ῧ': "Υ\u0308\u0342",
	'ῲ': "ῺΙ", 'ῳ': "ΩΙ", 'ῴ': "ΏΙ", 'ῶ': "Ω\u0342", 'ῷ': "Ω\u0342Ι", 'ῼ': "ΩΙ",
}
