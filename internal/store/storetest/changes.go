package storetest

import (
	"fmt"
	"slices"
	"testing"

	"maestro/internal/store"
)

// Changes tests changes of several runs: each is written whole or leaves no trace.
func Changes(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"EndOfChildAndCountOfParent", func(t *testing.T, f *fixture) {
			parent, child := inGroup(1), inGroup(2)
			f.create(parent, child)
			end, count := f.entry(child, 2, "ended"), f.entry(parent, 2, "one child ended")
			end.Runs[0].Update = &store.Update{Status: 7, Ended: noon + 1}
			count.Runs[0].Update = &store.Update{Status: 2, Wake: noon + 2}
			f.must(together(end, count))
			f.wantEntries(child.ID, "created", "ended")
			f.wantEntries(parent.ID, "created", "one child ended")
			child.Status, child.Ended = 7, noon+1
			f.wantRow(child, 2)
			parent.Wake = noon + 2
			f.wantRow(parent, 2)
		}},
		{"RowsMayBeTerminalFromTheBeginning", func(t *testing.T, f *fixture) {
			parent, done, failed, live := inGroup(1), inGroup(2), inGroup(3), inGroup(4)
			done.Status, done.Ended = 7, noon+1
			failed.Status, failed.Ended = 6, noon+2
			f.must(together(f.insert(parent), f.insert(done), f.insert(failed), f.insert(live)))
			f.wantRow(done, 1)
			f.wantRow(failed, 1)
			rows, err := f.Live(t.Context(), parent.Group, 0, 10)
			noErr(t, err)
			wantEqual(t, ids(rows), []store.RunID{parent.ID, live.ID})
			counts, err := f.Counts(t.Context(), aWorkflow)
			noErr(t, err)
			wantEqual(t, counts.ByStatus, map[uint8]int64{2: 2, 6: 1, 7: 1})
			found, err := f.FindUUID(t.Context(), aWorkflow, done.UUID)
			noErr(t, err)
			wantEqual(t, found.ID, done.ID)
		}},
		{"EntriesFollowEachOtherAsTheirRunsDo", func(t *testing.T, f *fixture) {
			a, b, c := inGroup(1), inGroup(2), inGroup(3)
			f.create(b)
			f.must(together(f.insert(c), f.entry(b, 2, "b2"), f.insert(a), f.entry(c, 2, "c2")), together(f.entry(b, 3, "b3"), f.entry(a, 2, "a2")))
			got, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)
			var order []string
			for _, e := range got[1:] {
				order = append(order, fmt.Sprint(e.Run-a.ID, " ", string(e.Data)))
			}
			nr := func(r store.Run) string { return fmt.Sprint(r.ID - a.ID) }
			wantEqual(t, order, []string{nr(c) + " created", nr(b) + " b2", nr(a) + " created", nr(c) + " c2", nr(b) + " b3", nr(a) + " a2"})
			wantEqual(t, slices.IsSortedFunc(got, byPos), true)
		}},
		{"EntriesHaveTimesOfTheirOwn", func(t *testing.T, f *fixture) {
			a, b := inGroup(1), inGroup(2)
			ch := together(f.insert(a), f.insert(b))
			ch.Runs[1].At = noon + 9
			f.must(ch)
			got, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)
			wantEqual(t, []int64{got[0].At, got[1].At}, []int64{noon, noon + 9})
		}},
		{"PartsOfOneRunApplyInOrder", func(t *testing.T, f *fixture) {
			a, b := inGroup(1), inGroup(2)
			f.must(together(f.insert(a), f.update(a, store.Update{Status: 3}), f.entry(a, 2, "two"), f.insert(b), f.update(a, store.Update{Status: 4})))
			f.wantEntries(a.ID, "created", "two")
			a.Status = 4
			f.wantRow(a, 2)
			f.wantErrs([]store.Change{
				together(f.entry(a, 3, "three"), f.entry(a, 3, "again")),
				together(f.entry(b, 2, "two"), f.insert(b)),
			}, store.ErrStale, store.ErrExists)
			f.wantEntries(a.ID, "created", "two")
			f.wantEntries(b.ID, "created")
		}},
		{"NothingIsAChange", func(t *testing.T, f *fixture) {
			nothing := store.Change{Epoch: f.epochs[0]}
			stale := nothing
			stale.Epoch--
			f.wantErrs([]store.Change{nothing, stale, f.insert(aRun(1))}, nil, store.ErrStale, nil)
		}},
		{"RefusedWholeWhereverItsBadPartIs", func(t *testing.T, f *fixture) {
			taken := inGroup(1)
			f.create(taken)
			next := int64(10)
			for name, bad := range badParts(f, taken) {
				for at := range 4 {
					f.t.Log(name, at)
					next += 10
					f.wantRefusedWhole(next, at, bad.part, bad.want)
				}
			}
		}},
		{"StaleIsToldBeforeTaken", func(t *testing.T, f *fixture) {
			a, twin := inGroup(1), inGroup(2)
			f.create(a)
			twin.UUID = a.UUID
			for _, ch := range []store.Change{together(f.insert(twin), f.entry(a, 5, "x")), together(f.entry(a, 5, "x"), f.insert(twin))} {
				f.wantErrs([]store.Change{ch}, store.ErrStale)
			}
		}},
		{"SameNewRunTwiceIsRefused", func(t *testing.T, f *fixture) {
			a, b, c := inGroup(1), inGroup(2), inGroup(3)
			twin := b
			twin.ID, twin.UUID = b.ID+1, [16]byte{9}
			f.wantErrs([]store.Change{
				together(f.insert(a), f.insert(a)), together(f.insert(b), f.insert(c), f.insert(twin)), f.insert(c),
			}, store.ErrExists, store.ErrExists, nil)
			f.wantNoRun(a.ID)
			f.wantNoRun(b.ID)
			f.wantNoRun(twin.ID)
			f.wantEntries(c.ID, "created")
		}},
		{"RefusedNewRunsCanComeAgain", func(t *testing.T, f *fixture) {
			a, b := inGroup(1), inGroup(2)
			bad := together(f.insert(a), f.insert(b), f.entry(inGroup(3), 1, "x"))
			f.wantErrs([]store.Change{bad, f.entry(a, 2, "x"), together(f.insert(a), f.insert(b)), f.entry(a, 2, "two")},
				store.ErrStale, store.ErrStale, nil, nil)
			f.wantEntries(a.ID, "created", "two")
			f.wantEntries(b.ID, "created")

			c, twin := inGroup(4), inGroup(5) // the same where a taken key has the store look at each change
			twin.UUID = a.UUID
			stale := together(f.insert(c), f.entry(inGroup(3), 1, "x"))
			taken := together(f.insert(c), f.insert(twin))
			f.wantErrs([]store.Change{taken, f.entry(c, 2, "x"), stale, f.entry(c, 2, "x"), f.insert(c)},
				store.ErrExists, store.ErrStale, store.ErrStale, store.ErrStale, nil)
			f.wantEntries(c.ID, "created")
		}},
		{"TakenRecordRefusesAllRuns", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), store.Record{Kind: "permit", Key: "p", Value: []byte("taken")}))
			old, a, b := inGroup(1), inGroup(2), inGroup(3)
			f.create(old)
			guilty := together(f.entry(old, 2, "x"), f.insert(a))
			guilty.Records = []store.Record{
				{Kind: "output", Key: "o", Value: []byte("x")},
				{Kind: "permit", Key: "p", Value: []byte("mine"), Unique: true},
			}
			f.wantErrs([]store.Change{guilty, together(f.insert(b), f.entry(old, 2, "two"))}, store.ErrExists, nil)
			f.wantNoRun(a.ID)
			f.wantEntries(old.ID, "created", "two")
			f.wantEntries(b.ID, "created")
			_, err := f.Record(t.Context(), "output", "o")
			wantErr(t, err, store.ErrNotFound)
			got, err := f.Record(t.Context(), "permit", "p")
			noErr(t, err)
			wantEqual(t, string(got), "taken")
		}},
		{"SnapshotsOfSeveralRuns", func(t *testing.T, f *fixture) {
			a, b, c := inGroup(1), inGroup(2), inGroup(3)
			f.create(a, b)
			first := f.insert(c)
			first.Runs[0].Snapshot = true
			f.must(together(f.snapshot(a, 2, "a2"), first, f.entry(b, 2, "b2"), f.snapshot(a, 3, "a3"), f.entry(a, 4, "a4")))
			f.wantPresent(a, 3, "a3", "a4")
			f.wantPresent(b, 0, "created", "b2")
			f.wantPresent(c, 1, "created")
			f.must(together(f.entry(c, 2, "c2"), f.snapshot(b, 3, "b3"), f.snapshot(c, 3, "c3")))
			f.wantPresent(b, 3, "b3")
			f.wantPresent(c, 3, "c3")
		}},
		{"ThousandRuns", func(t *testing.T, f *fixture) {
			const n = 1000
			parent := inGroup(n + 1)
			f.create(parent)
			var launch, end []store.Change
			for i := range int64(n) {
				r := inGroup(i + 1)
				if i%2 == 0 {
					r.Status, r.Ended = 7, noon
				} else {
					end = append(end, f.entry(r, 2, "ended"))
					end[len(end)-1].Runs[0].Update = &store.Update{Status: 7, Ended: noon + 1}
				}
				launch = append(launch, f.insert(r))
			}
			bad := inGroup(n / 2)
			bad.ID++
			f.wantErrs([]store.Change{together(append(launch, f.insert(bad))...)}, store.ErrExists)
			f.wantNoRun(inGroup(1).ID)
			f.must(together(append(launch, f.entry(parent, 2, "launched"))...))
			f.must(together(append(end, f.entry(parent, 3, "counted"))...))

			counts, err := f.Counts(t.Context(), aWorkflow)
			noErr(t, err)
			wantEqual(t, counts.ByStatus, map[uint8]int64{2: 1, 7: n})
			entries, err := f.After(t.Context(), 0, 0, 2*n+10)
			noErr(t, err)
			wantEqual(t, len(entries), n+n/2+3)
			wantEqual(t, entries[n/2].Run, inGroup(n/2).ID)
			wantEqual(t, string(entries[n+1].Data), "launched")
			f.wantEntries(inGroup(2).ID, "created", "ended")
		}},
	})
}

