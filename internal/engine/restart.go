package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/language"
	"maestro/internal/store"
	"maestro/param"
)

// Run policies.
const (
	restartIncomplete = "RESTART_FROM_INCOMPLETE"
	restartBeginning  = "RESTART_FROM_BEGINNING"
	restartSpecific   = "RESTART_FROM_SPECIFIC"
)

// Restart makes a new run of an instance that has ended (spec/engine 11.2), or, when a step is named, restarts from it:
// in a live run as a new attempt, else as a new run.
func (e *Engine) Restart(ctx context.Context, q RestartRequest) (Started, error) {
	if err := e.busy(); err != nil {
		return Started{}, err
	}
	r, err := e.Load(ctx, q.WorkflowID, q.Instance, 0)
	if err != nil {
		return Started{}, err
	}
	if !r.Own.Terminal() {
		return Started{}, fmt.Errorf("%w: Cannot restart workflow instance %s, which is not terminal but [%s]", ErrBadRequest, r.Identity(), r.Status)
	}
	return e.restart(ctx, r, &q)
}

// RestartStep restarts one step.
func (e *Engine) RestartStep(ctx context.Context, q RestartRequest, blocking bool) (StepActed, error) {
	r, err := e.Load(ctx, q.WorkflowID, q.Instance, 0)
	if err != nil {
		return StepActed{}, err
	}
	if q.Inline {
		if !r.Own.Terminal() {
			return StepActed{}, fmt.Errorf("%w: Cannot restart workflow instance %s, which is not terminal but [%s]", ErrBadRequest, r.Identity(), r.Status)
		}
		started, err := e.restart(ctx, r, &q)
		return StepActed{WorkflowID: q.WorkflowID, Instance: q.Instance, Run: started.Run, Line: started.Line, Restarted: &started}, err
	}
	return e.restartFromStep(ctx, r, q)
}

// restartFromStep restarts one step of a run, in place while the run lives.
func (e *Engine) restartFromStep(ctx context.Context, r *instance.Run, q RestartRequest) (StepActed, error) {
	view, known := r.Aggregate().Steps[q.Step]
	if !known || view.Status == instance.NotCreated {
		return StepActed{}, fmt.Errorf("%w: Invalid restart request for %s: step [%s] is not created in the DAG", ErrBadRequest, r.Identity(), q.Step)
	}
	if !view.Status.Terminal() {
		return StepActed{}, fmt.Errorf("%w: Cannot restart step [%s] of workflow instance %s, which is not terminal but [%s]", ErrBadRequest, q.Step, r.Identity(), view.Status)
	}
	if r.Own.Terminal() {
		started, err := e.restart(ctx, r, &q)
		return StepActed{WorkflowID: q.WorkflowID, Instance: q.Instance, Run: started.Run, Line: started.Line, Restarted: &started}, err
	}
	index, ok := r.Plan.Ordinal(q.Step)
	if !ok {
		return StepActed{}, fmt.Errorf("%w: step [%s] is not in the DAG of workflow instance %s", ErrBadRequest, q.Step, r.Identity())
	}
	s := &r.Steps[index]
	if s.Number > 0 && !s.Status.Restartable() {
		return StepActed{}, fmt.Errorf("%w: Cannot restart step [%s] of workflow instance %s, whose status is [%s]", ErrBadRequest, q.Step, r.Identity(), s.Status)
	}
	if mode := r.Plan.Nodes[index].Step.FailureMode; mode != "" && mode != "FAIL_AFTER_RUNNING" {
		return StepActed{}, fmt.Errorf("%w: Cannot restart step [%s] of the live workflow instance %s, since its failure mode is [%s]", ErrBadRequest, q.Step, r.Identity(), mode)
	}
	data, _ := json.Marshal(newRestartConfig(&q))
	out := StepActed{WorkflowID: q.WorkflowID, Instance: q.Instance, Run: r.Number, Step: q.Step}
	out.Line = stamped(instance.InfoLine(fmt.Sprintf("User [%s] take action [RESTART] on the step", q.User)), e.clock.now())
	ev := instance.ActOnStep{At: e.clock.of(store.RunID(r.ID)), Step: index, Action: instance.Restart, User: q.User, Reason: "restart", Data: data}
	if q.Skip {
		ev.Skip = true
	}
	attempt, err := e.ask(ctx, store.RunID(r.ID), ev)
	if errors.Is(err, instance.ErrNotAllowed) || errors.Is(err, instance.ErrStale) {
		return StepActed{}, fmt.Errorf("%w: Cannot restart step [%s] of workflow instance %s any more", ErrBadRequest, q.Step, r.Identity())
	}
	out.Attempt = attempt.Number
	out.State = &attempt
	return out, err
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
	id := e.ids.next()
	now := e.clock.of(id)
	line := startLine(Initiator{User: q.User})
	h := &instance.Header{
		Correlation: last.CorrelationID(), Requested: q.Requested, Policy: q.Policy, Properties: last.Header.Properties,
		Tags: last.Header.Tags, Line: line.Encode(), StepLimit: last.Header.StepLimit, Initiator: manualInitiator(q.User),
		Baseline: last.Aggregate().Encode(), Signals: last.SignalsForRestart(),
	}
	if h.Requested == 0 && !q.Skip { // a skip has no request time, as in the reference
		h.Requested = now
	}
	if q.fromStep() {
		h.Policy = restartSpecific
	}
	h.RunConfig = restartConfig(q)
	if err := chooseSteps(h, d, last, q); err != nil {
		return Started{}, err
	}
	start := &language.RunStart{
		WorkflowID: d.WorkflowID, Owner: h.Owner(), Plan: d.Plan, Initiator: h.ParsedInitiator(), Policy: h.Policy,
		Previous: last.Params, RestartParams: q.RunParams, Restart: true, Now: now,
	}
	if last.Params == nil {
		start.Restart, start.RunParams, start.RestartParams = false, q.RunParams, nil
	}
	mark := markOf(d, "restart", defsJSON(q.RunParams), defsJSON(q.StepParams), []byte(q.Step))
	if err := e.admissible(d, mark); err != nil {
		return Started{}, err
	}
	if _, err := e.evaluate(h, start, mark, false); err != nil {
		return Started{}, err
	}
	if !start.Restart {
		h.RunParams = q.RunParams.AppendJSON(nil)
	}
	n := newcomer{id: id, mark: mark, definition: d, header: h, uuid: uuid, now: now, line: line, instance: last.Instance, run: last.Number + 1}
	return e.accept(ctx, &n)
}

