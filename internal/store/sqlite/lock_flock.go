//go:build unix && !linux && !darwin

package sqlite

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// lock locks the log only. A lock of an open file is always one of the whole file here, and the driver needs those of
// the database and the -shm file for SQLite. So a second process is kept out by whatever path has the same log.
func lock(f *os.File) error {
	if !strings.HasSuffix(f.Name(), logSuffix) {
		return nil
	}
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}

func unlock(f *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_UN))
}

// lockIndex would lock the index of the log against all who use it.
func lockIndex(*os.File) error { return errors.ErrUnsupported }

func unlockIndex(*os.File) error { return nil }
