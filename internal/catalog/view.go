package catalog

import (
	"context"
	"fmt"
	"strconv"

	"maestro/internal/doc"
	"maestro/spec"
)

// View is a version of a workflow as clients see it (spec/api 3.7): with the present properties of the workflow, even
// where the version is an old one.
type View struct {
	Head     *Head
	Version  int64
	Workflow []byte // JSON
	Metadata []byte // JSON
	Extras   []byte // JSON of enriched_extras, nil: not asked for
}

// View returns the version that a token means, with merged params and next fire times if they are asked for.
func (c *Catalog) View(ctx context.Context, id, token string, enriched bool) (*View, error) {
	h, d, err := c.Resolve(ctx, id, token)
	if err != nil {
		return nil, err
	}
	v := &View{Head: h, Version: d.Version, Workflow: d.JSON, Metadata: d.Metadata}
	if enriched {
		v.Extras, err = c.extras(ctx, d)
	}
	return v, err
}

// InlineView returns the body of a loop as if it were a version of a workflow (spec/api 4.4): workflow is its JSON, h the
// head of the workflow that the loop stands in.
func InlineView(h *Head, id string, workflow []byte) *View {
	shown := *h
	shown.Active, shown.Latest = 1, 1
	if h.Active == 0 { // its runs go on although nothing is active any more
		shown.ActivateTime, shown.ActivatedBy = h.ModifyTime, appendUser(nil, h.Snapshot.Author.Name)
	}
	meta := spec.Metadata{WorkflowID: spec.WorkflowID(id), VersionID: spec.Some(int64(1))}
	return &View{Head: &shown, Version: 1, Workflow: workflow, Metadata: meta.AppendJSON(nil)}
}

// Versions returns the versions from high down to low of a workflow.
func (c *Catalog) Versions(ctx context.Context, h *Head, low, high int64) ([]View, error) {
	var views []View
	for n := min(high, h.Latest); n >= max(low, 1); n-- {
		v := View{Head: h, Version: n}
		if d, ok := c.definitions.get(versionKey{h.Internal, n}); ok {
			v.Workflow, v.Metadata = d.JSON, d.Metadata
		} else {
			stored, err := c.store.Version(ctx, h.Internal, n)
			if err != nil {
				return nil, fmt.Errorf("version %d of workflow %q: %w", n, h.ID, err)
			}
			v.Workflow, v.Metadata = stored.Definition, stored.Metadata
		}
		views = append(views, v)
	}
	return views, nil
}

// AppendJSON appends the version. Its parts are JSON already and go in as they are.
func (v *View) AppendJSON(dst []byte) []byte {
	h := v.Head
	dst = append(append(dst, `{"properties_snapshot":`...), h.Properties...)
	dst = append(append(dst, `,"metadata":`...), v.Metadata...)
	dst = append(append(dst, `,"workflow":`...), v.Workflow...)
	active := v.Version == h.Active
	dst = strconv.AppendBool(append(dst, `,"is_active":`...), active)
	if active {
		dst = strconv.AppendInt(append(dst, `,"activate_time":`...), h.ActivateTime, 10)
		dst = append(append(dst, `,"activated_by":`...), h.ActivatedBy...)
	}
	dst = strconv.AppendBool(append(dst, `,"is_latest":`...), v.Version == h.Latest)
	dst = strconv.AppendBool(append(dst, `,"is_default":`...), v.Version == h.Default())
	if v.Extras != nil {
		dst = append(append(dst, `,"enriched_extras":`...), v.Extras...)
	}
	dst = strconv.AppendInt(append(dst, `,"internal_id":`...), h.Internal, 10)
	dst = strconv.AppendInt(append(dst, `,"modify_time":`...), h.ModifyTime, 10)
	return append(dst, '}')
}

// appendUser appends a caller's name as the JSON of a user.
func appendUser(dst []byte, name string) []byte { return doc.AppendString(dst, name) }
