package spec

import (
	"strings"

	"maestro/internal/doc"
	"maestro/param"
)

// stepObjects describe the inside of each wrapper object. Their order of fields is the order of output (§7).
var stepObjects = [...]*object[Step]{
	Typed: {
		name: "typedStep", about: "A step that a runtime executes.",
		fields: []field[Step]{
			stepID, stepName, stepDescription, stepTransition,
			stepTypeField, subTypeField, subTypeVersionField,
			stepFailureMode, stepRetry, stepTags, stepTimeout,
			stepDependencies, stepOutputs, stepParams,
		},
	},
	Subworkflow: {
		name: "subworkflowStep", about: "Starts another workflow: param subworkflow_id names it, subworkflow_version its version. Other params are passed to it.",
		fields: []field[Step]{
			stepID, stepName, stepDescription, stepTransition,
			boolField("sync", "Wait for the child to end; default true.", func(s *Step) *Opt[bool] { return &s.Sync }),
			boolField("explicit_params", "Pass only the params of this step to the child, not all params of the workflow; default false.", func(s *Step) *Opt[bool] { return &s.ExplicitParams }),
			stepFailureMode, stepTags, stepTimeout,
			stepDependencies, stepOutputs, stepParams,
		},
		ignore: []string{"type"},
	},
	Foreach: {
		name: "foreachStep", about: "Runs its steps once for each combination of its loop params: param loop_params is a literal MAP of arrays.",
		fields: []field[Step]{
			stepID, stepName, stepDescription, stepTransition,
			stepFailureMode, stepTags, stepTimeout,
			longField("concurrency", "Iterations that run at a time, at most 500.", func(s *Step) *Opt[int64] { return &s.Concurrency }),
			boolField("strict_ordering", "Start iterations in order; default false.", func(s *Step) *Opt[bool] { return &s.StrictOrdering }),
			stepDependencies, stepOutputs, stepParams, stepSteps,
		},
		ignore: []string{"type"},
	},
	While: {
		name: "whileStep", about: "Runs its steps again and again while the condition holds: param loop_params is a literal MAP of scalars, their first values.",
		fields: []field[Step]{
			stepID, stepName, stepDescription, stepTransition,
			stepFailureMode, stepTags, stepTimeout,
			textField("condition", "Expression that gives true or false, evaluated before each iteration.", func(s *Step) *Opt[string] { return &s.Condition }).required(),
			stepDependencies, stepOutputs, stepParams, stepSteps,
		},
		ignore: []string{"type"},
	},
	Template: {
		name: "templateStep", about: "Known to the format only; nothing can run it.",
		fields: []field[Step]{
			stepDescription, stepFailureMode, stepID, stepName, stepParams, stepDependencies, stepOutputs,
			subTypeField, stepTags, stepTimeout, stepTransition,
		},
		ignore: []string{"type"},
	},
}

var (
	stepID           = idField("id", "Names the step within the definition.", func(s *Step) *StepID { return &s.ID }).required()
	stepName         = textField("name", "Shown to people instead of the id.", func(s *Step) *Opt[string] { return &s.Name })
	stepDescription  = textField("description", "What the step does.", func(s *Step) *Opt[string] { return &s.Description })
	stepFailureMode  = enumField("failure_mode", "What a failure of this step does to the run; default FAIL_AFTER_RUNNING.", failureModes, func(s *Step) *FailureMode { return &s.FailureMode })
	stepRetry        = objectField("retry_policy", "How often, and after which wait, a failed attempt is made again.", retryObject, func(s *Step) **RetryPolicy { return &s.Retry })
	stepTags         = tagsField("tags", "Permits that the step must hold while it runs.", func(s *Step) *Tags { return &s.Tags })
	stepTimeout      = parsableField("timeout", "Longest duration of one attempt: seconds, or a text such as \"2 hours\"; default 10 days, at most 120 days.", func(s *Step) *ParsableLong { return &s.Timeout })
	stepParams       = paramsField("params", "Params of the step, in order of evaluation.", func(s *Step) **param.Defs { return &s.Params })
	stepDependencies = listField("signal_dependencies", "Signals that the step waits for before it starts.", dependencyObject, func(s *Step) *[]SignalDependency { return &s.SignalDependencies })
	stepOutputs      = listField("signal_outputs", "Signals that the step announces after it succeeded.", outputObject, func(s *Step) *[]SignalOutput { return &s.SignalOutputs })
	subTypeField     = textField("sub_type", "Job template that gives params and tags to the step.", func(s *Step) *Opt[string] { return &s.SubType })

	subTypeVersionField = textField("sub_type_version", "Version of the job template.", func(s *Step) *Opt[string] { return &s.SubTypeVersion })
)

