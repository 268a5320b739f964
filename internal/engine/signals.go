package engine

import (
	"context"

	"maestro/api"
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
func (e *Engine) commitSignal(name string, records []store.Record, _ int64) error {
	if e.committer.full() {
		return api.Errorf(api.TooManyRequests, "%d changes wait for the disk, which is the limit (engine.queue_limit)", e.cfg.QueueLimit)
	}
	g, err := e.owner(name)
	if err != nil {
		return err
	}
	return e.committer.commit(store.Change{Group: g.id, Epoch: g.epoch.Load(), Records: records})
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
	if !a.group.waits(a.id, eff.Step) {
		return
	}
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
			a.group.waitsNoMore(a.id, step)
		}
	}
}

// triggering returns what a run is told of the signals that triggered it, for its header, and the chain that led to them.
func (e *Engine) triggering(ctx context.Context, in *SignalInitiator) (*instance.Signals, link, error) {
	if in == nil || len(in.SignalIDs) == 0 {
		return nil, link{}, nil
	}
	var signals []*signal.Instance
	s := &instance.Signals{Instances: make(map[string][]byte, len(in.SignalIDs))}
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
	if s.Chain = l.runs; s.Chain == 0 && len(s.Instances) == 0 {
		s = nil
	}
	return s, l, err
}
