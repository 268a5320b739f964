package steptest

import (
	"testing"

	"maestro/internal/step"
)

// A stop may come before the start has reached the runtime.
func stopBeforeStart(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Succeeds)
	b.stop(t, rt, a)
	b.wantBegan(t, a, 0)
}

func startAfterStopBeginsNothing(t *testing.T, b *bench) {
	rt, closeRuntime := b.open(t)
	a := b.attempt(t, Succeeds)
	b.stop(t, rt, a)
	b.start(t, t.Context(), rt, a).Want(t, step.Stopped)
	closeRuntime()
	if b.h.CanReattach {
		rt, _ := b.open(t)
		b.start(t, t.Context(), rt, a).Want(t, step.Stopped)
	}
	b.wantBegan(t, a, 0)
}

// Who started the work hears of the stop, too.
func stopEndsTheWork(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Forever)
	r := b.start(t, t.Context(), rt, a)
	b.begun(t, a)
	b.stop(t, rt, again(a, r))
	b.wantNotAlive(t, a)
	r.Want(t, step.Stopped)
}

func stopTwice(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Forever)
	r := b.start(t, t.Context(), rt, a)
	b.begun(t, a)
	one, two := NewRecorder(b.h.Patience), NewRecorder(b.h.Patience)
	rt.Stop(t.Context(), a, one)
	rt.Stop(t.Context(), a, two)
	one.Want(t, step.Stopped)
	two.Want(t, step.Stopped)
	b.wantNotAlive(t, a)
	b.stop(t, rt, again(a, r))
}

// Stop reports Stopped whatever became of the work; the engine counts the report that came first.
func stopAfterTheEnd(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	for _, w := range []Work{Succeeds, Fails} {
		a := b.attempt(t, w)
		r := b.start(t, t.Context(), rt, a)
		r.Final(t)
		b.stop(t, rt, again(a, r))
		b.wantBegan(t, a, 1)
	}
}

// Wherever a start is when the stop comes, nothing runs once the stop is reported.
func stopRacesStart(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	for range 8 {
		a := b.attempt(t, Forever)
		started, stopped := NewRecorder(b.h.Patience), NewRecorder(b.h.Patience)
		go rt.Start(t.Context(), a, started)
		go rt.Stop(t.Context(), a, stopped)
		stopped.Want(t, step.Stopped)
		b.wantNotAlive(t, a)
		started.Want(t, step.Stopped)
		b.wantNotAlive(t, a)
	}
}

func stoppedOnlyWhenNothingRuns(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Stubborn)
	b.start(t, t.Context(), rt, a)
	b.begun(t, a)
	b.stop(t, rt, a)
	b.wantNotAlive(t, a)
}

func stopFromAnotherRuntime(t *testing.T, b *bench) {
	one, closeOne := b.open(t)
	a := b.attempt(t, Forever)
	r := b.start(t, t.Context(), one, a)
	b.begun(t, a)
	closeOne()
	two, _ := b.open(t)
	b.stop(t, two, again(a, r))
	b.wantNotAlive(t, a)
	b.start(t, t.Context(), two, again(a, r)).Want(t, step.Stopped)
	b.wantBegan(t, a, 1)
}
