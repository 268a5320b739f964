package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newLogsCmd(p *program) *cobra.Command {
	var (
		r      client.LogRequest
		stderr bool
		runID  int64
		number int64
	)
	cmd := &cobra.Command{
		Use:     "logs WORKFLOW/INSTANCE/STEP",
		Short:   "Print the output of a step",
		GroupID: groupRun,
		Long: `Print what a step has written, of its newest attempt unless said otherwise.

With --follow, go on until the attempt has ended, and wait for the step to begin
if it has not yet.

A server keeps the end of a long output. Standard error says how much is missing
where something is, also to a follower that reads more slowly than the step writes.
A connection that is lost is made again; if that fails, the exit code says so.`,
		Example: `  maestro logs demo/1/extract
  maestro logs demo/1/extract -f --stderr
  maestro logs demo/1/extract --run 1 --attempt 2`,
		Args:              args("a WORKFLOW/INSTANCE/STEP", 1, 1),
		ValidArgsFunction: p.completeRef(aStep),
		RunE: func(cmd *cobra.Command, given []string) error {
			ref, err := refOf(cmd, given[0], aStep, aStep)
			if err != nil {
				return err
			}
			ref.Run, ref.Attempt = runID, number
			out := &logPrinter{p: p, stream: "stdout"}
			if stderr {
				r.Stream, out.stream = "stderr", "stderr"
			}
			r.Missed, r.Lost = out.missed, out.lost
			c, err := p.client()
			if err != nil {
				return err
			}
			body, err := p.openLogs(cmd.Context(), c, ref, r)
			if err != nil {
				return about("logs of", ref, err)
			}
			defer body.Close()
			if _, err := io.Copy(out, body); err != nil {
				if cmd.Context().Err() != nil {
					return context.Cause(cmd.Context())
				}
				return fmt.Errorf("logs of %s, which are not complete: %w", ref, err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&r.Follow, "follow", "f", false, "go on until the attempt has ended")
	cmd.Flags().BoolVar(&stderr, "stderr", false, "standard error instead of standard output")
	cmd.Flags().Int64Var(&runID, "run", 0, "number `N` of the run (default newest)")
	cmd.Flags().Int64Var(&number, "attempt", 0, "number `N` of the attempt (default newest)")
	return cmd
}

// logPrinter prints a log, and beside it what is to be said of it.
type logPrinter struct {
	p      *program
	stream string
	inLine bool // what was printed last does not end a line
}

// Write implements io.Writer.
func (l *logPrinter) Write(text []byte) (int, error) {
	if len(text) > 0 {
		l.inLine = text[len(text)-1] != '\n'
	}
	return l.p.out.Write(text)
}

// missed tells of a gap. It is told with --quiet, too: without it the output looks whole.
func (l *logPrinter) missed(bytes int64) {
	if l.inLine {
		fmt.Fprintln(l.p.err)
	}
	fmt.Fprintf(l.p.err, "maestro: %d bytes of %s are missing here: the server does not keep them any more\n", bytes, l.stream)
}

func (l *logPrinter) lost(reason error) {
	l.p.note("maestro: lost the connection (%v), trying again", reason)
}

// openLogs opens the output of an attempt. A follower of a live run waits for a step that has not begun yet.
func (p *program) openLogs(ctx context.Context, c *client.Client, ref client.StepRef, r client.LogRequest) (io.ReadCloser, error) {
	for waited := false; ; waited = true {
		attempt, err := c.Step(ctx, ref, false)
		if err == nil {
			ref.Run, ref.Attempt = attempt.Run, attempt.Attempt
			return c.Logs(ctx, ref, r)
		}
		if !notFound(err) || !r.Follow {
			return nil, err
		}
		in, gone := c.Instance(ctx, ref.RunRef, false)
		if gone != nil || client.Terminal(in.Status) || !knows(in, ref.Step) {
			return nil, err
		}
		if !waited {
			p.note("%s has not begun yet, waiting", ref)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// knows reports whether a run has a step of this name, begun or not.
func knows(in *client.Instance, step string) bool {
	for _, id := range in.Workflow.StepIDs() {
		if id == step {
			return true
		}
	}
	return false
}
