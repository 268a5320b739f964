package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/meter"
	"maestro/internal/scope"
	"maestro/internal/store"
	"maestro/param"
)

func parse(t *testing.T, text string) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// noParams evaluates nothing.
type noParams struct{}

func (noParams) EvaluateWorkflow(*meter.Meter, *param.Defs, *scope.Run, scope.World, int64) (*param.Params, error) {
	return &param.Params{}, nil
}
func (noParams) Attribute(_ *meter.Meter, text, _ string, _ *param.Params, _ int64) (string, error) {
	return text, nil
}

func (noParams) Meter() *meter.Meter { return nil }

func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	for _, c := range []struct {
		name, body string
		texts      []string
	}{
		{"truncated", `{"workflow":` + "\n" + `  {"id":"w"`, []string{"JSON parse error", "line 2, column 12"}},
		{"unknown field", strings.Replace(noop, `"id":"w"`, `"id":"w","discription":"x"`, 1), []string{"discription", "did you mean `description`?", "line 1, column 55"}},
		{"wrong type", `{"workflow":[]}`, []string{"JSON parse error", "must be an object"}},
		{"no workflow", `{}`, []string{`"errors":["workflow [workflow definition] cannot be null`}},
		{"deep", strings.Repeat("[", 5000), []string{"nested more than"}},
		{"many", `{"x":[` + strings.Repeat("0,", 500_000) + `0]}`, []string{"values"}},
		{"not utf-8", "{\"x\":\"\xff\"}", []string{"UTF-8"}},
		{"text", `"text"`, nil},
		{"two", `{} {}`, []string{"after the end"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := h.call("POST", "/api/v3/workflows", c.body).want(t, 400, append(c.texts, `{"status":"BAD_REQUEST"`)...)
			if got := a.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %q", got)
			}
		})
	}
	h.call("POST", "/api/v3/workflows", "").want(t, 400, "no body")
}

// TestLargeBodies shows that a body that is too large is refused without being kept, and that its sender gets to know.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.call("POST", "/api/v3/workflows", strings.Repeat(" ", pushLimit+1)).want(t, 400, "larger than the limit")

	// Declared 100 MB, refused before a byte of it is sent.
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "POST /api/v3/workflows HTTP/1.1\r\nHost: x\r\nuser: t\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	if !bytes.Contains(answer, []byte("400 Bad Request")) || !bytes.Contains(answer, []byte("larger than the limit")) {
		t.Errorf("answer to a 100 MB body: %.300s", answer)
	}

	// Not declared: read up to the limit only.
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.url+"/api/v3/workflows", io.LimitReader(zeros{}, 12<<20))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return // the connection was closed on us, which is as good
	}
	defer resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("status %d for an endless body", resp.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestFrameworkRefusals(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.call("GET", "/api/v3/nowhere", "").want(t, 404, `"status":"NOT_FOUND"`, "/api/v3/nowhere")
	h.call("GET", "/metrix", "").want(t, 404, "below /api/v3")
	h.call("GET", "/api/v3/workflows/w/overview/", "").want(t, 404, "leave out the slash")
	a := h.call("PATCH", "/api/v3/workflows/w", "").want(t, 405, `"status":"METHOD_NOT_ALLOWED"`)
	if got := a.header.Get("Allow"); got != "DELETE, OPTIONS" {
		t.Errorf("Allow: %q", got)
	}
	a = h.call("OPTIONS", "/api/v3/workflows/w/overview", "").want(t, 204)
	if got := a.header.Get("Allow"); got != "GET, HEAD, OPTIONS" {
		t.Errorf("Allow: %q", got)
	}
	h.call("POST", "/api/v3/workflows", noop, "Content-Type", "application/x-www-form-urlencoded").want(t, 415, "curl", "-H 'Content-Type: application/json'")
	h.call("POST", "/api/v3/workflows/yaml", noop).want(t, 415, "application/yaml")
	h.call("POST", "/api/v3/workflows", noop, "Content-Type", "application/json; charset=UTF-8").want(t, 200)
	h.call("POST", "/api/v3/workflows", noop, "Content-Type", "").want(t, 200)
	h.call("POST", "/api/v3/workflows", noop, "user", "").want(t, 400, "the user name cannot be null")
	h.call("GET", "/api/v3/workflows/w/versions/1?enriched=maybe", "").want(t, 400, "enriched must be true or false")
	h.call("GET", "/api/v3/workflows/w/versions/pagination?first=x", "").want(t, 400, "first must be an integer")
	head := h.call("HEAD", "/api/v3/workflows/w/versions/1", "").want(t, 200)
	if head.text != "" || head.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: body %q, length %s", head.text, head.header.Get("Content-Length"))
	}
	h.call("GET", "/", "").want(t, 200, "/api/v3")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var sick error
	h := newHarness(t, func(_ *catalog.Config, s *Config) { s.Ready = func(context.Context) error { return sick } })
	h.call("GET", "/api/v3/health", "").want(t, 200, `{"status":"UP","version":"test"}`)
	h.call("GET", "/actuator/health", "").want(t, 200, `{"status":"UP"`)
	h.call("GET", "/healthz", "").want(t, 200, "ok")
	h.call("GET", "/readyz", "").want(t, 200, "ok")
	sick = errors.New("the disk is on fire")
	h.call("GET", "/api/v3/health", "").want(t, 503, `"status":"DOWN"`, "the disk is on fire")
	h.call("GET", "/readyz", "").want(t, 503, "the disk is on fire")
	h.call("GET", "/healthz", "").want(t, 200)
	h.call("POST", "/api/v3/workflows", noop).want(t, 503, "SERVICE_UNAVAILABLE", "the disk is on fire")
	h.call("PUT", "/api/v3/workflows/actions/validate", noop).want(t, 200)
	h.call("GET", "/api/v3/workflows?first=5", "").want(t, 200)
	sick = &store.Unavailable{Kind: store.ErrLost, Reason: "another file is there; restart", Restart: true}
	h.call("GET", "/readyz", "").want(t, 503, "another file is there")
	h.call("GET", "/healthz", "").want(t, 503, "another file is there; restart")
	sick = nil
	h.call("POST", "/api/v3/workflows", noop).want(t, 200)
	h.server.Drain()
	h.call("GET", "/readyz", "").want(t, 503, "draining")
	h.call("GET", "/healthz", "").want(t, 200)
}

