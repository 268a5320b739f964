package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestListensOnLoopback checks where a server can be reached, and that it warns when that is everywhere.
func TestListensOnLoopback(t *testing.T) {
	t.Parallel()
	p := spawn(t, t.TempDir(), nil, "server")
	p.says(`(serving url=http://|listen on )127\.0\.0\.1:8080`) // somebody else may have the port
	if strings.Contains(p.errs.String(), "level=WARN") {
		t.Error("warns although it is on loopback only")
	}
	p.kill()

	p = spawn(t, t.TempDir(), nil, "server", "--listen", ":0")
	p.says(`level=WARN msg="the server can be reached from other machines, and there is no authentication`)
	p.says(`msg=serving`)
}

// TestStartUp logs how long it takes until the server answers, on an empty store and on one with history.
func TestStartUp(t *testing.T) {
	t.Parallel()
	d := serve(t)
	empty := d.says(`ready_after=(\S+)`)[1]
	d.push(oneStep)
	for range 50 {
		d.begin("demo")
	}
	d.stop()
	began := time.Now()
	d.start()
	d.call("GET", "/actuator/health", "")
	t.Logf("ready after %s on an empty store, %s with history; process to first answer %s", empty,
		d.says(`ready_after=(\S+)`)[1], time.Since(began).Round(time.Millisecond))
}

const shellStep = `{"properties":{"owner":"tester","run_strategy":{"rule":"PARALLEL","workflow_concurrency":100}},
	"workflow":{"id":"%s","steps":[%s]}}`

// shellJob returns a step that runs a script once, and its successor.
func shellJob(id, text, next string) string {
	successors := ""
	if next != "" {
		successors = fmt.Sprintf(`"transition":{"successors":{%q:"true"}},`, next)
	}
	return fmt.Sprintf(`{"step":{"id":%q,"type":"Shell",%s"retry_policy":{"error_retry_limit":0},
		"params":{"shell":{"type":"STRING_MAP","value":{"script":%q}}}}}`, id, successors, text)
}

// TestStopUnderLoad stops the server while clients start runs. What it answered with success is there after the next
// start and runs to its end.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(fmt.Sprintf(shellStep, "load", `{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},`+
		`{"step":{"id":"b","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}},"transition":{"successors":{"c":"true"}}}},{"step":{"id":"c","type":"NoOp"}}`))
	d.push(fmt.Sprintf(shellStep, "work", shellJob("s", "sleep 1; echo done", "")))
	var (
		mu       sync.Mutex
		accepted = map[string]bool{}
		refused  atomic.Int64
		clients  sync.WaitGroup
		over     = make(chan struct{})
	)
	for i := range 8 {
		name := "load"
		if i == 0 {
			name = "work"
		}
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				got, err := d.try("POST", "/api/v3/workflows/"+name+"/versions/active/actions/start", "application/json",
					strings.NewReader(`{"initiator":{"type":"manual"}}`))
				if err != nil || got.status != 200 {
					refused.Add(1)
					time.Sleep(5 * time.Millisecond)
					continue
				}
				mu.Lock()
				accepted[fmt.Sprintf("%s/%.0f", name, got.json("workflow_instance_id"))] = true
				mu.Unlock()
			}
		})
	}
	eventually(t, "there is load", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(accepted) > 100
	})
	d.stop()
	close(over)
	clients.Wait()
	t.Logf("%d starts were accepted, %d refused", len(accepted), refused.Load())

	d.start()
	for run := range accepted {
		name, n, _ := strings.Cut(run, "/")
		status := ""
		eventually(t, run+" ends", func() bool {
			got := d.call("GET", "/api/v3/workflows/"+name+"/instances/"+n, "")
			if got.status != 200 {
				t.Fatalf("%s was accepted: %d %s", run, got.status, got.body)
			}
			status, _ = got.json("status").(string)
			return status != "IN_PROGRESS" && status != "CREATED"
		})
		if status != "SUCCEEDED" {
			t.Errorf("%s is %s", run, status)
		}
	}
	d.stop()
}

