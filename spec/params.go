package spec

import (
	"maestro/internal/doc"
	"maestro/param"
)

// defs reads the params of a workflow, a step or a template, each with exactly one of value and expression. Names are
// left to Validate, which reports them the way all names are reported.
func (d *decoder) defs(n *doc.Node) *param.Defs {
	return param.DecodeDefs(n, d.path(), d.p, param.DecodeOptions{Separator: d.rules.Separator, AnyName: true})
}

// def reads one param definition that need not have a value or an expression (params 1.1).
func (d *decoder) def(n *doc.Node, name string) *param.Def {
	return param.DecodeDef(n, name, d.path(), d.p, param.DecodeOptions{Separator: d.rules.Separator, AnyName: true, Lenient: true})
}

// defs checks the names of params and of their tags, nested ones included.
func (v *validator) defs(defs *param.Defs) {
	if defs == nil {
		return
	}
	for name, def := range defs.All() {
		v.key(name)
		if msg := v.rules.referenceProblem(name); msg != "" {
			v.bean("name")
			v.errorf("%s", msg)
			v.up()
		}
		if def.Tags != nil {
			v.field("tags")
			v.tags(Tags(def.Tags))
			v.up()
		}
		if nested := def.Value.Defs(); nested != nil && def.Type == param.Map {
			v.field("value")
			v.defs(nested)
			v.up()
		}
		v.up()
	}
}
