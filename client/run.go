package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
)

// Instance is one run of a workflow instance.
type Instance struct {
	Document
	WorkflowID    string          `json:"workflow_id"`
	ID            int64           `json:"workflow_instance_id"`
	RunID         int64           `json:"workflow_run_id"`
	UUID          string          `json:"workflow_uuid"`
	CorrelationID string          `json:"correlation_id"`
	Version       int64           `json:"workflow_version_id"`
	Status        string          `json:"status"` // CREATED, IN_PROGRESS, PAUSED, TIMED_OUT, STOPPED, FAILED or SUCCEEDED
	Initiator     Initiator       `json:"initiator"`
	RunParams     json.RawMessage `json:"run_params"`
	Params        json.RawMessage `json:"params"`
	Workflow      Workflow        `json:"runtime_workflow"`
	CreateTime    int64           `json:"create_time"` // epoch milliseconds, like all times; 0 for not yet
	StartTime     int64           `json:"start_time"`
	EndTime       int64           `json:"end_time"`
	Timeline      []TimelineEvent `json:"timeline"`
	Aggregated    *Aggregated     `json:"aggregated_info"` // over all runs of the instance; nil where not asked for
}

// Aggregated is the state of an instance with all its runs laid over each other.
type Aggregated struct {
	Status string `json:"workflow_instance_status"`
	Steps  map[string]struct {
		RunID     int64  `json:"workflow_run_id"`
		Status    string `json:"status"`
		StartTime int64  `json:"start_time"`
		EndTime   int64  `json:"end_time"`
	} `json:"step_aggregated_views"`
}

// Initiator says who or what started a run.
type Initiator struct {
	Type string `json:"type"`           // MANUAL, TIME, SIGNAL, SUBWORKFLOW, FOREACH, WHILE or TEMPLATE
	User User   `json:"user,omitempty"` // of a MANUAL one
}

// TimelineEvent is one line of what happened to a run or step, or of what an action did.
type TimelineEvent struct {
	Document
	Type      string `json:"type"` // LOG, DETAILS, STATUS, ACTION or MILESTONE
	Timestamp int64  `json:"timestamp"`
	Level     string `json:"level"`
	Message   string `json:"message"`
	Status    string `json:"status"`
	Action    string `json:"action"`
	Author    User   `json:"author"`
	Reason    string `json:"reason"`

	Errors []string `json:"errors"` // of DETAILS: what explains the message
}

// Succeeded reports whether a run's status is the good end.
func Succeeded(status string) bool { return status == "SUCCEEDED" }

// Terminal reports whether a run with this status has ended. Only a restart, which makes a new run, follows.
func Terminal(status string) bool {
	switch status {
	case "TIMED_OUT", "STOPPED", "FAILED", "SUCCEEDED":
		return true
	}
	return false
}

// StartRequest says how to start a run. The zero value starts the default version by hand without params.
type StartRequest struct {
	Version          string           // a number, "active", "latest", or "default", which is the default
	RequestID        string           // a UUID: starting twice with the same one starts once
	Params           map[string]Param // override those of the definition
	RuntimeTags      []string
	PersistFailedRun bool // keep a FAILED run when its params cannot be evaluated, instead of an error
}

// StartResult is the answer to a start or restart.
type StartResult struct {
	Document
	WorkflowID string        `json:"workflow_id"`
	Version    int64         `json:"workflow_version_id"`
	Instance   int64         `json:"workflow_instance_id"`
	Run        int64         `json:"workflow_run_id"`
	UUID       string        `json:"workflow_uuid"`
	Status     string        `json:"status"` // CREATED, DUPLICATED (this request id was used before) or STOPPED
	Event      TimelineEvent `json:"timeline_event"`
}

// Ref returns the name of the run.
func (r *StartResult) Ref() RunRef {
	return RunRef{Workflow: r.WorkflowID, Instance: r.Instance, Run: r.Run}
}

