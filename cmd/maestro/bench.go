package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"maestro/internal/bench"
	"maestro/internal/config"
	"maestro/internal/node"
	"maestro/internal/step"
	"maestro/spec"
)

func newBenchCmd(p *program) *cobra.Command {
	var (
		cfg    bench.Config
		asJSON bool
	)
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
waits for its own durable commit. Only a server that is started with "maestro
bench server" knows the latter.`,
		Example: `  maestro bench
  maestro bench chain 10 --step task --json
  maestro bench server --listen 127.0.0.1:8080 --store sqlite:bench.db
  maestro bench throughput --for 20s --url http://127.0.0.1:8080`,
		Args: args("a workload and its N", 0, 2),
		RunE: func(cmd *cobra.Command, given []string) error { return p.bench(cmd.Context(), cfg, given, asJSON) },
	}
	f := cmd.Flags()
	f.StringVar(&cfg.URL, "url", "", "`URL` of the server to measure; default: one of its own")
	f.StringVar(&cfg.Step, "step", "", "`KIND` of step: noop or task; default: both where both make sense")
	f.DurationVar(&cfg.Length, "for", 5*time.Second, "how long each workload runs")
	f.IntVar(&cfg.Rate, "rate", 500, "starts per second of the workload start")
	f.BoolVar(&asJSON, "json", false, "print one JSON array")
	f.StringVar(&cfg.Dir, "dir", "", "`DIR` for the store of its own server; default: a temporary one")
	cmd.AddCommand(newBenchServerCmd(p))
	return cmd
}

// newBenchServerCmd is the server that benchmarks and drills measure.
func newBenchServerCmd(p *program) *cobra.Command {
	var load func() (*config.Config, error)
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Serve as maestro server does, with the step type Task in addition",
		Long: `Serve as maestro server does, with the same settings, to be measured. It also
knows steps of type Task, which do nothing by way of a runtime, and measures the
time between them. Not for production.`,
		Example: `  maestro bench server --listen 127.0.0.1:8080 --store sqlite:bench.db`,
		Args:    args("", 0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load()
			if err != nil {
				return err
			}
			tasks := new(bench.Tasks)
			return p.serve(cmd.Context(), node.Config{
				Settings: cfg, Types: []spec.Type{bench.AboutTask()}, Runtimes: map[spec.StepType]step.Runtime{bench.TypeTask: tasks},
				Routes: tasks.Register,
			})
		},
	}
	load = p.addSettings(cmd, config.New())
	return cmd
}

// bench measures what the command line asks for.
func (p *program) bench(ctx context.Context, cfg bench.Config, given []string, asJSON bool) (err error) {
	workload, n := "", 0
	if len(given) > 0 {
		workload = given[0]
	}
	if len(given) == 2 {
		if n, err = strconv.Atoi(given[1]); err != nil || n < 1 {
			return usagef("N must be a number from 1, not %q", given[1])
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's file, which is the server to be measured: %w", err)
	}
	cfg.Server, cfg.Note = []string{exe, "bench", "server"}, p.note
	b := bench.New(cfg)
	if err := b.Check(workload); err != nil {
		return &usageError{err: err}
	}
	rows, err := b.Run(ctx, workload, n)
	if err != nil {
		return err
	}
	return p.benchRows(rows, asJSON)
}

func (p *program) benchRows(rows []bench.Row, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		return enc.Encode(rows)
	}
	w := tabwriter.NewWriter(p.out, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tn\tstep\tp50 ms\tp99 ms\tmax ms\tper s\tcommits/step\tstatements/step\tbytes/step\tpeak RSS MB\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d\t%s\t%.2f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t\n",
			r.Workload, r.N, r.Step, r.P50, r.P99, r.Max, r.PerSecond, r.CommitsStep, r.StatementStep, r.BytesStep, r.PeakRSS)
	}
	return w.Flush()
}
