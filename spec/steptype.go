package spec

import "strings"

// StepType names what runs a step, in the spelling that is printed: NoOp, Http, foreach (§7.2).
type StepType string

// The step types of this package. Others are added to the Types of the Rules.
const (
	TypeNoOp        StepType = "NoOp"
	TypeSleep       StepType = "Sleep"
	TypeHTTP        StepType = "Http"
	TypeKubernetes  StepType = "Kubernetes"
	TypeNotebook    StepType = "Notebook"
	TypeTitus       StepType = "Titus"
	TypeJoin        StepType = "Join"
	TypeShell       StepType = "Shell"
	TypeForeach     StepType = "foreach"
	TypeWhile       StepType = "while"
	TypeSubworkflow StepType = "subworkflow"
	TypeTemplate    StepType = "template"
)

// Name returns the upper-case name: NOOP. It is what an expression sees as step_type_info of a step without sub type.
func (t StepType) Name() string { return strings.ToUpper(string(t)) }

// Type describes one step type.
type Type struct {
	Name  StepType
	About string // one sentence for the schema

	Wrapper   Kind // the wrapper object that must be used instead of `step`; Typed for ordinary types
	Runnable  bool // something can run it; a definition with a type that nothing runs is refused
	Templated bool // its steps take params and tags of job templates (§14)
}

// Types are the step types that definitions may use. To add one, append a Type.
type Types []Type

// BuiltinTypes returns the types that come with this program.
func BuiltinTypes() Types { return append(Types(nil), builtinTypes...) }

var builtinTypes = Types{
	{Name: TypeNoOp, About: "Completes at once.", Runnable: true},
	{Name: TypeSleep, About: "Waits for param sleep_seconds (LONG, default 3).", Runnable: true},
	{Name: TypeHTTP, About: "Makes one HTTP call as param http (MAP) says.", Runnable: true, Templated: true},
	{Name: TypeKubernetes, About: "Runs a batch job on Kubernetes as param kubernetes (MAP) says.", Runnable: true, Templated: true},
	{Name: TypeNotebook, About: "Runs a notebook on Kubernetes as params notebook and kubernetes (MAP) say.", Runnable: true, Templated: true},
	{Name: TypeShell, About: "Runs a local command as param shell (MAP) says.", Runnable: true, Templated: true},
	{Name: TypeTitus, About: "Known to the format only; nothing can run it."},
	{Name: TypeJoin, About: "A gate inside of the engine; no definition can use it."},
	{Name: TypeForeach, About: "Use the wrapper `foreach`.", Wrapper: Foreach, Runnable: true},
	{Name: TypeWhile, About: "Use the wrapper `while`.", Wrapper: While, Runnable: true},
	{Name: TypeSubworkflow, About: "Use the wrapper `subworkflow`.", Wrapper: Subworkflow, Runnable: true},
	{Name: TypeTemplate, About: "Known to the format only; nothing can run it.", Wrapper: Template},
}

// Find returns the type called name, in any letter case, or nil.
func (t Types) Find(name string) *Type {
	for i := range t {
		if string(t[i].Name) == name {
			return &t[i]
		}
	}
	for i := range t {
		if strings.EqualFold(string(t[i].Name), name) {
			return &t[i]
		}
	}
	return nil
}

// names lists the types that a user may write, for messages.
func (t Types) names() []string {
	var names []string
	for i := range t {
		if t[i].Runnable && t[i].Wrapper == Typed {
			names = append(names, string(t[i].Name))
		}
	}
	return names
}
