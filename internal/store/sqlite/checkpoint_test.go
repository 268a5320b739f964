package sqlite

import (
	"path/filepath"
	"testing"
	"time"
)

// TestSlowReader: a reader that keeps its snapshot for long sees it to the end, commits go on meanwhile, and the log
// begins anew once the reader is done.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	publish := func(n int) {
		t.Helper()
		for range n {
			if _, err := s.Publish(t.Context(), 1, make([]byte, 64<<10)); err != nil {
				t.Fatal(err)
			}
		}
	}
	count := func(c *conn) (n int64) {
		t.Helper()
		if _, err := c.prepare("SELECT count(*) FROM journal").one(func(q *stmt) { n = q.colInt(0) }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const perLog = frames * pageSize / (64 << 10)

	publish(10)
	err = s.read(t.Context(), "test", func(c *conn) error {
		before := count(c)
		publish(perLog * 3 / 2)
		if after := count(c); before != 10 || after != before {
			t.Errorf("the reader saw %d entries and then %d", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	long := s.frames.Load()
	if long < frames {
		t.Errorf("log has %d pages although a reader looked at it", long)
	}
	for i, late := 0, time.Now().Add(time.Minute); s.frames.Load() >= long; i++ {
		if time.Now().After(late) {
			t.Fatalf("log has %d pages and does not begin anew", s.frames.Load())
		}
		if i > 3*perLog { // the machine is busy: the checkpointer needs a turn
			time.Sleep(20 * time.Millisecond)
		}
		publish(1)
	}
}
