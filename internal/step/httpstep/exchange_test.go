package httpstep

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/step"
)

// TestAnswer shows all that is kept of a request and its answer.
func TestAnswer(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != "pOsT" || string(body) != "ping <&>" || r.Header.Get("X-Team") != "growth" || r.Header.Get("Content-Type") != "text/plain" ||
			r.Header.Get("Accept-Encoding") != "" || r.Header.Get("Idempotency-Key") != "" || r.ContentLength != 8 {
			t.Errorf("got %s %q %v", r.Method, body, r.Header)
		}
		io.WriteString(w, "pong <&> \x00 ü \xff")
	})
	rt := open(t, Config{})
	headers := []string{"Content-Type", "application/json", "X-Team", "growth", "content-type", "text/plain"}
	_, rep := run(t, rt, attempt(s.URL+"/a?b=c", "method", "pOsT", "headers", headers, "body", "ping <&>"))
	if rep.State != step.Done || !rep.Begun {
		t.Fatalf("%+v", rep)
	}
	want := `{"request":{"url":"` + s.URL + `/a?b=c","method":"pOsT","headers":{"Content-Type":"application/json","X-Team":"growth","content-type":"text/plain"},"body":"ping <&>"},` +
		`"status":"SUCCESS","status_code":200,"body":"pong <&> \u0000 ü ` + "\uFFFD" + `","type":"HTTP"}`
	if got := rep.Artifacts[artifactKey]; !sameJSON(t, got, want) {
		t.Errorf("artifact %s\nwant     %s", got, want)
	}
	var params map[string]struct {
		Type   string `json:"type"`
		Value  any    `json:"value"`
		Result any    `json:"evaluated_result"`
		Time   int64  `json:"evaluated_time"`
	}
	if err := json.Unmarshal(rep.Output.Params, &params); err != nil {
		t.Fatalf("%v in %s", err, rep.Output.Params)
	}
	code, body := params["status_code"], params["response_body"]
	if code.Type != "LONG" || code.Result != 200.0 || code.Value != 200.0 || code.Time == 0 ||
		body.Type != "STRING" || body.Result != "pong <&> \x00 ü \uFFFD" || body.Value != body.Result {
		t.Errorf("output %s", rep.Output.Params)
	}
	if got := rep.Timeline[0]; got.Level != step.Info || !strings.HasPrefix(got.Message, "pOsT http://127.0.0.1") || !strings.Contains(got.Message, "/a?… answered 200 in ") {
		t.Errorf("timeline %+v", rep.Timeline)
	}
}

func sameJSON(t *testing.T, got []byte, want string) bool {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// TestStates maps what the expression says.
func TestStates(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		code := 200
		fmt.Sscanf(r.URL.Path, "/%d", &code)
		w.WriteHeader(code)
		io.WriteString(w, "x")
	})
	rt := open(t, Config{})
	for _, c := range []struct {
		path, expr string
		state      step.State
		status     string // of the artifact; "" means that there is none
	}{
		{"/200", "", step.Done, "SUCCESS"},
		{"/404", "", step.FatalError, "FAILED"},
		{"/500", "", step.UserError, "FAILED"},
		{"/302", "", step.UserError, "FAILED"},
		{"/200", "platform_Error", step.PlatformError, "FAILED"},
		{"/200", "stopped", step.Stopped, "SUCCESS"},
		{"/200", "TIMED_OUT", step.TimedOut, "FAILED"},
		{"/500", "done", step.Done, "SUCCESS"},
		{"/200", "INTERNAL_ERROR", step.FatalError, ""},
		{"/200", "throw 'no idea'", step.FatalError, ""},
	} {
		_, rep := run(t, rt, attempt(s.URL+c.path, "state_expr", c.expr))
		var a struct{ Status string }
		json.Unmarshal(rep.Artifacts[artifactKey], &a)
		if rep.State != c.state || a.Status != c.status || !rep.Begun || (rep.Output != nil) != (c.state == step.Done) || (errorsOf(rep) == "") != (c.status != "") {
			t.Errorf("%s %q: %+v", c.path, c.expr, rep)
		}
	}
	_, rep := run(t, rt, attempt(s.URL, "state_expr", "throw 'no idea'"))
	want := "MaestroInvalidExpressionException: Expression throws an error [ERROR: no idea] for expr=[throw 'no idea']"
	if got := errorsOf(rep); got != want {
		t.Errorf("errors %q, want %q", got, want)
	}
	if got := rep.Timeline[0]; got.Message != "Failed to execute http step runtime with an error" || got.Code != "INTERNAL_ERROR" {
		t.Errorf("%+v", got)
	}
}

