package instance

import (
	"maps"
	"slices"
)

// View is the latest that is known of a step over all runs of an instance.
type View struct {
	Run    int64
	Status StepStatus
	Start  int64 // epoch milliseconds, 0 for none
	End    int64
}

// Baseline is the aggregated view of an instance before a run (spec/engine 9.4). It is stored with the run.
type Baseline struct {
	Status RunStatus
	Steps  map[string]View
}

// append appends the stored form.
func (b *Baseline) append(dst []byte) []byte {
	e := encoder{dst: dst}
	e.uint(uint64(b.Status))
	e.uint(uint64(len(b.Steps)))
	for _, id := range slices.Sorted(maps.Keys(b.Steps)) {
		v := b.Steps[id]
		e.text(id)
		e.int(v.Run)
		e.uint(uint64(v.Status))
		e.time(v.Start)
		e.time(v.End)
	}
	return e.dst
}

func decodeBaseline(data []byte) (*Baseline, error) {
	d := fieldDecoder{decoder: decoder{data: data}}
	b := &Baseline{Status: RunStatus(d.below(uint64(FailedCleared) + 1))}
	n := d.count()
	b.Steps = make(map[string]View, n)
	for range n {
		id := d.text()
		b.Steps[id] = View{Run: d.varint(), Status: StepStatus(d.below(uint64(stepStatuses))), Start: d.time(), End: d.time()}
	}
	return b, d.end()
}

// Aggregate lays this run's steps over what was known before it. Steps that this run can reach but has not created are
// dropped from the earlier view; steps of the definition that nobody has created are NOT_CREATED.
func (r *Run) Aggregate() *Baseline {
	out := &Baseline{Status: r.Status, Steps: make(map[string]View, len(r.Plan.Workflow.Steps))}
	base := r.Header.Baseline
	var reached []bool // of a restart from one step
	if r.Header.Target > 0 && base != nil {
		reached = r.reached()
	}
	for i := range r.Plan.Workflow.Steps {
		id := string(r.Plan.Workflow.Steps[i].ID)
		view := View{}
		if step, ok := r.Plan.Ordinal(id); ok {
			if s := &r.Steps[step]; s.Number > 0 {
				view = View{Run: r.Number, Status: s.Status, Start: s.Times[Starting], End: s.Ended}
			} else if reached != nil && !reached[step] {
				view = base.Steps[id] // a root that this run was not asked to restart
			}
		} else if base != nil {
			view = base.Steps[id]
		}
		out.Steps[id] = view
	}
	return out
}

// reached says of each step whether it follows from a root that began with this run.
func (r *Run) reached() []bool {
	reached := make([]bool, len(r.Plan.Nodes))
	var ready []int
	reach := func(step int) {
		if !reached[step] {
			reached[step] = true
			ready = append(ready, step)
		}
	}
	for _, root := range r.Plan.Roots {
		if r.rootRuns(root) {
			reach(root)
		}
	}
	for i := 0; i < len(ready); i++ {
		for _, e := range r.Plan.Nodes[ready[i]].Successors {
			reach(e.To)
		}
	}
	return reached
}

// aggregate returns the status of the instance after a run that ended with own (spec/engine 9.4): a restart that
// succeeded does not make up for what earlier runs left undone.
func (r *Run) aggregate(own RunStatus) RunStatus {
	base := r.Header.Baseline
	if own != RunSucceeded || base == nil {
		return own
	}
	all := r.Aggregate()
	status, complete := RunSucceeded, true
	for _, v := range all.Steps {
		switch {
		case v.Status == FatallyFailed || v.Status == InternallyFailed || v.Status.Retryable():
			return RunFailed
		case v.Status == StepTimedOut:
			status = RunTimedOut
		case v.Status == StepStopped && status == RunSucceeded:
			status = RunStopped
		case !v.Status.Complete():
			complete = false
		}
	}
	switch {
	case status != RunSucceeded || complete || base.Status == RunNone:
		return status
	case base.Status == FailedCleared: // seen to, and run again since
		return RunFailed
	default:
		return base.Status
	}
}
