package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/store"
	"maestro/param"
)

// Restart makes a new run of an instance that has ended (spec/engine 11.2), or, when a step is named, restarts from it:
// in a live run as a new attempt, else as a new run.
func (e *Engine) Restart(ctx context.Context, q RestartRequest) (Started, error) {
	if err := e.busy(); err != nil {
		return Started{}, err
	}
	row, err := e.find(ctx, q.WorkflowID, q.Instance, 0)
	if err != nil {
		return Started{}, err
	}
	return e.restartRun(ctx, row.ID, &q)
}

func (e *Engine) restartRun(ctx context.Context, id store.RunID, q *RestartRequest) (Started, error) {
	last, _, err := e.loadRun(ctx, id, false) // earlier attempts have no say
	if err == nil {
		err = last.MayRestart()
	}
	if err != nil {
		return Started{}, err
	}
	e.ended(last.Internal, id, last.Status) // the store may tell of its end before its actor does
	return e.restart(ctx, last, q)
}

// RestartStep restarts one step: in a live run as a new attempt, else as a new run.
func (e *Engine) RestartStep(ctx context.Context, q RestartRequest) (StepActed, error) {
	row, err := e.find(ctx, q.WorkflowID, q.Instance, 0)
	if err != nil {
		return StepActed{}, err
	}
	if q.Inline { // the whole run is run again, the step only gets its params
		return e.restartAs(ctx, row, &q)
	}
	ev := instance.ActOnStep{
		At: e.clock.of(row.ID), Step: q.Step, Action: instance.Restart, User: q.User, Reason: "restart", Skip: q.Skip, Data: newRestartConfig(&q).encode(),
	}
	d, err := e.ask(ctx, row.ID, ev)
	switch {
	case errors.Is(err, instance.ErrEnded):
		return e.restartAs(ctx, row, &q)
	case err != nil:
		return StepActed{}, err
	}
	return e.restarted(row, &q, d), nil
}

// restarted answers a restart that became a new attempt of the run.
func (e *Engine) restarted(row *store.Run, q *RestartRequest, d done) StepActed {
	line := instance.InfoLine(fmt.Sprintf("User [%s] take action [RESTART] on the step", q.User))
	return StepActed{
		WorkflowID: q.WorkflowID, Instance: q.Instance, Run: row.Run, Version: row.Version, Step: q.Step,
		Action: instance.Restart, Attempt: d.attempt.Number, State: &d.attempt, Line: stamped(line, e.clock.now()),
	}
}

// restartAs makes a step's restart a new run of its instance. A run that has ended does not change, so that a copy of it
// tells all.
func (e *Engine) restartAs(ctx context.Context, row *store.Run, q *RestartRequest) (StepActed, error) {
	started, err := e.restartRun(ctx, row.ID, q)
	return StepActed{
		WorkflowID: q.WorkflowID, Instance: q.Instance, Run: started.Run, Version: started.Version, Action: instance.Restart,
		Line: started.Line, Restarted: &started,
	}, err
}

func rawDefs(d *param.Defs) json.RawMessage {
	if d.Len() == 0 {
		return json.RawMessage("{}")
	}
	return d.AppendJSON(nil)
}

