package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// holdEnv tells the test binary to be another program that uses the database: it runs the SQL, or locks bytes of
// a file, says so, and ends when its input does.
const holdEnv = "MAESTRO_HOLD_SQL"

func hold(path, sql string) error {
	var kind int16
	var first, n int64
	if _, err := fmt.Sscanf(sql, "lock %d %d %d", &kind, &first, &n); err == nil {
		return lockBytes(path, kind, first, n)
	}
	c, err := sqlite3.Open(path)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Exec("PRAGMA busy_timeout = 10000; " + sql); err != nil {
		return err
	}
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// holder is such a process.
type holder struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser

	once sync.Once
}

// holdLock starts a process that runs SQL on the database and keeps its connection.
func holdLock(t *testing.T, path, sql string) *holder {
	t.Helper()
	h := &holder{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], path)}
	h.cmd.Env = append(os.Environ(), holdEnv+"="+sql)
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.release)
	if !bufio.NewScanner(out).Scan() {
		t.Fatalf("%s: cannot be done", sql)
	}
	return h
}

func (h *holder) release() {
	h.once.Do(func() {
		h.in.Close()
		h.cmd.Wait()
	})
}

// locks are what other programs do that hinders writes.
var locks = map[string]string{
	"a transaction":        "BEGIN IMMEDIATE",
	"an exclusive one":     "BEGIN EXCLUSIVE",
	"one that has written": "BEGIN IMMEDIATE; CREATE TABLE theirs (x)",
}

// TestWriteWaitsForALock: every write waits for the lock of another process, is done once that is gone, and done once.
func TestWriteWaitsForALock(t *testing.T) {
	t.Parallel()
	for name, sql := range locks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			s := open(t, path, sqlite.Options{LockWait: time.Minute, NoSync: true})
			w := newWriter(t, s)
			h := holdLock(t, path, sql)
			var writes sync.WaitGroup
			for n := range int64(5) {
				writes.Go(func() {
					if err := w.commit(w.insert(n + 1)); err != nil {
						t.Errorf("commit: %v", err)
					}
				})
			}
			writes.Go(func() {
				if _, err := s.Publish(t.Context(), 1, []byte("x")); err != nil {
					t.Errorf("publish: %v", err)
				}
			})
			if _, _, err := s.Load(t.Context(), 1); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a read while nothing can be written: %v", err)
			}
			h.release()
			writes.Wait()
			entries, err := s.After(t.Context(), 0, 0, 100)
			if err != nil || len(entries) != 6 {
				t.Errorf("%d entries, want 6: %v", len(entries), err)
			}
			if err := s.Ready(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLockIsWaitedForTogether: writers that queue behind a lock all get store.ErrLocked when the time of one is over, not
// one after the other, and the store is not ready until the lock is gone.
func TestLockIsWaitedForTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.Options{LockWait: 50 * time.Millisecond})
	w := newWriter(t, s)
	h := holdLock(t, path, "BEGIN IMMEDIATE")
	const many = 200 // one after the other, they would wait for 10 s
	began := time.Now()
	errs := make(chan error, many)
	for n := range int64(many) {
		go func() { errs <- w.commit(w.insert(n + 1)) }()
	}
	for range many {
		wantErr(t, <-errs, store.ErrLocked)
	}
	t.Logf("all were refused after %v", time.Since(began))
	wantErr(t, s.Ready(), store.ErrLocked)
	h.release()
	becomesReady(t, s)
	w.must(w.insert(1)) // nothing of it was written
}

// becomesReady waits until the store is ready.
func becomesReady(t *testing.T, s *sqlite.Store) {
	t.Helper()
	for range 1000 {
		if s.Ready() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not ready: %v", s.Ready())
}

// TestLockEndsWithTheCaller: who waits for a lock stops when the context ends, and when the store is closed.
func TestLockEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.Options{LockWait: time.Hour})
	holdLock(t, path, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Publish(ctx, 1, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Publish(context.Background(), 1, nil)
		done <- err
	}()
	s.Close()
	if err := <-done; err == nil {
		t.Error("published to a store that is closed")
	}
}

// TestOpenWaitsForALock opens a database that another process is at, for the first time and with a schema to migrate.
func TestOpenWaitsForALock(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"new":           "CREATE TABLE x (y); DROP TABLE x; BEGIN EXCLUSIVE",
		"new, in WAL":   "PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE",
		"being read":    "PRAGMA journal_mode = WAL; BEGIN; SELECT * FROM sqlite_schema",
		"being written": "BEGIN IMMEDIATE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			h := holdLock(t, path, sql)
			if !strings.Contains(sql, "SELECT") {
				_, err := sqlite.Open(t.Context(), path, sqlite.Options{LockWait: 50 * time.Millisecond})
				wantErr(t, err, store.ErrLocked)
			}
			go func() {
				time.Sleep(100 * time.Millisecond) // so that Open finds the lock, most times
				h.release()
			}()
			s := open(t, path, sqlite.Options{LockWait: time.Minute, NoSync: true})
			w := newWriter(t, s)
			w.must(w.insert(1))
		})
	}
}

// TestBackups takes backups in all ways of SQLite's own while the store commits: each is a database that opens, with a
// prefix of what was committed, and no commit fails.
func TestBackups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "test.db")
	s := open(t, path, sqlite.Options{NoSync: true, LockWait: time.Minute})
	w := newWriter(t, s)
	ctx, stop := context.WithCancel(t.Context())
	committed := make(chan int64, 1)
	go func() {
		n := int64(0)
		for ; ctx.Err() == nil; n++ {
			if err := w.s.Commit(context.Background(), []store.Change{w.insert(n + 1)})[0]; err != nil {
				t.Errorf("run %d: %v", n+1, err)
				break
			}
		}
		committed <- n
	}()
	defer stop()
	for name, sql := range map[string]string{
		"into":       "VACUUM INTO '" + filepath.Join(dir, "into.db") + "'",
		"attached":   "ATTACH '" + filepath.Join(dir, "attached.db") + "' AS b; BEGIN IMMEDIATE; SELECT count(*) FROM run; COMMIT",
		"checkpoint": "PRAGMA wal_checkpoint(TRUNCATE)",
		"vacuum":     "VACUUM",
		"own table":  "CREATE TABLE _backup (seq); INSERT INTO _backup VALUES (1)",
		"reader":     "BEGIN; SELECT count(*) FROM run",
	} {
		h := holdLock(t, path, sql)
		h.release()
		if t.Failed() {
			t.Fatal(name)
		}
	}
	stop()
	n := <-committed
	for id := range n {
		if _, entries, err := s.Load(t.Context(), store.RunID(id+1)); err != nil || len(entries) != 1 {
			t.Fatalf("run %d: %d entries, %v", id+1, len(entries), err)
		}
	}
	b := open(t, filepath.Join(dir, "into.db"), sqlite.Options{})
	rows, err := b.After(t.Context(), 0, 0, int(n))
	if err != nil || len(rows) == 0 {
		t.Errorf("the backup has %d entries: %v", len(rows), err)
	}
	t.Logf("%d commits, %d of them in the backup", n, len(rows))
}
