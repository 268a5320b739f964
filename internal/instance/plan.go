package instance

import (
	"sync"

	"maestro/param"
	"maestro/spec"
)

// Plan is what all runs of one definition with one DAG share. It is immutable, but for what the
// language remembers in Merged.
type Plan struct {
	Workflow *spec.Workflow
	Nodes    []Node // in runtime_dag order: a step's ordinal is its index
	Roots    []int
	index    map[spec.StepID]int

	Merged MergedParams // kept by the language
}

// MergedParams are definitions of params that follow from the definition alone, merged once for all runs of a plan.
type MergedParams struct {
	Once  sync.Once
	Run   *param.Defs   // workflow params before run params
	Steps []*param.Defs // per node, nil where they depend on more than the definition
	Err   error
}

// Node is one step of a Plan.
type Node struct {
	Step         *spec.Step
	ID           string
	Predecessors []int
	Successors   []Edge // in the order in which they were written
	Work         Work
}

// Edge leads from one step to a successor.
type Edge struct {
	To        int
	Condition string // expression text
	Always    bool   // the text is plain true or false: Constant says which, and nothing is evaluated
	Constant  bool
}

// Work says who does a step's work.
type Work uint8

// The kinds of work.
const (
	Outside  Work = iota // a runtime, told by Launch
	Nothing              // NoOp: done as soon as it begins
	Sleeping             // Sleep: done when its time has passed
	Loop                 // foreach, while, subworkflow: done when the runs it launches are
)

// NewPlan returns the plan of a workflow for a DAG. A DAG of fewer steps than the workflow has (a restart) leaves the
// others out.
func NewPlan(w *spec.Workflow, dag *spec.DAG) *Plan { return NewPlanOf(w, w.Steps, dag) }

// NewPlanOf is NewPlan for a DAG that was built from some of the workflow's steps.
func NewPlanOf(w *spec.Workflow, steps []*spec.Step, dag *spec.DAG) *Plan {
	p := &Plan{Workflow: w, Nodes: make([]Node, len(dag.Nodes)), index: make(map[spec.StepID]int, len(dag.Nodes))}
	for i := range dag.Nodes {
		p.index[dag.Nodes[i].Step] = i
	}
	for i := range dag.Nodes {
		from := &dag.Nodes[i]
		n := &p.Nodes[i]
		n.Step, n.ID = steps[from.Source], string(from.Step)
		n.Predecessors = from.Preds
		n.Work = workOf(n.Step)
		for _, e := range from.Succs {
			edge := Edge{To: e.To, Condition: e.Condition}
			switch e.Condition {
			case "true", "true;":
				edge.Always, edge.Constant = true, true
			case "false", "false;":
				edge.Always = true
			}
			n.Successors = append(n.Successors, edge)
		}
		if len(n.Predecessors) == 0 {
			p.Roots = append(p.Roots, i)
		}
	}
	return p
}

func workOf(s *spec.Step) Work {
	switch s.Type {
	case spec.TypeNoOp:
		return Nothing
	case spec.TypeSleep:
		return Sleeping
	case spec.TypeForeach, spec.TypeWhile, spec.TypeSubworkflow:
		return Loop
	default:
		return Outside
	}
}

// Ordinal returns the ordinal of a step, or false when the plan does not have it.
func (p *Plan) Ordinal(id string) (int, bool) {
	i, ok := p.index[spec.StepID(id)]
	return i, ok
}
