package event

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
)

// Identifier makes a run of its row, before its first entry: what names it in events.
type Identifier interface {
	Identify(ctx context.Context, row *store.Run) (*instance.Run, error)
}

// Keep returns what stays of the journals of deleted runs (store.Keep): their events, at the places that they had. A run
// that cannot be understood any more leaves none, and a line in the log.
func (s *Source) Keep(of Identifier, log *slog.Logger) store.Keep {
	return func(ctx context.Context, row *store.Run, entries []store.Entry) ([]store.Entry, error) {
		kept, err := s.keep(ctx, of, row, entries)
		if err != nil && !hopeless(err) {
			return nil, err
		}
		if err != nil {
			log.Warn("events of a deleted run are lost", "run", int64(row.ID), "workflow", row.Workflow, "instance", row.Instance, "error", err)
		}
		return kept, nil
	}
}

func (s *Source) keep(ctx context.Context, of Identifier, row *store.Run, entries []store.Entry) ([]store.Entry, error) {
	horizon := s.horizon()
	if len(entries) == 0 || entries[len(entries)-1].At < horizon {
		return nil, nil
	}
	run, err := of.Identify(ctx, row)
	if err != nil {
		return nil, err
	}
	p := view.NewPublisher(run, s.cfg.Cluster)
	var kept []store.Entry
	var events []view.Event
	for i := range entries {
		e := &entries[i]
		if events, err = p.Read(events[:0], e.Pos, e.At, e.Data); err != nil {
			return kept, damaged{err}
		}
		if len(events) > 0 && e.At >= horizon {
			kept = append(kept, store.Entry{Pos: e.Pos, At: e.At, Data: view.AppendPublished(nil, events)})
		}
	}
	return kept, nil
}

// Pruner removes journal entries that belong to no run. store.Feed is one.
type Pruner interface {
	Prune(ctx context.Context, at, pos int64, n int) (int, error)
}

const (
	pruneAtOnce = 500              // entries of one transaction, so that commits wait a few milliseconds for it
	pruneEvery  = 10 * time.Minute // how often entries are looked for that have become too old
)

// Prune removes entries that are too old and belong to no run, now and then, until ctx ends. read returns the place up to
// which all sinks have read; nil: there are none. A sink that finds events too old passes them over, so none of them can
// hold this up.
func (s *Source) Prune(ctx context.Context, from Pruner, read func() int64, log *slog.Logger) {
	if s.cfg.Retention == 0 {
		return
	}
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if n, err := s.prune(ctx, from, read); err != nil && ctx.Err() == nil {
			log.Warn("old events could not be removed", "error", err)
		} else if n > 0 {
			log.Debug("old events removed", "entries", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Source) prune(ctx context.Context, from Pruner, read func() int64) (removed int, err error) {
	pos := int64(math.MaxInt64)
	if read != nil {
		pos = read()
	}
	for {
		n, err := from.Prune(ctx, s.horizon(), pos, pruneAtOnce)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("prune the journal: %w", err)
		}
		if n < pruneAtOnce || ctx.Err() != nil {
			return removed, nil
		}
	}
}
