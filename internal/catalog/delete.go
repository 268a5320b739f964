package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maestro/api"
	"maestro/internal/store"
	"maestro/spec"
)

// Delete removes a workflow with everything that belongs to it (spec/api 4.7). It returns when the workflow is gone for
// readers and the deletion is durable; its data is removed in the background. It returns the time of the deletion.
func (c *Catalog) Delete(ctx context.Context, id, caller string) (int64, error) {
	if spec.IsInline(id) {
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
	if err := c.remove(h, c.event(typeDeleted, &h.Workflow, caller, at).appendJSON(nil), at); err != nil {
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
func (c *Catalog) remove(h *Head, event []byte, at int64) error {
	c.setDeleting(h.ID, true)
	done := make(chan error, 1)
	began := c.later(func() {
		err := c.store.Delete(c.ctx, h.ID, event, at, c.cfg.Keep)
		if err == nil || c.exists(h.Internal) {
			c.setDeleting(h.ID, false)
			done <- err
			return
		}
		done <- nil // the workflow is gone, only its data is not
		c.log.Warn("workflow data not removed yet", "workflow", h.ID, "internal", h.Internal, "err", err)
		c.purge()
		c.setDeleting(h.ID, false)
	})
	if !began {
		c.setDeleting(h.ID, false)
		return errStopped
	}
	const patience = 200 * time.Millisecond // most workflows are gone within a few milliseconds, data and all
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-timer.C:
			if !c.exists(h.Internal) {
				return nil
			}
			timer.Reset(patience / 10)
		}
	}
}

// exists reports whether the row of a workflow is still there, or may be.
func (c *Catalog) exists(internal int64) bool {
	_, err := c.store.WorkflowByInternal(context.WithoutCancel(c.ctx), internal)
	return !errors.Is(err, store.ErrNotFound)
}

// Start finishes deletions that an earlier process did not, in the background. What Config.Keep needs must be there.
func (c *Catalog) Start() { c.later(c.purge) }

// later runs f in a goroutine that Stop waits for. It reports false when the catalog has stopped.
func (c *Catalog) later(f func()) bool {
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.work.Go(f)
	return true
}

// purge removes the data of deleted workflows, and tries again until it has.
func (c *Catalog) purge() {
	for delay := time.Second; ; delay = min(2*delay, time.Minute) {
		err := c.store.Purge(c.ctx, c.cfg.Keep)
		if err == nil {
			return
		}
		if c.ctx.Err() == nil {
			c.log.Warn("data of deleted workflows not removed yet", "err", err)
		}
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(delay):
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
