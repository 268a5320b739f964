package param

import (
	"math"
	"strconv"
	"strings"
)

// A DOUBLE literal keeps the decimal its author wrote (params 2, definition 1): 1.50 stays 1.50. Exponents are laid
// out as the reference prints its arbitrary-precision decimals, so 1e20 reads 1E+20.

// parseDecimal reads number text and returns its canonical decimal text and its float64.
func parseDecimal(s string) (text string, f float64, ok bool) {
	digits, scale, neg, ok := splitDecimal(s)
	if !ok {
		return "", 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return "", 0, false
	}
	return layoutDecimal(digits, scale, neg), unsigned(f), true
}

// unsigned takes the sign off a zero: decimals have one zero only, and every DOUBLE param is a decimal at some time.
func unsigned(f float64) float64 {
	if f == 0 {
		return 0
	}
	return f
}

// unsignedText is unsigned for a number that stands where a text is expected.
func unsignedText(s string) string {
	rest, negative := strings.CutPrefix(s, "-")
	if negative && strings.Trim(rest, "0.") == "" {
		return rest
	}
	return s
}

// splitDecimal takes a plain decimal number apart into its digits without leading zeros and its scale (digits after
// the point). Forms that only a Go number has (hex, underscores, Inf) are refused.
func splitDecimal(s string) (digits string, scale int64, neg, ok bool) {
	if s == "" || len(s) > 1000 {
		return "", 0, false, false
	}
	if s[0] == '-' || s[0] == '+' {
		neg = s[0] == '-'
		s = s[1:]
	}
	var exp int64
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.ParseInt(s[i+1:], 10, 32)
		if err != nil || strings.ContainsRune(s[i+1:], '_') {
			return "", 0, false, false
		}
		exp, s = n, s[:i]
	}
	whole, frac, _ := strings.Cut(s, ".")
	all := whole + frac
	if all == "" || strings.Trim(all, "0123456789") != "" {
		return "", 0, false, false
	}
	scale = int64(len(frac)) - exp
	all = strings.TrimLeft(all, "0")
	if all == "" {
		return "0", scale, false, true
	}
	return all, scale, neg, true
}

func layoutDecimal(digits string, scale int64, neg bool) string {
	var b strings.Builder
	if neg {
		b.WriteByte('-')
	}
	n := int64(len(digits))
	adjusted := n - 1 - scale
	switch {
	case scale == 0:
		b.WriteString(digits)
	case scale > 0 && adjusted >= -6:
		if n > scale {
			b.WriteString(digits[:n-scale])
			b.WriteByte('.')
			b.WriteString(digits[n-scale:])
		} else {
			b.WriteString("0.")
			for range scale - n {
				b.WriteByte('0')
			}
			b.WriteString(digits)
		}
	default:
		b.WriteByte(digits[0])
		if n > 1 {
			b.WriteByte('.')
			b.WriteString(digits[1:])
		}
		if adjusted != 0 {
			b.WriteByte('E')
			if adjusted > 0 {
				b.WriteByte('+')
			}
			b.WriteString(strconv.FormatInt(adjusted, 10))
		}
	}
	return b.String()
}