// stepTransition is printed even when it is empty (§2.2).
var stepTransition = field[Step]{
	name: "transition", about: "Which steps follow this one.", shape: ref("transition"), notNull: true,
	read: func(d *decoder, n *doc.Node, s *Step) { transitionObject.read(d, n, &s.Transition) },
	put: func(dst []byte, name string, s *Step) []byte {
		return transitionObject.put(doc.AppendKey(dst, name), &s.Transition)
	},
}

var stepTypeField = field[Step]{
	name: "type", about: "What runs the step.", shape: ref("stepType"), need: true,
	read: func(d *decoder, n *doc.Node, s *Step) { s.Type = d.stepType(n) },
	put: func(dst []byte, name string, s *Step) []byte {
		if s.Type == "" {
			return dst
		}
		return doc.AppendText(dst, name, string(s.Type))
	},
}

func (d *decoder) stepType(n *doc.Node) StepType {
	text, ok := n.AsText()
	if !ok {
		d.errorf(n, "must be a step type, not %s", describe(n))
		return ""
	}
	t := d.rules.Types.Find(text)
	if t == nil {
		names := d.rules.Types.names()
		d.errorf(n, "unknown step type `%s`%s; known are %s", clip(text), doc.Suggest(text, names), join(names))
		return ""
	}
	return t.Name
}

var stepSteps = stepsField(func(s *Step) *[]*Step { return &s.Steps })

func stepsField[T any](at func(*T) *[]*Step) field[T] {
	return field[T]{name: "steps", about: "The steps, each in a wrapper object that names its kind.",
		shape: `{"type":"array","items":{"$ref":"#/$defs/step"}}`, need: true,
		read: func(d *decoder, n *doc.Node, v *T) {
			if !d.want(n, doc.List) {
				return
			}
			if d.tooManySteps(n) {
				*at(v) = []*Step{}
				return
			}
			steps := make([]*Step, 0, len(n.Items))
			for i, item := range n.Items {
				d.index(i)
				s := d.step(d, item)
				if s == nil {
					s = brokenStep(item)
				}
				steps = append(steps, s)
				d.up()
			}
			*at(v) = steps
		},
		put: func(dst []byte, name string, v *T) []byte {
			steps := *at(v)
			if steps == nil {
				return dst
			}
			dst = append(doc.AppendKey(dst, name), '[')
			for i := range steps {
				if i > 0 {
					dst = append(dst, ',')
				}
				dst = appender(steps[i]).AppendJSON(dst) // by interface: the tables may not refer to themselves
			}
			return append(dst, ']')
		}}
}

// tooManySteps reports whether the list is that of a workflow which has more steps than are read.
func (d *decoder) tooManySteps(n *doc.Node) bool {
	return d.maxSteps > 0 && len(d.at) == allSteps && CountSteps(n) > d.maxSteps
}

// CountSteps returns how many steps are in a list of steps that was not read yet, nested ones included.
func CountSteps(list *doc.Node) int {
	if list.IsNull() {
		return 0
	}
	count := len(list.Items)
	for _, item := range list.Items {
		if len(item.Members) == 1 {
			count += CountSteps(item.Members[0].Value.Field("steps"))
		}
	}
	return count
}

// brokenStep stands for a step that could not be read, so that the paths of those after it are right and no second
// problem is reported where it is a successor.
func brokenStep(n *doc.Node) *Step {
	s := &Step{broken: true}
	if len(n.Members) > 0 {
		if id := n.Members[0].Value.Field("id"); id != nil {
			s.ID = StepID(id.Written())
		}
	}
	return s
}

func join(words []string) string { return strings.Join(words, ", ") }
