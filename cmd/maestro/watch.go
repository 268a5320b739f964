package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newWatchCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "watch WORKFLOW/INSTANCE",
		Short:   "Follow a run to its end",
		GroupID: groupRun,
		Long: `Follow the newest run of an instance, from its beginning to its end, and exit
with 1 unless it succeeds. On a terminal this is a list of steps that is kept up
to date, elsewhere a line for every change.

With --output json nothing is printed until the run has ended, and then all of
it; with --quiet nothing at all. Interrupting leaves the run alone.`,
		Example: `  maestro watch demo/1
  maestro watch demo/1 -q && echo done`,
		Args:              args("a WORKFLOW/INSTANCE", 1, 1),
		ValidArgsFunction: p.completeRef(aRun),
		RunE: func(cmd *cobra.Command, given []string) error {
			ref, err := refOf(cmd, given[0], aRun, aRun)
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			return p.watch(cmd.Context(), c, ref.RunRef)
		},
	}
}

// watch follows the newest run of an instance to its end.
func (p *program) watch(ctx context.Context, c *client.Client, ref client.RunRef) error {
	in, err := c.Instance(ctx, ref, false)
	if err != nil {
		return about("watch", client.StepRef{RunRef: ref}, err)
	}
	v := p.newProgress(ref, in.Workflow.StepIDs())
	err = v.follow(ctx, func(ctx context.Context) iter.Seq2[client.Event, error] {
		return c.Watch(ctx, ref.Workflow, ref.Instance)
	})
	switch {
	case errors.Is(err, context.Canceled):
		p.note("stopped watching, the run goes on; \"maestro watch %s\" resumes", ref)
		return err
	case err != nil:
		return fmt.Errorf("watch %s: %w", ref, err)
	}
	err = p.ended(ctx, c, v)
	if errors.Is(err, errRunFailed) && !p.wantsJSON() {
		for _, s := range v.steps {
			if client.StepFailed(s.status) {
				p.note("\"maestro get %s/%s\" tells more, and \"maestro logs %s/%s --stderr\" what it wrote", ref, s.id, ref, s.id)
				break
			}
		}
	}
	return err
}

// ended prints how a followed run ended. A stream that did not say so is checked against the run itself.
func (p *program) ended(ctx context.Context, c *client.Client, v *progress) error {
	if said := client.Terminal(v.status); p.wantsJSON() || !said {
		in, err := c.Instance(ctx, client.RunRef{Workflow: v.ref.Workflow, Instance: v.ref.Instance}, false)
		if err != nil {
			return fmt.Errorf("watch %s: %w", v.ref, err)
		}
		if !said {
			v.status, v.started, v.ended = in.Status, in.StartTime, in.EndTime
		}
		if p.wantsJSON() {
			if err := p.json(in.JSON); err != nil {
				return err
			}
		}
	}
	v.finish()
	if !client.Succeeded(v.status) {
		return errRunFailed
	}
	return nil
}
