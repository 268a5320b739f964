package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"maestro/internal/event"
	"maestro/internal/view"
)

// TestRetention has old events, which are neither read nor delivered, and go.
func TestRetention(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	var at int64
	l.now = func() int64 { return at }
	l.keep = 100 * time.Millisecond
	const old = 2000
	for i := range old {
		at = int64(1000 + i)
		l.publish("w", i+1, i+1)
	}
	at = 400_000 // and more than the times of entries may be out of order
	l.publish("w", old+1, old+3)

	r := l.source().Reader(view.Cursor{}, nil)
	events, more, err := r.Read(t.Context(), 100, time.Now().Add(time.Minute))
	if err != nil || more || len(events) != 3 || events[0].Cursor.Pos != old+1 {
		t.Fatal(len(events), more, err)
	}
	if n := r.TooOld(); n != old {
		t.Errorf("%d entries were too old", n)
	}
	sink := &fake{}
	d, stop := l.delivery(sink, l.store, event.Policy{})
	wait(t, "three", func() bool { return d.Status().Delivered == 3 })
	if s := d.Status(); s.Skipped != old {
		t.Errorf("%d entries were skipped", s.Skipped)
	}
	stop()
	read := int64(1500) // another sink is only here
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go l.source().Prune(ctx, l.store, func() int64 { return read }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	left := func() int {
		list, err := l.store.After(t.Context(), 0, 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	wait(t, "old ones gone", func() bool { return left() == old+3-1500 })
	time.Sleep(10 * time.Millisecond)
	if n := left(); n != old+3-1500 {
		t.Errorf("%d entries are left", n)
	}
}

// TestTooOldInMemory has events become too old while the sink does not take them.
func TestTooOldInMemory(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	l.keep = 300 * time.Millisecond
	sink := &fake{answer: func(_ string, n, _ int) error {
		if n <= 2 {
			return fmt.Errorf("no")
		}
		return nil
	}}
	l.publish("w", 1, 2)
	d, _ := l.delivery(sink, l.store, event.Policy{MaxAttempts: 1_000_000})
	wait(t, "two skipped", func() bool { return d.Status().Skipped == 2 })
	l.publish("w", 3, 3)
	wait(t, "the third", func() bool { return d.Status().Delivered == 1 })
	if s := d.Status(); s.Dead != 0 {
		t.Errorf("status %+v", s)
	}
}

// TestPublishedList reads entries that hold several events, from every place in them.
func TestPublishedList(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var evs []view.Event
	for i := range 3 {
		evs = append(evs, view.Event{Data: []byte(fmt.Sprintf(`{"workflow_id":"w","n":%d,"type":"T"}`, i+1))})
	}
	if _, err := l.store.Publish(t.Context(), 1, view.AppendPublished(nil, evs)); err != nil {
		t.Fatal(err)
	}
	l.publish("w", 4, 4)
	at := view.Cursor{}
	for n := 1; n <= 4; n++ {
		r := l.source().Reader(at, nil)
		events, _, err := r.Read(t.Context(), 1, time.Now().Add(time.Minute))
		if err != nil || len(events) != 1 {
			t.Fatal(n, events, err)
		}
		var got struct{ N int }
		if json.Unmarshal(events[0].Data, &got) != nil || got.N != n || events[0].Workflow != "w" || events[0].Type != "T" {
			t.Errorf("event %d is %+v %s", n, events[0], events[0].Data)
		}
		at = r.At()
	}
}
