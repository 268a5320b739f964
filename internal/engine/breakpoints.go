package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
)

// Breakpoint holds every attempt of a step that comes by, before it is run (spec/engine 16).
type Breakpoint struct {
	WorkflowID string `json:"workflow_id"`
	StepID     string `json:"step_id"`
	CreateTime int64  `json:"create_time"`
	CreatedBy  string `json:"created_by"`
}

// PausedAttempt is an attempt that a breakpoint holds.
type PausedAttempt struct {
	WorkflowID string `json:"workflow_id"`
	Version    int64  `json:"workflow_version_id"`
	Instance   int64  `json:"workflow_instance_id"`
	Run        int64  `json:"workflow_run_id"`
	StepID     string `json:"step_id"`
	Attempt    int64  `json:"step_attempt_id"`
	CreateTime int64  `json:"create_time"` // when it was paused
}

const kindBreakpoint = "breakpoint"

// breakpoints are the breakpoints that are set. They are few, and asked for by every attempt, so all are in memory.
type breakpoints struct {
	store store.Records

	mu    sync.RWMutex
	byKey map[string]Breakpoint
}

func breakpointKey(workflowID, stepID string) string { return workflowID + "\x00" + stepID }

// load reads what is set.
func (b *breakpoints) load(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byKey = make(map[string]Breakpoint)
	for after := ""; ; {
		records, err := b.store.Scan(ctx, kindBreakpoint, "", after, 1000)
		if err != nil {
			return fmt.Errorf("read breakpoints: %w", err)
		}
		for _, r := range records {
			var bp Breakpoint
			if json.Unmarshal(r.Value, &bp) == nil {
				b.byKey[r.Key] = bp
			}
			after = r.Key
		}
		if len(records) < 1000 {
			return nil
		}
	}
}

// set reports whether a breakpoint is set at a step.
func (b *breakpoints) set(workflowID, stepID string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.byKey) == 0 {
		return false
	}
	_, ok := b.byKey[breakpointKey(workflowID, stepID)]
	return ok
}

// SetBreakpoint sets a breakpoint, or renews the one that is set.
func (e *Engine) SetBreakpoint(ctx context.Context, workflowID, stepID, user string) (Breakpoint, error) {
	d, err := e.catalog.Resolve(ctx, workflowID, "default")
	if err != nil {
		return Breakpoint{}, err
	}
	if _, ok := d.Plan.Ordinal(stepID); !ok {
		return Breakpoint{}, api.Errorf(api.BadRequest, "Breakpoint can't be set as stepId [%s] is not present for the workflowId [%s]", stepID, workflowID)
	}
	bp := Breakpoint{WorkflowID: workflowID, StepID: stepID, CreateTime: e.clock.now(), CreatedBy: user}
	value, err := json.Marshal(bp)
	if err != nil {
		return Breakpoint{}, err
	}
	key := breakpointKey(workflowID, stepID)
	if err := e.store.PutRecords(ctx, store.Record{Kind: kindBreakpoint, Key: key, Value: value}); err != nil {
		return Breakpoint{}, fmt.Errorf("set breakpoint at step %s of workflow %s: %w", stepID, workflowID, err)
	}
	e.breakpoints.mu.Lock()
	e.breakpoints.byKey[key] = bp
	e.breakpoints.mu.Unlock()
	return bp, nil
}

// Breakpoints returns the breakpoints at a step: one or none.
func (e *Engine) Breakpoints(ctx context.Context, workflowID, stepID string) ([]Breakpoint, error) {
	if _, err := e.catalog.Resolve(ctx, workflowID, "default"); err != nil {
		return nil, err
	}
	e.breakpoints.mu.RLock()
	defer e.breakpoints.mu.RUnlock()
	if bp, ok := e.breakpoints.byKey[breakpointKey(workflowID, stepID)]; ok {
		return []Breakpoint{bp}, nil
	}
	return nil, nil
}

