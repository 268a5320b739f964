package event_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/event"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
	"maestro/internal/view"
	"maestro/param"
	"maestro/spec"
)

// plant is everything that makes runs and events of them.
type plant struct {
	t       testing.TB
	store   *sqlite.Store
	catalog *catalog.Catalog
	engine  *engine.Engine
	source  *event.Source
}

func newPlant(t testing.TB) *plant {
	t.Helper()
	st, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "m.db"), sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	p := &plant{t: t, store: st}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	now := func() int64 { return time.Now().UnixMilli() }
	exprs := scope.New(scope.Config{})
	defaults, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	p.catalog, err = catalog.New(catalog.Config{
		Store: st, Runs: st, Params: exprs, Defaults: defaults, Cluster: "test", Now: now, Exclusive: true, Rules: spec.Rules{Types: spec.BuiltinTypes()},
		Keep: func(ctx context.Context, r *store.Run, e []store.Entry) ([]store.Entry, error) {
			return p.source.Keep(p.engine, log)(ctx, r, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	lang := language.New(language.Config{Exprs: exprs, Defaults: defaults})
	p.engine = engine.New(engine.Config{}, st, catalog.ForEngine{Catalog: p.catalog}, lang, map[spec.StepType]step.Runtime{}, log)
	if err := p.engine.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	p.source = event.NewSource(event.Config{Journal: st, Runs: p.engine, Cluster: "test"})
	t.Cleanup(func() {
		if err := p.engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
		p.catalog.Stop()
		st.Close()
	})
	return p
}

// push makes a workflow of n NoOps, of which one runs after the other.
func (p *plant) push(id string, n int) {
	p.t.Helper()
	var steps []string
	for i := range n {
		next := ""
		if i+1 < n {
			next = fmt.Sprintf(`,"transition":{"successors":{"s%d":"true"}}`, i+1)
		}
		steps = append(steps, fmt.Sprintf(`{"step":{"id":"s%d","type":"NoOp"%s}}`, i, next))
	}
	node, err := doc.ParseJSON([]byte(fmt.Sprintf(`{"properties":{"owner":"o","run_strategy":"parallel"},"workflow":{"id":%q,"steps":[%s]}}`, id, strings.Join(steps, ","))), doc.Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := p.catalog.Decode(node)
	if err == nil {
		_, err = p.catalog.Push(context.Background(), req, "o")
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) start(id string, n int) {
	p.t.Helper()
	for range n {
		_, err := p.engine.Start(context.Background(), engine.StartRequest{
			WorkflowID: id, Version: "latest", Initiator: engine.Initiator{Type: "MANUAL", User: "o", JSON: []byte(`{"type":"MANUAL","user":"o"}`)},
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
}

// read returns all events from the beginning on, a few at a time, and calls pause in between.
func (p *plant) read(n int, pause func()) (list []string) {
	var at view.Cursor
	for {
		r := p.source.Reader(at, nil)
		for range 3 { // with the same reader, and then with one that knows nothing
			events, more, err := r.Read(context.Background(), n, time.Now().Add(time.Minute))
			if err != nil {
				p.t.Errorf("read after %s: %v", r.At(), err)
				return list
			}
			for _, e := range events {
				list = append(list, e.Cursor.String()+" "+e.Workflow+" "+string(e.Data))
			}
			at = r.At()
			if !more {
				return list
			}
			pause()
		}
	}
}

// TestDeletion reads what was published about a workflow while it is deleted, and afterwards.
func TestDeletion(t *testing.T) {
	t.Parallel()
	p := newPlant(t)
	p.push("w", 3)
	p.push("other", 1)
	for range 30 {
		p.start("w", 1)
		p.start("other", 1)
	}
	const eachW, eachOther = 2 + 3*3, 2 + 3
	wait(t, "all events", func() bool { return len(p.read(1000, func() {})) == 2+30*(eachW+eachOther) })
	want := p.read(1000, func() {})

	var readers sync.WaitGroup
	deleted := make(chan struct{})
	for _, n := range []int{1, 7, 50} {
		readers.Go(func() {
			got := p.read(n, func() { time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond) })
			same(t, fmt.Sprint("while it was deleted, by ", n), got[:min(len(got), len(want))], want)
		})
	}
	time.Sleep(5 * time.Millisecond)
	go func() {
		defer close(deleted)
		if _, err := p.catalog.Delete(context.Background(), "w", "o"); err != nil {
			t.Error(err)
		}
	}()
	readers.Wait()
	<-deleted
	got := p.read(13, func() {})
	same(t, "afterwards", got[:min(len(got), len(want))], want)
	if last := got[len(got)-1]; len(got) != len(want)+1 || !strings.Contains(last, "WORKFLOW_DELETION_CHANGE_EVENT") {
		t.Errorf("%d events, the last is %s", len(got), last)
	}
	runs, err := p.store.List(t.Context(), store.RunQuery{Workflow: 10_000})
	if err != nil || len(runs) != 0 {
		t.Errorf("%d runs are left, %v", len(runs), err)
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("%s: event %d of %d differs\ngot  %s\nwant %s", what, i, len(got), append(got, "none")[min(i, len(got))], want[i])
			return
		}
	}
}

// BenchmarkCommits starts runs while nobody, and while a sink, follows the journal.
func BenchmarkCommits(b *testing.B) {
	for _, followed := range []bool{false, true} {
		b.Run(map[bool]string{false: "alone", true: "followed"}[followed], func(b *testing.B) {
			p := newPlant(b)
			p.push("w", 3)
			var d *event.Delivery
			if followed {
				var err error
				d, err = event.NewDelivery(event.DeliveryConfig{
					Source: p.source, Sink: swallow{}, Records: p.store, Watcher: p.engine, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
				})
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				ended := make(chan struct{})
				go func() { defer close(ended); d.Run(ctx) }()
				defer func() { cancel(); <-ended }()
			}
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p.start("w", 1)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
			if d != nil {
				b.ReportMetric(float64(d.Status().Delivered)/b.Elapsed().Seconds(), "events/s")
			}
		})
	}
}

type swallow struct{}

func (swallow) Name() string                                  { return "swallow" }
func (swallow) Send(context.Context, *event.Event, int) error { return nil }

// hooked is a journal during whose reading something happens.
type hooked struct {
	event.Journal
	then func(run store.RunID) // after a page was read
}

func (h *hooked) After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	list, err := h.Journal.After(ctx, pos, run, n)
	h.then(run)
	return list, err
}

// TestDeletedInBetween deletes the workflow between the reading of entries and that of the runs they are about, and
// between that and the reading of what was before.
func TestDeletedInBetween(t *testing.T) {
	t.Parallel()
	for what, when := range map[string]func(run store.RunID) bool{
		"entries": func(run store.RunID) bool { return run == 0 }, "run": func(run store.RunID) bool { return run != 0 },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := newPlant(t)
			p.push("w", 3)
			p.start("w", 3)
			wait(t, "all events", func() bool { return len(p.read(1000, func() {})) == 1+3*11 })
			want := p.read(1000, func() {})
			// From within the first run, so that what was before has to be read.
			entries, err := p.store.After(t.Context(), 0, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			at := view.Cursor{Pos: entries[1].Pos, Index: view.WholeEntry}
			want = want[countUpTo(want, entries[1].Pos):]

			var once sync.Once
			s := event.NewSource(event.Config{Runs: p.engine, Cluster: "test", Journal: &hooked{p.store, func(run store.RunID) {
				if when(run) {
					once.Do(func() {
						if _, err := p.catalog.Delete(context.Background(), "w", "o"); err != nil {
							t.Error(err)
						}
						p.catalog.Stop() // waits
					})
				}
			}}})
			events, _, err := s.Reader(at, nil).Read(t.Context(), 1000, time.Now().Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range events {
				got = append(got, e.Cursor.String()+" "+e.Workflow+" "+string(e.Data))
			}
			same(t, "what is left", got, want)
		})
	}
}

func countUpTo(list []string, pos int64) (n int) {
	for _, text := range list {
		c, err := view.ParseCursor(strings.Fields(text)[0])
		if err == nil && c.Pos <= pos {
			n++
		}
	}
	return n
}
