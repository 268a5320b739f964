package view

import (
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// Earlier returns the artifacts of the latest attempt of a step in an earlier run of the same instance, nil when there
// are none. It is asked about loops and subworkflows that a restart did not run again.
type Earlier func(run int64, step string) map[string][]byte

// AppendOverview appends the runtime_overview of a run (spec/engine 9.1). earlier may be nil.
func AppendOverview(dst []byte, r *instance.Run, earlier Earlier) []byte {
	o := doc.Open(dst)
	o.Int("total_step_count", int64(len(r.Plan.Nodes)))
	o.Key("step_overview")
	o.Out = appendStepOverview(o.Out, r)
	o.Key("rollup_overview")
	rollup := RollupOf(r, earlier)
	o.Out = rollup.AppendJSON(o.Out)
	if own := r.Own.String(); own != r.Status.String() {
		o.Text("run_status", own)
	}
	return o.Close()
}

// appendStepOverview appends the created steps by status, each as its place in the DAG, when it was told to begin and
// when it ended.
func appendStepOverview(dst []byte, r *instance.Run) []byte {
	var counts [64]int64
	for i := range r.Steps {
		if r.Steps[i].Number > 0 {
			counts[r.Steps[i].Status]++
		}
	}
	time := func(dst []byte, t int64) []byte {
		if t == 0 {
			return append(dst, "null"...)
		}
		return strconv.AppendInt(dst, t, 10)
	}
	o := doc.Open(dst)
	for status, n := range counts {
		if n == 0 {
			continue
		}
		o.Key(instance.StepStatus(status).String())
		one := doc.Open(o.Out)
		one.Int("cnt", n)
		one.Key("steps")
		one.Out = append(one.Out, '[')
		for i := range r.Steps {
			s := &r.Steps[i]
			if s.Number == 0 || s.Status != instance.StepStatus(status) {
				continue
			}
			if one.Out[len(one.Out)-1] == ']' {
				one.Out = append(one.Out, ',')
			}
			one.Out = strconv.AppendInt(append(one.Out, '['), int64(i+1), 10)
			one.Out = time(append(one.Out, ','), s.Times[instance.Starting])
			one.Out = time(append(one.Out, ','), s.Ended)
			one.Out = append(one.Out, ']')
		}
		one.Out = append(one.Out, ']')
		o.Out = one.Close()
	}
	return o.Close()
}

// RollupOf counts the leaves of a run (spec/engine 19). A restart also counts the steps that it did not run again, from
// the view of the instance before it.
func RollupOf(r *instance.Run, earlier Earlier) *Rollup {
	total := new(Rollup)
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Number == 0 {
			continue
		}
		if r.Plan.Nodes[i].Work == instance.Loop {
			if below := ofArtifacts(s.Artifacts); below != nil {
				total.Add(below)
				continue
			}
		}
		total.Leaf(s.Status, r.WorkflowID, r.Instance, r.Number, r.Plan.Nodes[i].ID, s.Number)
	}
	if r.Policy() == instance.RestartFromBeginning || len(r.Plan.Nodes) == 0 { // a restart of nothing counts nothing
		return total
	}
	base := r.Header.Baseline
	if base == nil {
		return total
	}
	for _, s := range r.Plan.Workflow.Steps {
		id := string(s.ID)
		if _, here := r.Plan.Ordinal(id); here {
			continue
		}
		was := base.Steps[id]
		if was.Status == instance.NotCreated {
			continue
		}
		if !s.IsLeaf() && earlier != nil {
			if below := ofArtifacts(earlier(was.Run, id)); below != nil {
				total.Add(below)
				continue
			}
		}
		total.Leaf(was.Status, r.WorkflowID, r.Instance, was.Run, id, 0)
	}
	return total
}
