package server

import (
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// door is a listener that bounds how many connections are open, and how many requests are under way.
//
// A connection beyond the bound takes the place of the one that has waited longest for its next request: a client that
// opens connections and sends nothing, or sends a header byte by byte, loses them and keeps nobody out. There are a few
// more places than requests that may be under way. A request in one of those gets its answer if it is a health check,
// else 503 at once, so that a place is soon free again. Where none is, a connection gets that 503 unread.
type door struct {
	net.Listener
	limit int // of requests under way

	mu      sync.Mutex
	open    int               // connections, at most limit + spare
	waiting *list.List        // of *visitor: those without a request under way, longest first
	turned  map[net.Conn]bool // connections that are being told 503
	closed  bool
	telling sync.WaitGroup // goroutines that tell them; Close waits for them
}

const (
	spare     = 32 // connections more than requests
	turnedMax = 64 // connections that are told 503 at a time; further ones are just closed
	turnTime  = time.Second
)

func newDoor(l net.Listener, limit int) *door {
	return &door{Listener: l, limit: limit, waiting: list.New(), turned: make(map[net.Conn]bool)}
}

// visitor is one connection.
type visitor struct {
	net.Conn
	door  *door
	place *list.Element // in door.waiting; nil while a request is under way
	gone  bool
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if v := d.admit(c); v != nil {
			return v, nil
		}
	}
}

// Close implements net.Listener. Who is being told 503 is cut off; nothing of the door is left but its connections.
func (d *door) Close() error {
	err := d.Listener.Close()
	d.mu.Lock()
	d.closed = true
	for c := range d.turned {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.telling.Wait()
	return err
}

// admit lets a connection in, or turns it away and returns nil.
func (d *door) admit(c net.Conn) *visitor {
	v := &visitor{Conn: c, door: d}
	d.mu.Lock()
	if d.open >= d.limit+spare {
		first := d.waiting.Front()
		if first == nil {
			told := len(d.turned) < turnedMax && !d.closed
			if told {
				d.turned[c] = true
				d.telling.Go(func() { d.turnAway(c) })
			}
			d.mu.Unlock()
			if !told {
				_ = c.Close()
			}
			return nil
		}
		evicted := first.Value.(*visitor)
		d.leaveLocked(evicted)
		defer evicted.Conn.Close()
	}
	d.open++
	v.place = d.waiting.PushBack(v)
	d.mu.Unlock()
	return v
}

// leaveLocked counts a connection as closed.
func (d *door) leaveLocked(v *visitor) {
	if v.gone {
		return
	}
	v.gone = true
	d.open--
	if v.place != nil {
		d.waiting.Remove(v.place)
		v.place = nil
	}
}

// turnAway says that there is no room. The request is not read, but for what would make the client lose the answer.
func (d *door) turnAway(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(turnTime))
	_, err := io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\n"+
		"Content-Length: "+itoa(int64(len(noRoom)))+"\r\n\r\n"+noRoom)
	if half, ok := c.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, c, 64<<10)
	}
	_ = c.Close()
	d.mu.Lock()
	delete(d.turned, c)
	d.mu.Unlock()
}

const noRoom = `{"status":"SERVICE_UNAVAILABLE","message":"the server has as many connections as it may (limits.connections); try again"}`

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.door.mu.Lock()
	v.door.leaveLocked(v)
	v.door.mu.Unlock()
	return v.Conn.Close()
}

// CloseWrite lets net/http close half of the connection, so that the client can read the last answer.
func (v *visitor) CloseWrite() error {
	if half, ok := v.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

type visitorKey struct{}

// connContext is http.Server.ConnContext.
func (d *door) connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, visitorKey{}, c)
}

// guard wraps the handler that answers requests of the door's connections.
func (d *door) guard(s *Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, _ := r.Context().Value(visitorKey{}).(*visitor)
		if v == nil {
			s.ServeHTTP(w, r)
			return
		}
		if full := d.busy(v); full {
			w.Header().Set("Connection", "close")
			if !isHealth(r.URL.Path) {
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(turnTime / 10)) // for what is left of the body
				w.Header().Set("Retry-After", "1")
				_ = reply(w, http.StatusServiceUnavailable, []byte(noRoom))
				return
			}
		}
		s.ServeHTTP(w, r)
	})
}

// connState is http.Server.ConnState. A connection is idle only after its answer was sent.
func (d *door) connState(c net.Conn, state http.ConnState) {
	if v, ok := c.(*visitor); ok && state == http.StateIdle {
		d.idle(v)
	}
}

// busy takes a connection off the list of those that can be closed. It reports whether more requests are under way than
// may be.
func (d *door) busy(v *visitor) (full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.place != nil {
		d.waiting.Remove(v.place)
		v.place = nil
	}
	return d.open-d.waiting.Len() > d.limit
}

// idle puts it back.
func (d *door) idle(v *visitor) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !v.gone && v.place == nil {
		v.place = d.waiting.PushBack(v)
	}
}
