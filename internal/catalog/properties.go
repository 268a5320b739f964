package catalog

import (
	"context"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/param"
	"maestro/spec"
)

// UpdateProperties makes the change of properties that n describes (spec/api 4.6) and returns the head after it. What n
// leaves out stays as it is.
func (c *Catalog) UpdateProperties(ctx context.Context, id string, n *doc.Node, caller string) (*Head, error) {
	var p doc.Problems
	u := spec.DecodePropertiesUpdate(n, c.Rules(), &p)
	if err := p.Err(); err != nil {
		return nil, Invalid(&doc.InvalidError{Problems: p.List})
	}
	return c.changeProperties(ctx, id, caller, func(h *Head, _ int64) (*spec.Properties, error) {
		next := u.Apply(&h.Snapshot.Properties)
		return next, c.checkStrategy(ctx, h, next)
	})
}

// PutTag adds a tag to the properties of a workflow, or replaces the one of its name in its place. Namespace, creator
// and time are the server's to say.
func (c *Catalog) PutTag(ctx context.Context, id string, n *doc.Node, caller string) (*Head, error) {
	var p doc.Problems
	t := spec.DecodeTag(n, c.Rules(), &p)
	if err := p.Err(); err != nil {
		return nil, Invalid(&doc.InvalidError{Problems: p.List})
	}
	t.Namespace = "PLATFORM"
	return c.changeProperties(ctx, id, caller, func(h *Head, at int64) (*spec.Properties, error) {
		next := h.Snapshot.Properties
		next.Tags = withTag(next.Tags, signed(t, caller, at))
		return &next, nil
	})
}

// signed returns t with who made it and when, whatever the client says about that.
func signed(t spec.Tag, caller string, at int64) spec.Tag {
	const creator, created = "creator", "created_at_milli"
	attributes := []param.Meta{{Name: creator, Value: &doc.Node{Kind: doc.String, Text: caller}}}
	for _, a := range t.Attributes {
		if a.Name != creator && a.Name != created {
			attributes = append(attributes, a)
		}
	}
	t.Attributes = append(attributes, param.Meta{Name: created, Value: number(at)})
	return t
}

func withTag(tags spec.Tags, t spec.Tag) spec.Tags {
	out := append(make(spec.Tags, 0, len(tags)+1), tags...)
	if have := out.Find(t.Name); have != nil {
		*have = t
		return out
	}
	return append(out, t)
}

// DeleteTag removes a tag from the properties of a workflow.
func (c *Catalog) DeleteTag(ctx context.Context, id, name, caller string) (*Head, error) {
	return c.changeProperties(ctx, id, caller, func(h *Head, _ int64) (*spec.Properties, error) {
		next := h.Snapshot.Properties
		if next.Tags.Find(name) == nil {
			return nil, api.Errorf(api.NotFound, "no workflow tag with name [%s] found in the current workflow tags for workflow [%s].", name, id)
		}
		next.Tags = make(spec.Tags, 0, len(next.Tags))
		for _, t := range h.Snapshot.Tags {
			if t.Name != name {
				next.Tags = append(next.Tags, t)
			}
		}
		return &next, nil
	})
}

// changeProperties stores a new snapshot, even one that says the same as the one before.
func (c *Catalog) changeProperties(ctx context.Context, id, caller string, next func(h *Head, at int64) (*spec.Properties, error)) (*Head, error) {
	return c.change(ctx, id, func(h *Head, at int64) (*draft, error) {
		if h == nil { // 400, where reads say 404 (spec/api 4.6)
			return nil, api.Errorf(api.BadRequest, "Cannot update workflow properties while the workflow [%s] does not exist", id)
		}
		p, err := next(h, at)
		if err != nil {
			return nil, err
		}
		d := &draft{kind: Properties, row: h.Workflow, caller: caller, line: "Update the properties for workflow: " + id}
		d.row.ModifyTime = at
		d.row.Properties = appendSnapshot(h.Snapshot.WorkflowID, p, caller, at)
		d.event = c.event(typeProperties, &d.row, caller, at).appendJSON(nil)
		return d, nil
	})
}

// PropertiesSnapshot returns the head of a workflow for its properties.
func (c *Catalog) PropertiesSnapshot(ctx context.Context, id string) (*Head, error) {
	h, err := c.head(ctx, id)
	if h == nil && err == nil {
		err = api.Errorf(api.NotFound, "Cannot find workflow [%s]'s current properties-snapshot. It has not been created yet or has been deleted.", id)
	}
	return h, err
}