// Start starts a new instance of a workflow. When it returns without an error, the run survives a crash of the server.
func (c *Client) Start(ctx context.Context, workflow string, r StartRequest) (*StartResult, error) {
	body := struct {
		Initiator        Initiator        `json:"initiator"`
		RequestID        string           `json:"request_id,omitempty"`
		RuntimeTags      []string         `json:"runtime_tags,omitempty"`
		RunParams        map[string]Param `json:"run_params,omitempty"`
		PersistFailedRun bool             `json:"persist_failed_run,omitempty"`
	}{Initiator{Type: "MANUAL"}, r.RequestID, r.RuntimeTags, r.Params, r.PersistFailedRun}
	version := r.Version
	if version == "" {
		version = "default"
	}
	return postCall[StartResult](ctx, c, path("workflows", workflow, "versions", version, "actions", "start"), body)
}

// Policies of a restart.
const (
	FromIncomplete = "RESTART_FROM_INCOMPLETE" // only what did not complete runs again
	FromBeginning  = "RESTART_FROM_BEGINNING"  // everything runs again
)

// RestartRequest says how to restart an instance. The zero value restarts what did not complete.
type RestartRequest struct {
	Policy    string           // FromIncomplete or FromBeginning
	Params    map[string]Param // override those of the run before
	RequestID string           // a UUID: restarting twice with the same one restarts once
}

func (r RestartRequest) policy() string {
	if r.Policy == "" {
		return FromIncomplete
	}
	return r.Policy
}

// Restart makes a new run of an instance whose newest run has ended.
func (c *Client) Restart(ctx context.Context, ref RunRef, r RestartRequest) (*StartResult, error) {
	body := struct {
		Policy    string           `json:"restart_policy"`
		RunParams map[string]Param `json:"run_params,omitempty"`
		RequestID string           `json:"request_id,omitempty"`
	}{r.policy(), r.Params, r.RequestID}
	return postCall[StartResult](ctx, c, ref.instance("actions", "restart"), body)
}

// Instance returns a run, or the newest run of the instance with all runs laid over each other when ref names no run.
func (c *Client) Instance(ctx context.Context, ref RunRef, enriched bool) (*Instance, error) {
	q := url.Values{}
	if enriched {
		q.Set("enriched", "true")
	}
	if ref.Run != 0 {
		q.Set("aggregated", "true") // without it a single run has no view of its steps
	}
	return call[Instance](ctx, c, get(ref.run(), q))
}

// InstancesPage returns one page of the instances of a workflow, each as its newest run.
func (c *Client) InstancesPage(ctx context.Context, workflow string, p PageRequest) (*Page[Instance], error) {
	return listPage[Instance](ctx, c, path("workflows", workflow, "instances"), p.query())
}

// Instances walks all instances of a workflow, newest first.
func (c *Client) Instances(ctx context.Context, workflow string) iter.Seq2[*Instance, error] {
	return each(func(p PageRequest) (*Page[Instance], error) { return c.InstancesPage(ctx, workflow, p) })
}

// RunsPage returns one page of the runs of an instance.
func (c *Client) RunsPage(ctx context.Context, ref RunRef, p PageRequest) (*Page[Instance], error) {
	return listPage[Instance](ctx, c, ref.instance("runs"), p.query())
}

// Runs walks all runs of an instance, newest first.
func (c *Client) Runs(ctx context.Context, ref RunRef) iter.Seq2[*Instance, error] {
	return each(func(p PageRequest) (*Page[Instance], error) { return c.RunsPage(ctx, ref, p) })
}

// ActionResult is the answer to an action on a run. Completed tells whether it has happened yet.
type ActionResult struct {
	Document
	WorkflowID string        `json:"workflow_id"`
	Instance   int64         `json:"workflow_instance_id"`
	Run        int64         `json:"workflow_run_id"`
	Status     string        `json:"workflow_instance_status"`
	Info       string        `json:"info"`
	Event      TimelineEvent `json:"timeline_event"`
	Completed  bool          `json:"completed"`
}

// Stop ends a run; its status becomes STOPPED.
func (c *Client) Stop(ctx context.Context, ref RunRef) (*ActionResult, error) {
	return call[ActionResult](ctx, c, put(ref.run("actions", "stop")))
}

// Kill ends a run; its status becomes FAILED.
func (c *Client) Kill(ctx context.Context, ref RunRef) (*ActionResult, error) {
	return call[ActionResult](ctx, c, put(ref.run("actions", "kill")))
}

// Unblock lets a strictly sequential workflow go on after this failed run.
func (c *Client) Unblock(ctx context.Context, ref RunRef) (*ActionResult, error) {
	return call[ActionResult](ctx, c, put(ref.run("actions", "unblock")))
}
