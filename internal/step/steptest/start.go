package steptest

import (
	"sync"
	"testing"

	"maestro/internal/step"
)

func doneWhenItEndsWell(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Succeeds)
	b.start(t, t.Context(), rt, a).Want(t, step.Done)
	b.wantBegan(t, a, 1)
}

// A failure of the user's work counts against the user's retries; its report says that the work had begun.
func userErrorWhenItFails(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Fails)
	got := b.start(t, t.Context(), rt, a).Want(t, step.UserError)
	if !got.Begun {
		t.Error("the final report does not say that the work had begun")
	}
	if len(got.Timeline) == 0 {
		t.Error("the final report does not tell the user anything")
	}
	b.wantBegan(t, a, 1)
}

func startDoesNotWait(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Holds)
	r := b.start(t, t.Context(), rt, a) // fails if it takes long
	b.begun(t, a)
	if r.Ended() {
		t.Error("a final report while the work goes on")
	}
	b.eventually(t, "reported running", func() bool { return len(r.All()) > 0 })
	b.Finish(a)
	r.Want(t, step.Done)
}

// An engine that is not sure whether it called Start calls it again.
func startTwiceBeginsOnce(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Holds)
	first := b.start(t, t.Context(), rt, a)
	b.begun(t, a)
	second := b.start(t, t.Context(), rt, again(a, first))
	b.Finish(a)
	first.Want(t, step.Done)
	second.Want(t, step.Done)
	third := b.start(t, t.Context(), rt, again(a, second))
	third.Want(t, step.Done)
	b.wantBegan(t, a, 1)
}

func concurrentStartsBeginOnce(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	wantOnce(t, b, []step.Runtime{rt, rt, rt, rt})
}

// Two servers that both think they own a run, for a moment.
func twoRuntimesBeginOnce(t *testing.T, b *bench) {
	one, _ := b.open(t)
	two, _ := b.open(t)
	wantOnce(t, b, []step.Runtime{one, two, one, two})
}

func wantOnce(t *testing.T, b *bench, runtimes []step.Runtime) {
	t.Helper()
	a := b.attempt(t, Holds)
	recorders := make([]*Recorder, len(runtimes))
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i, rt := range runtimes {
		recorders[i] = NewRecorder(b.h.Patience)
		all.Go(func() {
			<-gate
			rt.Start(t.Context(), a, recorders[i])
		})
	}
	close(gate)
	all.Wait()
	b.begun(t, a)
	b.Finish(a)
	for _, r := range recorders {
		r.Want(t, step.Done)
	}
	b.wantBegan(t, a, 1)
}

// What was decided stays decided, whoever asks again and in whatever order.
func reportsAfterTheEndAreHarmless(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	a := b.attempt(t, Succeeds)
	r := b.start(t, t.Context(), rt, a)
	r.Want(t, step.Done)
	b.stop(t, rt, again(a, r))
	b.stop(t, rt, again(a, r))
	if r.Want(t, step.Done); len(r.All()) > 2 {
		t.Errorf("%d reports to the first reporter, want at most one of each: running, done", len(r.All()))
	}
}

// A bug in the engine's path of one report must not take the process down, nor the other attempts.
func panickingReporterHarmsNobody(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	bad := NewRecorder(b.h.Patience)
	bad.panic = true
	rt.Start(t.Context(), b.attempt(t, Succeeds), bad)
	bad.Want(t, step.Done)
	b.start(t, t.Context(), rt, b.attempt(t, Succeeds)).Want(t, step.Done)
}
