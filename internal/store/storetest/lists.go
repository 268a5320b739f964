package storetest

import (
	"testing"

	"maestro/internal/store"
)

// Lists tests how runs are found by something other than their id.
func Lists(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"FindByNumbers", func(t *testing.T, f *fixture) {
			first, second := restarted()
			f.create(first, second)

			got, err := f.Find(t.Context(), aWorkflow, first.Instance, 1)

			noErr(t, err)
			first.Entries = 1
			wantEqual(t, *got, first)
		}},
		{"FindRunZeroIsTheNewest", func(t *testing.T, f *fixture) {
			first, second := restarted()
			f.create(first, second)

			got, err := f.Find(t.Context(), aWorkflow, first.Instance, 0)

			noErr(t, err)
			wantEqual(t, got.ID, second.ID)
		}},
		{"FindNothing", func(t *testing.T, f *fixture) {
			_, err := f.Find(t.Context(), aWorkflow, 1, 0)
			wantErr(t, err, store.ErrNotFound)
			_, err = f.Find(t.Context(), aWorkflow, 1, 1)
			wantErr(t, err, store.ErrNotFound)
			_, err = f.FindUUID(t.Context(), aWorkflow, [16]byte{1})
			wantErr(t, err, store.ErrNotFound)
		}},
		{"Newest", func(t *testing.T, f *fixture) {
			got, err := f.Newest(t.Context())
			noErr(t, err)
			wantEqual(t, got, store.RunID(0))
			a, b := aRun(1), aRun(2)
			f.create(b, a)
			got, err = f.Newest(t.Context())
			noErr(t, err)
			wantEqual(t, got, max(a.ID, b.ID))
		}},
		{"FindUUID", func(t *testing.T, f *fixture) {
			want := aRun(1)
			f.create(want, aRun(2))

			got, err := f.FindUUID(t.Context(), aWorkflow, want.UUID)

			noErr(t, err)
			want.Entries = 1
			wantEqual(t, *got, want)
		}},
		{"Queries", func(t *testing.T, f *fixture) { queries(t, f) }},
		{"ListHasNoHeaderUnlessAsked", func(t *testing.T, f *fixture) {
			want := aRun(1)
			f.create(want)
			want.Entries = 1

			with, err := f.List(t.Context(), store.RunQuery{Workflow: aWorkflow, Header: true})
			noErr(t, err)
			without, err := f.List(t.Context(), store.RunQuery{Workflow: aWorkflow})
			noErr(t, err)

			wantEqual(t, with, []store.Run{want})
			want.Header = nil
			wantEqual(t, without, []store.Run{want})
		}},
		{"Counts", func(t *testing.T, f *fixture) {
			a, b, c, other := aRun(1), aRun(2), aRun(9), aRun(100)
			c.Status = 5
			other.Workflow++
			f.create(a, b, c, other)

			got, err := f.Counts(t.Context(), aWorkflow)

			noErr(t, err)
			wantEqual(t, got, store.Counts{ByStatus: map[uint8]int64{2: 2, 5: 1}, MaxInstance: 9})
		}},
		{"CountsOfNothing", func(t *testing.T, f *fixture) {
			got, err := f.Counts(t.Context(), aWorkflow)
			noErr(t, err)
			wantEqual(t, got, store.Counts{ByStatus: map[uint8]int64{}})
		}},
		{"LiveIsPagedByID", func(t *testing.T, f *fixture) {
			a, b, c, d, other := aRun(4), aRun(8), aRun(12), aRun(16), aRun(5)
			f.create(d, b, other, a, c)
			f.must(f.update(b, store.Update{Status: 5, Ended: noon}))

			first, err := f.Live(t.Context(), 0, 0, 2)
			noErr(t, err)
			rest, err := f.Live(t.Context(), 0, first[1].ID, 2)
			noErr(t, err)

			wantEqual(t, ids(first), []store.RunID{a.ID, c.ID})
			wantEqual(t, ids(rest), []store.RunID{d.ID})
			wantEqual(t, first[0].Header, a.Header)
			wantEqual(t, first[0].Entries, int64(1))
		}},
		{"DueIsSoonestFirst", func(t *testing.T, f *fixture) {
			a, b, c, d, never := aRun(4), aRun(8), aRun(12), aRun(16), aRun(20)
			a.Wake, b.Wake, c.Wake, d.Wake = noon+30, noon+10, noon+20, noon+99
			f.create(a, b, c, d, never)

			all, err := f.Due(t.Context(), 0, noon+30, 10)
			noErr(t, err)
			two, err := f.Due(t.Context(), 0, noon+30, 2)
			noErr(t, err)

			wantEqual(t, ids(all), []store.RunID{b.ID, c.ID, a.ID})
			wantEqual(t, ids(two), []store.RunID{b.ID, c.ID})
			wantEqual(t, all[0].Header, []byte(nil))
			wantEqual(t, all[0].Wake, noon+10)
		}},
		{"DueForgetsWhatNoLongerWaits", func(t *testing.T, f *fixture) {
			a := aRun(4)
			a.Wake = noon
			f.create(a)
			f.must(f.update(a, store.Update{Status: 2}))

			due, err := f.Due(t.Context(), 0, noon, 10)

			noErr(t, err)
			wantEqual(t, len(due), 0)
		}},
		{"DueIsOfOneGroup", func(t *testing.T, f *fixture) {
			a, b := aRun(4), aRun(5)
			a.Wake, b.Wake = noon, noon
			f.create(a, b)

			due, err := f.Due(t.Context(), 1, noon, 10)

			noErr(t, err)
			wantEqual(t, ids(due), []store.RunID{b.ID})
		}},
	})
}