// TestBadRequests fail for good and send nothing.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := server(t, func(http.ResponseWriter, *http.Request) { t.Error("a request") })
	rt := open(t, Config{})
	bad := attempt(s.URL)
	bad.Params = nil
	for want, a := range map[string]*step.Attempt{
		"param [http] must be a MAP":                   bad,
		"URL host [127.0.0.2] is not allowed":          attempt("http://127.0.0.2/"),
		"URL scheme [ftp] is not allowed":              attempt("ftp://127.0.0.1/x"),
		"URL host [null] is not allowed":               attempt("http:///x"),
		"Invalid URL: [no url at all://]":              attempt("no url at all://"),
		`restricted header name: "Host"`:               attempt(s.URL, "headers", []string{"Host", "other"}),
		`restricted header name: "content-length"`:     attempt(s.URL, "headers", []string{"content-length", "1"}),
		`illegal header name "a b"`:                    attempt(s.URL, "headers", []string{"a b", "x"}),
		`header "X" has a control character`:           attempt(s.URL, "headers", []string{"X", "a\r\nEvil: b"}),
		`illegal method "GE T"`:                        attempt(s.URL, "method", "GE T"),
		`illegal method ""`:                            attempt(s.URL, "method", ""),
		`method "CONNECT" makes a tunnel`:              attempt(s.URL, "method", "CONNECT"),
		"param [http.method] must be a STRING":         attempt(s.URL, "method", 1),
		"param [http.body] must be a STRING":           attempt(s.URL, "body", 1),
		"param [http.headers] must be a STRING_MAP":    attempt(s.URL, "headers", "x"),
		"[http.follow_redirects] must be a BOOLEAN":    attempt(s.URL, "follow_redirects", "x"),
		"param [http.idempotency_key] must be a BOOLE": attempt(s.URL, "idempotency_key", "x"),
	} {
		_, rep := run(t, rt, a)
		if rep.State != step.FatalError || !rep.Begun || rep.Artifacts != nil || !strings.Contains(errorsOf(rep), want) {
			t.Errorf("%+v, want %q", rep, want)
		}
	}
	rt = open(t, Config{Allow: []string{}})
	if _, rep := run(t, rt, attempt(s.URL)); rep.State != step.FatalError || !strings.Contains(errorsOf(rep), "may call nothing") {
		t.Errorf("%+v", rep)
	}
}

