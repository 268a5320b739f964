package httpstep

import (
	"net/http"
	"time"
)

const (
	keepIdle    = 30 * time.Second // a connection, for the next request
	idlePerHost = 64
)

// newTransport returns the way out of all requests. Its connections lead only where the allow-list says.
//
// It asks for no compression by itself: what is sent is what the step says.
func (rt *Runtime) newTransport() *http.Transport {
	idle := max(2, min(rt.cfg.MaxInFlight, 256))
	return &http.Transport{
		DialContext:            rt.dial,
		TLSClientConfig:        rt.cfg.TLS,
		TLSHandshakeTimeout:    rt.cfg.Timeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    min(idle, idlePerHost),
		IdleConnTimeout:        keepIdle,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         512,
		WriteBufferSize:        512,
	}
}
