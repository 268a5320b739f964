package sqlite

import (
	"math"

	"maestro/internal/store"
)

// readEpochs reads the epochs of all groups that the changes name.
func (b *batch) readEpochs() error {
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	for i := range b.changes {
		low, high = min(low, b.changes[i].Group), max(high, b.changes[i].Group)
	}
	s := b.c.prepare(`
		SELECT grp, epoch
		FROM lease
		WHERE grp BETWEEN ?1 AND ?2`)
	s.int(int64(low)).int(int64(high))
	for s.next() {
		b.epochs[int32(s.colInt(0))] = s.colInt(1)
	}
	return s.done()
}

// runStates reads what the guards must know of a list of runs.
var runStates = over(`
	WITH v (id) AS (VALUES `, `(?)`, `)
	SELECT v.id,
	       coalesce(
	         (SELECT max(seq) FROM journal WHERE journal.run = v.id),
	         (SELECT 0 FROM run WHERE run.id = v.id),
	         -1
	       )
	FROM v`)

// lookUp reads the state of the runs that the changes from first to last-1 are about, unless it is known already.
func (b *batch) lookUp(first, last int) error {
	b.ids = b.ids[:0]
	for i := first; i < last; i++ {
		ch := &b.changes[i]
		if ch.Insert != nil || ch.Update == nil && ch.Entry == nil {
			continue
		}
		if _, known := b.runs[ch.Run]; !known {
			b.runs[ch.Run] = runState{}
			b.ids = append(b.ids, ch.Run)
		}
	}
	return runStates.query(b.c, len(b.ids),
		func(s *stmt, i int) { s.int(int64(b.ids[i])) },
		func(s *stmt) {
			b.runs[store.RunID(s.colInt(0))] = runState{exists: s.colInt(1) >= 0, last: s.colInt(1)}
		})
}

// guard refuses the changes from first to last-1 that are stale and collects the others in ok.
func (b *batch) guard(first, last int) {
	b.ok = b.ok[:0]
	for i := first; i < last; i++ {
		ch := &b.changes[i]
		if epoch, leased := b.epochs[ch.Group]; !leased || epoch != ch.Epoch {
			b.errs[i] = store.ErrStale
			continue
		}
		if ch.Insert != nil || ch.Update != nil || ch.Entry != nil {
			r := b.runs[ch.Run]
			if ch.Insert != nil {
				r = runState{exists: true}
			}
			if !r.exists || ch.Entry != nil && ch.Seq != r.last+1 {
				b.errs[i] = store.ErrStale
				continue
			}
			if ch.Entry != nil {
				r.last = ch.Seq
			}
			b.runs[ch.Run] = r
		}
		b.ok = append(b.ok, i)
	}
}