// raw serves connections with bytes instead of HTTP.
func raw(t testing.TB, serve func(c net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// hears reads the head of a request.
func hears(c net.Conn) {
	buf := make([]byte, 4096)
	for all := ""; !strings.Contains(all, "\r\n\r\n"); {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		all += string(buf[:n])
	}
}

// TestNetworkFailures are platform errors that say what happened.
func TestNetworkFailures(t *testing.T) {
	t.Parallel()
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	refused := "http://" + closed.Addr().String()
	closed.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(secure.Close)
	plain := server(t, func(http.ResponseWriter, *http.Request) {})
	patient, hasty := open(t, Config{}), open(t, Config{Timeout: 300 * time.Millisecond})
	var headers atomic.Int64 // thousands of bytes
	for _, c := range []struct{ name, url, want string }{
		{"refused", refused, "connection refused by 127.0.0.1:"},
		{"closed", raw(t, hears), "the connection was closed without an answer, while waiting for the answer of 127.0.0.1:"},
		{"closed at once", raw(t, func(net.Conn) {}), "the connection was closed without an answer"},
		{"reset", raw(t, func(c net.Conn) { hears(c); c.(*net.TCPConn).SetLinger(0) }), "the connection was closed without an answer"},
		{"garbage", raw(t, func(c net.Conn) { hears(c); io.WriteString(c, "SSH-2.0-x\r\n\r\n") }), "what came back is not HTTP"},
		{"half a body", raw(t, func(c net.Conn) { hears(c); io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }),
			"the connection broke off after 4 bytes of the answer's body"},
		{"bad chunks", raw(t, func(c net.Conn) {
			hears(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
		}), "after 0 bytes"},
		{"endless headers", raw(t, func(c net.Conn) {
			hears(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for err := error(nil); err == nil; headers.Add(1) {
				_, err = io.WriteString(c, "X: "+strings.Repeat("x", 995)+"\r\n")
			}
		}), "the headers of the answer exceed 262144 bytes"},
		{"silent", raw(t, func(c net.Conn) { io.Copy(io.Discard, c) }), "no complete answer within 300ms (http.timeout of the server), while waiting for the answer of 127.0.0.1:"},
		{"slow body", raw(t, func(c net.Conn) {
			hears(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for err := error(nil); err == nil; time.Sleep(10 * time.Millisecond) {
				_, err = io.WriteString(c, "x")
			}
		}), "bytes of the answer's body"},
		{"TLS expected", strings.Replace(plain.URL, "http:", "https:", 1), "does not speak TLS"},
		{"unknown authority", secure.URL, "signed by an authority that this server does not know"},
		{"silent TLS", strings.Replace(raw(t, func(c net.Conn) { io.Copy(io.Discard, c) }), "http:", "https:", 1), "while connecting"},
	} {
		rt := patient
		if strings.HasPrefix(c.name, "silent") || c.name == "slow body" { // nothing else ends them
			rt = hasty
		}
		_, rep := run(t, rt, attempt(c.url+"/p?token=geheim"))
		got := errorsOf(rep)
		if rep.State != step.PlatformError || !rep.Begun || !strings.Contains(got, c.want) || !strings.HasPrefix(got, "GET http") || strings.Contains(got, "geheim") {
			t.Errorf("%s: %s %q, want %q", c.name, rep.State, got, c.want)
		}
	}
	if n := headers.Load(); n > 9000 {
		t.Errorf("%d kB of headers were taken", n)
	}
}

// TestTLS trusts whom the configuration trusts.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	rt := open(t, Config{TLS: s.Client().Transport.(*http.Transport).TLSClientConfig})
	for range 3 {
		if _, rep := run(t, rt, attempt(s.URL)); rep.State != step.Done || !strings.Contains(string(rep.Output.Params), "HTTP/2.0") {
			t.Errorf("%+v", rep)
		}
	}
}

// TestSizeLimit refuses what is too large, at once if it says so, and without reading on if it does not.
func TestSizeLimit(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	endless := func(c net.Conn) {
		block := bytes.Repeat([]byte("x"), 1<<16)
		for {
			n, err := c.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		if r.URL.RawQuery == "chunked" {
			w.(http.Flusher).Flush()
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(n))
		}
		w.Write(bytes.Repeat([]byte("a"), n))
	})
	rt := open(t, Config{MaxResponseBytes: 1000})
	for _, c := range []struct {
		name, url string
		method    string
		want      string // "" means that it is taken
	}{
		{"as much as there may be", s.URL + "/1000", "GET", ""},
		{"one more", s.URL + "/1001", "GET", "content length [1001] is not between 0 and 1000"},
		{"chunked", s.URL + "/1000?chunked", "GET", ""},
		{"one more, chunked", s.URL + "/1001?chunked", "GET", "content length is not between 0 and 1000"},
		{"nothing", s.URL + "/0", "GET", ""},
		{"a large one that does not come", s.URL + "/5000", "HEAD", ""},
		{"10 GB", raw(t, func(c net.Conn) {
			hears(c)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
			endless(c)
		}), "GET", "[10000000000] is not"},
		{"endless", raw(t, func(c net.Conn) { hears(c); io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); endless(c) }), "GET", "content length is not between 0 and 1000"},
	} {
		_, rep := run(t, rt, attempt(c.url, "method", c.method))
		if c.want == "" && rep.State != step.Done || c.want != "" && (rep.State != step.FatalError || !strings.Contains(errorsOf(rep), c.want)) {
			t.Errorf("%s: %+v", c.name, rep)
		}
	}
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d bytes of endless answers were taken", n)
	}
}

// TestOutputLimit refuses answers that the limit on output data refuses, though the limit of the response would not.
func TestOutputLimit(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		fmt.Sscanf(r.URL.Path, "/%d", &n)
		io.WriteString(w, strings.Repeat(r.URL.RawQuery, n))
	})
	rt := open(t, Config{})
	for path, want := range map[string]step.State{
		"/749600?a": step.Done, "/749601?a": step.FatalError, "/374800?'": step.Done, "/0?a": step.Done, "/1048576?a": step.FatalError,
	} {
		if _, rep := run(t, rt, attempt(s.URL+path)); rep.State != want {
			t.Errorf("%s: %s %s, want %s", path, rep.State, errorsOf(rep), want)
		}
	}
	if got := outputChars(strings.Repeat("\"ü\n😀\x01", 50_000)); got != 400+50_000*(2+1+2+2+6) {
		t.Errorf("%d characters", got)
	}
}

