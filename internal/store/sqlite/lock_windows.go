package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks lockByte of an open file.
func lock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, &windows.Overlapped{Offset: lockByte})
	switch {
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return errLocked
	case err != nil:
		return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
	}
	return nil
}

func unlock(*os.File) error { return nil } // closing does it

// lockIndex would lock the index of the log against all who use it.
func lockIndex(*os.File) error { return errors.ErrUnsupported }

func unlockIndex(*os.File) error { return nil }
