package server

import (
	"net"
	"net/http"
	"sync"

	"maestro/api"
)

// streams counts the answers that do not end by themselves, by client.
type streams struct {
	most int

	mu       sync.Mutex
	byClient map[string]int
}

// openLong counts a stream of the client that sent r. close must be called when it has ended.
func openLong(w http.ResponseWriter, r *http.Request) (closed func(), err error) {
	s := &w.(*exchange).server.streams
	client := clientOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byClient[client] >= s.most {
		return nil, api.Errorf(api.TooManyRequests, "this client has %d streams open, which is the limit (limits.streams)", s.most)
	}
	if s.byClient == nil {
		s.byClient = make(map[string]int)
	}
	s.byClient[client]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.byClient[client]--; s.byClient[client] == 0 {
			delete(s.byClient, client)
		}
	}, nil
}

// clientOf returns what tells the sender of a request from others: its address.
func clientOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}
