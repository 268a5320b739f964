package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"maestro/internal/store"
)

// A store locks its files themselves and not a name for them, so a second process is refused by whatever path it comes:
// a symbolic or a hard link, another mount, the file after it was renamed. The system drops a lock when the process
// ends, however it ends. Programs that the process starts do not inherit it (O_CLOEXEC).
//
// It is a lock on a byte that SQLite never locks, and it belongs to the open file and not to the process: it neither
// hinders SQLite in any program, nor goes when some other descriptor of the file is closed.
//
// The -wal and -shm files are locked as well. They belong to the database by their name only, so a new database at the
// place of one that is still open would be given the log of that.

// lockByte follows those that SQLite locks: 0x40000000 to 0x400001ff.
const lockByte = 0x40000200

// lockPatience is how long a lock may be held by nobody: a process that is killed while it starts another one leaves a
// copy of the descriptor to that one, until it executes its program.
const lockPatience = 2 * time.Second

// errLocked says that somebody else has the lock.
var errLocked = errors.New("locked")

// fileLock is a file that is locked.
type fileLock struct {
	f  *os.File
	id os.FileInfo // which file it is
}

// lockFile opens the file at path, with flag, and locks it. It returns store.ErrBusy if somebody has the lock and keeps it.
func lockFile(ctx context.Context, path string, flag int) (*fileLock, error) {
	for late := time.Now().Add(lockPatience); ; {
		l, err := tryLock(path, flag)
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, err
		}
		if time.Now().After(late) {
			return nil, fmt.Errorf("%w: %s is locked", store.ErrBusy, path)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tryLock is lockFile without patience. errLocked is also its answer when path has come to mean another file meanwhile.
func tryLock(path string, flag int) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o666)
	if err != nil {
		return nil, err
	}
	l := &fileLock{f: f}
	if l.id, err = f.Stat(); err == nil {
		err = lock(f)
	}
	if err == nil && !l.isAt(path) {
		err = errLocked
	}
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// isAt reports whether path leads to the file.
func (l *fileLock) isAt(path string) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(l.id, now)
}

// release drops the lock. It may be called on nil. Closing the file is not enough: a process that is being started by
// another goroutine has a copy of the descriptor until it executes its program.
func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(unlock(l.f), l.f.Close())
}
