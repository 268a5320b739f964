//go:build linux || darwin

package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// must fails the test when one of the errors is one.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	must(t, err, os.WriteFile(to, data, 0o600))
}

// entriesIn counts the entries of a run as the next process finds them: in a copy of the files at the path.
func entriesIn(t *testing.T, path string, run int64) int {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	copyFile(t, path, copied)
	if _, err := os.Stat(path + "-wal"); err == nil {
		copyFile(t, path+"-wal", copied+"-wal")
	}
	c, err := sqlite3.Open(copied)
	must(t, err)
	defer c.Close()
	s, _, err := c.Prepare("SELECT count(*) FROM journal WHERE run = ?1")
	must(t, err, s.BindInt64(1, run))
	defer s.Close()
	s.Step()
	must(t, s.Err())
	return s.ColumnInt(0)
}

// TestOneStoreForEachFile: whatever path leads to a file that is open, it is refused, and a copy is another file.
func TestOneStoreForEachFile(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]func(t *testing.T, dir, path string) string{
		"its own path": func(_ *testing.T, _, path string) string { return path },
		"a symbolic link": func(t *testing.T, dir, path string) string {
			link := filepath.Join(dir, "link.db")
			must(t, os.Symlink(path, link))
			return link
		},
		"a link to a link": func(t *testing.T, dir, path string) string {
			a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
			must(t, os.Symlink(path, a), os.Symlink("a.db", b))
			return b
		},
		"a hard link": func(t *testing.T, dir, path string) string {
			link := filepath.Join(dir, "link.db")
			must(t, os.Link(path, link))
			return link
		},
		"a hard link elsewhere": func(t *testing.T, dir, path string) string {
			must(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
			link := filepath.Join(dir, "sub", "test.db")
			must(t, os.Link(path, link))
			return link
		},
		"another directory": func(t *testing.T, dir, path string) string {
			other := filepath.Join(t.TempDir(), "other")
			must(t, os.Symlink(dir, other))
			return filepath.Join(other, "test.db")
		},
		"a new name": func(t *testing.T, dir, path string) string {
			renamed := filepath.Join(dir, "renamed.db")
			must(t, os.Rename(path, renamed))
			return renamed
		},
		"a lock file that is deleted": func(_ *testing.T, _, path string) string {
			os.Remove(path + ".lock")
			return path
		},
		"its log, which a new database would take over": func(t *testing.T, _, path string) string {
			must(t, os.Remove(path))
			return path
		},
		"the index of its log": func(t *testing.T, _, path string) string {
			must(t, os.Remove(path), os.Remove(path+"-wal"))
			return path
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "test.db")
			s := open(t, path, sqlite.Options{NoSync: true})
			w := newWriter(t, s)
			w.must(w.insert(1))
			second := by(t, dir, path)
			wantOpenErr(t, second, store.ErrBusy, second)
		})
	}
	t.Run("not a copy", func(t *testing.T) {
		t.Parallel()
		path, copied := filepath.Join(t.TempDir(), "test.db"), filepath.Join(t.TempDir(), "copy.db")
		open(t, path, sqlite.Options{NoSync: true}).Close()
		first := open(t, path, sqlite.Options{NoSync: true})
		copyFile(t, path, copied)
		for _, s := range []*sqlite.Store{first, open(t, copied, sqlite.Options{NoSync: true})} {
			w := newWriter(t, s)
			w.must(w.insert(1))
		}
	})
	t.Run("not a new one", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "test.db")
		open(t, path, sqlite.Options{NoSync: true})
		must(t, os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		w := newWriter(t, open(t, path, sqlite.Options{NoSync: true}))
		w.must(w.insert(1))
	})
}

