package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

// fakeEngine is an engine in memory: real runs and journals, and answers to actions that tests set.
type fakeEngine struct {
	started engine.Started
	acted   engine.StepActed
	runDone engine.RunActed
	err     error
	counts  [2]int

	mu        sync.Mutex
	pos       int64
	runs      []*fakeRun
	journal   []store.Entry
	watchers  map[chan struct{}]bool
	start     engine.StartRequest // as asked last
	restart   engine.RestartRequest
	onStep    engine.StepAction
	onRun     engine.RunAction
	unblocked instance.Line
	loads     int
	log       []byte
	logEnded  bool
	logStart  int64 // what is before is not kept
	logErr    error // of reading
}

type fakeRun struct {
	live *instance.Run // as events make it; only its owner looks at it
	id   store.RunID
	flow string
	plan *instance.Plan
	h    *instance.Header
	inst int64
	num  int64
	seq  int64
}

// plainLanguage evaluates nothing.
type plainLanguage struct{ instance.Language }

func (plainLanguage) StepParams(*instance.Run, int, int64) (*param.Params, []byte, error) {
	return param.NewParams(nil), nil, nil
}

func (plainLanguage) RestoreStepParams(*instance.Run, int, *instance.Attempt, []byte) (*param.Params, error) {
	return param.NewParams(nil), nil
}
func (plainLanguage) Timeout(*instance.Run, int) (int64, error) { return 1000, nil }
func (plainLanguage) Retry(*instance.Run, int) spec.Retry       { return spec.DefaultRetry() }

const runUUID = "6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f"

func (f *fakeRun) fresh() *instance.Run {
	r := instance.New(f.h, f.plan, plainLanguage{})
	r.ID, r.WorkflowID, r.Instance, r.Number, r.Version, r.UUID = int64(f.id), f.flow, f.inst, f.num, 2, runUUID
	r.Created, r.Modified, r.History, r.Params = 1000, 1000, true, param.NewParams(nil)
	return r
}

// add makes a run of a workflow with these steps (JSON), which is queued.
func (e *fakeEngine) add(t testing.TB, flow string, inst, num int64, steps string) *fakeRun {
	t.Helper()
	n, err := doc.ParseJSON([]byte(`{"id":"`+flow+`","steps":[`+steps+`]}`), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var p doc.Problems
	w := spec.DecodeWorkflow(n, spec.Rules{}, &p)
	graph, err := spec.BuildDAG(w.Steps, nil, nil)
	if err != nil || p.Failed() {
		t.Fatal(err, p.Err())
	}
	f := &fakeRun{
		flow: flow, inst: inst, num: num, plan: instance.NewPlan(w, graph),
		h: &instance.Header{Initiator: instance.ManualInitiator("alice"), Properties: []byte(`{"owner":"alice"}`)},
	}
	e.mu.Lock()
	f.id = store.RunID(len(e.runs) + 1)
	e.runs = append(e.runs, f)
	e.mu.Unlock()
	f.live = f.fresh()
	e.apply(t, f, instance.Queue{At: 1000})
	return f
}

// apply gives a run an event.
func (e *fakeEngine) apply(t testing.TB, f *fakeRun, ev instance.Event) {
	t.Helper()
	pass, err := instancetest.Apply(f.live, ev)
	if err != nil {
		t.Fatal(err)
	}
	e.append(f, pass.Records)
}

func (e *fakeEngine) append(f *fakeRun, records []instance.Record) {
	f.seq++
	e.publish(store.Entry{Run: f.id, Seq: f.seq, At: 5000, Data: instance.AppendEntry(nil, records)})
}

func (e *fakeEngine) publish(entry store.Entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pos++
	entry.Pos = e.pos
	e.journal = append(e.journal, entry)
	for ch := range e.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (e *fakeEngine) Start(_ context.Context, q engine.StartRequest) (engine.Started, error) {
	e.start = q
	return e.started, e.err
}

func (e *fakeEngine) Restart(_ context.Context, q engine.RestartRequest) (engine.Started, error) {
	e.restart = q
	return e.started, e.err
}

func (e *fakeEngine) RestartStep(_ context.Context, q engine.RestartRequest) (engine.StepActed, error) {
	e.restart = q
	return e.acted, e.err
}

func (e *fakeEngine) ActOnStep(_ context.Context, q engine.StepAction) (engine.StepActed, error) {
	e.onStep = q
	return e.acted, e.err
}

func (e *fakeEngine) ActOnRun(_ context.Context, q engine.RunAction) (engine.RunActed, error) {
	e.onRun = q
	return e.runDone, e.err
}

func (e *fakeEngine) ActOnWorkflow(context.Context, string, instance.Action, string, string) (int, int, error) {
	return e.counts[0], e.counts[1], e.err
}

func (e *fakeEngine) Unblock(_ context.Context, _ string, line instance.Line) (int, error) {
	e.unblocked = line
	return e.counts[0], e.err
}

func (e *fakeEngine) UnblockRun(_ context.Context, _ string, _, run int64, line instance.Line) (int64, bool, error) {
	e.unblocked = line
	return max(run, 1), e.counts[0] > 0, e.err
}

func (e *fakeEngine) Load(ctx context.Context, flow string, inst, run int64) (*instance.Run, error) {
	e.mu.Lock()
	var found *fakeRun
	for _, f := range e.runs {
		if f.flow == flow && f.inst == inst && (run == 0 || f.num == run) && (found == nil || f.num > found.num) {
			found = f
		}
	}
	e.mu.Unlock()
	if found == nil {
		return nil, api.Errorf(api.NotFound, "no run")
	}
	return e.LoadID(ctx, found.id)
}

func (e *fakeEngine) LoadDamaged(ctx context.Context, id store.RunID) (*instance.Run, error) {
	return e.LoadID(ctx, id)
}

func (e *fakeEngine) LoadID(ctx context.Context, id store.RunID) (*instance.Run, error) {
	e.mu.Lock()
	f := e.runs[id-1]
	e.loads++
	e.mu.Unlock()
	entries, err := e.After(ctx, 0, id, 1<<20)
	if err != nil {
		return nil, err
	}
	r := f.fresh()
	for i := range entries {
		if err := r.Fold(entries[i].Data); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (e *fakeEngine) List(_ context.Context, flow string, q store.RunQuery) ([]store.Run, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	latest := make(map[int64]int64)
	known := false
	for _, f := range e.runs {
		if f.flow == flow {
			latest[f.inst] = max(latest[f.inst], f.num)
			known = true
		}
	}
	if !known {
		return nil, api.Errorf(api.NotFound, "workflow %s", flow)
	}
	var rows []store.Run
	for _, f := range e.runs {
		n := f.inst
		if q.Instance != 0 {
			n = f.num
		}
		if f.flow != flow || q.Instance != 0 && f.inst != q.Instance || q.Latest && latest[f.inst] != f.num || n < q.From || q.To != 0 && n > q.To {
			continue
		}
		rows = append(rows, store.Run{ID: f.id, Instance: f.inst, Run: f.num})
	}
	slices.SortFunc(rows, func(a, b store.Run) int {
		d := int(a.Instance-b.Instance)*1000 + int(a.Run-b.Run)
		if q.Desc {
			return -d
		}
		return d
	})
	if q.Limit > 0 && len(rows) > q.Limit {
		rows = rows[:q.Limit]
	}
	return rows, nil
}

func (e *fakeEngine) After(_ context.Context, pos int64, run store.RunID, n int) ([]store.Entry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []store.Entry
	for _, entry := range e.journal {
		if entry.Pos > pos && (run == 0 || entry.Run == run) && len(out) < n {
			out = append(out, entry)
		}
	}
	return out, nil
}

func (e *fakeEngine) Watch(store.RunID) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watchers == nil {
		e.watchers = make(map[chan struct{}]bool)
	}
	e.watchers[ch] = true
	return ch, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.watchers, ch)
	}
}

func (e *fakeEngine) watching() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.watchers)
}

