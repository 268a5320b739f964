//go:build unix

package httpstep

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// script is a server that answers the n-th request of all with the n-th text, written in pieces of the given size, and
// then keeps the connection for the next. A text that ends with "HANGUP" is followed by the end of the connection.
func script(t testing.TB, piece int, texts ...string) (address string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var next atomic.Int64
	connections = new(atomic.Int64)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					text, end := strings.CutSuffix(texts[min(int(next.Add(1)), len(texts))-1], "HANGUP")
					for len(text) > 0 {
						n := min(piece, len(text))
						if _, err := io.WriteString(c, text[:n]); err != nil {
							return
						}
						if text = text[n:]; piece < 100 {
							time.Sleep(50 * time.Microsecond)
						}
					}
					if end {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), connections
}

func newTestWire() *wire {
	var d net.Dialer
	return &wire{dial: d.DialContext, all: 8, perHost: 4, keep: time.Minute}
}

// get makes a request and returns what came of it, in a form that can be compared.
func get(t testing.TB, rt http.RoundTripper, method, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "error"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if ctx.Err() != nil {
		return "hangs"
	}
	return fmt.Sprintf("%d %q %v %v", resp.StatusCode, body, resp.Header["X"], err != nil)
}

// TestWire_LikeTransport has the same bytes read by wire and by package net/http, in pieces of all sizes.
func TestWire_LikeTransport(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain":                   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\nX: b\r\n\r\nhello",
		"chunks":                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;ext=1\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n",
		"until the end":           "HTTP/1.1 200 OK\r\n\r\nall of itHANGUP",
		"old":                     "HTTP/1.0 200 OK\r\nX: old\r\n\r\nall of itHANGUP",
		"empty":                   "HTTP/1.1 204 No Content\r\n\r\n",
		"not modified":            "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
		"early hints":             "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
		"redirect":                "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
		"closing":                 "HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
		"cut":                     "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnot all of itHANGUP",
		"cut chunks":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabHANGUP",
		"bad chunks":              "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\nHANGUP",
		"cut head":                "HTTP/1.1 200 OK\r\nContent-LenHANGUP",
		"nothing":                 "HANGUP",
		"not HTTP":                "SSH-2.0-OpenSSH_9.6\r\nHANGUP",
		"bad length":              "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nHANGUP",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabHANGUP",
		"endless head":            "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 300) + "\r\nHANGUP",
		"large body":              "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("z", 300000),
		"more than was asked for": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, piece := range []int{1, 7, 5000, 1 << 20} {
				if piece < 100 && len(text) > 1000 {
					continue
				}
				for _, method := range []string{"GET", "HEAD", "POST"} {
					if method == "HEAD" && strings.Contains(text, "\r\n\r\n") {
						continue // the server does not know that it must not send the body
					}
					w, tr := newTestWire(), &http.Transport{MaxResponseHeaderBytes: maxHeaderBytes, DisableCompression: true, DisableKeepAlives: name == "more than was asked for"}
					a, _ := script(t, piece, text)
					b, _ := script(t, piece, text)
					got, want := get(t, w, method, "http://"+a+"/"), get(t, tr, method, "http://"+b+"/")
					if got != want || got == "hangs" {
						t.Errorf("%s in pieces of %d: %.200s, package net/http says %.200s", method, piece, got, want)
					}
					w.CloseIdleConnections()
					tr.CloseIdleConnections()
				}
			}
		})
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// TestWire_Reuse shows when a connection is used again.
func TestWire_Reuse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first string
		wait  time.Duration
		conns int64
	}{
		"read to its end":         {ok, 0, 1},
		"no body":                 {"HTTP/1.1 204 No\r\n\r\n", 0, 1},
		"the server says close":   {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 0, 2},
		"the server closes":       {ok + "HANGUP", 50 * time.Millisecond, 2},
		"more than was asked for": {ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 50 * time.Millisecond, 2},
		"other protocol":          {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWire()
			defer w.CloseIdleConnections()
			address, conns := script(t, 1<<20, c.first, ok)
			get(t, w, "GET", "http://"+address)
			time.Sleep(c.wait)
			if got := get(t, w, "POST", "http://"+address); !strings.HasPrefix(got, `200 "ok"`) {
				t.Errorf("second answer %s", got)
			}
			if got := conns.Load(); got != c.conns {
				t.Errorf("%d connections, want %d", got, c.conns)
			}
		})
	}
}

// TestWire_GivenUp closes answers before their end: what is left of one must not become the next one's beginning.
func TestWire_GivenUp(t *testing.T) {
	t.Parallel()
	w := newTestWire()
	defer w.CloseIdleConnections()
	address, conns := script(t, 1<<20, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", ok)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+address, nil)
	resp, err := w.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
		t.Error("the body can be read after it was closed")
	}
	if got := get(t, w, "GET", "http://"+address); !strings.HasPrefix(got, `200 "ok"`) || conns.Load() != 2 {
		t.Errorf("the next request: %s on %d connections", got, conns.Load())
	}
}

