package sqlite

import (
	"context"

	"maestro/internal/store"
)

const workflowColumns = `
	internal, id, inline, active, latest, activate_time, modify_time, first_instance, activated_by, properties`

// scanWorkflow reads workflowColumns.
func scanWorkflow(q *stmt) store.Workflow {
	return store.Workflow{
		Internal:      q.colInt(0),
		ID:            q.colText(1),
		Inline:        q.colInt(2) != 0,
		Active:        q.colInt(3),
		Latest:        q.colInt(4),
		ActivateTime:  q.colInt(5),
		ModifyTime:    q.colInt(6),
		FirstInstance: q.colInt(7),
		ActivatedBy:   q.colBlob(8),
		Properties:    q.colBlob(9),
	}
}

// workflow returns the row of an id, or store.ErrNotFound.
func workflow(c *conn, id string) (*store.Workflow, error) {
	return oneWorkflow(c.prepare(`
		SELECT ` + workflowColumns + `
		FROM workflow
		WHERE id = ?1`).text(id))
}

func oneWorkflow(q *stmt) (*store.Workflow, error) {
	var w store.Workflow
	if err := q.must(func(q *stmt) { w = scanWorkflow(q) }); err != nil {
		return nil, err
	}
	return &w, nil
}

// Workflow implements store.Definitions.
func (s *Store) Workflow(ctx context.Context, id string) (*store.Workflow, error) {
	var w *store.Workflow
	err := s.read(ctx, "workflow", func(c *conn) error {
		var err error
		w, err = workflow(c, id)
		return err
	})
	return w, err
}

// WorkflowByInternal implements store.Definitions.
func (s *Store) WorkflowByInternal(ctx context.Context, internal int64) (*store.Workflow, error) {
	var w *store.Workflow
	err := s.read(ctx, "workflow", func(c *conn) error {
		var err error
		w, err = oneWorkflow(c.prepare(`
			SELECT ` + workflowColumns + `
			FROM workflow
			WHERE internal = ?1`).int(internal))
		return err
	})
	return w, err
}

// Workflows implements store.Definitions.
func (s *Store) Workflows(ctx context.Context, after string, n int) ([]store.Workflow, error) {
	var rows []store.Workflow
	err := s.read(ctx, "workflows", func(c *conn) error {
		q := c.prepare(`
			SELECT ` + workflowColumns + `
			FROM workflow
			WHERE inline = 0
			  AND id > ?1
			ORDER BY id
			LIMIT ?2`).text(after).int(int64(n))
		for q.next() {
			rows = append(rows, scanWorkflow(q))
		}
		return q.done()
	})
	return rows, err
}

// Version implements store.Definitions.
func (s *Store) Version(ctx context.Context, workflow, version int64) (*store.Version, error) {
	v := &store.Version{Workflow: workflow, Version: version}
	err := s.read(ctx, "version", func(c *conn) error {
		return c.prepare(`
			SELECT created, metadata, definition
			FROM version
			WHERE workflow = ?1
			  AND version = ?2`).int(workflow).int(version).must(func(q *stmt) {
			v.Created, v.Metadata, v.Definition = q.colInt(0), q.colBlob(1), q.colBlob(2)
		})
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Timeline implements store.Definitions.
func (s *Store) Timeline(ctx context.Context, workflow int64, n int) ([]store.TimelineEntry, error) {
	var lines []store.TimelineEntry
	err := s.read(ctx, "timeline", func(c *conn) error {
		q := c.prepare(`
			SELECT author, log, at
			FROM timeline
			WHERE workflow = ?1
			ORDER BY n DESC
			LIMIT ?2`).int(workflow).int(int64(n))
		for q.next() {
			lines = append(lines, store.TimelineEntry{Author: q.colBlob(0), Log: q.colText(1), At: q.colInt(2)})
		}
		return q.done()
	})
	return lines, err
}
