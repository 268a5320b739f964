package catalog

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/spec"
)

// ForEngine is a Catalog as the engine sees it: definitions together with what all versions of their workflow share.
type ForEngine struct{ *Catalog }

var _ engine.Catalog = ForEngine{}

type runKey struct{ internal, version, modified int64 }

// Resolve returns the version that a token means now.
func (f ForEngine) Resolve(ctx context.Context, id, token string) (*engine.Definition, error) {
	h, d, err := f.Catalog.Resolve(ctx, id, token)
	if err != nil {
		return nil, err
	}
	return f.join(h, d), nil
}

// Version returns an exact version. When its workflow is gone, or another one has its name, it has no properties.
func (f ForEngine) Version(ctx context.Context, internal, version int64) (*engine.Definition, error) {
	d, err := f.Definition(ctx, internal, version)
	if err != nil {
		return nil, err
	}
	h, err := f.head(ctx, string(d.Workflow.ID))
	if err != nil {
		return nil, err
	}
	if h == nil || h.Internal != internal {
		return &engine.Definition{
			WorkflowID: string(d.Workflow.ID), Internal: internal, Version: version, Workflow: d.Workflow, Plan: d.Plan, Triggers: TriggerIDs(d.Workflow),
		}, nil
	}
	return f.join(h, d), nil
}

// Internal returns the internal id of a workflow, inline ones included.
func (f ForEngine) Internal(ctx context.Context, id string) (int64, error) {
	if !spec.IsInline(id) {
		h, err := f.Head(ctx, id)
		if err != nil {
			return 0, err
		}
		return h.Internal, nil
	}
	row, err := f.store.Workflow(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return 0, unknown(id)
	}
	if err != nil {
		return 0, fmt.Errorf("read workflow %q: %w", id, err)
	}
	return row.Internal, nil
}

// Template returns what a job template gives to a step, empty where there is none.
func (f ForEngine) Template(ctx context.Context, s *spec.Step, version string) (*instance.Template, error) {
	return f.Catalog.Template(ctx, s, version)
}

// Current returns the default version of a workflow.
func (f ForEngine) Current(ctx context.Context, internal int64) (*engine.Definition, error) {
	h, err := f.ByInternal(ctx, internal)
	if err != nil {
		return nil, err
	}
	d, err := f.Definition(ctx, internal, h.Default())
	if err != nil {
		return nil, err
	}
	return f.join(h, d), nil
}

// join puts a version and the head of its workflow together, once for as long as neither changes.
func (f ForEngine) join(h *Head, d *Definition) *engine.Definition {
	key := runKey{d.Internal, d.Version, h.ModifyTime}
	if have, ok := f.joined.get(key); ok {
		return have
	}
	joined := &engine.Definition{
		WorkflowID: h.ID, Internal: d.Internal, Version: d.Version, Active: d.Version == h.Active, FirstInstance: h.FirstInstance,
		Workflow: d.Workflow, Plan: d.Plan, Properties: &h.Snapshot.Properties, Snapshot: runProperties(h), Triggers: TriggerIDs(d.Workflow),
	}
	f.joined.put(key, joined, d.weight()) // it keeps the definition in memory
	return joined
}

// runProperties returns what a run keeps of the properties at its start (engine 4, step 3).
func runProperties(h *Head) []byte {
	s := h.Snapshot
	o := doc.Open(nil)
	o.Int("create_time", s.CreateTime.Value)
	if s.Owner != nil {
		o.Text("owner", s.Owner.Name)
	}
	if s.Alerting != nil {
		o.Key("alerting")
		o.Out = s.Alerting.AppendJSON(o.Out)
	}
	if s.StepConcurrency.Set {
		o.Int("step_concurrency", s.StepConcurrency.Value)
	}
	if s.Tags != nil {
		o.Key("tags")
		o.Out = s.Tags.AppendJSON(o.Out)
	}
	return o.Close()
}