// TestLostDatabase takes the database away in all ways. From then on nothing is acknowledged, and the store says why;
// when it is back, the store goes on, and what it acknowledged is in the file at the path.
func TestLostDatabase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		take    func(t *testing.T, dir, path string)
		back    func(t *testing.T, dir, path string) // nil: it does not come back
		restart bool
	}{
		"deleted": {take: func(t *testing.T, _, path string) { must(t, os.Remove(path)) }},
		"deleted with its log": {take: func(t *testing.T, _, path string) {
			must(t, os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		}},
		"deleted with its directory": {take: func(t *testing.T, dir, _ string) { must(t, os.RemoveAll(dir)) }},
		"renamed": {
			take: func(t *testing.T, _, path string) { must(t, os.Rename(path, path+".old")) },
			back: func(t *testing.T, _, path string) { must(t, os.Rename(path+".old", path)) },
		},
		"renamed with its directory": {
			take: func(t *testing.T, dir, _ string) { must(t, os.Rename(dir, dir+".old")) },
			back: func(t *testing.T, dir, _ string) { must(t, os.Rename(dir+".old", dir)) },
		},
		"replaced": {restart: true, take: func(t *testing.T, _, path string) {
			copyFile(t, path, path+".new")
			must(t, os.Rename(path+".new", path))
		}},
		"replaced by a link": {restart: true, take: func(t *testing.T, _, path string) {
			copyFile(t, path, path+".new")
			must(t, os.Remove(path), os.Symlink(path+".new", path))
		}},
		"replaced by a directory": {restart: true, take: func(t *testing.T, _, path string) {
			must(t, os.Remove(path), os.Mkdir(path, 0o755))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "dir")
			must(t, os.Mkdir(dir, 0o755))
			path := filepath.Join(dir, "test.db")
			s := open(t, path, sqlite.Options{NoSync: true})
			w := newWriter(t, s)
			w.must(w.insert(1))
			must(t, s.Ready())
			if _, _, err := s.Load(t.Context(), 1); err != nil {
				t.Fatal(err)
			}

			c.take(t, dir, path)
			wantErr(t, s.Ready(), store.ErrLost)
			wantErr(t, w.commit(w.entry(1, 2)), store.ErrLost)
			_, err := s.Publish(t.Context(), 1, nil)
			wantErr(t, err, store.ErrLost)
			if u, ok := errors.AsType[*store.Unavailable](s.Ready()); !ok || u.Restart != c.restart {
				t.Errorf("got %+v, want restart %t", u, c.restart)
			}
			if _, _, err := s.Load(t.Context(), 1); err != nil {
				t.Errorf("what was read can still be read: %v", err)
			}
			if c.back == nil {
				return
			}
			c.back(t, dir, path)
			becomesReady(t, s)
			w.must(w.entry(1, 2)) // the one that failed was not written
			if got := entriesIn(t, path, 1); got != 2 {
				t.Errorf("%d entries are in the file, 2 were acknowledged", got)
			}
		})
	}
}

// TestRemovedLog removes the log or its index while the store is open. The next commit brings what was in it into the
// database before it is acknowledged: the next process, which has only what is at the path, finds everything.
func TestRemovedLog(t *testing.T) {
	t.Parallel()
	for name, suffixes := range map[string][]string{
		"log": {"-wal"}, "index": {"-shm"}, "both": {"-wal", "-shm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			s := open(t, path, sqlite.Options{})
			w := newWriter(t, s)
			w.must(w.insert(1))
			for seq := int64(2); seq < 10; seq++ {
				for _, suffix := range suffixes {
					must(t, os.Remove(path+suffix))
				}
				w.must(w.entry(1, seq))
				if got := entriesIn(t, path, 1); got != int(seq) {
					t.Fatalf("%d entries are in the files at the path, %d were acknowledged", got, seq)
				}
				if _, entries, err := s.Load(t.Context(), 1); err != nil || len(entries) != int(seq) {
					t.Fatalf("%d entries are read, %d were acknowledged: %v", len(entries), seq, err)
				}
			}
			must(t, s.Ready())
			wantOpenErr(t, path, store.ErrBusy, path) // the new log is locked as well
			must(t, os.Rename(path, path+".old"))
			wantOpenErr(t, path, store.ErrBusy, path)
			must(t, os.Rename(path+".old", path))
		})
	}
}

