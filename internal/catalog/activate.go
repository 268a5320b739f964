package catalog

import (
	"context"
	"fmt"

	"maestro/api"
)

// Activation is what an activation or deactivation did.
type Activation struct {
	Workflow string
	Version  int64 // made active; 0 where nothing was
	Message  string
	At       int64
}

// Activate makes the version that a token means the active one (spec/api 5.2). Where it is already, only the history
// gets a line.
func (c *Catalog) Activate(ctx context.Context, id, token, caller string) (*Activation, error) {
	a := &Activation{Workflow: id}
	_, err := c.change(ctx, id, func(h *Head, at int64) (*draft, error) {
		if h == nil {
			return nil, unknown(id)
		}
		version, err := h.version(token)
		if err != nil {
			return nil, err
		}
		d := &draft{row: h.Workflow, caller: caller}
		a.At = at
		if version == h.Active {
			a.Message = fmt.Sprintf("Caller [%s] do nothing as workflow version [%s][%d] is already active", caller, id, version)
		} else {
			a.Version = version
			a.Message = fmt.Sprintf("Caller [%s] activates workflow version [%s][%d], previous active version is [%d]", caller, id, version, h.Active)
			d.kind = Activated
			d.row.Active, d.row.ActivateTime, d.row.ActivatedBy, d.row.ModifyTime = version, at, appendUser(nil, caller), at
			e := c.event(typeActivated, &d.row, caller, at)
			e.previous = h.Active
			d.event = e.appendJSON(nil)
		}
		d.line = a.Message
		return d, nil
	})
	return a, err
}

// Deactivate leaves the workflow without an active version: triggers start nothing any more. Runs go on.
func (c *Catalog) Deactivate(ctx context.Context, id, caller string) (*Activation, error) {
	a := &Activation{Workflow: id}
	_, err := c.change(ctx, id, func(h *Head, at int64) (*draft, error) {
		if h == nil {
			return nil, api.Errorf(api.NotFound, "Cannot deactivate workflow [%s] as it is not found", id)
		}
		d := &draft{row: h.Workflow, caller: caller}
		a.At = at
		if h.Active == 0 {
			a.Message = fmt.Sprintf("Caller [%s] do nothing as there is no active workflow version for [%s]", caller, id)
		} else {
			a.Message = fmt.Sprintf("Caller [%s] deactivated workflow [%s], whose last active version is [%d]", caller, id, h.Active)
			d.kind = Deactivated
			d.row.Active, d.row.ActivateTime, d.row.ActivatedBy, d.row.ModifyTime = 0, 0, nil, at
			e := c.event(typeDeactivated, &d.row, caller, at)
			e.previous = h.Active
			d.event = e.appendJSON(nil)
		}
		d.line = a.Message
		return d, nil
	})
	return a, err
}
