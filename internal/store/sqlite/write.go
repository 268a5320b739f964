package sqlite

import (
	"maestro/internal/store"
)

var insertRun = over(`
	INSERT OR FAIL INTO run (id, status, ended, wake, snapshot, workflow, instance, run, version, grp, parent, created, uuid, header)
	VALUES `, `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, ``)

// insertRuns inserts the new runs of all changes.
func (b *batch) insertRuns() error {
	b.pick(func(ch *store.RunChange) bool { return ch.Insert != nil })
	return insertRun.run(b.c, len(b.picked), func(s *stmt, i int) {
		r := b.picked[i].Insert
		var uuid []byte
		if r.UUID != [16]byte{} {
			uuid = r.UUID[:]
		}
		var snapshot int64
		if isSnapshot(b.picked[i]) {
			snapshot = b.picked[i].Seq
		}
		s.int(int64(r.ID)).int(int64(r.Status)).int(r.Ended).int(r.Wake).int(snapshot).
			int(r.Workflow).int(r.Instance).int(r.Run).int(r.Version).int(int64(r.Group)).int(int64(r.Parent)).
			int(r.Created).null(uuid).blob(r.Header)
	})
}

var insertEntry = over(`
	INSERT OR FAIL INTO journal (pos, run, seq, at, data)
	VALUES `, `(?, ?, ?, ?, ?)`, ``)

// insertEntries appends the journal entries of all changes.
func (b *batch) insertEntries() error {
	b.pick(func(ch *store.RunChange) bool { return ch.Entry != nil })
	return insertEntry.run(b.c, len(b.picked), func(s *stmt, i int) {
		ch := b.picked[i]
		b.pos++
		s.int(b.pos).int(int64(ch.ID)).int(ch.Seq).int(ch.At).blob(ch.Entry)
	})
}

var markSnapshot = over(`
	WITH v (id, seq) AS (VALUES `, `(?, ?)`, `)
	UPDATE OR FAIL run
	SET snapshot = v.seq
	FROM v
	WHERE run.id = v.id`)

// markSnapshots notes which entries of existing runs hold all that those before them came to.
func (b *batch) markSnapshots() error {
	b.pickNewest(func(ch *store.RunChange) bool { return ch.Insert == nil && isSnapshot(ch) })
	return markSnapshot.run(b.c, len(b.picked), func(s *stmt, i int) {
		s.int(int64(b.picked[i].ID)).int(b.picked[i].Seq)
	})
}

func isSnapshot(ch *store.RunChange) bool { return ch.Entry != nil && ch.Snapshot }

var updateRun = over(`
	WITH v (id, status, ended, wake) AS (VALUES `, `(?, ?, ?, ?)`, `)
	UPDATE OR FAIL run
	SET status = v.status,
	    ended = v.ended,
	    wake = v.wake
	FROM v
	WHERE run.id = v.id`)

// updateRuns writes the new values of existing runs.
func (b *batch) updateRuns() error {
	b.pickNewest(func(ch *store.RunChange) bool { return ch.Update != nil })
	return updateRun.run(b.c, len(b.picked), func(s *stmt, i int) {
		u := b.picked[i].Update
		s.int(int64(b.picked[i].ID)).int(int64(u.Status)).int(u.Ended).int(u.Wake)
	})
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

// pick collects the parts for which use returns true.
func (b *batch) pick(use func(*store.RunChange) bool) {
	b.picked = b.picked[:0]
	for _, ch := range b.parts {
		if use(ch) {
			b.picked = append(b.picked, ch)
		}
	}
}

// pickNewest collects, for each run, the last part for which use returns true: what is written to one row counts once.
func (b *batch) pickNewest(use func(*store.RunChange) bool) {
	clear(b.newest)
	b.picked = b.picked[:0]
	for _, ch := range b.parts {
		if !use(ch) {
			continue
		}
		if at, twice := b.newest[ch.ID]; twice {
			b.picked[at] = ch
			continue
		}
		b.newest[ch.ID] = len(b.picked)
		b.picked = append(b.picked, ch)
	}
}
