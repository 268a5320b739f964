package sqlite

import (
	"context"
	"errors"

	"maestro/internal/store"
)

// Define implements store.Definitions.
func (s *Store) Define(ctx context.Context, d store.DefinitionChange) (store.Workflow, error) {
	var row store.Workflow
	err := s.write(ctx, "define", func(c *conn) error {
		var err error
		row, err = s.define(c, d)
		return err
	})
	return row, err
}

func (s *Store) define(c *conn, d store.DefinitionChange) (store.Workflow, error) {
	write := updateWorkflow
	if d.Workflow.Internal == 0 {
		write = insertWorkflow
	}
	if err := write(c, d); err != nil {
		return store.Workflow{}, err
	}
	row, err := workflow(c, d.Workflow.ID)
	if err != nil {
		return store.Workflow{}, err
	}
	if d.Version != nil {
		if err := insertVersion(c, row.Internal, d.Version); err != nil {
			return store.Workflow{}, err
		}
	}
	if d.Timeline != nil {
		if err := insertTimeline(c, row.Internal, d.Timeline); err != nil {
			return store.Workflow{}, err
		}
	}
	if d.Event != nil {
		if _, err := s.publish(c, d.At, d.Event); err != nil {
			return store.Workflow{}, err
		}
	}
	return *row, putRecords(c, d.Records)
}

// insertWorkflow creates a row. Its instance ids go on above those of a deleted workflow of the same name, so that a
// reader who remembers one never mistakes a new instance for it.
func insertWorkflow(c *conn, d store.DefinitionChange) error {
	w := d.Workflow
	var inline int64
	if w.Inline {
		inline = 1
	}
	err := c.prepare(`
		INSERT INTO workflow (id, inline, active, latest, activate_time, modify_time, first_instance, activated_by,
		                      properties)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, max(?7, coalesce((SELECT last_instance FROM retired WHERE id = ?1), 0)), ?8, ?9)
		ON CONFLICT (id) DO NOTHING`).
		text(w.ID).int(inline).int(w.Active).int(w.Latest).int(w.ActivateTime).int(w.ModifyTime).int(w.FirstInstance).
		null(w.ActivatedBy).null(w.Properties).exec()
	if err != nil {
		return err
	}
	if c.c.Changes() == 0 {
		return store.ErrExists
	}
	return nil
}

// updateWorkflow writes a row that nobody has changed since d.Previous.
func updateWorkflow(c *conn, d store.DefinitionChange) error {
	w := d.Workflow
	err := c.prepare(`
		UPDATE workflow
		SET active = ?3,
		    latest = ?4,
		    activate_time = ?5,
		    modify_time = ?6,
		    activated_by = ?7,
		    properties = ?8
		WHERE internal = ?1
		  AND id = ?9
		  AND modify_time = ?2`).
		int(w.Internal).int(d.Previous).int(w.Active).int(w.Latest).int(w.ActivateTime).int(w.ModifyTime).
		null(w.ActivatedBy).null(w.Properties).text(w.ID).exec()
	if err != nil {
		return err
	}
	if c.c.Changes() == 0 {
		return store.ErrStale
	}
	return nil
}

func insertVersion(c *conn, internal int64, v *store.Version) error {
	err := c.prepare(`
		INSERT INTO version (workflow, version, created, metadata, definition)
		VALUES (?1, ?2, ?3, ?4, ?5)`).
		int(internal).int(v.Version).int(v.Created).null(v.Metadata).blob(v.Definition).exec()
	if isConstraint(err) {
		return store.ErrStale // somebody else has pushed a version with this number
	}
	return err
}

func insertTimeline(c *conn, internal int64, t *store.TimelineEntry) error {
	return c.prepare(`
		INSERT INTO timeline (workflow, n, at, log, author)
		VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM timeline WHERE workflow = ?1), ?2, ?3, ?4)`).
		int(internal).int(t.At).text(t.Log).null(t.Author).exec()
}

// Inline implements store.Definitions.
func (s *Store) Inline(ctx context.Context, id string, now int64) (store.Workflow, error) {
	if row, err := s.Workflow(ctx, id); err == nil {
		return *row, nil
	}
	var row store.Workflow
	err := s.write(ctx, "inline", func(c *conn) error {
		err := insertWorkflow(c, store.DefinitionChange{Workflow: store.Workflow{ID: id, Inline: true, ModifyTime: now}})
		if err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
		w, err := workflow(c, id)
		if err == nil {
			row = *w
		}
		return err
	})
	return row, err
}
