package signal

import (
	"math"
	"strings"
	"unicode/utf8"
)

// How names and values become parts of keys, whose byte order is the order of what they stand for.

// Sep ends a part of a key. It is below every byte of an escaped text.
const Sep = "\x01"

var escaper = strings.NewReplacer("\x00", "\x02\x02", "\x01", "\x02\x03", "\x02", "\x02\x04")

// Escape keeps Sep, and what is below, out of a text. It preserves the order of texts.
func Escape(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r <= 2 }) < 0 {
		return s
	}
	return escaper.Replace(s)
}

// Unescape takes Escape back.
func Unescape(s string) string { return unescaper.Replace(s) }

var unescaper = strings.NewReplacer("\x02\x02", "\x00", "\x02\x03", "\x01", "\x02\x04", "\x02")

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// AppendNumber appends n so that longer numbers sort later: its count of digits, then its digits.
func AppendNumber(dst []byte, n uint64) []byte {
	var buf [11]byte
	at := len(buf)
	for ; n > 0; n /= 62 {
		at--
		buf[at] = digits[n%62]
	}
	return append(append(dst, digits[len(buf)-at]), buf[at:]...)
}

// ParseNumber reads what AppendNumber wrote.
func ParseNumber(s string) (n int64) {
	if len(s) < 1 {
		return 0
	}
	for i := 1; i < len(s); i++ {
		n = n*62 + int64(strings.IndexByte(digits, s[i]))
	}
	return n
}

// The first bytes of encoded values: texts sort before integers, negative ones before the others.
const (
	TextMark     = "#"
	NegativeMark = "m"
	positiveMark = "n"
)

// indexed is how many bytes of a text go into keys. Texts that differ only behind them share their keys, so that what the
// index finds must be looked at.
const indexed = 256

// Key returns the value as part of a key.
func (v Value) Key() string {
	switch {
	case !v.IsLong:
		text := v.Text
		if len(text) > indexed {
			cut := indexed
			for cut > 0 && !utf8.RuneStart(text[cut]) {
				cut--
			}
			text = text[:cut]
		}
		return TextMark + Escape(text)
	case v.Long >= 0:
		return string(AppendNumber([]byte(positiveMark), uint64(v.Long)))
	default:
		return string(AppendNumber([]byte(NegativeMark), uint64(v.Long-math.MinInt64)))
	}
}
