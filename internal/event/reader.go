package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
)

// Reader reads published events in order. An event says what a status was before, and changes that belong together are
// published as one, so the reader follows each run that it meets from its first entry on. It belongs to one goroutine.
type Reader struct {
	s    *Source
	want func(workflow string) bool // nil: all
	at   view.Cursor

	runs    map[store.RunID]*followed
	pending []view.Event // of one entry
	tooOld  int64        // entries passed over
	failed  int64        // position of the entry that could not be read
}

// followed is a run that the reader has met.
type followed struct {
	publisher *view.Publisher
	workflow  string
	seq       int64 // entries read
}

const (
	// maxFollowed is how many runs a reader keeps track of. Those forgotten are read again when they turn up.
	maxFollowed = 4096
	// readAtOnce is how many journal entries are read at a time.
	readAtOnce = 256
)

// Reader returns a reader of what comes after a place. want, if not nil, selects workflows.
func (s *Source) Reader(from view.Cursor, want func(workflow string) bool) *Reader {
	return &Reader{s: s, want: want, at: from, runs: make(map[store.RunID]*followed)}
}

// At returns the place that the reader has come to.
func (r *Reader) At() view.Cursor { return r.at }

// TooOld returns how many journal entries were passed over since they were asked about last, because they are too old.
func (r *Reader) TooOld() int64 {
	n := r.tooOld
	r.tooOld = 0
	return n
}

// Read returns up to n events after the place of the reader, and moves it. more says that it stopped for another reason
// than the end of the journal: there were n events, or it was at it until the given time. On an error it stands where it
// stood before the entry it failed at, after the events that it returns.
func (r *Reader) Read(ctx context.Context, n int, until time.Time) (events []Event, more bool, err error) {
	for {
		horizon := r.s.horizon()
		entries, err := r.s.cfg.Journal.After(ctx, r.at.Unread(), 0, readAtOnce)
		if err != nil {
			return events, true, fmt.Errorf("read the journal: %w", err)
		}
		for i := range entries {
			e := &entries[i]
			if e.At < horizon {
				r.tooOld++
				r.at = view.Cursor{Pos: e.Pos, Index: view.WholeEntry}
				continue
			}
			workflow, err := r.entry(ctx, e)
			if err != nil {
				r.failed = e.Pos
				return events, true, err
			}
			for _, ev := range r.pending {
				if !r.at.Before(ev.Cursor.Pos, ev.Cursor.Index) {
					continue
				}
				events = append(events, Event{Cursor: ev.Cursor, Type: ev.Type, Workflow: workflow, At: e.At, Data: ev.Data})
				if len(events) == n {
					r.at = ev.Cursor
					return events, true, nil
				}
			}
			r.at = view.Cursor{Pos: e.Pos, Index: view.WholeEntry}
		}
		if len(entries) < readAtOnce {
			return events, false, nil
		}
		if entries[len(entries)-1].At < horizon {
			if err := r.leap(ctx, horizon); err != nil {
				return events, true, err
			}
		}
		if ctx.Err() != nil || time.Now().After(until) {
			return events, true, ctx.Err()
		}
	}
}

// Skip passes over the entry that could not be read.
func (r *Reader) Skip() {
	if r.failed > r.at.Pos || r.failed == r.at.Pos && r.at.Index != view.WholeEntry {
		r.at = view.Cursor{Pos: r.failed, Index: view.WholeEntry}
	}
}

// slack is how far the times of entries may be out of order without one being passed over that should not be.
const slack = 60_000

// leap passes over many entries that are too old at once.
func (r *Reader) leap(ctx context.Context, horizon int64) error {
	pos, err := r.s.first(ctx, r.at.Pos, func(e store.Entry) bool { return e.At >= horizon-slack })
	if err != nil {
		return fmt.Errorf("look for entries that are not too old: %w", err)
	}
	r.tooOld += pos - r.at.Pos // all of them, as good as
	r.at = view.Cursor{Pos: pos, Index: view.WholeEntry}
	return nil
}

