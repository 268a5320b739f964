package sel

import (
	"math"
	"strconv"
	"strings"
)

// float is f, e and g. Rounding is half up on the shortest decimal text of the number, not on its exact value, so 1.005
// is 1.01 with two digits.
func (f *formatting) float(s *conversionSpec, v Value) *Error {
	flags := map[byte]string{'f': "-#+ 0,(", 'e': "-#+ 0(", 'g': "-+ 0,("}[s.conv]
	if err := s.allow(flags); err != nil {
		return err
	}
	if err := s.checkFlags(); err != nil {
		return err
	}
	if v.IsNull() {
		return f.pad(s, "null")
	}
	if v.kind != KindDouble {
		return s.bad(string(s.conv) + " needs a DOUBLE, not " + v.kind.String())
	}
	d := v.double()
	negative := math.Signbit(d) && !math.IsNaN(d)
	if math.IsNaN(d) || math.IsInf(d, 0) {
		text := "NaN"
		if math.IsInf(d, 0) {
			text = "Infinity"
		}
		s.flags = strings.ReplaceAll(strings.ReplaceAll(s.flags, "0", ""), ",", "")
		if text == "NaN" {
			return f.pad(s, text)
		}
		return f.number(s, negative, text)
	}
	precision := s.precision
	if precision < 0 {
		precision = 6
	}
	dec := decimalOf(d)
	// The text is put together digit by digit, and then copied a few times to add sign, grouping and zeros.
	if err := f.m.spend(precision>>1, 8*precision); err != nil {
		return err
	}
	var text string
	switch s.conv {
	case 'f':
		text = dec.fixed(precision)
	case 'e':
		text = dec.scientific(precision)
	default:
		text = dec.either(max(precision, 1))
	}
	if s.has('#') && precision == 0 {
		if i := strings.IndexByte(text, 'e'); i >= 0 {
			text = text[:i] + "." + text[i:]
		} else {
			text += "."
		}
	}
	return f.number(s, negative, text)
}

// decimal is 0.d₁d₂d₃… times ten to the point.
type decimal struct {
	digits []byte // without zeros at either end
	point  int
}

func decimalOf(d float64) decimal {
	if d == 0 {
		return decimal{}
	}
	digits, exp := shortest(d)
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return decimal{digits, exp + 1}
}

// round keeps n digits, rounding half up.
func (d decimal) round(n int) decimal {
	if n >= len(d.digits) {
		return d
	}
	if n < 0 || d.digits[n] < '5' {
		return decimal{d.digits[:max(n, 0)], d.point}
	}
	kept := append([]byte(nil), d.digits[:n]...)
	for i := n - 1; i >= 0; i-- {
		if kept[i] != '9' {
			kept[i]++
			return decimal{kept[:i+1], d.point}
		}
	}
	return decimal{[]byte{'1'}, d.point + 1}
}

// at is the digit with weight ten to the -i, zero where there is none.
func (d decimal) at(i int) byte {
	if k := d.point + i - 1; k >= 0 && k < len(d.digits) {
		return d.digits[k]
	}
	return '0'
}

func (d decimal) fixed(precision int) string {
	d = d.round(d.point + precision)
	var b strings.Builder
	b.Grow(max(d.point, 0) + precision + 4)
	for i := min(1-d.point, 0); i <= 0; i++ {
		b.WriteByte(d.at(i))
	}
	if precision > 0 {
		b.WriteByte('.')
		for i := range precision {
			b.WriteByte(d.at(i + 1))
		}
	}
	return b.String()
}

func (d decimal) scientific(precision int) string {
	exp := 0
	if len(d.digits) > 0 {
		d = d.round(precision + 1)
		exp = d.point - 1
		d.point = 1
	}
	text := d.fixed(precision)
	sign := "e+"
	if exp < 0 {
		sign, exp = "e-", -exp
	}
	if exp < 10 {
		sign += "0"
	}
	return text + sign + strconv.Itoa(exp)
}

// either is fixed for numbers from 10⁻⁴ up to ten to the precision, and scientific for others.
func (d decimal) either(precision int) string {
	if len(d.digits) == 0 {
		return d.fixed(precision - 1)
	}
	if r := d.round(precision); r.point > -4 && r.point <= precision {
		return r.fixed(precision - r.point)
	}
	return d.scientific(precision - 1)
}
