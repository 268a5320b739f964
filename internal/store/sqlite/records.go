package sqlite

import (
	"context"

	"maestro/internal/store"
)

// PutRecords implements store.Records.
func (s *Store) PutRecords(ctx context.Context, records ...store.Record) error {
	if len(records) == 0 {
		return nil
	}
	return s.write(ctx, "put records", func(c *conn) error { return putRecords(c, records) })
}

var insertRecord = over(`
	INSERT INTO record (kind, key, value)
	VALUES `, `(?, ?, ?)`, `
	ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`)

// putRecords writes records in order: those that merely replace together, as far as they follow each other.
func putRecords(c *conn, records []store.Record) error {
	for len(records) > 0 {
		n := 0
		for n < len(records) && records[n].Value != nil && !records[n].Unique {
			n++
		}
		list := records[:n]
		if err := insertRecord.run(c, n, func(s *stmt, i int) { bindRecord(s, &list[i]) }); err != nil {
			return err
		}
		if records = records[n:]; len(records) == 0 {
			break
		}
		if err := putRecord(c, &records[0]); err != nil {
			return err
		}
		records = records[1:]
	}
	return nil
}

// putRecord deletes a record or inserts one that must be new.
func putRecord(c *conn, r *store.Record) error {
	if r.Value == nil {
		return c.prepare(`
			DELETE FROM record
			WHERE kind = ?1
			  AND key = ?2`).text(r.Kind).text(r.Key).exec()
	}
	s := c.prepare(`
		INSERT INTO record (kind, key, value)
		VALUES (?1, ?2, ?3)
		ON CONFLICT (kind, key) DO NOTHING`)
	bindRecord(s, r)
	if err := s.exec(); err != nil {
		return err
	}
	if c.c.Changes() == 0 {
		return store.ErrExists
	}
	return nil
}

func bindRecord(s *stmt, r *store.Record) { s.text(r.Kind).text(r.Key).blob(r.Value) }

// Record implements store.Records.
func (s *Store) Record(ctx context.Context, kind, key string) ([]byte, error) {
	var value []byte
	err := s.read(ctx, "record", func(c *conn) error {
		q := c.prepare(`
			SELECT value
			FROM record
			WHERE kind = ?1
			  AND key = ?2`).text(kind).text(key)
		return q.must(func(q *stmt) { value = q.s.ColumnBlob(0, []byte{}) })
	})
	return value, err
}

// Scan implements store.Records.
func (s *Store) Scan(ctx context.Context, kind, prefix, after string, n int) ([]store.Record, error) {
	var records []store.Record
	err := s.read(ctx, "scan", func(c *conn) error {
		// Two statements, so that the end of the range is part of the index search when there is one.
		const (
			toEnd = `
				SELECT key, value
				FROM record
				WHERE kind = ?1
				  AND key >= ?2
				  AND key > ?3
				ORDER BY key
				LIMIT ?4`
			below = `
				SELECT key, value
				FROM record
				WHERE kind = ?1
				  AND key >= ?2
				  AND key > ?3
				  AND key < ?5
				ORDER BY key
				LIMIT ?4`
		)
		end, bounded := prefixEnd(prefix)
		sql := toEnd
		if bounded {
			sql = below
		}
		// One lower bound is enough for the search: the higher of the two.
		from := max(prefix, after)
		q := c.prepare(sql).text(kind).text(from).text(after).int(int64(n))
		if bounded {
			q.text(end)
		}
		for q.next() {
			records = append(records, store.Record{Kind: kind, Key: q.colText(0), Value: q.s.ColumnBlob(1, []byte{})})
		}
		return q.done()
	})
	return records, err
}

// prefixEnd returns the first string after all those that have the prefix, or false when there is none.
func prefixEnd(prefix string) (string, bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1}), true
		}
	}
	return "", false
}
