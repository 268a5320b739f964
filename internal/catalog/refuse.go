package catalog

import (
	"fmt"

	"maestro/api"
	"maestro/internal/doc"
)

// maxListed is how many problems an answer lists. A document can have one for every byte.
const maxListed = 50

// Malformed says that a body could not be read: not JSON, an unknown field, a value of the wrong type (spec/api 2.2).
func Malformed(e *doc.InvalidError) *api.Error {
	errs := list(e)
	return &api.Error{Code: api.BadRequest, Message: "JSON parse error: " + first(errs), Errors: errs}
}

// Invalid says that a body was read and breaks rules.
func Invalid(e *doc.InvalidError) *api.Error {
	errs := list(e)
	return &api.Error{Code: api.BadRequest, Message: "Validation failure: " + first(errs), Errors: errs}
}

func list(e *doc.InvalidError) []string {
	var errs []string
	more := 0
	for _, p := range e.Problems {
		switch {
		case p.Severity != doc.Error:
		case len(errs) == maxListed:
			more++
		default:
			errs = append(errs, p.Error())
		}
	}
	if more > 0 {
		errs = append(errs, fmt.Sprintf("and %d more", more))
	}
	return errs
}

// first sums the problems up in one sentence.
func first(errs []string) string {
	switch len(errs) {
	case 0:
		return "unknown"
	case 1:
		return errs[0]
	case 2:
		return errs[0] + "; and one more problem"
	}
	return fmt.Sprintf("%s; and %d more problems", errs[0], len(errs)-1)
}
