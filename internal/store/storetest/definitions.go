package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"maestro/internal/store"
)

// aDefinition returns the first push of a workflow.
func aDefinition(id string) store.DefinitionChange {
	return store.DefinitionChange{
		Workflow: store.Workflow{
			ID:           id,
			Active:       1,
			Latest:       1,
			ActivateTime: noon,
			ActivatedBy:  []byte(`{"name":"ann"}`),
			Properties:   []byte(`{"owner":"ann"}`),
			ModifyTime:   noon,
		},
		Version: &store.Version{
			Version:    1,
			Created:    noon,
			Metadata:   []byte(`{"m":1}`),
			Definition: []byte(`{"id":"` + id + `"}`),
		},
		Timeline: &store.TimelineEntry{Author: []byte(`{"name":"ann"}`), Log: "created", At: noon},
		Event:    []byte("pushed " + id),
		At:       noon,
	}
}

// next returns the push of another version on top of row.
func next(row store.Workflow) store.DefinitionChange {
	d := aDefinition(row.ID)
	d.Workflow.Internal, d.Previous = row.Internal, row.ModifyTime
	d.Workflow.Latest, d.Version.Version = row.Latest+1, row.Latest+1
	d.Workflow.ModifyTime = row.ModifyTime + 1
	d.Timeline.Log = "pushed"
	return d
}

// Definitions tests workflows and their versions.
func Definitions(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"DefineCreates", func(t *testing.T, f *fixture) {
			d := aDefinition("wf")
			row, err := f.Define(t.Context(), d)
			noErr(t, err)
			wantEqual(t, row.Internal >= 10_000, true)
			d.Workflow.Internal = row.Internal
			wantEqual(t, row, d.Workflow)

			byID, err := f.Workflow(t.Context(), "wf")
			noErr(t, err)
			wantEqual(t, *byID, row)
			byInternal, err := f.WorkflowByInternal(t.Context(), row.Internal)
			noErr(t, err)
			wantEqual(t, *byInternal, row)
			v, err := f.Version(t.Context(), row.Internal, 1)
			noErr(t, err)
			d.Version.Workflow = row.Internal
			wantEqual(t, v, d.Version)
		}},
		{"UnknownIsNotFound", func(t *testing.T, f *fixture) {
			_, err := f.Workflow(t.Context(), "wf")
			wantErr(t, err, store.ErrNotFound)
			_, err = f.WorkflowByInternal(t.Context(), 10_000)
			wantErr(t, err, store.ErrNotFound)
			_, err = f.Version(t.Context(), 10_000, 1)
			wantErr(t, err, store.ErrNotFound)
		}},
		{"TakenIDExists", func(t *testing.T, f *fixture) {
			_, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			_, err = f.Define(t.Context(), aDefinition("wf"))
			wantErr(t, err, store.ErrExists)
		}},
		{"DefineChanges", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			d := next(row)
			d.Workflow.Active, d.Workflow.ActivateTime, d.Workflow.ActivatedBy = 0, 0, nil

			got, err := f.Define(t.Context(), d)

			noErr(t, err)
			wantEqual(t, got, d.Workflow)
			_, err = f.Version(t.Context(), row.Internal, 2)
			noErr(t, err)
		}},
		{"ChangedSinceIsStale", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			_, err = f.Define(t.Context(), next(row))
			noErr(t, err)
			late := next(row)
			late.Version = nil
			_, err = f.Define(t.Context(), late)
			wantErr(t, err, store.ErrStale)
		}},
		{"TakenVersionIsStale", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			d := next(row)
			d.Version.Version = 1
			_, err = f.Define(t.Context(), d)
			wantErr(t, err, store.ErrStale)
		}},
		{"RefusedDefineLeavesNoTrace", func(t *testing.T, f *fixture) {
			noErr(t, f.PutRecords(t.Context(), store.Record{Kind: "trigger", Key: "k", Value: []byte("x")}))
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			d := next(row)
			d.Records = []store.Record{{Kind: "trigger", Key: "k", Value: []byte("y"), Unique: true}}
			_, err = f.Define(t.Context(), d)
			wantErr(t, err, store.ErrExists)

			got, err := f.Workflow(t.Context(), "wf")
			noErr(t, err)
			wantEqual(t, *got, row)
			_, err = f.Version(t.Context(), row.Internal, 2)
			wantErr(t, err, store.ErrNotFound)
			lines, err := f.Timeline(t.Context(), row.Internal, 10)
			noErr(t, err)
			wantEqual(t, len(lines), 1)
			events, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)
			wantEqual(t, len(events), 1)
		}},
		{"EventAndRecordsGoWithTheChange", func(t *testing.T, f *fixture) {
			d := aDefinition("wf")
			d.Records = []store.Record{{Kind: "trigger", Key: "k", Value: []byte("x")}}
			_, err := f.Define(t.Context(), d)
			noErr(t, err)

			events, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)
			wantEqual(t, texts(events), []string{"pushed wf"})
			wantEqual(t, events[0].Run, store.RunID(0))
			wantEqual(t, events[0].At, noon)
			_, err = f.Record(t.Context(), "trigger", "k")
			noErr(t, err)
		}},
		{"TimelineIsNewestFirst", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			for _, log := range []string{"second", "third"} {
				d := next(row)
				d.Timeline.Log = log
				row, err = f.Define(t.Context(), d)
				noErr(t, err)
			}
			lines, err := f.Timeline(t.Context(), row.Internal, 2)
			noErr(t, err)
			wantEqual(t, lines, []store.TimelineEntry{
				{Author: []byte(`{"name":"ann"}`), Log: "third", At: noon},
				{Author: []byte(`{"name":"ann"}`), Log: "second", At: noon},
			})
		}},
		{"WorkflowsInByteOrderWithoutInline", func(t *testing.T, f *fixture) {
			for _, id := range []string{"b", "B", "é", "a.c", "a"} {
				_, err := f.Define(t.Context(), aDefinition(id))
				noErr(t, err)
			}
			_, err := f.Inline(t.Context(), "a:loop", noon)
			noErr(t, err)

			first, err := f.Workflows(t.Context(), "", 3)
			noErr(t, err)
			rest, err := f.Workflows(t.Context(), first[2].ID, 3)
			noErr(t, err)

			var got []string
			for _, w := range append(first, rest...) {
				got = append(got, w.ID)
			}
			wantEqual(t, got, []string{"B", "a", "a.c", "b", "é"})
		}},
		{"InlineCreatesOnce", func(t *testing.T, f *fixture) {
			a, err := f.Inline(t.Context(), "wf:loop", noon)
			noErr(t, err)
			b, err := f.Inline(t.Context(), "wf:loop", noon+1)
			noErr(t, err)
			wantEqual(t, a, b)
			wantEqual(t, a, store.Workflow{Internal: a.Internal, ID: "wf:loop", Inline: true, ModifyTime: noon})
			wantEqual(t, a.Internal >= 10_000, true)
		}},
	})
}

