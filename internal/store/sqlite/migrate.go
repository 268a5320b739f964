package sqlite

import (
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"maestro/internal/store"
)

// migrations are the steps from an empty database to the current schema. A file is never changed once released.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a file as ours ("MstG").
const applicationID = 0x4d737447

// migrate runs the migrations that the database has not seen, each in a transaction that also records it.
func migrate(c *conn) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	have, err := version(c)
	if err != nil {
		return err
	}
	if have > len(names) {
		return fmt.Errorf("%w: its schema has version %d, this program knows up to %d", store.ErrNewer, have, len(names))
	}
	for _, name := range names[have:] {
		if err := step(c, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// version returns the number of migrations that the database has seen, or an error when it is not ours.
func version(c *conn) (int, error) {
	var id, have, tables int64
	for sql, v := range map[string]*int64{
		"PRAGMA application_id":              &id,
		"PRAGMA user_version":                &have,
		"SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if _, err := c.prepare(sql).one(func(s *stmt) { *v = s.colInt(0) }); err != nil {
			return 0, err
		}
	}
	if id != applicationID && (have != 0 || tables != 0) {
		return 0, store.ErrForeign
	}
	return int(have), nil
}

// step runs one migration.
func step(c *conn, name string) error {
	script, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	err = c.c.Exec(fmt.Sprintf("BEGIN IMMEDIATE; %s; PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		script, applicationID, n))
	if err != nil {
		return c.rollback(err)
	}
	return nil
}
