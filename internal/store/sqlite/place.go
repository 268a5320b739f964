package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"maestro/internal/store"
)

// What SQLite adds to the name of a database for the files that belong to it.
const (
	logSuffix = "-wal" // the log of changes
	shmSuffix = "-shm" // the index of the log, and the locks of its readers and writers
)

// place is where a database is kept: its path, and the files that were found or made there, each locked. A commit is
// kept only if the files that SQLite has open are still those that the path leads to, so that is what it tells.
type place struct {
	name string // absolute path as it was given
	path string // the same without symbolic links: the one that SQLite goes by

	db       *fileLock
	log, shm *fileLock // nil where there is no such file
}

// occupy locks the database at path, which it creates empty if there is none, and the files that belong to it.
func occupy(ctx context.Context, path string) (_ *place, err error) {
	p := &place{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.vacate())
		}
	}()
	if p.name, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if p.db, err = lockFile(ctx, p.name, os.O_CREATE); err != nil {
		return nil, err
	}
	if p.path, err = filepath.EvalSymlinks(p.name); err != nil {
		return nil, err
	}
	if err := p.checkNames(); err != nil {
		return nil, err
	}
	return p, p.occupyRest(ctx)
}

// occupyRest locks the log and its index, as far as they are there, and lets go of those that were there before.
func (p *place) occupyRest(ctx context.Context) error {
	if err := p.vacateRest(); err != nil {
		return err
	}
	for suffix, l := range map[string]**fileLock{logSuffix: &p.log, shmSuffix: &p.shm} {
		var err error
		if *l, err = lockFile(ctx, p.path+suffix, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (p *place) vacateRest() error {
	err := errors.Join(p.log.release(), p.shm.release())
	p.log, p.shm = nil, nil
	return err
}

// vacate drops all locks. It may be called on nil.
func (p *place) vacate() error {
	if p == nil {
		return nil
	}
	err := errors.Join(p.vacateRest(), p.db.release())
	p.db = nil
	return err
}

// checkNames refuses a file that has another name under which it has a log: SQLite looks for the log under the name that
// it is given, and would miss what is in the other one.
func (p *place) checkNames() error {
	if links(p.db.id) < 2 {
		return nil
	}
	entries, err := os.ReadDir(filepath.Dir(p.path))
	if err != nil {
		return err
	}
	for _, e := range entries {
		other := filepath.Join(filepath.Dir(p.path), e.Name())
		if other != p.path && e.Type().IsRegular() && p.db.isAt(other) && hasContent(other+logSuffix) {
			return fmt.Errorf("it is also called %s, and %s holds changes that were made under that name; open it as %s, or remove that name and its log",
				other, other+logSuffix, other)
		}
	}
	return nil
}

// hasContent reports whether a log has anything in it: one that was emptied begins with zeros.
func hasContent(log string) bool {
	f, err := os.Open(log)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [logHeader]byte
	n, _ := f.ReadAt(head[:], 0)
	return !bytes.Equal(head[:n], make([]byte, n))
}

// logHeader is the size of what a log begins with; without it, nothing in the log counts.
const logHeader = 32

// empty makes sure that nothing in the log counts any more, unless somebody uses it. All of it must be in the database.
func (p *place) empty() error {
	if p.log == nil || p.shm == nil || !p.whole() || lockIndex(p.shm.f) != nil {
		return nil
	}
	defer func() { _ = unlockIndex(p.shm.f) }() // closing the file unlocks it, too
	if fi, err := p.log.f.Stat(); err != nil || fi.Size() < logHeader {
		return err
	}
	_, err := p.log.f.WriteAt(make([]byte, logHeader), 0)
	return err
}

// check returns a store.ErrLost unless the path leads to the database.
func (p *place) check() error {
	if err := p.checkAt(p.name); err != nil || p.path == p.name {
		return err
	}
	return p.checkAt(p.path)
}

func (p *place) checkAt(path string) error {
	now, err := os.Stat(path)
	lost := &store.Unavailable{Kind: store.ErrLost, Cause: err}
	switch {
	case err == nil && os.SameFile(now, p.db.id):
		return nil
	case err == nil:
		lost.Reason = fmt.Sprintf("another file has taken the place of the database %s; restart the server to use that one", p.name)
		lost.Restart = true
	case errors.Is(err, fs.ErrNotExist):
		lost.Reason = fmt.Sprintf("the database %s was deleted or moved away; put it back, or restore a backup and restart the server", p.name)
	default:
		lost.Reason = fmt.Sprintf("the database %s cannot be reached (%v)", p.name, err)
	}
	return lost
}

// whole reports whether the log and its index are where SQLite has made them. Not every system has an index in a file.
func (p *place) whole() bool {
	return (p.log == nil || p.log.isAt(p.path+logSuffix)) && (p.shm == nil || p.shm.isAt(p.path+shmSuffix))
}
