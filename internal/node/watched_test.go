package node_test

import (
	"context"
	"sync/atomic"
	"testing"

	"maestro/internal/config"
	"maestro/internal/node"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// watched is a store that fails the test when it is used after Close, or closed while it is used.
type watched struct {
	node.Store
	t      *testing.T
	hold   func(method string) // called by every method before it does its work
	uses   atomic.Int64        // under way
	closed atomic.Bool
}

// open is node.Config.OpenStore.
func (w *watched) open(ctx context.Context, c *config.Config) (node.Store, error) {
	db, err := sqlite.Open(ctx, c.Store.Source, sqlite.Options{})
	w.Store = db
	return w, err
}

func (w *watched) Close() error {
	if n := w.uses.Load(); n > 0 {
		w.t.Errorf("the store is closed with %d calls under way", n)
	}
	w.closed.Store(true)
	return w.Store.Close()
}

// use notes a call of a method until done.
func (w *watched) use(method string) (done func()) {
	w.uses.Add(1)
	if w.closed.Load() {
		w.t.Errorf("%s is called after Close", method)
	}
	w.hold(method)
	return func() { w.uses.Add(-1) }
}

func (w *watched) Ready() error {
	defer w.use("Ready")()
	return w.Store.Ready()
}

func (w *watched) Stats() store.Stats {
	defer w.use("Stats")()
	return w.Store.Stats()
}

func (w *watched) Row(ctx context.Context, id store.RunID) (*store.Run, error) {
	defer w.use("Row")()
	return w.Store.Row(ctx, id)
}

func (w *watched) Find(ctx context.Context, workflow, instance, run int64) (*store.Run, error) {
	defer w.use("Find")()
	return w.Store.Find(ctx, workflow, instance, run)
}

func (w *watched) FindUUID(ctx context.Context, workflow int64, uuid [16]byte) (*store.Run, error) {
	defer w.use("FindUUID")()
	return w.Store.FindUUID(ctx, workflow, uuid)
}

func (w *watched) Newest(ctx context.Context) (store.RunID, error) {
	defer w.use("Newest")()
	return w.Store.Newest(ctx)
}

func (w *watched) List(ctx context.Context, q store.RunQuery) ([]store.Run, error) {
	defer w.use("List")()
	return w.Store.List(ctx, q)
}

func (w *watched) Counts(ctx context.Context, workflow int64) (store.Counts, error) {
	defer w.use("Counts")()
	return w.Store.Counts(ctx, workflow)
}

func (w *watched) Live(ctx context.Context, group int32, after store.RunID, n int) ([]store.Run, error) {
	defer w.use("Live")()
	return w.Store.Live(ctx, group, after, n)
}

func (w *watched) Due(ctx context.Context, group int32, t int64, n int) ([]store.Run, error) {
	defer w.use("Due")()
	return w.Store.Due(ctx, group, t, n)
}

func (w *watched) Commit(ctx context.Context, changes []store.Change) []error {
	defer w.use("Commit")()
	return w.Store.Commit(ctx, changes)
}

func (w *watched) Load(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	defer w.use("Load")()
	return w.Store.Load(ctx, id)
}

func (w *watched) LoadPresent(ctx context.Context, id store.RunID) (*store.Run, []store.Entry, error) {
	defer w.use("LoadPresent")()
	return w.Store.LoadPresent(ctx, id)
}

func (w *watched) After(ctx context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	defer w.use("After")()
	return w.Store.After(ctx, pos, run, n)
}

func (w *watched) Publish(ctx context.Context, at int64, data []byte) (int64, error) {
	defer w.use("Publish")()
	return w.Store.Publish(ctx, at, data)
}

func (w *watched) Prune(ctx context.Context, at, pos int64, n int) (int, error) {
	defer w.use("Prune")()
	return w.Store.Prune(ctx, at, pos, n)
}

func (w *watched) Claim(ctx context.Context, node string, groups int32, now, ttl int64) ([]store.Lease, error) {
	defer w.use("Claim")()
	return w.Store.Claim(ctx, node, groups, now, ttl)
}

func (w *watched) Renew(ctx context.Context, node string, now, ttl int64) ([]store.Lease, error) {
	defer w.use("Renew")()
	return w.Store.Renew(ctx, node, now, ttl)
}

func (w *watched) Release(ctx context.Context, node string) error {
	defer w.use("Release")()
	return w.Store.Release(ctx, node)
}

func (w *watched) Define(ctx context.Context, c store.DefinitionChange) (store.Workflow, error) {
	defer w.use("Define")()
	return w.Store.Define(ctx, c)
}

func (w *watched) Inline(ctx context.Context, id string, now int64) (store.Workflow, error) {
	defer w.use("Inline")()
	return w.Store.Inline(ctx, id, now)
}

func (w *watched) Workflow(ctx context.Context, id string) (*store.Workflow, error) {
	defer w.use("Workflow")()
	return w.Store.Workflow(ctx, id)
}

func (w *watched) WorkflowByInternal(ctx context.Context, internal int64) (*store.Workflow, error) {
	defer w.use("WorkflowByInternal")()
	return w.Store.WorkflowByInternal(ctx, internal)
}

func (w *watched) Workflows(ctx context.Context, after string, n int) ([]store.Workflow, error) {
	defer w.use("Workflows")()
	return w.Store.Workflows(ctx, after, n)
}

func (w *watched) Version(ctx context.Context, workflow, version int64) (*store.Version, error) {
	defer w.use("Version")()
	return w.Store.Version(ctx, workflow, version)
}

func (w *watched) Timeline(ctx context.Context, workflow int64, n int) ([]store.TimelineEntry, error) {
	defer w.use("Timeline")()
	return w.Store.Timeline(ctx, workflow, n)
}

func (w *watched) Delete(ctx context.Context, id string, event []byte, now int64, keep store.Keep) error {
	defer w.use("Delete")()
	return w.Store.Delete(ctx, id, event, now, keep)
}

func (w *watched) Purge(ctx context.Context, keep store.Keep) error {
	defer w.use("Purge")()
	return w.Store.Purge(ctx, keep)
}

func (w *watched) PutRecords(ctx context.Context, records ...store.Record) error {
	defer w.use("PutRecords")()
	return w.Store.PutRecords(ctx, records...)
}

func (w *watched) Record(ctx context.Context, kind, key string) ([]byte, error) {
	defer w.use("Record")()
	return w.Store.Record(ctx, kind, key)
}

func (w *watched) Scan(ctx context.Context, kind, prefix, after string, n int) ([]store.Record, error) {
	defer w.use("Scan")()
	return w.Store.Scan(ctx, kind, prefix, after, n)
}
