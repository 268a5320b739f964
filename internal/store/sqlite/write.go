package sqlite

import (
	"maestro/internal/store"
)

var insertRun = over(`
	INSERT OR FAIL INTO run (id, status, ended, wake, workflow, instance, run, version, grp, parent, created, uuid, header)
	VALUES `, `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, `
	ON CONFLICT DO NOTHING`)

// insertRuns inserts the new runs of all changes and their children. A child whose key is taken is skipped; for a run of
// a change's own that is a conflict, and when the change is alone in the batch it is known whose.
func (b *batch) insertRuns() error {
	b.rows, b.owned = b.rows[:0], b.owned[:0]
	for _, i := range b.ok {
		ch := &b.changes[i]
		if ch.Insert != nil {
			b.rows, b.owned = append(b.rows, ch.Insert), append(b.owned, true)
			if len(b.ok) == 1 {
				if err := b.insertRows(); err != nil {
					return err
				}
				b.rows, b.owned = b.rows[:0], b.owned[:0]
			}
		}
		for k := range ch.Children {
			b.rows, b.owned = append(b.rows, &ch.Children[k]), append(b.owned, false)
			delete(b.runs, ch.Children[k].ID)
		}
	}
	return b.insertRows()
}

// insertRows inserts rows, and returns errConflict when one that is owned may be among those that were skipped.
func (b *batch) insertRows() error {
	return insertRun.run(b.c, len(b.rows),
		func(s *stmt, i int) {
			r := b.rows[i]
			var uuid []byte
			if r.UUID != [16]byte{} {
				uuid = r.UUID[:]
			}
			s.int(int64(r.ID)).int(int64(r.Status)).int(r.Ended).int(r.Wake).
				int(r.Workflow).int(r.Instance).int(r.Run).int(r.Version).int(int64(r.Group)).int(int64(r.Parent)).
				int(r.Created).null(uuid).blob(r.Header)
		},
		func(first, last int, changed int64) error {
			if changed == int64(last-first) {
				return nil
			}
			for _, owned := range b.owned[first:last] {
				if owned {
					return errConflict
				}
			}
			return nil
		})
}

var insertEntry = over(`
	INSERT OR FAIL INTO journal (pos, run, seq, at, data)
	VALUES `, `(?, ?, ?, ?, ?)`, ``)

// insertEntries appends the journal entries of all changes.
func (b *batch) insertEntries() error {
	b.pick(func(ch *store.Change) bool { return ch.Entry != nil })
	return insertEntry.run(b.c, len(b.picked), func(s *stmt, i int) {
		ch := &b.changes[b.picked[i]]
		b.pos++
		s.int(b.pos).int(int64(ch.Run)).int(ch.Seq).int(ch.At).blob(ch.Entry)
	}, nil)
}

// markSnapshots notes which entries hold all that those before them came to. They are few.
func (b *batch) markSnapshots() error {
	b.pick(func(ch *store.Change) bool { return ch.Entry != nil && ch.Snapshot })
	for _, i := range b.picked {
		ch := &b.changes[i]
		err := b.c.prepare(`
			UPDATE OR FAIL run
			SET snapshot = ?2
			WHERE id = ?1`).int(int64(ch.Run)).int(ch.Seq).exec()
		if err != nil {
			return err
		}
	}
	return nil
}

// pick collects the changes that are not refused and for which use returns true.
func (b *batch) pick(use func(*store.Change) bool) {
	b.picked = b.picked[:0]
	for _, i := range b.ok {
		if use(&b.changes[i]) {
			b.picked = append(b.picked, i)
		}
	}
}

var updateRun = over(`
	WITH v (id, status, ended, wake) AS (VALUES `, `(?, ?, ?, ?)`, `)
	UPDATE OR FAIL run
	SET status = v.status,
	    ended = v.ended,
	    wake = v.wake
	FROM v
	WHERE run.id = v.id`)

// updateRuns writes the new values of existing runs; of two changes of one run the later counts.
func (b *batch) updateRuns() error {
	clear(b.updated)
	b.picked = b.picked[:0]
	for _, i := range b.ok {
		ch := &b.changes[i]
		if ch.Update == nil {
			continue
		}
		if at, twice := b.updated[ch.Run]; twice {
			b.picked[at] = i
			continue
		}
		b.updated[ch.Run] = len(b.picked)
		b.picked = append(b.picked, i)
	}
	return updateRun.run(b.c, len(b.picked), func(s *stmt, i int) {
		ch := &b.changes[b.picked[i]]
		s.int(int64(ch.Run)).int(int64(ch.Update.Status)).int(ch.Update.Ended).int(ch.Update.Wake)
	}, nil)
}

// putRecords writes the records of all changes, in order.
func (b *batch) putRecords() error {
	for _, i := range b.ok {
		if err := putRecords(b.c, b.changes[i].Records); err != nil {
			return err
		}
	}
	return nil
}
