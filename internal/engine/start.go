package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"maestro/internal/inflight"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/store"
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
	id := e.ids.next()
	n := newcomer{id: id, definition: d, uuid: uuid, now: e.clock.of(id), line: line, with: q.Records}
	n.mark = markOf(d, "start", defsJSON(q.RunParams), q.StepRunParams, q.Initiator.JSON)
	if err := e.admissible(d, n.mark); err != nil {
		return Started{}, err
	}
	n.header, n.failed, err = e.header(ctx, d, &q, &n)
	if err != nil {
		return Started{}, err
	}
	return e.accept(ctx, &n)
}

// newcomer is a run on its way in.
type newcomer struct {
	mark       inflight.Mark // what is evaluated for it
	id         store.RunID
	definition *Definition
	header     *instance.Header
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
	dec, err := e.strategies.admit(ctx, d, n.instance, n.run, id)
	if err != nil {
		return Started{}, err
	}
	row := &store.Run{
		ID: id, Workflow: d.Internal, Instance: dec.instance, Run: dec.run, UUID: n.uuid, Version: d.Version,
		Group: e.groupOf(d.WorkflowID), Created: n.now, Header: n.header.AppendHeader(nil),
	}
	pass := e.cfg.Guard.Enter(n.mark)
	r, err := e.newRun(d, n.header, row, false)
	if err == nil {
		err = e.keep(ctx, r)
	}
	pass.Leave()
	if err != nil {
		e.strategies.withdraw(d.Internal, &dec)
		return Started{}, err
	}
	status := "CREATED"
	switch {
	case n.failed != nil:
		err = e.insert(row, r, n.with, func() ([]instance.Record, error) {
			return r.EndQueued(instance.RunFailed, instance.Line{}, false, n.now)
		})
		if err == nil {
			e.strategies.ended(d.Internal, id, r.Status)
		}
	case dec.refused:
		status = "STOPPED"
		err = e.insert(row, r, n.with, func() ([]instance.Record, error) {
			return r.EndQueued(instance.RunStopped, instance.InfoLine("Stopped, as another run of the workflow is live and the run strategy is FIRST_ONLY"), true, n.now)
		})
	case dec.start:
		err = e.beginAndWait(r, row, n)
	default:
		err = e.insert(row, r, n.with, func() ([]instance.Record, error) { return r.Queue(n.now), nil })
	}
	if err != nil {
		if !unwritten(err) {
			e.later(func() { e.findOut(d.Internal, &dec) })
			return Started{}, fmt.Errorf("start workflow %s: %w", d.WorkflowID, err)
		}
		e.strategies.withdraw(d.Internal, &dec)
		if errors.Is(err, store.ErrExists) {
			if known, ferr := e.store.FindUUID(ctx, d.Internal, n.uuid); ferr == nil {
				return e.duplicated(d, known), nil
			}
		}
		return Started{}, fmt.Errorf("start workflow %s: %w", d.WorkflowID, err)
	}
	e.superseded(d.Internal, &dec)
	return Started{
		WorkflowID: d.WorkflowID, Version: d.Version, Instance: dec.instance, Run: dec.run, UUID: r.UUID, Status: status,
		Line: stamped(n.line, n.now),
	}, nil
}

func stamped(l instance.Line, at int64) instance.Line {
	l.At = at
	return l
}

// beginAndWait lets a run begin and returns when its first change is durable.
func (e *Engine) beginAndWait(r *instance.Run, row *store.Run, n *newcomer) error {
	done := make(chan error, 1)
	if !e.begin(r, row, n, item{event: instance.Start{At: n.now}, done: func(_ *instance.Run, err error) { done <- err }}) {
		return ErrClosed
	}
	return <-done
}

// insert writes a run that does not begin now.
func (e *Engine) insert(row *store.Run, r *instance.Run, with []store.Record, make func() ([]instance.Record, error)) error {
	records, err := make()
	if err != nil {
		return err
	}
	row.Status = uint8(r.Status)
	if r.Own.Terminal() {
		row.Ended = r.Ended
	}
	return e.committer.commit(store.Change{
		Group: row.Group, Epoch: e.epoch(row.Group), Run: row.ID, Insert: row, Seq: 1, At: row.Created,
		Entry: instance.AppendEntry(nil, records), Records: with,
	})
}

