package catalog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"maestro/api"
	"maestro/internal/store"
)

// Kind says what happened to a workflow.
type Kind uint8

// The kinds of changes.
const (
	Pushed      Kind = iota + 1 // a new version, and perhaps new properties
	Properties                  // new properties
	Activated                   // another version became active
	Deactivated                 // no version is active any more
	Deleted                     // the workflow is gone, its runs with it
)

// Change is one change of a workflow.
type Change struct {
	Kind   Kind
	Before *Head // nil: the workflow is new
	After  *Head // nil: it is deleted. Internal is 0 as long as a new workflow is not stored
	At     int64

	ActiveBefore *Definition // nil: none was
	ActiveAfter  *Definition // nil: none is
}

// attempts is how often a change is made again because another process was faster.
const attempts = 16

// draft is a change on its way to the store.
type draft struct {
	kind    Kind // 0: nothing but a line of history
	row     store.Workflow
	version *store.Version
	pushed  *Definition // what version will be, without internal id
	caller  string
	line    string // of the history
	event   []byte // nil: none
}

// change makes a change from the present state of a workflow and stores it. plan gets the head, nil for a workflow that
// there is not, and the time of the change; it may be called again. It returns the head after the change.
func (c *Catalog) change(ctx context.Context, id string, plan func(h *Head, at int64) (*draft, error)) (*Head, error) {
	defer c.lock(id).Unlock()
	for n := range attempts {
		if n > 2 { // two that take turns would otherwise go on in step
			select {
			case <-time.After(rand.N(time.Duration(n) * time.Millisecond)):
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		before, err := c.headLocked(ctx, id)
		if err != nil {
			return nil, err
		}
		// The time of the last change is how the store tells that a row has changed, so it always grows.
		at := c.cfg.Now()
		if before != nil {
			at = max(at, before.ModifyTime+1)
		}
		d, err := plan(before, at)
		if err != nil {
			return nil, err
		}
		after, err := c.define(ctx, before, d, at)
		if err != nil {
			c.heads.drop(id) // somebody else was faster, or whether it was stored is unknown
		}
		if errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrExists) {
			continue
		}
		return after, err
	}
	return nil, api.Errorf(api.Conflict, "workflow [%s] is changed by others all the time; try again", id)
}

// define stores one draft and tells who wants to know.
func (c *Catalog) define(ctx context.Context, before *Head, d *draft, at int64) (*Head, error) {
	w := store.DefinitionChange{
		Workflow: d.row, Version: d.version, Event: d.event, At: at,
		Timeline: &store.TimelineEntry{Author: appendUser(nil, d.caller), Log: d.line, At: at},
	}
	if before != nil {
		w.Previous = before.ModifyTime
	}
	after, err := newHead(&d.row)
	if err != nil {
		return nil, err
	}
	ch := Change{Kind: d.kind, Before: before, After: after, At: at}
	if d.kind != 0 {
		if err := c.describe(ctx, &ch, d.pushed); err != nil {
			return nil, err
		}
		if c.cfg.Subscribe != nil {
			if w.Records, err = c.cfg.Subscribe(ctx, ch); err != nil {
				return nil, err
			}
		}
	}
	// From here on a client that goes away does not stop the change: the listener must hear of what was stored.
	stored, err := c.store.Define(context.WithoutCancel(ctx), w)
	if err != nil {
		return nil, fmt.Errorf("store workflow %q: %w", d.row.ID, err)
	}
	after.Workflow = stored
	c.keepHead(after)
	if d.pushed != nil {
		d.pushed.Internal = stored.Internal
		c.definitions.put(versionKey{stored.Internal, d.pushed.Version}, d.pushed, d.pushed.weight())
	}
	if d.kind != 0 && c.cfg.Changed != nil {
		c.cfg.Changed(ch)
	}
	return after, nil
}

// describe fills in the definitions that a change makes active and inactive.
func (c *Catalog) describe(ctx context.Context, ch *Change, pushed *Definition) (err error) {
	if c.cfg.Subscribe == nil && c.cfg.Changed == nil {
		return nil
	}
	if b := ch.Before; b != nil && b.Active > 0 {
		if ch.ActiveBefore, err = c.Definition(ctx, b.Internal, b.Active); err != nil {
			return err
		}
	}
	switch a := ch.After; {
	case a.Active == 0:
	case pushed != nil && a.Active == pushed.Version:
		ch.ActiveAfter = pushed
	case ch.ActiveBefore != nil && a.Active == ch.ActiveBefore.Version:
		ch.ActiveAfter = ch.ActiveBefore
	default:
		ch.ActiveAfter, err = c.Definition(ctx, a.Internal, a.Active)
	}
	return err
}
