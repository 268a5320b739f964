package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store/faulty"
)

// In a bubble no goroutine may be left when the test ends, so that every test that uses one checks for leaks. These are
// about Open and Close themselves.

// TestClose_Cycles opens and closes 200 engines on one disk, with work under way.
func TestClose_Cycles(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", parallel, shell)
		l.push("seq", `{"owner":"tester","run_strategy":"sequential"}`, `{"step":{"id":"a","type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":1}}}}`)
		for n := range 200 {
			e, _ := l.open(engine.Config{}, nil)
			if n%10 == 0 {
				l.start(e, "wf")
				l.start(e, "seq")
			}
			l.close(e)
			time.Sleep(time.Duration(n) * time.Millisecond)
		}
		l.work.onStart = nil
		e, _ := l.open(engine.Config{}, nil)
		time.Sleep(soonest)
		runs := l.judge()
		if len(runs) != 40 {
			t.Errorf("%d runs, want 40", len(runs))
		}
		for _, r := range runs {
			if r.Status != instance.RunSucceeded {
				t.Errorf("run is %s", describeRun(r))
			}
		}
		l.close(e)
	})
}

// TestClose_Twice closes an engine twice, at the same time and one after the other, and one that was never opened.
func TestClose_Twice(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel, shell)
		e, _ := l.open(engine.Config{}, nil)
		l.start(e, "wf")
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { l.close(e) })
		}
		wg.Wait()
		l.close(e)
		if _, err := tryStart(e, "wf", ""); !errors.Is(err, api.Unavailable) {
			t.Errorf("start after close: %v", err)
		}
		if _, err := e.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: 1, Action: instance.Stop}); err == nil {
			t.Error("an action on a run that has ended, after close: no error")
		}
		lang, err := enginetest.Language()
		if err != nil {
			t.Fatal(err)
		}
		l.close(engine.New(engine.Config{}, l.disk, l.book, lang, nil, quiet()))
	})
}

// TestClose_WhileStarting closes an engine while starts are under way: each is answered, and what was accepted is there.
func TestClose_WhileStarting(t *testing.T) {
	for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			inLab(t, func(t *testing.T, l *lab) {
				l.push("wf", parallel, shell)
				l.push("seq", `{"owner":"tester","run_strategy":"sequential"}`, shell)
				e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
					return faulty.Fault{Delay: 5 * time.Millisecond}
				})
				var wg sync.WaitGroup
				var mu sync.Mutex
				var acked []engine.Started
				for n := range 200 {
					wg.Go(func() {
						time.Sleep(time.Duration(n%40) * time.Millisecond)
						s, err := tryStart(e, []string{"wf", "seq"}[n%2], "")
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							acked = append(acked, s)
						} else if !errors.Is(err, api.Unavailable) {
							t.Errorf("start: %v", err)
						}
					})
				}
				time.Sleep(after)
				l.close(e)
				wg.Wait()
				e, _ = l.open(engine.Config{Node: "next"}, nil)
				time.Sleep(soonest)
				for _, s := range acked {
					l.want(s, instance.RunSucceeded)
				}
				l.judge()
				l.close(e)
			})
		})
	}
}

// TestClose_WhileLoading closes an engine whose store cannot be read: who waits for a run to be loaded is answered.
func TestClose_WhileLoading(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.work.onStart = hold
		l.push("wf", parallel, shell)
		e, s := l.open(engine.Config{}, nil)
		id := l.row(l.start(e, "wf")).ID
		time.Sleep(time.Minute) // it leaves memory
		s.Die()
		answered := make(chan error, 1)
		go func() {
			_, err := e.Ask(id, instance.ActOnRun{At: time.Now().UnixMilli(), Action: instance.Stop})
			answered <- err
		}()
		time.Sleep(time.Minute)
		if len(answered) > 0 {
			t.Errorf("answered before the store is back: %v", <-answered)
		}
		_ = e.Close(t.Context())
		if err := <-answered; !errors.Is(err, api.Unavailable) {
			t.Errorf("answered %v", err)
		}
	})
}

// TestClose_StuckStore has the disk hang: Close gives up when its context ends, and the rest ends when the disk is back.
func TestClose_StuckStore(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel, shell)
		e, _ := l.open(engine.Config{}, func(w faulty.Write) faulty.Fault {
			if w.Method == "Commit" {
				return faulty.Fault{Delay: time.Hour}
			}
			return faulty.Fault{}
		})
		go func() { _, _ = tryStart(e, "wf", "") }()
		idle()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		if err := e.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("close took %s", took)
		}
		time.Sleep(2 * time.Hour)
	})
}

// TestClose_Runtimes closes an engine while runtimes report from goroutines of their own.
func TestClose_Runtimes(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var reports atomic.Int64
		l.work.onStart = func(_ *step.Attempt, r step.Reporter) {
			go func() {
				for range 50 {
					time.Sleep(time.Millisecond)
					r.Report(step.Report{State: step.Continue})
					reports.Add(1)
				}
				r.Report(step.Report{State: step.Done})
			}()
		}
		l.push("wf", parallel, shell)
		e, _ := l.open(engine.Config{}, nil)
		for range 20 {
			l.start(e, "wf")
		}
		time.Sleep(20 * time.Millisecond)
		l.close(e)
		time.Sleep(time.Second)
		if reports.Load() != 20*50 {
			t.Errorf("%d reports: a runtime was blocked", reports.Load())
		}
	})
}

// TestClose_RealTime opens and closes engines on SQLite outside of a bubble, with starts under way, and counts
// goroutines.
func TestClose_RealTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	b := &book{byID: map[string]*engine.Definition{}}
	b.push(t, "wf", "", chain, chain2)
	before := runtime.NumGoroutine()
	for range 10 {
		s := openStore(t, path)
		f := newFixture(t, s, b, &work{}, engine.Config{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					if _, err := f.Start(context.Background(), engine.StartRequest{WorkflowID: "wf", Version: "latest", Initiator: manual()}); err != nil && !errors.Is(err, api.Unavailable) {
						t.Error(err)
					}
				}
			})
		}
		f.close(t)
		wg.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	for wait := time.Millisecond; runtime.NumGoroutine() > before; wait *= 2 {
		if wait > 5*time.Second {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, ours(string(buf[:runtime.Stack(buf, true)])))
		}
		time.Sleep(wait)
	}
}

// ours keeps the stacks that are about this program.
func ours(stacks string) string {
	var b strings.Builder
	for _, s := range strings.Split(stacks, "\n\n") {
		if strings.Contains(s, "maestro/internal") {
			fmt.Fprintf(&b, "%s\n\n", s)
		}
	}
	return b.String()
}
