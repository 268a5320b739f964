package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"maestro/client"
	judge "maestro/internal/checker"
)

// TestKill builds the program, runs a server on a file, has clients start and stop runs, and kills the server with
// SIGKILL at some moment, again and again. In the end every run must finish, and the checker, a program that shares
// nothing with the server but the store, must find every acknowledged start, every journal legal, and every row equal to
// its journal. MAESTRO_KILLS says how often the server is killed, MAESTRO_SEED when.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a real server again and again")
	}
	kills, seed := setting(t, "MAESTRO_KILLS", 12), setting(t, "MAESTRO_SEED", time.Now().UnixNano()%1_000_000)
	t.Logf("%d kills; for the same moments: MAESTRO_SEED=%d", kills, seed)
	dir := t.TempDir()
	tool := func(pkg string) string {
		out := filepath.Join(dir, filepath.Base(pkg)+".exe")
		if text, err := exec.CommandContext(t.Context(), "go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", pkg, err, text)
		}
		return out
	}
	k := &torture{
		t: t, program: tool("maestro/cmd/maestro"), store: filepath.Join(dir, "m.db"), acks: filepath.Join(dir, "acks"),
		r: rand.New(rand.NewPCG(uint64(seed), 1)),
	}
	f, err := os.Create(k.acks)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k.out = json.NewEncoder(f)

	k.serve()
	k.push()
	for range kills {
		k.round(time.Duration(50+k.r.IntN(600)) * time.Millisecond)
	}
	k.finish(time.Minute)
	text, err := exec.CommandContext(t.Context(), tool("maestro/cmd/checker"), "-store", k.store, "-acks", k.acks).CombinedOutput()
	t.Logf("%d starts tried, %d stops acknowledged\n%s", k.tried.Load(), len(k.stopped), text)
	if err != nil {
		t.Errorf("checker: %v", err)
	}
	if k.acked == 0 {
		t.Error("no start was ever acknowledged")
	}
}

func setting(t *testing.T, env string, or int64) int64 {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return or
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	return n
}

// torture is a server that is killed, and its clients.
type torture struct {
	t                    *testing.T
	program, store, acks string
	r                    *rand.Rand

	server *exec.Cmd
	client *client.Client
	tried  atomic.Int64

	mu      sync.Mutex
	out     *json.Encoder
	acked   int
	last    []client.RunRef
	stopped []client.RunRef // acknowledged
}

var served = regexp.MustCompile(`url=(http://[0-9.:]+)`)

