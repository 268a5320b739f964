package spec

import (
	"maestro/internal/doc"
	"maestro/param"
)

// Workflow is one version of a workflow as it was written (§4).
type Workflow struct {
	ID          WorkflowID
	Name        Opt[string]
	Description Opt[string]
	Tags        Tags
	Timeout     ParsableLong

	TimeTriggers   []TimeTrigger   // nil: not written
	SignalTriggers []SignalTrigger // nil: not written

	Criticality             Criticality
	InstanceStepConcurrency Opt[int64] // steps of one instance that run at a time; unset: no limit of its own
	Params                  *param.Defs
	Steps                   []*Step
}

// DisplayName returns the name to show to people.
func (w *Workflow) DisplayName() string { return w.Name.Or(string(w.ID)) }

// Step returns the step called id, in loops too, or nil.
func (w *Workflow) Step(id StepID) *Step {
	var found *Step
	Walk(w.Steps, func(s *Step, _ int) bool {
		if s.ID == id {
			found = s
		}
		return found == nil
	})
	return found
}

// AppendJSON appends the workflow in the order of §4; what was not written is left out.
func (w *Workflow) AppendJSON(dst []byte) []byte { return workflowObject.put(dst, w) }

// MarshalJSON returns what AppendJSON appends.
func (w *Workflow) MarshalJSON() ([]byte, error) { return w.AppendJSON(nil), nil }

// DecodeWorkflow reads a workflow object by itself, such as a stored one. Paths begin with "workflow".
func DecodeWorkflow(n *doc.Node, r Rules, p *doc.Problems) *Workflow {
	w := new(Workflow)
	workflowObject.read(newDecoder(r, p, hop{name: "workflow"}), n, w)
	return w
}

var workflowObject = &object[Workflow]{
	name: "workflow", about: "A workflow: params, and steps that run in the order that their transitions give.",
	fields: []field[Workflow]{
		idField("id", "Names the workflow over all of its versions.", func(w *Workflow) *WorkflowID { return &w.ID }).required(),
		textField("name", "Shown to people instead of the id.", func(w *Workflow) *Opt[string] { return &w.Name }),
		textField("description", "What the workflow does.", func(w *Workflow) *Opt[string] { return &w.Description }),
		tagsField("tags", "Labels of the workflow.", func(w *Workflow) *Tags { return &w.Tags }),
		parsableField("timeout", "Longest duration of a run: seconds, or a text such as \"2 hours\"; default 10 days, at most 120 days.", func(w *Workflow) *ParsableLong { return &w.Timeout }),
		{
			name: "time_triggers", about: "Schedules that start runs.", shape: listOf("timeTrigger"),
			read: func(d *decoder, n *doc.Node, w *Workflow) {
				if !d.want(n, doc.List) {
					return
				}
				w.TimeTriggers = make([]TimeTrigger, len(n.Items))
				for i, item := range n.Items {
					d.index(i)
					t := &w.TimeTriggers[i]
					if timeTriggers.read(d, item, t) && t.Type == PredefinedTrigger && item.Field("expression").IsNull() {
						d.errorf(item, "[cron expression] cannot be null or empty")
					}
					d.up()
				}
			},
			put: func(dst []byte, name string, w *Workflow) []byte {
				if w.TimeTriggers == nil {
					return dst
				}
				dst = append(doc.AppendKey(dst, name), '[')
				for i := range w.TimeTriggers {
					if i > 0 {
						dst = append(dst, ',')
					}
					dst = w.TimeTriggers[i].AppendJSON(dst)
				}
				return append(dst, ']')
			},
		},
		listField("signal_triggers", "Signals that start runs.", signalTriggerObject, func(w *Workflow) *[]SignalTrigger { return &w.SignalTriggers }),
		enumField("criticality", "How much the workflow matters to people.", criticals, func(w *Workflow) *Criticality { return &w.Criticality }),
		longField("instance_step_concurrency", "Steps of one instance that run at a time, 1 to 999.", func(w *Workflow) *Opt[int64] { return &w.InstanceStepConcurrency }),
		paramsField("params", "Params of the workflow, in order of evaluation.", func(w *Workflow) **param.Defs { return &w.Params }),
		stepsField(func(w *Workflow) *[]*Step { return &w.Steps }),
	},
}
