package engine_test

import (
	"errors"
	"testing"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/step"
)

// TestBreakpoints sets a breakpoint, has it hold attempts over a restart of the engine, lets one go on, and then all.
func TestBreakpoints(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		var u turns
		l.work = u.work()
		l.push("wf", parallel, shell)
		ctx := t.Context()
		e, s := l.open(engine.Config{}, nil)
		id, err := l.book.Resolve(ctx, "wf", "latest")
		if err != nil {
			t.Fatal(err)
		}
		stepID := id.Plan.Nodes[0].ID
		set := func() {
			t.Helper()
			if _, err := e.SetBreakpoint(ctx, "wf", stepID, "u"); err != nil {
				t.Fatal(err)
			}
		}
		paused := func(want int) {
			t.Helper()
			idle()
			if got, err := e.PausedAttempts(ctx, "wf", stepID); err != nil || len(got) != want {
				t.Errorf("%d attempts are paused, want %d: %v", len(got), want, err)
			}
		}
		remove := func(resume bool, want int) {
			t.Helper()
			if n, err := e.RemoveBreakpoint(ctx, "wf", stepID, "u", resume); err != nil || n != want {
				t.Errorf("%d attempts went on, want %d: %v", n, want, err)
			}
			idle()
		}

		set()
		l.start(e, "wf")
		paused(1)
		l.crash(e, s)
		e, s = l.open(engine.Config{}, nil)
		paused(1)
		l.start(e, "wf")
		paused(2)
		u.want(t, "a breakpoint is set")

		if _, err := e.ResumeAttempt(ctx, "wf", 1, 0, stepID, 1, "u"); err != nil {
			t.Fatal(err)
		}
		u.want(t, "one attempt is resumed", 1)
		if _, err := e.ResumeAttempt(ctx, "wf", 1, 0, stepID, 1, "u"); !errors.Is(err, api.NotFound) {
			t.Errorf("an attempt that is not paused is resumed: %v", err)
		}
		paused(1)
		u.end(1, step.Done)

		remove(false, 0)
		paused(1)
		l.crash(e, s)
		e, _ = l.open(engine.Config{}, nil)
		l.start(e, "wf")
		u.want(t, "the breakpoint is removed", 1, 3)
		paused(1)
		set()
		remove(true, 1)
		u.want(t, "who was held goes on", 1, 3, 2)
		paused(0)
		l.close(e)
	})
}