// unwritten reports whether a commit that failed with err has certainly written nothing.
func unwritten(err error) bool {
	var p *panicError
	return errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrFull) ||
		errors.Is(err, ErrClosed) || errors.As(err, &p)
}

// findOut sees to a new run whose commit failed in a way that leaves open whether it was written: it is driven like any
// other if it is there, and forgotten if not. Its caller has been told of the failure and may ask again.
func (e *Engine) findOut(internal int64, dec *decision) {
	_ = e.insist(func(int) bool {
		row, _, err := e.store.Load(e.ctx, dec.id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			e.strategies.withdraw(internal, dec)
			return true
		case err != nil:
			return false
		}
		if status := instance.RunStatus(row.Status); status.Terminal() {
			e.strategies.ended(internal, dec.id, status)
		} else if status != instance.Created {
			e.deliver(dec.id)
		}
		e.superseded(internal, dec)
		return true
	})
}

// superseded ends the runs that a new one takes the place of.
func (e *Engine) superseded(internal int64, dec *decision) {
	for _, m := range dec.stop {
		e.later(func() { e.stopQueued(m, dec.member, dec.why) })
	}
	for _, id := range dec.end {
		e.later(func() { e.stopRunning(internal, id, dec.why) })
	}
}

// stopQueued ends a queued run that is in nobody's queue any more, however often the store fails meanwhile.
func (e *Engine) stopQueued(m, by member, why string) {
	line := instance.InfoLine(fmt.Sprintf("Stopped while queued, superseded by run [%d][%d] under the run strategy %s", by.instance, by.run, why))
	_ = e.insist(func(tries int) bool {
		_, err := e.endQueued(e.ctx, m.id, instance.RunStopped, line, why == string(spec.LastOnly))
		switch {
		case err == nil || errors.Is(err, instance.ErrStale):
			return true
		case errors.Is(err, errDamaged) || errors.Is(err, store.ErrNotFound) && tries > 10: // at first it may be on its way in
			e.log.Error("superseded run could not be stopped", "run", int64(m.id), "error", err)
			return true
		}
		return false
	})
}

// stopRunning ends a run that has been given its turn, also when it has not begun yet.
func (e *Engine) stopRunning(internal int64, id store.RunID, why string) {
	_ = e.insist(func(int) bool {
		if !e.strategies.runs(internal, id) {
			return true
		}
		if _, _, err := e.store.Load(e.ctx, id); err != nil {
			return false // on its way in
		}
		stop := instance.ActOnRun{At: e.clock.of(id), Action: instance.Stop, Reason: "superseded by a newer run under the run strategy " + why}
		_, err := e.ask(e.ctx, id, stop)
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
			return ErrClosed
		}
		delay = min(2*delay, 5*time.Second)
	}
	return nil
}

// groupOf returns the group that owns the runs of a root workflow. All runs of one workflow share a group, so that its
// run strategy is a matter of one owner.
func (e *Engine) groupOf(workflowID string) int32 {
	h := uint32(2166136261)
	for i := 0; i < len(workflowID); i++ {
		h = (h ^ uint32(workflowID[i])) * 16777619
	}
	return int32(h % uint32(e.cfg.Groups))
}

// requestUUID returns the uuid of a run to be started, and the run that has it already, if any.
func (e *Engine) requestUUID(ctx context.Context, internal int64, requestID string) (u [16]byte, known *store.Run, err error) {
	if requestID == "" {
		_, _ = rand.Read(u[:]) // never fails
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		return u, nil, nil
	}
	u, ok := ParseUUID(requestID)
	if !ok {
		return u, nil, fmt.Errorf("%w: request_id [%s] is not a UUID", ErrBadRequest, requestID)
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
		WorkflowID: d.WorkflowID, Version: d.Version, UUID: FormatUUID(known.UUID), Status: "DUPLICATED", Line: stamped(line, e.clock.now()),
	}
}