// Deletion tests how a workflow goes and what stays.
func Deletion(t *testing.T, open func(t *testing.T) store.Store) {
	run(t, open, []promise{
		{"DeleteTakesEverything", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			other, err := f.Define(t.Context(), aDefinition("other"))
			noErr(t, err)
			const n = 300
			var changes []store.Change
			for i := range int64(n) {
				r := aRun(i + 1)
				r.Workflow = row.Internal
				changes = append(changes, f.insert(r), f.entry(r, 2, "2"), f.entry(r, 3, "3"))
			}
			kept := aRun(n + 1)
			kept.Workflow = other.Internal
			f.must(append(changes, f.insert(kept))...)

			noErr(t, f.Delete(t.Context(), "wf", []byte("deleted"), noon, nil))

			_, err = f.Workflow(t.Context(), "wf")
			wantErr(t, err, store.ErrNotFound)
			_, err = f.Version(t.Context(), row.Internal, 1)
			wantErr(t, err, store.ErrNotFound)
			f.wantNoRun(aRun(1).ID)
			f.wantNoRun(aRun(n).ID)
			lines, err := f.Timeline(t.Context(), row.Internal, 10)
			noErr(t, err)
			wantEqual(t, len(lines), 0)
			events, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)
			wantEqual(t, texts(events), []string{"pushed wf", "pushed other", "created", "deleted"})
			f.wantEntries(kept.ID, "created")
		}},
		{"DeleteKeepsWhatItIsToldTo", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			const runs, long = 40, 1200 // one journal is longer than a transaction may be
			var changes []store.Change
			for i := range int64(runs) {
				r := aRun(i + 1)
				r.Workflow = row.Internal
				changes = append(changes, f.insert(r), f.entry(r, 2, fmt.Sprint("keep ", i)), f.entry(r, 3, "drop"))
			}
			r := aRun(runs + 1)
			r.Workflow = row.Internal
			changes = append(changes, f.insert(r))
			for seq := int64(2); seq <= long; seq++ {
				changes = append(changes, f.entry(r, seq, fmt.Sprint("keep long ", seq)))
			}
			f.must(changes...)
			before, err := f.After(t.Context(), 0, 0, 10_000)
			noErr(t, err)
			var want []store.Entry
			for _, e := range before {
				if e.Run == 0 || strings.HasPrefix(string(e.Data), "keep") {
					want = append(want, store.Entry{Pos: e.Pos, At: e.At, Data: []byte(strings.ToUpper(string(e.Data)))})
				}
			}
			want[0].Data = []byte("pushed wf") // was of no run before
			asked := 0

			noErr(t, f.Delete(t.Context(), "wf", []byte("deleted"), noon, func(ctx context.Context, r *store.Run, entries []store.Entry) ([]store.Entry, error) {
				asked++
				if _, err := f.Version(ctx, row.Internal, 1); err != nil { // it is there still, and nobody holds a lock
					return nil, err
				}
				if r.Workflow != row.Internal || r.Header == nil || int64(len(entries)) != r.Entries {
					t.Errorf("asked about %+v with %d entries", r, len(entries))
				}
				var kept []store.Entry
				for _, e := range entries {
					if strings.HasPrefix(string(e.Data), "keep") {
						e.Data = []byte(strings.ToUpper(string(e.Data)))
						kept = append(kept, e)
					}
				}
				return kept, nil
			}))

			got, err := f.After(t.Context(), 0, 0, 10_000)
			noErr(t, err)
			wantEqual(t, asked, runs+1)
			wantEqual(t, string(got[len(got)-1].Data), "deleted")
			wantEqual(t, got[:len(got)-1], want)
			f.wantNoRun(aRun(1).ID)
			f.wantNoRun(aRun(runs + 1).ID)
			_, err = f.Version(t.Context(), row.Internal, 1)
			wantErr(t, err, store.ErrNotFound)
		}},
		{"PurgeFinishesWhatWasInterrupted", func(t *testing.T, f *fixture) {
			old, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			const long = 1200
			r := aRun(1)
			r.Workflow = old.Internal
			changes := []store.Change{f.insert(r)}
			for seq := int64(2); seq <= long; seq++ {
				changes = append(changes, f.entry(r, seq, "x"))
			}
			second := aRun(2)
			second.Workflow = old.Internal
			f.must(append(changes, f.insert(second))...)
			broken := errors.New("broken")
			wantErr(t, f.Delete(t.Context(), "wf", nil, noon, func(_ context.Context, r *store.Run, entries []store.Entry) ([]store.Entry, error) {
				if r.ID == second.ID { // the first one's journal is gone then, but for its beginning
					return nil, broken
				}
				return nil, nil
			}), broken)
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)

			seen := map[store.RunID]int{}
			noErr(t, f.Purge(t.Context(), func(_ context.Context, r *store.Run, entries []store.Entry) ([]store.Entry, error) {
				seen[r.ID] = len(entries)
				for i, e := range entries {
					if e.Seq != int64(i+1) {
						t.Fatalf("entry %d has number %d", i, e.Seq)
					}
				}
				return entries, nil
			}))

			wantEqual(t, len(seen) > 0 && seen[second.ID] == 1, true)
			f.wantNoRun(r.ID)
			f.wantNoRun(second.ID)
			_, err = f.Version(t.Context(), row.Internal, 1) // the new workflow of this name is not touched
			noErr(t, err)
			noErr(t, f.Purge(t.Context(), nil))
		}},
		{"DeleteOfUnknownIsNotFound", func(t *testing.T, f *fixture) {
			wantErr(t, f.Delete(t.Context(), "wf", nil, noon, nil), store.ErrNotFound)
		}},
		{"NameIsFreeAndInstancesGoOn", func(t *testing.T, f *fixture) {
			old, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			r := aRun(41)
			r.Workflow = old.Internal
			f.create(r)
			noErr(t, f.Delete(t.Context(), "wf", nil, noon, nil))

			row, err := f.Define(t.Context(), aDefinition("wf"))

			noErr(t, err)
			wantEqual(t, row.FirstInstance, int64(41))
			wantEqual(t, row.Internal > old.Internal, true)
		}},
		{"PositionsAreNotGivenTwice", func(t *testing.T, f *fixture) {
			row, err := f.Define(t.Context(), aDefinition("wf"))
			noErr(t, err)
			r := aRun(1)
			r.Workflow = row.Internal
			f.create(r)
			before, err := f.After(t.Context(), 0, 0, 10)
			noErr(t, err)
			noErr(t, f.Delete(t.Context(), "wf", nil, noon, nil))

			pos, err := f.Publish(t.Context(), noon, []byte("x"))

			noErr(t, err)
			wantEqual(t, pos > before[len(before)-1].Pos, true)
		}},
	})
}
