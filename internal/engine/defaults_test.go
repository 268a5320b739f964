package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/scope"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
	"maestro/internal/view"
	"maestro/param"
	"maestro/spec"
)

// writtenDefaults are the operator's default params before a change.
const writtenDefaults = `{
	"workflow":{"flag":{"type":"BOOLEAN","value":true},"region":{"type":"STRING","value":"eu"},"zone":{"type":"STRING","expression":"region + '-1'"},"limits":{"type":"MAP","value":{"cpu":{"type":"LONG","value":1}}}},
	"step":{"size":{"type":"LONG","value":7},"where":{"type":"STRING","value":"${zone}"},"twice":{"type":"LONG","expression":"size * 2"}},
	"by-type":{"shell":{"queue":{"type":"STRING","value":"slow"}}}}`

// TestDefaultsChange changes the default params in every way while there are runs. What clients see of these stays, byte
// by byte; those that live go on to their end with what they were started with; new ones have the new defaults.
func TestDefaultsChange(t *testing.T) {
	t.Parallel()
	edit := func(edits ...string) string {
		text := strings.NewReplacer(edits...).Replace(writtenDefaults)
		if text == writtenDefaults {
			t.Fatalf("%q changes nothing", edits)
		}
		return text
	}
	changes := map[string]string{
		"no change":            writtenDefaults,
		"workflow: add":        edit(`"workflow":{`, `"workflow":{"more":{"type":"STRING","value":"m"},`),
		"workflow: add behind": edit(`"value":1}}}}`, `"value":1}}},"more":{"type":"STRING","expression":"zone"}}`),
		"workflow: remove":     edit(`"flag":{"type":"BOOLEAN","value":true},`, ``),
		"workflow: reorder":    edit(`"flag":{"type":"BOOLEAN","value":true},"region":{"type":"STRING","value":"eu"}`, `"region":{"type":"STRING","value":"eu"},"flag":{"type":"BOOLEAN","value":true}`),
		"workflow: rename":     edit(`"flag"`, `"flog"`),
		"workflow: value":      edit(`"eu"`, `"us"`),
		"workflow: type":       edit(`"flag":{"type":"BOOLEAN","value":true}`, `"flag":{"type":"STRING","value":"true"}`),
		"workflow: mode":       edit(`"value":"eu"`, `"value":"eu","mode":"CONSTANT"`),
		"workflow: expression": edit(`region + '-1'`, `region + '-2'`),
		"workflow: map":        edit(`"cpu":{"type":"LONG","value":1}`, `"cpu":{"type":"LONG","value":2},"gpu":{"type":"LONG","value":0}`),
		"workflow: builtin":    edit(`"workflow":{`, `"workflow":{"RUN_TS":{"type":"LONG","value":5},`),
		"step: add":            edit(`"step":{`, `"step":{"more":{"type":"LONG","value":1},`),
		"step: remove":         edit(`,"twice":{"type":"LONG","expression":"size * 2"}`, ``),
		"step: reorder":        edit(`"size":{"type":"LONG","value":7},"where":{"type":"STRING","value":"${zone}"}`, `"where":{"type":"STRING","value":"${zone}"},"size":{"type":"LONG","value":7}`),
		"step: value":          edit(`"value":7`, `"value":8`),
		"step: type":           edit(`"size":{"type":"LONG","value":7}`, `"size":{"type":"DOUBLE","value":7.5}`, `"size * 2"`, `"14"`),
		"step: mode":           edit(`"value":7`, `"value":7,"mode":"IMMUTABLE"`),
		"step: expression":     edit(`size * 2`, `size * 3`),
		"by type: value":       edit(`slow`, `fast`),
		"by type: another":     edit(`"by-type":{`, `"by-type":{"noop":{"queue":{"type":"STRING","value":"none"}},`),
		"by type: remove":      edit(`"shell":{"queue":{"type":"STRING","value":"slow"}}`, ``),
		"all gone":             `{}`,
	}
	for name, after := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testDefaultsChange(t, after)
		})
	}
}

