package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"maestro/api"
)

// pace is how fast a client must at least send and read: quota bytes in each window. A connection on which nobody waits
// for the client, such as an event stream without news, may be silent for as long as it likes.
type pace struct {
	window time.Duration
	quota  int64
}

func (l Limits) pace() pace {
	return pace{window: l.Stall, quota: max(1, int64(l.Stall.Seconds()*float64(l.MinRate)))}
}

// pacedBody is a request body that must keep up the pace.
type pacedBody struct {
	io.ReadCloser
	ctl *http.ResponseController
	pace

	until time.Time // when this window ends; zero: none has begun
	got   int64     // bytes in it
	done  bool
}

// Read implements io.Reader. Only time that is spent waiting for the client counts.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.done {
		return b.ReadCloser.Read(p)
	}
	if b.until.IsZero() || b.got >= b.quota {
		b.until, b.got = time.Now().Add(b.window), 0
		_ = b.ctl.SetReadDeadline(b.until) // not every connection has deadlines
	}
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		// The connection is watched from now on for the client going away, which a deadline must not look like.
		b.done = true
		_ = b.ctl.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = api.Errorf(api.RequestTimeout, "the request body came too slowly: less than %d bytes in %s (limits.stall, limits.min_rate)", b.quota, b.window)
	}
	return n, err
}

// paused says that the server did not read for a while: the window begins anew.
func (b *pacedBody) paused() { b.until = time.Time{} }

// rest gives the client time to send what is left of a body that nobody reads: net/http does, to get to the next request.
func (b *pacedBody) rest() {
	if !b.done {
		_ = b.ctl.SetReadDeadline(time.Now().Add(b.window))
	}
}

// extend gives the client another window to read quota bytes more of the answer.
func (w *exchange) extend() {
	now := time.Now()
	if now.Sub(w.extended) < w.pace.window/16 {
		return
	}
	w.extended = now
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(now.Add(w.pace.window)) // not every connection has deadlines
}

// Write implements io.Writer. What is long is written in parts, of which each has its time.
func (w *exchange) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	written := 0
	for {
		part := b[written:]
		if int64(len(part)) > w.pace.quota {
			part = part[:w.pace.quota]
		}
		w.extend()
		n, err := w.ResponseWriter.Write(part)
		written += n
		w.bytes += int64(n)
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

// FlushError sends what was written. http.ResponseController calls it.
func (w *exchange) FlushError() error {
	w.extend()
	return http.NewResponseController(w.ResponseWriter).Flush()
}
