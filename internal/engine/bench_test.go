package engine_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/inflight"
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
