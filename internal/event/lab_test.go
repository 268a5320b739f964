package event_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/event"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// lab is a store, what is published in it, and deliveries one after the other.
type lab struct {
	t     *testing.T
	path  string
	store *sqlite.Store
	grown chan struct{}
	now   func() int64
	keep  time.Duration // retention
	from  *event.Source // nil: of the store
}

func newLab(t *testing.T) *lab {
	l := &lab{t: t, path: filepath.Join(t.TempDir(), "m.db"), grown: make(chan struct{}, 1), now: func() int64 { return time.Now().UnixMilli() }}
	l.open()
	t.Cleanup(func() { l.store.Close() })
	return l
}

func (l *lab) open() {
	s, err := sqlite.Open(context.Background(), l.path, sqlite.Options{NoSync: true})
	if err != nil {
		l.t.Fatal(err)
	}
	l.store = s
}

// Watch implements event.Watcher.
func (l *lab) Watch(store.RunID) (<-chan struct{}, func()) { return l.grown, func() {} }

// publish publishes events of a workflow with numbers from first to last.
func (l *lab) publish(workflow string, first, last int) {
	l.t.Helper()
	for n := first; n <= last; n++ {
		text := fmt.Sprintf(`{"workflow_id":%q,"n":%d,"type":"T"}`, workflow, n)
		if _, err := l.store.Publish(context.Background(), l.now(), []byte(text)); err != nil {
			l.t.Fatal(err)
		}
		select {
		case l.grown <- struct{}{}:
		default:
		}
	}
}

func (l *lab) source() *event.Source {
	if l.from != nil {
		return l.from
	}
	return event.NewSource(event.Config{Journal: l.store, Cluster: "test", Retention: l.keep, Now: l.now})
}

// delivery starts a delivery, which stop ends.
func (l *lab) delivery(sink event.Sink, records store.Records, p event.Policy, workflows ...string) (d *event.Delivery, stop func()) {
	l.t.Helper()
	if p.MinDelay == 0 {
		p.MinDelay, p.MaxDelay = time.Millisecond, 5*time.Millisecond
	}
	d, err := event.NewDelivery(event.DeliveryConfig{
		Source: l.source(), Sink: sink, Records: records, Watcher: l, Workflows: workflows, Policy: p,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); d.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	l.t.Cleanup(stop)
	return d, stop
}

// begin makes the sink's first place the beginning of the journal.
func (l *lab) begin() {
	if err := l.store.PutRecords(context.Background(), store.Record{Kind: "event_cursor", Key: "fake", Value: []byte("0")}); err != nil {
		l.t.Fatal(err)
	}
}

// fake is a sink that takes what answer says, and remembers it.
type fake struct {
	answer func(workflow string, n, attempt int) error

	mu    sync.Mutex
	taken map[string][]int
	busy  map[string]int
	most  int // under way at once
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Send(ctx context.Context, e *event.Event, attempt int) error {
	var n int
	if _, err := fmt.Sscanf(string(e.Data[strings.Index(string(e.Data), `"n":`)+4:]), "%d", &n); err != nil {
		return err
	}
	f.mu.Lock()
	if f.busy == nil {
		f.busy, f.taken = map[string]int{}, map[string][]int{}
	}
	f.busy[e.Workflow]++
	all := 0
	for _, n := range f.busy {
		all += n
	}
	f.most = max(f.most, all)
	if f.busy[e.Workflow] > 1 {
		panic("two events of one workflow at once")
	}
	f.mu.Unlock()
	var err error
	if f.answer != nil {
		err = f.answer(e.Workflow, n, attempt)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy[e.Workflow]--
	if err == nil {
		f.taken[e.Workflow] = append(f.taken[e.Workflow], n)
	}
	return err
}

// first returns the numbers taken of a workflow in the order in which they came for the first time.
func (f *fake) first(workflow string) (list []int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[int]bool{}
	for _, n := range f.taken[workflow] {
		if !seen[n] {
			list, seen[n] = append(list, n), true
		}
	}
	return list
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(15 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("never: %s", what)
		}
	}
}

// inOrder fails unless list is the numbers from 1 to n.
func inOrder(t *testing.T, what string, list []int, n int) {
	t.Helper()
	if len(list) != n {
		t.Errorf("%s: got %d events, want %d: %v", what, len(list), n, list)
		return
	}
	for i := range list {
		if list[i] != i+1 {
			t.Errorf("%s: out of order: %v", what, list)
			return
		}
	}
}