// chooseSteps says which steps the new run runs (spec/engine 6.1).
func chooseSteps(h *instance.Header, d *Definition, last *instance.Run, q *RestartRequest) error {
	if h.Policy == restartBeginning {
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
		return fmt.Errorf("%w: workflow [%s] version [%d] has no step [%s]", ErrBadRequest, d.WorkflowID, d.Version, q.Step)
	}
	return nil
}

func manualInitiator(user string) []byte {
	b := append([]byte(`{"depth":0,"type":"MANUAL","user":`), doc.AppendString(nil, user)...)
	return append(b, '}')
}

// restartConfig returns run_config's restart_config (spec/engine 11.1).
func restartConfig(q *RestartRequest) []byte {
	data, _ := json.Marshal(map[string]any{"restart_config": newRestartConfig(q)})
	return data
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

func newRestartConfig(q *RestartRequest) configOfRestart {
	path := restartNode{WorkflowID: q.WorkflowID, InstanceID: q.Instance}
	c := configOfRestart{Policy: q.Policy, Downstream: q.Policy}
	if q.fromStep() {
		path.StepID = &q.Step
		c.Policy = restartSpecific
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

// keep lays the steps of earlier runs that a restarted run does not run again before its expressions.
func (e *Engine) keep(ctx context.Context, r *instance.Run) error {
	base := instance.ParseBaseline(r.Header.Baseline)
	if base == nil || r.Policy() == restartBeginning {
		return nil
	}
	runs := make(map[int64]*instance.Run)
	r.Kept = make(map[string]*instance.Kept)
	for id, v := range base.Steps {
		if _, again := r.Plan.Ordinal(id); again || v.Run == 0 {
			continue
		}
		earlier := runs[v.Run]
		if earlier == nil {
			row, err := e.store.Find(ctx, r.Internal, r.Instance, v.Run)
			if err != nil {
				return fmt.Errorf("find run %d of instance %s: %w", v.Run, r.Identity(), err)
			}
			if earlier, _, err = e.loadRun(ctx, row.ID, false); err != nil {
				return err
			}
			runs[v.Run] = earlier
		}
		if i, ok := earlier.Plan.Ordinal(id); ok && earlier.Steps[i].Number > 0 {
			s := &earlier.Steps[i]
			r.Kept[id] = &instance.Kept{Status: s.Status, Ended: s.Ended, Params: earlier.StepParams(i)}
		}
	}
	return nil
}
