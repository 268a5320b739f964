package sqlite

import (
	"context"

	"maestro/internal/store"
)

// After implements store.Feed.
func (s *Store) After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	var entries []store.Entry
	err := s.read(ctx, "after", func(c *conn) error {
		if run != 0 {
			var err error
			entries, err = runAfter(c, pos, run, n)
			return err
		}
		q := c.prepare(`
			SELECT pos, run, seq, at, data
			FROM journal
			WHERE pos > ?1
			ORDER BY pos
			LIMIT ?2`).int(pos).int(int64(n))
		for q.next() {
			entries = append(entries, scanEntry(q))
		}
		return q.done()
	})
	return entries, err
}

// runAfter reads entries of one run. Within a run, seq grows with pos, so the seq of the entry at pos, when that belongs
// to the run, is where the index search starts; a reader that goes on where it stopped has such a pos.
func runAfter(c *conn, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	var seq int64
	_, err := c.prepare(`
		SELECT seq
		FROM journal
		WHERE pos = ?1
		  AND run = ?2`).int(pos).int(int64(run)).one(func(q *stmt) { seq = q.colInt(0) })
	if err != nil {
		return nil, err
	}
	var entries []store.Entry
	q := c.prepare(`
		SELECT pos, run, seq, at, data
		FROM journal
		WHERE run = ?1
		  AND seq > ?2
		  AND pos > ?3
		ORDER BY seq
		LIMIT ?4`).int(int64(run)).int(seq).int(pos).int(int64(n))
	for q.next() {
		entries = append(entries, scanEntry(q))
	}
	return entries, q.done()
}

// scanEntry reads the columns pos, run, seq, at and data.
func scanEntry(q *stmt) store.Entry {
	e := store.Entry{
		Pos:  q.colInt(0),
		Run:  store.RunID(q.colInt(1)),
		Seq:  q.colInt(2),
		At:   q.colInt(3),
		Data: q.colBlob(4),
	}
	if e.Run == 0 {
		e.Seq = 0
	}
	return e
}

// Publish implements store.Feed.
func (s *Store) Publish(ctx context.Context, at int64, data []byte) (int64, error) {
	var pos int64
	err := s.write(ctx, "publish", func(c *conn) error {
		var err error
		pos, err = s.publish(c, at, data)
		return err
	})
	return pos, err
}

// publish appends an entry that belongs to no run. A position that was taken by a transaction that then failed is never
// used: positions grow, they need not be dense.
func (s *Store) publish(c *conn, at int64, data []byte) (int64, error) {
	s.pos++
	err := c.prepare(`
		INSERT INTO journal (pos, run, seq, at, data)
		VALUES (?1, 0, ?1, ?2, ?3)`).int(s.pos).int(at).blob(data).exec()
	return s.pos, err
}

// lastPos finds out which position was given out last.
func lastPos(c *conn) (pos int64, err error) {
	_, err = c.prepare(`
		SELECT max((SELECT coalesce(max(pos), 0) FROM journal), pos)
		FROM journal_floor`).one(func(q *stmt) { pos = q.colInt(0) })
	return pos, err
}

// keepFloor makes sure that no position is given out again although its entry is about to be deleted.
func (s *Store) keepFloor(c *conn) error {
	return c.prepare(`
		UPDATE journal_floor
		SET pos = ?1`).int(s.pos).exec()
}
