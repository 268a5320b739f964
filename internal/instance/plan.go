package instance

import (
	"fmt"
	"hash/fnv"
	"sync"

	"maestro/spec"
)

// Plan is what all runs of one definition with one DAG share. It is immutable, but for Memo.
type Plan struct {
	Workflow *spec.Workflow
	Nodes    []Node // in runtime_dag order: a step's ordinal is its index
	Roots    []int
	Sum      uint32 // tells plans apart in which an ordinal stands for another step, or a step's edges for others
	index    map[spec.StepID]int

	Memo sync.Map // what the language keeps of what follows from the plan, under keys of its own
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
	p.Sum = p.sum()
	return p
}

// sum is never 0, which stands for a sum that is not known.
func (p *Plan) sum() uint32 {
	h := fnv.New32a()
	for i := range p.Nodes {
		n := &p.Nodes[i]
		_, _ = fmt.Fprintf(h, "%q", n.ID)
		for _, e := range n.Successors {
			_, _ = fmt.Fprintf(h, "%d%q", e.To, e.Condition)
		}
	}
	return max(h.Sum32(), 1)
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
