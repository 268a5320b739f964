package sqlite_test

import (
	"errors"
	"testing"

	"maestro/internal/store"
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
	ch.Insert = &store.Run{ID: store.RunID(n), Workflow: 10_000, Instance: n, Run: 1, Header: make([]byte, 500)}
	return ch
}

// entry appends an entry to run n.
func (w *writer) entry(n, seq int64) store.Change {
	return store.Change{Epoch: w.epoch, Run: store.RunID(n), Seq: seq, Entry: make([]byte, 300)}
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
