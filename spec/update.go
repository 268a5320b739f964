package spec

import (
	"maestro/internal/doc"
)

// PropertiesUpdate is the body of the properties endpoint (§3): values to set, and three that can be reset.
type PropertiesUpdate struct {
	Properties

	ResetRunStrategyRule     bool // unset the run strategy
	ResetWorkflowConcurrency bool // back to the default concurrency, where the rule is PARALLEL
	ResetStepConcurrency     bool // unset the step concurrency
}

// DecodePropertiesUpdate reads the body of the properties endpoint. It is a flat object: properties and resets side by
// side. Setting and resetting the same thing is refused, as are tags, which have endpoints of their own.
func DecodePropertiesUpdate(n *doc.Node, r Rules, p *doc.Problems) *PropertiesUpdate {
	u := new(PropertiesUpdate)
	doc.WarnRepeated(n, p)
	d := newDecoder(r, p, hop{name: "properties", kind: hopBean})
	if !updateObject.read(d, n, u) {
		return u
	}
	if u.RunStrategy != nil && (u.ResetRunStrategyRule || u.ResetWorkflowConcurrency) || u.StepConcurrency.Set && u.ResetStepConcurrency {
		d.errorf(n, "Setting and resetting the same workflow property in one request is not allowed")
	}
	v := newValidator(n, r, p)
	v.bean("properties")
	v.properties(&u.Properties)
	return u
}

// Apply returns the properties after the update. Neither is modified.
func (u *PropertiesUpdate) Apply(current *Properties) *Properties {
	merged := merge(current, &u.Properties)
	if u.ResetRunStrategyRule {
		merged.RunStrategy = nil
	} else if u.ResetWorkflowConcurrency && merged.RunStrategy != nil && merged.RunStrategy.Rule == Parallel {
		merged.RunStrategy = &RunStrategy{Rule: Parallel, Concurrency: DefaultConcurrency}
	}
	if u.ResetStepConcurrency {
		merged.StepConcurrency = Opt[int64]{}
	}
	return merged
}

// updateObject is propertiesObject without tags, and the resets.
var updateObject = &object[PropertiesUpdate]{
	name: "propertiesUpdate", about: "A change of the properties of a workflow: what is left out stays as it is.",
	fields: updateFields(),
}

func updateFields() []field[PropertiesUpdate] {
	var fields []field[PropertiesUpdate]
	for _, f := range propertiesObject.fields {
		if f.name == "tags" {
			continue
		}
		fields = append(fields, field[PropertiesUpdate]{
			name: f.name, about: f.about, shape: f.shape,
			read: func(d *decoder, n *doc.Node, u *PropertiesUpdate) { f.read(d, n, &u.Properties) },
			put:  func(dst []byte, name string, u *PropertiesUpdate) []byte { return f.put(dst, name, &u.Properties) },
		})
	}
	return append(fields,
		resetField("reset_run_strategy_rule", "Unset the run strategy.", func(u *PropertiesUpdate) *bool { return &u.ResetRunStrategyRule }),
		resetField("reset_workflow_concurrency", "Set the concurrency of a PARALLEL workflow back to 20.", func(u *PropertiesUpdate) *bool { return &u.ResetWorkflowConcurrency }),
		resetField("reset_step_concurrency", "Unset the step concurrency.", func(u *PropertiesUpdate) *bool { return &u.ResetStepConcurrency }))
}

func resetField(name, about string, at func(*PropertiesUpdate) *bool) field[PropertiesUpdate] {
	return field[PropertiesUpdate]{name: name, about: about, shape: shapeBool,
		read: func(d *decoder, n *doc.Node, u *PropertiesUpdate) { *at(u), _ = d.boolean(n) },
		put: func(dst []byte, name string, u *PropertiesUpdate) []byte {
			if *at(u) {
				return doc.AppendBool(dst, name, true)
			}
			return dst
		}}
}
