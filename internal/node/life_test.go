package node_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/bench"
	"maestro/internal/config"
	"maestro/internal/node"
	"maestro/internal/step"
	"maestro/spec"
)

// TestNode_Cycles starts and stops nodes on one file while clients are at work: they change definitions, start runs and
// stop them, announce signals, follow events, and delete workflows. When a node has stopped, none of its goroutines is left,
// and it does not come back to its store, whose calls take a while.
func TestNode_Cycles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "m.db")
		total := make([]int64, kinds)
		for n := range 20 {
			for kind, count := range cycle(t, file, int64(50+7*n)) {
				total[kind] += count
			}
			if t.Failed() {
				return
			}
		}
		for kind, count := range total {
			if count == 0 {
				t.Errorf("no request of kind %d succeeded, so the nodes had not what they should stop: %v", kind, total)
			}
		}
	})
}

// cycle is the life of one node, which stops in the midst of work once enough requests have succeeded. It returns how many
// of each kind have.
func cycle(t *testing.T, file string, enough int64) []int64 {
	db := &watched{t: t, hold: func(string) { // not time, which stands still while somebody waits for a lock
		for range rand.IntN(100) {
			runtime.Gosched()
		}
	}}
	n := start(t, file, node.Config{OpenStore: db.open})
	l := newPipes()
	if _, err := n.Serve(l); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: l.dial}}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	answered, all, busy := make([]atomic.Int64, kinds), atomic.Int64{}, make(chan struct{})
	for c := range 8 {
		clients.Go(func() {
			for i := c; ctx.Err() == nil; i++ {
				if call(ctx, client, c, i) {
					answered[i%kinds].Add(1)
					if all.Add(1) == enough {
						close(busy)
					}
				}
			}
		})
	}
	<-busy
	if err := n.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	cancel()
	clients.Wait()
	client.CloseIdleConnections()
	synctest.Wait()
	for _, stack := range others() {
		t.Errorf("a goroutine is left:\n%s", stack)
	}
	time.Sleep(time.Hour) // for timers that are left
	counts := make([]int64, kinds)
	for i := range answered {
		counts[i] = answered[i].Load()
	}
	return counts
}

const kinds = 10 // of requests

// call makes the i-th request of a client, and reports whether it succeeded.
func call(ctx context.Context, client *http.Client, c, i int) bool {
	workflow := fmt.Sprintf("w%d", c)
	method, path, body := "GET", "/api/v3/workflows/"+workflow+"/overview", ""
	switch i % kinds {
	case 0, 5:
		method, path, body = "POST", "/api/v3/workflows", fmt.Sprintf(`{"properties":{"owner":"tester","run_strategy":%d},"workflow":{"id":%q,
			"signal_triggers":[{"definitions":{"go":{}}}],"steps":[{"step":{"id":"a","type":"Task","transition":{"successors":{"b":"true"}}}},
			{"step":{"id":"b","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":%d}}}}]}}`, 1+i%3, workflow, i%2*3600)
	case 1, 2, 6:
		method, path, body = "POST", "/api/v3/workflows/"+workflow+"/versions/latest/actions/start", `{"initiator":{"type":"manual"}}`
	case 3:
		method, path, body = "POST", "/api/v3/signals", fmt.Sprintf(`{"name":"go","params":{"at":"%d-%d"}}`, time.Now().UnixNano(), 100*i+c)
	case 4:
		method, path, body = "POST", "/api/v3/tag-permits", fmt.Sprintf(`{"tag":"maestro_%s:a","max_allowed":1}`, workflow)
	case 7:
		method, path = "PUT", "/api/v3/workflows/"+workflow+"/actions/stop"
	case 8:
		if c == 0 {
			return false // somebody follows its runs
		}
		method, path = "DELETE", "/api/v3/workflows/"+workflow
	case 9:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Millisecond) // it has no end but that of the client or of the node
		defer cancel()
		path = "/api/v3/workflows/w0/instances/1/events"
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://node"+path, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("user", "tester")
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			time.Sleep(time.Second) // the node is not there any more
		}
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode < 300
}

// start starts a node that knows the steps of the benchmark.
func start(t *testing.T, file string, c node.Config) *node.Node {
	t.Helper()
	settings, err := config.New().Load(config.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	settings.Store = config.Store{Driver: "sqlite", Source: file}
	settings.DataDir = filepath.Join(filepath.Dir(file), "data")
	c.Settings, c.Log = settings, slog.New(slog.DiscardHandler)
	c.Types, c.Runtimes = []spec.Type{bench.AboutTask()}, map[spec.StepType]step.Runtime{bench.TypeTask: new(bench.Tasks)}
	n := node.New(c)
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNode_Stop_Waits has a node stop while the store holds up what follows from the deletion of a workflow.
func TestNode_Stop_Waits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deleted, release := make(chan struct{}), make(chan struct{})
		db := &watched{t: t, hold: func(method string) {
			if method != "Scan" {
				return
			}
			select {
			case <-deleted:
				<-release
			default:
			}
		}}
		n := start(t, filepath.Join(t.TempDir(), "m.db"), node.Config{OpenStore: db.open})
		ask(t, n, "POST", "/api/v3/workflows", `{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`)
		close(deleted)
		ask(t, n, "DELETE", "/api/v3/workflows/w", "")
		stopped := make(chan error, 1)
		go func() { stopped <- n.Stop() }()
		time.Sleep(time.Hour)
		select {
		case <-stopped:
			t.Error("the node has stopped while the store is still asked for the permits of the workflow")
		default:
		}
		close(release)
		if err := <-stopped; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

// ask makes a request that must succeed.
func ask(t *testing.T, n *node.Node, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("user", "tester")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	n.ServeHTTP(w, r)
	if w.Code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Body.String()
}

// others returns the stacks of all goroutines of this bubble but that of the caller and of those that wait for the test.
func others() (stacks []string) {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	all := strings.Split(string(buf), "\n\n")
	bubble := regexp.MustCompile(`synctest bubble \d+`).FindString(all[0])
	for _, s := range all[1:] {
		if head, _, _ := strings.Cut(s, "\n"); strings.Contains(head, bubble+",") || strings.Contains(head, bubble+"]") {
			if !strings.Contains(s, "synctest.testingSynctestTest") && !strings.Contains(s, "synctest.Run") {
				stacks = append(stacks, s)
			}
		}
	}
	return stacks
}

// pipes is a listener without a network, which virtual time would not wait for.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return mine, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
