package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
)

// TestGroupCloses takes the leases of an engine away while it has runs of every kind: one at work, one that sleeps, one that
// waits for a signal, one for permits, one that is queued. It forgets all of them, writes nothing about them any more, and
// says so to whoever asks; the engine that has the leases then finishes them.
func TestGroupCloses(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = func(_ *step.Attempt, r step.Reporter) { r.Report(step.Report{State: step.Continue}) }
		l.push("works", `{"owner":"u","run_strategy":"sequential","step_concurrency":1}`, `{"step":{"id":"a","type":"Shell"}}`, `{"step":{"id":"b","type":"Shell"}}`)
		l.push("sleeps", parallel, `{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":60}}}}`)
		l.push("waits", parallel, `{"step":{"id":"a","type":"NoOp","signal_dependencies":[{"name":"s"}]}}`)
		cfg := engine.Config{Groups: 4, LeaseFor: 30 * time.Second, SweepEvery: time.Hour}
		e, _ := l.open(cfg, nil)
		var runs []engine.Started
		for _, id := range []string{"works", "works", "sleeps", "waits"} {
			runs = append(runs, l.start(e, id))
		}
		time.Sleep(2 * time.Second) // what waits for time or signals leaves memory
		if n := e.Remembers(); n < 6 {
			t.Fatalf("the engine remembers %d things of its runs", n)
		}
		written := func() int {
			all, err := l.disk.After(context.Background(), 0, 0, 1000)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		entries := written()

		// Another node takes over, as it may once the leases are not renewed in time.
		if _, err := l.disk.Claim(context.Background(), "other", 4, time.Now().Add(time.Hour).UnixMilli(), time.Hour.Milliseconds()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(cfg.LeaseFor)
		if held, n := e.Held(), e.Remembers(); held != 0 || n != 0 || e.InMemory() != 0 {
			t.Errorf("%d groups are open, %d things of them are remembered, %d runs are in memory", held, n, e.InMemory())
		}
		if _, err := tryStart(e, "works", ""); !errors.Is(err, store.ErrStale) {
			t.Errorf("a start: %v", err)
		}
		if _, err := e.ActOnRun(context.Background(), engine.RunAction{WorkflowID: "sleeps", Instance: 1, Action: instance.Stop, User: "u"}); !errors.Is(err, store.ErrStale) {
			t.Errorf("a stop: %v", err)
		}
		time.Sleep(2 * time.Minute)
		if n := written(); n != entries {
			t.Errorf("%d entries were written without a lease", n-entries)
		}
		l.close(e)

		if err := l.disk.Release(context.Background(), "other"); err != nil {
			t.Fatal(err)
		}
		l.work.onStart = nil
		e, _ = l.open(cfg, nil)
		time.Sleep(time.Minute)
		l.want(runs[0], instance.RunSucceeded)
		l.want(runs[1], instance.RunSucceeded)
		l.want(runs[2], instance.RunSucceeded)
		l.want(runs[3], instance.InProgress)
		l.close(e)
	})
}
