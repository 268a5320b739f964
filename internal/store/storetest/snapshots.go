package storetest

import (
	"testing"

	"maestro/internal/store"
)

// Snapshots tests from where a journal is read, and rows without their journals.
func Snapshots(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"RowIsWhatLoadReturns", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.must(f.insert(r), f.entry(r, 2, "two"))

			got, err := f.Row(t.Context(), r.ID)

			noErr(t, err)
			r.Entries = 2
			wantEqual(t, *got, r)
		}},
		{"RowOfUnknownRunIsNotFound", func(t *testing.T, f *fixture) {
			_, err := f.Row(t.Context(), 12345)
			wantErr(t, err, store.ErrNotFound)
			_, _, err = f.LoadPresent(t.Context(), 12345)
			wantErr(t, err, store.ErrNotFound)
		}},
		{"WithoutSnapshotThePresentIsAll", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.must(f.insert(r), f.entry(r, 2, "two"))
			f.wantPresent(r, 0, "created", "two")
		}},
		{"ThePresentBeginsWithTheNewestSnapshot", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			f.create(a, b)
			f.must(f.entry(a, 2, "two"), f.snapshot(a, 3, "three"), f.entry(a, 4, "four"), f.entry(b, 2, "b2"))
			f.wantPresent(a, 3, "three", "four")
			f.must(f.snapshot(a, 5, "five"), f.entry(a, 6, "six"), f.snapshot(a, 7, "seven"))
			f.must(f.entry(a, 8, "eight"))
			f.wantPresent(a, 7, "seven", "eight")
			f.wantPresent(b, 0, "created", "b2")
			f.wantEntries(a.ID, "created", "two", "three", "four", "five", "six", "seven", "eight")
		}},
		{"FirstEntryMayBeASnapshot", func(t *testing.T, f *fixture) {
			r := aRun(1)
			ch := f.insert(r)
			ch.Runs[0].Snapshot = true
			f.must(ch, f.entry(r, 2, "two"))
			f.wantPresent(r, 1, "created", "two")
		}},
		{"RefusedSnapshotLeavesTheOneBefore", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			f.must(f.snapshot(r, 2, "two"), f.entry(r, 3, "three"))
			late := f.snapshot(r, 4, "late")
			late.Epoch--
			f.wantErrs([]store.Change{late, f.snapshot(r, 3, "again")}, store.ErrStale, store.ErrStale)
			f.wantPresent(r, 2, "two", "three")
		}},
		{"UpdatesKeepTheSnapshot", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			ch := f.snapshot(r, 2, "two")
			ch.Runs[0].Update = &store.Update{Status: 5, Wake: noon}
			f.must(ch, f.update(r, store.Update{Status: 7, Wake: noon + 1}))
			r.Status, r.Wake = 7, noon+1
			f.wantPresent(r, 2, "two")
		}},
		{"FeedHasAllEntries", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			f.must(f.entry(r, 2, "two"), f.snapshot(r, 3, "three"))
			entries, err := f.After(t.Context(), 0, r.ID, 10)
			noErr(t, err)
			wantEqual(t, len(entries), 3)
		}},
		{"ListWithHeaderTellsTheSnapshot", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			f.must(f.snapshot(r, 2, "two"))
			rows, err := f.List(t.Context(), store.RunQuery{Workflow: r.Workflow, Header: true})
			noErr(t, err)
			wantEqual(t, rows[0].Snapshot, int64(2))
			found, err := f.Find(t.Context(), r.Workflow, r.Instance, 0)
			noErr(t, err)
			wantEqual(t, found.Snapshot, int64(2))
		}},
	})
}

// snapshot is entry for one that holds all that came before.
func (f *fixture) snapshot(r store.Run, seq int64, data string) store.Change {
	ch := f.entry(r, seq, data)
	ch.Runs[0].Snapshot = true
	return ch
}

// wantPresent compares what is loaded of a run from its newest snapshot on.
func (f *fixture) wantPresent(r store.Run, snapshot int64, want ...string) {
	f.t.Helper()
	row, entries, err := f.LoadPresent(f.t.Context(), r.ID)
	noErr(f.t, err)
	first := max(snapshot, 1)
	var got []string
	for i, e := range entries {
		got = append(got, string(e.Data))
		wantEqual(f.t, e.Seq, first+int64(i))
	}
	wantEqual(f.t, got, want)
	r.Snapshot, r.Entries = snapshot, first-1+int64(len(want))
	wantEqual(f.t, *row, r)
}
