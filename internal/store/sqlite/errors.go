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
	}
	return fmt.Errorf("sqlite: %s: %w", what, explain(err))
}

// explain makes a *store.Unavailable of an error that says that the database cannot be used at present.
func explain(err error) error {
	if errors.Is(err, store.ErrUnavailable) {
		return err
	}
	u := &store.Unavailable{Kind: store.ErrUnavailable, Cause: err}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBroken):
		u.Restart, u.Reason = true, fmt.Sprintf("the connection to the database has broken (%v); restart the server", err)
	case isFull(err):
		u.Kind, u.Reason = store.ErrFull, "no space is left where the server keeps its state"
	case isLocked(err):
		u.Kind = store.ErrLocked
		u.Reason = "another program holds a lock on the database where the server keeps its state, such as a backup or an open transaction"
	case is(err, sqlite3.CORRUPT, sqlite3.NOTADB):
		u.Reason = fmt.Sprintf("the database is damaged (%v); stop the server and restore a backup", err)
	case is(err, sqlite3.IOERR, sqlite3.READONLY, sqlite3.CANTOPEN, sqlite3.PERM, sqlite3.AUTH, sqlite3.NOLFS):
		u.Reason = "the disk where the server keeps its state fails (" + err.Error() + ")"
	default:
		return err
	}
	return u
}

// is reports whether an error has one of the codes.
func is(err error, codes ...sqlite3.ErrorCode) bool {
	for _, c := range codes {
		if errors.Is(err, c) {
			return true
		}
	}
	return false
}

// isLocked says whether a lock of another connection was in the way.
func isLocked(err error) bool { return is(err, sqlite3.BUSY, sqlite3.LOCKED, sqlite3.PROTOCOL) }

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
