package sqlite

import (
	"context"
	"errors"
	"slices"

	"maestro/internal/store"
)

// keepRuns removes the runs of a deleted workflow, and leaves of their journals what keep says. What stays has its place
// in the order of all entries, so who reads the feed misses nothing and reads nothing twice.
//
// A long journal goes from its end: what is left of it when this is interrupted is a journal of the same run still.
func (s *Store) keepRuns(ctx context.Context, internal int64, keep store.Keep) error {
	var cuts []cut
	rows := 0
	flush := func() error {
		err := s.write(ctx, "delete", func(c *conn) error {
			for i := range cuts {
				if err := cuts[i].apply(c); err != nil {
					return err
				}
			}
			return nil
		})
		cuts, rows = cuts[:0], 0
		return err
	}
	for {
		ids, err := s.runsOf(ctx, internal)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			r, entries, err := s.Load(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			kept, err := keep(ctx, r, entries)
			if err != nil {
				return err
			}
			for {
				n := min(len(entries), deleteRows-rows)
				c := cut{run: id, from: int64(len(entries)-n) + 1, whole: n == len(entries)}
				rest := len(kept)
				if n > 0 {
					rest, _ = slices.BinarySearchFunc(kept, entries[len(entries)-n].Pos, func(e store.Entry, pos int64) int { return int(e.Pos - pos) })
				}
				c.kept, kept, entries = kept[rest:], kept[:rest], entries[:len(entries)-n]
				cuts, rows = append(cuts, c), rows+n+1
				if rows >= deleteRows {
					if err := flush(); err != nil {
						return err
					}
				}
				if c.whole {
					break
				}
			}
		}
		if err := flush(); err != nil {
			return err
		}
	}
}

// runsOf returns some runs of a workflow, oldest first; none when there are none.
func (s *Store) runsOf(ctx context.Context, internal int64) (ids []store.RunID, err error) {
	err = s.read(ctx, "runs", func(c *conn) error {
		q := c.prepare(`
			SELECT id
			FROM run
			WHERE workflow = ?1
			ORDER BY instance, run
			LIMIT ?2`).int(internal).int(deleteRows)
		for q.next() {
			ids = append(ids, store.RunID(q.colInt(0)))
		}
		return q.done()
	})
	return ids, err
}

// cut is the end of a journal that goes, from an entry on, and what stays of it.
type cut struct {
	run   store.RunID
	from  int64 // seq
	whole bool  // it is the whole journal, and the run goes with it
	kept  []store.Entry
}

func (k *cut) apply(c *conn) error {
	for i := range k.kept {
		e := &k.kept[i]
		err := c.prepare(`
			UPDATE journal
			SET run = 0,
			    seq = pos,
			    data = ?1
			WHERE pos = ?2
			  AND run = ?3
			  AND seq >= ?4`).blob(e.Data).int(e.Pos).int(int64(k.run)).int(k.from).exec()
		if err != nil {
			return err
		}
	}
	err := c.prepare(`
		DELETE FROM journal
		WHERE run = ?1
		  AND seq >= ?2`).int(int64(k.run)).int(k.from).exec()
	if err != nil || !k.whole {
		return err
	}
	return c.prepare(`
		DELETE FROM run
		WHERE id = ?1`).int(int64(k.run)).exec()
}
