package server

import (
	"cmp"
	"log"
	"net"
	"net/http"
	"time"
)

// Limits bounds what clients can cost a server. A zero field means its default.
type Limits struct {
	Connections int           // open at a time; default 2048
	HeaderBytes int           // of one request; default 64 KiB
	Memory      int64         // for request bodies and what is made of them; default 128 MiB
	Wait        time.Duration // how long a request waits for its part of Memory; default 20 s
	Stall       time.Duration // how long a client may take for as many bytes as MinRate asks for; default 15 s
	MinRate     int64         // bytes a second of request bodies, and of answers that clients read; default 4 KiB
	Streams     int           // event streams and followed logs of one client; default 256
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Connections: cmp.Or(l.Connections, 2048),
		HeaderBytes: cmp.Or(l.HeaderBytes, 64<<10),
		Memory:      cmp.Or(l.Memory, 128<<20),
		Wait:        cmp.Or(l.Wait, 20*time.Second),
		Stall:       cmp.Or(l.Stall, 15*time.Second),
		MinRate:     cmp.Or(l.MinRate, 4<<10),
		Streams:     cmp.Or(l.Streams, 256),
	}
}

const (
	headerTime = 10 * time.Second // for the header of a request
	idleTime   = 2 * time.Minute  // between two requests of a connection
)

// HTTP returns the http.Server that serves s within its limits, and the listener to give it in place of l.
func (s *Server) HTTP(l net.Listener, errorLog *log.Logger) (*http.Server, net.Listener) {
	d := newDoor(l, s.limits.Connections)
	return &http.Server{
		Handler:           d.guard(s),
		ReadHeaderTimeout: min(headerTime, s.limits.Stall),
		IdleTimeout:       idleTime,
		WriteTimeout:      s.limits.Stall, // until the handler writes, see pace
		MaxHeaderBytes:    s.limits.HeaderBytes,
		ConnContext:       d.connContext,
		ConnState:         d.connState,
		ErrorLog:          errorLog,
	}, d
}
