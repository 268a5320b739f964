package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/store"
	"maestro/internal/store/faulty"
	"maestro/internal/store/sqlite"
	"maestro/internal/uuid"
)

// scenario is a workflow, how its work goes, and what users do to it.
type scenario struct {
	name       string
	properties string
	workflow   string // further members
	steps      []string
	runs       int // how many are started; 1 unless set
	// work says what the attempt of a step comes to. Steps that are not in it are done.
	work map[string]step.State                    // "step/attempt" → state; Continue never ends
	act  func(e *engine.Engine, inst int64) error // on the first run
}

func typed(id, kind, more string) string {
	return fmt.Sprintf(`{"step":{"id":%q,"type":%q%s}}`, id, kind, more)
}

func to(ids ...string) string {
	var list []string
	for _, id := range ids {
		name, when, ok := strings.Cut(id, " if ")
		if !ok {
			when = "true"
		}
		list = append(list, fmt.Sprintf("%q:%q", name, when))
	}
	return `,"transition":{"successors":{` + strings.Join(list, ",") + `}}`
}

const fast = `,"retry_policy":{"error_retry_limit":2,"platform_retry_limit":1,"timeout_retry_limit":1,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":5,"platform_retry_backoff_in_secs":5,"timeout_retry_backoff_in_secs":5}}`

func scenarios() []scenario {
	return []scenario{
		{name: "chain", steps: []string{
			typed("a", "Shell", to("b")), typed("b", "NoOp", to("c")), typed("c", "Shell", to("d")),
			typed("d", "Sleep", `,"params":{"sleep_seconds":{"type":"LONG","value":30}}`+to("e")), typed("e", "Shell", ""),
		}},
		{name: "fan", steps: []string{
			typed("a", "NoOp", to("b", "c", "d")), typed("b", "Shell", to("e")), typed("c", "Shell", to("e")), typed("d", "Shell", to("e")), typed("e", "Shell", ""),
		}},
		{name: "conditions", steps: []string{
			typed("a", "Shell", to("b if 1 < 2", "c if 1 > 2")), typed("b", "Shell", to("d")), typed("c", "Shell", to("d", "e")), typed("d", "Shell", ""), typed("e", "Shell", ""),
			typed("f", "Shell", to("g if nonsense > 1")), typed("g", "Shell", ""),
		}},
		{name: "retries", steps: []string{typed("a", "Shell", fast+to("b")), typed("b", "Shell", fast)}, work: map[string]step.State{
			"a/1": step.UserError, "a/2": step.PlatformError, "b/1": step.UserError, "b/2": step.UserError, "b/3": step.UserError,
		}},
		{name: "timeout", steps: []string{typed("a", "Shell", fast+`,"timeout":10`+to("b")), typed("b", "Shell", "")}, work: map[string]step.State{
			"a/1": step.Continue,
		}},
		{name: "run timeout", workflow: `"timeout":60,`, steps: []string{typed("a", "Shell", ""), typed("b", "Shell", fast)}, work: map[string]step.State{
			"a/1": step.Continue, "b/1": step.UserError,
		}},
		{name: "failure modes", steps: []string{
			typed("a", "Shell", `,"failure_mode":"IGNORE_FAILURE"`+to("b")), typed("b", "Shell", ""), typed("c", "Shell", ""),
			typed("d", "Sleep", `,"params":{"sleep_seconds":{"type":"LONG","value":10}}`+to("e")), typed("e", "Shell", `,"failure_mode":"FAIL_IMMEDIATELY"`),
		}, work: map[string]step.State{"a/1": step.FatalError, "c/1": step.Continue, "e/1": step.FatalError}},
		{name: "stop", steps: []string{typed("a", "Shell", to("b")), typed("b", "Shell", "")}, work: map[string]step.State{"b/1": step.Continue},
			act: func(e *engine.Engine, inst int64) error {
				_, err := e.ActOnRun(context.Background(), engine.RunAction{WorkflowID: "wf", Instance: inst, Action: instance.Stop, User: "u"})
				return err
			}},
		{name: "skip", steps: []string{typed("a", "Shell", to("b")), typed("b", "Shell", "")}, work: map[string]step.State{"a/1": step.Continue},
			act: func(e *engine.Engine, inst int64) error {
				_, err := e.ActOnStep(context.Background(), engine.StepAction{WorkflowID: "wf", Instance: inst, Step: "a", Action: instance.Skip, User: "u"})
				return err
			}},
		{name: "sequential", properties: `{"owner":"tester","run_strategy":"sequential"}`, runs: 3, steps: []string{typed("a", "Shell", "")},
			work: map[string]step.State{"a/1": step.Done}},
		{name: "permits", properties: `{"owner":"tester","run_strategy":"parallel","step_concurrency":1}`, runs: 2, steps: []string{typed("a", "Shell", ""), typed("b", "Shell", "")}},
	}
}

// wrong is how a commit goes wrong.
type wrong struct {
	name  string
	fault faulty.Fault
}

var wrongs = []wrong{
	{"fails", faulty.Fault{Err: errors.New("not written")}},
	{"is written and reported as failed", faulty.Fault{Err: errors.New("written, and reported as failed"), Apply: true}},
	{"is not written as the process dies", faulty.Fault{Die: true}},
	{"is written as the process dies", faulty.Fault{Die: true, Apply: true}},
}

