package spec

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// WorkflowID names a workflow over all its versions.
type WorkflowID string

// StepID names a step within a definition, loops included.
type StepID string

// The naming rules of §11. Checks run in a fixed order and stop at the first failure, so a name has one problem at most.
const (
	idPattern        = `[_a-zA-Z0-9][.\-_a-zA-Z0-9]*+`
	referencePattern = `[_a-zA-Z][.\-_a-zA-Z0-9]*+`
	namePattern      = `[\w \.,:@&='(){}$+\[\]\-\/\]+` // as clients see it, a backslash short
	reservedPrefix   = "maestro_"
	reservedSuffix   = "_maestro"
)

// IsInline reports whether a workflow id is one of those that are made up for the bodies of loops (spec/engine 1.2).
func IsInline(id string) bool {
	return strings.HasPrefix(id, reservedPrefix+"foreach_") || strings.HasPrefix(id, reservedPrefix+"while_")
}

// idProblem says what is wrong with a workflow id, or nothing.
func (r *Rules) idProblem(id string) string {
	const what = "[maestro id]"
	switch {
	case id == "":
		return what + " cannot be null or empty"
	case length(id) > r.IDLength:
		return fmt.Sprintf("%s cannot be more than id length limit %d - rejected length is [%d] for value [%s]", what, r.IDLength, length(id), clipName(id))
	case !isID(id, true):
		return fmt.Sprintf("%s does not follow the regex rule: %s - rejected value is [%s]", what, idPattern, clipName(id))
	case hasReservedPrefix(id):
		return fmt.Sprintf("%s cannot start with reserved prefix: %s - rejected value is [%s]", what, reservedPrefix, clipName(id))
	case hasReservedSuffix(id):
		return fmt.Sprintf("%s cannot end with reserved suffix: %s - rejected value is [%s]", what, reservedSuffix, clipName(id))
	}
	return ""
}

// referenceProblem says what is wrong with a step id, a job type or a version, or nothing.
func (r *Rules) referenceProblem(id string) string {
	const what = "[maestro id or name reference]"
	switch {
	case id == "":
		return what + " cannot be null or empty"
	case length(id) > r.IDLength:
		return fmt.Sprintf("%s cannot be more than id length limit %d - rejected length is [%d] for value [%s]", what, r.IDLength, length(id), clipName(id))
	case !isID(id, false):
		return fmt.Sprintf("%s does not follow the regex rule: %s - rejected value is [%s]", what, referencePattern, clipName(id))
	case strings.Contains(id, r.Separator):
		return fmt.Sprintf("%s cannot contain the step param separator '%s' - rejected value is [%s]", what, r.Separator, clipName(id))
	case hasReservedPrefix(id):
		return fmt.Sprintf("%s cannot start with reserved prefix: %s - rejected value is [%s]", what, reservedPrefix, clipName(id))
	}
	return ""
}

// nameProblem says what is wrong with the name of a tag or signal, or nothing.
func (r *Rules) nameProblem(name string) string {
	const what = "[maestro name]"
	switch {
	case strings.TrimSpace(name) == "":
		return what + " cannot be null or empty or blank spaces"
	case length(name) > r.NameLength:
		return fmt.Sprintf("%s cannot be more than name length limit %d - rejected length is [%d] for value [%s]", what, r.NameLength, length(name), clipName(name))
	case !isName(name):
		return fmt.Sprintf("%s does not follow the regex rule: %s - rejected value is [%s]", what, namePattern, clipName(name))
	case hasReservedPrefix(name):
		return fmt.Sprintf("%s cannot start with reserved prefix: %s - rejected value is [%s]", what, reservedPrefix, clipName(name))
	case hasReservedSuffix(name):
		return fmt.Sprintf("%s cannot end with reserved suffix: %s - rejected value is [%s]", what, reservedSuffix, clipName(name))
	}
	return ""
}

// displayProblem says what is wrong with the display name of a workflow or step, or nothing.
func (r *Rules) displayProblem(name string) string {
	if length(name) <= r.NameLength {
		return ""
	}
	return fmt.Sprintf("[maestro name] cannot be more than name length limit %d - rejected length is [%d] for value [%s]", r.NameLength, length(name), clipName(name))
}

// ValidateName returns what is wrong with the name of a tag or of an announced signal, or nil.
func ValidateName(name string, r Rules) error {
	r = r.orDefaults()
	return asError(r.nameProblem(name))
}

// NameError says which naming rule of §11 a text breaks.
type NameError string

func (e NameError) Error() string { return string(e) }

func asError(problem string) error {
	if problem == "" {
		return nil
	}
	return NameError(problem)
}

// length counts as the limits do: in UTF-16 units.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

func isID(s string, digitFirst bool) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case c >= '0' && c <= '9' && (i > 0 || digitFirst):
		case (c == '.' || c == '-') && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte(` .,:@&='(){}$+[]-/\`, c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func hasReservedPrefix(s string) bool {
	return len(s) >= len(reservedPrefix) && strings.EqualFold(s[:len(reservedPrefix)], reservedPrefix)
}

func hasReservedSuffix(s string) bool {
	return len(s) >= len(reservedSuffix) && strings.EqualFold(s[len(s)-len(reservedSuffix):], reservedSuffix)
}
