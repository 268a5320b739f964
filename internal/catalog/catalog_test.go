package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/scope"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

// fixture is a catalog over a real store. Its clock stands still: whatever must differ in time does so by itself.
type fixture struct {
	*catalog.Catalog
	t     testing.TB
	store *sqlite.Store
}

const clock = 1_700_000_000_000

func open(t testing.TB, change func(*catalog.Config)) *fixture {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg := catalog.Config{Store: st, Runs: st, Params: scope.New(scope.Config{}), Cluster: "test", Now: func() int64 { return clock }, Exclusive: true}
	if change != nil {
		change(&cfg)
	}
	c, err := catalog.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Stop()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fixture{c, t, st}
}

func node(t testing.TB, text string) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *fixture) decode(text string) (*catalog.Request, error) { return f.Decode(node(f.t, text)) }

func (f *fixture) push(text string) *catalog.View {
	f.t.Helper()
	r, err := f.decode(text)
	if err != nil {
		f.t.Fatal(err)
	}
	v, err := f.Push(context.Background(), r, "alice")
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

const (
	noop = `{"properties":{"owner":"o"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`
	bare = `{"workflow":{"id":"w","name":"W","steps":[{"step":{"id":"b","type":"NoOp"}}]},"is_active":false}`
)

// TestEachChangeIsPublished shows the events and the history of every kind of change, and of those that change nothing.
func TestEachChangeIsPublished(t *testing.T) {
	t.Parallel()
	var told []catalog.Kind
	f := open(t, func(c *catalog.Config) { c.Changed = func(ch catalog.Change) { told = append(told, ch.Kind) } })
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f.push(noop)
	f.push(bare)
	must(f.UpdateProperties(ctx, "w", node(t, `{"description":"d"}`), "bob"))
	must(f.PutTag(ctx, "w", node(t, `"t"`), "bob"))
	must(f.Activate(ctx, "w", "2", "bob"))
	must(f.Activate(ctx, "w", "latest", "bob"))
	must(f.Deactivate(ctx, "w", "bob"))
	must(f.Deactivate(ctx, "w", "bob"))
	lines, err := f.Timeline(ctx, "w")
	must(nil, err)
	var history []string
	for _, l := range lines {
		history = append(history, string(l.Author)+" "+l.Log)
	}
	slices.Reverse(history)
	want := []string{
		`"alice" Created a new workflow version [1] for workflow id [w]`,
		`"alice" Created a new workflow version [2] for workflow id [w]`,
		`"bob" Update the properties for workflow: w`,
		`"bob" Update the properties for workflow: w`,
		`"bob" Caller [bob] activates workflow version [w][2], previous active version is [1]`,
		`"bob" Caller [bob] do nothing as workflow version [w][2] is already active`,
		`"bob" Caller [bob] deactivated workflow [w], whose last active version is [2]`,
		`"bob" Caller [bob] do nothing as there is no active workflow version for [w]`,
	}
	if !slices.Equal(history, want) {
		t.Errorf("history:\n%s\nwant:\n%s", strings.Join(history, "\n"), strings.Join(want, "\n"))
	}
	must(f.Delete(ctx, "w", "carl"))

	entries, err := f.store.After(ctx, 0, 0, 100)
	must(nil, err)
	var events []string
	for _, e := range entries {
		events = append(events, string(e.Data))
	}
	at := func(n int64, rest string) string {
		return fmt.Sprintf(`"cluster_name":"test","event_time":%d,"sync_time":%d,"send_time":%d,"type":"%s"}`, clock+n, clock+n, clock+n, rest)
	}
	want = []string{
		`{"workflow_id":"w","workflow_name":"w","author":"alice","version_id":1,"current_active_version_id":1,"previous_active_version_id":0,"snapshot_id":1700000000000,` + at(0, "WORKFLOW_DEFINITION_CHANGE_EVENT"),
		`{"workflow_id":"w","workflow_name":"W","author":"alice","version_id":2,"current_active_version_id":1,"previous_active_version_id":1,` + at(1, "WORKFLOW_VERSION_CHANGE_EVENT"),
		`{"workflow_id":"w","author":"bob","snapshot_id":1700000000002,` + at(2, "WORKFLOW_PROPERTIES_CHANGE_EVENT"),
		`{"workflow_id":"w","author":"bob","snapshot_id":1700000000003,` + at(3, "WORKFLOW_PROPERTIES_CHANGE_EVENT"),
		`{"workflow_id":"w","author":"bob","current_active_version_id":2,"previous_active_version_id":1,` + at(4, "WORKFLOW_ACTIVATION_CHANGE_EVENT"),
		`{"workflow_id":"w","author":"bob","previous_active_version_id":2,` + at(5, "WORKFLOW_DEACTIVATION_CHANGE_EVENT"),
		`{"workflow_id":"w","author":"carl","internal_id":10000,` + at(0, "WORKFLOW_DELETION_CHANGE_EVENT"),
	}
	if !slices.Equal(events, want) {
		t.Errorf("events:\n%s\nwant:\n%s", strings.Join(events, "\n"), strings.Join(want, "\n"))
	}
	if got := fmt.Sprint(told); got != "[1 1 2 2 3 4 5]" {
		t.Errorf("listener was told %s", got)
	}
}

// TestSubscriptionsAreWrittenTogether shows that what Subscribe returns is stored with the change, and that its error
// refuses the change as a whole.
func TestSubscriptionsAreWrittenTogether(t *testing.T) {
	t.Parallel()
	refuse := false
	f := open(t, func(c *catalog.Config) {
		c.Subscribe = func(_ context.Context, ch catalog.Change) ([]store.Record, error) {
			if refuse {
				return nil, api.Errorf(api.Conflict, "taken")
			}
			text := "none"
			if ch.ActiveAfter != nil {
				text = catalog.TimeTriggerID(ch.ActiveAfter.Workflow)
			}
			return []store.Record{{Kind: "subscription", Key: "w", Value: []byte(text)}}, nil
		}
	})
	f.push(strings.Replace(noop, `"id":"w"`, `"id":"w","time_triggers":[{"type":"CRON","cron":"0 0 * * *"}]`, 1))
	got, err := f.store.Record(t.Context(), "subscription", "w")
	if err != nil || len(got) != 36 || got[14] != '3' {
		t.Errorf("subscription is %q, %v", got, err)
	}
	refuse = true
	if _, err := f.Deactivate(t.Context(), "w", "bob"); err == nil {
		t.Fatal("a refused change went through")
	}
	if h, err := f.Head(t.Context(), "w"); err != nil || h.Active != 1 {
		t.Errorf("active version is %d, %v", h.Active, err)
	}
	refuse = false
	if _, err := f.Deactivate(t.Context(), "w", "bob"); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.store.Record(t.Context(), "subscription", "w"); string(got) != "none" {
		t.Errorf("subscription is %q", got)
	}
}

// TestStaleChangesAreMadeAgain shows that a change by another process in between is noticed and not lost.
func TestStaleChangesAreMadeAgain(t *testing.T) {
	t.Parallel()
	f := open(t, func(c *catalog.Config) { c.Exclusive = false })
	f.push(noop)
	other, err := catalog.New(catalog.Config{Store: f.store, Params: scope.New(scope.Config{}), Now: func() int64 { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	var wg sync.WaitGroup
	for i, c := range []*catalog.Catalog{f.Catalog, other, f.Catalog, other} {
		wg.Go(func() {
			for n := range 10 {
				if _, err := c.PutTag(context.Background(), "w", node(t, fmt.Sprintf(`"t%d-%d"`, i, n)), "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	h, err := f.Head(t.Context(), "w")
	if err != nil || len(h.Snapshot.Tags) != 40 {
		t.Errorf("%d tags of 40, %v", len(h.Snapshot.Tags), err)
	}
}

// TestPushWhileDeleting shows the conflict, and that deletion ends it.
func TestPushWhileDeleting(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	var slow *slowDelete
	f := open(t, func(c *catalog.Config) {
		slow = &slowDelete{Store: c.Store, hold: hold}
		c.Store = slow
	})
	f.push(noop)
	deleted := make(chan error, 1)
	go func() { _, err := f.Delete(context.Background(), "w", "x"); deleted <- err }()
	if err := <-deleted; err != nil { // answered before the data is gone
		t.Fatal(err)
	}
	r, err := f.decode(noop)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Push(t.Context(), r, "x")
	if e, ok := errors.AsType[*api.Error](err); !ok || e.Code != api.Conflict {
		t.Errorf("push during a deletion: %v", err)
	}
	close(hold)
	slow.done.Wait()
	for f.tryPush(r) != nil {
	}
	if h, err := f.Head(t.Context(), "w"); err != nil || h.Internal != 10001 || h.Latest != 1 {
		t.Errorf("workflow after deletion and push: %+v, %v", h, err)
	}
}

func (f *fixture) tryPush(r *catalog.Request) error {
	_, err := f.Push(f.t.Context(), r, "x")
	return err
}

// slowDelete removes the row at once and the rest when told.
type slowDelete struct {
	catalog.Store
	hold chan struct{}
	done sync.WaitGroup
}

func (s *slowDelete) Delete(ctx context.Context, id string, event []byte, now int64, keep store.Keep) error {
	s.done.Add(1)
	defer s.done.Done()
	err := s.Store.Delete(ctx, id, event, now, keep)
	<-s.hold
	return err
}

func TestVersionTokens(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	ctx := t.Context()
	code := func(id, token string) any {
		_, d, err := f.Resolve(ctx, id, token)
		if e, ok := errors.AsType[*api.Error](err); ok {
			return e.Code
		}
		if err != nil {
			t.Fatal(err)
		}
		return d.Version
	}
	if got := code("w", "xyz"); got != api.NotFound {
		t.Errorf("unknown workflow: %v", got) // before the bad token
	}
	f.push(strings.Replace(noop, `{"properties"`, `{"is_active":false,"properties"`, 1))
	f.push(bare)
	for token, want := range map[string]any{
		"active": api.NotFound, "Latest": int64(2), "DEFAULT": int64(2), "1": int64(1), "3": api.NotFound,
		"0": api.BadRequest, "-1": api.BadRequest, "1.0": api.BadRequest, "": api.BadRequest, "99999999999999999999": api.BadRequest,
	} {
		if got := code("w", token); got != want {
			t.Errorf("%q: got %v, want %v", token, got, want)
		}
	}
}

// TestEngineErrors shows that the engine recognises refusals that clients still read in full.
func TestEngineErrors(t *testing.T) {
	t.Parallel()
	f := catalog.ForEngine{Catalog: open(t, nil).Catalog}
	_, err := f.Resolve(t.Context(), "w", "active")
	if !errors.Is(err, api.NotFound) {
		t.Errorf("%v is no api.NotFound", err)
	}
	if e, ok := errors.AsType[*api.Error](err); !ok || !strings.Contains(e.Message, "has not been created yet") {
		t.Errorf("%v lost its message", err)
	}
	if _, err := f.Internal(t.Context(), "maestro_foreach_x"); !errors.Is(err, api.NotFound) {
		t.Errorf("inline id: %v", err)
	}
	if _, err := f.Version(t.Context(), 10000, 1); !errors.Is(err, api.NotFound) {
		t.Errorf("version: %v", err)
	}
}

func TestDefinitionIsShared(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	f := open(t, nil)
	f.push(noop)
	c, err := catalog.New(catalog.Config{
		Store: countingStore{f.store, &reads}, Params: scope.New(scope.Config{}), Now: func() int64 { return clock }, Exclusive: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	var wg sync.WaitGroup
	got := make([]*catalog.Definition, 50)
	for i := range got {
		wg.Go(func() { got[i], _ = c.Definition(context.Background(), 10000, 1) })
	}
	wg.Wait()
	for _, d := range got {
		if d == nil || d != got[0] {
			t.Fatal("definitions are not shared")
		}
	}
	if n := reads.Load(); n != 1 {
		t.Errorf("the version was read %d times", n)
	}
	if got[0].Plan == nil || got[0].Workflow.Step("a") == nil {
		t.Error("the definition has no plan")
	}
}

type countingStore struct {
	catalog.Store
	reads *atomic.Int64
}

func (s countingStore) Version(ctx context.Context, workflow, version int64) (*store.Version, error) {
	s.reads.Add(1)
	return s.Store.Version(ctx, workflow, version)
}

func BenchmarkDefinition(b *testing.B) {
	f := open(b, nil)
	f.push(noop)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Definition(ctx, 10000, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResolveForEngine(b *testing.B) {
	f := open(b, nil)
	f.push(noop)
	e := catalog.ForEngine{Catalog: f.Catalog}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Resolve(ctx, "w", "active"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPush(b *testing.B) {
	f := open(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		f.push(noop)
	}
}
