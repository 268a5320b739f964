package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"maestro/api"
	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/store"
	"maestro/internal/uuid"
	"maestro/param"
	"maestro/spec"
)

// Start accepts a new run (spec/engine 4). When it returns without error the run is durable, and it has begun or waits
// for its turn.
func (e *Engine) Start(ctx context.Context, q StartRequest) (Started, error) {
	if err := e.busy(); err != nil {
		return Started{}, err
	}
	d, err := e.catalog.Resolve(ctx, q.WorkflowID, q.Version)
	if err != nil {
		return Started{}, err
	}
	if err := q.Initiator.check(d); err != nil {
		return Started{}, err
	}
	uuid, known, err := e.requestUUID(ctx, d.Internal, q.RequestID)
	if err != nil {
		return Started{}, err
	}
	line := startLine(q.Initiator)
	if known != nil {
		return e.duplicated(d, known), nil
	}
	g, err := e.ownerOf(d.Internal)
	if err != nil {
		return Started{}, err
	}
	id := e.ids.next()
	n := newcomer{id: id, group: g, definition: d, uuid: uuid, now: e.clock.of(id), line: line, with: q.Records}
	n.mark = markOf(d, "start", defsJSON(q.RunParams), q.Initiator.JSON)
	if err := e.admissible(d, n.mark); err != nil {
		return Started{}, err
	}
	if err := e.header(ctx, &n, &q); err != nil {
		return Started{}, err
	}
	return e.accept(ctx, &n)
}

// newcomer is a run on its way in.
type newcomer struct {
	mark       inflight.Mark // what is evaluated for it
	id         store.RunID
	group      *group // of its workflow
	definition *Definition
	header     *instance.Header
	params     *param.Params // as they were evaluated, nil when they could not be
	uuid       [16]byte
	now        int64 // its time; of the id, so that both are from before or after the clock was set
	line       instance.Line
	failed     error          // its params cannot be evaluated, and it is to be kept as FAILED
	instance   int64          // of a restart, else 0
	run        int64          // of a restart, else 0
	with       []store.Record // written with it
}

// accept asks the run strategy, writes the run, and lets it begin if it may.
func (e *Engine) accept(ctx context.Context, n *newcomer) (Started, error) {
	d := n.definition
	id := n.id
	g := n.group
	dec, err := g.strategies.admit(ctx, d, n.instance, n.run, id)
	if err != nil {
		return Started{}, err
	}
	defer g.strategies.arrived(d.Internal, id)
	row := &store.Run{
		ID: id, Workflow: d.Internal, Instance: dec.instance, Run: dec.run, UUID: n.uuid, Version: d.Version,
		Group: g.id, Created: n.now,
	}
	pass := e.cfg.Guard.Enter(n.mark)
	r, err := e.named(d, n.header, row)
	if err == nil {
		r.Params = n.params
		n.header.Plan = r.Plan.Sum
		row.Header = n.header.AppendHeader(nil)
	}
	pass.Leave()
	if err != nil {
		g.strategies.withdraw(d.Internal, &dec)
		return Started{}, err
	}
	status := Created
	var first instance.Event = instance.Queue{At: n.now}
	switch {
	case n.failed != nil:
		first = instance.EndQueued{At: n.now, Status: instance.RunFailed}
	case dec.refused:
		status = Stopped
		line := instance.InfoLine("Stopped, as another run of the workflow is live and the run strategy is FIRST_ONLY")
		first = instance.EndQueued{At: n.now, Status: instance.RunStopped, Line: line, Began: true}
	case dec.start:
		first = instance.Start{At: n.now}
	}
	err = e.beginAndWait(r, row, n, first)
	if err != nil {
		if !unwritten(err) {
			e.later(func() { g.findOut(d.Internal, &dec) })
			return Started{}, fmt.Errorf("start workflow %s: %w", d.WorkflowID, err)
		}
		g.strategies.withdraw(d.Internal, &dec)
		if errors.Is(err, store.ErrExists) {
			if known, ferr := e.store.FindUUID(ctx, d.Internal, n.uuid); ferr == nil {
				return e.duplicated(d, known), nil
			}
		}
		return Started{}, fmt.Errorf("start workflow %s: %w", d.WorkflowID, err)
	}
	g.superseded(d.Internal, &dec)
	return Started{
		WorkflowID: d.WorkflowID, Version: d.Version, Instance: dec.instance, Run: dec.run, UUID: r.UUID, Status: status,
		Line: stamped(n.line, n.now),
	}, nil
}

func stamped(l instance.Line, at int64) instance.Line {
	l.At = at
	return l
}

