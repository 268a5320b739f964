package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"maestro/internal/config"
	"maestro/internal/server"
)

// serving is what answers clients: the API, and what helps to look into the process.
type serving struct {
	api    *http.Server
	debug  *http.Server // nil: none
	failed chan error   // gets why the API is not served any more
	work   *group       // the goroutines that accept connections
}

// Serve lets clients in that connect to l, and serves profiles where debug.listen says. It returns at once. The channel
// gets an error if l fails. The node closes l, also after an error.
func (n *Node) Serve(l net.Listener) (failed <-chan error, err error) {
	s := &serving{failed: make(chan error, 1), work: newGroup()}
	if n.cfg.DebugListen != "" {
		if err := s.profiles(n.cfg.DebugListen); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	h, limited := n.server.HTTP(l, slog.NewLogLogger(n.log.Handler(), slog.LevelDebug))
	h.Handler = n.counted(h.Handler)
	s.api = h
	s.work.run(func() {
		if err := h.Serve(limited); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
	n.serving = s
	return s.failed, nil
}

// ServeHTTP answers one request.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) { n.counted(n.server).ServeHTTP(w, r) }

// counted makes Stop wait for the requests that h answers.
func (n *Node) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !n.requests.enter() { // the connection is about to be closed
			w.Header().Set("Connection", "close")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"status":"SERVICE_UNAVAILABLE","message":"the server is stopping"}`)
			return
		}
		defer n.requests.leave()
		h.ServeHTTP(w, r)
	})
}

// stopServing lets requests that are under way finish, and cuts off those that take too long.
func (n *Node) stopServing() error {
	within := n.cfg.Engine.ShutdownTimeout * 4 / 5 // the rest is for those that are cut off
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if s := n.serving; s != nil {
		n.server.Drain()
		if err := s.api.Shutdown(ctx); err != nil { // a client that does not go on sending or reading must not fail the stop
			n.log.Warn("requests were cut off", "after", within)
			_ = s.api.Close()
		}
		if s.debug != nil {
			_ = s.debug.Close()
		}
		s.work.end(context.Background()) // their listeners are closed
	}
	last, cancel := context.WithTimeout(context.Background(), n.cfg.Engine.ShutdownTimeout-within)
	defer cancel()
	if !n.requests.end(last) {
		return errors.New("stop: requests go on although their connections are closed")
	}
	return nil
}

// profiles serves what net/http/pprof gives.
func (s *serving) profiles(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on debug.listen %s: %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	s.debug = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	s.work.run(func() { _ = s.debug.Serve(l) })
	return nil
}

// outputURL is where jobs send output data: as set, or on this machine.
func outputURL(cfg *config.Config, addr net.Addr) string {
	const path = "/api/v3/output-data"
	if cfg.OutputData.URL != "" {
		return strings.TrimRight(cfg.OutputData.URL, "/") + path
	}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port)) + path
}

func limits(c config.Limits) server.Limits {
	return server.Limits{
		Connections: c.Connections, HeaderBytes: int(c.HeaderBytes), Memory: c.Memory, Wait: c.Wait,
		Stall: c.Stall, MinRate: c.MinRate, Streams: c.Streams,
	}
}
