package store_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"maestro/internal/store"
)

// TestUnavailable: callers can ask for the kind, for the cause, and for what all kinds have in common.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{store.ErrUnavailable, store.ErrFull, store.ErrLocked, store.ErrLost, store.ErrFenced} {
		err := fmt.Errorf("commit: %w", &store.Unavailable{Kind: kind, Reason: "why", Cause: io.ErrUnexpectedEOF})
		for _, want := range []error{kind, store.ErrUnavailable, io.ErrUnexpectedEOF} {
			if !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
		if errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrStale) {
			t.Errorf("%v is what it is not", err)
		}
	}
	if errors.Is(store.ErrUnavailable, store.ErrFull) || errors.Is(store.ErrLost, store.ErrFull) {
		t.Error("one kind is another")
	}
}

// TestUnwritten: an error after which a change may have been written all the same is never taken for a refusal.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]bool{
		store.ErrStale: true, store.ErrExists: true, store.ErrFull: true, store.ErrLocked: true, store.ErrFenced: true,
		store.ErrUnavailable: false, store.ErrLost: false, store.ErrBusy: false, io.EOF: false, nil: false,
	} {
		if got := store.Unwritten(err); got != want {
			t.Errorf("%v: got %t", err, got)
		}
	}
}
