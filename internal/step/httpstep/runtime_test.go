package httpstep

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maestro/internal/step"
	"maestro/internal/step/steptest"
	"maestro/param"
)

func TestConformance(t *testing.T) {
	steptest.Run(t, steptest.Harness{New: newWorld, CanStop: true, Identity: true})
}

// newWorld is a server that counts the requests of an attempt and holds them as long as it is told.
func newWorld(t *testing.T) steptest.World {
	type work struct{ began, alive atomic.Int64 }
	var all sync.Map // attempt → *work
	of := func(uuid string) *work {
		w, _ := all.LoadOrStore(uuid, &work{})
		return w.(*work)
	}
	finish := sync.Map{} // attempt → channel
	done := func(uuid string) chan struct{} {
		ch, _ := finish.LoadOrStore(uuid, make(chan struct{}))
		return ch.(chan struct{})
	}
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		kind, uuid, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		of(uuid).began.Add(1)
		of(uuid).alive.Add(1)
		defer of(uuid).alive.Add(-1)
		switch kind {
		case "fails":
			w.WriteHeader(500)
		case "holds", "forever":
			select {
			case <-done(uuid):
			case <-r.Context().Done():
			}
		}
	})
	return steptest.World{
		Open: func(t *testing.T) (step.Runtime, func()) {
			rt := open(t, Config{})
			return rt, rt.Close
		},
		Attempt: func(t *testing.T, w steptest.Work, uuid string) *step.Attempt {
			a := attempt(s.URL + "/" + w.String() + "/" + uuid)
			a.UUID = uuid
			return a
		},
		Began: func(a *step.Attempt) int { return int(of(a.UUID).began.Load()) },
		Alive: func(a *step.Attempt) bool { // the server notices a closed connection a little later
			return !soon(func() bool { return of(a.UUID).alive.Load() == 0 })
		},
		Finish: func(a *step.Attempt) {
			if _, twice := all.LoadOrStore("finished "+a.UUID, &work{}); !twice {
				close(done(a.UUID))
			}
		},
	}
}

// server serves on this machine until the end of the test.
func server(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// open returns a runtime that may call this machine, unless cfg says something else.
func open(t testing.TB, cfg Config) *Runtime {
	t.Helper()
	if cfg.Allow == nil {
		cfg.Allow = []string{"127.0.0.1", "::1"}
	}
	if cfg.Evaluate == nil {
		cfg.Evaluate = evaluate
	}
	rt, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Close)
	return rt
}

// evaluate knows the default expression, and takes any other for the word itself; of "A,B" the last counts that is for
// the status code, as in "200=DONE,202=CONTINUE".
func evaluate(_ *step.Attempt, expr string, status int64, body string) (string, error) {
	if strings.HasPrefix(expr, "throw") {
		return "", param.Errorf(param.InvalidExpression, "Expression throws an error [ERROR: no idea] for expr=[%s]", expr)
	}
	if expr == "panic" {
		panic("bug")
	}
	for _, word := range strings.Split(expr, ",") {
		if code, state, ok := strings.Cut(word, "="); ok && code == fmt.Sprint(status) {
			return state, nil
		} else if !ok && word != "" {
			return word, nil
		}
	}
	switch {
	case status >= 200 && status < 300:
		return "DONE", nil
	case status >= 400 && status < 500:
		return "FATAL_ERROR", nil
	}
	return "USER_ERROR", nil
}

var attempts atomic.Int64

// attempt returns an attempt to call a URL. Further entries of param http are name, value, name, value; the name
// state_expr is a param beside it.
func attempt(url string, kv ...any) *step.Attempt {
	m := &param.Values{}
	m.Set("url", param.StringValue(url))
	params := &param.Params{}
	expr := ""
	for i := 0; i < len(kv); i += 2 {
		name := kv[i].(string)
		switch v := kv[i+1].(type) {
		case string:
			if name == "state_expr" {
				expr = v
				continue
			}
			m.Set(name, param.StringValue(v))
		case bool:
			m.Set(name, param.BooleanValue(v))
		case int:
			m.Set(name, param.LongValue(int64(v)))
		case []string:
			texts := &param.Texts{}
			for j := 0; j < len(v); j += 2 {
				texts.Set(v[j], v[j+1])
			}
			m.Set(name, param.StringMapValue(texts))
		}
	}
	for name, v := range map[string]param.Value{"http": param.MapValue(m), "state_expr": param.StringValue(expr)} {
		params.Set(name, param.Param{Def: &param.Def{Type: v.Type()}, Result: v, Evaluated: true, Time: 1})
	}
	return &step.Attempt{
		UUID: fmt.Sprintf("00000000-0000-0000-0000-%012d", attempts.Add(1)), WorkflowID: "wf", Instance: 7, Run: 2, StepID: "call",
		Number: 1, Params: params, Started: time.Now(),
	}
}

