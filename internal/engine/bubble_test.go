package engine_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/checker"
	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
	"maestro/spec"
)

// lab is a disk and engines on it, one after the other or at the same time, in a synctest bubble.
type lab struct {
	t    *testing.T
	disk *enginetest.Memory
	book *enginetest.Book
	work *work
}

// inLab runs a test in a bubble.
func inLab(t *testing.T, test func(t *testing.T, l *lab)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		test(t, &lab{t: t, disk: enginetest.NewMemory(), book: &enginetest.Book{}, work: &work{}})
	})
}

// parallel are properties of workflows whose runs do not wait for each other.
const parallel = `{"owner":"tester","run_strategy":"parallel"}`

func (l *lab) push(id, properties string, steps ...string) {
	l.t.Helper()
	if err := l.book.Push(id, properties, "", steps...); err != nil {
		l.t.Fatal(err)
	}
}

// open starts an engine. plan, if not nil, says what happens to its writes.
func (l *lab) open(cfg engine.Config, plan func(faulty.Write) faulty.Fault) (*engine.Engine, *faulty.Store) {
	l.t.Helper()
	s := faulty.New(l.disk, plan)
	return l.openOn(cfg, s, l.book), s
}

// openOn starts an engine on a store.
func (l *lab) openOn(cfg engine.Config, s engine.Store, b engine.Catalog) *engine.Engine {
	l.t.Helper()
	lang, err := enginetest.Language()
	if err != nil {
		l.t.Fatal(err)
	}
	if cfg.Groups == 0 {
		cfg.Groups = 2
	}
	e := engine.New(cfg, s, b, lang, map[spec.StepType]step.Runtime{spec.TypeShell: l.work}, slog.New(slog.DiscardHandler))
	if err := e.Open(context.Background()); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = e.Close(context.Background()) }) // also when the test gives up
	return e
}

// crash has the process of an engine die.
func (l *lab) crash(e *engine.Engine, s *faulty.Store) {
	s.Die()
	_ = e.Close(context.Background()) // nothing reaches the disk any more; the goroutines end
}

func (l *lab) close(e *engine.Engine) {
	l.t.Helper()
	if err := e.Close(context.Background()); err != nil {
		l.t.Error(err)
	}
}

func (l *lab) start(e *engine.Engine, id string) engine.Started {
	l.t.Helper()
	s, err := tryStart(e, id, "")
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func tryStart(e *engine.Engine, id, request string) (engine.Started, error) {
	return e.Start(context.Background(), engine.StartRequest{WorkflowID: id, Version: "latest", Initiator: manual(), RequestID: request})
}

// row returns the row of a run.
func (l *lab) row(s engine.Started) *store.Run {
	l.t.Helper()
	internal, err := l.book.Internal(context.Background(), s.WorkflowID)
	if err != nil {
		l.t.Fatal(err)
	}
	row, err := l.disk.Find(context.Background(), internal, s.Instance, s.Run)
	if err != nil {
		l.t.Fatal(err)
	}
	return row
}

// want compares the status of a run, which the store has.
func (l *lab) want(s engine.Started, want instance.RunStatus) {
	l.t.Helper()
	if got := instance.RunStatus(l.row(s).Status); got != want {
		l.t.Errorf("run [%s][%d][%d] is %s, want %s", s.WorkflowID, s.Instance, s.Run, got, want)
	}
}

// judge checks the journals of all runs and returns what became of them, in order of their ids.
func (l *lab) judge() []*checker.Run {
	l.t.Helper()
	var runs []*checker.Run
	for _, id := range l.disk.All() {
		row, entries, err := l.disk.Load(context.Background(), id)
		if err != nil {
			l.t.Fatal(err)
		}
		runs = append(runs, judged(l.t, row, entries))
	}
	return runs
}

// judged checks the journal of a run.
func judged(t *testing.T, row *store.Run, entries []store.Entry) *checker.Run {
	t.Helper()
	run, problems := checker.Journal(row, entries)
	for _, p := range problems {
		t.Errorf("run [%d][%d][%d]: %s", row.Workflow, row.Instance, row.Run, p)
	}
	return run
}

// hold is a runtime's Start that never reports by itself.
func hold(*step.Attempt, step.Reporter) {}

// idle waits until nothing moves that does not wait for time.
func idle() { synctest.Wait() }

// soonest is enough virtual time for everything that is not a timer of a workflow: back-offs, sweeps, leases.
const soonest = 3 * time.Minute

// reporters are those of all attempts that a runtime was told to begin, in order. Its add is an onStart that leaves it
// to the test when an attempt ends.
type reporters struct {
	mu   sync.Mutex
	list []step.Reporter
}

func (r *reporters) add(_ *step.Attempt, rep step.Reporter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, rep)
}

func (r *reporters) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.list)
}

// report reports on attempt i, counted from the last when negative.
func (r *reporters) report(i int, rep step.Report) {
	r.mu.Lock()
	if i < 0 {
		i += len(r.list)
	}
	to := r.list[i]
	r.mu.Unlock()
	to.Report(rep)
}

// begun returns how many attempts a runtime was told to begin.
func (w *work) begun() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.started)
}
