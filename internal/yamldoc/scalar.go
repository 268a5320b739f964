package yamldoc

import (
	"regexp"
	"strconv"
	"strings"

	"maestro/internal/doc"
)

// The words and numbers of YAML 1.1, as SnakeYAML has them. A number to the base of 60 stays a text, as in the reference.
var (
	floats  = regexp.MustCompile(`^[-+]?([0-9][0-9_]*)?\.?[0-9_]*([eE][-+]?[0-9]+)?$`)
	integer = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)$`)
	octal   = regexp.MustCompile(`^[-+]?0[0-7_]+$`)
	hex     = regexp.MustCompile(`^[-+]?0x[0-9a-fA-F_]+$`)
	binary  = regexp.MustCompile(`^[-+]?0b[01_]+$`)
)

func resolve(s string) (doc.Kind, string) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return doc.Null, ""
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return doc.Bool, "true"
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return doc.Bool, "false"
	}
	if c := s[0]; len(s) > 1000 || c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return doc.String, s
	}
	if isDecimal(s) {
		return doc.Number, s
	}
	base := 0
	switch {
	case integer.MatchString(s):
		return doc.Number, decimal(s)
	case octal.MatchString(s):
		base = 8
	case hex.MatchString(s):
		base = 16
	case binary.MatchString(s):
		base = 2
	case floats.MatchString(s) && strings.ContainsAny(s, "0123456789") && strings.ContainsAny(s, ".eE"):
		return float(s)
	default:
		return doc.String, s
	}
	if n, err := strconv.ParseInt(digits(s, base), base, 64); err == nil {
		return doc.Number, strconv.FormatInt(n, 10)
	}
	return doc.String, s
}

// isDecimal recognises the most frequent numbers without the cost of a pattern.
func isDecimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s[0] != '0' || len(s) == 1
}

// digits returns sign and digits of an integer without its prefix.
func digits(s string, base int) string {
	s = strings.ReplaceAll(s, "_", "")
	sign := ""
	if s[0] == '-' || s[0] == '+' {
		sign, s = s[:1], s[1:]
	}
	if base != 8 {
		s = s[2:]
	}
	return sign + s
}

func decimal(s string) string { return strings.TrimPrefix(strings.ReplaceAll(s, "_", ""), "+") }

// float writes a float in JSON's syntax.
func float(s string) (doc.Kind, string) {
	t := decimal(s)
	sign := ""
	if strings.HasPrefix(t, "-") {
		sign, t = "-", t[1:]
	}
	mantissa, exponent := t, ""
	if i := strings.IndexAny(t, "eE"); i >= 0 {
		mantissa, exponent = t[:i], t[i:]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" {
		return doc.String, s
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if point && fraction == "" {
		fraction = "0"
	}
	if point {
		whole += "." + fraction
	}
	return doc.Number, sign + whole + exponent
}
