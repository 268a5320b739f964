package sqlite

import (
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
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

// TestDatabaseIsNotKept: when the disk fails to keep what was copied out of the log, it may forget about that and say the
// next time that all is well. The log does not begin anew before all of it was copied once more.
func TestDatabaseIsNotKept(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	var kept atomic.Int64 // how often the disk kept what was copied
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := Open(t.Context(), path, Options{sync: func() error {
		if failing.Load() {
			return syscall.EIO
		}
		kept.Add(1)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	publish := func() {
		t.Helper()
		if _, err := s.Publish(t.Context(), 1, make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	failing.Store(true)
	for late := time.Now().Add(time.Minute); !s.unsure.Load(); publish() {
		if time.Now().After(late) {
			t.Fatal("the log is never copied")
		}
	}
	failing.Store(false)
	kept.Store(0)
	inLog := s.frames.Load()
	if inLog < frames {
		t.Errorf("the log began anew with %d pages", inLog)
	}
	publish() // connects anew
	c, err := s.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.release(c)
	if s.unsure.Load() {
		t.Error("the store is as unsure as before")
	}
	log, copied, err := c.c.WALCheckpoint("main", sqlite3.CHECKPOINT_NOOP)
	if err != nil || int64(log) < inLog || copied != 0 && kept.Load() == 0 { // on a busy machine it may have been copied once more by now
		t.Errorf("the log has %d pages and %d of them count as copied; there were %d: %v", log, copied, inLog, err)
	}
}
