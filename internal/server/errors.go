package server

import (
	"context"
	"errors"
	"net/http"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/store"
	"maestro/param"
)

var errPanicked = errors.New("handler panicked")

// writeError answers a request with an error (spec/api 2). What is not the client's business is logged, not shown: the
// client gets the request id to ask with.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := refusal(err)
	if e == nil { // unknown errors are ours
		id := w.Header().Get("X-Request-Id")
		if !errors.Is(err, errPanicked) { // logged already, with its stack
			s.log.Error("request failed", "request_id", id, "method", r.Method, "path", r.URL.Path, "err", err)
		}
		e = api.Errorf(api.InternalError, "the server could not do this; its log says why under request id %s", id)
	}
	h := w.Header()
	if e.Code == api.TooManyRequests || e.Code == api.Unavailable {
		h.Set("Retry-After", "1")
	}
	if cerr := reply(w, e.Code.Status(), appendError(nil, e)); cerr != nil {
		s.log.Debug("client is gone", "request_id", h.Get("X-Request-Id"), "err", cerr)
	}
}

// refusal says what a client may know about an error, or nil when that is nothing.
func refusal(err error) *api.Error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		return e
	}
	if c, ok := errors.AsType[api.Code](err); ok {
		return &api.Error{Code: c, Message: err.Error()}
	}
	if e, ok := errors.AsType[*doc.InvalidError](err); ok {
		return catalog.Invalid(e)
	}
	if errors.Is(err, store.ErrUnavailable) {
		return unavailable(err)
	}
	if e, ok := errors.AsType[doc.Problem](err); ok { // from a parser
		return catalog.Malformed(&doc.InvalidError{Problems: []doc.Problem{e}})
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return api.Errorf(api.NotFound, "%v", err)
	case errors.Is(err, store.ErrExists):
		return api.Errorf(api.Conflict, "%v", err)
	case errors.Is(err, store.ErrStale):
		return api.Errorf(api.Conflict, "somebody else changed this at the same time; try again")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return api.Errorf(api.RequestTimeout, "the request ended before it was answered; whether it had an effect is unknown")
	}
	if e, ok := errors.AsType[*param.Error](err); ok && e.Kind != param.Internal {
		code := api.BadRequest
		if e.Kind.Status() == http.StatusUnprocessableEntity {
			code = api.UnprocessableEntity
		}
		return &api.Error{Code: code, Message: e.Error(), Errors: []string{e.Detail()}}
	}
	return nil
}

// unavailable says why the server cannot do its work at present, and what became of the request.
func unavailable(err error) *api.Error {
	reason := "the server cannot use its store at present"
	if u, ok := errors.AsType[*store.Unavailable](err); ok {
		reason = u.Reason
	}
	if store.Unwritten(err) {
		return api.Errorf(api.Unavailable, "%s; nothing was changed, try again later", reason)
	}
	return api.Errorf(api.Unavailable, "%s; if the request was to change something, look whether it has before you try again", reason)
}

// appendError appends the body of an error (spec/api 2.1).
func appendError(dst []byte, e *api.Error) []byte {
	o := doc.Open(dst)
	o.Text("status", string(e.Code))
	o.TextIf("message", e.Message)
	if len(e.Errors) > 0 {
		o.Key("errors")
		o.Out = doc.AppendTexts(o.Out, e.Errors)
	}
	return o.Close()
}