// TestWire_Again closes a kept connection when the next request comes in: one that may arrive twice is sent again, others
// are not.
func TestWire_Again(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, key, want string }{
		{"GET", "", `200 "ok"`}, {"HEAD", "", `200 ""`}, {"POST", "", "error"}, {"PUT", "", "error"}, {"POST", "k-1", `200 "ok"`},
	} {
		w := newTestWire()
		second := ok
		if c.method == "HEAD" {
			second = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
		}
		address, conns := script(t, 1<<20, ok, "HANGUP", second)
		get(t, w, "GET", "http://"+address)
		req, _ := http.NewRequestWithContext(t.Context(), c.method, "http://"+address, strings.NewReader("body"))
		if c.key != "" {
			req.Header.Set("Idempotency-Key", c.key)
		}
		got := "error"
		if resp, err := w.RoundTrip(req); err == nil {
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			got = fmt.Sprintf("%d %q", resp.StatusCode, body)
		}
		if got != c.want {
			t.Errorf("%s with key %q: %s, want %s (%d connections)", c.method, c.key, got, c.want, conns.Load())
		}
		w.CloseIdleConnections()
	}
	// Never twice on a new connection: whoever closes it has seen the request.
	w := newTestWire()
	address, conns := script(t, 1<<20, "HANGUP", ok)
	if got := get(t, w, "GET", "http://"+address); got != "error" || conns.Load() != 1 {
		t.Errorf("%s, %d connections", got, conns.Load())
	}
}

// TestWire_AnswerBeforeTheEnd has a server refuse a request before it has read all of it.
func TestWire_AnswerBeforeTheEnd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 10))
			io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much")
			time.Sleep(100 * time.Millisecond)
			c.Close()
		}
	}()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+l.Addr().String(), bytes.NewReader(make([]byte, smallRequest)))
	w := newTestWire()
	if !w.takes(req.URL, req.ContentLength) {
		t.Fatal("not taken")
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 413 || string(body) != "too much" || err != nil {
		t.Errorf("%d %q %v", resp.StatusCode, body, err)
	}
}

// TestWire_Cancel ends the context of a request at each of its stages.
func TestWire_Cancel(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"head": "", "body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"} {
		w := newTestWire()
		address, conns := script(t, 1<<20, text, ok)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+address, nil)
		failed := make(chan error, 1)
		go func() {
			resp, err := w.RoundTrip(req)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			failed <- err
		}()
		select {
		case err := <-failed:
			if err == nil || ctx.Err() == nil {
				t.Errorf("%s: no error (context: %v)", name, ctx.Err())
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: goes on", name)
		}
		if got := get(t, w, "GET", "http://"+address); !strings.HasPrefix(got, `200 "ok"`) || conns.Load() != 2 {
			t.Errorf("%s: the next request: %s on %d connections", name, got, conns.Load())
		}
		w.CloseIdleConnections()
	}
}

// TestWire_Limits keeps some connections, for a while.
func TestWire_Limits(t *testing.T) {
	t.Parallel()
	w := newTestWire()
	w.keep = 100 * time.Millisecond
	count := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		n := 0
		for _, list := range w.idle {
			n += len(list)
		}
		if n != w.count {
			t.Errorf("%d idle connections, counted %d", n, w.count)
		}
		return n
	}
	var addresses []string
	for range 3 {
		a, _ := script(t, 1<<20, ok)
		addresses = append(addresses, a)
	}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() { get(t, w, "GET", "http://"+addresses[i%3]) })
	}
	wg.Wait()
	if n := count(); n == 0 || n > 8 {
		t.Errorf("%d idle connections, want at most 8", n)
	}
	for _, list := range w.idle {
		if len(list) > 4 {
			t.Errorf("%d to one host, want at most 4", len(list))
		}
	}
	if !soon(func() bool { return count() == 0 }) {
		t.Errorf("%d idle connections after a while", count())
	}
	get(t, w, "GET", "http://"+addresses[0])
	w.CloseIdleConnections()
	get(t, w, "GET", "http://"+addresses[0])
	if n := count(); n != 0 {
		t.Errorf("%d idle connections after the end", n)
	}
}

// TestWire_Takes leaves to package net/http what is not simple.
func TestWire_Takes(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://example.com/": true, "http://127.0.0.1:8080/x?y": true, "http://[::1]/": true,
		"https://example.com/": false, "http://bücher.example/": false, "http://[fe80::1%25eth0]/": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := newTestWire().takes(req.URL, 0); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
	u, _ := url.Parse("http://example.com/")
	for size, want := range map[int64]bool{0: true, smallRequest: true, smallRequest + 1: false, -1: false} {
		if got := newTestWire().takes(u, size); got != want {
			t.Errorf("a body of %d bytes: %v", size, got)
		}
	}
}