// entry sets pending to the events of an entry and returns the workflow they are about.
func (r *Reader) entry(ctx context.Context, e *store.Entry) (workflow string, err error) {
	r.pending = r.pending[:0]
	if e.Run == 0 {
		if r.pending, workflow = view.Published(r.pending, e.Pos, e.Data); r.want != nil && !r.want(workflow) {
			r.pending = r.pending[:0]
		}
		return workflow, nil
	}
	workflow, err = r.ofRun(ctx, e)
	if err == nil {
		return workflow, nil
	}
	r.pending = r.pending[:0]
	// The run may have been deleted meanwhile; then its events have taken the place of the entry.
	now, again := r.s.cfg.Journal.After(ctx, e.Pos-1, 0, 1)
	switch {
	case again != nil:
		return "", errors.Join(err, again)
	case len(now) == 0 || now[0].Pos != e.Pos:
		return "", nil // it had none
	case now[0].Run == 0:
		return r.entry(ctx, &now[0])
	case senseless(err):
		return "", nil // one run's bad data must not hide the events of all others; the engine complains about it
	}
	return "", err
}

// damaged says that an entry makes no sense.
type damaged struct{ error }

// senseless reports whether a run or an entry makes no sense to this program.
func senseless(err error) bool {
	return engine.IsDamaged(err) || errors.As(err, new(damaged)) || errors.Is(err, instance.ErrNewer)
}

// hopeless reports whether trying again is of no use.
func hopeless(err error) bool {
	return senseless(err) || errors.Is(err, api.NotFound) || errors.Is(err, store.ErrNotFound)
}

// ofRun is entry for one of a run.
func (r *Reader) ofRun(ctx context.Context, e *store.Entry) (string, error) {
	if r.want != nil {
		if name, known := r.s.names.get(e.Run); known && !r.want(name) {
			return name, nil
		}
	}
	f := r.runs[e.Run]
	if f == nil || f.seq != e.Seq-1 {
		run, err := r.s.cfg.Runs.IdentifyID(ctx, e.Run)
		if err != nil {
			return "", fmt.Errorf("read run %d: %w", e.Run, err)
		}
		r.s.names.put(e.Run, run.WorkflowID)
		if r.want != nil && !r.want(run.WorkflowID) {
			return run.WorkflowID, nil
		}
		f = &followed{publisher: view.NewPublisher(run, r.s.cfg.Cluster), workflow: run.WorkflowID}
		if err := r.catchUp(ctx, f, e); err != nil {
			return "", err
		}
		if len(r.runs) >= maxFollowed {
			clear(r.runs)
		}
		r.runs[e.Run] = f
	}
	f.seq = e.Seq
	var err error
	if r.pending, err = f.publisher.Read(r.pending[:0], e.Pos, e.At, e.Data); err != nil {
		delete(r.runs, e.Run)
		return "", damaged{err}
	}
	if f.publisher.Ended() {
		delete(r.runs, e.Run)
	}
	return f.workflow, nil
}

// catchUp reads the entries of a run before one that the reader has come to. Their events were given already.
func (r *Reader) catchUp(ctx context.Context, f *followed, to *store.Entry) error {
	var ignored []view.Event
	for pos := int64(0); f.seq < to.Seq-1; {
		entries, err := r.s.cfg.Journal.After(ctx, pos, to.Run, readAtOnce)
		if err != nil {
			return fmt.Errorf("read the journal of run %d: %w", to.Run, err)
		}
		if len(entries) == 0 {
			return fmt.Errorf("the journal of run %d lacks what was before entry %d", to.Run, to.Seq)
		}
		for i := range entries {
			if pos = entries[i].Pos; entries[i].Seq >= to.Seq {
				return nil
			}
			if ignored, err = f.publisher.Read(ignored[:0], pos, entries[i].At, entries[i].Data); err != nil {
				return damaged{err}
			}
			f.seq = entries[i].Seq
		}
	}
	return nil
}
