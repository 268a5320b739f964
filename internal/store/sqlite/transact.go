package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
)

// write runs f in a transaction on the connection that writes, and returns once the transaction is durable. The context
// ends the wait for the connection, never a transaction under way: those are short, and an interrupted one would leave
// the caller with an unknown result for nothing.
func (s *Store) write(ctx context.Context, what string, f func(*conn) error) error {
	c, err := s.acquire(ctx)
	if err != nil {
		return wrap(ctx, what, err)
	}
	defer s.release(c)
	return wrap(ctx, what, s.transact(ctx, c, func() error { return f(c) }))
}

// acquire takes the connection that writes. Who has it also has the fields of the store that it guards.
func (s *Store) acquire(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case <-s.closed:
		return nil, errClosed
	default:
	}
	var c *conn
	late := time.Now().Add(s.opt.LockWait)
	select {
	case c = <-s.writer:
	default:
		var err error
		if c, err = s.queue(ctx); err != nil {
			return nil, err
		}
	}
	if s.fault != nil {
		defer func() { s.writer <- c }()
		return nil, s.fault
	}
	c.late = late
	return c, nil
}

// queue waits for the connection that writes, but not longer than opt.LockWait for one whose user waits for another
// program: all who queue wait for the same lock, and one after the other would wait for ever.
func (s *Store) queue(ctx context.Context) (*conn, error) {
	patience := time.NewTimer(s.opt.LockWait)
	defer patience.Stop()
	for {
		select {
		case c := <-s.writer:
			return c, nil
		case <-s.closed:
			return nil, errClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-patience.C:
			if s.barred.Load() {
				return nil, locked(nil)
			}
			patience.Reset(s.opt.LockWait)
		}
	}
}

