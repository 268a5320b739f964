package param

import (
	"embed"
	"strings"

	"maestro/internal/doc"
)

// The default params are data (params 13): JSON in the form of definitions, which an operator may replace or add to by
// name. The expressions are those of the reference, since instances show them.
//
//go:embed defaults/*.json
var defaultFiles embed.FS

// Defaults are the default params of workflows and steps, merged as the system stage they are (rows 1 of params 7.1
// and 1, 2 of 7.3). They are immutable and shared by all runs.
type Defaults struct {
	Workflow *Defs            // of every workflow run
	Step     *Defs            // of every step
	DryRun   *Defs            // values that a dry run supplies for params of these names
	ByType   map[string]*Defs // by lower-case step type: Step followed by the defaults of the type
}

// DefaultOverrides are an operator's changes, each an object of definitions or nil: whole params are replaced or added
// by name.
type DefaultOverrides struct {
	Workflow, Step, DryRun *doc.Node
	ByType                 map[string]*doc.Node
}

// LoadDefaults returns the bundled default params with overrides applied. Problems name the file of a bundled set, or
// the setting of an override.
func LoadDefaults(overrides DefaultOverrides) (*Defaults, error) {
	var p doc.Problems
	set := func(file string, override *doc.Node, setting string) *Defs {
		return replaceByName(decodeDefaults(bundled(file, &p), file, &p), decodeDefaults(override, setting, &p))
	}
	out := &Defaults{ByType: make(map[string]*Defs)}
	workflow := set("workflow.json", overrides.Workflow, "maestro.default-params.workflow")
	step := set("step.json", overrides.Step, "maestro.default-params.step")
	out.DryRun = set("dry-run.json", overrides.DryRun, "maestro.default-params.dry-run")
	byType := map[string]*Defs{}
	types := bundled("by-type.json", &p)
	for i := range types.Members {
		byType[types.Members[i].Name] = decodeDefaults(types.Members[i].Value, "by-type.json "+types.Members[i].Name, &p)
	}
	for name, n := range overrides.ByType {
		name = strings.ToLower(name)
		byType[name] = replaceByName(byType[name], decodeDefaults(n, "maestro.default-params.by-type."+name, &p))
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	var err error
	if out.Workflow, err = systemDefaults(nil, workflow); err != nil {
		return nil, err
	}
	if out.Step, err = systemDefaults(nil, step); err != nil {
		return nil, err
	}
	for name, defs := range byType {
		if out.ByType[name], err = systemDefaults(out.Step, defs); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// OfStep returns the merged defaults of a step of the given type (any letter case).
func (d *Defaults) OfStep(stepType string) *Defs {
	if defs, ok := d.ByType[stepType]; ok {
		return defs
	}
	if defs, ok := d.ByType[strings.ToLower(stepType)]; ok {
		return defs
	}
	return d.Step
}

func bundled(file string, p *doc.Problems) *doc.Node {
	text, err := defaultFiles.ReadFile("defaults/" + file)
	if err != nil {
		p.Errorf(nil, file, "%s", err)
		return &doc.Node{}
	}
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		p.Errorf(nil, file, "%s", err)
		return &doc.Node{}
	}
	return n
}

func decodeDefaults(n *doc.Node, path string, p *doc.Problems) *Defs {
	return DecodeDefs(n, path, p, DecodeOptions{Lenient: true})
}

func replaceByName(base, override *Defs) *Defs {
	if override.Len() == 0 {
		return base
	}
	out := base.Clone(override.Len())
	for name, d := range override.All() {
		out.Set(name, d)
	}
	return out
}

// systemDefaults merges defaults as SYSTEM_DEFAULT and computes once what cleanup makes of each param.
func systemDefaults(base, defs *Defs) (*Defs, error) {
	out, err := Merge(base, defs, Context{Source: SourceSystemDefault})
	if err != nil {
		return nil, err
	}
	return precleaned(out), nil
}

// precleaned computes what cleanup makes of each param. An error or nil leaves it to Cleanup.
func precleaned(defs *Defs) *Defs {
	for name, d := range defs.All() {
		if d.clean == nil {
			d.clean, _ = cleanDef(name, d)
		}
	}
	return defs
}
