package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"maestro/internal/store"
)

// Feed tests the order in which everyone sees what happened.
func Feed(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"EntriesOfAllRunsInOneOrder", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			f.must(f.insert(a), f.insert(b), f.entry(a, 2, "a2"))
			f.must(f.entry(b, 2, "b2"), f.entry(a, 3, "a3"))

			got, err := f.After(t.Context(), 0, 0, 100)

			noErr(t, err)
			wantEqual(t, texts(got), []string{"created", "created", "a2", "b2", "a3"})
			wantEqual(t, slices.IsSortedFunc(got, byPos), true)
			wantEqual(t, got[2], store.Entry{Pos: got[2].Pos, Run: a.ID, Seq: 2, At: noon, Data: []byte("a2")})
		}},
		{"PagesFollowEachOther", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.must(f.insert(r), f.entry(r, 2, "2"), f.entry(r, 3, "3"))

			first, err := f.After(t.Context(), 0, 0, 2)
			noErr(t, err)
			rest, err := f.After(t.Context(), first[1].Pos, 0, 2)
			noErr(t, err)
			none, err := f.After(t.Context(), rest[0].Pos, 0, 2)
			noErr(t, err)

			wantEqual(t, texts(first), []string{"created", "2"})
			wantEqual(t, texts(rest), []string{"3"})
			wantEqual(t, len(none), 0)
		}},
		{"EntriesOfOneRun", func(t *testing.T, f *fixture) {
			a, b := aRun(1), aRun(2)
			f.must(f.insert(a), f.insert(b), f.entry(a, 2, "a2"), f.entry(b, 2, "b2"), f.entry(a, 3, "a3"))
			all, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)

			got, err := f.After(t.Context(), 0, a.ID, 2)
			noErr(t, err)
			wantEqual(t, texts(got), []string{"created", "a2"})
			afterOwn, err := f.After(t.Context(), got[1].Pos, a.ID, 2)
			noErr(t, err)
			wantEqual(t, texts(afterOwn), []string{"a3"})
			afterOther, err := f.After(t.Context(), all[1].Pos, a.ID, 10)
			noErr(t, err)
			wantEqual(t, texts(afterOther), []string{"a2", "a3"})
		}},
		{"PublishedEntryHasNoRun", func(t *testing.T, f *fixture) {
			pos, err := f.Publish(t.Context(), noon, []byte("defined"))
			noErr(t, err)
			again, err := f.Publish(t.Context(), noon+1, []byte("activated"))
			noErr(t, err)

			got, err := f.After(t.Context(), 0, 0, 10)

			noErr(t, err)
			wantEqual(t, got, []store.Entry{
				{Pos: pos, At: noon, Data: []byte("defined")},
				{Pos: again, At: noon + 1, Data: []byte("activated")},
			})
		}},
		{"PruneTakesOldEntriesOfNoRun", func(t *testing.T, f *fixture) {
			r := aRun(1)
			var last int64
			for i, at := range []int64{noon, noon + 1, noon + 5, noon + 2} {
				var err error
				last, err = f.Publish(t.Context(), at, []byte(fmt.Sprint(i)))
				noErr(t, err)
				if i == 0 {
					f.must(f.insert(r))
				}
			}
			prune := func(at, pos int64, n, want int) {
				t.Helper()
				got, err := f.Prune(t.Context(), at, pos, n)
				noErr(t, err)
				wantEqual(t, got, want)
			}
			left := func(want ...string) {
				t.Helper()
				got, err := f.After(t.Context(), 0, 0, 10)
				noErr(t, err)
				wantEqual(t, texts(got), want)
			}
			prune(noon, last, 10, 0)
			prune(noon+9, 0, 10, 0)
			prune(noon+9, last, 1, 1)
			left("created", "1", "2", "3")
			prune(noon+3, last, 10, 1) // the last one is younger than what is before it
			left("created", "2", "3")
			prune(noon+9, last, 10, 2)
			left("created")
			pos, err := f.Publish(t.Context(), noon, []byte("x"))
			noErr(t, err)
			wantEqual(t, pos > last, true)
		}},
		{"RefusedChangesDoNotAppear", func(t *testing.T, f *fixture) {
			a, twin := aRun(1), aRun(2)
			twin.UUID = a.UUID
			f.wantErrs([]store.Change{f.insert(twin), f.insert(a), f.entry(a, 5, "x")}, nil, store.ErrExists, store.ErrStale)

			got, err := f.After(t.Context(), 0, 0, 10)

			noErr(t, err)
			wantEqual(t, len(got), 1)
			wantEqual(t, got[0].Run, twin.ID)
		}},
		{"NothingVisibleHasSomethingInvisibleBefore", func(t *testing.T, f *fixture) {
			// Writers commit from several goroutines while a reader follows. What the reader has collected step by step
			// must be what is there in the end: an entry that appeared behind its back would be missing.
			const writers, each = 6, 40
			var writing atomic.Int64
			writing.Store(writers)
			go inParallel(writers, func(w int) {
				defer writing.Add(-1)
				r := aRun(int64(w + 1))
				f.tryAll(f.insert(r))
				for seq := int64(2); seq <= each; seq++ {
					f.tryAll(f.entry(r, seq, fmt.Sprint(w, " ", seq)))
				}
			})
			var seen []store.Entry
			var pos int64
			for last := false; ; {
				page, err := f.After(t.Context(), pos, 0, 7)
				noErr(t, err)
				if len(page) > 0 {
					seen, pos = append(seen, page...), page[len(page)-1].Pos
					continue
				}
				if last {
					break
				}
				last = writing.Load() == 0 // one more look after the last writer is done
			}
			all, err := f.After(t.Context(), 0, 0, writers*each+1)
			noErr(t, err)
			wantEqual(t, len(all), writers*each)
			wantEqual(t, len(seen), writers*each)
			wantEqual(t, slices.IsSortedFunc(seen, byPos), true)
		}},
	})
}

func byPos(a, b store.Entry) int { return int(a.Pos - b.Pos) }

// texts returns the data of entries.
func texts(entries []store.Entry) []string {
	var list []string
	for _, e := range entries {
		list = append(list, string(e.Data))
	}
	return list
}
