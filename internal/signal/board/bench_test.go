package board_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// BenchmarkWake is one announcement, durable, while 100,000 steps wait on 10,000 names; ten of them are woken by it.
func BenchmarkWake(b *testing.B) {
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "b.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var woken []board.Waiter
	r := board.New(board.Config{
		Reader: s, Wake: func(w board.Waiter, _ *signal.Instance) { woken = append(woken, w) },
		Commit: func(_ string, records []store.Record, _ int64) error {
			return s.PutRecords(context.Background(), records...)
		},
	})
	defer r.Close()
	const names, each = 10_000, 10
	name := func(n int) string { return fmt.Sprint("db/warehouse/table", n%names) }
	wait := func(w board.Waiter, above int) {
		r.Await(w, &signal.Dependency{Name: name(int(w.Run)), Match: signal.Matches{{Param: "n", Op: signal.Greater, Value: signal.Long(int64(above))}}})
	}
	for i := range names * each {
		wait(waiter(i), -1)
	}
	n := 0
	for b.Loop() {
		if _, err := r.Announce(b.Context(), &signal.Announcement{Name: name(n), Params: params("day", 9, "n", n)}); err != nil {
			b.Fatal(err)
		}
		if len(woken) != each {
			b.Fatalf("woke %d", len(woken))
		}
		b.StopTimer()
		for _, w := range woken {
			wait(w, n)
		}
		woken = woken[:0]
		n++
		b.StartTimer()
	}
}
