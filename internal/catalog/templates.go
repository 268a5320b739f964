package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/store"
	"maestro/internal/yamldoc"
	"maestro/spec"
)

// templateKind is the collection of records that job templates are kept in. A value is the JSON that is shown.
const templateKind = "template"

// record returns the key under which a template is kept: neither part can hold a slash.
func (k templateKey) record() string { return k.jobType + "/" + k.version }

// PutTemplate stores a job template, in place of the one of its type and version if there is one, and returns it as JSON.
// n is the body in either form: the fields are the same in JSON and YAML.
func (c *Catalog) PutTemplate(ctx context.Context, n *doc.Node, caller string) ([]byte, error) {
	var p doc.Problems
	t := spec.DecodeJobTemplateRequest(n, c.Rules(), &p)
	if err := p.Err(); err != nil {
		return nil, Invalid(&doc.InvalidError{Problems: p.List})
	}
	t.Metadata.Author = &spec.User{Name: caller}
	t.Metadata.CreateTime = spec.Some(c.cfg.Now())
	text := t.AppendJSON(nil)
	key := templateKey{t.Definition.JobType, t.Definition.Version}
	if err := c.store.PutRecords(ctx, store.Record{Kind: templateKind, Key: key.record(), Value: text}); err != nil {
		return nil, fmt.Errorf("store job template %q: %w", key.record(), err)
	}
	c.templates.drop(key)
	return text, nil
}

// ReadTemplate returns one job template as JSON.
func (c *Catalog) ReadTemplate(ctx context.Context, jobType, version string) ([]byte, error) {
	text, err := c.store.Record(ctx, templateKind, templateKey{jobType, version}.record())
	if errors.Is(err, store.ErrNotFound) {
		return nil, api.Errorf(api.NotFound, "No job template found for job_type [%s] and version [%s]", jobType, version)
	}
	return text, err
}

// Templates returns all job templates of a version as JSON, in order of job type.
func (c *Catalog) Templates(ctx context.Context, version string) ([][]byte, error) {
	var out [][]byte
	err := c.scanTemplates(ctx, "", func(r *store.Record) {
		if strings.HasSuffix(r.Key, "/"+version) {
			out = append(out, r.Value)
		}
	})
	return out, err
}

// DeleteTemplates removes one version of a job template, or all versions where version is empty, and returns how many
// there were. Nobody is asked whether workflows use them.
func (c *Catalog) DeleteTemplates(ctx context.Context, jobType, version string) (int, error) {
	var gone []store.Record
	err := c.scanTemplates(ctx, jobType+"/", func(r *store.Record) {
		if version == "" || r.Key == (templateKey{jobType, version}).record() {
			gone = append(gone, store.Record{Kind: templateKind, Key: r.Key})
		}
	})
	if err != nil || len(gone) == 0 {
		return 0, err
	}
	if err := c.store.PutRecords(ctx, gone...); err != nil {
		return 0, fmt.Errorf("delete job templates %q: %w", jobType, err)
	}
	c.templates.dropIf(func(k templateKey) bool { return k.jobType == jobType })
	return len(gone), nil
}

func (c *Catalog) scanTemplates(ctx context.Context, prefix string, visit func(*store.Record)) error {
	const batch = 200
	for after := ""; ; {
		records, err := c.store.Scan(ctx, templateKind, prefix, after, batch)
		if err != nil {
			return fmt.Errorf("read job templates: %w", err)
		}
		for i := range records {
			visit(&records[i])
		}
		if len(records) < batch {
			return nil
		}
		after = records[batch-1].Key
	}
}

// Limits bounds the text of a push or job template. Reading it ends with ctx.
func (c *Catalog) Limits(ctx context.Context) doc.Limits {
	limits := c.cfg.Rules.Limits()
	limits.Stop = ctx.Err
	return limits
}

// ParseYAML parses a body in YAML; the error is a refusal, or that of ctx.
func (c *Catalog) ParseYAML(ctx context.Context, text []byte) (*doc.Node, error) {
	n, err := yamldoc.Parse(text, c.Limits(ctx))
	if err != nil {
		p, ok := errors.AsType[doc.Problem](err)
		if !ok {
			return nil, err
		}
		return nil, &api.Error{Code: api.BadRequest, Message: "YAML parse error: " + p.Error(), Errors: []string{p.Error()}}
	}
	return n, nil
}
