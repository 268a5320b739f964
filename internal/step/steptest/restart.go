package steptest

import (
	"context"
	"testing"

	"maestro/internal/step"
)

// The end of the context is the end of the server, not of the work.
func contextEndLetsGo(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	a := b.attempt(t, Holds)
	r := b.start(t, ctx, rt, a)
	b.begun(t, a)
	cancel()
	second := b.start(t, t.Context(), rt, again(a, r))
	b.eventually(t, "reported running", func() bool { return len(second.All()) > 0 })
	if b.Alive != nil && !b.Alive(a) {
		t.Error("its work does not go on")
	}
	b.Finish(a)
	second.Want(t, step.Done)
	if r.Ended() {
		t.Error("a final report after the context had ended")
	}
	b.wantBegan(t, a, 1)
}

func workOutlivesTheRuntime(t *testing.T, b *bench) {
	one, closeOne := b.open(t)
	a := b.attempt(t, Holds)
	first := b.start(t, t.Context(), one, a)
	b.begun(t, a)
	closeOne()
	if b.Alive != nil && !b.Alive(a) {
		t.Error("its work ended with the runtime")
	}
	two, _ := b.open(t)
	second := b.start(t, t.Context(), two, again(a, first))
	b.Finish(a)
	second.Want(t, step.Done)
	b.wantBegan(t, a, 1)
}

// The work ends while no runtime looks.
func resultIsFoundAgain(t *testing.T, b *bench) {
	one, closeOne := b.open(t)
	a := b.attempt(t, Holds)
	first := b.start(t, t.Context(), one, a)
	b.begun(t, a)
	closeOne()
	b.Finish(a)
	if b.Alive != nil {
		b.eventually(t, "ended", func() bool { return !b.Alive(a) })
	}
	two, _ := b.open(t)
	b.start(t, t.Context(), two, again(a, first)).Want(t, step.Done)
	b.wantBegan(t, a, 1)
}

// The engine died between hearing of the end and making it durable. The artifacts it knew are gone with it.
func lostReportIsFoundAgain(t *testing.T, b *bench) {
	for _, c := range []struct {
		work Work
		want step.State
	}{{Succeeds, step.Done}, {Fails, step.UserError}} {
		one, closeOne := b.open(t)
		a := b.attempt(t, c.work)
		b.start(t, t.Context(), one, a).Want(t, c.want)
		closeOne()
		two, _ := b.open(t)
		b.start(t, t.Context(), two, again(a, NewRecorder(b.h.Patience))).Want(t, c.want)
		b.wantBegan(t, a, 1)
	}
}
