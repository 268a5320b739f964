package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// disk is a file system whose writes to the log and syncs of it fail on demand, for the connection that writes. What is
// above it gathers writes, so that a commit is one write and one sync.
type disk struct {
	vfs.VFSFilename
	name string
	ops  atomic.Int64                        // writes and syncs so far
	hits atomic.Int64                        // those that failed
	fail atomic.Pointer[func(n int64) error] // asked before each; nil: all is well
	room atomic.Int64                        // how long the log can be; 0: without a limit
}

// disks numbers the file systems of all tests: the driver knows them by name.
var disks atomic.Int64

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{VFSFilename: vfs.Find("os").(vfs.VFSFilename), name: fmt.Sprint("disk-", disks.Add(1))}
	vfs.Register(d.name, d)
	t.Cleanup(func() { vfs.Unregister(d.name) })
	return d
}

// failWith makes every operation for which when returns true return err.
func (d *disk) failWith(err error, when func(n int64) bool) {
	f := func(n int64) error {
		if when(n) {
			return err
		}
		return nil
	}
	d.fail.Store(&f)
}

func (d *disk) heal() { d.fail.Store(nil) }

func (d *disk) next() error {
	n := d.ops.Add(1)
	f := d.fail.Load()
	if f == nil {
		return nil
	}
	err := (*f)(n)
	if err != nil {
		d.hits.Add(1)
	}
	return err
}

func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := d.VFSFilename.OpenFilename(name, flags)
	if err == nil && flags&vfs.OPEN_WAL != 0 {
		f = diskFile{f, d}
	}
	return f, out, err
}

type diskFile struct {
	vfs.File
	d *disk
}

func (f diskFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.d.next(); err != nil {
		return 0, err
	}
	if room := f.d.room.Load(); room > 0 && off+int64(len(p)) > room {
		f.d.hits.Add(1)
		return 0, &fs.PathError{Op: "write", Path: "log", Err: syscall.EFBIG}
	}
	return f.File.WriteAt(p, off)
}

func (f diskFile) Sync(flags vfs.SyncFlag) error {
	if err := f.d.next(); err != nil {
		return err
	}
	return f.File.Sync(flags)
}

func always(int64) bool { return true }

func TestDiskFullThenSpaceAgain(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.WithVFS(sqlite.Options{}, d.name))
	w := newWriter(t, s)
	w.must(w.insert(1))

	d.failWith(sqlite3.FULL, always)
	for _, err := range s.Commit(t.Context(), []store.Change{w.entry(1, 2), w.insert(2)}) {
		wantErr(t, err, store.ErrFull)
	}
	if _, entries, err := s.Load(t.Context(), 1); err != nil || len(entries) != 1 {
		t.Errorf("while the disk is full: %d entries, %v", len(entries), err)
	}
	d.heal()
	w.must(w.entry(1, 2))
	w.must(w.insert(2))
	s.Close()

	s = open(t, path, sqlite.Options{})
	if _, entries, err := s.Load(t.Context(), 1); err != nil || len(entries) != 2 {
		t.Errorf("opened again: %d entries, %v", len(entries), err)
	}
}

// TestFullLogIsCopied: when the log cannot grow any more but the database can, the log is copied into it, and commits go on.
func TestFullLogIsCopied(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.WithVFS(sqlite.Options{}, d.name))
	w := newWriter(t, s)
	const room, size = 17 << 20, 256 << 10 // a little more than it has from the beginning
	d.room.Store(room)
	last := int64(0)
	for start := time.Now(); last < 3*room/size; {
		ch := w.insert(last + 1)
		ch.Runs[0].Entry = make([]byte, size)
		switch err := w.commit(ch); {
		case err == nil:
			last++
		case !errors.Is(err, store.ErrFull):
			t.Fatal(err)
		case time.Since(start) > time.Minute:
			t.Fatalf("after %d runs nothing can be written", last)
		default:
			time.Sleep(time.Millisecond)
		}
	}
	if d.hits.Load() == 0 {
		t.Error("the log was never full")
	}
	s.Close()
	s = open(t, path, sqlite.Options{})
	for n := range last {
		if _, entries, err := s.Load(t.Context(), store.RunID(n+1)); err != nil || len(entries) != 1 {
			t.Errorf("run %d: %d entries, %v", n+1, len(entries), err)
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Options{MaxBytes: 1 << 20})
	w := newWriter(t, s)
	var err error
	n := int64(0)
	for err == nil && n < 10_000 {
		n++
		err = w.commit(w.insert(n))
	}
	wantErr(t, err, store.ErrFull)
	if _, _, err := s.Load(t.Context(), store.RunID(n-1)); err != nil {
		t.Errorf("the run before: %v", err)
	}
}

