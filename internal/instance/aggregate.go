package instance

import "encoding/json"

// View is the latest that is known of a step over all runs of an instance.
type View struct {
	Run    int64      `json:"workflow_run_id,omitempty"`
	Status StepStatus `json:"-"`
	Name   string     `json:"status"`
	Start  int64      `json:"start_time,omitempty"`
	End    int64      `json:"end_time,omitempty"`
}

// Baseline is the aggregated view of an instance before a run (spec/engine 9.4). It is stored with the run.
type Baseline struct {
	Status string          `json:"workflow_instance_status"`
	Steps  map[string]View `json:"step_aggregated_views"`
}

// ParseBaseline reads the stored form. An empty one gives nil.
func ParseBaseline(data []byte) *Baseline {
	if len(data) == 0 {
		return nil
	}
	b := new(Baseline)
	if json.Unmarshal(data, b) != nil {
		return nil
	}
	for id, v := range b.Steps {
		v.Status, _ = ParseStepStatus(v.Name)
		b.Steps[id] = v
	}
	return b
}

// Encode returns the stored form.
func (b *Baseline) Encode() []byte {
	data, _ := json.Marshal(b) // plain values: cannot fail
	return data
}

// Aggregate lays this run's steps over what was known before it. Steps that this run can reach but has not created are
// dropped from the earlier view; steps of the definition that nobody has created are NOT_CREATED.
func (r *Run) Aggregate() *Baseline {
	out := &Baseline{Status: r.Status.String(), Steps: make(map[string]View)}
	base := ParseBaseline(r.Header.Baseline)
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
		view.Name = view.Status.String()
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
	base := ParseBaseline(r.Header.Baseline)
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
	if status == RunSucceeded && !complete {
		if s, ok := ParseRunStatus(base.Status); ok {
			return s
		}
	}
	return status
}