// run runs an attempt to its end.
func run(t testing.TB, rt *Runtime, a *step.Attempt) (*steptest.Recorder, step.Report) {
	t.Helper()
	r := steptest.NewRecorder(10 * time.Second)
	rt.Start(t.Context(), a, r)
	tt, ok := t.(*testing.T)
	if !ok {
		panic("run is for tests")
	}
	return r, r.Final(tt)
}

// statusOf returns the status code in the artifact of a report.
func statusOf(t testing.TB, rep step.Report) int {
	t.Helper()
	var a struct {
		Status int `json:"status_code"`
	}
	if err := json.Unmarshal(rep.Artifacts[artifactKey], &a); err != nil {
		t.Fatal(err)
	}
	return a.Status
}

// bodyOf returns the body in the artifact of a report.
func bodyOf(t testing.TB, rep step.Report) string {
	t.Helper()
	var a struct{ Body string }
	if err := json.Unmarshal(rep.Artifacts[artifactKey], &a); err != nil {
		t.Fatal(err)
	}
	return a.Body
}

// errorsOf returns the details of a report's failure.
func errorsOf(rep step.Report) string {
	for _, l := range rep.Timeline {
		if len(l.Errors) > 0 {
			return strings.Join(l.Errors, "\n")
		}
	}
	return ""
}

func soon(ok func() bool) bool {
	for range 2500 {
		if ok() {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return false
}

// waits for a condition.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	if !soon(ok) {
		t.Fatalf("never: %s", what)
	}
}

func (rt *Runtime) counts() (calls, inQueue, workers, later int) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, c := range rt.schedule.queue[rt.schedule.head:] {
		if c.state == queued {
			inQueue++
		}
	}
	return len(rt.calls), inQueue, rt.workers, len(rt.schedule.later)
}

// wantIdle fails unless the runtime comes to rest with nothing remembered.
func wantIdle(t testing.TB, rt *Runtime) {
	t.Helper()
	if !soon(func() bool {
		calls, inQueue, workers, later := rt.counts()
		return calls+inQueue+workers+later == 0
	}) {
		calls, inQueue, workers, later := rt.counts()
		t.Errorf("%d calls, %d in the queue, %d workers, %d due later, want none", calls, inQueue, workers, later)
	}
}

// TestQueue has more attempts than may be under way: they take turns in order, and one of them is stopped while it waits.
func TestQueue(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	order, now, most := "", 0, 0
	gate := make(chan struct{})
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		order += r.URL.Path
		now++
		most = max(most, now)
		mu.Unlock()
		<-gate
		mu.Lock()
		now--
		mu.Unlock()
	})
	rt := open(t, Config{MaxInFlight: 1})
	var all []*steptest.Recorder
	var stopped *step.Attempt
	for i := range 10 {
		a := attempt(fmt.Sprintf("%s/%d", s.URL, i))
		r := steptest.NewRecorder(10 * time.Second)
		rt.Start(t.Context(), a, r)
		all = append(all, r)
		if i == 5 {
			stopped = a
		}
	}
	waitFor(t, "those that wait say so", func() bool { return len(all[9].All()) == 1 })
	if got := all[9].All()[0]; got.State != step.Continue || !strings.Contains(got.Timeline[0].Message, "Waiting for its turn") {
		t.Errorf("waiting is told as %+v", got)
	}
	if got, want := all[9].All()[0].Waits, "one of 1 places of HTTP requests (http.max_in_flight)"; got != want {
		t.Errorf("it waits for %q, want %q", got, want)
	}
	waitFor(t, "the one that is sent says so", func() bool {
		told := all[0].All()
		return len(told) > 0 && told[len(told)-1].Waits == ""
	})
	r := steptest.NewRecorder(10 * time.Second)
	rt.Stop(t.Context(), stopped, r)
	if got := r.Want(t, step.Stopped); got.Begun {
		t.Error("stopped in the queue, and yet begun")
	}
	all[5].Want(t, step.Stopped)
	close(gate)
	for i, r := range all {
		if i != 5 {
			r.Want(t, step.Done)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if most != 1 {
		t.Errorf("%d requests at a time, want 1", most)
	}
	if order != "/0/1/2/3/4/6/7/8/9" {
		t.Errorf("sent in order %s", order)
	}
	wantIdle(t, rt)
}

// TestItsTurnComes tells of an attempt that waited that it is sent, once it is: its timeout counts from then on.
func TestItsTurnComes(t *testing.T) {
	t.Parallel()
	gates := map[string]chan struct{}{"/0": make(chan struct{}), "/1": make(chan struct{})}
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { <-gates[r.URL.Path] })
	rt := open(t, Config{MaxInFlight: 1})
	var all [2]*steptest.Recorder
	for i := range all {
		all[i] = steptest.NewRecorder(10 * time.Second)
		rt.Start(t.Context(), attempt(fmt.Sprintf("%s/%d", s.URL, i)), all[i])
	}
	waitFor(t, "the second says that it waits", func() bool { return len(all[1].All()) == 1 && all[1].All()[0].Waits != "" })
	close(gates["/0"])
	all[0].Want(t, step.Done)
	waitFor(t, "it says that it is sent", func() bool { return len(all[1].All()) == 2 })
	if got := all[1].All()[1]; got.State != step.Continue || got.Waits != "" || !strings.Contains(got.Timeline[0].Message, "Making the HTTP request") {
		t.Errorf("%+v", got)
	}
	close(gates["/1"])
	all[1].Want(t, step.Done)
}

