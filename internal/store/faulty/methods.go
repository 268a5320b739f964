package faulty

import (
	"context"

	"maestro/internal/store"
)

// none is the value of a write that returns only an error.
type none = struct{}

// Publish implements store.Feed.
func (s *Store) Publish(ctx context.Context, at int64, data []byte) (int64, error) {
	return write(ctx, s, "Publish", func() (int64, error) { return s.Store.Publish(ctx, at, data) })
}

// Claim implements store.Leases.
func (s *Store) Claim(ctx context.Context, node string, groups int32, now, ttl int64) ([]store.Lease, error) {
	return write(ctx, s, "Claim", func() ([]store.Lease, error) { return s.Store.Claim(ctx, node, groups, now, ttl) })
}

// Renew implements store.Leases.
func (s *Store) Renew(ctx context.Context, node string, now, ttl int64) ([]store.Lease, error) {
	return write(ctx, s, "Renew", func() ([]store.Lease, error) { return s.Store.Renew(ctx, node, now, ttl) })
}

// Release implements store.Leases.
func (s *Store) Release(ctx context.Context, node string) error {
	_, err := write(ctx, s, "Release", func() (none, error) { return none{}, s.Store.Release(ctx, node) })
	return err
}

// Define implements store.Definitions.
func (s *Store) Define(ctx context.Context, c store.DefinitionChange) (store.Workflow, error) {
	return write(ctx, s, "Define", func() (store.Workflow, error) { return s.Store.Define(ctx, c) })
}

// Inline implements store.Definitions.
func (s *Store) Inline(ctx context.Context, id string, now int64) (store.Workflow, error) {
	return write(ctx, s, "Inline", func() (store.Workflow, error) { return s.Store.Inline(ctx, id, now) })
}

// Delete implements store.Definitions.
func (s *Store) Delete(ctx context.Context, id string, event []byte, now int64, keep store.Keep) error {
	_, err := write(ctx, s, "Delete", func() (none, error) { return none{}, s.Store.Delete(ctx, id, event, now, keep) })
	return err
}

// Purge implements store.Definitions.
func (s *Store) Purge(ctx context.Context, keep store.Keep) error {
	_, err := write(ctx, s, "Purge", func() (none, error) { return none{}, s.Store.Purge(ctx, keep) })
	return err
}

// Prune implements store.Feed.
func (s *Store) Prune(ctx context.Context, at, pos int64, n int) (int, error) {
	return write(ctx, s, "Prune", func() (int, error) { return s.Store.Prune(ctx, at, pos, n) })
}

// PutRecords implements store.Records.
func (s *Store) PutRecords(ctx context.Context, records ...store.Record) error {
	_, err := write(ctx, s, "PutRecords", func() (none, error) { return none{}, s.Store.PutRecords(ctx, records...) })
	return err
}

// Load implements store.Runs.
func (s *Store) Load(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	var entries []store.Entry
	r, err := read(s, func() (r *store.Run, err error) {
		r, entries, err = s.Store.Load(ctx, id)
		return r, err
	})
	return r, entries, err
}

// LoadPresent implements store.Runs.
func (s *Store) LoadPresent(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	var entries []store.Entry
	r, err := read(s, func() (r *store.Run, err error) {
		r, entries, err = s.Store.LoadPresent(ctx, id)
		return r, err
	})
	return r, entries, err
}

// Row implements store.Rows.
func (s *Store) Row(ctx context.Context, id store.RunID) (*store.Run, error) {
	return read(s, func() (*store.Run, error) { return s.Store.Row(ctx, id) })
}

// Find implements store.Rows.
func (s *Store) Find(ctx context.Context, workflow, instance, run int64) (*store.Run, error) {
	return read(s, func() (*store.Run, error) { return s.Store.Find(ctx, workflow, instance, run) })
}

// FindUUID implements store.Rows.
func (s *Store) FindUUID(ctx context.Context, workflow int64, uuid [16]byte) (*store.Run, error) {
	return read(s, func() (*store.Run, error) { return s.Store.FindUUID(ctx, workflow, uuid) })
}

// List implements store.Rows.
func (s *Store) List(ctx context.Context, q store.RunQuery) ([]store.Run, error) {
	return read(s, func() ([]store.Run, error) { return s.Store.List(ctx, q) })
}

// Counts implements store.Rows.
func (s *Store) Counts(ctx context.Context, workflow int64) (store.Counts, error) {
	return read(s, func() (store.Counts, error) { return s.Store.Counts(ctx, workflow) })
}

// Live implements store.Rows.
func (s *Store) Live(ctx context.Context, group int32, after store.RunID, n int) ([]store.Run, error) {
	return read(s, func() ([]store.Run, error) { return s.Store.Live(ctx, group, after, n) })
}

// Due implements store.Rows.
func (s *Store) Due(ctx context.Context, group int32, t int64, n int) ([]store.Run, error) {
	return read(s, func() ([]store.Run, error) { return s.Store.Due(ctx, group, t, n) })
}

// After implements store.Feed.
func (s *Store) After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	return read(s, func() ([]store.Entry, error) { return s.Store.After(ctx, pos, run, n) })
}

// Workflow implements store.Definitions.
func (s *Store) Workflow(ctx context.Context, id string) (*store.Workflow, error) {
	return read(s, func() (*store.Workflow, error) { return s.Store.Workflow(ctx, id) })
}

// WorkflowByInternal implements store.Definitions.
func (s *Store) WorkflowByInternal(ctx context.Context, internal int64) (*store.Workflow, error) {
	return read(s, func() (*store.Workflow, error) { return s.Store.WorkflowByInternal(ctx, internal) })
}

// Workflows implements store.Definitions.
func (s *Store) Workflows(ctx context.Context, after string, n int) ([]store.Workflow, error) {
	return read(s, func() ([]store.Workflow, error) { return s.Store.Workflows(ctx, after, n) })
}

// Version implements store.Definitions.
func (s *Store) Version(ctx context.Context, workflow, version int64) (*store.Version, error) {
	return read(s, func() (*store.Version, error) { return s.Store.Version(ctx, workflow, version) })
}

// Timeline implements store.Definitions.
func (s *Store) Timeline(ctx context.Context, workflow int64, n int) ([]store.TimelineEntry, error) {
	return read(s, func() ([]store.TimelineEntry, error) { return s.Store.Timeline(ctx, workflow, n) })
}

// Record implements store.Records.
func (s *Store) Record(ctx context.Context, kind, key string) ([]byte, error) {
	return read(s, func() ([]byte, error) { return s.Store.Record(ctx, kind, key) })
}

// Scan implements store.Records.
func (s *Store) Scan(ctx context.Context, kind, prefix, after string, n int) ([]store.Record, error) {
	return read(s, func() ([]store.Record, error) { return s.Store.Scan(ctx, kind, prefix, after, n) })
}
