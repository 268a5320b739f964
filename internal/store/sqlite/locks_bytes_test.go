//go:build unix

package sqlite_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// lockBytes locks a range of the bytes of a file as SQLite in another process does, for that process.
func lockBytes(path string, kind int16, first, n int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLKW, &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: first, Len: n}); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin) // f stays open: closing it would drop the lock
	return errors.Join(err, f.Close())
}

// TestEachLockOfSQLite has another process hold each of the locks there are in the database and the index of its log,
// in each way that is possible while the store has it open. Reads and writes end well once it is gone, or when its time
// is over with store.ErrLocked, and nothing is written twice.
func TestEachLockOfSQLite(t *testing.T) {
	t.Parallel()
	const pending, reserved, shared = 0x40000000, 0x40000001, 0x40000002
	for _, l := range []struct {
		name     string
		suffix   string
		kind     int16
		first, n int64
	}{
		{"pending", "", syscall.F_WRLCK, pending, 1},
		{"reserved", "", syscall.F_WRLCK, reserved, 1},
		{"shared", "", syscall.F_RDLCK, shared, 510},
		{"all of sqlite's, shared", "", syscall.F_RDLCK, pending, 512},
		{"writer", "-shm", syscall.F_WRLCK, 120, 1},
		{"writer, shared", "-shm", syscall.F_RDLCK, 120, 1},
		{"checkpoint", "-shm", syscall.F_WRLCK, 121, 1},
		{"recovery", "-shm", syscall.F_WRLCK, 122, 1},
		{"writer to recovery", "-shm", syscall.F_WRLCK, 120, 3},
		{"readers", "-shm", syscall.F_WRLCK, 124, 4},
		{"readers, shared", "-shm", syscall.F_RDLCK, 123, 5},
		{"who is there", "-shm", syscall.F_RDLCK, 128, 1},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			s := open(t, path, sqlite.Options{LockWait: time.Minute, NoSync: true})
			w := newWriter(t, s)
			w.must(w.insert(1))
			h := holdLock(t, path+l.suffix, fmt.Sprint("lock ", l.kind, " ", l.first, " ", l.n))
			done := make(chan error, 9)
			go func() { done <- w.commit(w.insert(2)) }()
			for range 8 { // more than there are connections, so that some are opened now
				go func() {
					_, _, err := s.Load(t.Context(), 1)
					done <- err
				}()
			}
			time.AfterFunc(100*time.Millisecond, h.release)
			for range 9 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if err := w.commit(w.insert(2)); !errors.Is(err, store.ErrExists) {
				t.Errorf("the second of two: %v", err)
			}
			if err := s.Ready(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAnotherProcessMayUseTheFile: the store's own locks are none that SQLite knows of.
func TestAnotherProcessMayUseTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.Options{LockWait: time.Minute, NoSync: true})
	newWriter(t, s)
	for _, sql := range []string{"SELECT * FROM run", "CREATE TABLE theirs (x)", "BEGIN EXCLUSIVE; INSERT INTO theirs VALUES (1); COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		h := holdLock(t, path, sql)
		h.release()
		if _, err := s.Publish(t.Context(), 1, nil); err != nil {
			t.Errorf("after %q: %v", sql, err)
		}
	}
}
