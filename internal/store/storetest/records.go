package storetest

import (
	"strings"
	"sync"
	"testing"

	"maestro/internal/store"
)

// Records tests the small keyed collections.
func Records(t *testing.T, open func(t *testing.T) store.Store) {
	put := func(key, value string) store.Record {
		return store.Record{Kind: "k", Key: key, Value: []byte(value)}
	}
	run(t, open, []promise{
		{"PutReplaces", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), put("a", "1")))
			noErr(t, f.PutRecords(t.Context(), put("a", "2")))
			got, err := f.Record(t.Context(), "k", "a")
			noErr(t, err)
			wantEqual(t, string(got), "2")
		}},
		{"KindsAreApart", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), put("a", "1"), store.Record{Kind: "other", Key: "a", Value: []byte("2")}))
			got, err := f.Record(t.Context(), "k", "a")
			noErr(t, err)
			wantEqual(t, string(got), "1")
		}},
		{"UnknownIsNotFound", func(t *testing.T, f *fixture) {
			_, err := f.Record(t.Context(), "k", "a")
			wantErr(t, err, store.ErrNotFound)
		}},
		{"NilDeletes", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), put("a", "1")))
			noErr(t, f.PutRecords(t.Context(), store.Record{Kind: "k", Key: "a"}, store.Record{Kind: "k", Key: "none"}))
			_, err := f.Record(t.Context(), "k", "a")
			wantErr(t, err, store.ErrNotFound)
		}},
		{"EmptyValueIsAValue", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), put("a", "")))
			got, err := f.Record(t.Context(), "k", "a")
			noErr(t, err)
			wantEqual(t, got, []byte{})
		}},
		{"InOrder", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), put("a", "1"), put("a", "2"), store.Record{Kind: "k", Key: "a"}, put("a", "3")))
			got, err := f.Record(t.Context(), "k", "a")
			noErr(t, err)
			wantEqual(t, string(got), "3")
		}},
		{"UniqueIsRefusedAndNothingWritten", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), put("a", "1")))
			unique := put("a", "2")
			unique.Unique = true
			wantErr(t, f.PutRecords(t.Context(), put("b", "1"), unique, put("c", "1")), store.ErrExists)
			got, err := f.Scan(t.Context(), "k", "", "", 10)
			noErr(t, err)
			wantEqual(t, got, []store.Record{put("a", "1")})
		}},
		{"IdentityIsMadeOnce", func(t *testing.T, f *fixture) {
			r := aRun(1)
			f.create(r)
			ids := make([]store.Origin, 8)
			var all sync.WaitGroup
			for i := range ids {
				all.Go(func() {
					id, err := store.Identity(t.Context(), f)
					if err != nil {
						t.Error(err)
					}
					ids[i] = id
				})
			}
			all.Wait()
			for _, id := range ids {
				wantEqual(t, id, ids[0])
			}
			other, err := store.Identity(t.Context(), open(t))
			noErr(t, err)
			if other.ID == ids[0].ID || other.ID == (store.ID{}) {
				t.Errorf("two stores have the identities %x and %x", ids[0], other)
			}
			wantEqual(t, ids[0].Since, r.ID)
			wantEqual(t, other.Since, store.RunID(0))
		}},
		{"UniqueIsTakenOnce", func(t *testing.T, f *fixture) {
			unique := put("a", "1")
			unique.Unique = true
			noErr(t, f.PutRecords(t.Context(), unique))
			got, err := f.Record(t.Context(), "k", "a")
			noErr(t, err)
			wantEqual(t, string(got), "1")
		}},
		{"ScanInByteOrder", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(),
				put("p/b", "1"), put("p/B", "1"), put("p/é", "1"), put("p/a", "1"), put("p", "1"), put("p0", "1"), put("q", "1")))
			scan := func(prefix, after string, n int) []string {
				records, err := f.Scan(t.Context(), "k", prefix, after, n)
				noErr(t, err)
				var keys []string
				for _, r := range records {
					keys = append(keys, r.Key)
				}
				return keys
			}
			wantEqual(t, scan("p/", "", 10), []string{"p/B", "p/a", "p/b", "p/é"})
			wantEqual(t, scan("p/", "p/B", 2), []string{"p/a", "p/b"})
			wantEqual(t, scan("p/", "p/é", 2), []string(nil))
			wantEqual(t, scan("", "", 10), []string{"p", "p/B", "p/a", "p/b", "p/é", "p0", "q"})
			wantEqual(t, scan("x", "", 10), []string(nil))
			wantEqual(t, scan("p", "a", 1), []string{"p"})
		}},
		{"ManyAndLarge", func(t *testing.T, f *fixture) {
			var records []store.Record
			for i := range 200 {
				records = append(records, put(strings.Repeat("x", i+1), strings.Repeat("v", i*100)))
			}
			noErr(t, f.PutRecords(t.Context(), records...))
			got, err := f.Scan(t.Context(), "k", "x", "", 300)
			noErr(t, err)
			wantEqual(t, got, records)
		}},
	})
}
