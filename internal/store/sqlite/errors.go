package sqlite

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
)

// errClosed is returned by every method once Close has been called.
var errClosed = errors.New("sqlite: store is closed")

// wrap says what was tried and makes the driver's error one of package store where there is one for it. Errors of this
// border that are answers rather than faults (ErrStale, ErrNotFound, ...) pass through as they are.
func wrap(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrStale), errors.Is(err, store.ErrExists), errors.Is(err, store.ErrNotFound), errors.Is(err, errClosed):
		return err
	case errors.Is(err, sqlite3.INTERRUPT) && ctx.Err() != nil:
		err = context.Cause(ctx)
	case isFull(err):
		err = fmt.Errorf("%w: %w", store.ErrFull, err)
	case errors.Is(err, sqlite3.BUSY):
		err = fmt.Errorf("%w: %w", store.ErrBusy, err)
	}
	return fmt.Errorf("sqlite: %s: %w", what, err)
}

// isFull says whether there was no room for what was to be written.
func isFull(err error) bool {
	return errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR_SHMSIZE) || noRoom(err)
}

// noRoom says whether the system had no room for a write: on the disk, in a quota, or below the limit of a file's size.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// isConstraint says whether a unique key or a primary key was violated.
func isConstraint(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) ||
		errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) ||
		errors.Is(err, sqlite3.CONSTRAINT_ROWID)
}

// isData says whether an error is about the values of a row rather than about the database.
func isData(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT) || errors.Is(err, sqlite3.TOOBIG) || errors.Is(err, sqlite3.MISMATCH)
}

// catch turns a panic of the driver, which it raises when a connection's memory is exhausted, into an error. The
// connection that panicked must not be used again.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errBroken, p)
	}
}

// errBroken marks a connection as unusable.
var errBroken = errors.New("sqlite: driver panic")
