package storetest

import (
	"testing"

	"maestro/internal/store"
)

// Durable tests what is still there after a store was closed and opened again. create makes an empty database and
// returns what opens it; a store is closed before the next one is opened.
func Durable(t *testing.T, create func(t *testing.T) (open func() store.Store)) {
	t.Run("EverythingIsKept", func(t *testing.T) {
		t.Parallel()

		open := create(t)
		f := newFixture(t, open())
		row, err := f.Define(t.Context(), aDefinition("wf"))
		noErr(t, err)
		r := aRun(1)
		ch := f.insert(r)
		ch.Records = []store.Record{{Kind: "k", Key: "a", Value: []byte("1")}}
		f.must(ch, f.entry(r, 2, "two"))
		events, err := f.After(t.Context(), 0, 0, 10)
		noErr(t, err)
		noErr(t, f.Close())

		f = newFixture(t, open())
		defer f.Close()

		f.wantEntries(r.ID, "created", "two")
		got, err := f.Workflow(t.Context(), "wf")
		noErr(t, err)
		wantEqual(t, *got, row)
		value, err := f.Record(t.Context(), "k", "a")
		noErr(t, err)
		wantEqual(t, string(value), "1")
		again, err := f.After(t.Context(), 0, 0, 10)
		noErr(t, err)
		wantEqual(t, again, events)
		f.must(f.entry(r, 3, "three"))
		after, err := f.After(t.Context(), events[len(events)-1].Pos, 0, 10)
		noErr(t, err)
		wantEqual(t, texts(after), []string{"three"})
	})

	t.Run("EpochsGrow", func(t *testing.T) {
		t.Parallel()

		open := create(t)
		f := newFixture(t, open())
		old := f.epochs
		noErr(t, f.Release(t.Context(), node))
		noErr(t, f.Close())

		f = newFixture(t, open())
		defer f.Close()

		for group, epoch := range f.epochs {
			wantEqual(t, epoch > old[group], true)
		}
		wantEqual(t, len(f.epochs), groups)
	})

	t.Run("PositionsGoOnAfterDelete", func(t *testing.T) {
		t.Parallel()

		open := create(t)
		f := newFixture(t, open())
		row, err := f.Define(t.Context(), aDefinition("wf"))
		noErr(t, err)
		r := aRun(1)
		r.Workflow = row.Internal
		f.create(r)
		before, err := f.After(t.Context(), 0, 0, 10)
		noErr(t, err)
		noErr(t, f.Delete(t.Context(), "wf", nil, noon, nil))
		noErr(t, f.Close())

		f = newFixture(t, open())
		defer f.Close()
		pos, err := f.Publish(t.Context(), noon, []byte("x"))

		noErr(t, err)
		wantEqual(t, pos > before[len(before)-1].Pos, true)
	})
}
