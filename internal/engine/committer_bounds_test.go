package engine_test

import (
	"slices"
	"testing"

	"maestro/internal/engine"
)

// TestTransactionsAreBounded: a transaction has at most 512 changes, and no further one when these have 512 runs. A change is
// never cut, however many runs it has.
func TestTransactionsAreBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		runs []int
		want int
	}{
		{nil, 0},
		{[]int{1, 1, 1}, 3},
		{slices.Repeat([]int{1}, 600), 512},
		{slices.Repeat([]int{0}, 600), 512},
		{[]int{5000, 1}, 1},
		{[]int{1, 5000, 1}, 2},
		{slices.Repeat([]int{100}, 10), 6},
	} {
		if got := engine.Fitting(c.runs...); got != c.want {
			t.Errorf("%d changes of %v runs: %d in one transaction, want %d", len(c.runs), c.runs, got, c.want)
		}
	}
}
