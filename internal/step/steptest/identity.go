package steptest

import (
	"testing"

	"maestro/internal/step"
)

// twins returns two attempts that have all in common, uuids included, but for the workflow that they belong to. Where
// callers choose uuids of runs, there are such.
func (b *bench) twins(t *testing.T, w Work) (one, two *step.Attempt) {
	t.Helper()
	one = b.attempt(t, w)
	other := *one
	other.WorkflowID = one.WorkflowID + "-2"
	return one, &other
}

func otherWorkflowIsOtherWork(t *testing.T, b *bench) {
	rt, _ := b.open(t)
	one, two := b.twins(t, Holds)
	first := b.start(t, t.Context(), rt, one)
	second := b.start(t, t.Context(), rt, two)
	b.eventually(t, "both begun", func() bool { return b.Began(one) == 2 })
	b.Finish(one)
	first.Want(t, step.Done)
	second.Want(t, step.Done)
}

func stopOfOneLeavesTheOther(t *testing.T, b *bench) {
	if !b.h.CanStop {
		t.Skip("work cannot be stopped")
	}
	rt, _ := b.open(t)
	one, two := b.twins(t, Holds)
	r := b.start(t, t.Context(), rt, one)
	b.begun(t, one)
	b.stop(t, rt, two)
	b.start(t, t.Context(), rt, two).Want(t, step.Stopped)
	if r.Ended() {
		t.Fatalf("it ended with the other: %+v", r.All())
	}
	b.Finish(one)
	r.Want(t, step.Done)
	b.wantBegan(t, one, 1)
}

// What is found where the work of an attempt belongs, and is another's, is neither adopted nor ended.
func foreignWorkIsRefused(t *testing.T, b *bench) {
	if b.Misplace == nil {
		t.Skip("nothing is kept that could be mistaken")
	}
	rt, closeRuntime := b.open(t)
	theirs, mine := b.attempt(t, Holds), b.attempt(t, Succeeds)
	r := b.start(t, t.Context(), rt, theirs)
	b.begun(t, theirs)
	closeRuntime()
	b.Misplace(t, theirs, mine)

	rt, _ = b.open(t)
	refused := b.start(t, t.Context(), rt, mine).Final(t)
	if refused.State == step.Done || refused.State == step.Stopped || refused.Begun || len(refused.Timeline) == 0 {
		t.Errorf("%+v, want a failure that says why", refused)
	}
	b.stop(t, rt, mine)
	if b.Alive != nil && !b.Alive(theirs) {
		t.Error("the other's work was ended")
	}
	b.wantBegan(t, mine, 0)
	b.Finish(theirs)
	b.start(t, t.Context(), rt, again(theirs, r)).Want(t, step.Done)
	b.wantBegan(t, theirs, 1)
}