func (e *fakeEngine) Logs(context.Context, *instance.Run, int, int64) (step.Logs, *step.Attempt, error) {
	return e, &step.Attempt{}, nil
}

func (e *fakeEngine) ReadLog(_ context.Context, _ *step.Attempt, stream string, offset int64, n int) ([]byte, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.logErr != nil:
		return nil, true, e.logErr
	case offset < e.logStart:
		return nil, true, &step.DroppedError{Stream: stream, Next: e.logStart}
	case offset > int64(len(e.log)):
		return nil, !e.logEnded, nil
	}
	rest := e.log[offset:]
	return slices.Clone(rest[:min(n, len(rest))]), !e.logEnded || len(rest) > n, nil
}

func (e *fakeEngine) LogStreams(context.Context, *step.Attempt) ([]step.Log, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return []step.Log{{Name: "stdout", Start: e.logStart, Size: int64(len(e.log))}, {Name: "stderr"}}, nil
}

// drop forgets the beginning of the log.
func (e *fakeEngine) drop(start int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logStart = start
}

// breakLog has reading fail from now on.
func (e *fakeEngine) breakLog(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logErr = err
}

func (e *fakeEngine) write(text string, ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log, e.logEnded = append(e.log, text...), ended
}

// runServer serves the run endpoints over a fake engine.
type runServer struct {
	t *testing.T
	*fakeEngine
	url  string
	stop chan struct{}
}

func newRunServer(t *testing.T) *runServer {
	t.Helper()
	e := &fakeEngine{}
	s := &runServer{t: t, fakeEngine: e, stop: make(chan struct{})}
	runs := NewRuns(RunsConfig{
		Starter: e, Runs: e, Steps: e, Reader: e, Watcher: e, Journal: e, Logs: e,
		Stopping: s.stop, Now: func() int64 { return 7000 },
	})
	web := httptest.NewServer(New(Config{Register: runs.Register, Now: func() int64 { return 7000 }}))
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
		if n := e.watching(); n != 0 {
			t.Errorf("%d watchers are left", n)
		}
	})
	s.url = web.URL
	return s
}

// ask sends a request and returns status and body. A header is given as "name: value".
func (s *runServer) ask(method, path, body string, header ...string) (int, string) {
	s.t.Helper()
	resp := s.open(method, path, body, header...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (s *runServer) open(method, path, body string, header ...string) *http.Response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("user", "alice")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// want asks and compares status and a part of the body.
func (s *runServer) want(method, path, body string, status int, part string) {
	s.t.Helper()
	got, text := s.ask(method, path, body)
	if got != status || !strings.Contains(text, part) {
		s.t.Errorf("%s %s %s: got %d %s, want %d %s", method, path, body, got, text, status, part)
	}
}

const (
	noopStep  = `{"step":{"id":"a","type":"NoOp"}}`
	httpStep  = `{"step":{"id":"a","type":"Http"}}`
	twoSteps  = `{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"Http"}}`
	flowPath  = "/api/v3/workflows/wf"
	firstPath = flowPath + "/instances/1"
)
