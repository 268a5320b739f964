package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// service is what HTTP steps call. It writes down what it was asked and what it has done.
type service struct {
	*httptest.Server
	o *outside

	longest atomic.Int64 // body that was sent, of those without end

	mu   sync.Mutex
	keys map[string]map[string]bool // by attempt: the idempotency keys of its requests
	did  map[string]bool            // by uuid of the attempt
}

func newService(o *outside) *service {
	s := &service{o: o, keys: map[string]map[string]bool{}, did: map[string]bool{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of answers that break off
	s.Start()
	o.t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	who, uuid := r.Header.Get("X-Attempt"), r.Header.Get("X-Uuid")
	key := r.Header.Get("Idempotency-Key")
	s.mu.Lock()
	if s.keys[who] == nil {
		s.keys[who] = map[string]bool{}
	}
	s.keys[who][key] = true
	s.mu.Unlock()
	if do, ok := befalls(s.o, s.o.draw("call "+who), serviceMishaps); ok {
		do(s, w, r)
		return
	}
	s.obey(uuid)
	io.WriteString(w, answerOf(uuid))
}

// answerOf is what an attempt is answered when its work is done.
func answerOf(uuid string) string { return fmt.Sprintf(`{"proof":%q}`, uuid) }

// obey does what a request asks for.
func (s *service) obey(uuid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.did[uuid] = true
}

var serviceMishaps = []mishap[func(*service, http.ResponseWriter, *http.Request)]{
	{"http-late", 80, func(s *service, w http.ResponseWriter, r *http.Request) {
		time.Sleep(between(s.o.draw("late"), 200, 1500))
		s.obey(r.Header.Get("X-Uuid"))
		io.WriteString(w, answerOf(r.Header.Get("X-Uuid")))
	}},
	{"http-hangs", 40, func(_ *service, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	{"http-closed", 60, func(*service, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
	{"http-done-closed", 60, func(s *service, _ http.ResponseWriter, r *http.Request) {
		s.obey(r.Header.Get("X-Uuid"))
		panic(http.ErrAbortHandler)
	}},
	{"http-done-strikes", 20, func(s *service, _ http.ResponseWriter, r *http.Request) {
		s.obey(r.Header.Get("X-Uuid"))
		s.o.strike()
		panic(http.ErrAbortHandler)
	}},
	{"http-answers-strikes", 20, func(s *service, w http.ResponseWriter, r *http.Request) {
		s.obey(r.Header.Get("X-Uuid"))
		io.WriteString(w, answerOf(r.Header.Get("X-Uuid")))
		time.AfterFunc(time.Duration(s.o.draw("strike").IntN(5000))*time.Microsecond, s.o.strike)
	}},
	{"http-cut", 30, func(_ *service, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "not all")
		panic(http.ErrAbortHandler)
	}},
	{"http-garbage", 40, func(_ *service, w http.ResponseWriter, _ *http.Request) { raw(w, "\x16\x03\x01 what?\r\n\r\n\x00\xff") }},
	{"http-endless", 60, func(s *service, w http.ResponseWriter, _ *http.Request) {
		s.longest.Store(max(s.longest.Load(), endless(w)))
	}},
	{"http-endless-headers", 20, func(_ *service, w http.ResponseWriter, _ *http.Request) {
		raw(w, "HTTP/1.1 200 OK\r\n", "X-More: and more and more and more\r\n")
	}},
	{"http-drips", 30, func(_ *service, w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, ".")
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}},
	{"http-202", 30, says(http.StatusAccepted)},
	{"http-409", 20, says(http.StatusConflict)},
	{"http-410", 10, says(http.StatusGone)},
	{"http-429", 50, says(http.StatusTooManyRequests)},
	{"http-500", 60, says(http.StatusInternalServerError)},
}

// says answers with a status, and that it may be tried again in a second.
func says(code int) func(*service, http.ResponseWriter, *http.Request) {
	return func(_ *service, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(code)
	}
}

// endless sends 10 GB, as long as somebody takes them, and returns how much that was.
func endless(w io.Writer) (sent int64) {
	piece := make([]byte, 32<<10)
	for i := range piece {
		piece[i] = "all work and no play makes jack \n"[i%33]
	}
	for sent < 10<<30 {
		n, err := w.Write(piece)
		if sent += int64(n); err != nil {
			break
		}
	}
	return sent
}

// raw sends bytes that are not HTTP, the last ones again and again as long as somebody takes them, and hangs up.
func raw(w http.ResponseWriter, texts ...string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	for _, text := range texts {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
	}
	for len(texts) > 1 {
		if _, err := io.WriteString(conn, texts[len(texts)-1]); err != nil {
			return
		}
	}
}
