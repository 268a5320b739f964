package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/store"
)

// BenchmarkChain drives runs of five steps with outside effects, 256 at a time: what the engine costs without HTTP.
func BenchmarkChain(b *testing.B) {
	for _, kind := range []string{"NoOp", "Shell"} {
		b.Run(kind, func(b *testing.B) {
			s := openStore(b, filepath.Join(b.TempDir(), "m.db"))
			defer s.Close()
			book := &book{byID: map[string]*engine.Definition{}}
			var steps []string
			for i := range 5 {
				next := ""
				if i < 4 {
					next = fmt.Sprintf(`,"transition":{"successors":{"s%d":"true"}}`, i+1)
				}
				steps = append(steps, fmt.Sprintf(`{"step":{"id":"s%d","type":%q%s}}`, i, kind, next))
			}
			book.push(b, "wf", `{"owner":"tester","run_strategy":{"rule":"PARALLEL","workflow_concurrency":1000}}`, steps...)
			guard, err := inflight.Open(b.Context(), filepath.Join(b.TempDir(), "inflight"), s, 1, quiet())
			if err != nil {
				b.Fatal(err)
			}
			defer guard.Close()
			f := newFixture(b, s, book, &work{}, engine.Config{Guard: guard})
			defer f.close(b)
			var started atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range 256 {
				wg.Go(func() {
					for started.Add(1) <= int64(b.N) {
						_, err := f.Start(context.Background(), engine.StartRequest{WorkflowID: "wf", Version: "latest", Initiator: manual()})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			grown, stop := f.Watch(0)
			defer stop()
			for f.Stats().RunsEnded < int64(b.N) {
				select {
				case <-grown:
				case <-time.After(time.Millisecond): // a run is counted a moment after its journal has grown
				}
			}
			b.ReportMetric(float64(5*b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

// BenchmarkLoad makes a run of its row and its journal of 50,000 entries: from the newest snapshot on, as its actor does, and
// from the first on, as who wants earlier attempts.
func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	s := openStore(b, filepath.Join(b.TempDir(), "m.db"))
	defer s.Close()
	book := &book{byID: map[string]*engine.Definition{}}
	book.push(b, "wf", "", `{"step":{"id":"a","type":"Shell"}}`)
	f := newFixture(b, s, book, &work{onStart: hold}, engine.Config{})
	run := f.start(b, "wf")
	internal, _ := book.Internal(ctx, "wf")
	row, err := s.Find(ctx, internal, run.Instance, run.Run)
	if err != nil {
		b.Fatal(err)
	}
	f.close(b)
	leases, err := s.Claim(ctx, "node", 16, time.Now().UnixMilli(), 1<<40)
	if err != nil {
		b.Fatal(err)
	}
	epoch := leases[slices.IndexFunc(leases, func(l store.Lease) bool { return l.Group == row.Group })].Epoch
	r, err := f.LoadAny(row.ID)
	if err != nil {
		b.Fatal(err)
	}
	for seq := row.Entries; seq < 50_000; {
		var batch []store.Change
		for range 500 {
			seq++
			pass, err := r.Apply(instance.Reported{At: r.Modified + 1, Attempt: 1, Artifacts: map[string][]byte{"progress": fmt.Appendf(nil, `{"at":%d}`, seq)}})
			if err != nil {
				b.Fatal(err)
			}
			ch := store.RunChange{ID: row.ID, Seq: seq, At: r.Modified}
			ch.Entry, ch.Snapshot = r.Append(nil, pass.Records)
			batch = append(batch, store.Change{Group: row.Group, Epoch: epoch, Runs: []store.RunChange{ch}})
		}
		for _, err := range s.Commit(ctx, batch) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("present", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.LoadAny(row.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("history", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := f.LoadID(ctx, row.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}
