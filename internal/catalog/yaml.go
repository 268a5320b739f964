package catalog

import (
	"context"
	"errors"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/store"
	"maestro/spec"
	"maestro/spec/dsl"
)

// DecodeYAML reads a push or validation in YAML, in the short form (definition 15) or in that of the API, and checks its
// structure. Problems point into the YAML text.
func (c *Catalog) DecodeYAML(ctx context.Context, text []byte) (*Request, error) {
	root, err := c.ParseYAML(ctx, text)
	if err != nil {
		return nil, err
	}
	if w := root.Field("workflow"); w != nil && w.Kind == doc.Object && !dsl.IsShort(root) {
		return c.Decode(root)
	}
	rules := c.Rules()
	var p doc.Problems
	var failed error
	n := dsl.Convert(root, dsl.Options{Types: rules.Types, MaxSteps: rules.MaxSteps, Defaults: c.cfg.Defaults, Template: func(jobType, version string) (spec.StepType, bool) {
		d, err := c.templateDefinition(ctx, templateKey{jobType, version})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			failed = err
		}
		if d == nil {
			return "", false
		}
		return d.StepType, true
	}}, &p)
	if failed != nil {
		return nil, failed
	}
	if p.Failed() || n == nil {
		return nil, refusedYAML(p.List)
	}
	push := spec.DecodePushRequest(n, rules, &p)
	if p.Failed() {
		return nil, refusedYAML(p.List)
	}
	return c.check(push, n, rules, p)
}

// refusedYAML says that a YAML document means no workflow.
func refusedYAML(problems []doc.Problem) error {
	errs := list(&doc.InvalidError{Problems: problems})
	return &api.Error{Code: api.BadRequest, Message: first(errs), Errors: errs}
}
