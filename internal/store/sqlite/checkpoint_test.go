package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
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
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := Open(t.Context(), path, Options{sync: func() error {
		if failing.Load() {
			return syscall.EIO
		}
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
	state := func() (inLog, copied int) {
		t.Helper()
		c, err := s.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.release(c)
		if inLog, copied, err = c.c.WALCheckpoint("main", sqlite3.CHECKPOINT_NOOP); err != nil {
			t.Fatal(err)
		}
		return inLog, copied
	}
	publish()
	failing.Store(true)
	if err := s.copyMost(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("got %v", err)
	}
	failing.Store(false)
	before, copied := state()
	if copied == 0 {
		t.Fatal("nothing was copied that the disk could have lost")
	}
	publish()
	if after, copied := state(); after <= before || copied != 0 {
		t.Errorf("the log has %d pages, of which %d count as copied; it had %d", after, copied, before)
	}
	if err := s.copyMost(); err != nil {
		t.Error(err)
	}
	if after, copied := state(); copied != after {
		t.Errorf("%d of %d pages are copied anew", copied, after)
	}
}

// TestRemovedMeanwhile removes files while a transaction is under way: it is acknowledged only if it is in the file that
// the path leads to.
func TestRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		suffix string
		want   error
	}{
		"database": {"", store.ErrLost}, "log": {logSuffix, nil}, "index": {shmSuffix, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.write(t.Context(), "test", func(w *conn) error {
				return errors.Join(w.exec("INSERT INTO record (kind, key, value) VALUES ('a', 'b', x'00')"), os.Remove(path+c.suffix))
			})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			other, err := openConn(t.Context(), path, nil) // what another process finds
			if err != nil {
				t.Fatal(err)
			}
			defer other.close()
			n := int64(0)
			if _, err := other.prepare("SELECT count(*) FROM record WHERE kind = 'a'").one(func(q *stmt) { n = q.colInt(0) }); err != nil || n != 1 {
				t.Errorf("%d of what was acknowledged: %v", n, err)
			}
		})
	}
}
