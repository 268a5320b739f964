package server

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// limited is a server behind its door, and what it has answered with.
type limited struct {
	t    *testing.T
	addr string
	door *door
}

// serveLimited starts a server with the routes of a test. patience is how long the tests wait for what must happen.
func serveLimited(t *testing.T, l Limits, routes map[string]HandlerFunc) *limited {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Limits: l, Register: func(handle func(string, HandlerFunc)) {
		for pattern, h := range routes {
			handle(pattern, h)
		}
	}})
	h, outer := s.HTTP(inner, log.New(io.Discard, "", 0))
	served := make(chan error, 1)
	go func() { served <- h.Serve(outer) }()
	t.Cleanup(func() {
		_ = h.Close()
		<-served
	})
	return &limited{t: t, addr: inner.Addr().String(), door: outer.(*door)}
}

const patience = 30 * time.Second

// dial opens a connection and sends text.
func (l *limited) dial(text string) net.Conn {
	l.t.Helper()
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		l.t.Fatal(err)
	}
	return c
}

// status reads an answer and returns its status and body.
func status(t *testing.T, c net.Conn) (int, string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

// wantCut waits until the server has closed the connection.
func wantCut(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the connection is still open")
	}
}

// drip sends text byte by byte until that fails or the test has ended.
func drip(t *testing.T, c net.Conn, text string) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := range len(text) {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-done
	})
}

var quick = Limits{Stall: 100 * time.Millisecond, MinRate: 100 << 10} // 10 KiB in each window

func takeBody(w http.ResponseWriter, r *http.Request) error {
	if _, err := decodeBody(w, r, pushLimit); err != nil {
		return err
	}
	return reply(w, 200, nil)
}

// TestSlowBodies shows that a body that comes byte by byte is given up, whether a handler wants it or not, and that the
// sender gets to know.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	l := serveLimited(t, quick, map[string]HandlerFunc{"POST /body": takeBody})
	for _, head := range []string{
		"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
		"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n",
	} {
		c := l.dial(head)
		drip(t, c, strings.Repeat(" ", 100_000))
		if code, text := status(t, c); code != 408 || !strings.Contains(text, "too slowly") {
			t.Errorf("got %d %s", code, text)
		}
		wantCut(t, c)
	}
	for _, head := range []string{
		"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",  // not wanted
		"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", // not wanted, and an error
		"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n",
		"POST /bo", // a header that never ends
	} {
		c := l.dial(head)
		drip(t, c, strings.Repeat("x", 100_000))
		wantCut(t, c)
	}
}

// TestSteadyBody sends a body in many parts, each in its time, over more time than one part has.
func TestSteadyBody(t *testing.T) {
	t.Parallel()
	limits := Limits{Stall: 500 * time.Millisecond, MinRate: 1}
	l := serveLimited(t, limits, map[string]HandlerFunc{"POST /body": takeBody})
	const parts = 15
	c := l.dial(fmt.Sprintf("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 2+parts))
	tick := time.NewTicker(limits.Stall / 10)
	defer tick.Stop()
	began := time.Now()
	for range parts {
		<-tick.C
		_, _ = io.WriteString(c, " ")
	}
	_, _ = io.WriteString(c, "{}")
	if took := time.Since(began); took < limits.Stall {
		t.Fatalf("the body was sent within one window: %v", took)
	}
	if code, text := status(t, c); code != 200 {
		t.Errorf("got %d %s", code, text)
	}
}

// TestLongWork has a handler work for longer than a client may stall: the connection is watched, and lasts.
func TestLongWork(t *testing.T) {
	t.Parallel()
	limits := Limits{Stall: 20 * time.Millisecond}
	l := serveLimited(t, limits, map[string]HandlerFunc{"POST /work": func(w http.ResponseWriter, r *http.Request) error {
		if _, err := decodeBody(w, r, pushLimit); err != nil {
			return err
		}
		select {
		case <-time.After(10 * limits.Stall):
		case <-r.Context().Done():
			return r.Context().Err()
		}
		return reply(w, 200, []byte("done"))
	}})
	c := l.dial("")
	for range 2 {
		_, _ = io.WriteString(c, "POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		if code, text := status(t, c); code != 200 || text != "done" {
			t.Errorf("got %d %s", code, text)
		}
	}
}

// TestSlowReaders shows that a client that does not read its answer is cut off, also in the middle of a stream, and that
// one who waits for a stream with no news is not.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	news, ended := make(chan string), make(chan struct{}, 2)
	l := serveLimited(t, quick, map[string]HandlerFunc{
		"GET /large": func(w http.ResponseWriter, _ *http.Request) error {
			defer func() { ended <- struct{}{} }()
			return reply(w, 200, make([]byte, 64<<20))
		},
		"GET /stream": func(w http.ResponseWriter, r *http.Request) error {
			out, err := openStream(w, r)
			if out == nil {
				return err
			}
			defer out.close()
			for text := range news {
				out.buf = append(out.buf, text...)
				if out.flush() != nil {
					ended <- struct{}{}
					return nil
				}
			}
			return nil
		},
	})
	small := func(c net.Conn) net.Conn {
		_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
		return c
	}
	_ = small(l.dial("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"))
	wait(t, ended, "the large answer is given up")

	c := small(l.dial("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"))
	in := bufio.NewReader(c)
	hear := func(text string) {
		t.Helper()
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, text) {
				return
			}
		}
	}
	hear(": stream")
	idle := time.NewTimer(5 * quick.Stall) // no news for longer than a reader has
	<-idle.C
	news <- ": first\n\n"
	hear(": first")
	large := ": " + strings.Repeat("x", 1<<20) + "\n\n"
	for sent := 0; ; sent++ {
		select {
		case news <- large:
			if sent > 64 {
				t.Fatal("64 MiB were taken off a stream that nobody reads")
			}
			continue
		case <-ended:
		case <-time.After(patience):
			t.Fatal("the stream is not given up")
		}
		break
	}
	close(news)
}

