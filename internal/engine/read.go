package engine

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// Load returns a run with all of its attempts, as it is in the store now. run 0 is the latest run of the instance. The
// result belongs to the caller.
func (e *Engine) Load(ctx context.Context, workflowID string, inst, run int64) (*instance.Run, error) {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if errors.Is(err, ErrNotFound) {
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
	return e.LoadID(ctx, row.ID)
}

// LoadID is Load by the key of the run.
func (e *Engine) LoadID(ctx context.Context, id store.RunID) (*instance.Run, error) {
	r, _, err := e.loadRun(ctx, id, true)
	return r, err
}

// Identify makes a run of its row, before its first entry: what names it, and no more.
func (e *Engine) Identify(ctx context.Context, row *store.Run) (*instance.Run, error) {
	return e.build(ctx, row, false)
}

// IsDamaged reports whether an error says that what the store has of a run makes no sense, and never will.
func IsDamaged(err error) bool { return errors.Is(err, errDamaged) }

func notFound(workflowID string, inst, run int64) error {
	return fmt.Errorf("%w: workflow instance [%s][%d][%d] not found (either not created or deleted)", ErrNotFound, workflowID, inst, run)
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
