package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"maestro/client"
)

// depth is how much of a reference a command needs or takes.
type depth int

const (
	aWorkflow depth = iota + 1 // WORKFLOW
	aRun                       // WORKFLOW/INSTANCE
	aStep                      // WORKFLOW/INSTANCE/STEP
)

func (d depth) String() string {
	return [...]string{"", "WORKFLOW", "WORKFLOW/INSTANCE", "WORKFLOW/INSTANCE/STEP"}[d]
}

// depthOf says what a reference names.
func depthOf(ref client.StepRef) depth {
	switch {
	case ref.Step != "":
		return aStep
	case ref.Instance != 0:
		return aRun
	}
	return aWorkflow
}

// refOf reads a reference that must name something from least to most.
func refOf(cmd *cobra.Command, s string, least, most depth) (client.StepRef, error) {
	ref, err := client.ParseRef(s)
	if err != nil {
		return ref, usageOf(cmd, err)
	}
	if d := depthOf(ref); d < least || d > most {
		want := least.String()
		if least < most {
			want += " to " + most.String()
		}
		return ref, usageOf(cmd, fmt.Errorf("%s takes %s, and %q is a %s", nameOf(cmd), want, s, d))
	}
	return ref, nil
}

// completeRef makes the shell offer what there is on the server, up to a depth. Whatever goes wrong offers nothing: a
// completion must not talk.
func (p *program) completeRef(most depth) cobra.CompletionFunc {
	return func(cmd *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(given) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
		defer cancel()
		c, err := p.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var offers []cobra.Completion
		switch parts := strings.SplitN(typed, "/", 3); len(parts) {
		case 1:
			offers = offerWorkflows(ctx, c, typed, most)
		case 2:
			if most >= aRun {
				offers = offerInstances(ctx, c, parts[0], most)
			}
		default:
			if ref, err := client.ParseRef(parts[0] + "/" + parts[1]); err == nil && most >= aStep {
				offers = offerSteps(ctx, c, ref.RunRef)
			}
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		if len(offers) > 0 && strings.HasSuffix(offers[0], "/") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return offers, directive
	}
}

func offerWorkflows(ctx context.Context, c *client.Client, prefix string, most depth) []cobra.Completion {
	page, err := c.WorkflowsPage(ctx, prefix, client.PageRequest{})
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, w := range page.Elements {
		id := w.WorkflowID
		if most > aWorkflow {
			id += "/"
		}
		out = append(out, id)
	}
	return out
}

func offerInstances(ctx context.Context, c *client.Client, workflow string, most depth) []cobra.Completion {
	page, err := c.InstancesPage(ctx, workflow, client.PageRequest{Size: 20})
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, in := range page.Elements {
		id := fmt.Sprintf("%s/%d", workflow, in.ID)
		if most > aRun {
			id += "/"
			out = append(out, id)
			continue
		}
		out = append(out, cobra.CompletionWithDesc(id, in.Status))
	}
	return out
}

func offerSteps(ctx context.Context, c *client.Client, ref client.RunRef) []cobra.Completion {
	in, err := c.Instance(ctx, ref, false)
	if err != nil {
		return nil
	}
	var out []cobra.Completion
	for _, id := range in.Workflow.StepIDs() {
		out = append(out, ref.String()+"/"+id)
	}
	return out
}
