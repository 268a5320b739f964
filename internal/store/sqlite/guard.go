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
		runs := b.changes[i].Runs
		for k := range runs {
			r := &runs[k]
			if r.Insert != nil {
				continue
			}
			if _, known := b.runs[r.ID]; !known {
				b.runs[r.ID] = runState{}
				b.ids = append(b.ids, r.ID)
			}
		}
	}
	return runStates.query(b.c, len(b.ids),
		func(s *stmt, i int) { s.int(int64(b.ids[i])) },
		func(s *stmt) {
			b.runs[store.RunID(s.colInt(0))] = runState{exists: s.colInt(1) >= 0, last: s.colInt(1)}
		})
}

// guard refuses the changes from first to last-1 that are stale, and collects the others in ok and their parts in parts.
func (b *batch) guard(first, last int) {
	b.ok, b.parts = b.ok[:0], b.parts[:0]
	for i := first; i < last; i++ {
		ch := &b.changes[i]
		if !b.current(ch) {
			b.errs[i] = store.ErrStale
			b.restore()
			continue
		}
		b.ok = append(b.ok, i)
		for k := range ch.Runs {
			b.parts = append(b.parts, &ch.Runs[k])
		}
	}
}

// current reports whether no part of a change is stale, and follows what it makes of its runs.
func (b *batch) current(ch *store.Change) bool {
	b.former = b.former[:0]
	if epoch, leased := b.epochs[ch.Group]; !leased || epoch != ch.Epoch {
		return false
	}
	for k := range ch.Runs {
		r := &ch.Runs[k]
		was, known := b.runs[r.ID]
		is := was
		if r.Insert != nil {
			is = runState{exists: r.Insert.Group == ch.Group}
		}
		if !is.exists || r.Entry != nil && r.Seq != is.last+1 {
			return false
		}
		if r.Entry != nil {
			is.last = r.Seq
		}
		b.former = append(b.former, formerState{r.ID, known, was})
		b.runs[r.ID] = is
	}
	return true
}

// restore has the runs of the change looked at last be what they were before it.
func (b *batch) restore() {
	for i := len(b.former) - 1; i >= 0; i-- {
		if f := &b.former[i]; f.known {
			b.runs[f.id] = f.state
		} else {
			delete(b.runs, f.id)
		}
	}
	b.former = b.former[:0]
}
