package server

import (
	"context"
	"net/http"
	"strconv"
	"sync"
)

// buffers keeps what answers were built in.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// keepBuffer is the size up to which a buffer is kept for the next answer.
const keepBuffer = 256 << 10

// respond answers with the JSON that build appends. Nothing is written before build returns, so an answer is whole or
// it is an error.
func respond(w http.ResponseWriter, status int, build func(dst []byte) []byte) error {
	b := buffers.Get().(*[]byte)
	out := build((*b)[:0])
	err := reply(w, status, out)
	if cap(out) <= keepBuffer {
		*b = out
		buffers.Put(b)
	}
	return err
}

// reply answers with body, which is JSON, or the bare text that three endpoints give under that content type
// (spec/api 1). A nil body is an empty one.
func reply(w http.ResponseWriter, status int, body []byte) error {
	if x, ok := w.(*exchange); ok && len(body) > smallAnswer {
		if err := x.hold(context.Background(), int64(len(body))); err != nil { // bounded in time
			return err
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return &goneError{err}
	}
	return nil
}

// goneError says that the client did not take its answer. There is nobody to tell.
type goneError struct{ err error }

func (e *goneError) Error() string { return "write response: " + e.err.Error() }
func (e *goneError) Unwrap() error { return e.err }
