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

// Request is a push as it was read, structurally valid.
type Request struct {
	*spec.PushRequest
	Source   *doc.Node     // where it was read from; nil when it was not JSON
	Warnings []doc.Problem // what is probably not meant
}

// Decode reads the body of a push or validation and checks its structure (definition 12, steps 2 and 3).
func (c *Catalog) Decode(n *doc.Node) (*Request, error) {
	var p doc.Problems
	rules := c.Rules()
	push := spec.DecodePushRequest(n, rules, &p)
	if p.Failed() {
		p.Sort()
		return nil, Malformed(&doc.InvalidError{Problems: p.List})
	}
	return c.check(push, n, rules, p)
}

// check is step 3: what a request that could be read must be.
func (c *Catalog) check(push *spec.PushRequest, src *doc.Node, rules spec.Rules, p doc.Problems) (*Request, error) {
	push.Validate(src, rules, &p)
	if push.Workflow != nil {
		checkTriggers(push.Workflow, src, &p)
	}
	p.Sort()
	if p.Failed() {
		return nil, Invalid(&doc.InvalidError{Problems: p.List})
	}
	return &Request{PushRequest: push, Source: src, Warnings: p.List}, nil
}

// checkTriggers refuses signal triggers that say the same: they would share one id (signals 5.2).
func checkTriggers(w *spec.Workflow, src *doc.Node, p *doc.Problems) {
	seen := make(map[string]int, len(w.SignalTriggers))
	for i := range w.SignalTriggers {
		id := SignalTriggerID(&w.SignalTriggers[i])
		if earlier, twice := seen[id]; twice {
			var at *doc.Node
			if list := src.Field("workflow").Field("signal_triggers"); list != nil && i < len(list.Items) {
				at = list.Items[i]
			}
			p.Errorf(at, fmt.Sprintf("workflow.signalTriggers[%d]", i), "is the same trigger as signalTriggers[%d]", earlier)
		}
		seen[id] = i
	}
}

// Validate tells whether a push of this request would be accepted, without one: the dry run, but not what depends on
// the state of the workflow (spec/api 4.3).
func (c *Catalog) Validate(ctx context.Context, r *Request, caller string) error {
	if err := c.dryRun(ctx, r.Workflow, caller); err != nil {
		f, ok := errors.AsType[*dryRunError](err)
		if !ok {
			return err
		}
		return &api.Error{Code: api.BadRequest, Message: "Invalid workflow create request", Errors: []string{f.message}}
	}
	return nil
}

// Push stores a request as the next version of its workflow (spec/api 4.1). Pushes of the same workflow follow one
// another; each gets a version of its own.
func (c *Catalog) Push(ctx context.Context, r *Request, caller string) (*View, error) {
	id := string(r.Workflow.ID)
	if err := c.dryRun(ctx, r.Workflow, caller); err != nil {
		f, ok := errors.AsType[*dryRunError](err)
		if !ok {
			return nil, err
		}
		return nil, &api.Error{
			Code: api.BadRequest, Errors: []string{f.kind + ": " + f.message},
			Message: fmt.Sprintf("Exception during dry run validation for workflow %s Error=[%s]", id, f.message),
		}
	}
	var p doc.Problems
	r.ValidatePush(r.Source, &p)
	if err := p.Err(); err != nil {
		return nil, &api.Error{Code: api.BadRequest, Message: first(list(&doc.InvalidError{Problems: p.List}))}
	}
	if c.isDeleting(id) {
		return nil, api.Errorf(api.Conflict, "workflow [%s] is being deleted; push it again when its data is gone", id)
	}
	definition := r.Workflow.AppendJSON(nil)
	var pushed *store.Version
	head, err := c.change(ctx, id, func(h *Head, at int64) (*draft, error) {
		d, err := c.draftPush(ctx, r, h, definition, caller, at)
		if err == nil {
			pushed = d.version
		}
		return d, err
	})
	if err != nil {
		return nil, err
	}
	return &View{Head: head, Version: pushed.Version, Workflow: definition, Metadata: pushed.Metadata}, nil
}

// draftPush makes the change of a push to the workflow that h is the head of; nil: it is the first one.
func (c *Catalog) draftPush(ctx context.Context, r *Request, h *Head, definition []byte, caller string, at int64) (*draft, error) {
	id := r.Workflow.ID
	row := store.Workflow{ID: string(id)}
	var current *spec.Properties
	if h != nil {
		row, current = h.Workflow, &h.Snapshot.Properties
	} else if r.Properties == nil || r.Properties.Owner == nil {
		return nil, api.Errorf(api.BadRequest, "workflow properties and also owner must be set when creating the first version of a workflow [%s]", id)
	}
	previous := row.Active
	row.Latest++
	row.ModifyTime = at
	if r.IsActive {
		row.Active, row.ActivateTime, row.ActivatedBy = row.Latest, at, appendUser(nil, caller)
	}
	if r.Properties != nil {
		merged := spec.MergePush(current, r.Properties)
		if merged.Tags == nil {
			merged.Tags = r.Properties.Tags // an empty list, which is kept as written
		}
		if err := c.checkStrategy(ctx, h, merged); err != nil {
			return nil, err
		}
		row.Properties = appendSnapshot(id, merged, caller, at)
	}
	meta := spec.Metadata{
		WorkflowID: id, VersionID: spec.Some(row.Latest), CreateTime: spec.Some(at),
		Author: &spec.User{Name: caller}, GitInfo: r.GitInfo, Extra: r.Extra,
	}
	d := &draft{
		kind: Pushed, row: row, caller: caller,
		version: &store.Version{Workflow: row.Internal, Version: row.Latest, Created: at, Metadata: meta.AppendJSON(nil), Definition: definition},
		line:    fmt.Sprintf("Created a new workflow version [%d] for workflow id [%s]", row.Latest, id),
	}
	var err error
	if d.pushed, err = newDefinition(d.version, r.Workflow); err != nil {
		return nil, err
	}
	e := c.event(typePushed, &row, caller, at)
	e.name, e.version, e.previous = r.Workflow.DisplayName(), row.Latest, previous
	if r.Properties == nil {
		e.kind = typeVersioned
	}
	d.event = e.appendJSON(nil)
	return d, nil
}

// appendSnapshot returns properties as they are stored and shown.
func appendSnapshot(id spec.WorkflowID, p *spec.Properties, caller string, at int64) []byte {
	s := spec.Snapshot{WorkflowID: id, CreateTime: spec.Some(at), Author: &spec.User{Name: caller}, Properties: *p}
	return s.AppendJSON(nil)
}
