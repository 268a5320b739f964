package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
)

// conn is one connection with the statements it has prepared. One goroutine uses it at a time. This file is all that
// knows the driver's way of binding and reading values.
type conn struct {
	c     *sqlite3.Conn
	stmts map[string]*stmt

	executed int64     // statements run since the connection was opened
	late     time.Time // when who has the connection that writes stops waiting for a lock
}

// openConn opens a connection and runs the pragmas, in order.
func openConn(ctx context.Context, uri string, pragmas []string) (_ *conn, err error) {
	defer catch(&err)

	raw, err := sqlite3.OpenContext(sqlite3.WithMaxMemory(ctx, maxMemory), uri)
	if err != nil {
		return nil, err
	}
	c := &conn{c: raw, stmts: map[string]*stmt{}}
	for _, p := range pragmas {
		if err := raw.Exec("PRAGMA " + p); err != nil {
			c.close()
			return nil, fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return c, nil
}

// maxMemory is how much one connection may allocate before SQLite itself reports that it is out of memory. It is address
// space, not memory.
const maxMemory = 1 << 30

// close releases the connection and its statements.
func (c *conn) close() (err error) {
	defer catch(&err)

	for _, s := range c.stmts {
		s.s.Close()
	}
	c.stmts = nil
	return c.c.Close()
}

// exec runs a statement without arguments.
func (c *conn) exec(sql string) error { return c.prepare(sql).exec() }

// prepare returns the connection's statement for sql, ready to be bound. A statement stays prepared as long as the
// connection lives, so sql must be one of a bounded set. An error shows when the statement is run.
func (c *conn) prepare(sql string) *stmt {
	s := c.stmts[sql]
	if s == nil {
		raw, _, err := c.c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			return &stmt{c: c, err: fmt.Errorf("prepare %q: %w", sql, err)}
		}
		s = &stmt{c: c, s: raw}
		c.stmts[sql] = s
	}
	s.bound, s.err = 0, nil
	return s
}

// stmt is a prepared statement. Its values are bound from left to right; it is run by exec, or by next until that
// returns false and then done. The first error sticks.
type stmt struct {
	c     *conn
	s     *sqlite3.Stmt
	bound int
	err   error
}

func (s *stmt) int(v int64) *stmt {
	if s.err == nil {
		s.bound++
		s.err = s.s.BindInt64(s.bound, v)
	}
	return s
}

func (s *stmt) text(v string) *stmt {
	if s.err == nil {
		s.bound++
		s.err = s.s.BindText(s.bound, v)
	}
	return s
}

// blob binds v, a nil one as an empty blob.
func (s *stmt) blob(v []byte) *stmt {
	if v == nil {
		v = []byte{}
	}
	return s.null(v)
}

// null binds v, a nil one as NULL.
func (s *stmt) null(v []byte) *stmt {
	if s.err == nil {
		s.bound++
		s.err = s.s.BindBlob(s.bound, v)
	}
	return s
}

func (s *stmt) exec() error {
	if s.err != nil {
		return s.err
	}
	s.c.executed++
	return s.s.Exec()
}

// next moves to the next row and says whether there is one.
func (s *stmt) next() bool { return s.err == nil && s.s.Step() }

// done ends the reading of rows, whether or not all of them were read, and returns what went wrong on the way.
func (s *stmt) done() error {
	if s.s == nil {
		return s.err
	}
	s.c.executed++
	if err := s.s.Err(); s.err == nil {
		s.err = err
	}
	if err := s.s.Reset(); s.err == nil {
		s.err = err
	}
	return s.err
}

// one runs a statement that returns at most one row, calls read if there is one, and says whether there was.
func (s *stmt) one(read func(*stmt)) (bool, error) {
	ok := s.next()
	if ok {
		read(s)
	}
	return ok, s.done()
}

func (s *stmt) colInt(i int) int64   { return s.s.ColumnInt64(i) }
func (s *stmt) colText(i int) string { return s.s.ColumnText(i) }

// colBlob returns a copy of a column, nil when it is NULL or empty.
func (s *stmt) colBlob(i int) []byte { return s.s.ColumnBlob(i, nil) }

// colRaw returns a column without copying it; it is valid until the next call on the statement.
func (s *stmt) colRaw(i int) []byte { return s.s.ColumnRawBlob(i) }

// must is one for a row that has to be there: store.ErrNotFound when it is not.
func (s *stmt) must(read func(*stmt)) error {
	ok, err := s.one(read)
	if err == nil && !ok {
		err = store.ErrNotFound
	}
	return err
}
