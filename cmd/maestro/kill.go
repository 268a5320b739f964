package main

import (
	"github.com/spf13/cobra"

	"maestro/client"
)

func newKillCmd(p *program) *cobra.Command {
	return newEndCmd(p, ending{
		verb:  "kill",
		short: "Fail a run, a step, or all runs of a workflow; they become FAILED",
		all:   (*client.Client).KillAll,
		run:   (*client.Client).Kill,
		step:  (*client.Client).KillStep,
	})
}
