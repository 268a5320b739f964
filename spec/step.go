package spec

import (
	"maestro/internal/doc"
	"maestro/param"
)

// Kind is the wrapper object in which a step is written (§7).
type Kind uint8

// The kinds of steps.
const (
	Typed       Kind = iota // `step`: a leaf, run by the runtime of its type
	Subworkflow             // a run of another workflow
	Foreach                 // its steps once per element of its loop params
	While                   // its steps again and again while a condition holds
	Template                // known to the format only
)

var kindNames = [...]string{Typed: "step", Subworkflow: "subworkflow", Foreach: "foreach", While: "while", Template: "template"}

// String returns the key of the wrapper object.
func (k Kind) String() string { return kindNames[k] }

// Step is one step as it was written. Which members a step can have depends on its kind; those of other kinds are
// absent. What was not written is absent too: the engine knows the defaults.
type Step struct {
	Kind        Kind
	ID          StepID
	Name        Opt[string]
	Description Opt[string]
	Transition  Transition

	Type           StepType    // of wrapper kinds, the type of the wrapper
	SubType        Opt[string] // job template
	SubTypeVersion Opt[string]

	FailureMode FailureMode
	Retry       *RetryPolicy // Typed only; nil: the default policy
	Tags        Tags
	Timeout     ParsableLong

	Sync           Opt[bool] // Subworkflow: wait for the child; default true
	ExplicitParams Opt[bool] // Subworkflow: pass only the step's own params down; default false

	Concurrency    Opt[int64] // Foreach: iterations at a time
	StrictOrdering Opt[bool]  // Foreach: iterations start in order; default false

	Condition Opt[string] // While: expression, evaluated before each iteration

	SignalDependencies []SignalDependency // nil: none
	SignalOutputs      []SignalOutput     // nil: none
	Params             *param.Defs        // nil: not written

	Steps []*Step // Foreach and While: what is repeated

	broken bool // could not be read; keeps its place so that paths stay right
}

// TypeInfo returns what expressions see as step_type_info: the sub type, or the upper-case type name (§7.2).
func (s *Step) TypeInfo() string {
	if s.SubType.Set {
		return s.SubType.Value
	}
	return s.Type.Name()
}

// DisplayName returns the name to show to people.
func (s *Step) DisplayName() string { return s.Name.Or(string(s.ID)) }

// IsLeaf reports whether the step is run by a runtime of its own, rather than by runs below it.
func (s *Step) IsLeaf() bool { return s.Kind == Typed }

// LoopParams returns the literal loop params of a Foreach or While, or nil.
func (s *Step) LoopParams() *param.Defs {
	def := s.Params.Get("loop_params")
	if def == nil || def.Type != param.Map {
		return nil
	}
	return def.Value.Defs()
}

// Walk calls visit for every step of the list, each before the steps inside it, until visit returns false. depth is 0
// for the list itself.
func Walk(steps []*Step, visit func(s *Step, depth int) bool) bool { return walk(steps, 0, visit) }

func walk(steps []*Step, depth int, visit func(*Step, int) bool) bool {
	for _, s := range steps {
		if !visit(s, depth) || !walk(s.Steps, depth+1, visit) {
			return false
		}
	}
	return true
}

// AppendJSON appends the step in its wrapper object.
func (s *Step) AppendJSON(dst []byte) []byte {
	dst = doc.AppendKey(append(dst, '{'), s.Kind.String())
	return append(stepObjects[s.Kind].put(dst, s), '}')
}

// MarshalJSON returns what AppendJSON appends.
func (s *Step) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// DecodeStep reads one step in its wrapper object. It returns nil when n is nothing like a step.
func DecodeStep(n *doc.Node, r Rules, p *doc.Problems) *Step {
	return decodeStep(newDecoder(r, p), n)
}

func decodeStep(d *decoder, n *doc.Node) *Step {
	if n.Kind != doc.Object || len(n.Members) != 1 {
		d.errorf(n, "must be an object with exactly one key, one of %s; not %s", kindList, describeKeys(n))
		return nil
	}
	m := &n.Members[0]
	kind, ok := stepKinds.parse(m.Name)
	if !ok {
		d.errorAt(m.Pos, "unknown kind of step `%s`%s; known are %s", clip(m.Name), doc.Suggest(m.Name, stepKinds.words), kindList)
		return nil
	}
	s := new(Step)
	for k, name := range kindNames {
		if name == kind {
			s.Kind = Kind(k)
		}
	}
	s.Type = wrapperTypes[s.Kind]
	if m.Value.Kind == doc.Null {
		d.errorf(m.Value, "must not be null")
		return nil
	}
	if !stepObjects[s.Kind].read(d, m.Value, s) {
		return nil
	}
	if s.Kind == Typed && m.Value.Field("type").IsNull() {
		d.field("type")
		d.errorf(m.Value, "may not be null")
		d.up()
	}
	return s
}

func describeKeys(n *doc.Node) string {
	if n.Kind != doc.Object {
		return describe(n)
	}
	if len(n.Members) == 0 {
		return "an empty object"
	}
	text := "one with"
	for i := range n.Members {
		if i == 3 {
			return text + " …"
		}
		text += " `" + clip(n.Members[i].Name) + "`"
	}
	return text
}

var (
	stepKinds    = &enum{what: "kind of step", words: kindNames[:]}
	wrapperTypes = [...]StepType{Typed: "", Subworkflow: TypeSubworkflow, Foreach: TypeForeach, While: TypeWhile, Template: TypeTemplate}
)

const kindList = "`step`, `subworkflow`, `foreach`, `while`"
