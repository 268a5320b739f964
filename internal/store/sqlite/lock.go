package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"maestro/internal/store"
)

// fileLock keeps other processes, and other stores of this one, from opening a database. The system drops it when the
// process ends, however it ends; the file itself stays, since removing it would let two processes lock two files of
// the same name.
type fileLock struct{ f *os.File }

// lockPatience is how long a lock may be held by nobody: a process that is killed while it starts another one leaves a
// copy of the descriptor to that one, until it executes its program.
const lockPatience = 2 * time.Second

// lockFile takes the lock that the file at path stands for. It returns store.ErrBusy if somebody has it and keeps it.
func lockFile(ctx context.Context, path string) (*fileLock, error) {
	for late := time.Now().Add(lockPatience); ; {
		f, err := openLocked(path)
		switch {
		case err == nil:
			return &fileLock{f: f}, nil
		case !errors.Is(err, errLocked):
			return nil, err
		case time.Now().After(late):
			return nil, fmt.Errorf("%w: %s is locked", store.ErrBusy, path)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
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
