package sqlite

import (
	"fmt"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// logVFS is the name under which the driver, which keeps a table of file systems, knows that of the connection that writes.
func (s *Store) logVFS() string { return fmt.Sprintf("maestro-log-%p", s) }

// gather makes the file system known to the driver. It must be forgotten when no connection uses it any more.
func (s *Store) gather(base string) {
	vfs.Register(s.logVFS(), gathering{vfs.Find(base).(vfs.VFSFilename), &s.disk})
}

func (s *Store) forgetVFS() { vfs.Unregister(s.logVFS()) }

// gathering is the driver's file system, except that what SQLite writes to the log, two small pieces for each page,
// reaches the system in one call for each commit. Half the time of a commit of some size went into those calls.
//
// It needs synchronous = FULL. Then SQLite asks for a sync before it tells any other connection of a commit, so nobody
// looks for what is still in the buffer: other connections do not know of it, and this one reads through logFile.
type gathering struct {
	vfs.VFSFilename
	failed *error // where the last error of the log goes: SQLite keeps no more of it than its kind
}

// OpenFilename implements vfs.VFSFilename.
func (g gathering) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, out, err := g.VFSFilename.OpenFilename(name, flags)
	if err == nil && flags&vfs.OPEN_WAL != 0 {
		f = &logFile{File: f, failed: g.failed}
	}
	return f, out, err
}

// logFile gathers writes that follow each other. Like a connection, it is used by one goroutine at a time.
type logFile struct {
	vfs.File
	failed  *error
	at      int64 // where pending belongs
	pending []byte
}

// gatherMax is how much is gathered before it is written anyway.
const gatherMax = 1 << 20

// WriteAt implements vfs.File.
func (f *logFile) WriteAt(p []byte, off int64) (int, error) {
	if off != f.at+int64(len(f.pending)) || len(f.pending)+len(p) > gatherMax {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.at = off
	}
	f.pending = append(f.pending, p...)
	return len(p), nil
}

// flush writes what is pending. When that fails it stays unwritten: SQLite then gives the commit up, and the next one
// writes the same place again.
func (f *logFile) flush() error {
	if len(f.pending) == 0 {
		return nil
	}
	_, err := f.File.WriteAt(f.pending, f.at)
	f.pending = f.pending[:0]
	if noRoom(err) {
		return vfs.SystemError(err, sqlite3.FULL) // else SQLite takes it for a broken disk
	}
	return f.note(err)
}

// note keeps an error.
func (f *logFile) note(err error) error {
	if err != nil {
		*f.failed = err
	}
	return err
}

// ReadAt implements vfs.File.
func (f *logFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

// Sync implements vfs.File.
func (f *logFile) Sync(flags vfs.SyncFlag) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.note(f.File.Sync(flags))
}

// Truncate implements vfs.File.
func (f *logFile) Truncate(size int64) error {
	if err := f.flush(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

// Size implements vfs.File.
func (f *logFile) Size() (int64, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.File.Size()
}
