package main

import (
	"github.com/spf13/cobra"

	"maestro/client"
)

func newStartCmd(p *program) *cobra.Command {
	var (
		r      client.StartRequest
		params paramFlags
		watch  bool
	)
	cmd := &cobra.Command{
		Use:     "start WORKFLOW",
		Short:   "Start a run",
		GroupID: groupRun,
		Long: `Start a run of a workflow and print its name.

With --watch, follow it to its end and exit with 1 unless it succeeds; with
--output json as well, print the whole run when it has ended.`,
		Example: `  maestro start demo
  maestro start demo --param day=20240131 --param tables='["a","b"]' --watch
  maestro start demo --version 3 --param-file params.yaml
  maestro start demo --request-id $(uuidgen)    # safe to repeat`,
		Args:              args("a WORKFLOW", 1, 1),
		ValidArgsFunction: p.completeRef(aWorkflow),
		RunE: func(cmd *cobra.Command, given []string) error {
			ref, err := refOf(cmd, given[0], aWorkflow, aWorkflow)
			if err != nil {
				return err
			}
			values, err := params.params(p)
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			if r.Params, err = values.fit(cmd.Context(), c, ref.Workflow, r.Version); err != nil {
				return err
			}
			started, err := c.Start(cmd.Context(), ref.Workflow, r)
			if err != nil {
				return about("start", ref, err)
			}
			return p.started(cmd.Context(), c, started, watch)
		},
	}
	params.register(cmd)
	cmd.Flags().StringVar(&r.Version, "version", "default", "`VERSION`: a number, active, latest, or default (active, or else latest)")
	cmd.Flags().StringVar(&r.RequestID, "request-id", "", "`UUID` that makes starting twice start once")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "follow the run to its end")
	completeWith(cmd, "version", "active", "latest", "default")
	return cmd
}
