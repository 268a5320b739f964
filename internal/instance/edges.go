package instance

import "encoding/binary"

// Results of transition conditions are stored as one byte per edge that was evaluated, in order, and a note where
// something was converted. Edges whose condition is plain true or false store nothing.

const (
	edgeOpen  = 0 // not evaluated
	edgeFalse = 1
	edgeTrue  = 2
	edgeNoted = 4 // a note follows
)

func encodeEdges(edges []EdgeResult) []byte {
	out := make([]byte, 0, len(edges))
	for _, e := range edges {
		b := byte(edgeOpen)
		if e.Done {
			b = edgeFalse
			if e.True {
				b = edgeTrue
			}
		}
		if e.Note != "" {
			b |= edgeNoted
		}
		out = append(out, b)
		if e.Note != "" {
			out = binary.AppendUvarint(out, uint64(len(e.Note)))
			out = append(out, e.Note...)
		}
	}
	return out
}

func decodeEdges(data []byte, at int64, n int) []EdgeResult {
	edges := make([]EdgeResult, n)
	d := decoder{data: data}
	for i := range edges {
		if len(d.data) == 0 {
			break
		}
		b := d.byte()
		e := &edges[i]
		e.Done, e.True = b&^edgeNoted != edgeOpen, b&^edgeNoted == edgeTrue
		if b&edgeNoted != 0 {
			e.Note = string(d.bytes())
		}
		if e.Done {
			e.At = at
		}
	}
	return edges
}

// EdgeResults returns the results of the attempt's transition conditions, one per successor.
func (r *Run) EdgeResults(step int, a *Attempt) []EdgeResult {
	n := &r.Plan.Nodes[step]
	switch {
	case a.Edges != nil || len(n.Successors) == 0:
		return a.Edges
	case a.Status == Unsatisfied:
		out := make([]EdgeResult, len(n.Successors))
		for i := range out {
			out[i] = EdgeResult{Done: true, At: a.Ended}
		}
		return out
	case a.Status.Complete():
		out := make([]EdgeResult, len(n.Successors))
		for i, e := range n.Successors {
			out[i] = EdgeResult{Done: true, True: e.Constant, At: a.Ended}
		}
		return out
	default:
		return make([]EdgeResult, len(n.Successors))
	}
}

// leadsTo reports whether a complete step has a true edge to another.
func (r *Run) leadsTo(from, to int) bool {
	s := &r.Steps[from]
	if !s.Status.Complete() || s.Status == Unsatisfied {
		return false
	}
	for i, e := range r.Plan.Nodes[from].Successors {
		if e.To != to {
			continue
		}
		if s.Edges != nil {
			return s.Edges[i].True
		}
		return e.Constant
	}
	return false
}

// satisfied reports whether a step is to be run: it is a root, or some edge that leads to it is true.
func (r *Run) satisfied(step int) bool {
	preds := r.Plan.Nodes[step].Predecessors
	if len(preds) == 0 {
		return true
	}
	for _, p := range preds {
		if r.leadsTo(p, step) {
			return true
		}
	}
	return false
}

// conditional reports whether any of a step's edges has a condition that must be evaluated.
func (r *Run) conditional(step int) bool {
	for i := range r.Plan.Nodes[step].Successors {
		if !r.Plan.Nodes[step].Successors[i].Always {
			return true
		}
	}
	return false
}

// evaluateEdges evaluates the conditions of a step that has become complete. On an error the edges before the bad one
// keep their results.
func (r *Run) evaluateEdges(step int, at int64) error {
	if !r.conditional(step) {
		return nil
	}
	results, own, err := r.Language.Conditions(r, step, at)
	if own != nil {
		r.record(Record{Kind: KindStepParams, Step: step, At: at, Data: own})
	}
	r.record(Record{Kind: KindStepEdges, Step: step, At: at, Data: encodeEdges(results)})
	return err
}
