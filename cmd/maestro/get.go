package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newGetCmd(p *program) *cobra.Command {
	var (
		version  string
		runID    int64
		number   int64
		enriched bool
	)
	cmd := &cobra.Command{
		Use:     "get WORKFLOW[/INSTANCE[/STEP]]",
		Short:   "Show a workflow, a run or a step",
		GroupID: groupRun,
		Example: `  maestro get demo
  maestro get demo --version 3 -o json
  maestro get demo/1
  maestro get demo/1/load --run 1 --attempt 2`,
		Args:              args("a WORKFLOW, WORKFLOW/INSTANCE or WORKFLOW/INSTANCE/STEP", 1, 1),
		ValidArgsFunction: p.completeRef(aStep),
		RunE: func(cmd *cobra.Command, given []string) error {
			ref, err := refOf(cmd, given[0], aWorkflow, aStep)
			if err != nil {
				return err
			}
			ref.Run, ref.Attempt = runID, number
			if flag, ok := misplaced(cmd, depthOf(ref)); ok {
				return usageOf(cmd, fmt.Errorf("--%s does not go with %s", flag, given[0]))
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			switch depthOf(ref) {
			case aWorkflow:
				err = p.showWorkflow(cmd.Context(), c, ref.Workflow, version, enriched)
			case aRun:
				err = p.showRun(cmd.Context(), c, ref.RunRef, enriched)
			case aStep:
				err = p.showStep(cmd.Context(), c, ref, enriched)
			}
			if err != nil {
				return about("get", ref, err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&version, "version", "default", "of a workflow, `VERSION`: a number, active, latest, or default (active, or else latest)")
	cmd.Flags().Int64Var(&runID, "run", 0, "of an instance: number `N` of the run (default newest)")
	cmd.Flags().Int64Var(&number, "attempt", 0, "of a step: number `N` of the attempt (default newest)")
	cmd.Flags().BoolVar(&enriched, "enriched", false, "with what the server can add: merged params, status changes")
	completeWith(cmd, "version", "active", "latest", "default")
	return cmd
}

// misplaced returns a flag that was given but says nothing about what is named.
func misplaced(cmd *cobra.Command, d depth) (string, bool) {
	for flag, fits := range map[string]bool{"version": d == aWorkflow, "run": d >= aRun, "attempt": d == aStep} {
		if cmd.Flags().Changed(flag) && !fits {
			return flag, true
		}
	}
	return "", false
}

func (p *program) showWorkflow(ctx context.Context, c *client.Client, id, version string, enriched bool) error {
	d, err := c.Version(ctx, id, version, enriched)
	if err != nil {
		return err
	}
	if p.wantsJSON() {
		return p.json(d.JSON)
	}
	over, err := c.Overview(ctx, id)
	if err != nil {
		return err
	}
	var f facts
	f.add("workflow", cell{d.Workflow.ID, bold})
	f.add("name", text(d.Workflow.Name))
	f.add("description", text(firstLine(d.Workflow.Description)))
	f.add("version", text(versionLine(d)))
	f.add("pushed", text(fmt.Sprintf("%s by %s", p.ago(d.Metadata.CreateTime), orDash(string(d.Metadata.Author)))))
	f.add("owner", text(string(d.Properties.Owner)))
	f.add("strategy", text(strategy(over.Properties.RunStrategy)))
	f.add("params", text(strings.Join(namesOf(d.Workflow.Params), ", ")))
	steps := d.Workflow.StepIDs()
	f.add("steps", text(fmt.Sprintf("%d: %s", len(steps), clip(strings.Join(steps, ", "), 100))))
	f.add("runs", text(runsLine(over)))
	f.print(p)
	return nil
}

// versionLine is a version's number and standing.
func versionLine(d *client.WorkflowDefinition) string {
	var is []string
	if d.IsActive {
		is = append(is, "active")
	} else {
		is = append(is, "not active")
	}
	if d.IsLatest {
		is = append(is, "latest")
	}
	return fmt.Sprintf("%d (%s)", d.Metadata.Version, strings.Join(is, ", "))
}

func strategy(text json.RawMessage) string {
	var s struct {
		Rule        string `json:"rule"`
		Concurrency int64  `json:"workflow_concurrency"`
	}
	if json.Unmarshal(text, &s) != nil || s.Rule == "" {
		return ""
	}
	if s.Concurrency > 1 {
		return fmt.Sprintf("%s, %d at a time", s.Rule, s.Concurrency)
	}
	return s.Rule
}

func runsLine(o *client.Overview) string {
	if o.LatestInstance == 0 {
		return "none"
	}
	parts := []string{"latest " + client.RunRef{Workflow: o.WorkflowID, Instance: o.LatestInstance}.String()}
	for _, s := range []struct{ status, word string }{{"IN_PROGRESS", "running"}, {"CREATED", "queued"}, {"PAUSED", "paused"}} {
		if n := o.Nonterminal[s.status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s.word))
		}
	}
	if o.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", o.Failed))
	}
	return strings.Join(parts, ", ")
}

// namesOf returns the names of an object's members, sorted.
func namesOf(object json.RawMessage) []string {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	names := make([]string, 0, len(members))
	for n := range members {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// valueOf returns a param as text: what it evaluated to, else what was written.
func valueOf(param json.RawMessage) string {
	var v struct {
		Result     json.RawMessage `json:"evaluated_result"`
		Value      json.RawMessage `json:"value"`
		Expression string          `json:"expression"`
	}
	if json.Unmarshal(param, &v) != nil {
		return string(param)
	}
	raw := v.Result
	if raw == nil {
		raw = v.Value
	}
	if raw == nil {
		return v.Expression
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strconv.Quote(s)
	}
	return string(raw)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return clip(line, 100)
}

// clip shortens a text to n characters.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
