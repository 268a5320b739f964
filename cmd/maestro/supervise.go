package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// supervise stands between the server and the process of a shell step: it outlives the server, so that the step does
// too, and writes down how the process ended. The server starts it; its arguments are the business of the shell
// runtime alone.
type supervise func(ctx context.Context, args []string) error

func newSuperviseCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:                "supervise",
		Short:              "Run the process of a shell step; the server starts this itself",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, given []string) error {
			if p.supervise == nil {
				return errors.New("supervise: shell steps are not part of this build")
			}
			return p.supervise(cmd.Context(), given)
		},
	}
}
