package httpstep

import (
	"net/http"
	"time"
)

// sender is the way out of all requests: wire for plain and small ones, package net/http for the rest.
type sender struct {
	wire      *wire
	transport *http.Transport
}

const (
	keepIdle    = 30 * time.Second // a connection, for the next request
	idlePerHost = 64
)

// newSender returns a sender whose connections lead only where the allow-list says.
func (rt *Runtime) newSender() *sender {
	idle := max(2, min(rt.cfg.MaxInFlight, 256))
	return &sender{newWire(rt, idle), &http.Transport{
		DialContext:            rt.dial,
		TLSClientConfig:        rt.cfg.TLS,
		TLSHandshakeTimeout:    rt.cfg.Timeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // bytes are what they are, also for the limit
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    min(idle, idlePerHost),
		IdleConnTimeout:        keepIdle,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         2 << 10,
		WriteBufferSize:        2 << 10,
	}}
}

// RoundTrip implements http.RoundTripper.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.wire.takes(req.URL, req.ContentLength) {
		return s.wire.RoundTrip(req)
	}
	return s.transport.RoundTrip(req)
}

// CloseIdleConnections closes the connections that wait for the next request.
func (s *sender) CloseIdleConnections() {
	s.wire.CloseIdleConnections()
	s.transport.CloseIdleConnections()
}
