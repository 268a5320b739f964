package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is what the API server answered instead of doing what it was asked.
type Error struct {
	Method, URL string
	Code        int    // HTTP status; in a watch, the one inside of the event
	Reason      string // such as AlreadyExists; may be empty
	Message     string
	After       time.Duration // the server wants to be left alone for so long; 0: it did not say
}

func (e *Error) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = http.StatusText(e.Code)
	}
	return fmt.Sprintf("%s %s: %d %s: %s", e.Method, e.URL, e.Code, reason, e.Message)
}

// Code returns the HTTP status that the server refused with, or 0 if it did not answer.
func Code(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// NotFound reports whether the server says that there is no such thing.
func NotFound(err error) bool { return Code(err) == http.StatusNotFound }

// AlreadyExists reports whether something else has the name.
func AlreadyExists(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == http.StatusConflict && (e.Reason == "AlreadyExists" || e.Reason == "")
}

// Expired reports whether the history that a watch wanted to go on from is gone, so that one must list again.
func Expired(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == http.StatusGone || e.Reason == "Expired")
}

// Temporary reports whether the same request may succeed later: the server was busy, broken or not to be reached, or
// its answer was cut off.
func Temporary(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	switch code := Code(err); {
	case code == 0:
		return true
	case code == http.StatusConflict:
		return !AlreadyExists(err)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusUnauthorized:
		return true
	default:
		return code >= 500 && code != http.StatusNotImplemented
	}
}

// Unsent reports whether a request failed before the server could hear of it: there was no connection.
func Unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// RetryAfter returns how long the server asks to be left alone, or 0.
func RetryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}

// statusObject is the API's own form of an error.
type statusObject struct {
	Kind    string `json:"kind"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Code    int    `json:"code"`
	Details struct {
		RetryAfterSeconds int `json:"retryAfterSeconds"`
	} `json:"details"`
}

const (
	maxErrorBody  = 64 << 10
	maxRetryAfter = 5 * time.Minute
)

// errorOf reads the error that a response carries, whoever wrote it: the API server, or a proxy before it.
func errorOf(resp *http.Response) *Error {
	e := &Error{Method: resp.Request.Method, URL: plainURL(resp), Code: resp.StatusCode}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	var s statusObject
	if json.Unmarshal(body, &s) == nil && s.Kind == "Status" {
		e.Reason, e.Message = s.Reason, s.Message
		e.After = seconds(s.Details.RetryAfterSeconds)
	} else {
		e.Message = oneLine(string(body))
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.After = seconds(n)
	}
	return e
}

func seconds(n int) time.Duration {
	return min(max(0, time.Duration(n)*time.Second), maxRetryAfter)
}

func plainURL(resp *http.Response) string {
	u := *resp.Request.URL
	u.RawQuery = ""
	return u.Redacted()
}

// oneLine shortens what is not meant for people to what people can read.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	if s == "" {
		return "no further explanation"
	}
	return s
}
