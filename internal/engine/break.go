package engine

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// errDamaged says that what the store has of a run makes no sense.
var errDamaged = errors.New("engine: run data is damaged")

// breakRun ends a run that broke an invariant, from what the store has of it, and what its runtimes have under way.
func (e *Engine) breakRun(id store.RunID, cause error) {
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("broken run cannot even be failed and is left alone", "run", int64(id), "panic", p)
		}
	}()
	var left remains
	_ = e.insist(func(int) bool {
		run, row, err := e.loadRun(e.ctx, id, false)
		switch {
		case errors.Is(err, errDamaged):
			e.failDamaged(id, err)
			return true
		case err != nil:
			return errors.Is(err, store.ErrNotFound)
		case run.Own.Terminal(): // perhaps because of us, in a commit that was written and reported as failed
			e.over(row, run.Status, left)
			return true
		}
		left = e.remainsOf(run)
		now := max(e.clock.of(id), run.Modified)
		pass, err := run.Apply(instance.Break{At: now, Reason: cause.Error()})
		if err != nil {
			panic(err) // it is live
		}
		return e.giveUp(row, pass.Records, now, left)
	})
}

// failDamaged ends a run whose data cannot be read, so that nobody waits for it. What is told about it is the reason.
func (e *Engine) failDamaged(id store.RunID, cause error) {
	var left remains
	_ = e.insist(func(int) bool {
		row, entries, err := e.store.Load(e.ctx, id)
		if err != nil {
			return errors.Is(err, store.ErrNotFound)
		}
		if status := instance.RunStatus(row.Status); status.Terminal() {
			e.over(row, status, left)
			return true
		}
		run, err := e.salvage(e.ctx, row, entries)
		switch {
		case err == nil:
			left = e.remainsOf(run)
			if errors.As(cause, new(setAside)) {
				e.log.Error("run is set aside", "run", run.Identity(), "look", fmt.Sprintf("maestro get %s/%d", run.WorkflowID, run.Instance), "error", cause)
			}
		case !errors.Is(err, store.ErrNotFound): // else the workflow is being deleted
			return false
		}
		now := e.clock.of(id)
		if n := len(entries); n > 0 {
			now = max(now, entries[n-1].At)
		}
		line := instance.DetailsLine("INTERNAL_ERROR", "the run cannot go on", cause.Error())
		return e.giveUp(row, []instance.Record{
			{Kind: instance.KindRunLine, At: now, Data: line.Encode()},
			{Kind: instance.KindRunStatus, At: now, Status: uint8(instance.RunFailed)},
		}, now, left)
	})
}

// giveUp writes the end of a run that cannot go on. It reports false when it should be tried again.
func (e *Engine) giveUp(row *store.Run, records []instance.Record, now int64, left remains) bool {
	err := e.committer.commit(store.Change{
		Group: row.Group, Epoch: e.epoch(row.Group), Runs: []store.RunChange{{
			ID: row.ID, Seq: row.Entries + 1, At: now,
			Entry:  instance.AppendEntry(nil, records),
			Update: &store.Update{Status: uint8(instance.RunFailed), Ended: now},
		}},
	})
	if err != nil {
		e.log.Error("run that cannot go on could not be failed", "run", int64(row.ID), "error", err)
		return e.epoch(row.Group) < 0
	}
	e.hub.tell(row.ID)
	e.over(row, instance.RunFailed, left)
	return true
}

// over lets go of what a run held that ended without its actor, and ends what it left under way.
func (e *Engine) over(row *store.Run, status instance.RunStatus, left remains) {
	e.outputs.over(row.ID)
	e.ended(row.Workflow, row.ID, status)
	e.clear(row.ID, left)
}

// unblockDamaged marks a FAILED run whose data cannot be read as seen to.
func (e *Engine) unblockDamaged(ctx context.Context, id store.RunID, line instance.Line) error {
	row, err := e.store.Row(ctx, id)
	if err != nil {
		return fmt.Errorf("find run %d: %w", id, err)
	}
	r := &instance.Run{Status: instance.RunStatus(row.Status), Own: instance.RunStatus(row.Status)}
	now := max(e.clock.of(id), row.Ended)
	pass, err := r.Apply(instance.Unblock{At: now, Line: line})
	if err != nil {
		return err
	}
	err = e.committer.commit(store.Change{
		Group: row.Group, Epoch: e.epoch(row.Group), Runs: []store.RunChange{{
			ID: id, Seq: row.Entries + 1, At: now,
			Entry:  instance.AppendEntry(nil, pass.Records),
			Update: &store.Update{Status: uint8(r.Status), Ended: row.Ended},
		}},
	})
	if err == nil {
		e.hub.tell(id)
	}
	return err
}
