package sqlite_test

import (
	"errors"
	"testing"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// writer makes changes of runs that have one number each.
type writer struct {
	t     *testing.T
	s     store.Store
	epoch int64
}

func newWriter(t *testing.T, s store.Store) *writer {
	t.Helper()
	leases, err := s.Claim(t.Context(), "node", 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &writer{t: t, s: s, epoch: leases[0].Epoch}
}

// insert creates run n with its first entry.
func (w *writer) insert(n int64) store.Change {
	ch := w.entry(n, 1)
	ch.Runs[0].Insert = &store.Run{ID: store.RunID(n), Workflow: 10_000, Instance: n, Run: 1, Header: make([]byte, 500)}
	return ch
}

// entry appends an entry to run n.
func (w *writer) entry(n, seq int64) store.Change {
	return store.Change{Epoch: w.epoch, Runs: []store.RunChange{{ID: store.RunID(n), Seq: seq, Entry: make([]byte, 300)}}}
}

// change appends entry seq to run n, which is new with the first.
func (w *writer) change(n, seq int64) store.Change {
	if seq == 1 {
		return w.insert(n)
	}
	return w.entry(n, seq)
}

// commit commits one change.
func (w *writer) commit(ch store.Change) error {
	return w.s.Commit(w.t.Context(), []store.Change{ch})[0]
}

func (w *writer) must(ch store.Change) {
	w.t.Helper()
	if err := w.commit(ch); err != nil {
		w.t.Fatal(err)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestStatementsOfACommit: a statement is about many rows, whether they are those of one change or of many, and a lone
// change of one run takes no more than what it is about.
func TestStatementsOfACommit(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Memory, sqlite.Options{})
	w := newWriter(t, s)
	count := func(what string, most int64, changes ...store.Change) {
		t.Helper()
		before := s.Stats().Statements
		for _, err := range s.Commit(t.Context(), changes) {
			wantErr(t, err, nil)
		}
		if n := s.Stats().Statements - before; n > most {
			t.Errorf("%s: %d statements, want %d at most", what, n, most)
		}
	}
	const children = 500
	var launch, end store.Change
	for n := int64(1); n <= children; n++ {
		launch.Epoch, end.Epoch = w.epoch, w.epoch
		launch.Runs = append(launch.Runs, w.insert(n).Runs...)
		end.Runs = append(end.Runs, w.entry(n, 2).Runs...)
		part := &end.Runs[n-1]
		part.Update, part.Snapshot = &store.Update{Status: 7, Ended: 1}, true
	}
	const frame, each = 4, 7 + 6 + 4 // BEGIN, is it ours, epochs, COMMIT; 500 rows are 7 times 64, 6 times 8 and 4
	count("500 new runs in one change", frame+2*each, launch)
	count("500 ends in one change", frame+4*each, end)
	count("a new run", frame+2, w.insert(children+1))
	count("an entry", frame+2, w.entry(children+1, 2))
	update := w.entry(children+1, 3)
	update.Runs[0].Update = &store.Update{Status: 7, Ended: 1}
	count("an end", frame+3, update)
}
