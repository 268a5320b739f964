package server

import (
	"net/http"

	"maestro/internal/doc"
)

// healthRoutes are for operators, load balancers and the kubelet: whether the process lives, and whether it should get
// requests (spec/api 13, 16.5).
func (s *Server) healthRoutes() {
	s.handle("GET /api/v3/health", s.health)
	s.handle("GET /actuator/health", s.health) // where the reference has it
	s.handle("GET /readyz", s.readyz)
	s.handle("GET /healthz", func(w http.ResponseWriter, _ *http.Request) error {
		return plain(w, http.StatusOK, "ok\n")
	})
}

// isHealth reports whether a path is one of a health check: it is answered when nothing else is.
func isHealth(path string) bool {
	switch path {
	case "/api/v3/health", "/actuator/health", "/readyz", "/healthz":
		return true
	}
	return false
}

// health answers {"status":"UP"}, or 503 and DOWN with the reason.
func (s *Server) health(w http.ResponseWriter, r *http.Request) error {
	status, word, why := http.StatusOK, "UP", ""
	if err := s.ready(r); err != nil {
		status, word, why = http.StatusServiceUnavailable, "DOWN", err.Error()
	}
	return respond(w, status, func(dst []byte) []byte {
		dst = append(append(append(dst, `{"status":"`...), word...), '"')
		for _, f := range [...]struct{ name, text string }{{"reason", why}, {"version", s.cfg.Version}} {
			if f.text != "" {
				dst = append(append(append(dst, `,"`...), f.name...), `":`...)
				dst = doc.AppendString(dst, f.text)
			}
		}
		return append(dst, '}')
	})
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	switch {
	case s.draining.Load():
		return plain(w, http.StatusServiceUnavailable, "draining\n")
	case s.ready(r) != nil:
		return plain(w, http.StatusServiceUnavailable, s.ready(r).Error()+"\n")
	}
	return plain(w, http.StatusOK, "ok\n")
}

func (s *Server) ready(r *http.Request) error {
	if s.cfg.Ready == nil {
		return nil
	}
	return s.cfg.Ready(r.Context())
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write([]byte(text))
	return err
}
