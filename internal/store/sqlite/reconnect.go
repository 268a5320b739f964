package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
)

// reconnect closes all connections and opens them anew. It helps where what they have open is not what the next process
// will find: the log or its index was removed, or the disk may not keep what was copied out of the log. It is called by
// who has the connection that writes. When it fails, c may be closed; the next transaction tries again.
func (s *Store) reconnect(ctx context.Context, c *conn) error {
	for range cap(s.readers) { // nobody reads meanwhile
		if r := <-s.readers; r != nil {
			_ = r.close()
		}
	}
	defer func() {
		for range cap(s.readers) {
			s.readers <- nil
		}
	}()
	if c.c != nil {
		// What is in a log that was removed is nowhere else. One that is still there is read again by those who open it.
		if !s.place.whole() && !copyLog(c) {
			return &store.Unavailable{
				Kind: store.ErrUnavailable,
				Reason: fmt.Sprintf("%s or %s was removed, and what was in the log cannot be copied into the database yet",
					s.path+logSuffix, s.path+shmSuffix),
			}
		}
		if err := s.disconnect(c); err != nil {
			return err
		}
	}
	if err := s.connect(ctx, c); err != nil {
		return err
	}
	s.unsure.Store(false)
	return nil
}

// disconnect closes the connection that writes and that of the checkpointer. The others must be closed. The log keeps its
// file when there is no limit to its size.
func (s *Store) disconnect(c *conn) error {
	if c.c == nil {
		return nil
	}
	if s.place != nil {
		k := <-s.copier
		if k != nil {
			_ = k.close()
		}
		s.copier <- nil
	}
	if s.fault == nil {
		if err := c.exec("PRAGMA journal_size_limit = -1"); err != nil {
			return err
		}
	}
	err := c.close()
	*c = conn{}
	return err
}

// finish closes the store's last connections. After that the database file alone is complete, unless another program
// has it open: the log is left empty, so that it does no harm to another database that is put in the place of this one.
func (s *Store) finish(c *conn) error {
	for range cap(s.readers) {
		if r := <-s.readers; r != nil {
			_ = r.close()
		}
	}
	copied := c.c != nil && s.fault == nil && !s.unsure.Load() && s.place != nil && copyLog(c)
	if err := s.disconnect(c); err != nil || !copied {
		return err
	}
	return s.place.empty()
}

// copyLog brings all that is in the log into the database, and reports whether it could.
func copyLog(c *conn) (ok bool) {
	var err error
	defer func() { ok = ok && err == nil }()
	defer catch(&err)

	inLog, copied, err := c.c.WALCheckpoint("main", sqlite3.CHECKPOINT_FULL)
	return err == nil && inLog == copied
}
