// Package storetest holds what every store promises, as tests. An implementation calls All, and Durable when it keeps
// anything; it passes unchanged or it is not a store. Each test states one promise, and none rests on there being one
// writer or one process.
package storetest

import (
	"errors"
	"reflect"
	"testing"

	"maestro/internal/store"
)

// All runs every role. open returns an empty store, which it closes by t.Cleanup.
func All(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("Runs", func(t *testing.T) { Runs(t, open) })
	t.Run("Changes", func(t *testing.T) { Changes(t, open) })
	t.Run("Snapshots", func(t *testing.T) { Snapshots(t, open) })
	t.Run("Lists", func(t *testing.T) { Lists(t, open) })
	t.Run("Concurrent", func(t *testing.T) { Concurrent(t, open) })
	t.Run("Feed", func(t *testing.T) { Feed(t, open) })
	t.Run("Leases", func(t *testing.T) { Leases(t, open) })
	t.Run("Definitions", func(t *testing.T) { Definitions(t, open) })
	t.Run("Deletion", func(t *testing.T) { Deletion(t, open) })
	t.Run("Records", func(t *testing.T) { Records(t, open) })
}

// promise is one test.
type promise struct {
	name string
	test func(t *testing.T, f *fixture)
}

// run runs each promise on a store of its own, in which node holds the first groups.
func run(t *testing.T, open func(t *testing.T) store.Store, promises []promise) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()

			p.test(t, newFixture(t, open(t)))
		})
	}
}

const (
	node   = "node-a"
	groups = 4
	// noon is the time of the tests, in epoch milliseconds.
	noon = int64(1_764_000_000_000)
	// aWorkflow is a workflow's internal id; runs need no row of it.
	aWorkflow = int64(10_007)
)

// fixture is a store and what a writer of it knows.
type fixture struct {
	store.Store
	t      *testing.T
	epochs map[int32]int64
}

func newFixture(t *testing.T, s store.Store) *fixture {
	t.Helper()
	f := &fixture{Store: s, t: t, epochs: map[int32]int64{}}
	leases, err := s.Claim(t.Context(), node, groups, noon, 60_000)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	for _, l := range leases {
		f.epochs[l.Group] = l.Epoch
	}
	return f
}

// aRun returns a run with all columns set. Its numbers follow from n.
func aRun(n int64) store.Run {
	return store.Run{
		ID:       store.RunID(1<<40 + n),
		Workflow: aWorkflow,
		Instance: n,
		Run:      1,
		UUID:     [16]byte{1, 2, 3, 14: byte(n >> 8), 15: byte(n)},
		Version:  3,
		Group:    int32(n % groups),
		Parent:   77,
		Created:  noon,
		Header:   []byte{0, 1, 255, byte(n)},
		Status:   2,
		Ended:    0,
		Wake:     0,
	}
}

// change returns an empty change of the run under its group's lease.
func (f *fixture) change(r store.Run) store.Change {
	return store.Change{Group: r.Group, Epoch: f.epochs[r.Group], Runs: []store.RunChange{{ID: r.ID, At: noon}}}
}

// insert returns a change that creates the run, with a first entry.
func (f *fixture) insert(r store.Run) store.Change {
	ch := f.entry(r, 1, "created")
	ch.Runs[0].Insert = &r
	return ch
}

// entry returns a change that appends an entry.
func (f *fixture) entry(r store.Run, seq int64, data string) store.Change {
	ch := f.change(r)
	ch.Runs[0].Seq, ch.Runs[0].Entry = seq, []byte(data)
	return ch
}

// update returns a change of the run's mutable columns.
func (f *fixture) update(r store.Run, u store.Update) store.Change {
	ch := f.change(r)
	ch.Runs[0].Update = &u
	return ch
}

// must commits the changes, all of which have to be accepted.
func (f *fixture) must(changes ...store.Change) {
	f.t.Helper()
	for i, err := range f.Commit(f.t.Context(), changes) {
		if err != nil {
			f.t.Fatalf("change %d: %v", i, err)
		}
	}
}

// create stores the runs, each with one entry.
func (f *fixture) create(runs ...store.Run) {
	f.t.Helper()
	changes := make([]store.Change, len(runs))
	for i, r := range runs {
		changes[i] = f.insert(r)
	}
	f.must(changes...)
}

// wantErrs commits the changes and compares what became of each.
func (f *fixture) wantErrs(changes []store.Change, want ...error) {
	f.t.Helper()
	got := f.Commit(f.t.Context(), changes)
	if len(got) != len(want) {
		f.t.Fatalf("%d errors for %d changes", len(got), len(changes))
	}
	for i := range want {
		if !errors.Is(got[i], want[i]) {
			f.t.Errorf("change %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

// wantEntries loads the run and compares the data of its entries, whose seq must be 1, 2, ...
func (f *fixture) wantEntries(id store.RunID, want ...string) {
	f.t.Helper()
	r, entries, err := f.Load(f.t.Context(), id)
	if err != nil {
		f.t.Fatalf("load: %v", err)
	}
	var got []string
	for i, e := range entries {
		got = append(got, string(e.Data))
		if e.Seq != int64(i+1) || e.Run != id {
			f.t.Errorf("entry %d: seq %d of run %d", i, e.Seq, e.Run)
		}
	}
	if !reflect.DeepEqual(got, want) {
		f.t.Errorf("entries: got %q, want %q", got, want)
	}
	if r.Entries != int64(len(want)) {
		f.t.Errorf("row counts %d entries, want %d", r.Entries, len(want))
	}
}

// wantNoRun checks that there is no such run.
func (f *fixture) wantNoRun(id store.RunID) {
	f.t.Helper()
	if _, _, err := f.Load(f.t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		f.t.Errorf("load: got %v, want %v", err, store.ErrNotFound)
	}
}

// wantErr compares an error.
func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// wantEqual compares two values of any type.
func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// noErr ends the test when there is an error.
func noErr(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ids returns the ids of runs.
func ids(runs []store.Run) []store.RunID {
	var list []store.RunID
	for _, r := range runs {
		list = append(list, r.ID)
	}
	return list
}