// RemoveBreakpoint removes a breakpoint and, unless resume is false, lets the attempts go on that it holds. It returns
// how many did.
func (e *Engine) RemoveBreakpoint(ctx context.Context, workflowID, stepID, user string, resume bool) (int, error) {
	key := breakpointKey(workflowID, stepID)
	e.breakpoints.mu.RLock()
	_, ok := e.breakpoints.byKey[key]
	e.breakpoints.mu.RUnlock()
	if !ok {
		return 0, api.Errorf(api.NotFound, "no breakpoint is set at step [%s] of workflow [%s]: it was never set, or has been removed", stepID, workflowID)
	}
	if err := e.store.PutRecords(ctx, store.Record{Kind: kindBreakpoint, Key: key}); err != nil {
		return 0, fmt.Errorf("remove breakpoint at step %s of workflow %s: %w", stepID, workflowID, err)
	}
	e.breakpoints.mu.Lock()
	delete(e.breakpoints.byKey, key)
	e.breakpoints.mu.Unlock()
	if !resume {
		return 0, nil
	}
	resumed := 0
	err := e.paused(ctx, workflowID, stepID, func(r *instance.Run, step int) error {
		_, err := e.ask(ctx, store.RunID(r.ID), instance.ActOnStep{At: e.clock.of(store.RunID(r.ID)), Step: stepID, Action: instance.Resume, User: user})
		if refused(err) {
			return nil // it went on by itself
		}
		resumed++
		return err
	})
	return resumed, err
}

// PausedAttempts returns the attempts of a step that are held by a breakpoint.
func (e *Engine) PausedAttempts(ctx context.Context, workflowID, stepID string) ([]PausedAttempt, error) {
	var out []PausedAttempt
	err := e.paused(ctx, workflowID, stepID, func(r *instance.Run, step int) error {
		s := &r.Steps[step]
		out = append(out, PausedAttempt{
			WorkflowID: workflowID, Version: r.Version, Instance: r.Instance, Run: r.Number, StepID: stepID,
			Attempt: s.Number, CreateTime: s.Times[instance.StepPaused],
		})
		return nil
	})
	return out, err
}

// paused visits the live runs in which the step is paused.
func (e *Engine) paused(ctx context.Context, workflowID, stepID string, visit func(r *instance.Run, step int) error) error {
	internal, err := e.catalog.Internal(ctx, workflowID)
	if err != nil {
		return err
	}
	g, err := e.ownerOf(internal)
	if err != nil {
		return err
	}
	_, running, err := g.strategies.live(ctx, internal, workflowID)
	if err != nil {
		return err
	}
	for _, m := range running {
		r, _, err := e.loadRun(ctx, m.id, false)
		if err != nil {
			return err
		}
		step, ok := r.Plan.Ordinal(stepID)
		if !ok || r.Steps[step].Status != instance.StepPaused {
			continue
		}
		if err := visit(r, step); err != nil {
			return err
		}
	}
	return nil
}

// ResumeAttempt lets one paused attempt go on. run 0 is the latest.
func (e *Engine) ResumeAttempt(ctx context.Context, workflowID string, inst, run int64, stepID string, attempt int64, user string) (StepActed, error) {
	row, err := e.find(ctx, workflowID, inst, run)
	if err != nil {
		return StepActed{}, err
	}
	_, err = e.ask(ctx, row.ID, instance.ActOnStep{At: e.clock.of(row.ID), Step: stepID, Attempt: attempt, Action: instance.Resume, User: user})
	if refused(err) {
		return StepActed{}, api.Errorf(api.NotFound, "No paused attempt is resumed because step attempt [%s][%d][%d][%s][%d] is not paused: it has not been created yet, or went on already",
			workflowID, inst, row.Run, stepID, attempt)
	} else if err != nil {
		return StepActed{}, err
	}
	line := instance.InfoLine(fmt.Sprintf("User [%s] take action [RESUME] on the step [%s]", user, stepID))
	return StepActed{
		WorkflowID: workflowID, Instance: inst, Run: row.Run, Version: row.Version, Step: stepID, Action: instance.Resume, Attempt: attempt,
		Line: stamped(line, e.clock.now()),
	}, nil
}
