package engine_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/spec"
)

// jobs are steps at work, each until the test ends it.
type jobs chan step.Reporter

func (j jobs) work() *work {
	return &work{onStart: func(_ *step.Attempt, r step.Reporter) {
		r.Report(step.Report{State: step.Continue})
		j <- r
	}}
}

func (j jobs) next(t *testing.T) step.Reporter {
	t.Helper()
	select {
	case r := <-j:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("no step began")
		return nil
	}
}

// none wants that no step has begun unseen. Who holds and who waits is known already: nobody can begin without holding.
func (j jobs) none(t *testing.T) {
	t.Helper()
	if len(j) > 0 {
		t.Fatal("a step began")
	}
}

func done(r step.Reporter) { r.Report(step.Report{State: step.Done}) }

const tagged = `{"step":{"id":"a","type":"Shell","tags":["t"],"params":{"command":{"value":"x","type":"STRING"}}}}`

// wantUse compares how many hold and wait for a tag, soon.
func (f *fixture) wantUse(t *testing.T, tag string, used, waiting int64) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		u, w := f.TagUse(tag)
		if u == used && w == waiting {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("tag %s: %d hold, %d wait; want %d and %d", tag, u, w, used, waiting)
		}
	}
}

// TestTagLimit sets, raises, lowers and removes a limit while steps run and wait.
func TestTagLimit(t *testing.T) {
	t.Parallel()
	b, j := &book{byID: map[string]*engine.Definition{}}, make(jobs, 10)
	b.push(t, "w", "", tagged)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	f := newFixture(t, s, b, j.work(), engine.Config{})
	defer f.close(t)
	<-f.Recovered()

	f.start(t, "w")
	first := j.next(t)
	f.LimitTag("t", 1) // counts who runs already
	for range 5 {
		f.start(t, "w")
	}
	f.wantUse(t, "t", 1, 5)
	j.none(t)
	f.LimitTag("t", 3)
	second, third := j.next(t), j.next(t)
	f.wantUse(t, "t", 3, 3)
	f.LimitTag("t", 1) // takes nothing away
	done(first)
	done(second)
	f.wantUse(t, "t", 1, 3)
	j.none(t)
	done(third)
	fourth := j.next(t)
	f.wantUse(t, "t", 1, 2)
	f.UnlimitTag("t")
	fifth, sixth := j.next(t), j.next(t)
	for _, r := range []step.Reporter{fourth, fifth, sixth} {
		done(r)
	}
	f.wantUse(t, "t", 0, 0)
}

// TestTagLimit_Order has steps wait and begin one by one, in the order in which they came.
func TestTagLimit_Order(t *testing.T) {
	t.Parallel()
	order := make(chan int64, 10)
	b := &book{byID: map[string]*engine.Definition{}}
	b.push(t, "w", "", tagged)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	f := newFixture(t, s, b, &work{onStart: func(a *step.Attempt, r step.Reporter) {
		order <- a.Instance
		done(r)
	}}, engine.Config{})
	defer f.close(t)
	<-f.Recovered()
	f.LimitTag("t", 0)
	var runs []engine.Started
	for i := range int64(8) {
		runs = append(runs, f.start(t, "w"))
		f.wantUse(t, "t", 0, i+1)
	}
	if _, err := f.ActOnRun(t.Context(), engine.RunAction{WorkflowID: "w", Instance: 3, Action: instance.Stop}); err != nil {
		t.Fatal(err)
	}
	f.wantUse(t, "t", 0, 7) // who is stopped waits no more
	f.LimitTag("t", 1)
	for _, want := range []int64{1, 2, 4, 5, 6, 7, 8} {
		if got := <-order; got != want {
			t.Errorf("instance %d began, want %d", got, want)
		}
	}
	for _, r := range runs {
		f.await(t, r)
	}
	f.wantUse(t, "t", 0, 0)
}

// TestTagLimit_Restart has steps that run and steps that wait when the engine stops.
func TestTagLimit_Restart(t *testing.T) {
	t.Parallel()
	b, j := &book{byID: map[string]*engine.Definition{}}, make(jobs, 20)
	b.push(t, "w", "", tagged)
	b.push(t, "c", `{"owner":"tester","run_strategy":"parallel","step_concurrency":2}`, `{"step":{"id":"a","type":"Shell"}}`)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	f := newFixture(t, s, b, j.work(), engine.Config{})
	<-f.Recovered()
	f.LimitTag("t", 1)
	for range 4 { // the first runs
		f.start(t, "w")
		f.start(t, "c")
	}
	for range 3 {
		j.next(t)
	}
	f.wantUse(t, "t", 1, 3)
	f.wantUse(t, "maestro_c", 2, 2)
	f.close(t)

	e := engine.New(engine.Config{LoadAtOnce: 8}, s, b, newLanguage(t), map[spec.StepType]step.Runtime{spec.TypeShell: j.work()}, quiet())
	e.LimitTag("t", 1)
	if err := e.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	f = &fixture{Engine: e, book: b, store: s}
	defer f.close(t)
	<-f.Recovered()
	var reporters []step.Reporter
	for range 3 {
		reporters = append(reporters, j.next(t))
	}
	f.wantUse(t, "maestro_c", 2, 2)
	j.none(t)
	for _, r := range reporters {
		done(r)
	}
	for range 5 {
		done(j.next(t))
	}
	f.wantUse(t, "t", 0, 0)
	f.wantUse(t, "maestro_c", 0, 0)
}

// TestTagLimit_Derived configures limits of tags that steps have without being given them.
func TestTagLimit_Derived(t *testing.T) {
	t.Parallel()
	b, j := &book{byID: map[string]*engine.Definition{}}, make(jobs, 10)
	b.push(t, "w", "", `{"step":{"id":"a","type":"Shell"}}`, `{"step":{"id":"b","type":"Shell"}}`)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	f := newFixture(t, s, b, j.work(), engine.Config{})
	defer f.close(t)
	<-f.Recovered()
	f.LimitTag("maestro_w:a", 0)
	f.start(t, "w")
	done(j.next(t)) // b
	f.wantUse(t, "maestro_w:a", 0, 1)
	j.none(t)
	f.LimitTag("maestro_w", 0)
	f.UnlimitTag("maestro_w:a")
	f.wantUse(t, "maestro_w", 0, 1)
	j.none(t)
	f.UnlimitTag("maestro_w")
	done(j.next(t))
}

// BenchmarkTagLimit has many steps wait for few permits.
func BenchmarkTagLimit(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n, " wait"), func(b *testing.B) { engine.ExercisePermits(b, n) })
	}
}