// serve starts the server and waits until it serves.
func (k *torture) serve() {
	k.t.Helper()
	k.server = exec.CommandContext(k.t.Context(), k.program, "bench", "server", "--listen", "127.0.0.1:0", "--store", "sqlite:"+k.store, "--shell-enabled", "--log-level", "info")
	k.server.Dir = filepath.Dir(k.store)
	stderr, err := k.server.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := k.server.Start(); err != nil {
		k.t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	var log []string
	for lines.Scan() {
		log = append(log, lines.Text())
		m := served.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		if k.client, err = client.New(m[1], client.WithUser("torture"), client.WithTimeout(5*time.Second)); err != nil {
			k.t.Fatal(err)
		}
		go func() {
			for lines.Scan() {
				if text := lines.Text(); strings.Contains(text, "level=ERROR") || strings.Contains(text, "panic") {
					k.t.Error("server: " + text)
				}
			}
		}()
		return
	}
	k.t.Fatalf("the server does not come up:\n%s", strings.Join(log, "\n"))
}

// flows are what is run: chains, fans, waits, one run at a time, newest only, and processes that fail and are tried again.
var flows = map[string]string{
	"chain": `{"properties":{"owner":"torture","run_strategy":1000,"step_concurrency":8},"workflow":{"id":"chain","steps":[
		{"step":{"id":"a","type":"Task","transition":{"successors":{"b":"true"}}}},
		{"step":{"id":"b","type":"NoOp","transition":{"successors":{"c":"b__step_id == 'b'","e":"false"}}}},
		{"step":{"id":"c","type":"Task","transition":{"successors":{"d":"true"}}}},
		{"step":{"id":"d","type":"Task"}},{"step":{"id":"e","type":"Task"}}]}}`,
	"fan": `{"properties":{"owner":"torture","run_strategy":1000},"workflow":{"id":"fan","steps":[
		{"step":{"id":"a","type":"Task","transition":{"successors":{"b":"true","c":"true","d":"true"}}}},
		{"step":{"id":"b","type":"Task","transition":{"successors":{"e":"true"}}}},
		{"step":{"id":"c","type":"Task","transition":{"successors":{"e":"true"}}}},
		{"step":{"id":"d","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}},"transition":{"successors":{"e":"true"}}}},
		{"step":{"id":"e","type":"Task"}}]}}`,
	"one": `{"properties":{"owner":"torture","run_strategy":"sequential"},"workflow":{"id":"one","steps":[
		{"step":{"id":"a","type":"Task","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"Task"}}]}}`,
	"last": `{"properties":{"owner":"torture","run_strategy":"last_only"},"workflow":{"id":"last","steps":[
		{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}},"transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"Task"}}]}}`,
	"retry": `{"properties":{"owner":"torture","run_strategy":4},"workflow":{"id":"retry","steps":[
		{"step":{"id":"a","type":"Shell","params":{"script":{"type":"STRING","value":"exit 1"}},
		"retry_policy":{"error_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":1}}}}]}}`,
}

func (k *torture) push() {
	k.t.Helper()
	for id, text := range flows {
		if _, err := k.client.Push(k.t.Context(), client.JSON, []byte(text)); err != nil {
			k.t.Fatalf("push %s: %v", id, err)
		}
	}
}

// round lets clients work for a while, kills the server and starts it again.
func (k *torture) round(d time.Duration) {
	ctx, cancel := context.WithCancel(k.t.Context())
	var clients sync.WaitGroup
	for n := range 6 {
		r := rand.New(rand.NewPCG(k.r.Uint64(), uint64(n)))
		clients.Go(func() { k.work(ctx, r) })
	}
	time.Sleep(d)
	_ = k.server.Process.Kill()
	_ = k.server.Wait()
	cancel()
	clients.Wait()
	k.serve()
}

// work starts and stops runs until ctx ends, and writes down what was acknowledged.
func (k *torture) work(ctx context.Context, r *rand.Rand) {
	names := []string{"chain", "chain", "chain", "fan", "fan", "one", "last"}
	for ctx.Err() == nil {
		flow := names[r.IntN(len(names))]
		if r.IntN(60) == 0 {
			flow = "retry"
		}
		var req client.StartRequest
		if r.IntN(2) == 0 {
			req.RequestID = fmt.Sprintf("%08x-%04x-4000-8000-%012x", r.Uint32(), r.Uint32()&0xffff, r.Uint64()&0xffffffffffff)
		}
		k.tried.Add(1)
		got, err := k.client.Start(ctx, flow, req)
		if err != nil && req.RequestID != "" && ctx.Err() == nil { // as clients do
			got, err = k.client.Start(ctx, flow, req)
		}
		if err != nil {
			k.expected(err)
			time.Sleep(time.Millisecond)
			continue
		}
		k.ack(got)
		if r.IntN(10) == 0 {
			k.stop(ctx, r)
		}
	}
}

// expected fails the test when a request failed for another reason than that the server was killed or is busy.
func (k *torture) expected(err error) {
	var refused *client.Error
	if errors.As(err, &refused) && refused.HTTP != http.StatusTooManyRequests {
		k.t.Errorf("start: %v", err)
	}
}

func (k *torture) ack(got *client.StartResult) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a := judge.Ack{Workflow: got.WorkflowID, Instance: got.Instance, Run: got.Run, UUID: got.UUID}
	if err := k.out.Encode(a); err != nil {
		k.t.Error(err)
	}
	k.acked++
	if got.Instance > 0 {
		k.last = append(k.last, got.Ref())
	}
}

// stop stops a run that was started some time ago.
func (k *torture) stop(ctx context.Context, r *rand.Rand) {
	k.mu.Lock()
	if len(k.last) == 0 {
		k.mu.Unlock()
		return
	}
	ref := k.last[r.IntN(len(k.last))]
	k.mu.Unlock()
	if _, err := k.client.Stop(ctx, ref); err == nil {
		k.mu.Lock()
		k.stopped = append(k.stopped, ref)
		k.mu.Unlock()
	}
}

// finish waits until every run has ended, and stops the server in peace.
func (k *torture) finish(within time.Duration) {
	k.t.Helper()
	late := time.Now().Add(within)
	for flow := range flows {
		for {
			live, err := k.live(flow)
			if err == nil && live == 0 {
				break
			}
			if time.Now().After(late) {
				k.t.Errorf("after %s, %d runs of %s have not ended (%v)", within, live, flow, err)
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	if err := k.server.Process.Signal(syscall.SIGTERM); err != nil {
		k.t.Error(err)
	}
	if err := k.server.Wait(); err != nil {
		k.t.Errorf("the server ends with %v", err)
	}
}

// live counts the runs of a workflow that have not ended.
func (k *torture) live(flow string) (n int64, err error) {
	o, err := k.client.Overview(k.t.Context(), flow)
	if err != nil {
		return 0, err
	}
	for _, count := range o.Nonterminal {
		n += count
	}
	return n, nil
}