// restarted returns two runs of one instance.
func restarted() (first, second store.Run) {
	first, second = aRun(1), aRun(2)
	second.Instance, second.Run = first.Instance, 2
	return first, second
}

// queries tries each field of a RunQuery on instances 1 to 4, of which the second has three runs.
func queries(t *testing.T, f *fixture) {
	runs := make([]store.Run, 6)
	for i, k := range []struct {
		instance, run int64
		status        uint8
	}{{1, 1, 5}, {2, 1, 6}, {2, 2, 6}, {2, 3, 5}, {3, 1, 2}, {4, 1, 5}} {
		runs[i] = aRun(int64(i + 1))
		runs[i].Instance, runs[i].Run, runs[i].Status = k.instance, k.run, k.status
	}
	f.create(runs...)
	elsewhere := aRun(50)
	elsewhere.Workflow++
	f.create(elsewhere)

	for _, q := range []struct {
		name string
		q    store.RunQuery
		want []int // indexes of runs
	}{
		{"all", store.RunQuery{}, []int{0, 1, 2, 3, 4, 5}},
		{"highest first", store.RunQuery{Desc: true}, []int{5, 4, 3, 2, 1, 0}},
		{"limit", store.RunQuery{Limit: 2}, []int{0, 1}},
		{"highest two", store.RunQuery{Limit: 2, Desc: true}, []int{5, 4}},
		{"range", store.RunQuery{From: 2, To: 3}, []int{1, 2, 3, 4}},
		{"no upper bound", store.RunQuery{From: 3}, []int{4, 5}},
		{"latest", store.RunQuery{Latest: true}, []int{0, 3, 4, 5}},
		{"latest in range", store.RunQuery{Latest: true, From: 1, To: 2, Desc: true}, []int{3, 0}},
		{"status", store.RunQuery{Statuses: []uint8{6}}, []int{1, 2}},
		{"statuses", store.RunQuery{Statuses: []uint8{2, 6}}, []int{1, 2, 4}},
		{"latest has the status", store.RunQuery{Latest: true, Statuses: []uint8{6}}, nil},
		{"instance", store.RunQuery{Instance: 2}, []int{1, 2, 3}},
		{"instance, some runs", store.RunQuery{Instance: 2, From: 2, To: 3, Desc: true}, []int{3, 2}},
		{"instance, with status", store.RunQuery{Instance: 2, Statuses: []uint8{5}, Limit: 5}, []int{3}},
		{"instance, latest", store.RunQuery{Instance: 2, Latest: true}, []int{3}},
		{"nothing", store.RunQuery{Instance: 9}, nil},
	} {
		q.q.Workflow = aWorkflow
		got, err := f.List(t.Context(), q.q)
		noErr(t, err)
		var want []store.RunID
		for _, i := range q.want {
			want = append(want, runs[i].ID)
		}
		t.Log(q.name)
		wantEqual(t, ids(got), want)
	}
}
