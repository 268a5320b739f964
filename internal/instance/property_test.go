package instance_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"maestro/api"
	"maestro/internal/engine/enginetest/flows"
	"maestro/internal/instance"
)

// TestProperties throws events of every kind, with arguments that make sense and others, in random order at random
// workflows, and checks after each of them what must hold whatever happens:
//
//   - an event that is refused changes nothing, no event panics, and a report of an earlier attempt is refused;
//   - every record is a transition of the table, and what is terminal stays so until a new attempt is made;
//   - effects name the attempt that is live, and the run's end is told exactly once;
//   - folding the journal gives the run in memory, and playing the events into a new run gives the same journal;
//   - a run that has not ended has something it waits for: a runtime, a time, a user, a permit or a signal.
func TestProperties(t *testing.T) {
	t.Parallel()
	n := 2000
	if testing.Short() {
		n = 200
	}
	for seed := range uint64(n) {
		p := newProperties(t, seed)
		p.run(40 + p.r.IntN(80))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

type properties struct {
	t       *testing.T
	r       *rand.Rand
	seed    uint64
	steps   []string
	live    *instance.Run
	events  []instance.Event // and the answers given
	answers []instance.Event // in the pass under way
	all     []instance.Record
	now     int64
	ended   int
}

func newProperties(t *testing.T, seed uint64) *properties {
	r := rand.New(rand.NewPCG(seed, 3))
	f := flows.Random(r, flows.Shape{
		Steps: 8, Types: []string{"NoOp", "Shell", "Shell", "Sleep"}, Conditions: []string{"true", "true", "false", "1 == 1", "boom"},
		Modes: []string{"", "FAIL_AFTER_RUNNING", "IGNORE_FAILURE", "FAIL_IMMEDIATELY"}, Timeouts: []int{0, 5, 60},
	})
	p := &properties{t: t, r: r, seed: seed, steps: f.JSON(), now: 1000}
	p.live = newRun(t, p.steps)
	return p
}

// answer finds a breakpoint now and then, and grants permits at random: those that are not granted are waited for.
func (p *properties) answer(ask instance.Ask) instance.Event {
	var found instance.Event
	switch q := ask.(type) {
	case instance.AskPermits:
		if q.Held || p.r.IntN(4) == 0 {
			return nil
		}
		found = instance.Permitted{At: p.now, Step: q.Step, Attempt: q.Attempt}
	case instance.AskBreakpoint:
		found = instance.BreakpointFound{At: p.now, Step: q.Step, Attempt: q.Attempt, Set: p.r.IntN(20) == 0}
	default:
		p.t.Errorf("%#v is asked of a workflow that has nothing to do with it", ask)
		return nil
	}
	p.answers = append(p.answers, found)
	return found
}

func (p *properties) run(events int) {
	p.apply(instance.Start{At: p.now})
	for range events {
		p.apply(p.event())
		if p.t.Failed() {
			return
		}
	}
	p.replay()
}

// event makes up an event. Now and then its time is in the past, its step is not there, or its attempt is another one.
func (p *properties) event() instance.Event {
	r := p.r
	if r.IntN(3) == 0 {
		p.now += int64(r.IntN(100_000))
	}
	at := p.now
	if r.IntN(10) == 0 {
		at -= int64(r.IntN(5000))
	}
	step := r.IntN(len(p.live.Steps))
	attempt := p.live.Steps[step].Number
	switch r.IntN(12) {
	case 0:
		step = []int{-1, len(p.live.Steps), 1 << 40}[r.IntN(3)]
	case 1:
		attempt += int64(r.IntN(3)) - 1
	}
	actions := []instance.Action{instance.Stop, instance.Kill, instance.Skip, instance.Restart, instance.Resume, instance.Bypass, instance.Pause, 77}
	switch r.IntN(16) {
	case 0:
		return instance.Start{At: at}
	case 1, 2, 3:
		if next := p.live.NextWake(); next > 0 && next < p.now+1_000_000 {
			p.now = max(p.now, next)
			at = p.now
		}
		return instance.Wake{At: at}
	case 4, 5, 6, 7, 8:
		return instance.Reported{
			At: at, Step: step, Attempt: attempt, Outcome: instance.Outcome(r.IntN(9)), Begun: r.IntN(2) == 0,
			Artifacts: map[string][]byte{"k": []byte(fmt.Sprintf(`{"n":%d}`, r.IntN(3)))}, Lines: []instance.Line{instance.InfoLine("told")},
		}
	case 9:
		return instance.Posted{At: at, Step: step, Attempt: attempt, Output: []byte(`{"artifacts":{"maestro_retry":{"retryable":false}}}`)}
	case 10:
		if r.IntN(4) == 0 {
			return instance.ActOnRun{At: at, Action: actions[r.IntN(2)], User: "u", Reason: "r"}
		}
		return instance.Resumed{At: at}
	case 11, 12:
		id := "nowhere"
		if step >= 0 && step < len(p.live.Steps) {
			id = p.live.Plan.Nodes[step].ID
		}
		return instance.ActOnStep{At: at, Step: id, Action: actions[r.IntN(len(actions))], User: "u", Reason: "r", Skip: r.IntN(4) == 0}
	case 13:
		return instance.Permitted{At: at, Step: step, Attempt: attempt}
	case 14:
		return instance.Signalled{At: at, Step: step, Attempt: attempt, Dependency: r.IntN(3) - 1, Sequence: 1}
	default:
		return instance.Permitted{At: at, Step: step, Attempt: attempt}
	}
}

func (p *properties) apply(ev instance.Event) {
	before := p.snapshot()
	statuses := p.statuses()
	pass, err := p.try(ev)
	if err != nil {
		if _, refused := errors.AsType[*api.Error](err); !refused && !errors.Is(err, instance.ErrStale) && !errors.Is(err, instance.ErrEnded) {
			p.t.Errorf("%#v: %v", ev, err)
		}
		if after := p.snapshot(); !reflect.DeepEqual(before, after) {
			p.t.Errorf("%#v was refused (%v) and changed the run from\n%+v\nto\n%+v", ev, err, before, after)
		}
		return
	}
	if p.late(ev, statuses) {
		p.t.Errorf("%#v is about another attempt, and was taken", ev)
	}
	p.events = append(append(p.events, ev), p.answers...)
	p.all = append(p.all, pass.Records...)
	p.legal(statuses, pass.Records)
	p.meant(pass.Effects)
	p.waits()
}

// late reports whether an event is about an attempt that is not the latest one of its step.
func (p *properties) late(ev instance.Event, before [][2]int64) bool {
	step, attempt := 0, int64(0)
	switch e := ev.(type) {
	case instance.Reported:
		step, attempt = e.Step, e.Attempt
	case instance.Posted:
		step, attempt = e.Step, e.Attempt
	case instance.Signalled:
		step, attempt = e.Step, e.Attempt
	default:
		return false
	}
	return before[step][0] != attempt
}

func (p *properties) try(ev instance.Event) (pass instance.Pass, err error) {
	p.answers = p.answers[:0]
	defer func() {
		if v := recover(); v != nil {
			p.t.Fatalf("%#v: panic: %v", ev, v)
		}
	}()
	return p.live.Play(ev, p.answer)
}

// statuses is the status and the attempt of every step.
func (p *properties) statuses() [][2]int64 {
	out := make([][2]int64, len(p.live.Steps))
	for i := range out {
		out[i] = [2]int64{p.live.Steps[i].Number, int64(p.live.Steps[i].Status)}
	}
	return out
}

// legal follows the records from the statuses before them.
func (p *properties) legal(from [][2]int64, records []instance.Record) {
	entered := make(map[int]bool)
	for i := range records {
		rec := &records[i]
		switch rec.Kind {
		case instance.KindStepCreated:
			if old := instance.StepStatus(from[rec.Step][1]); from[rec.Step][0] > 0 && (!old.Terminal() || old.Complete()) {
				p.t.Errorf("attempt %d of step %d after %s", rec.Attempt, rec.Step, old)
			}
			from[rec.Step] = [2]int64{rec.Attempt, int64(instance.StepCreated)}
			entered[rec.Step] = true
		case instance.KindStepStatus:
			old, to := instance.StepStatus(from[rec.Step][1]), instance.StepStatus(rec.Status)
			if !allowed(old, to) || old.Terminal() && !entered[rec.Step] {
				p.t.Errorf("step %d goes from %s to %s", rec.Step, old, to)
			}
			from[rec.Step][1] = int64(to)
			entered[rec.Step] = true
		}
	}
	for i, s := range p.statuses() {
		if s != from[i] {
			p.t.Errorf("step %d is %v, its records say %v", i, s, from[i])
		}
	}
}

func allowed(from, to instance.StepStatus) bool {
	for _, tr := range instance.StepTransitions() {
		if tr.From == from && tr.To == to {
			return true
		}
	}
	return false
}

// meant checks that effects are about attempts that are.
func (p *properties) meant(effects []instance.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case instance.Launch:
			s := &p.live.Steps[e.Step]
			if e.Attempt > s.Number || e.Attempt < 1 || p.live.Plan.Nodes[e.Step].Work != instance.Outside {
				p.t.Errorf("launch of attempt %d of step %d, which is at %d", e.Attempt, e.Step, s.Number)
			}
		case instance.EndWork:
			if s := &p.live.Steps[e.Step]; e.Attempt > s.Number || e.Attempt < 1 {
				p.t.Errorf("end of attempt %d of step %d, which is at %d", e.Attempt, e.Step, s.Number)
			}
		case instance.Ended:
			if p.ended++; p.ended > 1 || !p.live.Own.Terminal() || e.Status != p.live.Status {
				p.t.Errorf("the run is told to have ended %s, %d times, and is %s", e.Status, p.ended, p.live.Status)
			}
		}
	}
	if p.live.Own.Terminal() != (p.ended == 1) {
		p.t.Errorf("the run is %s and was told to have ended %d times", p.live.Own, p.ended)
	}
}