// TestCrash plays every scenario once undisturbed, and then once for every commit of it and every way in which that
// commit can go wrong. A process that died is started again; clients whose request failed ask again. The end must be the
// same each time: which steps ended how, after how many attempts.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			want, commits := playScenario(t, &sc, enginetest.NewMemory(), 0, faulty.Fault{})
			for at := 1; at <= commits; at++ {
				for _, w := range wrongs {
					got, _ := playScenario(t, &sc, enginetest.NewMemory(), at, w.fault)
					if got != want {
						t.Errorf("commit %d of %d %s: the end is\n%swant\n%s", at, commits, w.name, got, want)
					}
				}
			}
			if commits < 3 {
				t.Errorf("only %d commits", commits)
			}
		})
	}
}

// TestCrash_SQLite is a part of TestCrash on the real store.
func TestCrash_SQLite(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios()[:4] {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			want, commits := playScenario(t, &sc, nil, 0, faulty.Fault{})
			for at := 1; at <= commits; at += 2 {
				w := wrongs[at/2%len(wrongs)]
				if got, _ := playScenario(t, &sc, nil, at, w.fault); got != want {
					t.Errorf("commit %d of %d %s: the end is\n%swant\n%s", at, commits, w.name, got, want)
				}
			}
		})
	}
}

// playScenario returns the end of a scenario whose commit number at goes wrong, and how many commits there were. A nil
// disk is SQLite in memory.
func playScenario(t *testing.T, sc *scenario, disk store.Store, at int, fault faulty.Fault) (end string, commits int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if disk == nil {
			s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			disk = s
		}
		properties := sc.properties
		if properties == "" {
			properties = parallel
		}
		book := &enginetest.Book{}
		if err := book.Push("wf", properties, sc.workflow, sc.steps...); err != nil {
			t.Fatal(err)
		}
		work := &work{onStart: func(a *step.Attempt, r step.Reporter) {
			state, ok := sc.work[fmt.Sprintf("%s/%d", a.StepID, a.Number)]
			if !ok {
				state = step.Done
			}
			r.Report(step.Report{State: state, Begun: true})
		}}
		var died atomic.Bool
		var count atomic.Int64
		defer func() { commits = int(count.Load()) }()
		plan := func(w faulty.Write) faulty.Fault {
			if w.Method != "Commit" {
				return faulty.Fault{}
			}
			if count.Add(1) == int64(at) {
				died.Store(fault.Die)
				return fault
			}
			return faulty.Fault{}
		}
		var e *engine.Engine
		reopen := func() {
			if e != nil {
				_ = e.Close(context.Background())
			}
			died.Store(false)
			e = openOn(t, faulty.New(disk, plan), book, work)
		}
		wait := func(d time.Duration) { // it is started again as soon as it has died
			for ; d > 0; d -= 100 * time.Millisecond {
				time.Sleep(100 * time.Millisecond)
				if died.Load() {
					reopen()
				}
			}
		}
		insist := func(try func() error) {
			for range 10 {
				if err := try(); err == nil {
					return
				}
				wait(200 * time.Millisecond)
			}
			t.Error("ten tries failed")
		}
		reopen()
		for n := range max(sc.runs, 1) {
			insist(func() error { _, err := tryStart(e, "wf", requestID(9, n)); return err })
		}
		wait(2 * time.Second)
		if sc.act != nil {
			uuid, _ := uuid.Parse(requestID(9, 0))
			row, err := disk.FindUUID(t.Context(), 10_000, uuid)
			if err != nil {
				t.Fatal(err)
			}
			insist(func() error {
				if row, err := disk.FindUUID(t.Context(), 10_000, uuid); err != nil || instance.RunStatus(row.Status).Terminal() {
					return err // it was heard although it was told that it was not
				}
				return sc.act(e, row.Instance)
			})
		}
		wait(10 * time.Minute)
		end = ends(t, disk, e)
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return end, commits
}

func openOn(t *testing.T, s engine.Store, b engine.Catalog, w *work) *engine.Engine {
	t.Helper()
	l := &lab{t: t, work: w}
	return l.openOn(engine.Config{Groups: 2, Snapshots: instance.SnapshotRule{Entries: 2}}, s, b)
}

// ends renders how all runs ended.
func ends(t *testing.T, s store.Store, e *engine.Engine) string {
	t.Helper()
	entries, err := s.After(t.Context(), 0, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	byRun := make(map[store.RunID][]store.Entry)
	for _, en := range entries {
		byRun[en.Run] = append(byRun[en.Run], en)
	}
	var b strings.Builder
	for n, id := range slices.Sorted(maps.Keys(byRun)) {
		row, own, err := s.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		run := judged(t, row, own)
		r, err := e.LoadAny(id)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "run %d %s\n", n+1, run.Status) // a start that was refused has used up a number
		for i := range r.Steps {
			fmt.Fprintf(&b, "  %s %s %d\n", r.Plan.Nodes[i].ID, r.Steps[i].Status, r.Steps[i].Number)
		}
	}
	return b.String()
}
