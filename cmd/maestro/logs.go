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
if it has not yet.`,
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
			if stderr {
				r.Stream = "stderr"
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			body, err := p.openLogs(cmd.Context(), c, ref, r)
			if err != nil {
				return about("logs of", ref, err)
			}
			defer body.Close()
			if _, err := io.Copy(p.out, body); err != nil {
				if cmd.Context().Err() != nil {
					return context.Cause(cmd.Context())
				}
				return fmt.Errorf("logs of %s: the connection broke: %w", ref, err)
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

// openLogs opens the output of an attempt. A follower of a live run waits for a step that has not begun yet.
func (p *program) openLogs(ctx context.Context, c *client.Client, ref client.StepRef, r client.LogRequest) (io.ReadCloser, error) {
	for waited := false; ; waited = true {
		body, err := c.Logs(ctx, ref, r)
		if !notFound(err) || !r.Follow {
			return body, err
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
