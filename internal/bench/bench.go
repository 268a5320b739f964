// Package bench measures a server over its API, as clients see it. It also has the step type that it measures with, and
// which servers know only when they are started to be measured.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"maestro/internal/node"
)

// Row is one line of a benchmark's result.
type Row struct {
	Workload      string  `json:"workload"`
	N             int     `json:"n"`
	Step          string  `json:"step"`
	Store         string  `json:"store"`
	P50           float64 `json:"p50_ms"`
	P99           float64 `json:"p99_ms"`
	Max           float64 `json:"max_ms"`
	PerSecond     float64 `json:"per_second"`
	CommitsStep   float64 `json:"commits_per_step"`
	StatementStep float64 `json:"statements_per_step"`
	BytesStep     float64 `json:"bytes_per_step"`
	PeakRSS       float64 `json:"peak_rss_mb"`
}

// Config says what is measured, and how.
type Config struct {
	URL    string        // of the server; empty: one of its own
	Server []string      // command line of a server that knows TypeTask, to which settings are added; for one of its own
	Dir    string        // of the store of its own server; empty: a temporary one
	Step   string        // kind of step: noop or task; empty: both where both make sense
	Length time.Duration // of each workload
	Rate   int           // starts per second of the workload start
	Note   func(format string, args ...any)
}

// Bench measures one server.
type Bench struct {
	cfg   Config
	url   string
	http  *http.Client
	child *exec.Cmd
	rows  []Row
	ids   int
}

// New returns a benchmark of what cfg names.
func New(cfg Config) *Bench {
	return &Bench{cfg: cfg, url: cfg.URL, http: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, MaxConnsPerHost: 512}, Timeout: 5 * time.Minute,
	}}
}

// workload is one thing to measure.
type workload struct {
	name  string
	n     int
	steps []string // kinds
	asked bool     // only runs when it is asked for, and with steps of its own
	run   func(b *Bench, ctx context.Context, n int, step string) error
}

func workloads() []workload {
	both := []string{"noop", "task"}
	return []workload{
		{name: "start", n: 1, steps: []string{"noop"}, run: (*Bench).starts},
		{name: "chain", n: 10, steps: both, run: (*Bench).chain},
		{name: "hop", n: 10, steps: []string{"task"}, run: (*Bench).hop},
		{name: "fan", n: 100, steps: []string{"noop"}, run: (*Bench).fan},
		{name: "throughput", n: 2000, steps: []string{"task"}, run: (*Bench).throughput},
		{name: "sleepers", n: 100_000, steps: []string{"sleep"}, asked: true, run: (*Bench).sleepers},
		{name: "signals", n: 100_000, steps: []string{"noop"}, asked: true, run: (*Bench).signals},
		{name: "http", n: 2000, steps: []string{"http"}, asked: true, run: (*Bench).httpSteps},
	}
}

// Check says what is wrong with a workload, empty for all, or with the configuration.
func (b *Bench) Check(name string) error {
	if s := b.cfg.Step; s != "" && s != "noop" && s != "task" {
		return fmt.Errorf("--step must be noop or task, not %q", s)
	}
	if b.cfg.Rate < 1 {
		return fmt.Errorf("--rate must be at least 1, not %d", b.cfg.Rate)
	}
	known := func(w workload) bool { return w.name == name }
	if name != "" && !slices.ContainsFunc(workloads(), known) {
		return fmt.Errorf("there is no workload %q; see maestro bench --help", name)
	}
	return nil
}

