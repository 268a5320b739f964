package engine

import (
	"testing"

	"maestro/internal/store"
)

// ExercisePermits gives back and takes one permit while n others wait.
func ExercisePermits(b *testing.B, n int) {
	p := newPermits(nil)
	p.wake = func(holder) {}
	p.limits["t"] = 1
	needs := []need{{"t", -1}, {"maestro_w", -1}}
	for i := range n + 1 {
		p.acquire(holder{run: store.RunID(i)}, needs, false)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		p.release(store.RunID(i), 0, 0)
		p.acquire(holder{run: store.RunID(i + n + 1)}, needs, false)
	}
}