// check refuses triggers that are not the workflow's (spec/engine 4, step 2).
func (in *Initiator) check(d *Definition) error {
	uuid, kind, disabled := "", "", spec.Opt[bool]{}
	switch {
	case in.Time != nil:
		uuid, kind, disabled = in.Time.TriggerUUID, "TIME", d.Properties.TimeTriggerDisabled
	case in.Signal != nil:
		uuid, kind, disabled = in.Signal.TriggerUUID, "SIGNAL", d.Properties.SignalTriggerDisabled
	default:
		return nil
	}
	if !d.Active {
		return fmt.Errorf("%w: a trigger can only start the active version of workflow [%s], and [%d] is not", ErrBadRequest, d.WorkflowID, d.Version)
	}
	for _, t := range d.Triggers {
		if t == uuid {
			if disabled.Or(false) {
				return fmt.Errorf("%w: Trigger type [%s] is disabled for the workflow [%s]", ErrDisabled, kind, d.WorkflowID)
			}
			return nil
		}
	}
	return fmt.Errorf("%w: trigger [%s] is none of workflow [%s] version [%d]", ErrConflict, uuid, d.WorkflowID, d.Version)
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

// header decides everything about a new run that will not change. failed is the reason why its params cannot be
// evaluated, for a run that is to be kept all the same.
func (e *Engine) header(ctx context.Context, d *Definition, q *StartRequest, n *newcomer) (h *instance.Header, failed, err error) {
	h = &instance.Header{Requested: q.Requested, Initiator: q.Initiator.JSON, Properties: d.Snapshot, Artifacts: q.Artifacts, StepParams: q.StepRunParams}
	if h.Requested == 0 {
		h.Requested = n.now
	}
	h.RunParams = defsJSON(q.RunParams)
	if len(q.RuntimeTags) > 0 {
		if err := checkTags(d.Workflow.Tags, q.RuntimeTags); err != nil {
			return nil, nil, err
		}
		h.Tags = q.RuntimeTags.AppendJSON(nil)
		h.RunConfig = append(append([]byte(`{"runtime_tags":`), h.Tags...), '}')
	}
	if err := checkStepParams(d, q.StepRunParams); err != nil {
		return nil, nil, err
	}
	h.Line = n.line.Encode()
	var l link
	if h.Signals, l, err = e.triggering(ctx, q.Initiator.Signal); err != nil {
		return nil, nil, err
	}
	if err := e.tooLong(l); err != nil {
		h.Line = instance.DetailsLine("INTERNAL_ERROR", "The run is not begun: the chain of triggers is too long", err.Error()).Encode()
		return h, err, nil
	}
	start := &language.RunStart{
		WorkflowID: d.WorkflowID, Owner: h.Owner(), Plan: d.Plan, Initiator: h.ParsedInitiator(), RunParams: q.RunParams, Now: n.now,
	}
	failed, err = e.evaluate(h, start, n.mark, q.PersistFailed)
	return h, failed, err
}

// evaluate puts the params and the timeout of a run into its header. A run that is to be kept although they cannot be
// evaluated tells why on its timeline.
func (e *Engine) evaluate(h *instance.Header, start *language.RunStart, m inflight.Mark, keep bool) (failed, err error) {
	start.Header = h
	pass := e.cfg.Guard.Enter(m)
	ev, err := e.language.Start(start)
	pass.Leave()
	switch {
	case err == nil:
		h.HasParams, h.Params, h.Timeout, h.Defaults = true, ev.Stored, ev.Timeout, e.language.Fingerprint()
		return nil, nil
	case keep:
		h.Line = instance.DetailsLine("INTERNAL_ERROR", "Failed to initiate workflow params and properties", param.AsError(err).Detail()).Encode()
		return err, nil
	default:
		return nil, err
	}
}

// checkTags refuses runtime tags that the definition has already.
func checkTags(have, more spec.Tags) error {
	seen := make(map[string]bool)
	for _, list := range []spec.Tags{have, more} {
		for _, t := range list {
			if seen[t.Name] {
				return fmt.Errorf("%w: Invalid tag list as there are duplicate tag names: [%s]", ErrBadRequest, t.Name)
			}
			seen[t.Name] = true
		}
	}
	return nil
}

// checkStepParams refuses params for steps that the workflow does not have.
func checkStepParams(d *Definition, data []byte) error {
	if data == nil {
		return nil
	}
	var steps map[string]json.RawMessage
	if err := json.Unmarshal(data, &steps); err != nil {
		return fmt.Errorf("%w: step_run_params: %w", ErrBadRequest, err)
	}
	for id := range steps {
		if _, ok := d.Plan.Ordinal(id); !ok {
			return fmt.Errorf("%w: step_run_params name step [%s], which is not in the workflow", ErrBadRequest, id)
		}
	}
	return nil
}
