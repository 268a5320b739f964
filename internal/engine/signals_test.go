package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
	"maestro/spec"
)

func (f *fixture) announce(t testing.TB, name string, pairs ...any) *signal.Instance {
	t.Helper()
	i, err := f.Board().Announce(t.Context(), &signal.Announcement{Name: name, Params: signalParams(pairs...)})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func signalParams(pairs ...any) (p signal.Params) {
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

// until loads the run until it is as f wants it.
func (f *fixture) until(t testing.TB, s engine.Started, ok func(r *instance.Run) bool) *instance.Run {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		r, err := f.Load(t.Context(), s.WorkflowID, s.Instance, 0)
		if err != nil {
			t.Fatal(err)
		}
		if ok(r) {
			return r
		}
		if time.Now().After(late) {
			t.Fatalf("run %s does not get there: %s", r.Identity(), r.Status)
		}
	}
}

func in(status instance.StepStatus) func(*instance.Run) bool {
	return func(r *instance.Run) bool { return r.Steps[0].Status == status }
}

const waits = `{"step":{"id":"a","type":"NoOp","signal_dependencies":[
	{"name":"s","match_params":{"n":{"param":{"value":5,"type":"LONG"},"operator":">="}}},
	{"name":"z-${region}"}],
	"params":{"x":{"expression":"params.getFromSignalDependency('0','n') + 1","type":"LONG"}}}}`

func pushWaits(t testing.TB, b *book) {
	t.Helper()
	b.push(t, "w", "", strings.Replace(waits, "${region}", "eu", 1))
}

func result(r *instance.Run, name string) string {
	if p := r.StepParams(0).Lookup(name); p != nil {
		return p.Result.String()
	}
	return "none"
}

// TestWaitForSignals lets a step wait for two signals, of which one is there already and one comes while the run is not
// in memory and after the engine was restarted.
func TestWaitForSignals(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	b := &book{byID: make(map[string]*engine.Definition)}
	pushWaits(t, b)
	f := newFixture(t, s, b, &work{}, engine.Config{})
	for n := range 10 {
		f.announce(t, "s", "n", n)
	}
	run := f.start(t, "w")
	r := f.until(t, run, func(r *instance.Run) bool {
		return r.Steps[0].Signals != nil && r.Steps[0].Signals[0].Status == instance.SignalMatched
	})
	if got := r.Steps[0].Signals; got[0].Sequence != 10 || got[1].Status != instance.SignalPending || r.Steps[0].Status != instance.WaitingForSignals {
		t.Errorf("got %v in %s", got, r.Steps[0].Status)
	}
	for f.InMemory() > 0 {
		time.Sleep(time.Millisecond)
	}
	if n := f.Board().Waiting(); n != 1 {
		t.Errorf("%d dependencies wait, want 1", n)
	}
	f.announce(t, "s", "n", 100) // too late: that one is matched
	f.close(t)

	f = newFixture(t, s, b, &work{}, engine.Config{})
	defer f.close(t)
	<-f.Recovered()
	f.announce(t, "z-eu")
	r = f.await(t, run)
	if r.Status != instance.RunSucceeded || result(r, "x") != "10" {
		t.Errorf("got %s with x = %s", r.Status, result(r, "x"))
	}
	if n := f.Board().Waiting(); n != 0 {
		t.Errorf("%d dependencies wait, want none", n)
	}
}

// TestAnnouncedWhileDown holds that a signal that came while no engine knew of the waiting step is found.
func TestAnnouncedWhileDown(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	b := &book{byID: make(map[string]*engine.Definition)}
	pushWaits(t, b)
	f := newFixture(t, s, b, &work{}, engine.Config{})
	run := f.start(t, "w")
	f.until(t, run, in(instance.WaitingForSignals))
	f.close(t)
	other := board.New(board.Config{Reader: s, Wake: func(board.Waiter, *signal.Instance) {}, Commit: func(_ string, records []store.Record, _ int64) error {
		return s.PutRecords(context.Background(), records...)
	}})
	for _, a := range []*signal.Announcement{{Name: "s", Params: signalParams("n", 7)}, {Name: "z-eu"}} {
		if _, err := other.Announce(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	other.Close()
	f = newFixture(t, s, b, &work{}, engine.Config{})
	defer f.close(t)
	if r := f.await(t, run); r.Status != instance.RunSucceeded || result(r, "x") != "8" {
		t.Errorf("got %s with x = %s", r.Status, result(r, "x"))
	}
}

// TestSignalsOfRestarts holds that retries and restarts do not wait for what was matched or bypassed (spec/engine 11.3).
func TestSignalsOfRestarts(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	b := &book{byID: make(map[string]*engine.Definition)}
	b.push(t, "w", "", `{"step":{"id":"a","type":"shell","retry_policy":{"error_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":1}},
		"params":{"x":{"expression":"params.getFromSignalDependency('0','n')","type":"LONG"}},
		"signal_dependencies":[{"name":"s"},{"name":"z"}]}}`)
	w := &work{onStart: func(a *step.Attempt, r step.Reporter) { r.Report(step.Report{State: step.UserError}) }}
	f := newFixture(t, s, b, w, engine.Config{})
	defer f.close(t)
	f.announce(t, "s", "n", 1)
	run := f.start(t, "w")
	f.until(t, run, func(r *instance.Run) bool {
		return r.Steps[0].Signals != nil && r.Steps[0].Signals[0].Status == instance.SignalMatched
	})
	if _, err := f.ActOnStep(t.Context(), engine.StepAction{WorkflowID: "w", Instance: 1, Step: "a", Action: instance.Bypass, User: "ann", Blocking: true}); err != nil {
		t.Fatal(err)
	}
	check := func(r *instance.Run, attempt int64) {
		t.Helper()
		a := &r.Steps[0].Attempt
		want := []instance.SignalStatus{instance.SignalMatched, instance.SignalSkipped}
		if a.Number != attempt || len(a.Signals) != 2 || a.Signals[0].Status != want[0] || a.Signals[1].Status != want[1] || a.Signals[0].Sequence != 1 ||
			a.Signals[1].By != "ann" || result(r, "x") != "1" {
			t.Errorf("run %d attempt %d has %+v and x = %s", r.Number, a.Number, a.Signals, result(r, "x"))
		}
	}
	r := f.await(t, run)
	check(r, 2)
	bypassed := r.Steps[0].Signals[1].At
	f.announce(t, "s", "n", 2)
	for _, policy := range []string{"RESTART_FROM_INCOMPLETE", "RESTART_FROM_BEGINNING"} {
		again, err := f.Restart(t.Context(), engine.RestartRequest{WorkflowID: "w", Instance: 1, Policy: policy, User: "bob"})
		if err != nil {
			t.Fatal(err)
		}
		r := f.await(t, again)
		check(r, 2)
		if r.Steps[0].Signals[1].At != bypassed {
			t.Error("the time of the bypass is not kept")
		}
	}
}

// TestTriggeredRun holds what params read of the signals that started their run, also after a restart.
func TestTriggeredRun(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	b := &book{byID: make(map[string]*engine.Definition)}
	b.push(t, "w", "", `{"step":{"id":"a","type":"NoOp","params":{
		"x":{"expression":"params.getFromSignal('s','n') + params.getFromSignal('p')","type":"LONG"},
		"y":{"value":"${s__n}","type":"STRING"},
		"d":{"expression":"params.getFromSignalOrDefault('s','none','dflt')","type":"STRING"}}}}`)
	b.byID["w"].Triggers = []string{"u"}
	f := newFixture(t, s, b, &work{}, engine.Config{})
	defer f.close(t)
	f.announce(t, "s", "n", 3)
	in := engine.Initiator{
		Type:   "SIGNAL",
		JSON:   []byte(`{"trigger_uuid":"u","depth":0,"type":"SIGNAL","signal_id_map":{"s":1},"params":{"p":{"value":4,"type":"LONG","evaluated_result":4,"evaluated_time":1}}}`),
		Signal: &engine.SignalInitiator{TriggerUUID: "u", SignalIDs: map[string]int64{"s": 1}},
	}
	note := store.Record{Kind: "test", Key: "k", Value: []byte("x")}
	run, err := f.Start(t.Context(), engine.StartRequest{WorkflowID: "w", Version: "active", Initiator: in, Records: []store.Record{note}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Record(t.Context(), "test", "k"); err != nil {
		t.Errorf("the record of the start: %v", err)
	}
	check := func(r *instance.Run) {
		t.Helper()
		if got := result(r, "x") + " " + result(r, "y") + " " + result(r, "d"); got != "7 3 dflt" {
			t.Errorf("run %d: got %s", r.Number, got)
		}
	}
	check(f.await(t, run))
	again, err := f.Restart(t.Context(), engine.RestartRequest{WorkflowID: "w", Instance: 1, Policy: "RESTART_FROM_BEGINNING", User: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	check(f.await(t, again))
}

// TestAnnounceOnce fails or doubles every commit that there is, with and without the end of the process, while a step
// announces and another one waits for it, and holds that each signal is announced exactly once.
func TestAnnounceOnce(t *testing.T) {
	t.Parallel()
	b := &book{byID: make(map[string]*engine.Definition)}
	b.push(t, "w", "",
		`{"step":{"id":"a","type":"NoOp","signal_outputs":[{"name":"s","params":{"n":{"value":1,"type":"LONG"}}},{"name":"s","params":{"n":{"value":2,"type":"LONG"}}},{"name":"z"}]}}`,
		`{"step":{"id":"b","type":"NoOp","signal_dependencies":[{"name":"s","match_params":{"n":{"param":{"value":2,"type":"LONG"},"operator":"="}}}],"signal_outputs":[{"name":"end"}]}}`,
		`{"step":{"id":"c","type":"NoOp","signal_dependencies":[{"name":"end"}]}}`)
	commits := 0
	play := func(t *testing.T, plan func(n int) faulty.Fault) {
		t.Helper()
		mem := enginetest.NewMemory()
		n := 0
		broken := faulty.New(mem, func(w faulty.Write) faulty.Fault {
			if w.Method != "Commit" {
				return faulty.Fault{}
			}
			n++
			return plan(n)
		})
		open := func(s engine.Store) *engine.Engine {
			e := engine.New(engine.Config{}, s, b, newLanguage(t), map[spec.StepType]step.Runtime{}, quiet())
			if err := e.Open(context.Background()); err != nil {
				t.Fatal(err)
			}
			return e
		}
		shut := func(e *engine.Engine) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_ = e.Close(ctx) // a dead store cannot release leases
		}
		e := open(broken)
		defer func() { shut(e) }()
		late := time.Now().Add(20 * time.Second)
		for {
			_, err := e.Start(t.Context(), engine.StartRequest{WorkflowID: "w", Version: "latest", Initiator: manual(), RequestID: "00000000-0000-4000-8000-000000000001"})
			if err == nil {
				break
			}
			if errors.Is(err, faulty.ErrDead) || strings.Contains(err.Error(), faulty.ErrDead.Error()) {
				shut(e)
				e = open(mem)
			}
		}
		find := func() (r *instance.Run, err error) { // a start that failed has used up its number
			for inst := range int64(3) {
				if r, err = e.Load(t.Context(), "w", inst+1, 1); !errors.Is(err, api.NotFound) {
					return r, err
				}
			}
			return r, err
		}
		for {
			r, err := find()
			if errors.Is(err, faulty.ErrDead) {
				shut(e)
				e = open(mem)
			} else if err == nil && r.Own.Terminal() {
				if r.Status != instance.RunSucceeded {
					t.Errorf("the run has %s", r.Status)
				}
				a, _ := r.Plan.Ordinal("a")
				if got := string(r.Steps[a].Sent); !strings.Contains(got, `"n":1},"signal_id":1,`) || !strings.Contains(got, `"n":2},"signal_id":2,`) {
					t.Errorf("step a announced %s", got)
				}
				break
			}
			if time.Now().After(late) {
				t.Fatal("the run does not end")
			}
			time.Sleep(time.Millisecond)
		}
		var seqs []string
		for _, name := range []string{"s", "z", "end"} {
			last, err := e.Board().Last(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for seq := range last {
				if i, err := e.Board().Instance(t.Context(), name, seq+1); err == nil && i != nil {
					seqs = append(seqs, fmt.Sprintf("%s%d", name, i.Seq))
				}
			}
		}
		if want := []string{"s1", "s2", "z1", "end1"}; !slices.Equal(seqs, want) {
			t.Errorf("announced %v want %v", seqs, want)
		}
		commits = max(commits, n)
	}
	play(t, func(int) faulty.Fault { return faulty.Fault{} })
	lost := errors.New("connection lost")
	for at := 1; at <= commits; at++ {
		for name, fault := range map[string]faulty.Fault{
			"fails": {Err: lost}, "lies": {Err: lost, Apply: true}, "dies": {Die: true}, "diesAfter": {Die: true, Apply: true}, "stale": {Err: store.ErrStale},
		} {
			t.Run(fmt.Sprint(at, name), func(t *testing.T) {
				play(t, func(n int) faulty.Fault {
					if n == at {
						return fault
					}
					return faulty.Fault{}
				})
			})
		}
	}
}