// beginAndWait gives a new run its first event and returns when that is durable.
func (e *Engine) beginAndWait(r *instance.Run, row *store.Run, n *newcomer, first instance.Event) error {
	done := make(chan error, 1)
	it := item{event: first, done: func(_ *instance.Run, _ instance.Acted, err error) { done <- err }}
	if !e.begin(r, row, n, it) {
		if e.isStopping() {
			return errStopping
		}
		return n.group.lost()
	}
	return <-done
}

// unwritten reports whether a commit that failed with err has certainly written nothing.
func unwritten(err error) bool {
	var p *panicError
	return store.Unwritten(err) || errors.Is(err, errStopping) || errors.As(err, &p)
}

// findOut sees to a new run whose commit failed in a way that leaves open whether it was written: it is driven like any
// other if it is there, and forgotten if not. Its caller has been told of the failure and may ask again.
func (g *group) findOut(internal int64, dec *decision) {
	g.insist(func(int) bool {
		row, err := g.e.store.Row(g.e.ctx, dec.id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			g.strategies.withdraw(internal, dec)
			return true
		case err != nil:
			return false
		}
		if status := instance.RunStatus(row.Status); status.Terminal() {
			g.strategies.ended(internal, dec.id, status)
		} else if status != instance.Created {
			g.e.deliver(dec.id)
		}
		g.superseded(internal, dec)
		return true
	})
}

// superseded ends the runs that a new one takes the place of.
func (g *group) superseded(internal int64, dec *decision) {
	for _, m := range dec.stop {
		g.e.later(func() { g.stopQueued(m, dec.member, dec.why) })
	}
	for _, id := range dec.end {
		g.e.later(func() { g.stopRunning(internal, id, dec.why) })
	}
}

// stopQueued ends a queued run that is in nobody's queue any more, however often the store fails meanwhile.
func (g *group) stopQueued(m, by member, why string) {
	line := instance.InfoLine(fmt.Sprintf("Stopped while queued, superseded by run [%d][%d] under the run strategy %s", by.instance, by.run, why))
	g.insist(func(tries int) bool {
		_, err := g.e.ask(g.e.ctx, m.id, instance.EndQueued{At: g.e.clock.of(m.id), Status: instance.RunStopped, Line: line, Began: why == string(spec.LastOnly)})
		switch {
		case err == nil || errors.Is(err, instance.ErrStale):
			return true
		case errors.Is(err, errDamaged) || errors.Is(err, store.ErrNotFound) && tries > 10: // at first it may be on its way in
			g.e.log.Error("superseded run could not be stopped", "run", int64(m.id), "error", err)
			return true
		}
		return false
	})
}

// stopRunning ends a run that has been given its turn, also when it has not begun yet.
func (g *group) stopRunning(internal int64, id store.RunID, why string) {
	g.insist(func(int) bool {
		if !g.strategies.runs(internal, id) {
			return true
		}
		stop := instance.ActOnRun{At: g.e.clock.of(id), Action: instance.Stop, Reason: "superseded by a newer run under the run strategy " + why}
		_, err := g.e.ask(g.e.ctx, id, stop)
		return err == nil
	})
}

// insist calls try, less and less often, until it returns true or the engine stops.
func (e *Engine) insist(try func(tries int) bool) error {
	delay := 10 * time.Millisecond
	for tries := 1; !try(tries); tries++ {
		select {
		case <-time.After(delay):
		case <-e.stopping:
			return errStopping
		}
		delay = min(2*delay, 5*time.Second)
	}
	return nil
}

// insist is Engine.insist while the group is open.
func (g *group) insist(try func(tries int) bool) {
	_ = g.e.insist(func(tries int) bool {
		select {
		case <-g.gone:
			return true
		default:
			return try(tries)
		}
	})
}

// requestUUID returns the uuid of a run to be started, and the run that has it already, if any.
func (e *Engine) requestUUID(ctx context.Context, internal int64, requestID string) (u [16]byte, known *store.Run, err error) {
	if requestID == "" {
		return uuid.Random(), nil, nil
	}
	u, ok := uuid.Parse(requestID)
	if !ok {
		return u, nil, api.Errorf(api.BadRequest, "request_id [%s] is not a UUID", requestID)
	}
	known, err = e.store.FindUUID(ctx, internal, u)
	if errors.Is(err, store.ErrNotFound) {
		return u, nil, nil
	}
	return u, known, err
}

// duplicated answers a start whose uuid is known. As in the reference it carries no numbers, which clients compare with;
// the line tells which run it is.
func (e *Engine) duplicated(d *Definition, known *store.Run) Started {
	line := instance.InfoLine(fmt.Sprintf("The request started run [%s][%d][%d] before", d.WorkflowID, known.Instance, known.Run))
	return Started{
		WorkflowID: d.WorkflowID, Version: d.Version, UUID: uuid.Format(known.UUID), Status: Duplicated, Line: stamped(line, e.clock.now()),
	}
}

