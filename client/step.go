package client

import (
	"context"
	"encoding/json"
	"errors"
)

// StepInstance is one attempt of a step in a run.
type StepInstance struct {
	Document
	WorkflowID string          `json:"workflow_id"`
	Instance   int64           `json:"workflow_instance_id"`
	Run        int64           `json:"workflow_run_id"`
	StepID     string          `json:"step_id"`
	Attempt    int64           `json:"step_attempt_id"`
	Ordinal    int64           `json:"step_instance_id"`
	UUID       string          `json:"step_uuid"`
	Definition json.RawMessage `json:"definition"`
	Params     json.RawMessage `json:"params"`
	State      RuntimeState    `json:"runtime_state"`
	WaitsFor   string          `json:"waits_for"` // before its work can begin: a place of the server's; empty for nothing
	Artifacts  json.RawMessage `json:"artifacts"`
	Timeline   []TimelineEvent `json:"timeline"`
}

// RuntimeState is a step's status and when it entered which. Times are epoch milliseconds, 0 for not yet.
type RuntimeState struct {
	Status      string `json:"status"`
	CreateTime  int64  `json:"create_time"`
	StartTime   int64  `json:"start_time"`
	ExecuteTime int64  `json:"execute_time"`
	EndTime     int64  `json:"end_time"`
}

// StepTerminal reports whether an attempt with this status has ended. One that failed may still be followed by another.
func StepTerminal(status string) bool { return StepComplete(status) || StepFailed(status) }

// StepComplete reports whether a step with this status counts as done, so that its successors may start.
func StepComplete(status string) bool {
	switch status {
	case "DISABLED", "UNSATISFIED", "SKIPPED", "SUCCEEDED", "COMPLETED_WITH_ERROR":
		return true
	}
	return false
}

// StepFailed reports whether an attempt with this status has ended without being done.
func StepFailed(status string) bool {
	switch status {
	case "USER_FAILED", "PLATFORM_FAILED", "FATALLY_FAILED", "INTERNALLY_FAILED", "STOPPED", "TIMEOUT_FAILED", "TIMED_OUT":
		return true
	}
	return false
}

// Steps returns the newest attempt of each step, over all runs when ref names none, with the JSON of the whole list.
// Steps that were never reached are not among them.
func (c *Client) Steps(ctx context.Context, ref RunRef) ([]*StepInstance, json.RawMessage, error) {
	return list[StepInstance](ctx, c, get(ref.run("steps"), nil))
}

// Step returns the newest attempt of a step, or the one that ref names.
func (c *Client) Step(ctx context.Context, ref StepRef, enriched bool) (*StepInstance, error) {
	if ref.Run == 0 && ref.Attempt == 0 {
		return call[StepInstance](ctx, c, get(ref.instance("steps", ref.Step), enrich(enriched)))
	}
	if ref.Run == 0 {
		// The API names an attempt only within a run, so find out which run is meant.
		newest, err := c.Step(ctx, StepRef{RunRef: ref.RunRef, Step: ref.Step}, false)
		if err != nil {
			return nil, err
		}
		ref.Run = newest.Run
	}
	attempt := "latest"
	if ref.Attempt != 0 {
		attempt = itoa(ref.Attempt)
	}
	p := ref.run("steps", ref.Step, "attempts", attempt)
	return call[StepInstance](ctx, c, get(p, enrich(enriched)))
}

// StepActionResult is the answer to an action on a step.
type StepActionResult struct {
	Document
	WorkflowID string        `json:"workflow_id"`
	Instance   int64         `json:"workflow_instance_id"`
	Run        int64         `json:"workflow_run_id"`
	StepID     string        `json:"step_id"` // empty when the action made a new run
	Attempt    int64         `json:"step_attempt_id"`
	Status     string        `json:"status"` // of a restart
	State      *RuntimeState `json:"step_runtime_state"`
	Event      TimelineEvent `json:"timeline_event"`
}

// StepRestartRequest says how to restart a step. The zero value runs it again, and what is below it where incomplete.
type StepRestartRequest struct {
	Downstream     string           // policy for the steps below: FromIncomplete or FromBeginning
	Params         map[string]Param // override those of the step
	FromInlineRoot bool             // restart the loop the step is in, instead of the step
	RequestID      string
}

// RestartStep runs a failed step again: a new attempt in a live run, or a new run of one that has ended.
func (c *Client) RestartStep(ctx context.Context, ref StepRef, r StepRestartRequest) (*StepActionResult, error) {
	body := struct {
		Policy    string           `json:"restart_policy"`
		Params    map[string]Param `json:"step_run_params,omitempty"`
		Mode      string           `json:"upstream_restart_mode,omitempty"`
		RequestID string           `json:"request_id,omitempty"`
	}{Policy: RestartRequest{Policy: r.Downstream}.policy(), Params: r.Params, RequestID: r.RequestID}
	if r.FromInlineRoot {
		body.Mode = "RESTART_FROM_INLINE_ROOT"
	}
	return postCall[StepActionResult](ctx, c, ref.instance("steps", ref.Step, "actions", "restart"), body)
}

// StopStep ends a step; its status becomes STOPPED, and so does its run's.
func (c *Client) StopStep(ctx context.Context, ref StepRef) (*StepActionResult, error) {
	return c.stepAction(ctx, ref, "stop")
}

// KillStep fails a step; its failure mode says what becomes of the run.
func (c *Client) KillStep(ctx context.Context, ref StepRef) (*StepActionResult, error) {
	return c.stepAction(ctx, ref, "kill")
}

// SkipStep ends a step as if it were done, or restarts an ended run from this step and skips it.
func (c *Client) SkipStep(ctx context.Context, ref StepRef) (*StepActionResult, error) {
	return c.stepAction(ctx, ref, "skip")
}

// BypassStep lets a step that waits for signals go on without them.
func (c *Client) BypassStep(ctx context.Context, ref StepRef) (*StepActionResult, error) {
	return c.stepAction(ctx, ref, "bypass")
}

func (c *Client) stepAction(ctx context.Context, ref StepRef, action string) (*StepActionResult, error) {
	if ref.Step == "" {
		return nil, errors.New("client: " + action + " needs the id of a step")
	}
	return call[StepActionResult](ctx, c, put(ref.instance("steps", ref.Step, "actions", action)))
}
