//go:build unix

package httpstep

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// wire carries out what most steps ask for, a small request over plain HTTP/1.1. Requests and answers are written and read
// by package net/http. What differs from its Transport is the waiting, which is nearly all that most steps do: it takes no
// goroutine besides the caller's, and no buffers, which are lent out for as long as there is something in them. Sending,
// waiting and reading are apart, so that who waits can do so in a goroutine with little on its stack.
//
// Like a Transport it keeps connections for the next request, and sends a request again, on a new connection, if the old
// one turns out to be closed and doing so is harmless.
type wire struct {
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	all     int           // idle connections at most
	perHost int           // and to one host
	keep    time.Duration // how long

	mu     sync.Mutex
	idle   map[string][]*line // by address; the one used last comes last
	count  int
	reaper *time.Timer // nil: none is needed
	closed bool
}

// line is one connection.
type line struct {
	net.Conn
	raw     syscall.RawConn
	address string
	since   time.Time // when it became idle

	left  int64 // bytes that may still be read; guards against endless headers
	heard bool  // something was read since the request was sent
}

const smallRequest = 64 << 10 // bytes of a body that the buffers of the network take, so that it is not held up by the answer

var (
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 4<<10) }}
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}
)

func newWire(rt *Runtime, idle int) *wire {
	return &wire{dial: rt.dial, all: idle, perHost: min(idle, idlePerHost), keep: keepIdle}
}

// takes reports whether a request is of the simple kind. size is that of its body, negative if it is not known.
func (w *wire) takes(u *url.URL, size int64) bool {
	host := u.Hostname()
	for i := range len(host) {
		if host[i] >= 0x80 || host[i] == '%' { // a name that must be encoded first, or a zone
			return false
		}
	}
	return u.Scheme == "http" && host != "" && size >= 0 && size <= smallRequest
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	first := true
	p, err := w.send(ctx, func() (*http.Request, error) {
		if first || req.GetBody == nil {
			first = false
			return req, nil
		}
		again := *req
		var err error
		again.Body, err = req.GetBody()
		return &again, err
	})
	if err != nil {
		return nil, err
	}
	p.await()
	resp, err := p.answer()
	if err != nil {
		return nil, err
	}
	resp.Request = req
	return resp, nil
}

// pending is a request that has been sent. The request itself is not kept: it is made again if it must be sent again.
type pending struct {
	w      *wire
	l      *line
	ctx    context.Context
	make   func() (*http.Request, error) // nil: it must not arrive twice
	method string
	sent   error       // of sending
	stop   func() bool // unlinks the line from the context
}

// send sends the request that a function makes. The answer must be called for.
func (w *wire) send(ctx context.Context, make func() (*http.Request, error)) (*pending, error) {
	req, err := make()
	if err != nil {
		return nil, err
	}
	l, used, err := w.line(ctx, addressOf(req))
	if err != nil {
		return nil, err
	}
	p := &pending{w: w, l: l, ctx: ctx, method: req.Method}
	if used && replayable(req) {
		p.make = make
	}
	p.stop = context.AfterFunc(ctx, func() { _ = l.SetDeadline(time.Unix(1, 0)) })
	l.heard = false
	if p.sent = l.send(req); p.sent == nil {
		progressOf(ctx).at(awaiting)
	}
	return p, nil
}

// await returns when there is something to be read, or nothing will ever be. It holds nothing but the connection.
func (p *pending) await() {
	_ = p.l.raw.Read(func(fd uintptr) bool { return !silent(fd) })
}

// answer reads the answer up to its body, to which the line belongs from then on.
func (p *pending) answer() (*http.Response, error) {
	// Whoever refuses a request may answer and close before he has read it all: the answer says more than our error.
	resp, in, err := p.l.receive(&http.Request{Method: p.method})
	if err != nil {
		p.stop()
		p.l.Close()
		if p.sent != nil && !p.l.heard {
			err = p.sent
		}
		return p.again(err)
	}
	b := &lent{ReadCloser: resp.Body}
	b.end = func(whole bool) {
		clean := p.stop() && whole && p.sent == nil && !resp.Close && in.Buffered() == 0 && resp.StatusCode != http.StatusSwitchingProtocols
		in.Reset(nil)
		readers.Put(in)
		if clean {
			p.w.park(p.l)
		} else {
			p.l.Close()
		}
	}
	if resp.Body == http.NoBody {
		b.finish(io.EOF)
	}
	resp.Body = b
	return resp, nil
}

// again sends a request once more if an old line failed without a word, and doing so is harmless; otherwise it returns
// the error.
func (p *pending) again(err error) (*http.Response, error) {
	if p.ctx.Err() != nil {
		return nil, context.Cause(p.ctx)
	}
	if p.make == nil || p.l.heard {
		return nil, err
	}
	next, err := p.w.send(p.ctx, p.make)
	if err != nil {
		return nil, err
	}
	next.await()
	return next.answer()
}

