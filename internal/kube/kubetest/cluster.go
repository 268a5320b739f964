// Package kubetest is a Kubernetes cluster for tests: an API server over real HTTP that knows pods and nothing else, and
// all the nodes behind it. A test says what pods do, may interfere with any request, and asks afterwards what really
// happened.
package kubetest

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"maestro/internal/kube"
)

// Cluster is an API server and all nodes behind it. The fields are set before the first request.
type Cluster struct {
	*httptest.Server

	// Interfere, if set, is asked before each request. It returns true if it has answered, perhaps after it has had the
	// request obeyed (see Obey and Answer).
	Interfere func(w http.ResponseWriter, r *http.Request) bool

	// Admit, if set, changes a new pod before it is there, as admission webhooks do that inject containers.
	Admit func(p *Pod)

	// Live does to a pod what its node does, from its beginning to its end, in a goroutine of its own; default: ByImage.
	Live func(c *Cluster, p *Pod)

	MuteWatch bool // watches are accepted and tell nothing

	mu       sync.Mutex
	cond     *sync.Cond
	version  int
	pods     map[string]*Pod
	begun    []*Pod // as they were asked for
	told     []map[string]any
	events   []event
	requests int
	closed   bool
}

// New returns a cluster without pods. It ends with the test.
func New(t *testing.T) *Cluster {
	t.Helper()
	c := &Cluster{pods: map[string]*Pod{}, Live: ByImage}
	c.cond = sync.NewCond(&c.mu)
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(c.serve))
	c.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of answers that break off
	c.Start()
	t.Cleanup(func() {
		c.mu.Lock()
		c.closed = true
		c.cond.Broadcast()
		c.mu.Unlock()
		c.CloseClientConnections()
		c.Close()
	})
	return c
}

// Client returns a client of this cluster.
func (c *Cluster) Client(t *testing.T) *kube.Client {
	t.Helper()
	k, err := kube.New(kube.Config{Server: c.URL})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Requests returns how many requests came in.
func (c *Cluster) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// Obey does what a request asks for. Nobody hears the answer, as when the connection breaks before it.
func (c *Cluster) Obey(r *http.Request) { c.Answer(httptest.NewRecorder(), r) }

// Streams reports whether the answer to a request may be without end, so that it cannot be obeyed unheard.
func Streams(r *http.Request) bool {
	return r.URL.Query().Get("watch") != "" || strings.HasSuffix(r.URL.Path, "/log")
}

func (c *Cluster) serve(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests++
	interfere := c.Interfere
	c.mu.Unlock()
	if interfere != nil && interfere(w, r) {
		return
	}
	c.Answer(w, r)
}

// Answer answers a request as a cluster without faults does.
func (c *Cluster) Answer(w http.ResponseWriter, r *http.Request) {
	part := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api v1 namespaces NS pods [NAME [log]]
	answer := func(code int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch {
	case len(part) == 5 && part[4] == "events":
		answer(200, c.happenings(r.URL.Query().Get("fieldSelector")))
	case len(part) < 5 || part[4] != "pods":
		answer(problem(404, "NotFound"))
	case len(part) == 5 && r.Method == http.MethodPost:
		answer(c.create(r.Body, part[3]))
	case len(part) == 5 && r.URL.Query().Get("watch") != "":
		c.watch(w, r)
	case len(part) == 5:
		answer(200, c.list(r))
	case len(part) == 7:
		c.log(w, r, part[5])
	case r.Method == http.MethodDelete:
		answer(c.delete(part[5], r.Body))
	default:
		answer(c.get(part[5]))
	}
}

// Problem is the API's own form of an error.
func Problem(code int, reason string) map[string]any {
	return map[string]any{"kind": "Status", "code": code, "reason": reason, "message": "the cluster says " + reason}
}

func problem(code int, reason string) (int, any) { return code, Problem(code, reason) }
