//go:build linux || darwin

package sqlite

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
)

// lock locks lockByte of an open file.
func lock(f *os.File) error { return setLock(f, lockByte, syscall.F_WRLCK) }

func unlock(f *os.File) error { return setLock(f, lockByte, syscall.F_UNLCK) }

// lockIndex locks the byte of the index that whoever uses the log has locked for reading, so that nobody does meanwhile.
func lockIndex(f *os.File) error { return setLock(f, 128, syscall.F_WRLCK) }

func unlockIndex(f *os.File) error { return setLock(f, 128, syscall.F_UNLCK) }

func setLock(f *os.File, at int64, kind int16) error {
	cmd := 37 // F_OFD_SETLK
	if runtime.GOOS == "darwin" {
		cmd = 90
	}
	for {
		err := syscall.FcntlFlock(f.Fd(), cmd, &syscall.Flock_t{Type: kind, Whence: io.SeekStart, Start: at, Len: 1})
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EACCES):
			return errLocked
		case err != nil:
			return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
		default:
			return nil
		}
	}
}
