package sel

import (
	"errors"
	"strconv"
	"strings"
)

// Failure says why a script failed. The set is closed.
type Failure string

const (
	FailLex             Failure = "lex"              // a character, string or comment that is not the language
	FailParse           Failure = "parse"            // tokens in the wrong place, or nested too deeply
	FailNumberFormat    Failure = "number_format"    // a text that should be a number
	FailTypeMismatch    Failure = "type_mismatch"    // an operand or value of another type than its place
	FailIllegalArgument Failure = "illegal_argument" // the right type, but a value that makes no sense
	FailCallFailed      Failure = "call_failed"      // a method of a STRING or DATETIME, or of the host, failed
	FailUnsupported     Failure = "unsupported"      // no such method, field, class or operator
	FailClassCast       Failure = "class_cast"       // one specific type is required
	FailNullPointer     Failure = "null_pointer"     // a call on a null-valued object
	FailArithmetic      Failure = "arithmetic"       // LONG division by zero
	FailIndex           Failure = "index_out_of_bounds"
	FailNegativeSize    Failure = "negative_array_size"
	FailControl         Failure = "invalid_control" // the script ended in break or continue
	FailLengthLimit     Failure = "length_limit"
	FailLoopLimit       Failure = "loop_limit"
	FailArrayLimit      Failure = "array_limit"
	FailStackLimit      Failure = "stack_limit"
	FailVisitLimit      Failure = "visit_limit"
	FailMemoryLimit     Failure = "memory_limit"
	FailTimeout         Failure = "timeout"             // the meter was told to stop
	FailThrown          Failure = "thrown"              // engine: the script executed throw
	FailReturnType      Failure = "invalid_return_type" // engine: the result cannot be a parameter
	FailNotFound        Failure = "param_not_found"     // interpolation of an unknown name
)

// Error is a failure of one script, with the place in its text.
type Error struct {
	Kind    Failure
	Message string
	Line    int    // from 1; zero if the failure has no place
	Column  int    // from 1, in characters
	Source  string // the line of the script
	Cause   error  // what the host returned, if the host failed

	pos int // offset in the text plus one, until the place is known
}

// fail makes an error of which the caller, who knows the place, will complete the position.
func fail(kind Failure, parts ...string) *Error {
	return &Error{Kind: kind, Message: strings.Join(parts, "")}
}

// at sets the place unless an inner node has set it.
func (e *Error) at(pos int32) *Error {
	if e.pos == 0 {
		e.pos = int(pos) + 1
	}
	return e
}

// Error is the message with its place on one line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return e.Message + " (" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ")"
}

// Snippet is the message followed by the line of the script with a caret under the place.
//
//	STRING DO NOT support operation: 'a' - 1 (1:5)
//	 | 'a' - 1;
//	 | ....^
func (e *Error) Snippet() string {
	if e.Line == 0 {
		return e.Error()
	}
	var b strings.Builder
	b.WriteString(e.Error())
	b.WriteString("\n | ")
	b.WriteString(strings.ReplaceAll(e.Source, "\t", " "))
	b.WriteString("\n | ")
	for range e.Column - 1 {
		b.WriteByte('.')
	}
	b.WriteByte('^')
	return b.String()
}

// Unwrap gives the host's error.
func (e *Error) Unwrap() error { return e.Cause }

// locate turns the offset into line, column and source line of text.
func (e *Error) locate(text string) *Error {
	if e.pos == 0 || e.Line != 0 {
		return e
	}
	p := min(e.pos-1, len(text))
	start := strings.LastIndexByte(text[:p], '\n') + 1
	end := strings.IndexByte(text[p:], '\n')
	if end < 0 {
		end = len(text) - p
	}
	e.Line = strings.Count(text[:p], "\n") + 1
	e.Column = len([]rune(text[start:p])) + 1
	e.Source = strings.TrimRight(text[start:p+end], "\r")
	return e
}

// hostFailure wraps what a function of the environment returned. The kind of an *Error is kept.
func hostFailure(what string, err error) *Error {
	e := &Error{Kind: FailCallFailed, Message: what + ": " + err.Error(), Cause: err}
	if inner, ok := errors.AsType[*Error](err); ok {
		e.Kind = inner.Kind
	}
	return e
}
