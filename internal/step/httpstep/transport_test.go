package httpstep

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/step"
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

// summary returns what came of an attempt, in a form that can be compared.
func summary(t testing.TB, rep step.Report) string {
	t.Helper()
	if rep.Artifacts[artifactKey] == nil {
		return errorsOf(rep)
	}
	return fmt.Sprintf("%d %.40q", statusOf(t, rep), bodyOf(t, rep))
}

// TestAnswers reads answers of every form, in pieces of all sizes. What is not a whole answer is an error that says so.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"plain":                {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\nX: b\r\n\r\nhello", `200 "hello"`},
		"chunks":               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;ext=1\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n", `200 "abc0123456789abcdef"`},
		"until the end":        {"HTTP/1.1 200 OK\r\n\r\nall of itHANGUP", `200 "all of it"`},
		"old":                  {"HTTP/1.0 200 OK\r\nX: old\r\n\r\nall of itHANGUP", `200 "all of it"`},
		"empty":                {"HTTP/1.1 204 No Content\r\n\r\n", `204 ""`},
		"not modified":         {"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", `304 ""`},
		"early hints":          {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", `201 "ok"`},
		"other protocol":       {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nanything", `101 ""`},
		"redirect":             {"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", `302 ""`},
		"closing":              {"HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", `500 "no"`},
		"large body":           {"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("z", 300000), `200 "zzzz`},
		"long header":          {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 100000) + "\r\nContent-Length: 2\r\n\r\nok", `200 "ok"`},
		"cut":                  {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnot all of itHANGUP", "the connection broke off after 13 bytes"},
		"cut chunks":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabHANGUP", "the connection broke off after 2 bytes"},
		"bad chunks":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\nHANGUP", "invalid byte in chunk length"},
		"cut head":             {"HTTP/1.1 200 OK\r\nContent-LenHANGUP", "what came back is not HTTP"},
		"nothing":              {"HANGUP", "the connection was closed without an answer"},
		"not HTTP":             {"SSH-2.0-OpenSSH_9.6\r\nHANGUP", "what came back is not HTTP"},
		"bad length":           {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nHANGUP", "bad Content-Length"},
		"two lengths":          {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nabHANGUP", "multiple Content-Length"},
		"length and chunks":    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nHANGUP", `200 "ab"`},
		"unknown transfer":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxHANGUP", "unsupported transfer encoding"},
		"endless head":         {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 300) + "\r\nHANGUP", "the headers of the answer exceed"},
		"a line of the header": {"HTTP/1.1 200 OK\r\nno colon\r\n\r\nHANGUP", "what came back is not HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := open(t, Config{})
			for _, piece := range []int{1, 7, 5000, 1 << 20} {
				if piece < 100 && len(c.text) > 1000 {
					continue
				}
				for _, method := range []string{"GET", "POST"} {
					address, _ := script(t, piece, c.text)
					_, rep := run(t, rt, attempt("http://"+address+"/", "method", method))
					if got := summary(t, rep); !strings.Contains(got, c.want) {
						t.Errorf("%s in pieces of %d: %s, want %s", method, piece, got, c.want)
					}
				}
			}
		})
	}
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// TestSentAgain closes a kept connection when the next request comes in: one that may arrive twice is sent again, others
// are not. On a new connection nothing is sent twice: who closes it has seen the request.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method string
		key    bool
		want   string
	}{
		{"GET", false, `200 "ok"`}, {"OPTIONS", false, `200 "ok"`}, {"POST", true, `200 "ok"`},
		{"POST", false, "closed without an answer"}, {"PUT", false, "closed without an answer"}, {"DELETE", false, "closed without an answer"},
	} {
		rt := open(t, Config{})
		address, conns := script(t, 1<<20, ok, "HANGUP", ok)
		run(t, rt, attempt("http://"+address))
		_, rep := run(t, rt, attempt("http://"+address, "method", c.method, "body", "x", "idempotency_key", c.key))
		if got := summary(t, rep); !strings.Contains(got, c.want) {
			t.Errorf("%s with key %v: %s, want %s (%d connections)", c.method, c.key, got, c.want, conns.Load())
		}
	}
	address, conns := script(t, 1<<20, "HANGUP", ok)
	_, rep := run(t, open(t, Config{}), attempt("http://"+address))
	if got := summary(t, rep); !strings.Contains(got, "closed without an answer") || conns.Load() != 1 {
		t.Errorf("on a new connection: %s, %d connections", got, conns.Load())
	}
}

// TestUnaskedAnswer has a server send two answers to one request: the connection is closed, and the second is not taken
// for the answer to the next request.
func TestUnaskedAnswer(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{})
	var n atomic.Int64
	url := raw(t, func(c net.Conn) {
		hears(c)
		if n.Add(1) > 1 {
			io.WriteString(c, ok)
			return
		}
		io.WriteString(c, ok+"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		io.Copy(io.Discard, c)
		close(closed)
	})
	rt := open(t, Config{})
	for i := range 2 {
		_, rep := run(t, rt, attempt(url, "method", "POST"))
		if got := summary(t, rep); got != `200 "ok"` {
			t.Errorf("answer %d: %s", i+1, got)
		}
		<-closed
	}
}

// TestAnswerBeforeTheEnd has a server refuse a request before it has read all of it: the answer says more than the error
// of sending.
func TestAnswerBeforeTheEnd(t *testing.T) {
	t.Parallel()
	url := raw(t, func(c net.Conn) {
		hears(c)
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much")
		io.Copy(io.Discard, c)
	})
	_, rep := run(t, open(t, Config{}), attempt(url, "method", "POST", "body", strings.Repeat("x", 64<<10)))
	if got := summary(t, rep); got != `413 "too much"` {
		t.Errorf("%s", got)
	}
}
