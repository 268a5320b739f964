package dsl

import (
	"maestro/internal/doc"
	"maestro/param"
	"maestro/spec"
)

// shellTexts are the entries of param shell that are texts. The step type has no default params that could tell.
var shellTexts = func() *param.Defs {
	entries := new(param.Defs)
	for _, name := range []string{"script", "command", "interpreter", "working_dir", "stdin"} {
		entries.Set(name, &param.Def{Type: param.String})
	}
	entries.Set("args", &param.Def{Type: param.StringArray})
	entries.Set("env", &param.Def{Type: param.StringMap})
	defs := new(param.Defs)
	defs.Set("shell", &param.Def{Type: param.Map, Value: param.DefsValue(entries)})
	return defs
}()

// declared returns the params that a job has without saying so: their types tell where its values are texts.
func (b *jobBuilder) declared() *param.Defs {
	v := b.n.Field("type")
	if v.IsNull() {
		return nil
	}
	name := v.Written()
	typ := spec.StepType(name)
	if t := b.o.Types.Find(name); t != nil {
		typ = t.Name
	} else if b.o.Template != nil {
		version := "default"
		if given := b.n.Field("type_version"); !given.IsNull() {
			version = given.Written()
		}
		typ, _ = b.o.Template(name, version)
	}
	switch {
	case typ == spec.TypeShell:
		return shellTexts
	case b.o.Defaults != nil:
		return b.o.Defaults.OfStep(string(typ))
	}
	return nil
}

// asDeclared gives a key without a type the declared one where that is a text or made of texts: no quotes are needed there.
// Any other value says itself what it is.
func (k *paramKey) asDeclared(declared *param.Defs, v *doc.Node) {
	if d := declared.Get(k.name); d != nil && k.hint == param.None && !k.expression && holdsTexts(d.Type, v) {
		k.hint = d.Type
	}
}

// entriesOf returns what is declared of the entries of a MAP.
func entriesOf(declared *param.Defs, name string) *param.Defs {
	if d := declared.Get(name); d != nil && d.Type == param.Map {
		return d.Value.Defs()
	}
	return nil
}
