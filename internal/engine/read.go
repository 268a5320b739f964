package engine

import (
	"context"
	"errors"
	"fmt"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
)

// Load returns a run with all of its attempts, as it is in the store now. run 0 is the latest run of the instance. The
// result belongs to the caller.
func (e *Engine) Load(ctx context.Context, workflowID string, inst, run int64) (*instance.Run, error) {
	row, err := e.find(ctx, workflowID, inst, run)
	if err != nil {
		return nil, err
	}
	return e.LoadID(ctx, row.ID)
}

// find returns the row of a run; run 0 is the latest of the instance.
func (e *Engine) find(ctx context.Context, workflowID string, inst, run int64) (*store.Run, error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if errors.Is(err, api.NotFound) {
		return nil, notFound(workflowID, inst, run)
	} else if err != nil {
		return nil, err
	}
	row, err := e.store.Find(ctx, internal, inst, run)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound(workflowID, inst, run)
	} else if err != nil {
		return nil, fmt.Errorf("find run [%s][%d][%d]: %w", workflowID, inst, run, err)
	}
	return row, nil
}

// LoadID is Load by the key of the run.
func (e *Engine) LoadID(ctx context.Context, id store.RunID) (*instance.Run, error) {
	r, _, err := e.loadRun(ctx, id, true)
	return r, err
}

// Identify makes a run of its row that knows what it is called and what it consists of, and no more: enough to follow its
// journal for what is published about it.
func (e *Engine) Identify(ctx context.Context, row *store.Run) (*instance.Run, error) {
	d, err := e.catalog.Version(ctx, row.Workflow, row.Version)
	if err != nil {
		return nil, fmt.Errorf("definition of run %d: %w", row.ID, err)
	}
	h, err := instance.DecodeHeader(row.Header)
	if err != nil {
		return nil, fmt.Errorf("%w: header of run %d: %w", errDamaged, row.ID, err)
	}
	return e.named(d, h, row)
}

// IdentifyID is Identify by the key of the run.
func (e *Engine) IdentifyID(ctx context.Context, id store.RunID) (*instance.Run, error) {
	row, err := e.store.Row(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find run %d: %w", id, err)
	}
	return e.Identify(ctx, row)
}

// IsDamaged reports whether an error says that what the store has of a run makes no sense, and never will.
func IsDamaged(err error) bool { return errors.Is(err, errDamaged) }

func notFound(workflowID string, inst, run int64) error {
	return api.Errorf(api.NotFound, "workflow instance [%s][%d][%d] not found (either not created or deleted)", workflowID, inst, run)
}

// List returns rows of the runs of a workflow, for pages and bulk actions.
func (e *Engine) List(ctx context.Context, workflowID string, q store.RunQuery) ([]store.Run, error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if err != nil {
		return nil, err
	}
	q.Workflow = internal
	return e.store.List(ctx, q)
}

// Counts returns how many runs a workflow has.
func (e *Engine) Counts(ctx context.Context, workflowID string) (store.Counts, error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if err != nil {
		return store.Counts{}, err
	}
	return e.store.Counts(ctx, internal)
}
