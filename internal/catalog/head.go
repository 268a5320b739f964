package catalog

import (
	"context"
	"errors"
	"fmt"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/store"
	"maestro/spec"
)

// Head is what all versions of a workflow share, at one moment: its row and its properties. It is immutable.
type Head struct {
	store.Workflow
	Snapshot *spec.Snapshot
}

// Default returns the version that the token `default` means: the active one, else the latest.
func (h *Head) Default() int64 {
	if h.Active > 0 {
		return h.Active
	}
	return h.Latest
}

// Head returns the present head of a workflow, or a NotFound error. Inline ids have none.
func (c *Catalog) Head(ctx context.Context, id string) (*Head, error) {
	h, err := c.head(ctx, id)
	if h == nil && err == nil {
		err = unknown(id)
	}
	return h, err
}

func unknown(id string) error {
	return api.Errorf(api.NotFound, "Workflow [%s] has not been created yet or has been deleted.", id)
}

// head is Head, but nil for a workflow that there is not.
func (c *Catalog) head(ctx context.Context, id string) (*Head, error) {
	if !c.cfg.Exclusive {
		return c.readHead(ctx, id)
	}
	if h, ok := c.heads.get(id); ok {
		return h, nil
	}
	// Whoever fills the cache holds the lock of the id, so that an old row never replaces a newer one.
	defer c.lock(id).Unlock()
	return c.headLocked(ctx, id)
}

// headLocked is head for who holds the lock of the id.
func (c *Catalog) headLocked(ctx context.Context, id string) (*Head, error) {
	if h, ok := c.heads.get(id); ok {
		return h, nil
	}
	h, err := c.readHead(ctx, id)
	if h != nil {
		c.keepHead(h)
	}
	return h, err
}

// ByInternal returns the present head of the workflow with this internal id, or a NotFound error.
func (c *Catalog) ByInternal(ctx context.Context, internal int64) (*Head, error) {
	gone := api.Errorf(api.NotFound, "workflow with internal id [%d] is not found (either not created or deleted)", internal)
	id, known := c.ids.get(internal)
	if !known {
		row, err := c.store.WorkflowByInternal(ctx, internal)
		if errors.Is(err, store.ErrNotFound) {
			return nil, gone
		}
		if err != nil {
			return nil, fmt.Errorf("read workflow %d: %w", internal, err)
		}
		id = row.ID
		c.ids.put(internal, id, int64(128+len(id))) // an internal id is given once
	}
	h, err := c.head(ctx, id)
	if err != nil {
		return nil, err
	}
	if h == nil || h.Internal != internal {
		return nil, gone
	}
	return h, nil
}

func (c *Catalog) keepHead(h *Head) {
	if c.cfg.Exclusive {
		c.heads.put(h.ID, h, int64(512+len(h.ID)+8*len(h.Properties)))
	}
}

func (c *Catalog) readHead(ctx context.Context, id string) (*Head, error) {
	row, err := c.store.Workflow(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read workflow %q: %w", id, err)
	case row.Inline:
		return nil, nil
	}
	return newHead(row)
}

// newHead parses the row of a workflow.
func newHead(row *store.Workflow) (*Head, error) {
	n, err := doc.ParseJSON(row.Properties, doc.Limits{})
	if err != nil {
		return nil, fmt.Errorf("stored properties of workflow %q: %w", row.ID, err)
	}
	var p doc.Problems
	h := &Head{Workflow: *row, Snapshot: spec.DecodeSnapshot(n, spec.Rules{}, &p)}
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("stored properties of workflow %q: %w", row.ID, err)
	}
	return h, nil
}
