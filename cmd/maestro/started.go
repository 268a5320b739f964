package main

import (
	"context"
	"fmt"

	"maestro/client"
)

// started prints the answer to a start or restart, and follows the run where that is wanted.
func (p *program) started(ctx context.Context, c *client.Client, r *client.StartResult, watch bool) error {
	// A server that compares itself with the original answers a repeated request without saying which run it made.
	known := r.Instance != 0
	if watch && known {
		return p.watch(ctx, c, client.RunRef{Workflow: r.WorkflowID, Instance: r.Instance})
	}
	switch ref := (client.RunRef{Workflow: r.WorkflowID, Instance: r.Instance}).String(); {
	case p.wantsJSON():
		return p.json(r.JSON)
	case !known && r.Status == "DUPLICATED":
		p.note("%s was already started with this request id", r.WorkflowID)
	case !known:
		return fmt.Errorf("start %s: the server answered %s without a run", r.WorkflowID, r.Status)
	case p.quiet:
		p.printf("%s\n", ref)
	case r.Status == "DUPLICATED":
		p.printf("run %s was already started with this request id\n", ref)
	default:
		p.printf("run %s %s (version %d%s)\n", ref, r.Status, r.Version, runNumber(r.Run))
		if p.screen.tty {
			p.note("watch it with \"maestro watch %s\"", ref)
		}
	}
	return nil
}

// runNumber is worth a mention only after a restart.
func runNumber(n int64) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(", run %d", n)
}
