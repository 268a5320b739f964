package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newRestartCmd(p *program) *cobra.Command {
	var (
		from   string
		id     string
		params paramFlags
		watch  bool
	)
	cmd := &cobra.Command{
		Use:     "restart WORKFLOW/INSTANCE[/STEP]",
		Short:   "Run an instance or a step again",
		GroupID: groupRun,
		Long: `Run an instance that has ended again, as a new run of the same instance, or one
step of it with what comes after it. A failed step of a run that has not ended
gets a new attempt instead.`,
		Example: `  maestro restart demo/1                     # what did not complete
  maestro restart demo/1 --from beginning    # everything
  maestro restart demo/1/load --watch`,
		Args:              args("a WORKFLOW/INSTANCE", 1, 1),
		ValidArgsFunction: p.completeRef(aStep),
		RunE: func(cmd *cobra.Command, names []string) error {
			ref, err := refOf(cmd, names[0], aRun, aStep)
			if err != nil {
				return err
			}
			policy := client.FromIncomplete
			switch from {
			case "incomplete":
			case "beginning":
				policy = client.FromBeginning
			default:
				return usageOf(cmd, fmt.Errorf("--from: %q is neither incomplete nor beginning", from))
			}
			values, err := params.params(p)
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			if ref.Step == "" {
				given, err := values.fitRun(cmd.Context(), c, ref.RunRef)
				if err != nil {
					return err
				}
				r, err := c.Restart(cmd.Context(), ref.RunRef, client.RestartRequest{Policy: policy, Params: given, RequestID: id})
				if err != nil {
					return about("restart", ref, err)
				}
				return p.started(cmd.Context(), c, r, watch)
			}
			given, err := values.as(nil) // params of steps are not declared with the workflow
			if err != nil {
				return err
			}
			r, err := c.RestartStep(cmd.Context(), ref, client.StepRestartRequest{Downstream: policy, Params: given, RequestID: id})
			if err != nil {
				return about("restart", ref, err)
			}
			if watch {
				return p.watch(cmd.Context(), c, ref.RunRef)
			}
			return p.acted(r.JSON, ref.String(), r.Event)
		},
	}
	params.register(cmd)
	cmd.Flags().StringVar(&from, "from", "incomplete", "`WHAT` runs again: incomplete or beginning; of a step, what comes after it")
	cmd.Flags().StringVar(&id, "request-id", "", "`UUID` that makes restarting twice restart once")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "follow the run to its end")
	completeWith(cmd, "from", "incomplete", "beginning")
	return cmd
}