// TestEachWriteFailsOnce fails the first write to the log, then the second, and so on, of a few commits, and checks each
// time that what was acknowledged is there, that nothing else is half there, and that the store goes on. Each commit is a
// change of many runs.
func TestEachWriteFailsOnce(t *testing.T) {
	t.Parallel()
	const children = 70 // more than a statement is about
	for _, fault := range []error{sqlite3.IOERR_WRITE, sqlite3.FULL} {
		for nth := int64(1); nth <= 12; nth++ {
			t.Run(fmt.Sprintf("%v/%d", fault, nth), func(t *testing.T) {
				d := newDisk(t)
				path := filepath.Join(t.TempDir(), "test.db")
				s := open(t, path, sqlite.WithVFS(sqlite.Options{}, d.name))
				w := newWriter(t, s)
				from := d.ops.Load()
				d.failWith(fault, func(n int64) bool { return n == from+nth })

				acked := map[int64]int64{} // entries of each run
				for n := int64(1); n <= 5; n++ {
					for acked[n] < 3 {
						ch := w.change(n, acked[n]+1)
						for child := range int64(children) { // each of a run's children has as many entries
							ch.Runs = append(ch.Runs, w.change(100*n+child, acked[n]+1).Runs...)
						}
						err := w.commit(ch)
						if err == nil {
							acked[n]++
							continue
						}
						if errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrExists) {
							t.Fatalf("run %d: a failed commit was applied: %v", n, err)
						}
					}
				}
				s.Close()
				if d.hits.Load() != 1 {
					t.Errorf("%d writes failed", d.hits.Load())
				}

				s = open(t, path, sqlite.Options{})
				for n, want := range acked {
					for child := int64(-1); child < children; child++ {
						id := n
						if child >= 0 {
							id = 100*n + child
						}
						_, entries, err := s.Load(t.Context(), store.RunID(id))
						if err != nil || int64(len(entries)) != want {
							t.Errorf("run %d: %d entries of %d, %v", id, len(entries), want, err)
						}
					}
				}
			})
		}
	}
}

// TestUnreadyWhileWritesFail has writes fail in all ways of a disk. Callers are told that the store is unavailable, and why,
// and so does Ready, until a write of the store's own succeeds. What was acknowledged is there, and nothing is there twice.
func TestUnreadyWhileWritesFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault, kind error
		reason      string
	}{
		{sqlite3.IOERR_WRITE, store.ErrUnavailable, "disk I/O error"},
		{sqlite3.IOERR_FSYNC, store.ErrUnavailable, "disk I/O error"},
		{sqlite3.READONLY, store.ErrUnavailable, "readonly"},
		{&fs.PathError{Op: "write", Path: "log", Err: syscall.EROFS}, store.ErrUnavailable, "read-only file system"},
		{&fs.PathError{Op: "write", Path: "log", Err: syscall.EIO}, store.ErrUnavailable, "input/output error"},
		{&fs.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC}, store.ErrFull, "no space"},
		{&fs.PathError{Op: "write", Path: "log", Err: syscall.EDQUOT}, store.ErrFull, "no space"},
	} {
		t.Run(c.fault.Error(), func(t *testing.T) {
			t.Parallel()
			d := newDisk(t)
			path := filepath.Join(t.TempDir(), "test.db")
			s := open(t, path, sqlite.WithVFS(sqlite.Options{}, d.name))
			w := newWriter(t, s)
			w.must(w.insert(1))
			d.failWith(c.fault, always)
			err := w.commit(w.entry(1, 2))
			wantErr(t, err, c.kind)
			if u, ok := errors.AsType[*store.Unavailable](err); !ok || !strings.Contains(u.Reason, c.reason) || u.Restart {
				t.Errorf("got %+v", u)
			}
			wantErr(t, s.Ready(), c.kind)
			if _, entries, err := s.Load(t.Context(), 1); err != nil || len(entries) != 1 {
				t.Errorf("%d entries can be read: %v", len(entries), err)
			}
			d.heal()
			becomesReady(t, s)
			w.must(w.entry(1, 2))
		})
	}
}