// TestStopsDespiteSlowClients: a request that never ends and a stream that has nothing to say do not keep the server.
func TestStopsDespiteSlowClients(t *testing.T) {
	t.Parallel()
	d := serve(t, "--engine-shutdown-timeout", "1s")
	d.push(fmt.Sprintf(shellStep, "wait", shellJob("s", "sleep 30", "")))
	d.begin("wait")
	hang(t, d, "GET /api/v3/workflows/wait/instances/1/events HTTP/1.1\r\nHost: x\r\n\r\n")
	hang(t, d, "POST /api/v3/workflows HTTP/1.1\r\nHost: x\r\nuser: t\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	d.stop()
	wants(t, d.errs.String(), "requests were cut off")

	d.start() // the process is still there, and stops when asked
	if got := d.status("wait", 1); got != "IN_PROGRESS" {
		t.Errorf("the run is %s", got)
	}
	d.call("PUT", "/api/v3/workflows/wait/instances/1/actions/stop", "")
	if got := d.ends("wait", 1); got != "STOPPED" {
		t.Error(got)
	}
}

// TestSecondInterrupt: the first one stops in order, the second one at once, and nothing is lost by that.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	d := serve(t, "--engine-shutdown-timeout", "60s")
	d.push(oneStep)
	n := d.begin("demo")
	hang(t, d, "POST /api/v3/workflows HTTP/1.1\r\nHost: x\r\nuser: t\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	d.signal(syscall.SIGINT)
	d.says(`msg=stopping`)
	eventually(t, "the second one ends it", func() bool { // it may come before the first has been taken note of
		d.signal(syscall.SIGINT)
		select {
		case <-d.done:
			return true
		case <-time.After(50 * time.Millisecond):
			return false
		}
	})
	if code := d.wait(); code == 0 {
		t.Error("the second interrupt left with exit code 0")
	}
	d.start()
	if got := d.ends("demo", n); got != "SUCCEEDED" {
		t.Error(got)
	}
	d.stop()
}

// hang sends the beginning of a request, and waits until the server has taken it up.
func hang(t *testing.T, d *daemon, text string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	_, _ = c.Read(make([]byte, 1))
}

// TestKilledServer kills the server while a process runs, a step sleeps, and one waits to be tried again. The next server
// takes all of them up where they were: the process is found again, with its exit code, and was started once.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	d := serve(t)
	count := filepath.Join(d.dir, "count")
	d.push(fmt.Sprintf(shellStep, "good", shellJob("s", "echo started >>"+count+"; sleep 2; echo finished >>"+count+"; echo done", "")))
	d.push(fmt.Sprintf(shellStep, "bad", shellJob("s", "echo started >>"+count+"; sleep 2; echo finished >>"+count+"; exit 7", "")))
	// Ends while there is no server.
	d.push(fmt.Sprintf(shellStep, "short", shellJob("s", "echo started >>"+count+"; sleep 0.7; echo finished >>"+count+"; exit 5", "")))
	d.push(fmt.Sprintf(shellStep, "sleep", `{"step":{"id":"s","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":2}}}}`))
	tried := filepath.Join(d.dir, "tried")
	d.push(fmt.Sprintf(shellStep, "retry", `{"step":{"id":"s","type":"Shell","retry_policy":{"error_retry_limit":2,
		"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":2}},
		"params":{"shell":{"type":"STRING_MAP","value":{"script":"echo x >>`+tried+`; test $$(wc -l <`+tried+`) -ge 2"}}}}}`))
	for _, w := range []string{"good", "bad", "short", "sleep", "retry"} {
		d.begin(w)
	}
	lines := func(path, text string) int {
		b, _ := os.ReadFile(path)
		return strings.Count(string(b), text+"\n")
	}
	eventually(t, "the processes run", func() bool { return lines(count, "started") == 3 && lines(tried, "x") == 1 })
	step := func(w string) string {
		s, _ := d.call("GET", "/api/v3/workflows/"+w+"/instances/1/steps/s", "").json("runtime_state", "status").(string)
		return s
	}
	eventually(t, "the first try has failed", func() bool { return step("retry") == "USER_FAILED" })
	eventually(t, "the processes are known to run", func() bool {
		return step("good") == "RUNNING" && step("bad") == "RUNNING" && step("short") == "RUNNING"
	})
	d.kill()
	eventually(t, "the short process ends by itself", func() bool { return lines(count, "finished") >= 1 })
	d.start()
	for w, want := range map[string]string{"good": "SUCCEEDED", "bad": "FAILED", "short": "FAILED", "sleep": "SUCCEEDED", "retry": "SUCCEEDED"} {
		if got := d.ends(w, 1); got != want {
			t.Errorf("%s: got %s, want %s", w, got, want)
		}
	}
	if s, f, x := lines(count, "started"), lines(count, "finished"), lines(tried, "x"); s != 3 || f != 3 || x != 2 {
		t.Errorf("processes were started %d times and finished %d times, want 3; tried %d times, want 2", s, f, x)
	}
	for w, want := range map[string]string{"bad": "exit code 7", "short": "exit code 5"} {
		out, _, _ := d.cli("get", w+"/1/s")
		wants(t, out, want)
	}
	out, _, _ := d.cli("logs", "good/1/s")
	if out != "done\n" {
		t.Errorf("got the log %q", out)
	}
	d.stop()
}
