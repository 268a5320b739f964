package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"maestro/internal/catalog"
)

// Server is the REST API as an http.Handler.
type Server struct {
	cfg     Config
	catalog *catalog.Catalog
	log     *slog.Logger
	now     func() int64
	mux     *http.ServeMux
	boot    string // begins every request id of this process
	limits  Limits
	memory  *memory
	streams streams

	requests atomic.Uint64
	draining atomic.Bool
}

// New returns the handler of the whole API. It serves at once; there is nothing to start or stop.
func New(cfg Config) *Server {
	limits := cfg.Limits.orDefaults()
	s := &Server{
		cfg: cfg, catalog: cfg.Catalog, log: cfg.Log, now: cfg.Now, mux: http.NewServeMux(),
		limits: limits, memory: newMemory(limits.Memory), streams: streams{most: limits.Streams},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = func() int64 { return time.Now().UnixMilli() }
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	s.boot = hex.EncodeToString(b[:])
	s.routes()
	return s
}

// Drain makes the readiness check fail and closes connections after their present request, so that a load balancer
// turns elsewhere before the listener is shut down. Requests are still answered. It cannot be undone.
func (s *Server) Drain() { s.draining.Store(true) }

// ServeHTTP answers one request: it gives it an id, keeps a panic from ending the process, and logs one line.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	id := s.requestID(r)
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	if s.draining.Load() {
		h.Set("Connection", "close")
	}
	rec := s.exchange(w, r)
	r.Body = rec.body
	defer rec.end()
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.log.Error("handler panicked", "request_id", id, "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			if rec.status == 0 {
				s.writeError(rec, r, errPanicked)
			} else {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
		}
		if s.log.Enabled(r.Context(), slog.LevelDebug) {
			s.log.Debug("request", "request_id", id, "method", r.Method, "path", r.URL.Path, "status", rec.status,
				"bytes", rec.bytes, "micros", time.Since(began).Microseconds())
		}
	}()
	s.mux.ServeHTTP(rec, r)
}

// requestID returns the id that the client or a proxy gave the request, or a new one.
func (s *Server) requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); plainID(id) {
		return id
	}
	return s.boot + "-" + strconv.FormatUint(s.requests.Add(1), 10)
}

// plainID reports whether id can go into headers and logs as it is.
func plainID(id string) bool {
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return id != "" && len(id) <= 128
}
