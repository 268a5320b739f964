package main

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newDeleteCmd(p *program) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete WORKFLOW",
		Short:   "Delete a workflow with its versions, runs and history",
		GroupID: groupDefine,
		Example: `  maestro delete demo
  maestro delete demo --yes    # in scripts`,
		Args:              args("a WORKFLOW", 1, 1),
		ValidArgsFunction: p.completeRef(aWorkflow),
		RunE: func(cmd *cobra.Command, given []string) error {
			ref, err := refOf(cmd, given[0], aWorkflow, aWorkflow)
			if err != nil {
				return err
			}
			if !yes {
				if err := p.confirm(cmd, ref.Workflow); err != nil {
					return err
				}
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			ev, err := c.Delete(cmd.Context(), ref.Workflow)
			if err != nil {
				return about("delete", ref, err)
			}
			if p.wantsJSON() {
				return p.json(ev.JSON)
			}
			if !p.quiet {
				p.printf("deleted %s\n", ref.Workflow)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// confirm asks for the name of what is about to be deleted. Where nobody can answer it is an error.
func (p *program) confirm(cmd *cobra.Command, name string) error {
	if !p.screen.tty {
		return usageOf(cmd, fmt.Errorf("delete %s: add --yes, since there is no terminal to ask on", name))
	}
	fmt.Fprintf(p.err, "This deletes all versions, runs and history of %s. Type its name to go on: ", name)
	answer, err := bufio.NewReader(p.in).ReadString('\n')
	if strings.TrimSpace(answer) != name {
		if err != nil {
			fmt.Fprintln(p.err)
		}
		return errors.New("nothing was deleted")
	}
	return nil
}
