package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maestro/internal/catalog"
	"maestro/internal/scope"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// harness is a server over a real store, and how tests talk to it.
type harness struct {
	t       *testing.T
	url     string
	server  *Server
	catalog *catalog.Catalog
	store   *sqlite.Store
}

// newHarness starts a server. change, if not nil, may adapt the configuration of the catalog and the server.
func newHarness(t *testing.T, change func(*catalog.Config, *Config)) *harness {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	now := func() int64 { return time.Now().UnixMilli() }
	cc := catalog.Config{Store: st, Runs: st, Params: scope.New(scope.Config{}), Cluster: "test", Now: now, Exclusive: true}
	sc := Config{Counts: st, Version: "test", Latest: func(ctx context.Context, id int64) (int64, error) {
		rows, err := st.List(ctx, store.RunQuery{Workflow: id, Latest: true, Desc: true, Limit: 1})
		if err != nil || len(rows) == 0 {
			return 0, err
		}
		return rows[0].Instance, nil
	}}
	if testing.Verbose() {
		sc.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	if change != nil {
		change(&cc, &sc)
	}
	c, err := catalog.New(cc)
	if err != nil {
		t.Fatal(err)
	}
	sc.Catalog = c
	s := New(sc)
	ts := httptest.NewServer(s)
	t.Cleanup(func() {
		ts.Close()
		c.Stop()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &harness{t: t, url: ts.URL, server: s, catalog: c, store: st}
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	text   string
	json   map[string]any // nil when the body is no object
}

// call sends a request as tester, with a JSON body unless body is empty. head are name, value pairs of headers; an empty
// value removes the header.
func (h *harness) call(method, path, body string, head ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("user", "tester")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(head); i += 2 {
		if req.Header.Set(head[i], head[i+1]); head[i+1] == "" {
			req.Header.Del(head[i])
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.json)
	return a
}

// want fails the test unless the answer has this status, and these texts in its body.
func (a answer) want(t *testing.T, status int, texts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %.500s", a.status, status, a.text)
	}
	for _, s := range texts {
		if !strings.Contains(a.text, s) {
			t.Errorf("body lacks %q: %.500s", s, a.text)
		}
	}
	return a
}

// dig returns the value at a dotted path of the answer.
func (a answer) dig(path string) any {
	var v any = a.json
	for p := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

const noop = `{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`

const noopAgain = `{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`
