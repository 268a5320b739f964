package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
)

// Format is how a definition is written; it is the content type it is sent with.
type Format string

// The formats of definitions.
const (
	JSON Format = "application/json"
	YAML Format = "application/yaml"
)

// WorkflowDefinition is one version of a workflow, with the properties all its versions share.
type WorkflowDefinition struct {
	Document
	Properties   Properties         `json:"properties_snapshot"`
	Metadata     DefinitionMetadata `json:"metadata"`
	Workflow     Workflow           `json:"workflow"`
	IsActive     bool               `json:"is_active"`
	IsLatest     bool               `json:"is_latest"`
	IsDefault    bool               `json:"is_default"`
	ActivateTime int64              `json:"activate_time"` // epoch milliseconds
	ModifyTime   int64              `json:"modify_time"`
}

// DefinitionMetadata says where a version came from.
type DefinitionMetadata struct {
	WorkflowID string `json:"workflow_id"`
	Version    int64  `json:"workflow_version_id"`
	CreateTime int64  `json:"create_time"`
	Author     User   `json:"version_author"`
}

// Workflow is what the user wrote. Steps are kept as JSON; Workflow.StepIDs lists them.
type Workflow struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Params      json.RawMessage   `json:"params"`
	Steps       []json.RawMessage `json:"steps"`
}

// StepIDs returns the ids of the top-level steps in the order they were written.
func (w *Workflow) StepIDs() []string {
	ids := make([]string, 0, len(w.Steps))
	for _, text := range w.Steps {
		// A step is wrapped in an object whose only key says what kind of step it is.
		var wrapper map[string]struct{ ID string }
		if json.Unmarshal(text, &wrapper) != nil {
			continue
		}
		for _, step := range wrapper {
			ids = append(ids, step.ID)
		}
	}
	return ids
}

// Properties are the settings of a workflow that are not versioned with its definition.
type Properties struct {
	Document
	WorkflowID  string          `json:"workflow_id"`
	CreateTime  int64           `json:"create_time"`
	Author      User            `json:"author"`
	Owner       User            `json:"owner"`
	RunStrategy json.RawMessage `json:"run_strategy"`
	Description string          `json:"description"`
	Tags        json.RawMessage `json:"tags"`
}

// User is a person or program. On the wire it is a name or an object with one.
type User string

// UnmarshalJSON reads either form.
func (u *User) UnmarshalJSON(text []byte) error {
	var object struct{ Name string }
	if json.Unmarshal(text, &object) == nil && object.Name != "" {
		*u = User(object.Name)
		return nil
	}
	var name string
	err := json.Unmarshal(text, &name)
	*u = User(name)
	return err
}

// Push stores a definition as a new version of its workflow and returns it. Pushing the same text twice makes two
// versions.
func (c *Client) Push(ctx context.Context, f Format, definition []byte) (*WorkflowDefinition, error) {
	r := request{method: http.MethodPost, path: path("workflows"), kind: f, body: definition}
	if f == YAML {
		r.path += "/yaml"
	}
	wrapper, err := call[pushed](ctx, c, r)
	if err != nil {
		return nil, err
	}
	wrapper.Definition.keep(wrapper.JSON)
	return &wrapper.Definition, nil
}

type pushed struct {
	Document
	Definition WorkflowDefinition `json:"workflow_definition"`
}

// Validate has the server check a definition without storing it. What is wrong is in the Errors of the [Error].
func (c *Client) Validate(ctx context.Context, f Format, definition []byte) (*TimelineEvent, error) {
	r := request{method: http.MethodPut, path: path("workflows", "actions", "validate"), kind: f, body: definition}
	if f == YAML {
		r.path += "/yaml"
	}
	return call[TimelineEvent](ctx, c, r)
}

// Version returns a version of a workflow: a number, "active", "latest", or "default" (active, or else latest). With
// enriched it also has the merged params and the next times at which triggers fire.
func (c *Client) Version(ctx context.Context, workflow, version string, enriched bool) (*WorkflowDefinition, error) {
	return call[WorkflowDefinition](ctx, c, get(path("workflows", workflow, "versions", version), enrich(enriched)))
}

func enrich(on bool) url.Values {
	if !on {
		return nil
	}
	return url.Values{"enriched": {"true"}}
}

// VersionsPage returns one page of the versions of a workflow.
func (c *Client) VersionsPage(ctx context.Context, workflow string, p PageRequest) (*Page[WorkflowDefinition], error) {
	return listPage[WorkflowDefinition](ctx, c, path("workflows", workflow, "versions", "pagination"), p.query())
}

// Versions walks all versions of a workflow, newest first.
func (c *Client) Versions(ctx context.Context, workflow string) iter.Seq2[*WorkflowDefinition, error] {
	return each(func(p PageRequest) (*Page[WorkflowDefinition], error) { return c.VersionsPage(ctx, workflow, p) })
}

// ActivationResult is the answer to Activate and Deactivate. Version is 0 when there was nothing to do.
type ActivationResult struct {
	Document
	WorkflowID string        `json:"workflow_id"`
	Version    int64         `json:"workflow_version_id"`
	Event      TimelineEvent `json:"timeline_event"`
}

// Activate makes a version the one that triggers and the token "active" mean.
func (c *Client) Activate(ctx context.Context, workflow, version string) (*ActivationResult, error) {
	return call[ActivationResult](ctx, c, put(path("workflows", workflow, "versions", version, "actions", "activate")))
}

// Deactivate leaves the workflow without an active version, so that triggers start nothing. Runs go on.
func (c *Client) Deactivate(ctx context.Context, workflow string) (*ActivationResult, error) {
	return call[ActivationResult](ctx, c, put(path("workflows", workflow, "actions", "deactivate")))
}