func wait(t *testing.T, on <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-on:
	case <-time.After(patience):
		t.Fatalf("waited in vain: %s", what)
	}
}

// TestConnections fills the server with connections that send nothing, then with requests under way. Health is answered
// all the while.
func TestConnections(t *testing.T) {
	t.Parallel()
	began, release := make(chan struct{}, 100), make(chan struct{})
	l := serveLimited(t, Limits{Connections: 4}, map[string]HandlerFunc{"GET /hold": func(w http.ResponseWriter, _ *http.Request) error {
		began <- struct{}{}
		<-release
		return reply(w, 200, nil)
	}})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	const healthy, other = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	ask := func(what, request string, want int) {
		t.Helper()
		c := l.dial(request)
		if code, text := status(t, c); code != want || want == 503 && !strings.Contains(text, "limits.connections") {
			t.Errorf("%s: %d %s", what, code, text)
		}
		wantCut(t, c)
	}

	first := l.dial("")
	for i := range 2 * spare {
		_ = l.dial([]string{"", "GET /rea"}[i%2]) // nothing, and half a header
	}
	wantCut(t, first)
	ask("health among silent connections", healthy, 200)
	ask("a request among silent connections", other, 404)
	for range 4 {
		_ = l.dial("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n")
		wait(t, began, "the request is under way")
	}
	for range 2 * spare {
		_ = l.dial("") // silent ones again
	}
	for range 3 {
		ask("health among requests", healthy, 200)
		ask("a request above the limit", other, 503)
	}
	l.door.mu.Lock()
	defer l.door.mu.Unlock()
	if l.door.open > 4+spare {
		t.Errorf("%d connections are open", l.door.open)
	}
}

// TestConnections_TurnedAway has every place taken by a request under way, spare ones too.
func TestConnections_TurnedAway(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	d := newDoor(inner, 1)
	pass := func() (client net.Conn, v *visitor) {
		t.Helper()
		client, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		c, err := inner.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return client, d.admit(c)
	}
	var inside []*visitor
	for i := range 1 + spare {
		_, v := pass()
		if v == nil || d.busy(v) != (i > 0) {
			t.Fatalf("connection %d: %+v", i, v)
		}
		inside = append(inside, v)
	}
	client, v := pass()
	if v != nil {
		t.Fatal("there was room")
	}
	_ = client.SetDeadline(time.Now().Add(patience))
	if code, text := status(t, client); code != 503 || !strings.Contains(text, "limits.connections") {
		t.Errorf("got %d %s", code, text)
	}
	_ = inside[0].Close()
	_ = inside[0].Close() // counts once
	if _, v = pass(); v == nil {
		t.Fatal("there is no room after one has gone")
	}
	for _, v := range inside[1:] {
		_ = v.Close()
	}
	_ = v.Close()
	if d.open != 0 || d.waiting.Len() != 0 {
		t.Errorf("%d are counted, %d wait", d.open, d.waiting.Len())
	}
}

func TestHeaderSize(t *testing.T) {
	t.Parallel()
	l := serveLimited(t, Limits{HeaderBytes: 8 << 10}, nil)
	for _, head := range []string{
		"GET /" + strings.Repeat("x", 20<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: b\r\n", 3000) + "\r\n",
	} {
		if code, text := status(t, l.dial(head)); code != 431 {
			t.Errorf("got %d %s", code, text)
		}
	}
}

// TestStreams bounds how many streams a client has, and counts them down again.
func TestStreams(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 10)
	l := serveLimited(t, Limits{Streams: 2}, map[string]HandlerFunc{"GET /stream": func(w http.ResponseWriter, r *http.Request) error {
		out, err := openStream(w, r)
		if out == nil {
			return err
		}
		<-r.Context().Done()
		out.close()
		ended <- struct{}{}
		return nil
	}})
	const ask = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"
	open := func() net.Conn {
		t.Helper()
		c := l.dial(ask)
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, "200") {
			t.Fatalf("got %q, %v", line, err)
		}
		return c
	}
	first := open()
	_ = open()
	if code, text := status(t, l.dial(ask)); code != 429 || !strings.Contains(text, "limits.streams") {
		t.Errorf("got %d %s", code, text)
	}
	_ = first.Close()
	wait(t, ended, "the stream of the client that is gone ends")
	_ = open()
}
