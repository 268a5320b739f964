package enginetest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/spec"
)

// Book is a catalog of definitions that tests write down. It outlives engines, as a catalog does.
type Book struct {
	Broken    func() error                                     // asked first by Current, if not nil
	Templates func(version string) (*instance.Template, error) // asked for job templates; nil: there are none

	mu   sync.Mutex
	byID map[string]*engine.Definition
}

var _ engine.Catalog = (*Book)(nil)

// Push writes down a workflow of the steps, each as JSON. properties is JSON, workflow further members of the workflow.
func (b *Book) Push(id, properties, workflow string, steps ...string) error {
	text := fmt.Sprintf(`{"properties":%s,"workflow":{"id":%q,%s"steps":[%s]}}`, properties, id, workflow, strings.Join(steps, ","))
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		return err
	}
	var problems doc.Problems
	req := spec.DecodePushRequest(n, spec.Rules{}, &problems)
	if err := problems.Err(); err != nil {
		return fmt.Errorf("%w in %s", err, text)
	}
	dag, err := spec.BuildDAG(req.Workflow.Steps, nil, nil)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		b.byID = make(map[string]*engine.Definition)
	}
	b.byID[id] = &engine.Definition{
		WorkflowID: id, Internal: int64(10_000 + len(b.byID)), Version: 1, Active: true, Workflow: req.Workflow,
		Plan: instance.NewPlan(req.Workflow, dag), Properties: req.Properties, Snapshot: []byte(properties),
	}
	return nil
}

// Resolve implements engine.Catalog.
func (b *Book) Resolve(_ context.Context, id, _ string) (*engine.Definition, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.byID[id]; d != nil {
		return d, nil
	}
	return nil, api.Errorf(api.NotFound, "workflow [%s]", id)
}

// Version implements engine.Catalog.
func (b *Book) Version(_ context.Context, internal, _ int64) (*engine.Definition, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.byID {
		if d.Internal == internal {
			return d, nil
		}
	}
	return nil, store.ErrNotFound
}

// Current implements engine.Catalog.
func (b *Book) Current(ctx context.Context, internal int64) (*engine.Definition, error) {
	if b.Broken != nil {
		if err := b.Broken(); err != nil {
			return nil, err
		}
	}
	return b.Version(ctx, internal, 0)
}

// Template implements engine.Catalog.
func (b *Book) Template(_ context.Context, _ *spec.Step, version string) (*instance.Template, error) {
	if b.Templates != nil {
		return b.Templates(version)
	}
	return &instance.Template{}, nil
}

// Internal implements engine.Catalog.
func (b *Book) Internal(ctx context.Context, id string) (int64, error) {
	d, err := b.Resolve(ctx, id, "")
	if err != nil {
		return 0, err
	}
	return d.Internal, nil
}