// restart makes the next run of an instance whose latest run is last.
func (e *Engine) restart(ctx context.Context, last *instance.Run, q *RestartRequest) (Started, error) {
	d, err := e.catalog.Version(ctx, last.Internal, last.Version)
	if err != nil {
		return Started{}, err
	}
	uuid, known, err := e.requestUUID(ctx, d.Internal, q.RequestID)
	if err != nil {
		return Started{}, err
	}
	if known != nil {
		out := e.duplicated(d, known)
		out.Instance = q.Instance
		return out, nil
	}
	g, err := e.ownerOf(d.Internal)
	if err != nil {
		return Started{}, err
	}
	id := e.ids.next()
	now := e.clock.of(id)
	line := startLine(Initiator{User: q.User})
	h := &instance.Header{
		Correlation: last.CorrelationID(), Requested: q.Requested, Policy: q.Policy, Properties: last.Header.Properties,
		Tags: last.Header.Tags, Line: &line, StepLimit: last.Header.StepLimit, Initiator: instance.ManualInitiator(q.User),
		Baseline: last.Aggregate(), Signals: last.SignalsForRestart(),
	}
	if h.Requested == 0 && !q.Skip { // a skip has no request time, as in the reference
		h.Requested = now
	}
	if q.fromStep() {
		h.Policy = instance.RestartFromSpecific
	}
	h.Restart = newRestartConfig(q).encode()
	if err := chooseSteps(h, d, last, q); err != nil {
		return Started{}, err
	}
	start := &language.RunStart{
		Identity: strconv.FormatInt(int64(id), 36), WorkflowID: d.WorkflowID, Owner: h.Owner(), Plan: d.Plan, Initiator: h.ParsedInitiator(), Policy: h.Policy,
		Previous: last.Params, RestartParams: q.RunParams, Restart: true, Now: now,
		Cancelled: func() bool { return ctx.Err() != nil },
	}
	if last.Params == nil {
		start.Restart, start.RunParams, start.RestartParams = false, q.RunParams, nil
	}
	mark := markOf(d, "restart", defsJSON(q.RunParams), defsJSON(q.StepParams), []byte(q.Step))
	if err := e.admissible(d, mark); err != nil {
		return Started{}, err
	}
	n := newcomer{id: id, group: g, mark: mark, definition: d, header: h, uuid: uuid, now: now, line: line, instance: last.Instance, run: last.Number + 1}
	if err := e.evaluate(&n, start, false); err != nil {
		return Started{}, err
	}
	if !start.Restart {
		h.RunParams = q.RunParams
	}
	return e.accept(ctx, &n)
}

// chooseSteps says which steps the new run runs (spec/engine 6.1).
func chooseSteps(h *instance.Header, d *Definition, last *instance.Run, q *RestartRequest) error {
	if h.Policy == instance.RestartFromBeginning {
		return nil
	}
	views := last.Aggregate().Steps
	h.Start = []int{}
	for i, s := range d.Workflow.Steps {
		v := views[string(s.ID)]
		switch {
		case q.fromStep() && string(s.ID) == q.Step:
			h.Target = i + 1
			h.Start = append(h.Start, i)
			if q.Skip {
				h.Skip = []int{i}
			}
		case v.Status == instance.NotCreated || v.Status.Terminal() && !v.Status.Complete():
			h.Start = append(h.Start, i)
		}
	}
	if q.fromStep() && h.Target == 0 {
		return api.Errorf(api.BadRequest, "workflow [%s] version [%d] has no step [%s]", d.WorkflowID, d.Version, q.Step)
	}
	return nil
}

// restartNode is one node of the path that a restart takes.
type restartNode struct {
	WorkflowID string  `json:"workflow_id"`
	InstanceID int64   `json:"instance_id"`
	StepID     *string `json:"step_id"`
}

// configOfRestart is the restart_config of a run or an attempt.
type configOfRestart struct {
	Path       []restartNode              `json:"restart_path"`
	Policy     string                     `json:"restart_policy"`
	Downstream string                     `json:"downstream_policy"`
	Params     json.RawMessage            `json:"restart_params,omitempty"`
	StepParams map[string]json.RawMessage `json:"step_restart_params,omitempty"`
	Skip       []string                   `json:"skip_steps,omitempty"`
}

func (c configOfRestart) encode() []byte {
	data, _ := json.Marshal(c) // texts and JSON: cannot fail
	return data
}

func newRestartConfig(q *RestartRequest) configOfRestart {
	path := restartNode{WorkflowID: q.WorkflowID, InstanceID: q.Instance}
	c := configOfRestart{Policy: q.Policy, Downstream: q.Policy}
	if q.fromStep() {
		path.StepID = &q.Step
		c.Policy = instance.RestartFromSpecific
	}
	if q.Step != "" {
		c.StepParams = map[string]json.RawMessage{q.Step: rawDefs(q.StepParams)}
	} else {
		c.Params = rawDefs(q.RunParams)
	}
	if q.Skip {
		c.Skip = []string{q.Step}
	}
	c.Path = []restartNode{path}
	return c
}

// fromStep reports whether the restart begins at the step it names; a restart from the inline root only gives it params.
func (q *RestartRequest) fromStep() bool { return q.Step != "" && !q.Inline }
