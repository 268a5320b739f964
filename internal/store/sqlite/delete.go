package sqlite

import (
	"context"
	"errors"

	"maestro/internal/store"
)

// deleteRows is how many rows one transaction of Delete removes at most, so that a commit waits a few milliseconds for
// it and no longer.
const deleteRows = 500

// Delete implements store.Definitions. The first transaction takes the row away and notes what is left to do; those
// that follow do it, and the last one removes the note.
func (s *Store) Delete(ctx context.Context, id string, event []byte, now int64, keep store.Keep) error {
	var left []int64
	err := s.write(ctx, "delete", func(c *conn) error {
		w, err := workflow(c, id)
		if err == nil {
			err = s.deleteWorkflow(c, w, event, now)
		} else if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		q := c.prepare(`
			SELECT internal
			FROM deletion
			WHERE id = ?1`).text(id)
		for q.next() {
			left = append(left, q.colInt(0))
		}
		if err := q.done(); err != nil {
			return err
		}
		if len(left) == 0 {
			return store.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.deleteAll(ctx, left, keep)
}

// Purge implements store.Definitions.
func (s *Store) Purge(ctx context.Context, keep store.Keep) error {
	var left []int64
	err := s.read(ctx, "purge", func(c *conn) error {
		q := c.prepare(`
			SELECT internal
			FROM deletion
			WHERE internal > 0
			ORDER BY internal`)
		for q.next() {
			left = append(left, q.colInt(0))
		}
		return q.done()
	})
	if err != nil {
		return err
	}
	return s.deleteAll(ctx, left, keep)
}

// deleteAll removes what belonged to workflows whose rows are gone.
func (s *Store) deleteAll(ctx context.Context, left []int64, keep store.Keep) error {
	for _, internal := range left {
		if keep != nil {
			if err := s.keepRuns(ctx, internal, keep); err != nil {
				return err
			}
		}
		for gone := false; !gone; {
			err := s.write(ctx, "delete", func(c *conn) (err error) {
				gone, err = deleteSome(c, internal, deleteRows)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteWorkflow removes the row and writes down what must be remembered of it.
func (s *Store) deleteWorkflow(c *conn, w *store.Workflow, event []byte, now int64) error {
	err := c.prepare(`
		INSERT INTO retired (id, last_instance)
		VALUES (?1, max(?2, coalesce((SELECT max(instance) FROM run WHERE workflow = ?3), 0)))
		ON CONFLICT (id) DO UPDATE
		SET last_instance = max(last_instance, excluded.last_instance)`).
		text(w.ID).int(w.FirstInstance).int(w.Internal).exec()
	if err != nil {
		return err
	}
	err = c.prepare(`
		INSERT INTO deletion (internal, id)
		VALUES (?1, ?2)`).int(w.Internal).text(w.ID).exec()
	if err != nil {
		return err
	}
	err = c.prepare(`
		DELETE FROM workflow
		WHERE internal = ?1`).int(w.Internal).exec()
	if err != nil {
		return err
	}
	if event != nil {
		if _, err := s.publish(c, now, event); err != nil {
			return err
		}
	}
	return s.keepFloor(c)
}

// deleteSome removes up to n rows that belonged to a deleted workflow and says whether all are gone.
func deleteSome(c *conn, internal int64, n int64) (bool, error) {
	for _, part := range []func(*conn, int64, int64) (int64, error){deleteRuns, deleteVersions, deleteTimeline} {
		gone, err := part(c, internal, n)
		if err != nil {
			return false, err
		}
		if n -= gone; n <= 0 {
			return false, nil
		}
	}
	err := c.prepare(`
		DELETE FROM deletion
		WHERE internal = ?1`).int(internal).exec()
	return err == nil, err
}

// deleteRuns removes runs and, before each, its journal.
func deleteRuns(c *conn, internal, n int64) (int64, error) {
	left := n
	for left > 0 {
		var id int64
		found, err := c.prepare(`
			SELECT id
			FROM run
			WHERE workflow = ?1
			ORDER BY instance, run
			LIMIT 1`).int(internal).one(func(q *stmt) { id = q.colInt(0) })
		if err != nil || !found {
			return n - left, err
		}
		err = c.prepare(`
			DELETE FROM journal
			WHERE pos IN (
			  SELECT pos
			  FROM journal
			  WHERE run = ?1
			  LIMIT ?2
			)`).int(id).int(left).exec()
		if err != nil {
			return 0, err
		}
		if left -= c.c.Changes(); left <= 0 {
			break
		}
		err = c.prepare(`
			DELETE FROM run
			WHERE id = ?1`).int(id).exec()
		if err != nil {
			return 0, err
		}
		left--
	}
	return n - left, nil
}

// deleteVersions removes versions, fewer at a time than other rows because they are large.
func deleteVersions(c *conn, internal, n int64) (int64, error) {
	const weight = 10
	err := c.prepare(`
		DELETE FROM version
		WHERE rowid IN (
		  SELECT rowid
		  FROM version
		  WHERE workflow = ?1
		  LIMIT ?2
		)`).int(internal).int(n/weight + 1).exec()
	return c.c.Changes() * weight, err
}

func deleteTimeline(c *conn, internal, n int64) (int64, error) {
	err := c.prepare(`
		DELETE FROM timeline
		WHERE workflow = ?1
		  AND n IN (
		    SELECT n
		    FROM timeline
		    WHERE workflow = ?1
		    LIMIT ?2
		  )`).int(internal).int(n).exec()
	return c.c.Changes(), err
}
