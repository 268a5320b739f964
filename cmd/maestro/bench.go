package main

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
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// benchRow is one line of a benchmark's result.
type benchRow struct {
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

func newBenchCmd(p *program) *cobra.Command {
	b := &bench{p: p}
	cmd := &cobra.Command{
		Use:     "bench [start|chain|fan|throughput|hop|sleepers|signals|http] [N]",
		Short:   "Measure a server over its API",
		GroupID: groupProgram,
		Long: `Measure a server over its API and print a table. Without --url it starts a
server of its own, a process of this program on a temporary store with fsync on.

  start       open-loop starts of a one-step workflow, --rate per second: from request to durable answer
  chain N     a chain of N steps: from request to observed end
  fan N       N steps side by side and a join: from request to observed end
  hop         from the end of one Task step to the call of the next one's runtime
  throughput  N runs of 5 steps in flight (default 2000): steps per second
  sleepers N  N sleeping steps (default 100000): memory
  signals N   N steps that wait for N/10 signals (default 100000): from an announcement to the end of the ten steps it wakes
  http N      N runs of 5 HTTP steps in flight (default 2000): what the engine adds between two requests, and memory

Without a workload it runs all of them but sleepers, signals and http. --step noop uses steps that
the engine does by itself, --step task steps with an outside effect, whose start
waits for its own durable commit.`,
		Example: `  maestro bench
  maestro bench chain 10 --step task --json
  maestro bench throughput --for 20s --url http://127.0.0.1:8080`,
		Args: args("a workload and its N", 0, 2),
		RunE: func(cmd *cobra.Command, given []string) error { return b.run(cmd.Context(), given) },
	}
	f := cmd.Flags()
	f.StringVar(&b.url, "url", "", "`URL` of the server to measure; default: one of its own")
	f.StringVar(&b.step, "step", "", "`KIND` of step: noop or task; default: both where both make sense")
	f.DurationVar(&b.length, "for", 5*time.Second, "how long each workload runs")
	f.IntVar(&b.rate, "rate", 500, "starts per second of the workload start")
	f.BoolVar(&b.json, "json", false, "print one JSON array")
	f.StringVar(&b.dir, "dir", "", "`DIR` for the store of its own server; default: a temporary one")
	return cmd
}

// bench measures one server.
type bench struct {
	p      *program
	url    string
	step   string
	length time.Duration
	rate   int
	json   bool
	dir    string

	http  *http.Client
	child *exec.Cmd
	rows  []benchRow
	hops  [3]float64 // of the last workload, as the server measured them
	ids   int
}

func (b *bench) run(ctx context.Context, given []string) (err error) {
	b.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512, MaxConnsPerHost: 512}, Timeout: 5 * time.Minute}
	if b.url == "" {
		stop, err := b.startServer(ctx)
		if err != nil {
			return err
		}
		defer stop()
	}
	n := 0
	if len(given) == 2 {
		if n, err = strconv.Atoi(given[1]); err != nil || n < 1 {
			return usagef("N must be a number from 1, not %q", given[1])
		}
	}
	type workload struct {
		name  string
		n     int
		steps []string
		run   func(ctx context.Context, n int, step string) error
	}
	both := []string{"noop", "task"}
	all := []workload{
		{"start", 1, []string{"noop"}, b.starts},
		{"chain", 10, both, b.chain},
		{"hop", 10, []string{"task"}, b.hop},
		{"fan", 100, []string{"noop"}, b.fan},
		{"throughput", 2000, []string{"task"}, b.throughput},
		{"sleepers", 100_000, []string{"sleep"}, b.sleepers},
		{"signals", 100_000, []string{"noop"}, b.signals},
		{"http", 2000, []string{"http"}, b.httpSteps},
	}
	known := false
	for _, w := range all {
		own := w.name == "sleepers" || w.name == "signals" || w.name == "http" // only when asked for, and with steps of its own
		if len(given) == 0 && own || len(given) > 0 && w.name != given[0] {
			continue
		}
		known = true
		if n > 0 {
			w.n = n
		}
		steps := w.steps
		if b.step != "" && w.name != "hop" && !own {
			steps = []string{b.step}
		}
		for _, s := range steps {
			if s != "noop" && s != "task" && s != "sleep" && s != "http" {
				return usagef("--step must be noop or task, not %q", s)
			}
			if err := w.run(ctx, w.n, s); err != nil {
				return fmt.Errorf("bench %s: %w", w.name, err)
			}
		}
	}
	if !known {
		return usagef("there is no workload %q; see maestro bench --help", given[0])
	}
	return b.print()
}

