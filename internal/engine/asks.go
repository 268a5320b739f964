package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/signal"
	"maestro/internal/store"
	"maestro/param"
)

// unanswered is what a run has asked and could not be told yet. It is lost with the actor: a run that is loaded again
// asks again.
type unanswered struct {
	asks    []instance.Ask        // the store or the catalog failed
	numbers []instance.AskNumbers // answered together, once nothing else moves
	again   time.Time             // when to try again
	delay   time.Duration         // how long to wait after the next failure
}

func (u *unanswered) any() bool { return len(u.asks) > 0 || len(u.numbers) > 0 }

// postpone makes the actor try again later, less and less often.
func (a *actor) postpone(what string, err error) {
	u := &a.open
	u.delay = min(max(2*u.delay, 10*time.Millisecond), 5*time.Second)
	u.again = time.Now().Add(u.delay)
	a.e.log.Warn("a step waits, since the store does not answer", "run", a.run.Identity(), "for", what, "error", err)
}

// answer returns the event that answers an ask, or nil where there is none now: it comes later, through the inbox or by
// asking again.
func (a *actor) answer(ask instance.Ask) instance.Event {
	e := a.e
	switch q := ask.(type) {
	case instance.AskBreakpoint:
		return instance.BreakpointFound{At: a.e.clock.of(a.id), Step: q.Step, Attempt: q.Attempt, Set: e.breakpoints.set(a.run.WorkflowID, a.run.Plan.Nodes[q.Step].ID)}
	case instance.AskPermits:
		if !e.permits.acquire(holder{run: a.id, step: q.Step, attempt: q.Attempt}, e.needs(a.run, q.Step), q.Held) || q.Held {
			return nil
		}
		return instance.Permitted{At: a.e.clock.of(a.id), Step: q.Step, Attempt: q.Attempt}
	case instance.AskTemplate:
		t, err := e.catalog.Template(e.ctx, a.run.Plan.Nodes[q.Step].Step, q.Version)
		if refused, ok := errors.AsType[*param.Error](err); ok {
			return instance.TemplateFound{At: a.e.clock.of(a.id), Step: q.Step, Attempt: q.Attempt, Err: errors.New(refused.Detail())}
		} else if err != nil {
			a.open.asks = append(a.open.asks, ask)
			a.postpone("its job template", err)
			return nil
		}
		return instance.TemplateFound{At: a.e.clock.of(a.id), Step: q.Step, Attempt: q.Attempt, Template: t}
	case instance.AskKept:
		kept, err := e.kept(e.ctx, a.run, q.Runs)
		if err != nil {
			a.open.asks = append(a.open.asks, ask)
			a.postpone("steps of earlier runs", err)
			return nil
		}
		return instance.KeptFound{At: a.e.clock.of(a.id), Kept: kept}
	case instance.AskNumbers:
		a.open.numbers = append(a.open.numbers, q)
		return nil
	default:
		panic(fmt.Sprintf("engine: unknown ask %T", ask))
	}
}

// askAgain tries to answer what could not be answered before.
func (a *actor) askAgain() error {
	asks := a.open.asks
	a.open.asks, a.open.again = nil, time.Time{}
	for _, ask := range asks {
		ev := a.answer(ask)
		if ev == nil {
			continue
		}
		a.open.delay = 0
		if _, err := a.apply(ev); err != nil && !errors.Is(err, instance.ErrStale) {
			return err
		}
	}
	return nil
}

// kept returns the steps of earlier runs of the instance that a restarted run does not run again. What is damaged is not
// there: an expression that needs it fails and says so.
func (e *Engine) kept(ctx context.Context, r *instance.Run, runs []int64) (map[string]*instance.Kept, error) {
	kept := make(map[string]*instance.Kept)
	earlier := make(map[int64]*instance.Run, len(runs))
	for _, n := range runs {
		row, err := e.store.Find(ctx, r.Internal, r.Instance, n)
		if err != nil {
			return nil, fmt.Errorf("find run %d of instance %s: %w", n, r.Identity(), err)
		}
		run, _, err := e.loadRun(ctx, row.ID, false)
		switch {
		case errors.Is(err, errDamaged):
			e.log.Error("steps of an earlier run cannot be read", "run", r.Identity(), "earlier", n, "error", err)
		case err != nil:
			return nil, err
		default:
			earlier[n] = run
		}
	}
	for id, v := range r.Header.Baseline.Steps {
		run := earlier[v.Run]
		if run == nil {
			continue
		}
		if _, again := r.Plan.Ordinal(id); again {
			continue
		}
		if i, ok := run.Plan.Ordinal(id); ok && run.Steps[i].Number > 0 {
			s := &run.Steps[i]
			kept[id] = &instance.Kept{Status: s.Status, Ended: s.Ended, Params: run.StepParams(i)}
		}
	}
	return kept, nil
}

