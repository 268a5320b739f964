package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maestro/client"
	"maestro/internal/config"
	"maestro/internal/node"
)

func newRunCmd(p *program) *cobra.Command {
	table := config.New()
	table.SetDefault("shell.enabled", "true")
	table.SetDefault("log.level", "warn")
	var (
		r      client.StartRequest
		params paramFlags
		db     string
	)
	cmd := &cobra.Command{
		Use:     "run FILE",
		Short:   "Run a definition without a server",
		GroupID: groupRun,
		Long: `Run a definition in this process and follow it to its end: push it to a store
of its own, start it, show its steps live. The exit code says how it went.

State is kept in the --db file, by default in .maestro/run.db below the working
directory. To look at old runs and their logs, serve it:
  maestro server --shell-enabled --store sqlite:.maestro/run.db

An interrupt stops the run. A run that was killed goes on when the same file is
run again on the same --db; the new one waits for it, unless the workflow's
run_strategy allows several at a time. Settings such as shell.max_concurrent are
read from the environment (MAESTRO_SHELL_MAX_CONCURRENT).`,
		Example: `  maestro run examples/hello.yaml
  maestro run etl.json --param day=20240131
  maestro run etl.json --db /tmp/etl.db --output json`,
		Args: args("a FILE", 1, 1),
		RunE: func(cmd *cobra.Command, given []string) error {
			values, err := params.params(p)
			if err != nil {
				return err
			}
			cfg, err := table.Load(config.Sources{Env: os.LookupEnv})
			if err != nil {
				return &usageError{err: err, help: "docs/configuration.md"}
			}
			cfg.Store = config.Store{Driver: "sqlite", Source: db}
			cfg.DataDir = strings.TrimSuffix(db, filepath.Ext(db)) + "-data"
			return p.runFile(cmd.Context(), cfg, given[0], r, values)
		},
	}
	params.register(cmd)
	cmd.Flags().StringVar(&db, "db", filepath.Join(".maestro", "run.db"), "SQLite `FILE` that keeps the runs")
	return cmd
}

// runFile runs one definition to its end on an engine of this process.
func (p *program) runFile(ctx context.Context, cfg *config.Config, name string, r client.StartRequest, params givenParams) (err error) {
	text, err := p.readFile(name)
	if err != nil {
		return err
	}
	format, err := pushable(name, text)
	if err != nil {
		return err
	}
	p.noteWarnings(name, text)
	if dir := filepath.Dir(cfg.Store.Source); dir != "." {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the directory of --db: %w", err)
		}
	}
	c, stop, err := p.openLocal(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	d, err := c.Push(ctx, format, text)
	if err != nil {
		return fmt.Errorf("push %s: %w", name, err)
	}
	id := d.Metadata.WorkflowID
	p.noteCutOff(ctx, c, id)
	r.Version = "latest"
	if r.Params, err = params.fit(ctx, c, id, r.Version); err != nil {
		return err
	}
	started, err := c.Start(ctx, id, r)
	if err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	err = p.watchOrStop(ctx, c, client.RunRef{Workflow: id, Instance: started.Instance})
	if !p.wantsJSON() && !errors.Is(err, context.Canceled) {
		p.note("state is in %s; \"maestro server --shell-enabled --store sqlite:%s\" serves it", cfg.Store.Source, cfg.Store.Source)
	}
	return err
}

// noteCutOff tells which earlier runs go on, since a new one may have to wait for them.
func (p *program) noteCutOff(ctx context.Context, c *client.Client, id string) {
	page, err := c.InstancesPage(ctx, id, client.PageRequest{Size: 20})
	if err != nil {
		return // the start will say what is wrong
	}
	for _, in := range page.Elements {
		if !client.Terminal(in.Status) {
			p.note("%s/%d was cut off earlier and goes on now; unless %s allows several runs at a time, the new one waits for it", id, in.ID, id)
		}
	}
}

// watchOrStop follows a run to its end. An interrupt stops the run and does not leave before it has ended.
func (p *program) watchOrStop(ctx context.Context, c *client.Client, ref client.RunRef) error {
	in, err := c.Instance(ctx, ref, false)
	if err != nil {
		return fmt.Errorf("watch %s: %w", ref, err)
	}
	v := p.newProgress(ref, in.Workflow.StepIDs())
	last := ""
	events := func(ctx context.Context) iter.Seq2[client.Event, error] {
		return func(yield func(client.Event, error) bool) {
			for ev, err := range c.WatchAfter(ctx, ref.Workflow, ref.Instance, last) {
				if !yield(ev, err) {
					return
				}
				last = cmp.Or(ev.Cursor, last)
			}
		}
	}
	stopped := v.follow(ctx, events)
	if errors.Is(stopped, context.Canceled) {
		p.note("stopping %s; another interrupt leaves at once, and the run goes on when the file is run again", ref)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		if _, err := c.Stop(ctx, ref); err != nil {
			return stopped
		}
		err = v.follow(ctx, events)
	} else {
		err = stopped
	}
	if err != nil {
		return fmt.Errorf("watch %s: %w", ref, err)
	}
	err = p.ended(ctx, c, v)
	if stopped != nil {
		return stopped
	}
	if errors.Is(err, errRunFailed) && !p.quiet && !p.wantsJSON() {
		p.showFailed(ctx, c, ref)
	}
	return err
}

// showFailed prints the end of what failed steps have written: there is no server that could be asked for it.
func (p *program) showFailed(ctx context.Context, c *client.Client, ref client.RunRef) {
	steps, _, err := c.Steps(ctx, ref)
	if err != nil {
		return
	}
	for _, s := range steps {
		if !client.StepFailed(s.State.Status) {
			continue
		}
		for _, stream := range []string{"stderr", "stdout"} {
			log, err := c.Logs(ctx, client.StepRef{RunRef: ref, Step: s.StepID}, client.LogRequest{Stream: stream})
			if err != nil {
				break // only shell steps write anything
			}
			text, _ := io.ReadAll(log)
			_ = log.Close()
			if text := strings.TrimRight(string(text), "\n"); text != "" {
				lines := strings.Split(text, "\n")
				p.note("\n%s wrote at the end (%s):\n  %s\n", s.StepID, stream, strings.Join(lines[max(0, len(lines)-10):], "\n  "))
				break
			}
		}
	}
}

// openLocal serves on a loopback port of this process, and returns a client of that.
func (p *program) openLocal(ctx context.Context, cfg *config.Config) (_ *client.Client, stop func() error, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	n, err := p.startNode(ctx, node.Config{Settings: cfg}, l.Addr())
	if err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	c, err := client.New("http://"+l.Addr().String(), client.WithUser(p.user), client.WithHTTPClient(p.http))
	if err != nil {
		return nil, nil, errors.Join(err, l.Close(), n.Stop())
	}
	if _, err := n.Serve(l); err != nil {
		return nil, nil, errors.Join(err, n.Stop())
	}
	return c, n.Stop, nil
}
