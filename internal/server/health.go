package server

import (
	"errors"
	"net/http"

	"maestro/internal/doc"
	"maestro/internal/store"
)

// healthRoutes are for operators, load balancers and the kubelet: whether the process lives, and whether it should get
// requests (spec/api 13, 16.5). A process whose store is in trouble lives all the same, and goes on when the trouble is
// over, unless only a restart helps.
func (s *Server) healthRoutes() {
	s.handle("GET /api/v3/health", s.health)
	s.handle("GET /actuator/health", s.health) // where the reference has it
	s.handle("GET /readyz", s.readyz)
	s.handle("GET /healthz", s.healthz)
}

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	if u, ok := errors.AsType[*store.Unavailable](s.ready(r)); ok && u.Restart {
		return plain(w, http.StatusServiceUnavailable, u.Reason+"\n")
	}
	return plain(w, http.StatusOK, "ok\n")
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
		status, word, why = http.StatusServiceUnavailable, "DOWN", notReady(err)
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
	if s.draining.Load() {
		return plain(w, http.StatusServiceUnavailable, "draining\n")
	}
	if err := s.ready(r); err != nil {
		return plain(w, http.StatusServiceUnavailable, notReady(err)+"\n")
	}
	return plain(w, http.StatusOK, "ok\n")
}

// notReady says why the server is not ready.
func notReady(err error) string {
	if u, ok := errors.AsType[*store.Unavailable](err); ok {
		return u.Reason
	}
	return err.Error()
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
