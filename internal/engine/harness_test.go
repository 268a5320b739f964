package engine_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
	"maestro/param"
	"maestro/spec"
)

// book is a catalog of definitions that tests write down.
type book struct {
	mu   sync.Mutex
	byID map[string]*engine.Definition
}

func (b *book) Resolve(_ context.Context, id, _ string) (*engine.Definition, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.byID[id]; d != nil {
		return d, nil
	}
	return nil, api.Errorf(api.NotFound, "workflow [%s]", id)
}

func (b *book) Version(ctx context.Context, internal, _ int64) (*engine.Definition, error) {
	return b.Current(ctx, internal)
}

func (b *book) Current(_ context.Context, internal int64) (*engine.Definition, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.byID {
		if d.Internal == internal {
			return d, nil
		}
	}
	return nil, store.ErrNotFound
}

func (b *book) Template(context.Context, *spec.Step, string) (*instance.Template, error) {
	return &instance.Template{}, nil
}

func (b *book) Internal(ctx context.Context, id string) (int64, error) {
	d, err := b.Resolve(ctx, id, "")
	if err != nil {
		return 0, err
	}
	return d.Internal, nil
}

// push writes down a workflow of the steps, each as JSON.
func (b *book) push(t testing.TB, id, properties string, steps ...string) {
	t.Helper()
	if properties == "" {
		properties = `{"owner":"tester","run_strategy":"parallel"}`
	}
	text := fmt.Sprintf(`{"properties":%s,"workflow":{"id":%q,"steps":[%s]}}`, properties, id, strings.Join(steps, ","))
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var problems doc.Problems
	req := spec.DecodePushRequest(n, spec.Rules{}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	dag, err := spec.BuildDAG(req.Workflow.Steps, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byID[id] = &engine.Definition{
		WorkflowID: id, Internal: int64(10_000 + len(b.byID)), Version: 1, Active: true, Workflow: req.Workflow,
		Plan: instance.NewPlan(req.Workflow, dag), Properties: req.Properties, Snapshot: []byte(properties),
	}
}

// work is a runtime whose steps end as the test says.
type work struct {
	mu      sync.Mutex
	started map[string]int // by attempt uuid
	onStart func(a *step.Attempt, r step.Reporter)
	onStop  func(a *step.Attempt, r step.Reporter)
}

func (w *work) Start(_ context.Context, a *step.Attempt, r step.Reporter) {
	w.mu.Lock()
	if w.started == nil {
		w.started = make(map[string]int)
	}
	w.started[a.UUID]++
	do := w.onStart
	w.mu.Unlock()
	if do == nil {
		r.Report(step.Report{State: step.Done})
		return
	}
	do(a, r)
}

func (w *work) Stop(_ context.Context, a *step.Attempt, r step.Reporter) {
	if w.onStop != nil {
		w.onStop(a, r)
		return
	}
	r.Report(step.Report{State: step.Stopped})
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func newLanguage(t testing.TB) *language.Language {
	t.Helper()
	defaults, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	return language.New(language.Config{Exprs: scope.New(scope.Config{}), Defaults: defaults})
}

func openStore(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fixture is an engine over a real store.
type fixture struct {
	*engine.Engine
	book  *book
	work  *work
	store *sqlite.Store
}

func newFixture(t testing.TB, s *sqlite.Store, b *book, w *work, cfg engine.Config) *fixture {
	t.Helper()
	e := engine.New(cfg, s, b, newLanguage(t), map[spec.StepType]step.Runtime{spec.TypeShell: w}, quiet())
	if err := e.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &fixture{Engine: e, book: b, work: w, store: s}
}

func (f *fixture) close(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		t.Error(err)
	}
}

func manual() engine.Initiator {
	return engine.Initiator{Type: "MANUAL", User: "tester", JSON: []byte(`{"type":"MANUAL","user":"tester"}`)}
}

func (f *fixture) start(t testing.TB, id string) engine.Started {
	t.Helper()
	s, err := f.Start(context.Background(), engine.StartRequest{WorkflowID: id, Version: "latest", Initiator: manual()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// await returns the run once it has ended.
func (f *fixture) await(t testing.TB, s engine.Started) *instance.Run {
	t.Helper()
	grown, stop := f.Watch(0)
	defer stop()
	late := time.After(20 * time.Second)
	for {
		r, err := f.Load(context.Background(), s.WorkflowID, s.Instance, s.Run)
		if err != nil {
			t.Fatal(err)
		}
		if r.Own.Terminal() {
			return r
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("run %s did not end: %s", r.Identity(), r.Status)
		}
	}
}
