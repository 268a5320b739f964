package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newLsCmd(p *program) *cobra.Command {
	var (
		page   client.PageRequest
		prefix string
	)
	cmd := &cobra.Command{
		Use:     "ls [WORKFLOW[/INSTANCE]]",
		Aliases: []string{"list"},
		Short:   "List workflows, or the runs of one",
		GroupID: groupRun,
		Long: `List workflows; of a workflow, list its instances, newest first; of an instance,
list its runs, of which there are several after restarts.`,
		Example: `  maestro ls
  maestro ls --prefix etl_
  maestro ls demo --limit 5
  maestro ls demo/1`,
		Args:              args("one WORKFLOW or WORKFLOW/INSTANCE", 0, 1),
		ValidArgsFunction: p.completeRef(aRun),
		RunE: func(cmd *cobra.Command, given []string) error {
			if err := checkLimit(cmd, page.Size); err != nil {
				return err
			}
			var ref client.StepRef
			if len(given) > 0 {
				var err error
				if ref, err = refOf(cmd, given[0], aWorkflow, aRun); err != nil {
					return err
				}
				if prefix != "" {
					return usageOf(cmd, fmt.Errorf("--prefix selects workflows and cannot go with %s", given[0]))
				}
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			switch {
			case ref.Workflow == "":
				all, err := c.WorkflowsPage(cmd.Context(), prefix, page)
				if err != nil {
					return fmt.Errorf("list workflows: %w", err)
				}
				return p.workflows(all)
			case ref.Instance == 0:
				all, err := c.InstancesPage(cmd.Context(), ref.Workflow, page)
				if err != nil {
					return about("list the runs of", ref, err)
				}
				return p.instances(all, ref.Workflow)
			}
			all, err := c.RunsPage(cmd.Context(), ref.RunRef, page)
			if err != nil {
				return about("list the runs of", ref, err)
			}
			return p.instances(all, ref.RunRef.String())
		},
	}
	cmd.Flags().IntVarP(&page.Size, "limit", "n", 50, "how many at most, `N` up to 200")
	cmd.Flags().StringVar(&page.Cursor, "cursor", "", "go on after the page that ended with this `CURSOR`")
	cmd.Flags().StringVar(&prefix, "prefix", "", "only workflows whose id begins with `TEXT`")
	return cmd
}

// checkLimit refuses what the server would: a page has 1 to 200 elements.
func checkLimit(cmd *cobra.Command, n int) error {
	if n < 1 || n > 200 {
		return usageOf(cmd, fmt.Errorf("--limit: %d is not a number from 1 to 200; --cursor goes on from there", n))
	}
	return nil
}

func (p *program) workflows(page *client.Page[client.WorkflowSummary]) error {
	if p.wantsJSON() {
		return p.json(page.JSON)
	}
	if len(page.Elements) == 0 {
		p.note("no workflows; store one with \"maestro push FILE\"")
		return nil
	}
	t := table{head: []string{"WORKFLOW", "ACTIVE", "LATEST", "OWNER", "CHANGED", "LAST RUN"}}
	for _, w := range page.Elements {
		last := "-"
		if w.LatestInstance > 0 {
			last = client.RunRef{Workflow: w.WorkflowID, Instance: w.LatestInstance}.String()
		}
		t.add(text(w.WorkflowID), text(numberOrDash(w.ActiveVersion)), text(numberOrDash(w.LatestVersion)),
			text(orDash(string(w.Properties.Owner))), text(p.ago(w.ModifyTime)), text(last))
	}
	p.list(&t, page.Info)
	return nil
}

func (p *program) instances(page *client.Page[client.Instance], of string) error {
	if p.wantsJSON() {
		return p.json(page.JSON)
	}
	if len(page.Elements) == 0 {
		p.note("%s has no runs; start one with \"maestro start\"", of)
		return nil
	}
	t := table{head: []string{"INSTANCE", "RUN", "STATUS", "VERSION", "CREATED", "DURATION", "BY"}}
	slices.SortStableFunc(page.Elements, func(a, b *client.Instance) int { // the server's pages go backwards, and each of them forwards
		return cmp.Or(cmp.Compare(b.ID, a.ID), cmp.Compare(b.RunID, a.RunID))
	})
	for _, in := range page.Elements {
		ref := client.RunRef{Workflow: in.WorkflowID, Instance: in.ID}
		t.add(text(ref.String()), text(strconv.FormatInt(in.RunID, 10)), status(in.Status), text(strconv.FormatInt(in.Version, 10)),
			text(p.ago(in.CreateTime)), text(p.lasted(in.StartTime, in.EndTime)), text(initiator(in)))
	}
	p.list(&t, page.Info)
	return nil
}

// list prints a table and how to go on.
func (p *program) list(t *table, info client.PageInfo) {
	if p.quiet {
		for _, row := range t.rows {
			p.printf("%s\n", row[0].text)
		}
		return
	}
	t.print(p)
	if info.HasNextPage {
		p.note("there is more: --cursor %s", info.EndCursor)
	}
}

// runName names an instance, and its run where it is not the only one.
func runName(in *client.Instance) string {
	ref := client.RunRef{Workflow: in.WorkflowID, Instance: in.ID}
	if in.RunID > 1 {
		ref.Run = in.RunID
	}
	return ref.String()
}

// initiator says who or what started a run.
func initiator(in *client.Instance) string {
	if in.Initiator.User != "" {
		return string(in.Initiator.User)
	}
	return orDash(in.Initiator.Type)
}

func numberOrDash(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
