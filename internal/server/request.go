package server

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
)

// Limits of request bodies in bytes. A push may be larger on the wire than the 256 KiB that it may have as compact JSON.
const (
	bodyLimit = 1 << 20
	pushLimit = 4 << 20 // the limit of package yamldoc

	maxDepth = 200     // nesting of a body
	maxNodes = 400_000 // values in a body that is no push, which has limits of its own
	maxUser  = 1024

	// drainLimit is how much of a refused body is thrown away so that the client can read why; the connection of a larger
	// one is closed.
	drainLimit = 16 << 20
	drainTime  = 5 * time.Second
)

// caller returns the name in the `user` header (spec/api 1). It is not authenticated. All writes need it.
func caller(r *http.Request) (string, error) {
	names := r.Header.Values("user")
	switch {
	case len(names) == 0:
		return "", api.Errorf(api.BadRequest, "the user name cannot be null: send it in a header, for example -H 'user: alice'")
	case len(names[0]) > maxUser:
		return "", api.Errorf(api.BadRequest, "the user name is longer than %d bytes", maxUser)
	}
	return names[0], nil
}

// decodeBody parses a JSON body of at most limit bytes. Parsing ends when the client goes.
func decodeBody(w http.ResponseWriter, r *http.Request, limit int64) (*doc.Node, error) {
	return decodeJSON(w, r, limit, doc.Limits{Depth: maxDepth, Nodes: maxNodes, Stop: r.Context().Err})
}

// decodePush is decodeBody for a push of a workflow or job template.
func (s *Server) decodePush(w http.ResponseWriter, r *http.Request) (*doc.Node, error) {
	return decodeJSON(w, r, pushLimit, s.catalog.Limits(r.Context()))
}

func decodeJSON(w http.ResponseWriter, r *http.Request, limit int64, limits doc.Limits) (*doc.Node, error) {
	text, err := readBody(w, r, limit, "application/json")
	if err != nil {
		return nil, err
	}
	n, err := doc.ParseJSON(text, limits)
	if err != nil {
		return nil, malformed(err)
	}
	return n, r.Context().Err() // nobody may wait for what comes next
}

// malformed says that a body cannot be read. err is what a parser or decoder returned.
func malformed(err error) error {
	if p, ok := errors.AsType[doc.Problem](err); ok {
		return catalog.Malformed(&doc.InvalidError{Problems: []doc.Problem{p}})
	}
	if e, ok := errors.AsType[*doc.InvalidError](err); ok {
		return catalog.Malformed(e)
	}
	return err
}

// readBody returns the whole body of a request, whose content type must be want. A body without content type is taken
// as what the path wants. One that says it is too large is refused before it is read. When it returns, the request has
// its share of memory for what is made of the body.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, want string) ([]byte, error) {
	if err := contentType(r, want); err != nil {
		discard(w, r)
		return nil, err
	}
	if r.ContentLength > limit {
		discard(w, r)
		return nil, tooLarge(limit)
	}
	x := w.(*exchange)
	text, err := x.readAll(r.Context(), http.MaxBytesReader(w, r.Body, limit), r.ContentLength)
	if err != nil {
		return nil, unread(w, err, limit)
	}
	if len(text) == 0 {
		return nil, api.Errorf(api.BadRequest, "JSON parse error: the request has no body, %s is expected", want)
	}
	return text, x.work(r.Context(), weigh(text, want))
}

// unread says why a body was not read to its end. The connection cannot be used for another request then.
func unread(w http.ResponseWriter, err error, limit int64) error {
	w.Header().Set("Connection", "close")
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(limit)
	}
	if _, ok := errors.AsType[*api.Error](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return api.Errorf(api.BadRequest, "the request body could not be read: %v", err)
}

func tooLarge(limit int64) error {
	return api.Errorf(api.BadRequest, "the request body is larger than the limit of %d bytes", limit)
}

// discard throws a refused body away, up to a bound, so that a client that is still sending gets to read the answer.
func discard(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > drainLimit || r.ContentLength < 0 && r.Header.Get("Expect") != "" {
		w.Header().Set("Connection", "close")
		return
	}
	until := time.Now().Add(drainTime)
	for left := int64(drainLimit); left > 0 && time.Now().Before(until); {
		n, err := io.CopyN(io.Discard, r.Body, min(left, pieceSize))
		if errors.Is(err, io.EOF) {
			return
		}
		if left -= n; err != nil {
			break
		}
	}
	w.Header().Set("Connection", "close")
}

// contentType refuses a body of another type than want, and says what to do about it (spec/api 1).
func contentType(r *http.Request, want string) error {
	given := r.Header.Get("Content-Type")
	if given == "" {
		return nil
	}
	if t, _, err := mime.ParseMediaType(given); err == nil && t == want {
		return nil
	}
	hint := ""
	if strings.HasPrefix(given, "application/x-www-form-urlencoded") {
		hint = " (that is what curl says by itself)"
	}
	return api.Errorf(api.UnsupportedMediaType, "the body must be %s, not %s%s: add -H 'Content-Type: %s'", want, given, hint, want)
}

// query parses the query of a request. What is malformed is refused: left out, it would be taken for not given.
func query(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, api.Errorf(api.BadRequest, "the query %q cannot be read: %v", r.URL.RawQuery, err)
	}
	return q, nil
}

// queryBool reads a boolean of the query: true, on, yes, 1 and their opposites, in any letter case. The Python SDK sends
// True and False.
func queryBool(q url.Values, name string, otherwise bool) (bool, error) {
	return parseBool("query parameter "+name, q.Get(name), otherwise)
}

func parseBool(what, text string, otherwise bool) (bool, error) {
	switch strings.ToLower(text) {
	case "":
		return otherwise, nil
	case "true", "on", "yes", "1":
		return true, nil
	case "false", "off", "no", "0":
		return false, nil
	}
	return false, api.Errorf(api.BadRequest, "%s must be true or false, not %q", what, clip(text))
}

// queryInt reads an integer of the query; given is false where there is none.
func queryInt(q url.Values, name string) (n int64, given bool, err error) {
	text := q.Get(name)
	if text == "" {
		return 0, false, nil
	}
	n, err = strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, false, api.Errorf(api.BadRequest, "query parameter %s must be an integer, not %q", name, clip(text))
	}
	return n, true, nil
}

// queryText reads a text of the query that must be there.
func queryText(q url.Values, name string) (string, error) {
	if !q.Has(name) {
		return "", api.Errorf(api.BadRequest, "query parameter %s is required", name)
	}
	return q.Get(name), nil
}

// pathInt reads an integer of the path.
func pathInt(r *http.Request, name, what string) (int64, error) {
	text := r.PathValue(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, api.Errorf(api.BadRequest, "%s must be a number, not %q", what, clip(text))
	}
	return n, nil
}
