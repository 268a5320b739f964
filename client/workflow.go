package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
)

// WorkflowSummary is a workflow in a list of workflows.
type WorkflowSummary struct {
	Document
	WorkflowID     string     `json:"workflow_id"`
	ActiveVersion  int64      `json:"active_version_id"` // 0 when none is active
	LatestVersion  int64      `json:"latest_version_id"`
	Properties     Properties `json:"properties_snapshot"`
	LatestInstance int64      `json:"latest_instance_id"` // 0 when it never ran
	ModifyTime     int64      `json:"modify_time"`        // epoch milliseconds
}

// Overview is a workflow at a glance.
type Overview struct {
	WorkflowSummary
	DefaultVersion  int64            `json:"default_version_id"`
	StepConcurrency int64            `json:"step_concurrency"`
	Nonterminal     map[string]int64 `json:"nonterminal_instances"` // status to count
	Failed          int64            `json:"failed_instances"`
}

// WorkflowsPage returns one page of the workflows whose id begins with prefix, in order of id.
func (c *Client) WorkflowsPage(ctx context.Context, prefix string, p PageRequest) (*Page[WorkflowSummary], error) {
	q := p.query()
	if prefix != "" {
		q.Set("prefix", prefix)
	}
	return listPage[WorkflowSummary](ctx, c, path("workflows"), q)
}

// Workflows walks all workflows whose id begins with prefix, in order of id.
func (c *Client) Workflows(ctx context.Context, prefix string) iter.Seq2[*WorkflowSummary, error] {
	return each(func(p PageRequest) (*Page[WorkflowSummary], error) { return c.WorkflowsPage(ctx, prefix, p) })
}

// Overview returns a workflow's versions, properties and counts of runs.
func (c *Client) Overview(ctx context.Context, workflow string) (*Overview, error) {
	return call[Overview](ctx, c, get(path("workflows", workflow, "overview"), nil))
}

// Timeline is the history of a workflow: pushes, activations, changes of properties; newest first.
type Timeline struct {
	Document
	WorkflowID string `json:"workflow_id"`
	Events     []struct {
		Author    User   `json:"author"`
		Log       string `json:"log"`
		Timestamp int64  `json:"timestamp"`
	} `json:"timeline_events"`
}

// Timeline returns the newest 300 lines of a workflow's history. An unknown workflow has an empty one.
func (c *Client) Timeline(ctx context.Context, workflow string) (*Timeline, error) {
	return call[Timeline](ctx, c, get(path("workflows", workflow, "timeline"), nil))
}

// PropertiesChange says what to change; nil fields stay as they are.
type PropertiesChange struct {
	Owner                 *string         `json:"owner,omitempty"`
	RunStrategy           json.RawMessage `json:"run_strategy,omitempty"` // "parallel", 7, or an object
	StepConcurrency       *int64          `json:"step_concurrency,omitempty"`
	Alerting              json.RawMessage `json:"alerting,omitempty"`
	AlertingDisabled      *bool           `json:"alerting_disabled,omitempty"`
	SignalTriggerDisabled *bool           `json:"signal_trigger_disabled,omitempty"`
	TimeTriggerDisabled   *bool           `json:"time_trigger_disabled,omitempty"`
	Description           *string         `json:"description,omitempty"`

	ResetRunStrategy         bool `json:"reset_run_strategy_rule,omitempty"`
	ResetWorkflowConcurrency bool `json:"reset_workflow_concurrency,omitempty"`
	ResetStepConcurrency     bool `json:"reset_step_concurrency,omitempty"`
}

// Properties returns the current properties of a workflow.
func (c *Client) Properties(ctx context.Context, workflow string) (*Properties, error) {
	return call[Properties](ctx, c, get(path("workflows", workflow, "properties-snapshot", "latest"), nil))
}

// SetProperties changes properties and returns all of them.
func (c *Client) SetProperties(ctx context.Context, workflow string, p PropertiesChange) (*Properties, error) {
	return postCall[Properties](ctx, c, path("workflows", workflow, "properties"), p)
}

// PutTag adds a tag to a workflow, or replaces the one of the same name. Attributes may be nil.
func (c *Client) PutTag(ctx context.Context, workflow, name string, attributes map[string]any) (*Properties, error) {
	tag := map[string]any{}
	for k, v := range attributes {
		tag[k] = v
	}
	tag["name"] = name
	return postCall[Properties](ctx, c, path("workflows", workflow, "properties", "tag"), tag)
}

// DeleteTag removes a tag from a workflow.
func (c *Client) DeleteTag(ctx context.Context, workflow, name string) (*Properties, error) {
	r := request{method: http.MethodDelete, path: path("workflows", workflow, "properties", "tag", name)}
	return call[Properties](ctx, c, r)
}

// Delete removes a workflow with its versions, runs and history. Its runs must have ended.
func (c *Client) Delete(ctx context.Context, workflow string) (*TimelineEvent, error) {
	return call[TimelineEvent](ctx, c, request{method: http.MethodDelete, path: path("workflows", workflow)})
}

// StopAll stops every run of a workflow, queued ones too.
func (c *Client) StopAll(ctx context.Context, workflow string) (*TimelineEvent, error) {
	return call[TimelineEvent](ctx, c, put(path("workflows", workflow, "actions", "stop")))
}

// KillAll fails every run of a workflow, queued ones too.
func (c *Client) KillAll(ctx context.Context, workflow string) (*TimelineEvent, error) {
	return call[TimelineEvent](ctx, c, put(path("workflows", workflow, "actions", "kill")))
}

// UnblockAll lets a strictly sequential workflow go on after its failed runs.
func (c *Client) UnblockAll(ctx context.Context, workflow string) (*TimelineEvent, error) {
	return call[TimelineEvent](ctx, c, put(path("workflows", workflow, "actions", "unblock")))
}