// Run measures a workload of size n, or all of them when name is empty; n 0 is the usual size.
func (b *Bench) Run(ctx context.Context, name string, n int) ([]Row, error) {
	defer b.http.CloseIdleConnections()
	if b.url == "" {
		stop, err := b.startServer(ctx)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	for _, w := range workloads() {
		if name == "" && w.asked || name != "" && w.name != name {
			continue
		}
		if n > 0 {
			w.n = n
		}
		if b.cfg.Step != "" && w.name != "hop" && !w.asked {
			w.steps = []string{b.cfg.Step}
		}
		for _, kind := range w.steps {
			if err := w.run(b, ctx, w.n, kind); err != nil {
				return nil, fmt.Errorf("bench %s: %w", w.name, err)
			}
		}
	}
	return b.rows, nil
}

// startServer runs a server of its own and waits until it answers.
func (b *Bench) startServer(ctx context.Context) (stop func(), err error) {
	dir := b.cfg.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "maestro-bench-"); err != nil {
			return nil, err
		}
	}
	args := append(slices.Clone(b.cfg.Server[1:]), "--listen", "127.0.0.1:0", "--store", "sqlite:"+filepath.Join(dir, "bench.db"),
		"--engine-queue-limit", "1000000", "--engine-max-runs-in-memory", "1000000",
		"--http-allow", "127.0.0.1", "--http-max-in-flight", "10000")
	b.child = exec.CommandContext(ctx, b.cfg.Server[0], args...)
	b.child.Cancel = func() error { return b.child.Process.Signal(syscall.SIGTERM) }
	logs, err := b.child.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := b.child.Start(); err != nil {
		return nil, fmt.Errorf("start the server to be measured: %w", err)
	}
	var drain sync.WaitGroup
	stop = func() {
		_ = b.child.Process.Signal(syscall.SIGTERM)
		drain.Wait()
		_ = b.child.Wait()
		if b.cfg.Dir == "" {
			_ = os.RemoveAll(dir)
		}
	}
	line := make([]byte, 4096)
	n, _ := logs.Read(line)
	_, rest, ok := strings.Cut(string(line[:n]), "url=")
	if !ok {
		stop()
		return nil, fmt.Errorf("the server to be measured did not start: %s", line[:n])
	}
	b.url = strings.Fields(rest)[0]
	drain.Go(func() { _, _ = io.Copy(io.Discard, logs) }) // until the server ends
	return stop, nil
}

// stats reads the server's totals.
func (b *Bench) stats(ctx context.Context) (s node.Stats, err error) {
	err = b.call(ctx, http.MethodGet, "/api/v3/stats", "", &s)
	return s, err
}

// call makes one request and reads its answer.
func (b *Bench) call(ctx context.Context, method, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("user", "bench")
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s answered %s: %.300s", method, path, resp.Status, data)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(data, into)
}

// row adds a result. steps is how many steps ended between before and now.
func (b *Bench) row(ctx context.Context, workload string, n int, step string, took []time.Duration, elapsed time.Duration, per float64, before node.Stats) error {
	after, err := b.stats(ctx)
	if err != nil {
		return err
	}
	steps := float64(after.StepsEnded - before.StepsEnded)
	if steps == 0 {
		steps = per // a workload whose steps do not end
	}
	r := Row{
		Workload: workload, N: n, Step: step, Store: after.Store, PerSecond: per / elapsed.Seconds(),
		CommitsStep:   float64(after.Commits-before.Commits) / steps,
		StatementStep: float64(after.Statements-before.Statements) / steps,
		BytesStep:     float64(after.StoreBytes-before.StoreBytes) / steps,
		PeakRSS:       b.peakRSS(),
	}
	if len(took) > 0 {
		slices.Sort(took)
		r.P50, r.P99, r.Max = millis(took[len(took)/2]), millis(took[len(took)*99/100]), millis(took[len(took)-1])
	}
	b.rows = append(b.rows, r)
	return nil
}

// hops reads what the server has measured of its Task steps since it was asked before.
func (b *Bench) hops(ctx context.Context) (h Hops, err error) {
	err = b.call(ctx, http.MethodGet, hopsPath, "", &h)
	return h, err
}

// peakRSS returns the highest memory use of the server of its own, in megabytes, 0 where it is not known.
func (b *Bench) peakRSS() float64 { return b.memory("VmHWM:") }

// rss returns the present one.
func (b *Bench) rss() float64 { return b.memory("VmRSS:") }

// memory reads a line of /proc/PID/status.
func (b *Bench) memory(name string) float64 {
	if b.child == nil {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.child.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
