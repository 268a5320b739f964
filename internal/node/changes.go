package node

import (
	"context"

	"maestro/internal/catalog"
	"maestro/internal/store"
)

// subscribe returns what a change of a definition makes of its triggers.
func (n *Node) subscribe(ctx context.Context, c catalog.Change) ([]store.Record, error) {
	return n.signals.Subscribe(ctx, c)
}

// changed is told of every change of a definition: runs that wait for their turn may have it now. The catalog must not
// wait for what that takes; Stop does.
func (n *Node) changed(c catalog.Change) {
	n.signals.Changed(c)
	n.engine.Tell()
	if c.Kind == catalog.Deleted {
		n.work.run(func() { n.forgetPermits(c.Before.ID) })
	}
	if c.After != nil {
		n.work.run(func() { n.engine.Changed(c.After.Internal) })
	}
}

// forgetPermits removes the limits of single steps of a workflow that is gone.
func (n *Node) forgetPermits(workflow string) {
	if err := n.permits.WorkflowDeleted(context.Background(), workflow); err != nil {
		n.log.Warn("tag permits of a deleted workflow stay", "workflow", workflow, "error", err)
	}
}

// keepEvents says what stays of the journals of deleted runs.
func (n *Node) keepEvents(ctx context.Context, r *store.Run, entries []store.Entry) ([]store.Entry, error) {
	return n.events.source.Keep(n.engine, n.log)(ctx, r, entries)
}
