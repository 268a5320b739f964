package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/event"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/view"
)

// TestOrder has a sink refuse every third attempt or so.
func TestOrder(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	sink := &fake{answer: func(string, int, int) error {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		if rand.IntN(3) == 0 {
			return errors.New("not now")
		}
		return nil
	}}
	d, _ := l.delivery(sink, l.store, event.Policy{Window: 20, Parallel: 4})
	wait(t, "place", func() bool { _, err := l.store.Record(t.Context(), "event_cursor", "fake"); return err == nil })
	const flows, each = 7, 30
	for n := 1; n <= each; n++ {
		for w := range flows {
			l.publish(fmt.Sprint("w", w), n, n)
		}
	}
	wait(t, "all delivered", func() bool { return d.Status().Delivered == flows*each })
	for w := range flows {
		inOrder(t, fmt.Sprint("w", w), sink.first(fmt.Sprint("w", w)), each)
	}
	if sink.most < 2 || sink.most > 4 {
		t.Errorf("%d were under way at once", sink.most)
	}
}

// forgetful is a store whose process is about to be killed: from some moment on it writes nothing.
type forgetful struct {
	store.Records
	mu   sync.Mutex
	dead bool
	died int // writes that failed
}

func (f *forgetful) PutRecords(ctx context.Context, r ...store.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		f.died++
		return errors.New("killed")
	}
	return f.Records.PutRecords(ctx, r...)
}

// TestKill kills the process several times in the middle.
func TestKill(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	const flows, each = 5, 200
	for n := 1; n <= each; n++ {
		for w := range flows {
			l.publish(fmt.Sprint("w", w), n, n)
		}
	}
	sink := &fake{answer: func(string, int, int) error {
		time.Sleep(50 * time.Microsecond)
		if rand.IntN(20) == 0 {
			return errors.New("not now")
		}
		return nil
	}}
	for kill := range 4 {
		records := &forgetful{Records: l.store}
		d, stop := l.delivery(sink, records, event.Policy{Window: 50, Parallel: 3})
		wait(t, "some delivered", func() bool { return d.Status().Delivered >= int64(100+kill) })
		records.mu.Lock()
		records.dead = kill%2 == 0 // else it is stopped in peace
		records.mu.Unlock()
		stop()
		l.store.Close()
		l.open()
	}
	d, _ := l.delivery(sink, l.store, event.Policy{})
	wait(t, "the end", func() bool {
		for w := range flows {
			if len(sink.first(fmt.Sprint("w", w))) < each {
				return false
			}
		}
		return d.Status().Pending == 0
	})
	for w := range flows {
		inOrder(t, fmt.Sprint("w", w), sink.first(fmt.Sprint("w", w)), each)
	}
}

// TestDeadLetters has one event that is never taken.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	var mu sync.Mutex
	broken := true
	sink := &fake{answer: func(workflow string, n, _ int) error {
		mu.Lock()
		defer mu.Unlock()
		if broken && workflow == "bad" && n == 2 {
			return &event.SendError{Err: errors.New("I do not want this"), Refused: true}
		}
		return nil
	}}
	l.publish("bad", 1, 4)
	l.publish("good", 1, 4)
	d, stop := l.delivery(sink, l.store, event.Policy{})
	wait(t, "all but one", func() bool { return d.Status().Delivered == 7 && d.Status().Dead == 1 })
	if got := fmt.Sprint(sink.first("bad")); got != "[1 3 4]" {
		t.Errorf("taken: %s", got)
	}
	stop()
	letters := event.NewDeadLetters(l.store, sink)
	list, more, err := letters.List(t.Context(), "", "", 10)
	if err != nil || more || len(list) != 1 {
		t.Fatal(list, more, err)
	}
	dead := list[0]
	if dead.ID != "fake-2.0" || dead.Workflow != "bad" || dead.Attempts != 3 || dead.Error != "I do not want this" ||
		string(dead.Event) != `{"workflow_id":"bad","n":2,"type":"T"}` || dead.First == 0 || dead.Last < dead.First {
		t.Errorf("letter: %+v", dead)
	}
	if err := letters.Replay(t.Context(), dead.ID); !errors.Is(err, event.ErrNotSent) {
		t.Errorf("replay while it is refused: %v", err)
	}
	if again, err := letters.Get(t.Context(), dead.ID); err != nil || again.Attempts != 4 {
		t.Errorf("after a replay: %+v %v", again, err)
	}
	mu.Lock()
	broken = false
	mu.Unlock()
	if err := letters.Replay(t.Context(), dead.ID); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(sink.first("bad")); got != "[1 3 4 2]" {
		t.Errorf("taken: %s", got)
	}
	if err := letters.Replay(t.Context(), dead.ID); !errors.Is(err, api.NotFound) {
		t.Errorf("replay of what is gone: %v", err)
	}
	d, _ = l.delivery(sink, l.store, event.Policy{}) // goes on behind it
	l.publish("bad", 5, 5)
	wait(t, "the next", func() bool { return d.Status().Delivered == 1 })
}

