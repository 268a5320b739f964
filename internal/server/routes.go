package server

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"maestro/api"
)

// HandlerFunc answers a request, or returns why it cannot before it has written anything.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// routes registers all areas of the API. Patterns are those of net/http: a more specific one wins, GET answers HEAD.
func (s *Server) routes() {
	s.healthRoutes()
	s.definitionRoutes()
	s.propertyRoutes()
	s.templateRoutes()
	s.overviewRoutes()
	if s.cfg.Register != nil {
		s.cfg.Register(s.handle)
	}
	s.mux.HandleFunc("/", s.noRoute)
}

// handle registers h for a pattern such as "GET /api/v3/workflows/{id}/overview". Path values reach h decoded: an id may
// hold an escaped slash. What is to change something is refused while the server is not ready, before it has begun.
func (s *Server) handle(pattern string, h HandlerFunc) {
	if strings.HasPrefix(pattern, http.MethodGet+" ") {
		s.handleAlways(pattern, h)
		return
	}
	s.handleAlways(pattern, func(w http.ResponseWriter, r *http.Request) error {
		if err := s.ready(r); err != nil {
			return api.Errorf(api.Unavailable, "%s; nothing was changed, try again later", notReady(err))
		}
		return h(w, r)
	})
}

// handleAlways is handle for what changes nothing.
func (s *Server) handleAlways(pattern string, h HandlerFunc) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if _, gone := errors.AsType[*goneError](err); gone {
			s.log.Debug("client is gone", "request_id", w.Header().Get("X-Request-Id"), "err", err)
		} else if err != nil {
			s.writeError(w, r, err)
		}
	})
}

// methods are those that the API knows, for the Allow header.
var methods = [...]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete}

// noRoute answers what no pattern matches: 405 where another method would do, else 404, with the body of every other
// error (spec/api 2.2, last rows). OPTIONS tells which methods there are.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.pointer(w)
		return
	}
	allowed := s.allowed(r)
	if len(allowed) == 0 {
		s.writeError(w, r, api.Errorf(api.NotFound, "there is nothing at %s%s", r.URL.Path, s.pathHint(r)))
		return
	}
	w.Header().Set("Allow", strings.Join(append(allowed, http.MethodOptions), ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	s.writeError(w, r, api.Errorf(api.MethodNotAllowed, "%s takes %s, not %s", r.URL.Path, strings.Join(allowed, ", "), r.Method))
}

// allowed returns the methods that the path of r has a route for.
func (s *Server) allowed(r *http.Request) []string {
	probe := &http.Request{Host: r.Host, URL: r.URL}
	var allowed []string
	for _, m := range methods {
		probe.Method = m
		if _, pattern := s.mux.Handler(probe); pattern != "/" && pattern != "" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

// pathHint says what is likely wrong with a path that nothing answers.
func (s *Server) pathHint(r *http.Request) string {
	path := r.URL.Path
	if trimmed := strings.TrimRight(path, "/"); trimmed != path && trimmed != "" {
		u := *r.URL
		u.Path, u.RawPath = trimmed, ""
		if slices.Contains(s.allowed(&http.Request{Host: r.Host, URL: &u}), r.Method) {
			return "; leave out the slash at the end"
		}
	}
	if !strings.HasPrefix(path, "/api/v3/") {
		return "; the API is below /api/v3"
	}
	return ""
}

// pointer tells somebody who opened the server in a browser where to go.
func (s *Server) pointer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("This is a Maestro server. Its API is below /api/v3, its health at /api/v3/health.\n"))
}
