package param

import (
	"errors"
	"fmt"
)

// Kind classifies a failure of merging or evaluating params (params 15). Its text is the name under which step
// details and dry-run answers report it: "<kind>: <message>".
type Kind uint8

// The kinds of failures.
const (
	Internal          Kind = iota // our fault or an unexpected state: 500
	Validation                    // a rule of merging, naming or limits is broken: 400
	IllegalArgument               // a value does not fit: 400
	NumberFormat                  // text is no number: 400
	InvalidExpression             // an expression does not parse, fails or has no usable result: 400
	Unprocessable                 // an attribute such as a timeout cannot be computed: 422
)

// String returns the name under which clients of the reference know the kind.
func (k Kind) String() string {
	switch k {
	case Validation:
		return "MaestroValidationException"
	case IllegalArgument:
		return "IllegalArgumentException"
	case NumberFormat:
		return "NumberFormatException"
	case InvalidExpression:
		return "MaestroInvalidExpressionException"
	case Unprocessable:
		return "MaestroUnprocessableEntityException"
	default:
		return "MaestroInternalError"
	}
}

// Status returns the HTTP status that a request gets which failed for this kind.
func (k Kind) Status() int {
	switch k {
	case Internal:
		return 500
	case Unprocessable:
		return 422
	default:
		return 400
	}
}

// Error is a failure of merging or evaluating params.
type Error struct {
	Kind      Kind
	Message   string
	Retryable bool  // worth another attempt of the step: only failures of the world are (params 15)
	Err       error // cause, may be nil
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Detail returns "<kind>: <message>", the first line of a step's failure details.
func (e *Error) Detail() string { return e.Kind.String() + ": " + e.Message }

// Errorf returns an Error of kind k.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error of kind k with cause err, as retryable as its cause.
func Wrap(k Kind, err error, format string, args ...any) *Error {
	e := &Error{Kind: k, Message: fmt.Sprintf(format, args...), Err: err}
	if cause, ok := errors.AsType[*Error](err); ok {
		e.Retryable = cause.Retryable
	}
	return e
}

// Causes returns the messages of what lies below e, outermost first: the further lines of a step's failure details.
func (e *Error) Causes() []string {
	var out []string
	for err := e.Err; err != nil; err = errors.Unwrap(err) {
		out = append(out, err.Error())
	}
	return out
}

// AsError returns err as an *Error; a foreign error becomes an internal one.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Message: err.Error(), Err: err}
}