// release gives the connection back, and wakes the checkpointer when the log has become long, or as long as it can.
func (s *Store) release(c *conn) {
	s.writer <- c
	if s.frames.Load() < frames && !s.cramped.Load() {
		return
	}
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// transact runs f in an immediate transaction, which is rolled back when f returns an error. When it returns nil, what f
// wrote is in the files that the path of the database leads to.
func (s *Store) transact(ctx context.Context, c *conn, f func() error) (err error) {
	defer func() { s.note(err) }()
	defer func() { err = explain(s.withCause(err)) }()

	if s.place == nil {
		return s.transaction(ctx, c, f)
	}
	if err := s.place.check(); err != nil {
		return err
	}
	if c.c == nil || s.unsure.Load() || !s.place.whole() {
		if err := s.reconnect(ctx, c); err != nil {
			return err
		}
	}
	if err := s.transaction(ctx, c, f); err != nil {
		return err
	}
	if err := s.place.check(); err != nil {
		return err
	}
	if s.place.whole() {
		return nil
	}
	return s.reconnect(ctx, c) // which brings the transaction into the database
}

// withCause adds what the system said about the disk, which SQLite forgets while it rolls back.
func (s *Store) withCause(err error) error {
	if s.disk == nil || !is(err, sqlite3.IOERR, sqlite3.READONLY) {
		return err
	}
	return fmt.Errorf("%w: %w", err, s.disk)
}

// transaction is transact without regard to the files.
func (s *Store) transaction(ctx context.Context, c *conn, f func() error) (err error) {
	before := c.executed
	defer func() { s.statements.Add(c.executed - before) }()
	defer catch(&err)

	s.pending, s.disk = nil, nil
	if err := s.begin(ctx, c); err != nil {
		return err
	}
	s.commits.Add(1)
	if err := s.verify(c); err != nil {
		return c.rollback(err)
	}
	if err := f(); err != nil {
		return c.rollback(err)
	}
	if err := c.exec("COMMIT"); err != nil {
		return c.rollback(err)
	}
	if s.pending != nil {
		s.leases = s.pending
	}
	return nil
}

// begin begins a transaction. It waits until c.late while another program holds the lock that takes, but for ctx and
// Close no longer than they want.
func (s *Store) begin(ctx context.Context, c *conn) error {
	err := c.exec("BEGIN IMMEDIATE")
	if !isLocked(err) {
		return err
	}
	s.barred.Store(true)
	defer s.barred.Store(false)
	for wait := time.Millisecond; ; wait = min(2*wait, 20*time.Millisecond) {
		left := time.Until(c.late)
		if left <= 0 {
			return err
		}
		select {
		case <-time.After(min(wait, left)):
		case <-s.closed:
			return errClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err = c.exec("BEGIN IMMEDIATE"); !isLocked(err) {
			return err
		}
	}
}

// rollback ends a transaction, unless SQLite has done so by itself as it does when the disk is full, and returns why,
// with what went wrong on the way.
func (c *conn) rollback(why error) error {
	if c.c.GetAutocommit() {
		return why
	}
	if err := c.exec("ROLLBACK"); err != nil {
		return errors.Join(why, err)
	}
	return why
}

// read runs f on a connection that reads, in one snapshot of the database.
func (s *Store) read(ctx context.Context, what string, f func(*conn) error) error {
	if s.readers == nil {
		return s.readInMemory(ctx, what, f)
	}
	if err := ctx.Err(); err != nil {
		return wrap(ctx, what, context.Cause(ctx))
	}
	select {
	case <-s.closed:
		return errClosed
	default:
	}
	for tries := 0; ; tries++ {
		select {
		case c := <-s.readers:
			c, err := s.readOn(ctx, c, f)
			s.readers <- c
			switch {
			case tries <= s.opt.Readers && errors.Is(err, store.ErrLost): // there may be a connection that is open
				continue
			case tries <= s.opt.Readers && errors.Is(err, errNotWhole):
				if err = s.write(ctx, what, func(*conn) error { return nil }); err == nil { // which mends it
					continue
				}
			}
			return wrap(ctx, what, err)
		case <-s.closed:
			return errClosed
		case <-ctx.Done():
			return wrap(ctx, what, context.Cause(ctx))
		}
	}
}

// errNotWhole says that the log was removed, or its index: a connection that is opened now would make another one.
var errNotWhole = errors.New("sqlite: log removed")

// openReader opens a connection that reads the same files as the one that writes.
func (s *Store) openReader(ctx context.Context) (*conn, error) {
	check := func() error {
		if err := s.place.check(); err != nil || s.place.whole() {
			return err
		}
		return errNotWhole
	}
	if err := check(); err != nil {
		return nil, err
	}
	c, err := openConn(ctx, s.uri("mode=rw"), s.readerPragmas())
	if err != nil {
		return nil, err
	}
	if err := check(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// readOn is read on connection c, which it opens when it is nil. It returns the connection to keep.
func (s *Store) readOn(ctx context.Context, c *conn, f func(*conn) error) (_ *conn, err error) {
	if c == nil {
		if c, err = s.openReader(ctx); err != nil {
			return nil, err
		}
	}
	err = c.snapshot(ctx, f)
	if errors.Is(err, errBroken) {
		return nil, errors.Join(err, c.close())
	}
	return c, err
}

// snapshot runs f in one read transaction, which ctx interrupts.
func (c *conn) snapshot(ctx context.Context, f func(*conn) error) (err error) {
	defer catch(&err)

	never := c.c.SetInterrupt(ctx)
	if err = c.exec("BEGIN"); err == nil {
		err = f(c)
	}
	c.c.SetInterrupt(never) // or it would interrupt the rollback too
	return c.rollback(err)
}

// readInMemory reads on the connection that writes: a database in memory has no other.
func (s *Store) readInMemory(ctx context.Context, what string, f func(*conn) error) error {
	c, err := s.acquire(ctx)
	if err != nil {
		return wrap(ctx, what, err)
	}
	defer s.release(c)
	err = c.snapshot(ctx, f)
	s.note(explain(err))
	return wrap(ctx, what, err)
}