func testDefaultsChange(t *testing.T, after string) {
	path := filepath.Join(t.TempDir(), "maestro.db")
	held := new(reporters)
	begun := make(chan struct{}, 100)
	hold := &work{onStart: func(a *step.Attempt, r step.Reporter) {
		held.add(a, r)
		r.Report(step.Report{State: step.Continue})
		begun <- struct{}{}
	}}
	const (
		job  = `{"step":{"id":"job","type":"Shell","transition":{"successors":{"last":"size == 7 && twice == 14"}}}}`
		last = `{"step":{"id":"last","type":"Shell","params":{"sum":{"type":"STRING","expression":"zone + first__where + where + twice"}}}}`
		head = `{"step":{"id":"first","type":"NoOp","transition":{"successors":{"job":"true"}}}}`
	)
	book := func() *book {
		b := &book{byID: make(map[string]*engine.Definition)}
		b.push(t, "live", "", head, job, last)
		b.push(t, "done", "", `{"step":{"id":"only","type":"NoOp","params":{"x":{"type":"LONG","expression":"twice"}}}}`)
		return b
	}
	f := fixtureWith(t, path, book(), hold, writtenDefaults)
	live, given := f.start(t, "live"), f.startWith(t, "live", `{"region":{"type":"STRING","value":"asia"},"own":{"type":"LONG","expression":"1+1"}}`)
	done := []engine.Started{f.start(t, "done"), f.startWith(t, "done", `{"zone":{"type":"STRING","value":"z"}}`)}
	for _, s := range done {
		f.await(t, s)
	}
	again, err := f.Restart(t.Context(), engine.RestartRequest{WorkflowID: "done", Instance: 2, User: "u", Policy: "RESTART_FROM_BEGINNING"})
	if err != nil {
		t.Fatal(err)
	}
	f.await(t, again)
	<-begun
	<-begun
	all := append([]engine.Started{live, given, again}, done...)
	awaitRunning(t, f, live, given)
	want := f.shown(t, all)
	f.close(t)
	f.store.Close()

	next := new(work)
	next.onStart = func(*step.Attempt, step.Reporter) {} // the jobs of before, found again
	g := fixtureWith(t, path, book(), next, after)
	<-g.Recovered()
	got := g.shown(t, all)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if got[k] != want[k] {
			t.Errorf("%s changed\nfrom %s\nto   %s", k, want[k], got[k])
		}
	}
	g.close(t)
	g.store.Close()

	h := fixtureWith(t, path, book(), new(work), after)
	for _, c := range []struct {
		run  engine.Started
		text string
	}{{live, "eu-1eu-1eu-114"}, {given, "asia-1asia-1asia-114"}} {
		r, text := h.await(t, c.run), c.text
		if r.Status != instance.RunSucceeded {
			t.Fatalf("run %s is %s: %v", r.Identity(), r.Status, r.Lines)
		}
		i, _ := r.Plan.Ordinal("last")
		if sum := r.StepParams(i).Lookup("sum").Result.Str(); sum != text {
			t.Errorf("a step evaluated after the change has %s, want %s", sum, text)
		}
		if q := r.StepParams(i).Lookup("queue"); q == nil || q.Result.Str() != "slow" {
			t.Errorf("a step evaluated after the change has the queue %v", q)
		}
	}
	fresh := h.await(t, h.startWith(t, "done", ``))
	defs, err := testDefaults(after)
	if err != nil {
		t.Fatal(err)
	}
	for name := range defs.Workflow.All() {
		if fresh.Params.Lookup(name) == nil && name != "job_template_version" {
			t.Errorf("a new run lacks the new default %s", name)
		}
	}
	h.close(t)
	h.store.Close()
}

func awaitRunning(t *testing.T, f *fixture, runs ...engine.Started) {
	t.Helper()
	grown, stop := f.Watch(0)
	defer stop()
	for _, s := range runs {
		for {
			r, err := f.Load(context.Background(), s.WorkflowID, s.Instance, s.Run)
			if err != nil {
				t.Fatal(err)
			}
			if i, _ := r.Plan.Ordinal("job"); r.Steps[i].Status == instance.Running {
				break
			}
			<-grown
		}
	}
}

// testDefaults reads default params in the form of the setting default_params.
func testDefaults(text string) (*param.Defaults, error) {
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		return nil, err
	}
	over := param.DefaultOverrides{Workflow: n.Field("workflow"), Step: n.Field("step"), ByType: map[string]*doc.Node{}}
	if types := n.Field("by-type"); types != nil {
		for _, m := range types.Members {
			over.ByType[m.Name] = m.Value
		}
	}
	return param.LoadDefaults(over)
}

// fixtureWith is an engine on a store file, with default params.
func fixtureWith(t *testing.T, path string, b *book, w *work, defaults string) *fixture {
	t.Helper()
	d, err := testDefaults(defaults)
	if err != nil {
		t.Fatal(err)
	}
	lang := language.New(language.Config{Exprs: scope.New(scope.Config{}), Defaults: d})
	s := openStore(t, path)
	e := engine.New(engine.Config{}, s, b, lang, map[spec.StepType]step.Runtime{spec.TypeShell: w}, quiet())
	if err := e.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &fixture{Engine: e, book: b, work: w, store: s}
}

