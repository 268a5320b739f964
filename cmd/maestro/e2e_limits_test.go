package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// probe asks for the health of a server again and again until stop is called, which tells how often it was answered and
// what took longest.
func (d *daemon) probe(paths ...string) (stop func() (answered int64, longest time.Duration)) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var n atomic.Int64
	var longest time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ctx.Err() == nil; i++ {
			<-tick.C
			began := time.Now()
			// Each time a new connection, as a load balancer and the kubelet make one.
			c := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := c.Get(d.url + paths[i%len(paths)])
			if err != nil {
				d.t.Errorf("health: %v", err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode != 200 {
				d.t.Errorf("health: %s", resp.Status)
				return
			}
			n.Add(1)
			longest = max(longest, time.Since(began))
		}
	}()
	return func() (int64, time.Duration) {
		cancel()
		<-done
		return n.Load(), longest
	}
}

// TestBodiesAtOnce sends many large bodies at once, of which each costs a hundred times its size. The server takes them
// in turn, answers all of them, and its memory and its health hold.
func TestBodiesAtOnce(t *testing.T) {
	d := serve(t)
	zeros := "[" + strings.Repeat("0,", 379_999) + "0]"
	for name, load := range map[string]struct {
		n, want          int
		path, kind, body string
	}{
		"JSON":   {50, 400, "/api/v3/workflows", "application/json", `{"workflow":` + zeros + `}`},
		"start":  {50, 404, "/api/v3/workflows/demo/versions/active/actions/start", "application/json", `{"initiator":{"type":"manual"},"run_params":{"p":{"type":"LONG_ARRAY","value":` + zeros + `}}}`},
		"signal": {50, 400, "/api/v3/signals", "application/json", `{"name":"s","params":` + zeros + `}`},
		"output": {50, 400, "/api/v3/output-data", "application/json", `{"external_job_id":"j","external_job_type":"Shell","params":{"p":` + zeros + `}}`},
		"YAML":   {20, 400, "/api/v3/workflows/yaml", "application/yaml", "Workflow:\n" + strings.Repeat("- 0\n", 425_000)},
	} {
		t.Run(name, func(t *testing.T) {
			stop := d.probe("/readyz", "/healthz", "/api/v3/health", "/actuator/health")
			var all sync.WaitGroup
			var codes sync.Map
			for range load.n {
				all.Go(func() {
					r, err := d.try("POST", load.path, load.kind, strings.NewReader(load.body))
					if load.path == "/api/v3/output-data" {
						r, err = d.try("PUT", load.path, load.kind, strings.NewReader(load.body))
					}
					if err != nil {
						t.Error(err)
						return
					}
					n, _ := codes.LoadOrStore(r.status, new(atomic.Int64))
					n.(*atomic.Int64).Add(1)
					if r.status != load.want && r.status != 503 {
						t.Errorf("got %d %.200s", r.status, r.body)
					}
				})
			}
			all.Wait()
			answered, longest := stop()
			_, peak := d.memory()
			told := ""
			codes.Range(func(code, n any) bool {
				told += fmt.Sprintf("%v: %d, ", code, n.(*atomic.Int64).Load())
				return true
			})
			t.Logf("%speak %d MB; health answered %d times, the longest took %s", told, peak>>20, answered, longest.Round(time.Millisecond))
			if peak > 400<<20 {
				t.Errorf("the server took %d MB", peak>>20)
			}
			if answered == 0 {
				t.Error("health was not answered")
			}
		})
	}
}

// TestClientsThatStall fills a server with clients that send a byte now and then, or read nothing. They are cut off, and
// health is answered all the while.
func TestClientsThatStall(t *testing.T) {
	t.Parallel()
	d := serve(t, "--limits-stall", "1s", "--limits-connections", "40")
	stop := d.probe("/readyz", "/api/v3/health")
	addr := strings.TrimPrefix(d.url, "http://")
	var all sync.WaitGroup
	for i := range 120 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		head := [...]string{
			"POST /api/v3/workflows HTTP/1.1\r\nHost: x\r\nuser: t\r\nContent-Length: 100000\r\n\r\n",
			"POST /api/v3/workflows/yaml HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
			"GET /api/v3/workflows/instances/action-map HTTP/1.1\r\n",
			"",
		}[i%4]
		_, _ = io.WriteString(c, head)
		all.Go(func() {
			defer c.Close()
			read := make(chan struct{})
			go func() {
				defer close(read)
				_, _ = io.Copy(io.Discard, c)
			}()
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for range 2000 { // 40 s
				select {
				case <-read:
					return
				case <-tick.C:
					if _, err := io.WriteString(c, " "); err != nil {
						return
					}
				}
			}
			t.Errorf("still open: %q", head)
		})
	}
	all.Wait()
	answered, longest := stop()
	t.Logf("health answered %d times, the longest took %s", answered, longest.Round(time.Millisecond))
	if answered == 0 {
		t.Error("health was not answered")
	}
}
