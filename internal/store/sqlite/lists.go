package sqlite

import (
	"context"
	"math"
	"strconv"
	"strings"

	"maestro/internal/store"
)

// List implements store.Rows.
func (s *Store) List(ctx context.Context, q store.RunQuery) ([]store.Run, error) {
	var runs []store.Run
	err := s.read(ctx, "list", func(c *conn) error {
		var err error
		runs, err = list(c, q)
		return err
	})
	return runs, err
}

func list(c *conn, q store.RunQuery) ([]store.Run, error) {
	to, limit := q.To, int64(q.Limit)
	if to == 0 {
		to = math.MaxInt64
	}
	if limit == 0 {
		limit = -1
	}
	st := c.prepare(listSQL(q))
	st.int(q.Workflow).int(q.From).int(to).int(limit)
	if q.Instance != 0 || len(q.Statuses) > 0 {
		st.int(q.Instance)
	}
	if len(q.Statuses) > 0 {
		st.text(statusList(q.Statuses))
	}
	scan := scanRun
	if q.Header {
		scan = scanWhole
	}
	var runs []store.Run
	for st.next() {
		runs = append(runs, scan(st))
	}
	return runs, st.done()
}

// listSQL writes the statement of a query. There is one for each combination of its flags.
func listSQL(q store.RunQuery) string {
	var b strings.Builder
	columns := runColumns
	if q.Header {
		columns = wholeColumns
	}
	b.WriteString("SELECT " + columns)
	b.WriteString(`
		FROM run
		WHERE workflow = ?1`)
	if q.Instance != 0 {
		b.WriteString(`
		  AND instance = ?5
		  AND run BETWEEN ?2 AND ?3`)
	} else {
		b.WriteString(`
		  AND instance BETWEEN ?2 AND ?3`)
	}
	if q.Latest {
		b.WriteString(`
		  AND run = (
		    SELECT max(newest.run)
		    FROM run AS newest
		    WHERE newest.workflow = run.workflow
		      AND newest.instance = run.instance
		  )`)
	}
	if len(q.Statuses) > 0 {
		// The plus keeps SQLite from going by run_status, after which it would have to sort.
		b.WriteString(`
		  AND +status IN (SELECT value FROM json_each(?6))`)
	}
	if q.Desc {
		b.WriteString(`
		ORDER BY instance DESC, run DESC`)
	} else {
		b.WriteString(`
		ORDER BY instance, run`)
	}
	b.WriteString(`
		LIMIT ?4`)
	return b.String()
}

// statusList writes statuses as a JSON array, SQLite's way to take a list in one parameter.
func statusList(statuses []uint8) string {
	b := []byte{'['}
	for i, s := range statuses {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(s), 10)
	}
	return string(append(b, ']'))
}

// Counts implements store.Rows.
func (s *Store) Counts(ctx context.Context, workflow int64) (store.Counts, error) {
	counts := store.Counts{ByStatus: map[uint8]int64{}}
	err := s.read(ctx, "counts", func(c *conn) error {
		q := c.prepare(`
			SELECT status, count(*)
			FROM run
			WHERE workflow = ?1
			GROUP BY status`).int(workflow)
		for q.next() {
			counts.ByStatus[uint8(q.colInt(0))] = q.colInt(1)
		}
		if err := q.done(); err != nil {
			return err
		}
		_, err := c.prepare(`
			SELECT coalesce(max(instance), 0)
			FROM run
			WHERE workflow = ?1`).int(workflow).one(func(q *stmt) { counts.MaxInstance = q.colInt(0) })
		return err
	})
	return counts, err
}

// Newest implements store.Rows.
func (s *Store) Newest(ctx context.Context) (store.RunID, error) {
	var id store.RunID
	err := s.read(ctx, "newest", func(c *conn) error {
		_, err := c.prepare(`
			SELECT coalesce(max(id), 0)
			FROM run`).one(func(q *stmt) { id = store.RunID(q.colInt(0)) })
		return err
	})
	return id, err
}

// Live implements store.Rows.
func (s *Store) Live(ctx context.Context, group int32, after store.RunID, n int) ([]store.Run, error) {
	var runs []store.Run
	err := s.read(ctx, "live", func(c *conn) error {
		q := c.prepare(`
			SELECT ` + wholeColumns + `
			FROM run
			WHERE grp = ?1
			  AND ended = 0
			  AND id > ?2
			ORDER BY id
			LIMIT ?3`).int(int64(group)).int(int64(after)).int(int64(n))
		for q.next() {
			runs = append(runs, scanWhole(q))
		}
		return q.done()
	})
	return runs, err
}

// Due implements store.Rows.
func (s *Store) Due(ctx context.Context, group int32, t int64, n int) ([]store.Run, error) {
	var runs []store.Run
	err := s.read(ctx, "due", func(c *conn) error {
		q := c.prepare(`
			SELECT ` + runColumns + `
			FROM run
			WHERE grp = ?1
			  AND wake > 0
			  AND wake <= ?2
			ORDER BY wake, id
			LIMIT ?3`).int(int64(group)).int(t).int(int64(n))
		for q.next() {
			runs = append(runs, scanRun(q))
		}
		return q.done()
	})
	return runs, err
}