// TestDeadLetterIsNotLost has a store that cannot write when an event is given up.
func TestDeadLetterIsNotLost(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	records := &forgetful{Records: l.store, dead: true}
	sink := &fake{answer: func(_ string, n, _ int) error {
		if n == 1 {
			panic("a sink that breaks down")
		}
		return nil
	}}
	sinkOf := event.Sink(panicky{sink})
	l.publish("w", 1, 2)
	d, _ := l.delivery(sinkOf, records, event.Policy{MaxAttempts: 2})
	wait(t, "attempts", func() bool { return d.Status().Failed == 2 })
	wait(t, "more tries to write it down", func() bool {
		records.mu.Lock()
		defer records.mu.Unlock()
		return records.died >= 3
	})
	if s := d.Status(); s.Dead != 0 || s.Delivered != 0 || s.Failed != 2 {
		t.Errorf("while the store is broken: %+v", s)
	}
	records.mu.Lock()
	records.dead = false
	records.mu.Unlock()
	wait(t, "the end", func() bool { return d.Status().Dead == 1 && d.Status().Delivered == 1 })
	if list, _, err := event.NewDeadLetters(l.store).List(t.Context(), "", "w", 10); err != nil || len(list) != 1 || !strings.Contains(list[0].Error, "broke down") {
		t.Error(list, err)
	}
}

// panicky keeps the books of a fake whose answer panics.
type panicky struct{ *fake }

func (p panicky) Send(ctx context.Context, e *event.Event, attempt int) error {
	defer func() {
		if v := recover(); v != nil {
			p.mu.Lock()
			p.busy[e.Workflow]--
			p.mu.Unlock()
			panic(v)
		}
	}()
	return p.fake.Send(ctx, e, attempt)
}

// TestStuckSink has a sink that does not answer: a bounded part of the journal is in memory, and Run ends all the same.
func TestStuckSink(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	for w := range 50 {
		l.publish(fmt.Sprint("w", w), 1, 4)
	}
	var d *event.Delivery
	d, stop := l.delivery(stuck{}, l.store, event.Policy{Window: 30})
	wait(t, "a full window", func() bool { return d.Status().Pending == 30 })
	l.publish("w1", 5, 20)
	time.Sleep(30 * time.Millisecond)
	if s := d.Status(); s.Pending != 30 || s.Cursor != behind(0) {
		t.Errorf("status: %+v", s)
	}
	stop()
	sink := &fake{}
	d, _ = l.delivery(sink, l.store, event.Policy{})
	wait(t, "all", func() bool { return d.Status().Delivered == 216 })
	inOrder(t, "w1", sink.first("w1"), 20)
}

type stuck struct{}

func (stuck) Name() string { return "fake" }
func (stuck) Send(ctx context.Context, _ *event.Event, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestFilter wants some workflows only, and passes over the others.
func TestFilter(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	l.publish("etl.a", 1, 3)
	l.publish("other", 1, 3)
	l.publish("x", 1, 3)
	l.publish("other", 4, 4)
	sink := &fake{}
	d, _ := l.delivery(sink, l.store, event.Policy{}, "etl.*", "x")
	wait(t, "the end", func() bool { return d.Status().Delivered == 6 && d.Status().Cursor == behind(10) })
	if len(sink.first("other")) != 0 {
		t.Error("unwanted events came")
	}
	if _, err := event.NewDelivery(event.DeliveryConfig{Sink: sink, Workflows: []string{"["}, Log: slog.Default()}); err == nil {
		t.Error("a bad pattern is taken")
	}
}

// TestNewSinkBeginsNow does not get what was before it.
func TestNewSinkBeginsNow(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.publish("w", 1, 10)
	sink := &fake{}
	d, _ := l.delivery(sink, l.store, event.Policy{})
	wait(t, "its place", func() bool { return d.Status().Cursor == behind(10) })
	l.publish("w", 11, 12)
	wait(t, "two", func() bool { return d.Status().Delivered == 2 })
	if got := fmt.Sprint(sink.first("w")); got != "[11 12]" {
		t.Errorf("taken: %s", got)
	}
}

// unreadable is a journal with an entry of a run that nobody can read.
type unreadable struct{ event.Journal }

func (u unreadable) After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	list, err := u.Journal.After(ctx, pos, run, n)
	for i := range list {
		if list[i].Pos == 2 {
			list[i].Run, list[i].Seq = 99, 1
		}
	}
	return list, err
}

// IdentifyID implements event.Runs.
func (unreadable) IdentifyID(context.Context, store.RunID) (*instance.Run, error) {
	return nil, errors.New("this cannot be read")
}

// TestUnreadable passes over an entry that cannot be read, after a while.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.begin()
	l.publish("w", 1, 4)
	sink := &fake{}
	u := unreadable{l.store}
	l.from = event.NewSource(event.Config{Journal: u, Runs: u})
	d, _ := l.delivery(sink, l.store, event.Policy{})
	wait(t, "the end", func() bool { return d.Status().Delivered == 3 && d.Status().Cursor == behind(4) })
	if s := d.Status(); s.Skipped != 1 || fmt.Sprint(sink.first("w")) != "[1 3 4]" {
		t.Errorf("%+v, taken: %v", s, sink.first("w"))
	}
}

// behind is the cursor behind the entry at pos, as clients see it.
func behind(pos int64) string { return view.Cursor{Pos: pos, Index: view.WholeEntry}.Token() }
