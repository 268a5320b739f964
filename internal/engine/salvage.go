package engine

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// LoadDamaged returns what can be read of a run whose data is damaged (IsDamaged) or newer than this program, for those
// who want to look at it: it tells how it ended and why, and may lack anything else. The result belongs to the caller.
func (e *Engine) LoadDamaged(ctx context.Context, id store.RunID) (*instance.Run, error) {
	_, _, cause := e.loadRun(ctx, id, true)
	row, entries, err := e.store.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("load run %d: %w", id, err)
	}
	r, err := e.salvage(ctx, row, entries)
	if err != nil {
		return nil, err
	}
	r.Conclude(instance.RunStatus(row.Status), row.Ended)
	if errors.Is(cause, instance.ErrNewer) { // a damaged run tells why itself, once it is failed
		r.Lines = append(r.Lines, stamped(instance.DetailsLine("INTERNAL_ERROR", "this program cannot read the run and leaves it alone", cause.Error()), r.Modified))
	}
	return r, nil
}

// salvage makes of damaged data what can be made of it: not a run, but enough to tell what it has under way. It fails only
// where trying again may help.
func (e *Engine) salvage(ctx context.Context, row *store.Run, entries []store.Entry) (*instance.Run, error) {
	d, err := e.catalog.Version(ctx, row.Workflow, row.Version)
	if err != nil {
		return nil, fmt.Errorf("definition of run %d: %w", row.ID, err)
	}
	var r *instance.Run
	steps := true // the plan has the steps that the entries speak of
	anyhow(func() {
		h, err := instance.DecodeHeader(row.Header)
		if err != nil {
			return
		}
		if r, err = e.named(d, h, row); errors.Is(err, instance.ErrNewer) {
			steps, h.Plan = false, 0
			r, _ = e.named(d, h, row)
		}
	})
	if r == nil { // as if it were a fresh run of all steps
		if r, err = e.named(d, &instance.Header{}, row); err != nil {
			return nil, err
		}
	}
	r.History = true
	if e.condemned(row.ID) != nil {
		r.Language = mute{}
	}
	anyhow(func() {
		if r.Language == e.language && r.Header.HasParams {
			if e.learnDefaults(ctx, r.Header.Defaults) == nil {
				r.Params, _ = e.language.RunParams(r)
			}
		}
	})
	for i := range entries {
		anyhow(func() { r.Salvage(entries[i].Data, steps) })
	}
	return r, nil
}

// anyhow calls f on data that may be anything. What it has done when it panics stays done.
func anyhow(f func()) {
	defer func() { _ = recover() }()
	f()
}
