package sqlite

import "context"

// Prune implements store.Feed. Entries of no run are found in order of their position by journal_key, whose seq that is.
func (s *Store) Prune(ctx context.Context, at, pos int64, n int) (int, error) {
	removed := 0
	err := s.write(ctx, "prune", func(c *conn) error {
		var last int64
		q := c.prepare(`
			SELECT pos, at
			FROM journal
			WHERE run = 0
			  AND seq <= ?1
			ORDER BY seq
			LIMIT ?2`).int(pos).int(int64(n))
		for q.next() {
			if q.colInt(1) >= at {
				break
			}
			last = q.colInt(0)
		}
		if err := q.done(); err != nil || last == 0 {
			return err
		}
		if err := s.keepFloor(c); err != nil {
			return err
		}
		err := c.prepare(`
			DELETE FROM journal
			WHERE run = 0
			  AND seq <= ?1`).int(last).exec()
		removed = int(c.c.Changes())
		return err
	})
	return removed, err
}