// check refuses triggers that are not the workflow's (spec/engine 4, step 2).
func (in *Initiator) check(d *Definition) error {
	uuid, kind, disabled := "", "", spec.Opt[bool]{}
	switch {
	case in.Time != nil:
		uuid, kind, disabled = in.Time.TriggerUUID, instance.InitiatorTime, d.Properties.TimeTriggerDisabled
	case in.Signal != nil:
		uuid, kind, disabled = in.Signal.TriggerUUID, instance.InitiatorSignal, d.Properties.SignalTriggerDisabled
	default:
		return nil
	}
	if !d.Active {
		return api.Errorf(api.BadRequest, "a trigger can only start the active version of workflow [%s], and [%d] is not", d.WorkflowID, d.Version)
	}
	for _, t := range d.Triggers {
		if t == uuid {
			if disabled.Or(false) {
				return api.Errorf(api.UnprocessableEntity, "Trigger type [%s] is disabled for the workflow [%s]", kind, d.WorkflowID)
			}
			return nil
		}
	}
	return api.Errorf(api.Conflict, "trigger [%s] is none of workflow [%s] version [%d]", uuid, d.WorkflowID, d.Version)
}

func startLine(in Initiator) instance.Line {
	switch {
	case in.Time != nil:
		return instance.InfoLine(fmt.Sprintf("Run a new workflow instance by a time trigger [%s]", in.Time.TriggerUUID))
	case in.Signal != nil:
		return instance.InfoLine(fmt.Sprintf("Run a new workflow instance by a signal trigger [%s]", in.Signal.TriggerUUID))
	default:
		return instance.InfoLine(fmt.Sprintf("Manually run a new workflow instance by a user [%s]", in.User))
	}
}

// header decides everything about a new run that will not change.
func (e *Engine) header(ctx context.Context, n *newcomer, q *StartRequest) (err error) {
	d := n.definition
	h := &instance.Header{Requested: q.Requested, Initiator: q.Initiator.JSON, Properties: d.Snapshot, Artifacts: q.Artifacts}
	if h.Requested == 0 {
		h.Requested = n.now
	}
	if q.RunParams.Len() > 0 {
		h.RunParams = q.RunParams
	}
	if len(q.RuntimeTags) > 0 {
		if err := checkTags(d.Workflow.Tags, q.RuntimeTags); err != nil {
			return err
		}
		h.Tags = q.RuntimeTags
	}
	h.Line = &n.line
	var l link
	if h.Signals, l, err = e.triggering(ctx, q.Initiator.Signal); err != nil {
		return err
	}
	n.header = h
	if err := e.tooLong(l); err != nil {
		line := instance.DetailsLine("INTERNAL_ERROR", "The run is not begun: the chain of triggers is too long", err.Error())
		h.Line = &line
		n.failed = err
		return nil
	}
	return e.evaluate(n, &language.RunStart{
		Identity: strconv.FormatInt(int64(n.id), 36), WorkflowID: d.WorkflowID, Owner: h.Owner(), Plan: d.Plan, Initiator: h.ParsedInitiator(),
		RunParams: q.RunParams, Now: n.now, Cancelled: func() bool { return ctx.Err() != nil },
	}, q.PersistFailed)
}

// evaluate gives a new run its params and its timeout. A run that is to be kept although they cannot be evaluated tells
// why on its timeline.
func (e *Engine) evaluate(n *newcomer, start *language.RunStart, keep bool) error {
	h := n.header
	start.Header = h
	pass := e.cfg.Guard.Enter(n.mark)
	ev, err := e.language.Start(start)
	pass.Leave()
	switch {
	case err == nil:
		n.params = ev.Params
		h.HasParams, h.Params, h.Timeout, h.Defaults = true, ev.Stored, ev.Timeout, e.language.Fingerprint()
		return nil
	case start.Cancelled != nil && start.Cancelled():
		return context.Canceled // nobody waits for the run
	case keep:
		line := instance.DetailsLine("INTERNAL_ERROR", "Failed to initiate workflow params and properties", param.AsError(err).Detail())
		h.Line = &line
		n.failed = err
		return nil
	default:
		return err
	}
}

// checkTags refuses runtime tags that the definition has already.
func checkTags(have, more spec.Tags) error {
	seen := make(map[string]bool)
	for _, list := range []spec.Tags{have, more} {
		for _, t := range list {
			if seen[t.Name] {
				return api.Errorf(api.BadRequest, "Invalid tag list as there are duplicate tag names: [%s]", t.Name)
			}
			seen[t.Name] = true
		}
	}
	return nil
}