// TestTooManyWait refuses what exceeds the memory set aside for waiting.
func TestTooManyWait(t *testing.T) {
	t.Parallel()
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	rt := open(t, Config{MaxInFlight: 1, MaxWaiting: 1})
	for range 2 {
		rt.Start(t.Context(), attempt(s.URL), steptest.NewRecorder(time.Second))
	}
	_, rep := run(t, rt, attempt(s.URL))
	if rep.State != step.PlatformError || rep.Begun || !strings.Contains(errorsOf(rep), "2 HTTP steps wait") {
		t.Errorf("%+v", rep)
	}
	rt.Close()
}

// TestQuietUnlessSlow reports a quick answer once and a slow one twice.
func TestQuietUnlessSlow(t *testing.T) {
	t.Parallel()
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(100 * time.Millisecond)
		}
	})
	rt := open(t, Config{})
	slow, _ := run(t, rt, attempt(s.URL+"/slow?token=secret"))
	all := slow.All()
	if len(all) != 2 || all[0].State != step.Continue || all[1].State != step.Done {
		t.Errorf("slow: %+v", all)
	}
	if got := all[0].Timeline[0].Message; !strings.HasPrefix(got, "Making the HTTP request: GET http://127.0.0.1:") || !strings.HasSuffix(got, "/slow?…") {
		t.Errorf("announced as %q", got)
	}
	if quick := soon(func() bool { r, _ := run(t, rt, attempt(s.URL+"/quick")); return len(r.All()) == 1 }); !quick {
		t.Error("a quick answer is reported more than once")
	}
}

// TestStartAgain gives an attempt that is under way a second listener, and no second request.
func TestStartAgain(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	gate := make(chan struct{})
	s := server(t, func(http.ResponseWriter, *http.Request) { requests.Add(1); <-gate })
	rt := open(t, Config{})
	a := attempt(s.URL)
	var all []*steptest.Recorder
	for i := range maxListeners + 2 {
		r := steptest.NewRecorder(10 * time.Second)
		rt.Start(t.Context(), a, r)
		waitFor(t, "it is told that it runs", func() bool { return len(r.All()) > 0 })
		if all = append(all, r); i > 0 && len(r.All()) != 1 {
			t.Errorf("listener %d: %+v", i, r.All())
		}
	}
	close(gate)
	for _, r := range all[2:] {
		r.Want(t, step.Done)
	}
	if all[0].Ended() {
		t.Error("listeners are kept for ever")
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// TestContextEnds lets go of attempts without a report, and takes the same attempts up again with the next context.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	var requests, alive atomic.Int64
	var open2 atomic.Bool
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		alive.Add(1)
		defer alive.Add(-1)
		if !open2.Load() {
			<-r.Context().Done()
		}
	})
	rt := open(t, Config{MaxInFlight: 1})
	ctx, cancel := context.WithCancel(t.Context())
	flying, waiting := attempt(s.URL), attempt(s.URL)
	one, two := steptest.NewRecorder(time.Second), steptest.NewRecorder(time.Second)
	rt.Start(ctx, flying, one)
	waitFor(t, "it is sent", func() bool { return alive.Load() == 1 })
	rt.Start(ctx, waiting, two)
	cancel()
	waitFor(t, "it is cancelled", func() bool { return alive.Load() == 0 })
	wantIdle(t, rt)
	if one.Ended() || two.Ended() {
		t.Error("a final report after the context has ended")
	}
	open2.Store(true)
	for _, a := range []*step.Attempt{flying, waiting} {
		a.Again = true
		if _, rep := run(t, rt, a); rep.State != step.Done {
			t.Errorf("%+v", rep)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests, want 3: what waited was never sent", n)
	}
}

