package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/spec"
)

// Definition is one version of a workflow, parsed. It is immutable and shared by all runs of the version.
type Definition struct {
	Internal int64
	Version  int64
	Created  int64
	Workflow *spec.Workflow
	DAG      *spec.DAG      // of a fresh run
	Plan     *instance.Plan // of a fresh run
	JSON     []byte         // the workflow as stored
	Metadata []byte         // JSON
}

type versionKey struct{ internal, version int64 }

// weight estimates the memory of a parsed definition. Parsed values take about twelve times the bytes of their JSON.
func (d *Definition) weight() int64 {
	return 2048 + 13*int64(len(d.JSON)) + int64(len(d.Metadata))
}

// Definition returns a version of the workflow with this internal id, or api.NotFound. One that is in memory costs
// a look into a map.
func (c *Catalog) Definition(ctx context.Context, internal, version int64) (*Definition, error) {
	key := versionKey{internal, version}
	if d, ok := c.definitions.get(key); ok {
		return d, nil
	}
	// One parses, the others wait for it: thousands of runs of one version are loaded at once after a restart.
	defer c.loading(key).Unlock()
	if d, ok := c.definitions.get(key); ok {
		return d, nil
	}
	v, err := c.store.Version(ctx, internal, version)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &api.Error{
			Code: api.NotFound, Cause: err,
			Message: fmt.Sprintf("version [%d] of the workflow with internal id [%d] is not found (either not created or deleted)", version, internal),
		}
	}
	if err != nil {
		return nil, fmt.Errorf("version %d of workflow %d: %w", version, internal, err)
	}
	d, err := parseDefinition(v, c.cfg.Rules.Types)
	if err != nil {
		return nil, err
	}
	c.definitions.put(key, d, d.weight())
	return d, nil
}

// parseDefinition reads what was stored. Rules were checked when it was pushed and may have changed since.
func parseDefinition(v *store.Version, types spec.Types) (*Definition, error) {
	fail := func(err error) (*Definition, error) {
		return nil, fmt.Errorf("stored version %d of workflow %d: %w", v.Version, v.Workflow, err)
	}
	n, err := doc.ParseJSON(v.Definition, doc.Limits{})
	if err != nil {
		return fail(err)
	}
	var p doc.Problems
	w := spec.DecodeWorkflow(n, spec.Rules{Types: types}, &p)
	if err := p.Err(); err != nil {
		return fail(err)
	}
	return newDefinition(v, w)
}

func newDefinition(v *store.Version, w *spec.Workflow) (*Definition, error) {
	dag, err := spec.BuildDAG(w.Steps, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("version %d of workflow %q: %w", v.Version, w.ID, err)
	}
	return &Definition{
		Internal: v.Workflow, Version: v.Version, Created: v.Created,
		Workflow: w, DAG: dag, Plan: instance.NewPlan(w, dag), JSON: v.Definition, Metadata: v.Metadata,
	}, nil
}

// Resolve returns the version that a token means: active, latest, default (any letter case) or a number. An unknown
// workflow comes before a bad token (spec/api 4.4).
func (c *Catalog) Resolve(ctx context.Context, id, token string) (*Head, *Definition, error) {
	h, err := c.Head(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	version, err := h.version(token)
	if err != nil {
		return nil, nil, err
	}
	d, err := c.Definition(ctx, h.Internal, version)
	if errors.Is(err, api.NotFound) {
		err = noVersion(id, token)
	}
	return h, d, err
}

// version returns the number that a token means.
func (h *Head) version(token string) (int64, error) {
	switch {
	case strings.EqualFold(token, "active"):
		if h.Active == 0 {
			return 0, api.Errorf(api.NotFound, "Cannot find an active version for workflow [%s]", h.ID)
		}
		return h.Active, nil
	case strings.EqualFold(token, "latest"):
		return h.Latest, nil
	case strings.EqualFold(token, "default"):
		return h.Default(), nil
	}
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil || n < 1 {
		e := api.Errorf(api.BadRequest, "Invalid workflow version [%s] for workflow [%s]: active, latest, default or a number from 1 is expected", token, h.ID)
		e.Errors = []string{"Invalid workflow version: " + token}
		return 0, e
	}
	if n > h.Latest {
		return 0, noVersion(h.ID, token)
	}
	return n, nil
}

func noVersion(id, token string) error {
	return api.Errorf(api.NotFound, "Cannot find workflow [%s] with version [%s]", id, token)
}
