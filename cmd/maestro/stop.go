package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newStopCmd(p *program) *cobra.Command {
	return newEndCmd(p, ending{
		verb:  "stop",
		short: "Stop a run, a step, or all runs of a workflow; they become STOPPED",
		all:   (*client.Client).StopAll,
		run:   (*client.Client).Stop,
		step:  (*client.Client).StopStep,
	})
}

// ending is what stop and kill differ in.
type ending struct {
	verb  string
	short string
	all   func(*client.Client, context.Context, string) (*client.TimelineEvent, error)
	run   func(*client.Client, context.Context, client.RunRef) (*client.ActionResult, error)
	step  func(*client.Client, context.Context, client.StepRef) (*client.StepActionResult, error)
}

// newEndCmd returns the command that ends runs in one way.
func newEndCmd(p *program, e ending) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     e.verb + " WORKFLOW[/INSTANCE[/STEP]]",
		Short:   e.short,
		GroupID: groupRun,
		Example: "  maestro " + e.verb + " demo/1\n  maestro " + e.verb + " demo/1/load\n  maestro " + e.verb + " demo --all",
		Args:    args("a WORKFLOW/INSTANCE", 1, 1),

		ValidArgsFunction: p.completeRef(aStep),
		RunE: func(cmd *cobra.Command, given []string) error {
			ref, err := refOf(cmd, given[0], aWorkflow, aStep)
			if err != nil {
				return err
			}
			named := depthOf(ref)
			switch {
			case named == aWorkflow && !all:
				return usageOf(cmd, fmt.Errorf("%s %s: name a run, such as %s/1, or add --all for all runs", e.verb, ref.Workflow, ref.Workflow))
			case named != aWorkflow && all:
				return usageOf(cmd, fmt.Errorf("%s %s: --all goes with a workflow, not with one run", e.verb, given[0]))
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			var answer json.RawMessage
			var event client.TimelineEvent
			switch named {
			case aWorkflow:
				r, fail := e.all(c, cmd.Context(), ref.Workflow)
				if err = fail; err == nil {
					answer, event = r.JSON, *r
				}
			case aRun:
				r, fail := e.run(c, cmd.Context(), ref.RunRef)
				if err = fail; err == nil {
					answer, event = r.JSON, r.Event
					if event.Message == "" {
						event.Message = r.Info
					}
				}
			case aStep:
				r, fail := e.step(c, cmd.Context(), ref)
				if err = fail; err == nil {
					answer, event = r.JSON, r.Event
				}
			}
			if err != nil {
				return about(e.verb, ref, err)
			}
			return p.acted(answer, given[0], event)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all runs of the workflow, queued ones too")
	return cmd
}

// acted prints the answer to an action.
func (p *program) acted(answer json.RawMessage, what string, event client.TimelineEvent) error {
	if p.wantsJSON() {
		return p.json(answer)
	}
	if p.quiet {
		p.printf("%s\n", what)
		return nil
	}
	p.printf("%s: %s\n", what, event.Message)
	return nil
}
