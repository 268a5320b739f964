package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"maestro/internal/store"
)

// Concurrent tests what holds when several goroutines write at the same time.
func Concurrent(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"WritersOfDifferentRuns", func(t *testing.T, f *fixture) {
			const writers, entries = 8, 30
			inParallel(writers, func(w int) {
				r := aRun(int64(w + 1))
				f.tryAll(f.insert(r))
				for seq := int64(2); seq <= entries; seq++ {
					f.tryAll(f.entry(r, seq, fmt.Sprint(seq)))
				}
			})
			for w := range writers {
				_, got, err := f.Load(t.Context(), aRun(int64(w+1)).ID)
				noErr(t, err)
				wantEqual(t, len(got), entries)
			}
		}},
		{"OneOwnerOfEachEntry", func(t *testing.T, f *fixture) {
			const writers, entries = 6, 20
			r, busy := aRun(1), aRun(2)
			f.create(r, busy)
			var won [entries + 2]atomic.Int64
			inParallel(writers, func(w int) {
				for seq := int64(2); seq <= entries+1; seq++ {
					errs := f.Commit(t.Context(), []store.Change{f.entry(r, seq, fmt.Sprint("by ", w))})
					switch {
					case errs[0] == nil:
						won[seq].Add(1)
					case !errors.Is(errs[0], store.ErrStale):
						t.Errorf("seq %d: %v", seq, errs[0])
					}
				}
			})
			_, got, err := f.Load(t.Context(), r.ID)
			noErr(t, err)
			wantEqual(t, len(got), entries+1)
			for seq := 2; seq <= entries+1; seq++ {
				wantEqual(t, won[seq].Load(), int64(1))
			}
		}},
		{"OneStartOfEachUUID", func(t *testing.T, f *fixture) {
			const writers = 8
			var won atomic.Int64
			inParallel(writers, func(w int) {
				r, own := aRun(int64(w+1)), aRun(int64(w+101))
				r.UUID = [16]byte{42}
				errs := f.Commit(t.Context(), []store.Change{f.insert(r), f.insert(own)})
				switch {
				case errs[0] == nil:
					won.Add(1)
				case !errors.Is(errs[0], store.ErrExists):
					t.Errorf("writer %d: %v", w, errs[0])
				}
				if errs[1] != nil {
					t.Errorf("writer %d: %v", w, errs[1])
				}
			})
			wantEqual(t, won.Load(), int64(1))
		}},
		{"ReadersSeeWholeChanges", func(t *testing.T, f *fixture) {
			// Each change also writes its entry's seq into the row: the two must never be seen apart.
			const entries = 500
			r := aRun(1)
			r.Wake = 1
			f.create(r)
			var done atomic.Bool
			var group sync.WaitGroup
			for range 3 {
				group.Go(func() {
					for !done.Load() {
						got, list, err := f.Load(t.Context(), r.ID)
						if err != nil || got.Wake != int64(len(list)) || got.Entries != int64(len(list)) {
							t.Errorf("row says %d and %d, there are %d entries: %v", got.Wake, got.Entries, len(list), err)
							return
						}
					}
				})
			}
			for seq := int64(2); seq <= entries; seq++ {
				ch := f.entry(r, seq, "x")
				ch.Runs[0].Update = &store.Update{Wake: seq}
				f.must(ch)
			}
			done.Store(true)
			group.Wait()
		}},
		{"ReadersSeeAllRunsOfAChange", func(t *testing.T, f *fixture) {
			const entries = 200
			a, b := inGroup(1), inGroup(2)
			f.create(a, b)
			var done atomic.Bool
			var group sync.WaitGroup
			for range 2 {
				group.Go(func() {
					for !done.Load() {
						list, err := f.After(t.Context(), 0, 0, 2*entries)
						if err != nil || len(list)%2 != 0 {
							t.Errorf("%d entries, of two runs that have as many each: %v", len(list), err)
							return
						}
					}
				})
			}
			for seq := int64(2); seq <= entries; seq++ {
				f.must(together(f.entry(b, seq, "b"), f.entry(a, seq, "a")))
			}
			done.Store(true)
			group.Wait()
		}},
		{"OneDefinerWins", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			var won atomic.Int64
			inParallel(6, func(n int) {
				d := aDefinition("wf")
				d.Workflow.Internal, d.Previous = row.Internal, row.ModifyTime
				d.Workflow.ModifyTime, d.Workflow.Latest = row.ModifyTime+int64(n)+1, 2
				d.Version.Version = 2
				switch _, err := f.Define(t.Context(), d); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrStale):
					t.Error(err)
				}
			})
			wantEqual(t, won.Load(), int64(1))
		}},
		{"OneTakerOfUniqueRecord", func(t *testing.T, f *fixture) {
			var won atomic.Int64
			inParallel(6, func(n int) {
				err := f.PutRecords(t.Context(), store.Record{Kind: "permit", Key: "p", Value: []byte{byte(n)}, Unique: true})
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, store.ErrExists):
					t.Error(err)
				}
			})
			wantEqual(t, won.Load(), int64(1))
		}},
		{"EachGroupHasOneHolder", func(t *testing.T, f *fixture) {
			var mu sync.Mutex
			holder := map[int32]string{}
			inParallel(5, func(n int) {
				name := fmt.Sprint("claimer-", n)
				leases, err := f.Claim(t.Context(), name, groups+20, noon, 60_000)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				for _, l := range leases {
					if other, taken := holder[l.Group]; taken {
						t.Errorf("group %d was granted to %s and %s", l.Group, other, name)
					}
					holder[l.Group] = name
				}
			})
			wantEqual(t, len(holder), 20)
		}},
	})
}

// inParallel runs f n times at once and waits.
func inParallel(n int, f func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { f(i) })
	}
	group.Wait()
}

// tryAll is must for goroutines that are not the test's own.
func (f *fixture) tryAll(changes ...store.Change) {
	for i, err := range f.Commit(f.t.Context(), changes) {
		if err != nil {
			f.t.Errorf("change %d: %v", i, err)
		}
	}
}
