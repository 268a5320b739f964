package engine

import (
	"context"
	"fmt"

	"maestro/internal/instance"
	"maestro/internal/store"
)

// LoadDamaged returns what can be read of a run whose data is damaged (IsDamaged) or newer than this program, for those
// who want to look at it: it tells how it ended and why, and may lack anything else. The result belongs to the caller.
func (e *Engine) LoadDamaged(ctx context.Context, id store.RunID) (*instance.Run, error) {
	row, entries, err := e.store.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("load run %d: %w", id, err)
	}
	r, err := e.salvage(ctx, row, entries)
	if err != nil {
		return nil, err
	}
	r.Conclude(instance.RunStatus(row.Status), row.Ended)
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
	anyhow(func() {
		if h, err := instance.DecodeHeader(row.Header); err == nil {
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
			r.Params, _ = e.language.RunParams(r)
		}
	})
	for i := range entries {
		anyhow(func() { r.Salvage(entries[i].Data) })
	}
	return r, nil
}

// anyhow calls f on data that may be anything. What it has done when it panics stays done.
func anyhow(f func()) {
	defer func() { _ = recover() }()
	f()
}
