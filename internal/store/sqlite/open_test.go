package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// wantOpenErr opens the database and expects an error that is like want, if that is not nil, and says text.
func wantOpenErr(t *testing.T, path string, want error, text string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err == nil {
		s.Close()
		t.Fatal("no error")
	}
	if want != nil {
		wantErr(t, err, want)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("error %q does not say %q", err, text)
	}
}

// changeFile runs SQL on a database behind the store's back.
func changeFile(t *testing.T, path, sql string) {
	t.Helper()
	c, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec(sql); err != nil {
		t.Fatal(err)
	}
}

func TestSecondOpenIsBusy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	first := open(t, path, sqlite.Options{})

	wantOpenErr(t, path, store.ErrBusy, path)

	first.Close()
	open(t, path, sqlite.Options{})
}

// TestLeasesEndWithTheProcess: the next process gets every group at once, under its own name or another, and nothing
// that the one before still wanted to write is accepted.
func TestLeasesEndWithTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	var last int64
	for _, node := range []string{"a", "a", "b"} {
		s := open(t, path, sqlite.Options{})
		leases, err := s.Claim(t.Context(), node, 3, 1, 1<<40)
		if err != nil || len(leases) != 3 || leases[0].Epoch <= last {
			t.Errorf("%s: got %v after epoch %d, %v", node, leases, last, err)
		}
		last = leases[0].Epoch
		s.Close()
	}
}

func TestNewerDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path, sqlite.Options{}).Close()
	changeFile(t, path, "PRAGMA user_version = 9999")

	wantOpenErr(t, path, store.ErrNewer, "9999")
	wantOpenErr(t, path, store.ErrNewer, "9999") // the lock was given back
}

func TestDatabaseOfAnotherProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	changeFile(t, path, "CREATE TABLE theirs (x)")

	wantOpenErr(t, path, nil, "another program")
}

func TestNotADatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}

	wantOpenErr(t, path, nil, "not a database")
}

func TestNoSuchDirectory(t *testing.T) {
	t.Parallel()
	wantOpenErr(t, filepath.Join(t.TempDir(), "none", "test.db"), os.ErrNotExist, "test.db")
}

func TestPathIsADirectory(t *testing.T) {
	t.Parallel()
	wantOpenErr(t, t.TempDir(), nil, "open")
}

// TestOddPath uses all that has a meaning in a URI.
func TestOddPath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?mode=memory&c=%20#d.db")
	open(t, path, sqlite.Options{}).Close()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestCloseTwiceAndUseAfter(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Options{})
	s.Close()
	s.Close()
	if _, _, err := s.Load(t.Context(), 1); err == nil {
		t.Error("load after close: no error")
	}
	if _, err := s.Publish(t.Context(), 1, nil); err == nil {
		t.Error("publish after close: no error")
	}
}

// TestLogKeepsItsSize: what makes commits fast is a log that never changes its size.
func TestLogKeepsItsSize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.Options{})
	size := fileSize(t, path+"-wal")
	if size < 1<<20 {
		t.Errorf("log has %d bytes when the store was opened", size)
	}
	data := bytes.Repeat([]byte("x"), 100_000)
	for range 1500 {
		if _, err := s.Publish(t.Context(), 1, data); err != nil {
			t.Fatal(err)
		}
	}
	if got := fileSize(t, path+"-wal"); got > 8*size {
		t.Errorf("log grew to %d bytes", got)
	}
	s.Close()
	if got := fileSize(t, path+"-wal"); got < size {
		t.Errorf("log has %d bytes when the store was closed", got)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Size()
}

// TestInBubble: a store works where time is not real, and does not keep time from standing still.
func TestInBubble(t *testing.T) {
	t.Parallel()
	for _, path := range []string{sqlite.Memory, filepath.Join(t.TempDir(), "test.db")} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			w := newWriter(t, s)
			w.must(w.insert(1))
			synctest.Wait()
			if _, entries, err := s.Load(t.Context(), 1); err != nil || len(entries) != 1 {
				t.Errorf("load: %d entries, %v", len(entries), err)
			}
			if d := time.Since(start); d != 0 {
				t.Errorf("%v passed", d)
			}
			time.Sleep(time.Hour)
		})
	}
}