// startWith starts a run with run params.
func (f *fixture) startWith(t *testing.T, id, runParams string) engine.Started {
	t.Helper()
	q := engine.StartRequest{WorkflowID: id, Version: "latest", Initiator: manual()}
	if runParams != "" {
		q.RunParams = new(param.Defs)
		if err := q.RunParams.UnmarshalJSON([]byte(runParams)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := f.Start(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shown returns all that clients can see of runs.
func (f *fixture) shown(t *testing.T, runs []engine.Started) map[string]string {
	t.Helper()
	out := make(map[string]string)
	for _, s := range runs {
		r, err := f.Load(t.Context(), s.WorkflowID, s.Instance, s.Run)
		if err != nil {
			t.Fatal(err)
		}
		out[r.Identity()] = string(view.AppendInstance(nil, view.Instance{Run: r, Enriched: true, Aggregate: view.AllRuns}))
		for i := range r.Steps {
			for n := range r.Steps[i].Number {
				out[fmt.Sprintf("%s[%d][%d]", r.Identity(), i, n+1)] = string(view.AppendStep(nil, view.Step{Run: r, Ordinal: i, Attempt: n + 1, Enriched: true}))
			}
		}
	}
	return out
}

// TestDefaultsAreKeptOnce: each set is stored once, before there is a run that has it.
func TestDefaultsAreKeptOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "maestro.db")
	for _, text := range []string{writtenDefaults, `{}`, writtenDefaults, `{}`} {
		b := &book{byID: make(map[string]*engine.Definition)}
		b.push(t, "done", "", `{"step":{"id":"only","type":"NoOp"}}`)
		f := fixtureWith(t, path, b, new(work), text)
		for range 3 {
			f.await(t, f.start(t, "done"))
		}
		f.close(t)
		f.store.Close()
	}
	s := openStore(t, path)
	defer s.Close()
	sets, err := s.Scan(t.Context(), "default-params", "", "", 100)
	if err != nil || len(sets) != 2 {
		t.Fatalf("%d sets are stored, want 2: %v", len(sets), err)
	}
}

// TestDefaultsAreLost: a run whose default params are not in the store is left alone, and says so to whoever looks. Once
// they are back it goes on.
func TestDefaultsAreLost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "maestro.db")
	catalog := func() *book {
		b := &book{byID: make(map[string]*engine.Definition)}
		b.push(t, "wf", "", `{"step":{"id":"job","type":"Shell"}}`)
		return b
	}
	f := fixtureWith(t, path, catalog(), &work{onStart: hold}, writtenDefaults)
	run := f.start(t, "wf")
	f.close(t)
	sets, err := f.store.Scan(t.Context(), "default-params", "", "", 100)
	if err != nil || len(sets) != 1 {
		t.Fatal(err, len(sets))
	}
	lose := sets[0]
	lose.Value = nil
	put(t, f.store, lose)
	f.store.Close()

	f = fixtureWith(t, path, catalog(), new(work), `{}`)
	<-f.Recovered()
	_, err = f.Load(t.Context(), "wf", 1, 1)
	if !errors.Is(err, instance.ErrNewer) || !strings.Contains(err.Error(), "[wf][1][1]") || !strings.Contains(err.Error(), "are not in the store") {
		t.Errorf("got %v", err)
	}
	internal, _ := f.book.Internal(t.Context(), "wf")
	row, err := f.store.Find(t.Context(), internal, 1, 1)
	if err != nil || instance.RunStatus(row.Status) != instance.InProgress {
		t.Fatalf("the run is not left alone: %v, %v", row, err)
	}
	r, err := f.LoadDamaged(t.Context(), row.ID)
	if err != nil || !strings.Contains(fmt.Sprint(r.Lines), "are not in the store") {
		t.Errorf("nobody can read why: %v", err)
	}
	if _, err := f.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "wf", Instance: 1, Action: instance.Stop, User: "u"}); !errors.Is(err, instance.ErrNewer) {
		t.Errorf("stopping it says %v", err)
	}
	f.close(t)
	put(t, f.store, sets[0])
	f.store.Close()

	f = fixtureWith(t, path, catalog(), new(work), `{}`)
	if r := f.await(t, run); r.Status != instance.RunSucceeded {
		t.Errorf("the run is %s", r.Status)
	}
	f.close(t)
	f.store.Close()
}

func put(t *testing.T, s *sqlite.Store, r ...store.Record) {
	t.Helper()
	if err := s.PutRecords(t.Context(), r...); err != nil {
		t.Fatal(err)
	}
}