// TestErrorMapping holds the table of codes: what an error is to a client.
func TestErrorMapping(t *testing.T) {
	t.Parallel()
	var fail error
	h := newHarness(t, func(_ *catalog.Config, s *Config) {
		s.Register = func(handle func(string, HandlerFunc)) {
			handle("GET /fail", func(http.ResponseWriter, *http.Request) error { return fail })
			handle("GET /panic", func(http.ResponseWriter, *http.Request) error { panic("secret") })
		}
	})
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{api.NotFound, 404, "NOT_FOUND"},
		{errors.Join(api.Conflict), 409, "CONFLICT"},
		{fmt.Errorf("start: %w", &api.Error{Code: api.Forbidden, Message: "not yours", Cause: errors.New("hunter2")}), 403, `{"status":"FORBIDDEN","message":"not yours"}`},
		{api.Errorf(api.BadRequest, "it has no end: %w", store.ErrNotFound), 400, "it has no end"},
		{fmt.Errorf("read it: %w", store.ErrNotFound), 404, "NOT_FOUND"},
		{store.ErrExists, 409, "CONFLICT"},
		{api.UnprocessableEntity, 422, "UNPROCESSABLE_ENTITY"},
		{api.RequestTimeout, 408, "REQUEST_TIMEOUT"},
		{api.TooManyRequests, 429, "TOO_MANY_REQUESTS"},
		{api.Unavailable, 503, "SERVICE_UNAVAILABLE"},
		{fmt.Errorf("start: %w", &store.Unavailable{Kind: store.ErrLocked, Reason: "a backup is at it"}), 503, "a backup is at it; nothing was changed"},
		{&store.Unavailable{Kind: store.ErrLost, Reason: "it is gone"}, 503, "it is gone; if the request"},
		{store.ErrFull, 503, "nothing was changed"},
		{store.ErrStale, 409, "CONFLICT"},
		{param.Errorf(param.Unprocessable, "no timeout"), 422, "no timeout"},
		{param.Errorf(param.Validation, "bad mode"), 400, "MaestroValidationException: bad mode"},
		{doc.Problem{Message: "odd", Pos: doc.Pos{Line: 3, Col: 4}}, 400, "JSON parse error: odd (line 3, column 4)"},
		{errors.New("password is hunter2"), 500, `{"status":"INTERNAL_ERROR","message":"the server could not do this; its log says why under request id r-1"}`},
	} {
		fail = c.err
		a := h.call("GET", "/fail", "", "X-Request-Id", "r-1").want(t, c.status, c.text)
		if strings.Contains(a.text, "hunter2") {
			t.Error("an internal error reached the client")
		}
	}
	a := h.call("GET", "/panic", "").want(t, 500, "INTERNAL_ERROR")
	if strings.Contains(a.text, "secret") || a.header.Get("X-Request-Id") == "" {
		t.Errorf("panic: %s", a.text)
	}
}

func TestPageWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p         pageRequest
		low, high int64
	}{
		{pageRequest{Size: 2}, 4, 5},
		{pageRequest{Size: 10}, 1, 5},
		{pageRequest{Size: 2, Last: true}, 1, 2},
		{pageRequest{Size: 2, Cursor: "4"}, 2, 3},
		{pageRequest{Size: 2, Cursor: "1"}, 0, 0}, // nothing is there
		{pageRequest{Size: 2, Last: true, Cursor: "2"}, 3, 4},
		{pageRequest{Size: 2, Last: true, Cursor: "5"}, 5, 5}, // the stray row of the reference
	} {
		low, high, err := c.p.window(1, 5)
		if low != c.low || high != c.high || err != nil {
			t.Errorf("%+v: %d to %d, want %d to %d (%v)", c.p, low, high, c.low, c.high, err)
		}
	}
	if _, _, err := (pageRequest{Size: 1, Cursor: "x"}).window(1, 5); err == nil {
		t.Error("a cursor that is no number is accepted")
	}
}
