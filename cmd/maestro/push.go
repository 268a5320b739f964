package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func newPushCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "push FILE...",
		Short:   "Store definitions as new versions of their workflows",
		GroupID: groupDefine,
		Long: `Store definitions as new versions of their workflows.

Each FILE holds one definition, in JSON where its name ends in .json and else in
YAML, in the layout of the API or in the short one with jobs; "-" is standard
input. Every push makes a new version, and activates it unless the definition
says otherwise.

With --output json and several files the output is an array.`,
		Example: `  maestro push demo.yaml
  maestro push workflows/*.yaml
  generate | maestro push -`,
		Args: args("at least one FILE", 1, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			var answers []json.RawMessage
			for _, name := range names {
				text, err := p.readFile(name)
				if err != nil {
					return err
				}
				format, err := pushable(name, text)
				if err != nil {
					return err
				}
				p.noteWarnings(name, text)
				d, err := c.Push(cmd.Context(), format, text)
				if err != nil {
					return fmt.Errorf("push %s: %w", name, err)
				}
				answers = append(answers, d.JSON)
				switch state := ", not active"; {
				case p.wantsJSON():
				case p.quiet:
					p.printf("%s\n", d.Metadata.WorkflowID)
				default:
					if d.IsActive {
						state = ""
					}
					p.printf("pushed %s version %d%s\n", d.Metadata.WorkflowID, d.Metadata.Version, state)
				}
			}
			if p.wantsJSON() {
				return p.json(answers...)
			}
			return nil
		},
	}
}
