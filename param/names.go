package param

import (
	"fmt"
	"strings"
)

// DefaultSeparator stands between a step id and a param name in a reference to another step's param (params 10.3).
const DefaultSeparator = "__"

const (
	idLimit        = 128
	reservedPrefix = "maestro_"
	referenceRule  = `[_a-zA-Z][.\-_a-zA-Z0-9]*+`
)

// ValidateReferenceID checks a step id or param name by the rule of definition 11. The error names the first rule
// that id breaks. An empty separator means the default one.
func ValidateReferenceID(id, separator string) error {
	const what = "[maestro id or name reference]"
	if separator == "" {
		separator = DefaultSeparator
	}
	switch {
	case id == "":
		return Errorf(Validation, "%s cannot be null or empty", what)
	case len(id) > idLimit:
		return Errorf(Validation, "%s cannot be more than id length limit %d - rejected length is [%d] for value [%s]", what, idLimit, len(id), clip(id))
	case !isReference(id):
		return Errorf(Validation, "%s does not follow the regex rule: %s - rejected value is [%s]", what, referenceRule, id)
	case strings.Contains(id, separator):
		return Errorf(Validation, "%s cannot contain the step param separator '%s' - rejected value is [%s]", what, separator, id)
	case hasPrefixFold(id, reservedPrefix):
		return Errorf(Validation, "%s cannot start with reserved prefix: %s - rejected value is [%s]", what, reservedPrefix, id)
	}
	return nil
}

func isReference(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case i > 0 && (c == '.' || c == '-' || c >= '0' && c <= '9'):
		default:
			return false
		}
	}
	return s != ""
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// clip keeps messages about huge input readable.
func clip(s string) string {
	if len(s) > 2*idLimit {
		return fmt.Sprintf("%.256s...", s)
	}
	return s
}