// badPart is a part that is refused.
type badPart struct {
	part store.Change
	want error
}

// badParts returns a part of each kind that is refused, given a run that has one entry.
func badParts(f *fixture, taken store.Run) map[string]badPart {
	fresh := func(change func(r *store.Run)) store.Change {
		r := inGroup(8)
		change(&r)
		return f.insert(r)
	}
	late := f.insert(inGroup(8))
	late.Runs[0].Seq = 2
	return map[string]badPart{
		"taken seq":               {f.entry(taken, 1, "bad"), store.ErrStale},
		"skipped seq":             {f.entry(taken, 3, "bad"), store.ErrStale},
		"entry of unknown run":    {f.entry(inGroup(7), 1, "bad"), store.ErrStale},
		"update of unknown run":   {f.update(inGroup(7), store.Update{Status: 9}), store.ErrStale},
		"new run from seq 2":      {late, store.ErrStale},
		"new run of other group":  {fresh(func(r *store.Run) { r.Group = 1 }), store.ErrStale},
		"id of another run":       {fresh(func(r *store.Run) { r.ID = taken.ID }), store.ErrExists},
		"numbers of another run":  {fresh(func(r *store.Run) { r.Instance = taken.Instance }), store.ErrExists},
		"uuid of another run":     {fresh(func(r *store.Run) { r.UUID = taken.UUID }), store.ErrExists},
		"row that is not allowed": {fresh(func(r *store.Run) { r.Instance = 0 }), nil},
	}
}

