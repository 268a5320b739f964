package instance_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
	"maestro/param"
	"maestro/spec"
)

// TestTranscripts plays testdata/*.txt. A block is commands, a line of dashes, and what they led to. The first command of
// a file, workflow, is followed by its steps as JSON lines. See testdata/README.md.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("transcript differs; run with -rewrite and read the diff\n--- got\n%s", got)
			}
		})
	}
}

func play(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	p := &player{now: 0}
	for i, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		head, _, _ := strings.Cut(block, "\n----")
		out.WriteString(head + "\n")
		if strings.HasPrefix(block, "#") && !strings.Contains(block, "\n----") {
			continue
		}
		out.WriteString("----\n")
		for _, line := range strings.Split(head, "\n") {
			if !strings.HasPrefix(line, "#") {
				out.WriteString(p.command(t, line))
			}
		}
		out.WriteString(p.state())
	}
	return out.String()
}

// player drives one run by commands.
type player struct {
	steps   []string
	run     *instance.Run
	journal [][]byte
	now     int64
}

func (p *player) command(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	step := func() int { n, _ := p.run.Plan.Ordinal(arg(1)); return n }
	attempt := func() int64 {
		if n, err := strconv.ParseInt(arg(2), 10, 64); err == nil {
			return n
		}
		return p.run.Steps[step()].Number
	}
	report := func(o instance.Outcome) string {
		return p.apply(instance.Reported{At: p.now, Step: step(), Attempt: attempt(), Outcome: o, Begun: true})
	}
	actions := map[string]instance.Action{"stop": instance.Stop, "kill": instance.Kill, "skip": instance.Skip, "restart": instance.Restart, "bypass": instance.Bypass}
	switch {
	case words[0] == "workflow":
		return ""
	case strings.HasPrefix(line, "{"):
		p.steps = append(p.steps, line)
		return ""
	case words[0] == "start":
		p.run = newRun(t, p.steps)
		return p.apply(instance.Start{At: p.now})
	case words[0] == "waits":
		return p.apply(instance.Reported{At: p.now, Step: step(), Attempt: attempt(), Waits: "one of 2 places"})
	case words[0] == "begun":
		return report(instance.OutcomeContinue)
	case words[0] == "done":
		return report(instance.OutcomeDone)
	case words[0] == "error":
		return report(instance.OutcomeUserError)
	case words[0] == "broken":
		return report(instance.OutcomePlatformError)
	case words[0] == "fatal":
		return report(instance.OutcomeFatalError)
	case words[0] == "stopped":
		return report(instance.OutcomeStopped)
	case words[0] == "advance":
		d, err := time.ParseDuration(arg(1))
		if err != nil {
			t.Fatal(err)
		}
		return p.advance(p.now + d.Milliseconds())
	case words[0] == "crash":
		return p.reload(t)
	case actions[words[0]] != instance.NoAction && arg(1) == "run":
		return p.apply(instance.ActOnRun{At: p.now, Action: actions[words[0]], User: "alice", Reason: "test"})
	case actions[words[0]] != instance.NoAction:
		return p.apply(instance.ActOnStep{At: p.now, Step: arg(1), Action: actions[words[0]], User: "alice", Reason: "test"})
	}
	t.Fatalf("unknown command %q", line)
	return ""
}

// advance lets time pass, waking the run whenever something is due.
func (p *player) advance(until int64) string {
	var out string
	for {
		next := p.run.NextWake()
		if next == 0 || next > until {
			p.now = until
			return out
		}
		p.now = max(p.now, next)
		out += p.apply(instance.Wake{At: p.now})
	}
}

func (p *player) apply(ev instance.Event) string {
	pass, err := instancetest.Apply(p.run, ev)
	if err != nil {
		if e, ok := errors.AsType[*api.Error](err); ok {
			return "error: " + string(e.Code) + ": " + e.Message + "\n"
		}
		return "error: " + err.Error() + "\n"
	}
	if len(pass.Records) > 0 {
		p.journal = append(p.journal, instance.AppendEntry(nil, pass.Records))
	}
	var b strings.Builder
	for _, e := range pass.Effects {
		switch e := e.(type) {
		case instance.Launch:
			again := ""
			if e.Again {
				again = " again"
			}
			fmt.Fprintf(&b, "> launch %s/%d%s\n", p.run.Plan.Nodes[e.Step].ID, e.Attempt, again)
		case instance.EndWork:
			fmt.Fprintf(&b, "> end %s/%d\n", p.run.Plan.Nodes[e.Step].ID, e.Attempt)
		case instance.Ended:
			fmt.Fprintf(&b, "> ended %s\n", e.Status)
		}
	}
	return b.String()
}

