package spec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"maestro/internal/doc"
)

// ParsableLong is a count or a duration that a user gives as a number or as a text, which may refer to workflow params
// (§5.1). It is printed in the form in which it was given. The zero value is one that was not given.
type ParsableLong struct {
	text   string
	number int64
	form   parsableForm
}

type parsableForm uint8

const (
	absent parsableForm = iota
	asNumber
	asText
)

// Number returns a ParsableLong given as a number.
func Number(n int64) ParsableLong { return ParsableLong{number: n, form: asNumber} }

// Text returns a ParsableLong given as a text.
func Text(s string) ParsableLong { return ParsableLong{text: s, form: asText} }

// IsSet reports whether there is a value at all.
func (l ParsableLong) IsSet() bool { return l.form != absent }

// Or returns l, or fallback when it was not given.
func (l ParsableLong) Or(fallback ParsableLong) ParsableLong {
	if l.IsSet() {
		return l
	}
	return fallback
}

// Dynamic reports whether the value depends on params: it holds a $. Its value is not known before a run.
func (l ParsableLong) Dynamic() bool { return l.form == asText && strings.Contains(l.text, "$") }

// String returns the value as messages show it: a number as is, a text quoted.
func (l ParsableLong) String() string {
	switch l.form {
	case asNumber:
		return strconv.FormatInt(l.number, 10)
	case asText:
		return `"` + l.text + `"`
	}
	return "null"
}

// AppendJSON appends the value in the form in which it was given.
func (l ParsableLong) AppendJSON(dst []byte) []byte {
	switch l.form {
	case asNumber:
		return strconv.AppendInt(dst, l.number, 10)
	case asText:
		return doc.AppendString(dst, l.text)
	}
	return append(dst, "null"...)
}

// Interpolate replaces the $references of a text. Callers pass the function of the params in scope.
type Interpolate func(text string) (string, error)

// resolve returns the text after interpolation, and its value if it is an integer.
func (l ParsableLong) resolve(in Interpolate) (text string, n int64, isNumber bool, err error) {
	if l.form == asNumber {
		return strconv.FormatInt(l.number, 10), l.number, true, nil
	}
	text = l.text
	if in != nil {
		if text, err = in(text); err != nil {
			return "", 0, false, err
		}
	}
	if !looksInteger(text) {
		return text, 0, false, nil
	}
	n, err = strconv.ParseInt(text, 10, 64)
	return text, n, err == nil, nil
}

// looksInteger spares the cost of an error for the usual texts that are no integers.
func looksInteger(s string) bool {
	return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' && !strings.Contains(s, " ")
}

// Duration resolves l as a duration: an integer counts seconds, another text is read as a duration text, in which
// whatever is not understood is skipped (§5.1). A nil in leaves references alone. Values beyond what a Duration holds
// are cut to its limits.
func (l ParsableLong) Duration(in Interpolate) (time.Duration, error) {
	text, n, isNumber, err := l.resolve(in)
	if err != nil {
		return 0, err
	}
	if isNumber {
		return scale(n, time.Second), nil
	}
	d, _ := parseDuration(text)
	return d, nil
}

// Timeout resolves l as a timeout and checks it against the limit: 0 < timeout ≤ limit.
func (l ParsableLong) Timeout(in Interpolate, limit time.Duration) (time.Duration, error) {
	d, err := l.Duration(in)
	if err != nil {
		return 0, err
	}
	if d <= 0 || d > limit {
		return 0, fmt.Errorf("timeout [%d ms]/[%s] cannot be non-positive or more than system limit: %d days",
			d.Milliseconds(), l, int64(limit/(24*time.Hour)))
	}
	return d, nil
}

// Count resolves l as a count: an integer, or a text that holds one.
func (l ParsableLong) Count(in Interpolate) (int64, error) {
	text, n, isNumber, err := l.resolve(in)
	if err != nil {
		return 0, err
	}
	if !isNumber {
		return 0, &countError{raw: l.raw(), text: text}
	}
	return n, nil
}

// countError is a count that is not one.
type countError struct{ raw, text string }

func (e *countError) Error() string {
	return fmt.Sprintf("value [%s] is parsed to [%s] but not a number", e.raw, e.text)
}

// scale multiplies without overflow.
func scale(n int64, unit time.Duration) time.Duration {
	switch {
	case n > math.MaxInt64/int64(unit):
		return math.MaxInt64
	case n < math.MinInt64/int64(unit):
		return math.MinInt64
	}
	return time.Duration(n) * unit
}

// parsable reads a number of at least 0, or a text.
func (d *decoder) parsable(n *doc.Node) ParsableLong {
	switch n.Kind {
	case doc.String:
		return Text(n.Text)
	case doc.Number:
		v, ok := truncate(n.Text)
		switch {
		case !ok:
			d.errorf(n, "integer %s does not fit into 64 bits", clip(n.Text))
		case v < 0:
			d.errorf(n, "ParsableLong long value must be non-negative")
		default:
			return Number(v)
		}
		return ParsableLong{}
	}
	d.errorf(n, "must be a number or a text such as \"2 hours\", not %s", describe(n))
	return ParsableLong{}
}
