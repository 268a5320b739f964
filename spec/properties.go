package spec

import (
	"maestro/internal/doc"
)

// Properties are kept beside the versions of a workflow and change by themselves (§3). Absent members are unset.
type Properties struct {
	Owner           *User
	RunStrategy     *RunStrategy
	StepConcurrency Opt[int64]
	Alerting        *Alerting

	AlertingDisabled      Opt[bool]
	SignalTriggerDisabled Opt[bool]
	TimeTriggerDisabled   Opt[bool]

	Description Opt[string]
	Tags        Tags // changed by the tag endpoints only
}

// Strategy returns the run strategy, or the default one. A nil p has no properties.
func (p *Properties) Strategy() RunStrategy {
	if p == nil || p.RunStrategy == nil {
		return DefaultRunStrategy()
	}
	return *p.RunStrategy
}

// AppendJSON appends the properties in the order of §3.
func (p *Properties) AppendJSON(dst []byte) []byte { return propertiesObject.put(dst, p) }

// MarshalJSON returns what AppendJSON appends.
func (p *Properties) MarshalJSON() ([]byte, error) { return p.AppendJSON(nil), nil }

// DecodeProperties reads properties by themselves, such as stored ones. Paths begin with "properties".
func DecodeProperties(n *doc.Node, r Rules, p *doc.Problems) *Properties {
	v := new(Properties)
	propertiesObject.read(newDecoder(r, p, hop{name: "properties"}), n, v)
	return v
}

var propertiesObject = &object[Properties]{
	name: "properties", about: "What is kept beside the versions of a workflow.",
	fields: []field[Properties]{
		userField("owner", "Who answers for the workflow; required by its first version.", func(p *Properties) **User { return &p.Owner }),
		accessControlField,
		strategyField(func(p *Properties) **RunStrategy { return &p.RunStrategy }),
		longField("step_concurrency", "Steps of all runs that run at a time, 1 to 1000; unset: 20.", func(p *Properties) *Opt[int64] { return &p.StepConcurrency }),
		objectField("alerting", "Whom to tell about what.", alertingObject, func(p *Properties) **Alerting { return &p.Alerting }),
		boolField("alerting_disabled", "Tell nobody.", func(p *Properties) *Opt[bool] { return &p.AlertingDisabled }),
		boolField("signal_trigger_disabled", "Ignore signal triggers.", func(p *Properties) *Opt[bool] { return &p.SignalTriggerDisabled }),
		boolField("time_trigger_disabled", "Ignore time triggers.", func(p *Properties) *Opt[bool] { return &p.TimeTriggerDisabled }),
		textField("description", "What the workflow is for.", func(p *Properties) *Opt[string] { return &p.Description }),
		tagsField("tags", "Labels of the workflow over all versions. A push must leave them out: they have endpoints of their own.", func(p *Properties) *Tags { return &p.Tags }),
	},
}

// accessControlField refuses everything: the format names an interface that nothing implements (§3).
var accessControlField = field[Properties]{
	name: "access_control", about: "Not supported; leave it out.", shape: `{"type":"null"}`,
	read: func(d *decoder, n *doc.Node, _ *Properties) {
		d.errorf(n, "access_control is not supported; leave it out")
	},
	put: func(dst []byte, _ string, _ *Properties) []byte { return dst },
}

// MergePush returns the properties after a push that carries change (§3): what change does not name is kept, except
// for run strategy, step concurrency and alerting, which are reset. A push without properties changes nothing.
// Neither argument is modified; a nil current is a workflow without properties.
func MergePush(current, change *Properties) *Properties {
	merged := merge(current, change)
	if change != nil {
		merged.RunStrategy, merged.StepConcurrency, merged.Alerting = change.RunStrategy, change.StepConcurrency, change.Alerting
	}
	return merged
}

func merge(current, change *Properties) *Properties {
	merged := new(Properties)
	if current != nil {
		*merged = *current
	}
	if change == nil {
		return merged
	}
	if change.Owner != nil {
		merged.Owner = change.Owner
	}
	if change.RunStrategy != nil {
		merged.RunStrategy = change.RunStrategy
	}
	keep(&merged.StepConcurrency, change.StepConcurrency)
	if change.Alerting != nil {
		merged.Alerting = change.Alerting
	}
	keep(&merged.AlertingDisabled, change.AlertingDisabled)
	keep(&merged.SignalTriggerDisabled, change.SignalTriggerDisabled)
	keep(&merged.TimeTriggerDisabled, change.TimeTriggerDisabled)
	keep(&merged.Description, change.Description)
	return merged
}

func keep[T any](dst *Opt[T], change Opt[T]) {
	if change.Set {
		*dst = change
	}
}