// TestRedirects are answers like any other, unless the step wants them followed; then each is checked.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var inside, loops atomic.Int64
	forbidden := raw(t, func(c net.Conn) { inside.Add(1) })
	other := server(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "other %q %q %q", r.Header.Get("X-Secret"), r.Header.Get("Authorization"), r.Header.Get("Referer"))
	})
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		to := map[string]string{
			"/other": other.URL + "/", "/inside": strings.Replace(forbidden, "127.0.0.1", "127.0.0.2", 1), "/file": "file:///etc/passwd", "/loop": "/loop", "/self": "/end", "/bad": "http://[",
		}[r.URL.Path]
		if to == "" {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "end %s %s %q %q", r.Method, body, r.Header.Get("X-Secret"), r.Header.Get("Referer"))
			return
		}
		if to == "/loop" {
			loops.Add(1)
		}
		w.Header().Set("Location", to)
		w.WriteHeader(307)
	})
	rt := open(t, Config{})
	headers := []string{"X-Secret", "geheim", "Authorization", "Bearer geheim"}
	for _, c := range []struct {
		path   string
		follow bool
		state  step.State
		want   string
	}{
		{"/self", false, step.UserError, `"status_code":307`},
		{"/bad", false, step.UserError, `"status_code":307`},
		{"/self", true, step.Done, `end POST ping \"geheim\" \"\"`},
		{"/other", true, step.Done, `other \"\" \"\" \"\"`},
		{"/inside", true, step.FatalError, "it was redirected to http://127.0.0.2:"},
		{"/file", true, step.FatalError, "URL scheme [file] is not allowed"},
		{"/loop", true, step.FatalError, "it was redirected 10 times"},
	} {
		_, rep := run(t, rt, attempt(s.URL+c.path, "method", "POST", "body", "ping", "follow_redirects", c.follow, "headers", headers))
		if got := string(rep.Artifacts[artifactKey]) + errorsOf(rep); rep.State != c.state || !strings.Contains(got, c.want) {
			t.Errorf("%s, follow %v: %s %s, want %s %s", c.path, c.follow, rep.State, got, c.state, c.want)
		}
	}
	if n := loops.Load(); n != 11 {
		t.Errorf("%d requests in a circle, want 11", n)
	}
	if inside.Load() != 0 {
		t.Error("a redirect got where it must not")
	}
}

// TestIdempotencyKey is sent only if the step asks, and is the same each time.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	var keys []string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if keys = append(keys, r.Header.Get("Idempotency-Key")); len(keys) == 1 {
			w.WriteHeader(202)
		}
	})
	rt := open(t, Config{Poll: time.Millisecond})
	a := attempt(s.URL, "method", "POST", "idempotency_key", true, "state_expr", "202=CONTINUE,200=DONE")
	run(t, rt, a)
	if len(keys) != 2 || keys[0] != a.UUID || keys[1] != a.UUID {
		t.Errorf("keys %q, want twice %s", keys, a.UUID)
	}
}

// TestUserInfo becomes basic authentication and stays out of timelines.
func TestUserInfo(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "geheim" {
			t.Errorf("%q %q", user, password)
		}
		w.WriteHeader(500)
	})
	rt := open(t, Config{})
	_, rep := run(t, rt, attempt(strings.Replace(s.URL, "http://", "http://me:geheim@", 1)))
	if text := fmt.Sprint(rep.Timeline); strings.Contains(text, "geheim") || !strings.Contains(text, "http://…@127.0.0.1:") {
		t.Error(text)
	}
}

// TestConnectionsAreReused as far as the answers allow it.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	s.Config.ConnState = func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	rt := open(t, Config{})
	for range 20 {
		run(t, rt, attempt(s.URL))
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for one request after the other, want 1", n)
	}
}
