package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maestro/internal/engine"
	"maestro/internal/engine/enginetest"
	"maestro/internal/instance"
	"maestro/internal/step"
	"maestro/internal/view"
)

// shapes are workflows in which a walk that forgets where it has been never ends, or is the square of what it should be:
// two roots, of which the second has n steps behind it.
var shapes = map[string]func(n int) []string{
	"ladder": func(n int) []string { // layers of two, each of which leads to both of the next
		var steps []string
		next := func(layer int) []string {
			if 2*layer >= n {
				return nil
			}
			return []string{fmt.Sprintf("l%d", layer), fmt.Sprintf("r%d", layer)}
		}
		for layer := range n / 2 {
			for _, id := range next(layer) {
				steps = append(steps, shellStep(id, next(layer+1)...))
			}
		}
		return append(steps, shellStep("second", next(0)...))
	},
	"chain": func(n int) []string {
		var steps []string
		for i := range n {
			next := []string{fmt.Sprintf("c%d", i+1)}
			if i == n-1 {
				next = nil
			}
			steps = append(steps, shellStep(fmt.Sprintf("c%d", i), next...))
		}
		return append(steps, shellStep("second", "c0"))
	},
	"star": func(n int) []string { // one leads to all, and all lead to one
		var steps, all []string
		for i := range n - 1 {
			all = append(all, fmt.Sprintf("s%d", i))
			steps = append(steps, shellStep(all[i], "end"))
		}
		return append(steps, shellStep("end"), shellStep("second", all...))
	},
	"roots": func(n int) []string { // all begin at once
		var steps []string
		for i := range n {
			steps = append(steps, shellStep(fmt.Sprintf("s%d", i), "end"))
		}
		return append(steps, shellStep("end"), shellStep("second", "end"))
	},
}

func shellStep(id string, next ...string) string {
	var to []string
	for _, n := range next {
		to = append(to, fmt.Sprintf("%q:\"1 == 1\"", n))
	}
	return fmt.Sprintf(`{"step":{"id":%q,"type":"Shell","transition":{"successors":{%s}}}}`, id, strings.Join(to, ","))
}

// effort is what a life of a run cost.
type effort struct {
	journal int                // bytes written
	views   map[string]float64 // allocations, by what was asked for
}

// live takes a workflow of a shape through all that can be done to it, with everything that can be asked.
func live(t *testing.T, shape string, n int) (out effort) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{t: t, disk: enginetest.NewMemory(), book: &enginetest.Book{}, work: &work{}}
		bad := map[string]bool{"first": true, "second": true}
		holds := false
		l.work.onStart = func(a *step.Attempt, r step.Reporter) {
			switch {
			case bad[a.StepID]:
				r.Report(step.Report{State: step.FatalError})
			case !holds || a.StepID == "second" || a.StepID == "first":
				r.Report(step.Report{State: step.Done})
			default:
				r.Report(step.Report{State: step.Continue})
			}
		}
		l.push("wf", parallel, append(shapes[shape](n), shellStep("first"))...)
		e, _ := l.open(engine.Config{}, nil)
		ctx := context.Background()
		out.views = make(map[string]float64)
		look := func(when string) *instance.Run {
			idle()
			r, err := e.Load(ctx, "wf", 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			for name, ask := range map[string]func(){
				"aggregate": func() { r.Aggregate() },
				"instance":  func() { view.AppendInstance(nil, view.Instance{Run: r, Enriched: true, Aggregate: view.AllRuns}) },
				"before":    func() { view.AppendInstance(nil, view.Instance{Run: r, Aggregate: view.BeforeRun}) },
				"overview":  func() { view.AppendOverview(nil, r, nil) },
				"rollup":    func() { view.RollupOf(r, nil) },
				"load":      func() { _, _ = e.Load(ctx, "wf", 1, 0) },
			} {
				out.views[when+": "+name] = testing.AllocsPerRun(1, ask)
			}
			return r
		}
		ended := func(when string, want instance.RunStatus) {
			t.Helper()
			if r := look(when); r.Status != want {
				t.Fatalf("%s of %d: %s: the instance is %s, want %s", shape, n, when, r.Status, want)
			}
		}
		l.start(e, "wf")
		ended("failed", instance.RunFailed)

		act := func(q engine.RestartRequest) {
			t.Helper()
			q.WorkflowID, q.Instance, q.User, q.Policy = "wf", 1, "u", "RESTART_FROM_INCOMPLETE"
			var err error
			if q.Step == "" {
				_, err = e.Restart(ctx, q)
			} else {
				_, err = e.RestartStep(ctx, q)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		bad["first"] = false
		act(engine.RestartRequest{Step: "first"})
		ended("first restarted", instance.RunFailed)

		bad["second"] = false
		holds = true
		act(engine.RestartRequest{Step: "second"})
		ended("second restarted", instance.InProgress)
		if _, err := e.SetBreakpoint(ctx, "wf", "first", "u"); err != nil {
			t.Fatal(err)
		}
		if _, err := e.ActOnRun(ctx, engine.RunAction{WorkflowID: "wf", Instance: 1, Action: instance.Stop, User: "u"}); err != nil {
			t.Fatal(err)
		}
		ended("stopped", instance.RunStopped)

		holds = false
		act(engine.RestartRequest{})
		ended("all restarted", instance.RunSucceeded)
		if _, err := e.ActOnStep(ctx, engine.StepAction{WorkflowID: "wf", Instance: 1, Step: "second", Action: instance.Skip, User: "u"}); err != nil {
			t.Fatal(err)
		}
		ended("second skipped", instance.RunSucceeded)
		l.close(e)
		for _, id := range l.disk.All() {
			_, entries, err := l.disk.Load(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			for i := range entries {
				out.journal += len(entries[i].Data)
			}
		}
	})
	return out
}

// TestGrowth takes workflows of nearly 300 steps, the limit, through everything. That it ends is the point: a walk that visits a step once
// for every path to it makes 2^140 visits. What is written and allocated is compared with half the steps: where that is
// the square, it is four times as much.
func TestGrowth(t *testing.T) {
	stuck := time.AfterFunc(5*time.Minute, func() { panic("a walk over a workflow does not end") })
	defer stuck.Stop()
	for shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			half, full := live(t, shape, 140), live(t, shape, 280)
			if full.journal > 3*half.journal {
				t.Errorf("280 steps write %d bytes, 140 write %d", full.journal, half.journal)
			}
			for what, n := range full.views {
				if n > 3*half.views[what]+100 {
					t.Errorf("%s: 280 steps take %.0f allocations, 140 take %.0f", what, n, half.views[what])
				}
			}
		})
	}
}