// TestAgainIsTold lets the user know why the other side may have seen a request twice.
func TestAgainIsTold(t *testing.T) {
	t.Parallel()
	s := server(t, func(http.ResponseWriter, *http.Request) { time.Sleep(100 * time.Millisecond) })
	rt := open(t, Config{})
	a := attempt(s.URL)
	a.Again = true
	r, rep := run(t, rt, a)
	if first := r.All()[0]; rep.State != step.Done || len(first.Timeline) != 2 || !strings.Contains(first.Timeline[0].Message, "perhaps for the second time") {
		t.Errorf("%+v", r.All())
	}
}

// TestTakenUpAtOnce starts an attempt again while the request of the ended context is being cancelled.
func TestTakenUpAtOnce(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			<-r.Context().Done()
		}
	})
	rt := open(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	a := attempt(s.URL)
	rt.Start(ctx, a, steptest.NewRecorder(time.Second))
	waitFor(t, "it is sent", func() bool { return requests.Load() == 1 })
	cancel()
	if _, rep := run(t, rt, a); rep.State != step.Done {
		t.Errorf("%+v", rep)
	}
	wantIdle(t, rt)
}

// TestTakenUpWhileItEnds takes an attempt up again while its old request lingers: what ends late is the old one alone.
func TestTakenUpWhileItEnds(t *testing.T) {
	t.Parallel()
	var alive atomic.Int64
	s := server(t, func(_ http.ResponseWriter, r *http.Request) {
		alive.Add(1)
		defer alive.Add(-1)
		<-r.Context().Done()
	})
	lingers := make(chan struct{})
	rt := open(t, Config{Evaluate: func(*step.Attempt, string, int64, string) (string, error) {
		<-lingers
		return "DONE", nil
	}})
	quick := server(t, func(http.ResponseWriter, *http.Request) {})
	old, next := attempt(quick.URL), attempt(s.URL)
	next.UUID = old.UUID
	ctx, cancel := context.WithCancel(t.Context())
	one, two, stopped := steptest.NewRecorder(time.Second), steptest.NewRecorder(10*time.Second), steptest.NewRecorder(10*time.Second)
	rt.Start(ctx, old, one)
	waitFor(t, "it is judged", func() bool { return len(one.All()) > 0 })
	cancel()
	rt.Start(t.Context(), next, two)
	waitFor(t, "it is sent again", func() bool { return alive.Load() == 1 })
	close(lingers)
	waitFor(t, "the old one is gone", func() bool { _, _, workers, _ := rt.counts(); return workers == 1 })
	rt.Stop(t.Context(), next, stopped)
	stopped.Want(t, step.Stopped)
	two.Want(t, step.Stopped)
	waitFor(t, "it is cancelled", func() bool { return alive.Load() == 0 })
	if one.Ended() {
		t.Errorf("%+v", one.All())
	}
	wantIdle(t, rt)
}

// TestNothingAfterTheContext says nothing of an attempt whose context ends at once, not even that it waits.
func TestNothingAfterTheContext(t *testing.T) {
	t.Parallel()
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	rt := open(t, Config{MaxInFlight: 1})
	rt.Start(t.Context(), attempt(s.URL), steptest.NewRecorder(time.Second))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := steptest.NewRecorder(time.Second)
	rt.Start(ctx, attempt(s.URL), r)
	waitFor(t, "it is gone", func() bool { calls, _, _, _ := rt.counts(); return calls == 1 })
	if len(r.All()) > 0 {
		t.Errorf("%+v", r.All())
	}
	rt.Close()
}

// TestOwnPanic has a bug end one attempt and nothing else.
func TestOwnPanic(t *testing.T) {
	t.Parallel()
	s := server(t, func(http.ResponseWriter, *http.Request) {})
	rt := open(t, Config{MaxInFlight: 1})
	_, rep := run(t, rt, attempt(s.URL, "state_expr", "panic"))
	if rep.State != step.PlatformError || !strings.Contains(errorsOf(rep), "bug") {
		t.Errorf("%+v", rep)
	}
	if _, rep := run(t, rt, attempt(s.URL)); rep.State != step.Done {
		t.Errorf("the next attempt: %+v", rep)
	}
}

// TestClosed begins nothing and says nothing.
func TestClosed(t *testing.T) {
	t.Parallel()
	s := server(t, func(http.ResponseWriter, *http.Request) { t.Error("a request") })
	rt := open(t, Config{})
	rt.Close()
	rt.Close()
	r := steptest.NewRecorder(time.Second)
	a := attempt(s.URL)
	rt.Start(t.Context(), a, r)
	rt.Stop(t.Context(), a, r)
	if len(r.All()) > 0 {
		t.Errorf("%+v", r.All())
	}
}