// replayable reports whether a request may arrive twice (RFC 9110, 9.2.2).
func replayable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return req.Header.Get("Idempotency-Key") != ""
}

func (l *line) send(req *http.Request) error {
	out := writers.Get().(*bufio.Writer)
	out.Reset(l.Conn)
	err := req.Write(out)
	if err == nil {
		err = out.Flush()
	}
	out.Reset(nil)
	writers.Put(out)
	return err
}

// receive reads the head of an answer. Those that only announce the answer are passed over.
func (l *line) receive(req *http.Request) (*http.Response, *bufio.Reader, error) {
	in := readers.Get().(*bufio.Reader)
	in.Reset(l)
	l.left = maxHeaderBytes
	for {
		resp, err := http.ReadResponse(in, req)
		if err != nil {
			in.Reset(nil)
			readers.Put(in)
			return nil, nil, err
		}
		if c := resp.StatusCode; c >= 200 || c == http.StatusSwitchingProtocols {
			l.left = math.MaxInt64
			return resp, in, nil
		}
	}
}

// Read implements io.Reader, within the limit.
func (l *line) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("response headers exceeded %d bytes", maxHeaderBytes)
	}
	n, err := l.Conn.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	l.heard = l.heard || n > 0
	return n, err
}

// alive reports whether a connection that was idle can be used: it is open, and nobody has sent what was not asked for.
func (l *line) alive() bool {
	ok := false
	err := l.raw.Control(func(fd uintptr) { ok = silent(fd) })
	return err == nil && ok
}

// silent reports whether a connection is open and there is nothing to read.
func silent(fd uintptr) bool {
	var b [1]byte
	for {
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		}
	}
}

// line returns a connection to an address, and whether it was used before.
func (w *wire) line(ctx context.Context, address string) (*line, bool, error) {
	on := progressOf(ctx)
	on.at(connecting)
	l := w.unpark(address)
	used := l != nil
	if !used {
		c, err := w.dial(ctx, "tcp", address)
		if err != nil {
			return nil, false, err
		}
		sc, ok := c.(syscall.Conn)
		if !ok {
			c.Close()
			return nil, false, errors.New("no socket")
		}
		raw, err := sc.SyscallConn()
		if err != nil {
			c.Close()
			return nil, false, err
		}
		l = &line{Conn: c, raw: raw, address: address}
	}
	on.connected(l)
	return l, used, nil
}

func addressOf(req *http.Request) string {
	port := req.URL.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(strings.ToLower(req.URL.Hostname()), port)
}

// park keeps a connection for the next request.
func (w *wire) park(l *line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.idle[l.address]
	if w.closed || w.count >= w.all || len(list) >= w.perHost {
		l.Close()
		return
	}
	if w.idle == nil {
		w.idle = make(map[string][]*line)
	}
	l.since = time.Now()
	w.idle[l.address] = append(list, l)
	w.count++
	if w.reaper == nil {
		w.reaper = time.AfterFunc(w.keep, w.reap)
	}
}

// unpark returns an idle connection that is still open, nil if there is none.
func (w *wire) unpark(address string) *line {
	w.mu.Lock()
	defer w.mu.Unlock()
	for list := w.idle[address]; len(list) > 0; {
		l := list[len(list)-1]
		list[len(list)-1] = nil
		list = list[:len(list)-1]
		w.setLocked(address, list)
		w.count--
		if time.Since(l.since) < w.keep && l.alive() {
			return l
		}
		l.Close()
	}
	return nil
}

func (w *wire) setLocked(address string, list []*line) {
	if len(list) == 0 {
		delete(w.idle, address)
	} else {
		w.idle[address] = list
	}
}

// reap closes what has been idle for too long.
func (w *wire) reap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for address, list := range w.idle {
		old := 0
		for old < len(list) && time.Since(list[old].since) >= w.keep {
			list[old].Close()
			old++
		}
		w.count -= old
		w.setLocked(address, append([]*line(nil), list[old:]...))
	}
	w.reaper = nil
	if w.count > 0 {
		w.reaper = time.AfterFunc(w.keep/2, w.reap)
	}
}

// CloseIdleConnections closes what is idle, and keeps nothing from now on.
func (w *wire) CloseIdleConnections() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, list := range w.idle {
		for _, l := range list {
			l.Close()
		}
	}
	w.idle, w.count, w.closed = nil, 0, true
	if w.reaper != nil {
		w.reaper.Stop()
	}
}

// lent is the body of an answer. It gives line and buffer back when it has been read, or is closed before.
type lent struct {
	io.ReadCloser
	end func(whole bool)
	err error // not nil: it is over
}

func (b *lent) finish(err error) {
	if b.err == nil {
		b.err = err
		b.end(errors.Is(err, io.EOF))
	}
}

// Read implements io.Reader.
func (b *lent) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.finish(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *lent) Close() error {
	b.finish(http.ErrBodyReadAfterClose)
	return nil
}
