package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maestro/api"
	"maestro/internal/store"
)

// Delete removes a workflow with everything that belongs to it (spec/api 4.7). It returns when the workflow is gone for
// readers and the deletion is durable; its data is removed in the background. It returns the time of the deletion.
func (c *Catalog) Delete(ctx context.Context, id, caller string) (int64, error) {
	if IsInline(id) {
		return 0, api.Errorf(api.UnprocessableEntity, "Cannot delete an inline workflow [%s], please delete its parent concrete workflow instead.", id)
	}
	defer c.lock(id).Unlock()
	c.heads.drop(id) // this must not rest on memory
	h, err := c.headLocked(ctx, id)
	if err != nil {
		return 0, err
	}
	gone := api.Errorf(api.NotFound, "No workflow is deleted because workflow [%s] is non-existing or has queued or running instances.", id)
	if h == nil || c.isDeleting(id) {
		return 0, gone
	}
	if err := c.mayDelete(ctx, h); err != nil {
		return 0, err
	}
	at := c.cfg.Now()
	ch := Change{Kind: Deleted, Before: h, At: at}
	if err := c.unsubscribe(ctx, &ch); err != nil {
		return 0, err
	}
	if err := c.remove(ctx, h, c.event(typeDeleted, &h.Workflow, caller, at).appendJSON(nil), at); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return 0, gone
		}
		return 0, fmt.Errorf("delete workflow %q: %w", id, err)
	}
	c.heads.drop(id)
	c.definitions.dropIf(func(k versionKey) bool { return k.internal == h.Internal })
	if c.cfg.Changed != nil {
		c.cfg.Changed(ch)
	}
	return at, nil
}

// mayDelete refuses the deletion of a workflow that has live runs.
func (c *Catalog) mayDelete(ctx context.Context, h *Head) error {
	if c.cfg.Runs == nil {
		return nil
	}
	counts, err := c.cfg.Runs.Counts(ctx, h.Internal)
	if err != nil {
		return fmt.Errorf("count runs of workflow %q: %w", h.ID, err)
	}
	if n := live(counts.ByStatus); n > 0 {
		return api.Errorf(api.BadRequest, "Cannot delete the workflow [%s] because there are still [%d] number of queued or running workflow instances. "+
			"Please delete it after taking care of them, e.g. stopping all of them.", h.ID, n)
	}
	return nil
}

// unsubscribe writes what Subscribe wants written when a workflow goes.
func (c *Catalog) unsubscribe(ctx context.Context, ch *Change) (err error) {
	if ch.Before.Active > 0 && (c.cfg.Subscribe != nil || c.cfg.Changed != nil) {
		if ch.ActiveBefore, err = c.Definition(ctx, ch.Before.Internal, ch.Before.Active); err != nil {
			return err
		}
	}
	if c.cfg.Subscribe == nil {
		return nil
	}
	records, err := c.cfg.Subscribe(ctx, *ch)
	if err != nil || len(records) == 0 {
		return err
	}
	return c.store.PutRecords(ctx, records...)
}

// remove deletes the workflow in the background and waits until its row is gone, which comes first. A client that goes
// away does not stop it half way.
func (c *Catalog) remove(ctx context.Context, h *Head, event []byte, at int64) error {
	c.setDeleting(h.ID, true)
	done := make(chan error, 1)
	c.work.Go(func() {
		err := c.store.Delete(c.ctx, h.ID, event, at)
		c.setDeleting(h.ID, false)
		if err != nil {
			c.log.Warn("workflow data not removed", "workflow", h.ID, "internal", h.Internal, "err", err)
		}
		done <- err
	})
	const patience = 200 * time.Millisecond // most workflows are gone within a few milliseconds, data and all
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-timer.C:
			if _, err := c.store.WorkflowByInternal(context.WithoutCancel(ctx), h.Internal); errors.Is(err, store.ErrNotFound) {
				return nil
			}
			timer.Reset(patience / 10)
		}
	}
}

func (c *Catalog) isDeleting(id string) bool {
	c.closing.Lock()
	defer c.closing.Unlock()
	return c.deleting[id]
}

func (c *Catalog) setDeleting(id string, yes bool) {
	c.closing.Lock()
	defer c.closing.Unlock()
	if yes {
		c.deleting[id] = true
	} else {
		delete(c.deleting, id)
	}
}