func (b *bench) print() error {
	if b.json {
		enc := json.NewEncoder(b.p.out)
		enc.SetIndent("", "  ")
		return enc.Encode(b.rows)
	}
	w := tabwriter.NewWriter(b.p.out, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tn\tstep\tp50 ms\tp99 ms\tmax ms\tper s\tcommits/step\tstatements/step\tbytes/step\tpeak RSS MB\t")
	for _, r := range b.rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%.2f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t\n",
			r.Workload, r.N, r.Step, r.P50, r.P99, r.Max, r.PerSecond, r.CommitsStep, r.StatementStep, r.BytesStep, r.PeakRSS)
	}
	return w.Flush()
}

// startServer runs a server of its own and waits until it answers.
func (b *bench) startServer(ctx context.Context) (stop func(), err error) {
	dir := b.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "maestro-bench-"); err != nil {
			return nil, err
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b.child = exec.CommandContext(ctx, exe, "server", "--listen", "127.0.0.1:0", "--store", "sqlite:"+filepath.Join(dir, "bench.db"),
		"--engine-queue-limit", "1000000", "--engine-max-runs-in-memory", "1000000",
		"--http-allow", "127.0.0.1", "--http-max-in-flight", "10000")
	b.child.Cancel = func() error { return b.child.Process.Signal(syscall.SIGTERM) }
	logs, err := b.child.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := b.child.Start(); err != nil {
		return nil, fmt.Errorf("start the server to be measured: %w", err)
	}
	stop = func() {
		_ = b.child.Process.Signal(syscall.SIGTERM)
		_ = b.child.Wait()
		if b.dir == "" {
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
	go func() { _, _ = io.Copy(io.Discard, logs) }()
	return stop, nil
}

// stats reads the server's totals.
func (b *bench) stats(ctx context.Context) (s nodeStats, err error) {
	err = b.call(ctx, http.MethodGet, "/api/v3/stats", "", &s)
	return s, err
}

// call makes one request and reads its answer.
func (b *bench) call(ctx context.Context, method, path, body string, into any) error {
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
func (b *bench) row(ctx context.Context, workload string, n int, step string, took []time.Duration, elapsed time.Duration, per float64, before nodeStats) error {
	after, err := b.stats(ctx)
	if err != nil {
		return err
	}
	b.hops = after.Hops
	steps := float64(after.StepsEnded - before.StepsEnded)
	if steps == 0 {
		steps = per // a workload whose steps do not end
	}
	r := benchRow{
		Workload: workload, N: n, Step: step, Store: after.Store, PerSecond: per / elapsed.Seconds(),
		CommitsStep:   float64(after.Commits-before.Commits) / steps,
		StatementStep: float64(after.Statements-before.Statements) / steps,
		BytesStep:     float64(after.StoreBytes-before.StoreBytes) / steps,
		PeakRSS:       b.peakRSS(),
	}
	if len(took) > 0 {
		slices.Sort(took)
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		r.P50, r.P99, r.Max = ms(took[len(took)/2]), ms(took[len(took)*99/100]), ms(took[len(took)-1])
	}
	b.rows = append(b.rows, r)
	return nil
}

// peakRSS returns the highest memory use of the server of its own, in megabytes, 0 where it is not known.
func (b *bench) peakRSS() float64 { return b.memory("VmHWM:") }

// rss returns the present memory use of the server of its own, in megabytes, 0 where it is not known.
func (b *bench) rss() float64 { return b.memory("VmRSS:") }

// memory returns what the system says about the memory of the server of its own, in megabytes.
func (b *bench) memory(what string) float64 {
	if b.child == nil {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.child.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, what); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
