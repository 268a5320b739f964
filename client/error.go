package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"maestro/api"
)

// Code names of the errors a server answers with, to compare with Error.Status.
const (
	BadRequest          = string(api.BadRequest)          // the request is not valid, or not in this state
	Unauthorized        = string(api.Unauthorized)        // output data needs the token of its attempt
	Forbidden           = string(api.Forbidden)           // and it is not this one
	NotFound            = string(api.NotFound)            // no such workflow, version, run, step or attempt
	RequestTimeout      = string(api.RequestTimeout)      // an action was accepted but not seen to complete in time
	Conflict            = string(api.Conflict)            // another action is under way, or the signal is a duplicate
	PreconditionFailed  = string(api.PreconditionFailed)  // existing runs forbid the new run strategy
	UnprocessableEntity = string(api.UnprocessableEntity) // the trigger type is disabled, or the workflow is an inline one
	TooManyRequests     = string(api.TooManyRequests)     // the server's queue is full; try again later
	InternalError       = string(api.InternalError)       // the server's fault
)

// Error is a server's refusal.
type Error struct {
	Status  string   `json:"status"`  // code name, such as NOT_FOUND
	Message string   `json:"message"` // one sentence
	Errors  []string `json:"errors"`  // details, for example one line per invalid field

	HTTP int             `json:"-"` // status code of the response
	JSON json.RawMessage `json:"-"` // the body as it came, nil when it was not JSON
}

// Error returns the code name and the message in one line; the details are left to the caller.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Status
	}
	return e.Status + ": " + e.Message
}

// UnreachableError says that no server answered.
type UnreachableError struct {
	URL string
	Err error // why, as the network said it
}

// Error returns what was tried and why it did not work.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("cannot reach the server at %s: %v", e.URL, e.Err)
}

// Unwrap returns the reason.
func (e *UnreachableError) Unwrap() error { return e.Err }

// responseError reads an error response. Proxies and other servers answer with texts of their own; these become the
// message, so that it is never lost.
func responseError(resp *http.Response, text []byte) error {
	e := &Error{HTTP: resp.StatusCode}
	if json.Unmarshal(text, e) == nil && e.Status != "" {
		e.JSON = text
		return e
	}
	*e = Error{HTTP: resp.StatusCode, Status: codeName(resp.StatusCode), Message: problemText(text)}
	if e.Message == "" {
		e.Message = fmt.Sprintf("the server answered %d without saying why", resp.StatusCode)
	}
	return e
}

// problemText finds the sentence in a body that is not in the server's own form: the detail of an RFC 7807 problem, or
// the beginning of whatever it is.
func problemText(text []byte) string {
	var problem struct{ Title, Detail, Error, Message string }
	_ = json.Unmarshal(text, &problem) // best effort: fields of another type stay empty
	for _, s := range []string{problem.Detail, problem.Message, problem.Title, problem.Error} {
		if s != "" {
			return s
		}
	}
	s, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

// codeName turns an HTTP status into the name that this API has for it.
func codeName(status int) string {
	if status == http.StatusInternalServerError {
		return InternalError
	}
	name := http.StatusText(status)
	if name == "" {
		return fmt.Sprintf("HTTP_%d", status)
	}
	return strings.ToUpper(strings.NewReplacer(" ", "_", "-", "_", "'", "").Replace(name))
}
