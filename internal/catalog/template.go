package catalog

import (
	"context"
	"errors"
	"fmt"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/scope"
	"maestro/internal/store"
	"maestro/param"
	"maestro/spec"
)

type templateKey struct{ jobType, version string }

type cachedTemplate struct {
	definition *spec.TemplateDefinition
	read       int64 // epoch milliseconds
}

// Template returns what a step gets from its job template in the given version, those of parents included (definition
// 14); an empty one where it has none. An error that is no *param.Error says that templates cannot be read now.
func (c *Catalog) Template(ctx context.Context, s *spec.Step, version string) (*instance.Template, error) {
	var failed error
	params, tags, err := s.ResolveTemplate(c.cfg.Rules.Types, version, func(jobType, version string) *spec.TemplateDefinition {
		d, err := c.templateDefinition(ctx, templateKey{jobType, version})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			failed = err
		}
		return d
	})
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		return nil, param.Wrap(param.IllegalArgument, err, "%s", err.Error())
	}
	return &instance.Template{Params: params, Tags: tags}, nil
}

// mergedTemplate returns the params that the template of a step gives it in a run with these params.
func (c *Catalog) mergedTemplate(ctx context.Context, s *spec.Step, workflow *param.Params) (*param.Defs, error) {
	t, err := c.Template(ctx, s, instance.TemplateVersion(s, workflow))
	if err != nil {
		return nil, err
	}
	return scope.Template(t.Params, workflow)
}

// templateDefinition returns a template from memory or the store. That there is none is not remembered.
func (c *Catalog) templateDefinition(ctx context.Context, key templateKey) (*spec.TemplateDefinition, error) {
	now := c.cfg.Now()
	if have, ok := c.templates.get(key); ok && now-have.read < c.cfg.TemplateTTL.Milliseconds() {
		return have.definition, nil
	}
	text, err := c.store.Record(ctx, templateKind, key.record())
	if err != nil {
		return nil, err
	}
	t, err := parseTemplate(text, c.cfg.Rules.Types)
	if err != nil { // trying again does not help
		return nil, param.Wrap(param.Internal, err, "job template [%s]: %s", key.record(), err)
	}
	c.templates.put(key, &cachedTemplate{t.Definition, now}, int64(1024+13*len(text)))
	return t.Definition, nil
}

func parseTemplate(text []byte, types spec.Types) (*spec.JobTemplate, error) {
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		return nil, fmt.Errorf("stored job template: %w", err)
	}
	var p doc.Problems
	t := spec.DecodeJobTemplate(n, spec.Rules{Types: types}, &p)
	if err := p.Err(); err != nil {
		return nil, fmt.Errorf("stored job template: %w", err)
	}
	if t.Definition == nil {
		return nil, errors.New("stored job template: no definition")
	}
	return t, nil
}
