package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"maestro/internal/store"
	"maestro/internal/view"
)

// feed reads published events in order. An event says what a status was before, and changes that belong together are
// published as one, so the feed follows each run that it meets from its first entry on.
type feed struct {
	a        *Runs
	workflow string // only events of this one; empty: of all
	at       view.Cursor

	runs    map[store.RunID]*followed
	pending []view.Event // of the entry at at.Pos, still to be given
}

// followed is a run that the feed has met.
type followed struct {
	publisher *view.Publisher
	seq       int64 // entries read
}

// maxFollowed is how many runs a feed keeps track of. Those forgotten are read again when they turn up.
const maxFollowed = 4096

func (a *Runs) newFeed(workflow string) *feed {
	return &feed{a: a, workflow: workflow, runs: make(map[store.RunID]*followed)}
}

// read returns up to n events after the place of the feed, and moves it. more says that it stopped for another reason
// than the end of the journal.
func (f *feed) read(ctx context.Context, n int, until time.Time) (events []view.Event, more bool, err error) {
	for {
		entries, err := f.a.cfg.Journal.After(ctx, f.at.Unread(), 0, readAtOnce)
		if err != nil {
			return nil, false, fmt.Errorf("read the journal: %w", err)
		}
		for i := range entries {
			e := &entries[i]
			if f.pending, err = f.published(ctx, f.pending[:0], e); err != nil {
				return nil, false, err
			}
			for _, ev := range f.pending {
				if !f.at.Before(ev.Cursor.Pos, ev.Cursor.Index) {
					continue
				}
				events = append(events, ev)
				if len(events) == n {
					f.at = ev.Cursor
					return events, true, nil
				}
			}
			f.at = view.Cursor{Pos: e.Pos, Index: view.WholeEntry}
		}
		if len(entries) < readAtOnce {
			return events, false, nil
		}
		if ended(ctx, until) {
			return events, true, ctx.Err()
		}
	}
}

// published appends the events that an entry gives.
func (f *feed) published(ctx context.Context, dst []view.Event, e *store.Entry) ([]view.Event, error) {
	if e.Run == 0 {
		ev, workflow, ok := view.DefinitionEvent(e.Pos, e.Data)
		if ok && (f.workflow == "" || f.workflow == workflow) {
			dst = append(dst, ev)
		}
		return dst, nil
	}
	if f.workflow != "" {
		if name, known := f.a.names.get(e.Run); known && name != f.workflow {
			return dst, nil
		}
	}
	r := f.runs[e.Run]
	if r == nil || r.seq != e.Seq-1 {
		run, err := f.a.cfg.Reader.LoadID(ctx, e.Run)
		if isNotFound(err) {
			return dst, nil // deleted: nobody can say any more what happened
		}
		if err != nil {
			return dst, fmt.Errorf("read run %d: %w", e.Run, err)
		}
		f.a.names.put(e.Run, run.WorkflowID)
		if f.workflow != "" && f.workflow != run.WorkflowID {
			return dst, nil
		}
		r = &followed{publisher: view.NewPublisher(run, f.a.cfg.Cluster)}
		if err := f.catchUp(ctx, r, e); err != nil {
			return dst, err
		}
		if len(f.runs) >= maxFollowed {
			clear(f.runs)
		}
		f.runs[e.Run] = r
	}
	r.seq = e.Seq
	dst, err := r.publisher.Read(dst, e.Pos, e.At, e.Data)
	if err != nil {
		return dst, err
	}
	if r.publisher.Ended() {
		delete(f.runs, e.Run)
	}
	return dst, nil
}

// catchUp reads the entries of a run before one that the feed has come to. Their events were given already.
func (f *feed) catchUp(ctx context.Context, r *followed, to *store.Entry) error {
	var ignored []view.Event
	for pos := int64(0); r.seq < to.Seq-1; {
		entries, err := f.a.cfg.Journal.After(ctx, pos, to.Run, readAtOnce)
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
			if ignored, err = r.publisher.Read(ignored[:0], pos, entries[i].At, entries[i].Data); err != nil {
				return err
			}
			r.seq = entries[i].Seq
		}
	}
	return nil
}

// runNames remembers which workflow a run is of, so that a search for one workflow need not load the runs of others
// twice.
type runNames struct {
	mu    sync.Mutex
	names map[store.RunID]string
}

// maxNames bounds the memory of runNames.
const maxNames = 1 << 17

func (n *runNames) get(id store.RunID) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, ok := n.names[id]
	return name, ok
}

func (n *runNames) put(id store.RunID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.names == nil || len(n.names) >= maxNames {
		n.names = make(map[store.RunID]string)
	}
	n.names[id] = name
}
