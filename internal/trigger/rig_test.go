package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/scope"
	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/store"
	"maestro/internal/trigger"
	"maestro/spec"
)

// world outlives processes: the store, and the runs that were started. It can be made to fail at a given write.
type world struct {
	store *enginetest.Memory

	mu      sync.Mutex
	writes  int
	dieAt   int  // the write at which the process dies; 0: never
	applied bool // whether that write happens all the same
	dead    bool
	runs    map[string][]run // by workflow, in order
	refuse  func(workflow string) error
	clock   int64
}

type run struct {
	request string
	signals string
	json    string
}

var errDead = errors.New("the process is dead")

func newWorld() *world { return &world{store: enginetest.NewMemory(), runs: make(map[string][]run)} }

// write is every transaction of the process.
func (w *world) write(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return errDead
	}
	w.writes++
	if w.dieAt != 0 && w.writes == w.dieAt {
		w.dead = true
		if w.applied {
			_ = f()
		}
		return errDead
	}
	return f()
}

// Start implements trigger.Starter: the run and the records are one transaction, and request ids are unique per workflow.
func (w *world) Start(_ context.Context, q engine.StartRequest) (engine.Started, error) {
	status := "CREATED"
	err := w.write(func() error {
		if w.refuse != nil {
			if err := w.refuse(q.WorkflowID); err != nil {
				return err
			}
		}
		if slices.ContainsFunc(w.runs[q.WorkflowID], func(r run) bool { return r.request == q.RequestID }) {
			status = "DUPLICATED"
			return nil
		}
		if err := w.store.PutRecords(context.Background(), q.Records...); err != nil {
			return err
		}
		ids := q.Initiator.Signal.SignalIDs
		var text []string
		for _, name := range slices.Sorted(maps.Keys(ids)) {
			text = append(text, fmt.Sprintf("%s=%d", name, ids[name]))
		}
		w.runs[q.WorkflowID] = append(w.runs[q.WorkflowID], run{q.RequestID, strings.Join(text, " "), string(q.Initiator.JSON)})
		return nil
	})
	return engine.Started{Status: status}, err
}

func (w *world) started(workflow string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for _, r := range w.runs[workflow] {
		out = append(out, r.signals)
	}
	return out
}

// process is a board and triggers over the world, until it dies.
type process struct {
	*trigger.Signals
	w     *world
	board *board.Board
	heads map[string]*catalog.Change // the present state of each workflow
}

func (w *world) open(t testing.TB, before *process) *process {
	t.Helper()
	p := &process{w: w, heads: make(map[string]*catalog.Change)}
	if before != nil {
		p.heads = before.heads
	}
	commit := func(_ string, records []store.Record) error {
		return w.write(func() error { return w.store.PutRecords(context.Background(), records...) })
	}
	p.board = board.New(board.Config{
		Reader: w.store, Commit: func(name string, records []store.Record, _ int64) error { return commit(name, records) },
		Wake: func(board.Waiter, *signal.Instance) {},
	})
	p.Signals = trigger.NewSignals(trigger.SignalsConfig{
		Board: p.board, Starter: w, Reader: w.store, Commit: commit, Exprs: scope.New(scope.Config{}),
		Now: func() int64 { return 1 }, UniqueID: func() int64 { return 1 }, Random: func() uint64 { return 7 },
		Retry: time.Millisecond,
	})
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.Start()
	return p
}

func (p *process) close() {
	p.Signals.Stop()
	p.board.Close()
}

// settle waits until nothing is to be done any more, or the process is dead.
func (p *process) settle() {
	for quiet := 0; quiet < 3; {
		p.w.mu.Lock()
		dead := p.w.dead
		p.w.mu.Unlock()
		if dead {
			return
		}
		if p.Pending() == 0 {
			quiet++
			continue
		}
		quiet = 0
		time.Sleep(200 * time.Microsecond)
	}
}

// push gives a workflow a version with these triggers (JSON), none for a version without.
func (p *process) push(t testing.TB, id string, triggers ...string) {
	t.Helper()
	p.change(t, id, catalog.Pushed, definition(t, id, triggers...), false)
}

func definition(t testing.TB, id string, triggers ...string) *catalog.Definition {
	t.Helper()
	text := fmt.Sprintf(`{"properties":{"owner":"t"},"workflow":{"id":%q,"signal_triggers":[%s],"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`, id, strings.Join(triggers, ","))
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var problems doc.Problems
	req := spec.DecodePushRequest(n, spec.Rules{}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return &catalog.Definition{Workflow: req.Workflow}
}

// change makes a change as the catalog does: hook, write, hook.
func (p *process) change(t testing.TB, id string, kind catalog.Kind, active *catalog.Definition, disabled bool) bool {
	t.Helper()
	p.w.mu.Lock()
	p.w.clock++
	c := catalog.Change{Kind: kind, At: p.w.clock, ActiveAfter: active}
	p.w.mu.Unlock()
	if last := p.heads[id]; last != nil {
		c.Before, c.ActiveBefore = last.After, last.ActiveAfter
	}
	if kind != catalog.Deleted {
		props := spec.Properties{SignalTriggerDisabled: spec.Opt[bool]{Value: disabled, Set: true}}
		c.After = &catalog.Head{Workflow: store.Workflow{ID: id}, Snapshot: &spec.Snapshot{Properties: props}}
	}
	records, err := p.Subscribe(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.w.write(func() error { return p.w.store.PutRecords(context.Background(), records...) }); err != nil {
		return false
	}
	p.Changed(c)
	if p.heads[id] = &c; kind == catalog.Deleted {
		delete(p.heads, id)
	}
	return true
}

// announce announces a signal and waits until all that follows is done.
func (p *process) announce(t testing.TB, name string, pairs ...any) {
	t.Helper()
	p.say(t, name, pairs...)
	p.settle()
}

func (p *process) say(t testing.TB, name string, pairs ...any) bool {
	t.Helper()
	_, err := p.board.Announce(t.Context(), &signal.Announcement{Name: name, Params: params(pairs...)})
	if err != nil && !errors.Is(err, api.Conflict) && !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	return !errors.Is(err, errDead)
}

func params(pairs ...any) (p signal.Params) {
	for i := 0; i < len(pairs); i += 2 {
		v := signal.Value{}
		switch x := pairs[i+1].(type) {
		case string:
			v = signal.Text(x)
		case int:
			v = signal.Long(int64(x))
		}
		p = append(p, signal.Param{Name: pairs[i].(string), Value: v})
	}
	return p
}

func check(t testing.TB, w *world, workflow string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if got := w.started(workflow); !slices.Equal(got, want) {
		t.Errorf("workflow %s was started by %q, want %q", workflow, got, want)
	}
}
