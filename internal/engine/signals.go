package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/signal"
	"maestro/internal/signal/board"
	"maestro/internal/store"
)

// Board returns where signals are announced and looked up. It works while the engine is open.
func (e *Engine) Board() *board.Board { return e.board }

func (e *Engine) newBoard() *board.Board {
	return board.New(board.Config{Reader: e.store, Commit: e.commitSignal, Wake: e.signalled, Now: e.clock.now, Log: e.log})
}

// commitSignal writes what belongs to a signal, under the lease of the group that its name falls into.
func (e *Engine) commitSignal(name string, records []store.Record, at int64) error {
	if e.committer.full() {
		return fmt.Errorf("%w: %d changes wait for the disk, which is the limit (engine.queue_limit)", ErrBusy, e.cfg.QueueLimit)
	}
	group := e.groupOf(name)
	return e.committer.commit(store.Change{Group: group, Epoch: e.epoch(group), Records: records, At: at})
}

// CommitRecords writes records of others that belong to a name, durably and together with whatever else is written now.
func (e *Engine) CommitRecords(name string, records []store.Record) error {
	return e.commitSignal(name, records, e.clock.now())
}

// signalled tells a run that a signal matched what one of its steps waits for.
func (e *Engine) signalled(w board.Waiter, i *signal.Instance) {
	ev := instance.Signalled{At: e.clock.of(w.Run), Step: w.Step, Attempt: w.Attempt, Dependency: w.Dependency, Sequence: i.Seq}
	if len(i.Params) > 0 {
		ev.Params = i.Params.AppendJSON(nil)
	}
	e.deliver(w.Run, item{event: ev})
}

// await registers what a step waits for.
func (a *actor) await(eff instance.AwaitSignals) {
	if a.waiting == nil {
		a.waiting = make(map[int]struct{})
	}
	a.waiting[eff.Step] = struct{}{}
	s := &a.run.Steps[eff.Step]
	if s.Number != eff.Attempt || s.Status != instance.WaitingForSignals {
		return
	}
	of := func(i int) board.Waiter {
		return board.Waiter{Run: a.id, Step: eff.Step, Attempt: eff.Attempt, Dependency: i}
	}
	missing := func(i int) bool { return s.Signals[i].Status == instance.SignalPending && !a.e.board.Waits(of(i)) }
	i := 0
	for i < len(s.Signals) && !missing(i) {
		i++
	}
	if i == len(s.Signals) { // the run was loaded again, and the board remembers all that it waits for
		return
	}
	deps, err := signal.DecodeDependencies(s.Deps)
	if err != nil || len(deps) != len(s.Signals) {
		a.e.log.Error("signal dependencies of a step cannot be read, it waits until they are bypassed", "run", a.run.Identity(), "step", eff.Step, "error", err)
		return
	}
	for ; i < len(deps); i++ {
		if missing(i) {
			a.e.board.Await(of(i), &deps[i])
		}
	}
}

// forgetSignals takes out what steps waited for that wait no more.
func (a *actor) forgetSignals() {
	for step := range a.waiting {
		if a.run.Steps[step].Status != instance.WaitingForSignals {
			delete(a.waiting, step)
			a.e.board.Forget(board.Waiter{Run: a.id, Step: step})
		}
	}
}

// sending is what one attempt announces.
type sending struct {
	eff     instance.Announce
	outputs []signal.Output
}

// announce gives numbers to the signals that the change announces, and puts them into its records. The reservation, nil
// when there are none, is to be written with them and settled.
func (a *actor) announce() (*board.Reservation, error) {
	var list []*signal.Announcement
	var sent []sending
	for _, eff := range a.effects {
		eff, ok := eff.(instance.Announce)
		if !ok {
			continue
		}
		outputs, err := signal.DecodeOutputs(eff.Signals)
		if err != nil {
			return nil, err
		}
		source := a.signalSource(eff.Step, eff.Attempt)
		for i := range outputs {
			list = append(list, a.announcement(&outputs[i], eff, i, source))
		}
		sent = append(sent, sending{eff, outputs})
	}
	if len(list) == 0 {
		return nil, nil
	}
	r, err := a.e.board.Reserve(a.e.ctx, list, a.e.clock.now())
	if err != nil {
		return nil, err
	}
	given := r.Instances
	for _, s := range sent {
		for i := range s.outputs {
			o := &s.outputs[i]
			if o.Seq = signal.Repeated; given[i].Seq != 0 {
				o.Seq, o.Announced = given[i].Seq, given[i].Created
			}
		}
		given = given[len(s.outputs):]
		a.put(s.eff, signal.AppendOutputs(nil, s.outputs))
	}
	return r, nil
}

// put replaces the record of what an attempt announces.
func (a *actor) put(eff instance.Announce, outputs []byte) {
	for i := range a.records {
		if rec := &a.records[i]; rec.Kind == instance.KindStepSent && rec.Step == eff.Step && bytes.Equal(rec.Data, eff.Signals) {
			a.run.Sent(rec, eff.Attempt, outputs)
			return
		}
	}
}

func (a *actor) announcement(o *signal.Output, eff instance.Announce, i int, source []byte) *signal.Announcement {
	out := &signal.Announcement{Name: o.Name, Params: o.Params, Payload: source}
	if a.e.cfg.SignalPayload && len(o.Payload) > 2 {
		out.Payload = append(append(append([]byte{}, o.Payload[:len(o.Payload)-1]...), ','), source[1:]...)
	}
	if a.e.cfg.SignalPerAttempt {
		out.ID = a.run.AttemptUUID(eff.Step, eff.Attempt) + "-" + strconv.Itoa(i)
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

// triggering returns what a run is told of the signals that triggered it, for its header, and the chain that led to them.
func (e *Engine) triggering(ctx context.Context, in *SignalInitiator) ([]byte, link, error) {
	if in == nil || len(in.SignalIDs) == 0 {
		return nil, link{}, nil
	}
	var signals []*signal.Instance
	s := instance.Signals{Instances: make(map[string]json.RawMessage, len(in.SignalIDs))}
	for name, seq := range in.SignalIDs {
		i, err := e.board.Instance(ctx, name, seq)
		if err != nil {
			return nil, link{}, err
		}
		if i != nil {
			s.Instances[name] = i.Params.AppendJSON(nil)
			signals = append(signals, i)
		}
	}
	l, err := e.linkOf(ctx, signals)
	s.Chain = l.runs
	return s.Encode(), l, err
}
