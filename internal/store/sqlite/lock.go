package sqlite

import (
	"errors"
	"fmt"
	"os"

	"maestro/internal/store"
)

// fileLock keeps other processes, and other stores of this one, from opening a database. The system drops it when the
// process ends, however it ends; the file itself stays, since removing it would let two processes lock two files of
// the same name.
type fileLock struct{ f *os.File }

// lockFile takes the lock that the file at path stands for, or returns store.ErrBusy at once.
func lockFile(path string) (*fileLock, error) {
	f, err := openLocked(path)
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("%w: %s is locked", store.ErrBusy, path)
	}
	if err != nil {
		return nil, err
	}
	return &fileLock{f: f}, nil
}

// release drops the lock. It may be called on nil. Closing the file is not enough: a process that is being started by
// another goroutine has a copy of the descriptor until it executes its program.
func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(unlock(l.f), l.f.Close())
}

// errLocked says that somebody else has the lock.
var errLocked = errors.New("locked")
