package engine_test

import (
	"path/filepath"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/step"
	"maestro/spec"
)

// TestTagLimit_Lower lowers a limit while no engine runs: the steps that were at work hold their permits all the same, and
// nobody else gets one before as many have ended.
func TestTagLimit_Lower(t *testing.T) {
	t.Parallel()
	b, j := &book{byID: map[string]*engine.Definition{}}, make(jobs, 20)
	b.push(t, "w", "", tagged)
	s := openStore(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	f := newFixture(t, s, b, j.work(), engine.Config{})
	<-f.Recovered()
	f.LimitTag("t", 2)
	for range 3 {
		f.start(t, "w")
	}
	j.next(t)
	j.next(t)
	f.wantUse(t, "t", 2, 1)
	f.close(t)

	e := engine.New(engine.Config{}, s, b, newLanguage(t), map[spec.StepType]step.Runtime{spec.TypeShell: j.work()}, quiet())
	e.LimitTag("t", 1)
	if err := e.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	f = &fixture{Engine: e, book: b, store: s}
	defer f.close(t)
	<-f.Recovered()
	first, second := j.next(t), j.next(t)
	f.wantUse(t, "t", 2, 1)
	done(first)
	f.wantUse(t, "t", 1, 1)
	j.none(t)
	done(second)
	done(j.next(t))
	f.wantUse(t, "t", 0, 0)
}