// wantRefusedWhole commits a change of three good parts and, at a place among them, a bad one, between two changes of the
// same runs, and looks at what is there afterwards. A want of nil is any error.
func (f *fixture) wantRefusedWhole(n int64, at int, bad store.Change, want error) {
	f.t.Helper()
	a, b, fresh := inGroup(n+1), inGroup(n+2), inGroup(n+3)
	f.create(a, b)
	before, err := f.After(f.t.Context(), 0, 0, 10_000)
	noErr(f.t, err)
	good := []store.Change{f.snapshot(a, 3, "refused"), f.insert(fresh), f.update(b, store.Update{Status: 9, Ended: 9, Wake: 9})}
	refused := together(slices.Insert(good, at, bad)...)
	refused.Records = []store.Record{{Kind: "refused", Key: fmt.Sprint(n), Value: []byte("x")}}

	got := f.Commit(f.t.Context(), []store.Change{
		together(f.entry(a, 2, "a2"), f.entry(b, 2, "b2")), refused, together(f.entry(a, 3, "a3"), f.insert(fresh)), f.entry(fresh, 2, "more"),
	})

	if want == nil && got[1] == nil {
		f.t.Error("it is accepted")
	}
	if want != nil {
		wantErr(f.t, got[1], want)
	}
	for _, i := range []int{0, 2, 3} {
		noErr(f.t, got[i])
	}
	f.wantEntries(a.ID, "created", "a2", "a3")
	f.wantEntries(b.ID, "created", "b2")
	f.wantEntries(fresh.ID, "created", "more")
	f.wantRow(a, 3)
	f.wantRow(b, 2)
	_, err = f.Record(f.t.Context(), "refused", fmt.Sprint(n))
	wantErr(f.t, err, store.ErrNotFound)
	after, err := f.After(f.t.Context(), before[len(before)-1].Pos, 0, 10)
	noErr(f.t, err)
	wantEqual(f.t, texts(after), []string{"a2", "b2", "a3", "created", "more"})
}

// inGroup is aRun for runs that are all of one group.
func inGroup(n int64) store.Run { return aRun(n * groups) }

// together returns one change of the runs of all, under the lease of the first.
func together(changes ...store.Change) store.Change {
	whole := changes[0]
	whole.Runs = nil
	for _, ch := range changes {
		whole.Runs = append(whole.Runs, ch.Runs...)
	}
	return whole
}

// wantRow compares the row of a run.
func (f *fixture) wantRow(r store.Run, entries int64) {
	f.t.Helper()
	got, err := f.Row(f.t.Context(), r.ID)
	noErr(f.t, err)
	r.Entries = entries
	wantEqual(f.t, *got, r)
}