// number answers all AskNumbers of the pass at once. The reservation is written with the pass and settled by commit. There
// is one per pass: while it holds numbers of some names the pass must not wait for others, which may wait for these. What
// is asked because of the answers is left to the next pass.
func (a *actor) number() error {
	asked := a.open.numbers
	a.open.numbers = nil
	var list []*signal.Announcement
	var sent []numbering
	for _, q := range asked {
		if s := &a.run.Steps[q.Step]; s.Number != q.Attempt || s.Status != instance.Finishing || s.Sent != nil {
			continue // ended, or asked twice
		}
		outputs, err := signal.DecodeOutputs(q.Signals)
		if err != nil {
			return fmt.Errorf("signals of step %s of run %s: %w", a.run.Plan.Nodes[q.Step].ID, a.run.Identity(), err)
		}
		source := a.signalSource(q.Step, q.Attempt)
		for i := range outputs {
			list = append(list, a.announcement(&outputs[i], q, i, source))
		}
		sent = append(sent, numbering{q, outputs})
	}
	if len(sent) == 0 {
		return nil
	}
	r, err := a.e.board.Reserve(a.e.ctx, list, a.e.clock.now())
	if err != nil {
		a.open.numbers = append(asked, a.open.numbers...)
		a.postpone("the numbers of its signals", err)
		return nil
	}
	a.reserved, a.open.delay = r, 0
	given := r.Instances
	for _, s := range sent {
		for i := range s.outputs {
			o := &s.outputs[i]
			if o.Seq = signal.Repeated; given[i].Seq != 0 {
				o.Seq, o.Announced = given[i].Seq, given[i].Created
			}
		}
		given = given[len(s.outputs):]
		ev := instance.Numbered{At: a.e.clock.of(a.id), Step: s.ask.Step, Attempt: s.ask.Attempt, Signals: signal.AppendOutputs(nil, s.outputs)}
		if _, err := a.apply(ev); err != nil {
			return err
		}
	}
	return nil
}

// numbering is what one attempt announces.
type numbering struct {
	ask     instance.AskNumbers
	outputs []signal.Output
}

// settle tells the board what became of the numbers that the pass reserved.
func (a *actor) settle(err error) {
	if a.reserved != nil {
		a.reserved.Settle(err)
		a.reserved = nil
	}
}

// reservedRecords are the rows of the signals that the pass announces.
func (a *actor) reservedRecords() []store.Record {
	if a.reserved == nil {
		return nil
	}
	return a.reserved.Records()
}

func (a *actor) announcement(o *signal.Output, q instance.AskNumbers, i int, source []byte) *signal.Announcement {
	out := &signal.Announcement{Name: o.Name, Params: o.Params, Payload: source}
	if a.e.cfg.SignalPayload && len(o.Payload) > 2 {
		out.Payload = append(append(append([]byte{}, o.Payload[:len(o.Payload)-1]...), ','), source[1:]...)
	}
	if a.e.cfg.SignalPerAttempt {
		out.ID = a.run.AttemptUUID(q.Step, q.Attempt) + "-" + strconv.Itoa(i)
	}
	return out
}

// signalSource returns the payload that tells which attempt announced an instance (spec/signals-triggers 4.4).
func (a *actor) signalSource(step int, attempt int64) []byte {
	r := a.run
	dst := strconv.AppendInt([]byte(`{"signal_source":{"step_attempt_id":`), attempt, 10)
	dst = doc.AppendString(append(dst, `,"step_id":`...), r.Plan.Nodes[step].ID)
	dst = strconv.AppendInt(append(dst, `,"step_instance_id":`...), r.Steps[step].Sequence, 10)
	dst = doc.AppendString(append(dst, `,"workflow_id":`...), r.WorkflowID)
	dst = strconv.AppendInt(append(dst, `,"workflow_instance_id":`...), r.Instance, 10)
	dst = strconv.AppendInt(append(dst, `,"workflow_run_id":`...), r.Number, 10)
	return append(dst, "}}"...)
}