// waits checks that a run that lives has a reason to.
func (p *properties) waits() {
	if p.live.Own != instance.InProgress {
		return
	}
	for i := range p.live.Steps {
		s := &p.live.Steps[i]
		if s.Number > 0 && (!s.Status.Terminal() || s.Status.Retryable()) {
			if s.Status == instance.StepCreated || s.Status == instance.Initialized || s.Status == instance.EvaluatingParams || s.Status == instance.Finishing {
				p.t.Errorf("step %d stays %s, in which it waits for nobody", i, s.Status)
			}
			if p.live.NextWake() == 0 {
				p.t.Errorf("step %d is %s and the run is never woken", i, s.Status)
			}
			return
		}
	}
	p.t.Error("the run is in progress and nothing in it can move")
}

// snapshot is what can be seen of the run. Fields that only remember what was computed are left out.
func (p *properties) snapshot() any {
	type seen struct {
		Status, Own              instance.RunStatus
		Started, Ended, Modified int64
		Lines                    int
		Ending                   instance.Action
		Wake                     int64
		Steps                    []string
	}
	r := p.live
	s := seen{r.Status, r.Own, r.Started, r.Ended, r.Modified, len(r.Lines), r.Ending, r.NextWake(), nil}
	for i := range r.Steps {
		a := &r.Steps[i]
		s.Steps = append(s.Steps, fmt.Sprint(a.Number, a.Sequence, a.Status, a.Times, a.Ended, a.Modified, a.Flags, a.Retries, a.Manual,
			a.Retryable, a.Artifacts, len(a.Lines), a.Output, a.Edges, a.Signals, a.RestartBy, a.IsEnding()))
	}
	return s
}

// again plays the events and the answers, one by one, into a new run.
func (p *properties) again() {
	run := newRun(p.t, p.steps)
	var all []instance.Record
	for _, ev := range p.events {
		pass, err := run.Apply(ev)
		if err != nil && !errors.Is(err, instance.ErrStale) {
			p.t.Errorf("again %#v: %v", ev, err)
			return
		}
		all = append(all, pass.Records...)
	}
	if !reflect.DeepEqual(all, p.all) {
		p.t.Errorf("the same events gave %d records, and %d others the second time", len(p.all), len(all))
	}
}

// replay folds the journal, and plays the events again.
func (p *properties) replay() {
	want := p.snapshot()
	p.live = newRun(p.t, p.steps)
	if err := p.live.Fold(instance.AppendEntry(nil, p.all)); err != nil {
		p.t.Fatalf("fold: %v", err)
	}
	got := p.snapshot()
	p.again()
	if !reflect.DeepEqual(got, want) {
		p.t.Errorf("folded\n%+v\nin memory\n%+v", got, want)
	}
}