// reload drops the run and folds its journal into a new one, as after a crash.
func (p *player) reload(t *testing.T) string {
	t.Helper()
	p.run = newRun(t, p.steps)
	for _, e := range p.journal {
		if err := p.run.Fold(e); err != nil {
			t.Fatal(err)
		}
	}
	if p.run.Own.Terminal() {
		return ""
	}
	return p.apply(instance.Resumed{At: p.now})
}

func (p *player) state() string {
	if p.run == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s ", time.Duration(p.now)*time.Millisecond, p.run.Own)
	for i := range p.run.Steps {
		s := &p.run.Steps[i]
		if s.Number == 0 {
			fmt.Fprintf(&b, " %s:-", p.run.Plan.Nodes[i].ID)
			continue
		}
		fmt.Fprintf(&b, " %s:%s/%d", p.run.Plan.Nodes[i].ID, s.Status, s.Number)
	}
	if next := p.run.NextWake(); next != 0 {
		fmt.Fprintf(&b, "  (wakes at %s)", time.Duration(next)*time.Millisecond)
	}
	return b.String() + "\n"
}

func newRun(t *testing.T, steps []string) *instance.Run {
	t.Helper()
	r := instance.New(&instance.Header{}, newPlan(t, steps), bare{})
	r.WorkflowID, r.Instance, r.Number, r.UUID = "wf", 1, 1, "00000000-0000-4000-8000-000000000000"
	return r
}

func newPlan(t *testing.T, steps []string) *instance.Plan {
	t.Helper()
	n, err := doc.ParseJSON([]byte(`{"workflow":{"id":"wf","steps":[`+strings.Join(steps, ",")+`]}}`), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var problems doc.Problems
	req := spec.DecodePushRequest(n, spec.Rules{}, &problems)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	dag, err := spec.BuildDAG(req.Workflow.Steps, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return instance.NewPlan(req.Workflow, dag)
}

// bare is a language without params: a condition is true, false, or fails.
type bare struct{}

func (bare) StepParams(r *instance.Run, step int, _ int64) (*param.Params, []byte, error) {
	p := &param.Params{}
	for name, d := range r.Plan.Nodes[step].Step.Params.All() {
		if d.HasExpression {
			return nil, nil, errors.New("MaestroInvalidExpressionException: " + d.Expression)
		}
		p.Set(name, param.Param{Def: d, Result: d.Value, Evaluated: true})
	}
	return p, []byte{0}, nil
}

func (b bare) RestoreStepParams(r *instance.Run, step int, _ *instance.Attempt, _ []byte) (*param.Params, error) {
	p, _, err := b.StepParams(r, step, 0)
	return p, err
}

func (bare) Conditions(r *instance.Run, step int, now int64) ([]instance.EdgeResult, []byte, error) {
	edges := r.Plan.Nodes[step].Successors
	out := make([]instance.EdgeResult, len(edges))
	for i, e := range edges {
		if e.Condition == "boom" {
			return out, nil, errors.New("boom")
		}
		out[i] = instance.EdgeResult{Done: true, True: e.Condition == "true", At: now}
	}
	return out, nil, nil
}

func (bare) Timeout(r *instance.Run, step int) (int64, error) {
	t := r.Plan.Nodes[step].Step.Timeout
	if !t.IsSet() {
		return 10 * 24 * 3600 * 1000, nil
	}
	d, err := t.Duration(nil)
	return d.Milliseconds(), err
}

func (bare) Retry(r *instance.Run, step int) spec.Retry {
	return r.Plan.Nodes[step].Step.Retry.ResolveOrDefault(nil)
}

func (bare) Output(*instance.Run, int, []byte, int64) (*param.Params, []byte, map[string][]byte, error) {
	return nil, nil, nil, nil
}
func (bare) Dependencies(*instance.Run, int, int64) ([]byte, error) { return []byte("[]"), nil }
func (bare) Signals(*instance.Run, int, int64) ([]byte, error)      { return nil, nil }
