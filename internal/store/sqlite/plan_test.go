package sqlite

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maestro/internal/store"
)

// TestEveryQueryUsesAnIndex runs every method once and then asks SQLite how it executes each statement that was
// prepared on the way. The table lease is small and may be scanned.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), Options{NoSync: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	useEverything(t, s)

	plans := map[string][]string{}
	reader, writer := <-s.readers, <-s.writer
	for _, c := range []*conn{reader, writer} {
		for sql := range c.stmts {
			plans[sql] = plan(t, c, sql)
		}
	}
	s.readers <- reader
	s.writer <- writer

	if len(plans) < 40 {
		t.Errorf("only %d statements were seen", len(plans))
	}
	for sql, steps := range plans {
		for _, step := range steps {
			if bad(step) {
				t.Errorf("%s\n%s", sql, strings.Join(steps, "\n"))
				break
			}
		}
	}
}

// bad says whether a step of a plan reads a whole table or sorts.
func bad(step string) bool {
	tables := []string{"workflow", "retired", "deletion", "version", "timeline", "run", "journal", "record", "newest"}
	if table, ok := strings.CutPrefix(step, "SCAN "); ok {
		name, _, _ := strings.Cut(table, " ")
		return slices.Contains(tables, name)
	}
	return strings.HasPrefix(step, "USE TEMP B-TREE")
}

// plan returns the steps of a statement.
func plan(t *testing.T, c *conn, sql string) []string {
	t.Helper()
	q, _, err := c.c.Prepare("EXPLAIN QUERY PLAN " + sql)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	var steps []string
	for q.Step() {
		steps = append(steps, q.ColumnText(3))
	}
	return steps
}

// useEverything calls every method in every way that makes a statement of its own.
func useEverything(t *testing.T, s *Store) {
	t.Helper()
	ctx := t.Context()
	ok := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	leases, err := s.Claim(ctx, "node", 2, 1, 1)
	ok("claim", err)
	_, err = s.Renew(ctx, "node", 1, 1)
	ok("renew", err)
	w, err := s.Define(ctx, store.DefinitionChange{
		Workflow: store.Workflow{ID: "wf", Latest: 1, ModifyTime: 1},
		Version:  &store.Version{Version: 1},
		Timeline: &store.TimelineEntry{},
		Event:    []byte("x"),
	})
	ok("define", err)
	_, err = s.Define(ctx, store.DefinitionChange{Workflow: w, Previous: 1})
	ok("define", err)
	_, err = s.Inline(ctx, "loop", 1)
	ok("inline", err)
	r := store.Run{ID: 1, Workflow: w.Internal, Instance: 1, Run: 1, UUID: [16]byte{1}}
	records := []store.Record{{Kind: "k", Key: "a", Value: []byte("x")}, {Kind: "k", Key: "b", Value: []byte("x"), Unique: true}, {Kind: "k", Key: "c"}}
	for _, err := range s.Commit(ctx, []store.Change{
		{Epoch: leases[0].Epoch, Runs: []store.RunChange{{ID: 1, Insert: &r, Entry: []byte("x"), Seq: 1}}, Records: records},
		{Epoch: leases[0].Epoch, Runs: []store.RunChange{{ID: 1, Update: &store.Update{}}}},
	}) {
		ok("commit", err)
	}
	for _, err := range s.Commit(ctx, []store.Change{{Epoch: leases[0].Epoch, Runs: []store.RunChange{{ID: 1, Entry: []byte("x"), Seq: 2, Snapshot: true}}}}) {
		ok("commit", err)
	}
	_, err = s.Workflow(ctx, "wf")
	ok("workflow", err)
	_, err = s.WorkflowByInternal(ctx, w.Internal)
	ok("workflow", err)
	_, err = s.Workflows(ctx, "", 1)
	ok("workflows", err)
	_, err = s.Version(ctx, w.Internal, 1)
	ok("version", err)
	_, err = s.Timeline(ctx, w.Internal, 1)
	ok("timeline", err)
	_, _, err = s.Load(ctx, 1)
	ok("load", err)
	for run := range int64(2) {
		_, err = s.Find(ctx, w.Internal, 1, run)
		ok("find", err)
	}
	_, err = s.FindUUID(ctx, w.Internal, r.UUID)
	ok("find uuid", err)
	for i := range 32 {
		q := store.RunQuery{Workflow: w.Internal, Header: i&1 != 0, Desc: i&2 != 0, Latest: i&4 != 0, Instance: int64(i >> 4)}
		if i&8 != 0 {
			q.Statuses = []uint8{1}
		}
		_, err = s.List(ctx, q)
		ok(fmt.Sprintf("list %+v", q), err)
	}
	_, err = s.Counts(ctx, w.Internal)
	ok("counts", err)
	_, err = s.Live(ctx, 0, 0, 1)
	ok("live", err)
	_, err = s.Due(ctx, 0, 1, 1)
	ok("due", err)
	for run := range store.RunID(2) {
		_, err = s.After(ctx, 0, run, 1)
		ok("after", err)
	}
	_, err = s.Record(ctx, "k", "a")
	ok("record", err)
	for _, prefix := range []string{"", "a"} {
		_, err = s.Scan(ctx, "k", prefix, "", 1)
		ok("scan", err)
	}
	_, err = s.Prune(ctx, 1, 1, 1)
	ok("prune", err)
	ok("delete", s.Delete(ctx, "wf", nil, 1, nil))
	ok("purge", s.Purge(ctx, nil))
	ok("release", s.Release(ctx, "node"))
}
