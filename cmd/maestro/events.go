package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"maestro/client"
)

func newEventsCmd(p *program) *cobra.Command {
	var (
		follow bool
		page   client.PageRequest
	)
	cmd := &cobra.Command{
		Use:     "events",
		Short:   "Print what happens to all workflows",
		GroupID: groupSignal,
		Long: `Print the events that the server has published, oldest first: changes of steps,
runs and definitions.

Without --follow one page is printed, after --cursor if it is given; with
--output json the page has the cursor of the next one. With --follow, events are
printed as they come, from now on unless --cursor says from where, and --output
json prints one event per line.`,
		Example: `  maestro events --limit 20
  maestro events -f
  maestro events -f -o json | jq .type`,
		Args: args("no arguments", 0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			if follow {
				if page.Cursor == "" {
					page.Cursor = client.Latest
				}
				for ev, err := range c.Events(cmd.Context(), page.Cursor) {
					if err != nil {
						return fmt.Errorf("events: %w", err)
					}
					if err := p.event(ev); err != nil {
						return err
					}
				}
				return nil
			}
			if err := checkLimit(cmd, page.Size); err != nil {
				return err
			}
			events, err := c.EventsPage(cmd.Context(), page)
			if err != nil {
				return fmt.Errorf("events: %w", err)
			}
			if p.wantsJSON() {
				return p.json(events.JSON)
			}
			for _, ev := range events.Elements {
				if err := p.event(ev); err != nil {
					return err
				}
			}
			if events.Info.HasNextPage {
				p.note("there is more: --cursor %s", events.Info.EndCursor)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until interrupted")
	cmd.Flags().StringVar(&page.Cursor, "cursor", "", "go on after the event with this `CURSOR`")
	cmd.Flags().IntVarP(&page.Size, "limit", "n", 50, "how many at most, `N` up to 200")
	return cmd
}

// event prints one event in one line.
func (p *program) event(ev *client.PublishedEvent) error {
	if p.wantsJSON() {
		_, err := fmt.Fprintf(p.out, "%s\n", compact(ev.JSON))
		return err
	}
	at, change := ev.EventTime, ""
	switch {
	case len(ev.Changes) > 0: // a step's; the last change is where it stands
		last := ev.Changes[len(ev.Changes)-1]
		at, change = last.EventTime, last.NewStatus
	case ev.NewStatus != "":
		change = ev.NewStatus
	default:
		change = strings.TrimSuffix(strings.TrimPrefix(ev.Type, "WORKFLOW_"), "_CHANGE_EVENT")
	}
	if at == 0 {
		at = ev.SyncTime
	}
	what := ev.WorkflowID
	if ev.Instance != 0 {
		what = client.RunRef{Workflow: ev.WorkflowID, Instance: ev.Instance}.String()
	}
	if ev.StepID != "" {
		what += "/" + ev.StepID
	}
	_, err := fmt.Fprintf(p.out, "%s  %s  %s%s\n", p.clock(at), what, paint(p.color(), statusStyle(change), change), byWhom(ev))
	return err
}

func byWhom(ev *client.PublishedEvent) string {
	switch {
	case ev.Attempt > 1:
		return fmt.Sprintf("  attempt %d", ev.Attempt)
	case ev.Author != "":
		return "  by " + string(ev.Author)
	}
	return ""
}

// compact puts JSON into one line.
func compact(text json.RawMessage) []byte {
	out, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return out
}