// TestTakenOver has another process write to the database as an owner does, past all locks. Nothing more is acknowledged.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"epoch":   "UPDATE lease SET epoch = epoch + 1",
		"node":    "UPDATE lease SET node = 'other', until = 1",
		"no more": "DELETE FROM lease",
		"journal": "INSERT INTO journal (pos, run, seq, at, data) SELECT max(pos) + 1, 0, max(pos) + 1, 1, x'00' FROM journal",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "test.db")
			s := open(t, path, sqlite.Options{})
			w := newWriter(t, s)
			w.must(w.insert(1))
			changeFile(t, path, sql)
			wantErr(t, w.commit(w.entry(1, 2)), store.ErrFenced)
			_, err := s.Renew(t.Context(), "node", 1, 1)
			wantErr(t, err, store.ErrFenced)
			_, err = s.Inline(t.Context(), "x", 1)
			wantErr(t, err, store.ErrFenced)
			if u, ok := errors.AsType[*store.Unavailable](s.Ready()); !ok || !u.Restart {
				t.Errorf("ready: %v", s.Ready())
			}
			if got := entriesIn(t, path, 1); got != 1 {
				t.Errorf("run 1 has %d entries", got)
			}
		})
	}
}

// TestOthersMayWrite: what other programs change for their own ends takes nothing over.
func TestOthersMayWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.Options{})
	w := newWriter(t, s)
	w.must(w.insert(1))
	for i, sql := range []string{
		"CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)", "INSERT INTO _litestream_seq VALUES (1, 1)",
		"UPDATE lease SET until = 5", "DELETE FROM record", "VACUUM",
	} {
		changeFile(t, path, sql)
		w.must(w.entry(1, int64(i)+2))
	}
}

// TestClosedLogIsEmpty: after a clean close the log does nothing to another database that is put in the place of this one.
func TestClosedLogIsEmpty(t *testing.T) {
	t.Parallel()
	path, backup := filepath.Join(t.TempDir(), "test.db"), filepath.Join(t.TempDir(), "backup.db")
	w := newWriter(t, open(t, path, sqlite.Options{}))
	w.must(w.insert(1))
	must(t, w.s.Close())
	copyFile(t, path, backup)

	s := open(t, path, sqlite.Options{})
	w = newWriter(t, s)
	w.must(w.insert(2))
	must(t, s.Close())
	copyFile(t, backup, path)

	s = open(t, path, sqlite.Options{})
	_, _, err := s.Load(t.Context(), 2)
	wantErr(t, err, store.ErrNotFound)
	if _, entries, err := s.Load(t.Context(), 1); err != nil || len(entries) != 1 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// TestLogOfAnotherName opens a database by another name than that under which its last user crashed: what was
// acknowledged is in a log that SQLite would not find.
func TestLogOfAnotherName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, crashed, link := filepath.Join(dir, "test.db"), filepath.Join(dir, "crashed.db"), filepath.Join(dir, "link.db")
	s := open(t, path, sqlite.Options{})
	w := newWriter(t, s)
	w.must(w.insert(1))
	copyFile(t, path, crashed)
	copyFile(t, path+"-wal", crashed+"-wal")
	must(t, os.Link(crashed, link))

	wantOpenErr(t, link, nil, crashed+"-wal")
	s = open(t, crashed, sqlite.Options{})
	if _, _, err := s.Load(t.Context(), 1); err != nil {
		t.Error(err)
	}
	must(t, s.Close())
	s = open(t, link, sqlite.Options{}) // after a clean close it does not matter
	if _, _, err := s.Load(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

// TestNoLockFile: there is nothing beside the files of SQLite that could be deleted.
func TestNoLockFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, filepath.Join(dir, "test.db"), sqlite.Options{})
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		switch path {
		case ".", "test.db", "test.db-wal", "test.db-shm":
		default:
			t.Error(path)
		}
		return err
	}))
}
