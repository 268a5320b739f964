package sqlite

import (
	"context"

	"maestro/internal/store"
)

// runColumns are the columns of a run that scanRun reads; header is not among them because it is large.
const runColumns = `
	run.id, run.status, run.ended, run.wake, run.workflow, run.instance, run.run, run.version, run.grp, run.parent,
	run.created, run.uuid,
	(SELECT coalesce(max(seq), 0) FROM journal WHERE journal.run = run.id)`

// wholeColumns are the columns that scanWhole reads.
const wholeColumns = runColumns + `, run.header, run.snapshot`

// scanRun reads runColumns.
func scanRun(q *stmt) store.Run {
	r := store.Run{
		ID:       store.RunID(q.colInt(0)),
		Status:   uint8(q.colInt(1)),
		Ended:    q.colInt(2),
		Wake:     q.colInt(3),
		Workflow: q.colInt(4),
		Instance: q.colInt(5),
		Run:      q.colInt(6),
		Version:  q.colInt(7),
		Group:    int32(q.colInt(8)),
		Parent:   store.RunID(q.colInt(9)),
		Created:  q.colInt(10),
		Entries:  q.colInt(12),
	}
	copy(r.UUID[:], q.colRaw(11))
	return r
}

// scanWhole reads wholeColumns.
func scanWhole(q *stmt) store.Run {
	r := scanRun(q)
	r.Header, r.Snapshot = q.colBlob(13), q.colInt(14)
	return r
}

// Load implements store.Runs.
func (s *Store) Load(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	return s.load(ctx, id, func(*store.Run) int64 { return 0 })
}

// LoadPresent implements store.Runs.
func (s *Store) LoadPresent(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	return s.load(ctx, id, func(r *store.Run) int64 { return r.Snapshot })
}

// load returns a run and its entries from a seq on.
func (s *Store) load(ctx context.Context, id store.RunID, from func(*store.Run) int64) (r *store.Run, entries []store.Entry, err error) {
	err = s.read(ctx, "load", func(c *conn) error {
		if r, err = row(c, id); err != nil {
			return err
		}
		first := from(r)
		if first > r.Entries { // a deletion has dealt with it and was interrupted
			first = 0
		}
		entries = make([]store.Entry, 0, r.Entries-max(first-1, 0))
		q := c.prepare(`
			SELECT pos, run, seq, at, data
			FROM journal
			WHERE run = ?1
			  AND seq >= ?2
			ORDER BY seq`).int(int64(id)).int(first)
		for q.next() {
			entries = append(entries, scanEntry(q))
		}
		return q.done()
	})
	if err != nil {
		return nil, nil, err
	}
	return r, entries, nil
}

// Row implements store.Rows.
func (s *Store) Row(ctx context.Context, id store.RunID) (r *store.Run, err error) {
	err = s.read(ctx, "row", func(c *conn) error {
		r, err = row(c, id)
		return err
	})
	return r, err
}

func row(c *conn, id store.RunID) (*store.Run, error) {
	return oneRun(c.prepare(`
		SELECT ` + wholeColumns + `
		FROM run
		WHERE id = ?1`).int(int64(id)))
}

// Find implements store.Rows.
func (s *Store) Find(ctx context.Context, workflow, instance, run int64) (*store.Run, error) {
	var r *store.Run
	err := s.read(ctx, "find", func(c *conn) error {
		var err error
		if run == 0 {
			r, err = oneRun(c.prepare(`
				SELECT ` + wholeColumns + `
				FROM run
				WHERE workflow = ?1
				  AND instance = ?2
				ORDER BY run DESC
				LIMIT 1`).int(workflow).int(instance))
			return err
		}
		r, err = oneRun(c.prepare(`
			SELECT ` + wholeColumns + `
			FROM run
			WHERE workflow = ?1
			  AND instance = ?2
			  AND run = ?3`).int(workflow).int(instance).int(run))
		return err
	})
	return r, err
}

// FindUUID implements store.Rows.
func (s *Store) FindUUID(ctx context.Context, workflow int64, uuid [16]byte) (*store.Run, error) {
	var r *store.Run
	err := s.read(ctx, "find uuid", func(c *conn) error {
		var err error
		r, err = oneRun(c.prepare(`
			SELECT ` + wholeColumns + `
			FROM run
			WHERE workflow = ?1
			  AND uuid = ?2`).int(workflow).blob(uuid[:]))
		return err
	})
	return r, err
}

// oneRun returns the run with header that q selects, or store.ErrNotFound.
func oneRun(q *stmt) (*store.Run, error) {
	var r store.Run
	if err := q.must(func(q *stmt) { r = scanWhole(q) }); err != nil {
		return nil, err
	}
	return &r, nil
}
