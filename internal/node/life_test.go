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

// TestNode_Cycles starts and stops nodes on one file, over a real network and in real time, while clients are at work: they change definitions, start runs and
// stop them, announce signals, follow events, and delete workflows. When a node has stopped, none of its goroutines is left,
// and it does not come back to its store, whose calls take a while.
func TestNode_Cycles(t *testing.T) {
	cycles := 12
	if testing.Short() {
		cycles = 5
	}
	file := filepath.Join(t.TempDir(), "m.db")
	total := make([]int64, kinds)
	for n := range cycles {
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
}

// cycle is the life of one node, which stops in the midst of work once enough requests have succeeded. It returns how many
// of each kind have.
func cycle(t *testing.T, file string, enough int64) []int64 {
	db := &watched{t: t, hold: func(string) {
		for range rand.IntN(100) {
			runtime.Gosched()
		}
	}}
	n := start(t, file, node.Config{OpenStore: db.open})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Serve(l); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	}}}
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
	for _, stack := range left() {
		t.Errorf("a goroutine is left:\n%s", stack)
	}
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
		ctx, cancel = context.WithTimeout(ctx, 20*time.Millisecond) // it has no end but that of the client or of the node
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

// TestNode_Stop_Waits has a node stop while the store holds up what nobody asks for at that moment: the permits of a
// workflow that was deleted, and what earlier deletions have left.
func TestNode_Stop_Waits(t *testing.T) {
	for method, held := range map[string]string{"Scan": "after the deletion", "Purge": "from the start"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hold, release := make(chan struct{}), make(chan struct{})
				db := &watched{t: t, hold: func(called string) {
					if called != method {
						return
					}
					select {
					case <-hold:
						<-release
					default:
					}
				}}
				if held == "from the start" {
					close(hold)
				}
				n := start(t, filepath.Join(t.TempDir(), "m.db"), node.Config{OpenStore: db.open})
				ask(t, n, "POST", "/api/v3/workflows", `{"properties":{"owner":"tester"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`)
				if held != "from the start" {
					close(hold)
				}
				ask(t, n, "DELETE", "/api/v3/workflows/w", "")
				stopped := make(chan error, 1)
				go func() { stopped <- n.Stop() }()
				time.Sleep(time.Hour)
				select {
				case <-stopped:
					t.Errorf("the node has stopped while %s is under way", method)
				default:
				}
				close(release)
				if err := <-stopped; err != nil {
					t.Errorf("stop: %v", err)
				}
			})
		})
	}
}

// ask makes a request that must succeed.
func ask(t *testing.T, n *node.Node, method, path, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("user", "tester")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	n.ServeHTTP(w, r)
	if w.Code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
}

// left returns the stacks of goroutines of the program, except for that of the test. One that has been waited for may be
// at its last instruction, so it looks more than once.
func left() (stacks []string) {
	for range 5000 {
		buf := make([]byte, 1<<20)
		buf = buf[:runtime.Stack(buf, true)]
		stacks = nil
		for i, s := range strings.Split(string(buf), "\n\n") {
			if i > 0 && strings.Contains(s, "maestro/internal/") && !strings.Contains(s, "created by testing.") {
				stacks = append(stacks, s)
			}
		}
		if len(stacks) == 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return stacks
}
