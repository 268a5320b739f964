package api

import (
	"errors"
	"fmt"
)

// Code classifies a refusal for programs. It is the `status` of every error body (spec/api 2.2). The set is closed.
type Code string

// The codes.
const (
	BadRequest           Code = "BAD_REQUEST"            // the request can never succeed as written, or not in this state
	Unauthorized         Code = "UNAUTHORIZED"           // it takes a token, and none was sent
	Forbidden            Code = "FORBIDDEN"              // the token is not one for this
	NotFound             Code = "NOT_FOUND"              // no such workflow, version, run, step or path
	MethodNotAllowed     Code = "METHOD_NOT_ALLOWED"     // the path exists, not for this method
	NotAcceptable        Code = "NOT_ACCEPTABLE"         // the client wants a form that there is not
	RequestTimeout       Code = "REQUEST_TIMEOUT"        // a blocking action did not happen in time; it stays pending
	Conflict             Code = "CONFLICT"               // state is in the way: a duplicate, or something still under way
	PreconditionFailed   Code = "PRECONDITION_FAILED"    // the new run strategy does not fit the runs that exist
	UnsupportedMediaType Code = "UNSUPPORTED_MEDIA_TYPE" // the body is not of the type that the path takes
	UnprocessableEntity  Code = "UNPROCESSABLE_ENTITY"   // understood, but this thing cannot be had: a disabled trigger, an inline workflow
	TooManyRequests      Code = "TOO_MANY_REQUESTS"      // a queue is full; try again later
	InternalError        Code = "INTERNAL_ERROR"         // our fault; the log has more
	Unavailable          Code = "SERVICE_UNAVAILABLE"    // the server is stopping or not ready yet
)

// Status returns the HTTP status of the code.
func (c Code) Status() int {
	switch c {
	case BadRequest:
		return 400
	case Unauthorized:
		return 401
	case Forbidden:
		return 403
	case NotFound:
		return 404
	case MethodNotAllowed:
		return 405
	case NotAcceptable:
		return 406
	case RequestTimeout:
		return 408
	case Conflict:
		return 409
	case PreconditionFailed:
		return 412
	case UnsupportedMediaType:
		return 415
	case UnprocessableEntity:
		return 422
	case TooManyRequests:
		return 429
	case Unavailable:
		return 503
	case InternalError:
	}
	return 500
}

// Error returns the code: a code is an error, which errors.Is finds in every refusal that has it.
func (c Code) Error() string { return string(c) }

// Error is a refusal, ready to be shown to the client: nothing in it is secret.
type Error struct {
	Code    Code
	Message string   // one sentence
	Errors  []string // what is wrong in detail, one entry per problem; may be empty
	Cause   error    // what it comes from, for errors.Is and errors.As; clients do not see it; may be nil
}

// Errorf returns an Error with a message and no details. What %w formats is its cause.
func Errorf(c Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: c, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// Error returns the message without the code, so that it can be a part of other messages; the details are left to the
// caller.
func (e *Error) Error() string {
	switch {
	case e.Message != "":
		return e.Message
	case len(e.Errors) > 0:
		return e.Errors[0]
	}
	return string(e.Code)
}

// Is reports whether target is the code of the refusal.
func (e *Error) Is(target error) bool { return target == error(e.Code) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }
