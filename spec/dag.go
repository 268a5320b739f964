package spec

import (
	"fmt"
	"strings"

	"maestro/internal/doc"
)

// DAG is the graph of the steps of one run: which must be done before which (engine 6.1). Steps have indexes, which
// are their visible order: the one in which a run lists them and in which its roots begin. Loops count as one step;
// what is inside of them is the DAG of another run.
type DAG struct {
	Nodes []DAGNode
	index map[StepID]int
}

// DAGNode is one step of a DAG.
type DAGNode struct {
	Step   StepID
	Source int    // index in the list that the DAG was built from
	Preds  []int  // steps before it, in order of the list
	Succs  []Edge // steps after it, in order of its transition
}

// Edge leads to a successor.
type Edge struct {
	To        int
	Condition string
}

// CycleError says that steps wait for each other.
type CycleError struct {
	Steps []StepID // in order; the last leads to the first
}

func (e *CycleError) Error() string {
	var b strings.Builder
	b.WriteString("DAG contains cycle: ")
	for _, id := range e.Steps {
		b.WriteString(string(id))
		b.WriteString(" -> ")
	}
	b.WriteString(string(e.Steps[0]))
	return b.String()
}

// BuildDAG builds the graph of a list of steps.
//
// A nil start takes all steps, and end is ignored then. Otherwise the graph holds start and everything reachable from
// it; edges into start steps and out of end steps are cut, an empty start gives an empty graph, and an unknown id is
// an error. Predecessors are always those inside the graph; what the user states about them is not looked at.
func BuildDAG(steps []*Step, start, end []StepID) (*DAG, error) {
	b := dagBuilder{steps: steps, byID: make(map[StepID]int, len(steps))}
	for i, s := range steps {
		if _, twice := b.byID[s.ID]; twice {
			return nil, fmt.Errorf("duplicate step id [%s]", s.ID)
		}
		b.byID[s.ID] = i
	}
	var err error
	if start == nil {
		err = b.all()
	} else {
		err = b.reach(start, end)
	}
	if err != nil {
		return nil, err
	}
	d := b.link()
	if cycle := d.cycle(); cycle != nil {
		return nil, &CycleError{Steps: cycle}
	}
	return d, nil
}

// dagBuilder collects which steps a graph holds.
type dagBuilder struct {
	steps []*Step
	byID  map[StepID]int

	kept    []int  // indexes of steps in the graph, in order of insertion
	isKept  []bool // by index of step
	isStart []bool // by index of step; nil: none is cut
	isEnd   []bool
}

func (b *dagBuilder) all() error {
	b.kept = make([]int, len(b.steps))
	b.isKept = make([]bool, len(b.steps))
	for i, s := range b.steps {
		b.kept[len(b.steps)-1-i], b.isKept[i] = i, true // backwards: recordings show that later steps come first in a bucket
		for _, succ := range s.Transition.Successors {
			if _, ok := b.byID[succ.Step]; !ok {
				return b.unknownSuccessor(s, succ.Step)
			}
		}
	}
	return nil
}

func (b *dagBuilder) unknownSuccessor(s *Step, id StepID) error {
	return fmt.Errorf("[workflow step transition] is invalid for step [%s]'s successor step id [%s], which does not exist in steps", s.ID, id)
}

// reach keeps the start steps and, breadth first, everything behind them.
func (b *dagBuilder) reach(start, end []StepID) error {
	b.isKept = make([]bool, len(b.steps))
	b.isStart = make([]bool, len(b.steps))
	b.isEnd = make([]bool, len(b.steps))
	for _, id := range end {
		i, ok := b.byID[id]
		if !ok {
			return fmt.Errorf("end step id [%s] does not exist in steps", id)
		}
		b.isEnd[i] = true
	}
	keep := func(i int) {
		if !b.isKept[i] {
			b.isKept[i] = true
			b.kept = append(b.kept, i)
		}
	}
	for _, id := range start {
		i, ok := b.byID[id]
		if !ok {
			return fmt.Errorf("start step id [%s] does not exist in steps", id)
		}
		b.isStart[i] = true
		keep(i)
	}
	for at := 0; at < len(b.kept); at++ {
		s := b.steps[b.kept[at]]
		if b.isEnd[b.kept[at]] {
			continue
		}
		for _, succ := range s.Transition.Successors {
			i, ok := b.byID[succ.Step]
			if !ok {
				return b.unknownSuccessor(s, succ.Step)
			}
			keep(i)
		}
	}
	return nil
}

// link orders the kept steps and connects them.
func (b *dagBuilder) link() *DAG {
	ids := make([]StepID, len(b.kept))
	for i, at := range b.kept {
		ids[i] = b.steps[at].ID
	}
	d := &DAG{Nodes: make([]DAGNode, len(b.kept)), index: make(map[StepID]int, len(b.kept))}
	node := make([]int, len(b.steps)) // index of step → index of node
	for i, pos := range hashOrder(ids) {
		at := b.kept[pos]
		d.Nodes[i] = DAGNode{Step: ids[pos], Source: at}
		d.index[ids[pos]] = i
		node[at] = i
	}
	d.room(b, node)
	for at, s := range b.steps { // in order of definition, so that Preds are too
		if !b.isKept[at] || b.isEnd != nil && b.isEnd[at] {
			continue
		}
		n := &d.Nodes[node[at]]
		for _, succ := range s.Transition.Successors {
			to := b.byID[succ.Step]
			if b.isStart != nil && b.isStart[to] {
				continue
			}
			n.Succs = append(n.Succs, Edge{To: node[to], Condition: succ.Condition})
			d.Nodes[node[to]].Preds = append(d.Nodes[node[to]].Preds, node[at])
		}
	}
	return d
}

// room gives all lists of edges room in two arrays, at least as much as they need.
func (d *DAG) room(b *dagBuilder, node []int) {
	total := 0
	in := make([]int, len(d.Nodes))
	for at, s := range b.steps {
		if b.isKept[at] {
			for _, succ := range s.Transition.Successors {
				if to := b.byID[succ.Step]; b.isKept[to] {
					in[node[to]]++
					total++
				}
			}
		}
	}
	preds, succs := make([]int, total), make([]Edge, total)
	for i := range d.Nodes {
		if in[i] > 0 {
			d.Nodes[i].Preds, preds = preds[:0:in[i]], preds[in[i]:]
		}
		if n := min(len(b.steps[d.Nodes[i].Source].Transition.Successors), len(succs)); n > 0 {
			d.Nodes[i].Succs, succs = succs[:0:n], succs[n:]
		}
	}
}

// Index returns the index of the step called id, or -1.
func (d *DAG) Index(id StepID) int {
	if i, ok := d.index[id]; ok {
		return i
	}
	return -1
}

// Roots returns the steps that nothing comes before, in visible order.
func (d *DAG) Roots() []int {
	var roots []int
	for i := range d.Nodes {
		if len(d.Nodes[i].Preds) == 0 {
			roots = append(roots, i)
		}
	}
	return roots
}

// cycle returns the steps of one cycle, or nil. It takes away what has no predecessor left; what stays waits for
// itself. Conditions do not matter.
func (d *DAG) cycle() []StepID {
	waits := make([]int, len(d.Nodes))
	var ready []int
	for i := range d.Nodes {
		if waits[i] = len(d.Nodes[i].Preds); waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for at := 0; at < len(ready); at++ {
		for _, e := range d.Nodes[ready[at]].Succs {
			if waits[e.To]--; waits[e.To] == 0 {
				ready = append(ready, e.To)
			}
		}
	}
	if len(ready) == len(d.Nodes) {
		return nil
	}
	// Every step that is left has a predecessor that is left: go back until a step comes again.
	at := -1
	for i := range waits {
		if waits[i] > 0 && (at < 0 || d.Nodes[i].Source < d.Nodes[at].Source) {
			at = i
		}
	}
	seen := make(map[int]int)
	var back []int
	for {
		if first, ok := seen[at]; ok {
			back = back[first:]
			break
		}
		seen[at] = len(back)
		back = append(back, at)
		for _, p := range d.Nodes[at].Preds {
			if waits[p] > 0 {
				at = p
				break
			}
		}
	}
	return d.forward(back)
}

// forward turns a walk against the edges of a cycle into one along them, that begins with the step written first.
func (d *DAG) forward(back []int) []StepID {
	first := 0
	for i := range back {
		if d.Nodes[back[i]].Source < d.Nodes[back[first]].Source {
			first = i
		}
	}
	steps := make([]StepID, len(back))
	for i := range back {
		steps[i] = d.Nodes[back[(first+len(back)-i)%len(back)]].Step
	}
	return steps
}

// AppendJSON appends the graph as an instance shows it in runtime_dag: step id to its transition, in visible order.
func (d *DAG) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range d.Nodes {
		n := &d.Nodes[i]
		dst = append(doc.AppendName(dst, string(n.Step)), '{')
		if len(n.Preds) > 0 {
			dst = append(doc.AppendKey(dst, "predecessors"), '[')
			for j, p := range n.Preds {
				if j > 0 {
					dst = append(dst, ',')
				}
				dst = doc.AppendString(dst, string(d.Nodes[p].Step))
			}
			dst = append(dst, ']')
		}
		if len(n.Succs) > 0 {
			dst = append(doc.AppendKey(dst, "successors"), '{')
			for _, e := range n.Succs {
				dst = doc.AppendString(doc.AppendName(dst, string(d.Nodes[e.To].Step)), e.Condition)
			}
			dst = append(dst, '}')
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// DecodeDAG reads a stored graph, in the order in which it stands. Sources are -1, since no list of steps is at hand.
func DecodeDAG(n *doc.Node, p *doc.Problems) *DAG {
	dec := newDecoder(Rules{}, p, hop{name: "runtime_dag"})
	d := &DAG{index: make(map[StepID]int)}
	if !dec.want(n, doc.Object) {
		return d
	}
	d.Nodes = make([]DAGNode, len(n.Members))
	for i := range n.Members {
		id := StepID(n.Members[i].Name)
		d.Nodes[i] = DAGNode{Step: id, Source: -1}
		d.index[id] = i
	}
	find := func(id StepID, at *doc.Node) (int, bool) {
		i, ok := d.index[id]
		if !ok {
			dec.errorf(at, "step [%s] is not in the graph", id)
		}
		return i, ok
	}
	for i := range n.Members {
		m := &n.Members[i]
		var t Transition
		dec.key(m.Name)
		transitionObject.read(dec, m.Value, &t)
		for _, id := range t.Predecessors {
			if at, ok := find(id, m.Value); ok {
				d.Nodes[i].Preds = append(d.Nodes[i].Preds, at)
			}
		}
		for _, s := range t.Successors {
			if at, ok := find(s.Step, m.Value); ok {
				d.Nodes[i].Succs = append(d.Nodes[i].Succs, Edge{To: at, Condition: s.Condition})
			}
		}
		dec.up()
	}
	return d
}
