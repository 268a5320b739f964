package storetest

import (
	"bytes"
	"context"
	"testing"

	"maestro/internal/store"
)

// Runs tests how changes are committed and runs are found.
func Runs(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"LoadReturnsWhatWasInserted", func(t *testing.T, f *fixture) {
			want := aRun(1)
			f.create(want)

			got, entries, err := f.Load(t.Context(), want.ID)

			noErr(t, err)
			want.Entries = 1
			wantEqual(t, *got, want)
			wantEqual(t, len(entries), 1)
			wantEqual(t, entries[0].At, noon)
			wantEqual(t, entries[0].Data, []byte("created"))
		}},
		{"LoadOfUnknownRunIsNotFound", func(t *testing.T, f *fixture) {
			_, _, err := f.Load(t.Context(), 12345)
			wantErr(t, err, store.ErrNotFound)
		}},
		{"NoChangesNoErrors", func(t *testing.T, f *fixture) {
			wantEqual(t, len(f.Commit(t.Context(), nil)), 0)
		}},
		{"EntriesKeepTheirOrder", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.must(f.insert(r), f.entry(r, 2, "two"), f.entry(r, 3, "three"))
			f.must(f.entry(r, 4, "four"))
			f.wantEntries(r.ID, "created", "two", "three", "four")
		}},
		{"UpdateWritesAllMutableColumns", func(t *testing.T, f *fixture) {
			r, other := aRun(1), aRun(2)
			f.create(r, other)
			f.must(f.update(r, store.Update{Status: 7, Ended: noon + 1, Wake: noon + 2}))
			f.must(f.update(r, store.Update{Status: 8, Wake: noon + 3}))

			got, _, err := f.Load(t.Context(), r.ID)

			noErr(t, err)
			r.Status, r.Ended, r.Wake, r.Entries = 8, 0, noon+3, 1
			wantEqual(t, *got, r)
			got, _, err = f.Load(t.Context(), other.ID)
			noErr(t, err)
			other.Entries = 1
			wantEqual(t, *got, other)
		}},
		{"LastOfTwoUpdatesInOneCommitCounts", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.must(f.insert(r), f.update(r, store.Update{Status: 3}), f.update(r, store.Update{Status: 4}))

			got, _, err := f.Load(t.Context(), r.ID)

			noErr(t, err)
			wantEqual(t, got.Status, uint8(4))
		}},
		{"StaleEpochFailsAlone", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			f.create(a, b)
			stale := f.entry(a, 2, "late")
			stale.Epoch--
			f.wantErrs([]store.Change{stale, f.entry(b, 2, "in time")}, store.ErrStale, nil)
			f.wantEntries(a.ID, "created")
			f.wantEntries(b.ID, "created", "in time")
		}},
		{"GroupThatNobodyHoldsIsStale", func(t *testing.T, f *fixture) {
			r := aRun(1)
			r.Group = groups + 5
			f.wantErrs([]store.Change{f.insert(r)}, store.ErrStale)
			f.wantNoRun(r.ID)
		}},
		{"TakenSeqFailsAlone", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			f.create(a, b)
			f.wantErrs([]store.Change{
				f.entry(b, 2, "b2"), f.entry(a, 1, "again"), f.entry(b, 3, "b3"),
			}, nil, store.ErrStale, nil)
			f.wantEntries(a.ID, "created")
			f.wantEntries(b.ID, "created", "b2", "b3")
		}},
		{"SkippedSeqFailsAlone", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			f.create(a, b)
			f.wantErrs([]store.Change{f.entry(a, 3, "early"), f.entry(b, 2, "b2")}, store.ErrStale, nil)
			f.wantEntries(a.ID, "created")
		}},
		{"SameSeqTwiceInOneCommit", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.wantErrs([]store.Change{f.insert(r), f.entry(r, 2, "first"), f.entry(r, 2, "second")}, nil, nil, store.ErrStale)
			f.wantEntries(r.ID, "created", "first")
		}},
		{"ChangeOfUnknownRunIsStale", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.wantErrs([]store.Change{
				f.entry(r, 1, "x"), f.update(r, store.Update{Status: 1}),
			}, store.ErrStale, store.ErrStale)
			f.wantNoRun(r.ID)
		}},
		{"RefusedEntryRefusesItsUpdate", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			ch := f.entry(r, 1, "again")
			ch.Runs[0].Update = &store.Update{Status: 9}
			f.wantErrs([]store.Change{ch}, store.ErrStale)

			got, _, err := f.Load(t.Context(), r.ID)

			noErr(t, err)
			wantEqual(t, got.Status, r.Status)
		}},
		{"TakenNumbersFailAlone", func(t *testing.T, f *fixture) {
			a, twin, b := aRun(1), aRun(2), aRun(3)
			twin.Instance, twin.Run = a.Instance, a.Run
			f.create(a)
			f.wantErrs([]store.Change{f.insert(twin), f.insert(b)}, store.ErrExists, nil)
			f.wantNoRun(twin.ID)
			f.wantEntries(b.ID, "created")
		}},
		{"TakenUUIDFailsAlone", func(t *testing.T, f *fixture) {
			a, twin, b := aRun(1), aRun(2), aRun(3)
			twin.UUID = a.UUID
			f.wantErrs([]store.Change{f.insert(a), f.insert(twin), f.insert(b)}, nil, store.ErrExists, nil)
			f.wantNoRun(twin.ID)
			f.wantEntries(a.ID, "created")
			f.wantEntries(b.ID, "created")
		}},
		{"ChangesAfterRefusedInsertAreStale", func(t *testing.T, f *fixture) {
			a, twin := aRun(1), aRun(2)
			twin.UUID = a.UUID
			f.wantErrs([]store.Change{
				f.insert(a), f.insert(twin), f.entry(twin, 2, "x"),
			}, nil, store.ErrExists, store.ErrStale)
		}},
		{"SameUUIDInOtherWorkflow", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			b.Workflow, b.UUID = a.Workflow+1, a.UUID
			f.create(a, b)

			got, err := f.FindUUID(t.Context(), b.Workflow, b.UUID)

			noErr(t, err)
			wantEqual(t, got.ID, b.ID)
		}},
		{"ZeroUUIDIsNone", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			a.UUID, b.UUID = [16]byte{}, [16]byte{}
			f.create(a, b)

			_, err := f.FindUUID(t.Context(), a.Workflow, [16]byte{})

			wantErr(t, err, store.ErrNotFound)
		}},
		{"RecordsGoWithTheirChange", func(t *testing.T, f *fixture) {
			r := aRun(1)
			ch := f.insert(r)
			ch.Records = []store.Record{{Kind: "output", Key: "o", Value: []byte("x")}}
			f.must(ch)

			got, err := f.Record(t.Context(), "output", "o")

			noErr(t, err)
			wantEqual(t, string(got), "x")
		}},
		{"ImpossibleRowFailsAlone", func(t *testing.T, f *fixture) {
			bad, b := aRun(1), aRun(2)
			bad.Instance = 0
			errs := f.Commit(t.Context(), []store.Change{f.insert(bad), f.insert(b)})
			wantEqual(t, errs[0] != nil, true)
			noErr(t, errs[1])
			f.wantNoRun(bad.ID)
		}},
		{"LargeCommitWithGuiltyOnes", func(t *testing.T, f *fixture) {
			var changes []store.Change
			var want []error
			for n := int64(1); n <= 500; n++ {
				r := aRun(n)
				ch, err := f.insert(r), error(nil)
				if n%100 == 0 {
					ch.Runs[0].Insert.UUID, err = aRun(n-1).UUID, store.ErrExists
				}
				changes, want = append(changes, ch), append(want, err)
			}
			f.wantErrs(changes, want...)

			counts, err := f.Counts(t.Context(), aWorkflow)

			noErr(t, err)
			wantEqual(t, counts.ByStatus, map[uint8]int64{2: 495})
		}},
		{"LargeEntryAndHeader", func(t *testing.T, f *fixture) {
			r := aRun(1)
			r.Header = bytes.Repeat([]byte{7}, 1<<20)
			big := bytes.Repeat([]byte("x"), 2<<20)
			f.must(f.insert(r), f.entry(r, 2, string(big)))

			got, entries, err := f.Load(t.Context(), r.ID)

			noErr(t, err)
			wantEqual(t, bytes.Equal(got.Header, r.Header), true)
			wantEqual(t, bytes.Equal(entries[1].Data, big), true)
		}},
		{"CancelledCommitIsReportedForAll", func(t *testing.T, f *fixture) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for _, err := range f.Commit(ctx, []store.Change{f.insert(aRun(1)), f.insert(aRun(2))}) {
				wantErr(t, err, context.Canceled)
			}
		}},
		{"CancelledReadEnds", func(t *testing.T, f *fixture) {
			f.create(aRun(1))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _, err := f.Load(ctx, aRun(1).ID)
			wantErr(t, err, context.Canceled)
			f.wantEntries(aRun(1).ID, "created")
		}},
		{"StatsCountCommits", func(t *testing.T, f *fixture) {
			before := f.Stats()
			f.must(f.insert(aRun(1)), f.insert(aRun(2)))
			after := f.Stats()
			wantEqual(t, after.Commits-before.Commits, int64(1))
			wantEqual(t, after.Statements > before.Statements, true)
		}},
	})
}
