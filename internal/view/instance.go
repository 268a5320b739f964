package view

import (
	"bytes"

	"maestro/internal/doc"
	"maestro/internal/instance"
)

// Aggregation says which aggregated_info an instance is shown with (spec/api 5.6).
type Aggregation uint8

// The aggregations.
const (
	NotAggregated Aggregation = iota // one run by itself: none
	BeforeRun                        // the view that the run began with; none for a first run
	AllRuns                          // this run laid over the ones before it
)

// Instance is a run to be shown, and how.
type Instance struct {
	Run       *instance.Run
	Enriched  bool // the timeline tells when the status changed
	Aggregate Aggregation
	Earlier   Earlier // nil: loops that were not run again count as one leaf each
}

// AppendInstance appends a WorkflowInstance (spec/api 3.8).
func AppendInstance(dst []byte, v Instance) []byte {
	r, h := v.Run, v.Run.Header
	began := Began(r)
	o := doc.Open(dst)
	o.Text("workflow_id", r.WorkflowID)
	o.Int("workflow_instance_id", r.Instance)
	o.Int("workflow_run_id", r.Number)
	o.Text("workflow_uuid", r.UUID)
	o.Text("correlation_id", r.CorrelationID())
	o.Int("workflow_version_id", r.Version)
	o.IntIf("group_info", h.GroupInfo)
	o.IntIf("internal_id", r.Internal)
	if began {
		o.Text("execution_id", orText(h.ExecutionID, r.UUID))
	}
	o.Key("run_config")
	o.Out = appendRunConfig(o.Out, r)
	o.Key("run_params")
	o.Out = h.RunParams.AppendJSON(o.Out)
	o.RawOr("run_properties", h.Properties, "{}")
	o.Key("runtime_workflow")
	o.Out = appendWorkflow(o.Out, r)
	o.Key("runtime_dag")
	o.Out = appendDAG(o.Out, r.Plan)
	o.IntIf("timeout_in_millis", h.Timeout)
	if r.Params != nil {
		o.Key("params")
		o.Out = r.Params.AppendJSON(o.Out)
	}
	o.Raw("initiator", h.Initiator)
	o.Text("status", statusOf(r).String())
	o.Int("request_time", h.Requested)
	o.Int("create_time", r.Created)
	o.IntIf("start_time", r.Started)
	o.IntIf("end_time", r.Ended)
	o.Int("modify_time", max(r.Modified, r.Created))
	if began {
		o.Key("runtime_overview")
		o.Out = AppendOverview(o.Out, r, v.Earlier)
	}
	if len(h.Artifacts) > 0 && !bytes.Equal(h.Artifacts, emptyObject) {
		o.Raw("artifacts", h.Artifacts)
	}
	if statusOf(r) != instance.Created {
		o.Key("timeline")
		o.Out = appendRunTimeline(o.Out, r, v.Enriched)
	}
	switch v.Aggregate {
	case AllRuns:
		o.Key("aggregated_info")
		o.Out = appendBaseline(o.Out, r, r.Aggregate())
	case BeforeRun:
		if b := h.Baseline; b != nil {
			o.Key("aggregated_info")
			o.Out = appendBaseline(o.Out, r, b)
		}
	}
	return o.Close()
}

var emptyObject = []byte("{}")

// statusOf is the run's status; one that has no record yet is about to be CREATED.
func statusOf(r *instance.Run) instance.RunStatus { return max(r.Status, instance.Created) }

// Began reports whether the run had its turn. One that was stopped in the queue did not, although a run strategy may
// have given it a start time (spec/engine 2.1).
func Began(r *instance.Run) bool {
	if r.Started == 0 {
		return false
	}
	if r.Status != instance.RunStopped || r.Started != r.Ended {
		return true
	}
	for i := range r.Steps {
		if r.Steps[i].Number > 0 {
			return true
		}
	}
	return false
}

// appendRunConfig appends run_config. The runtime tags that a restart takes over from the start are those of its
// runtime_workflow, but not of its run_config.
func appendRunConfig(dst []byte, r *instance.Run) []byte {
	o := doc.Open(dst)
	child := r.Header.ParsedInitiator().ByStep()
	if (r.Header.Restart == nil || child) && len(r.Header.Tags) > 0 {
		o.Key("runtime_tags")
		o.Out = r.Header.Tags.AppendJSON(o.Out)
	}
	if child {
		o.Text("correlation_id", r.Header.Correlation)
	}
	o.Text("policy", r.Policy())
	if restart := parsed(r.Header.Restart); restart != nil {
		o.Key("restart_config")
		o.Out = doc.AppendNode(o.Out, restart)
	}
	return o.Close()
}

// appendWorkflow appends runtime_workflow: the definition, with the run's own tags behind those of the definition.
func appendWorkflow(dst []byte, r *instance.Run) []byte {
	if len(r.Header.Tags) == 0 {
		return r.Plan.Workflow.AppendJSON(dst)
	}
	w := *r.Plan.Workflow
	w.Tags = append(w.Tags[:len(w.Tags):len(w.Tags)], r.Header.Tags...)
	return w.AppendJSON(dst)
}

// appendDAG appends runtime_dag in its visible order (spec/engine 6.1).
func appendDAG(dst []byte, p *instance.Plan) []byte {
	o := doc.Open(dst)
	for i := range p.Nodes {
		n := &p.Nodes[i]
		o.Name(n.ID)
		one := doc.Open(o.Out)
		if len(n.Predecessors) > 0 {
			one.Key("predecessors")
			one.Out = appendPredecessors(one.Out, p, n)
		}
		if len(n.Successors) > 0 {
			one.Key("successors")
			next := doc.Open(one.Out)
			for _, e := range n.Successors {
				next.Name(p.Nodes[e.To].ID)
				next.Out = doc.AppendString(next.Out, e.Condition)
			}
			one.Out = next.Close()
		}
		o.Out = one.Close()
	}
	return o.Close()
}

func appendPredecessors(dst []byte, p *instance.Plan, n *instance.Node) []byte {
	dst = append(dst, '[')
	for i, from := range n.Predecessors {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = doc.AppendString(dst, p.Nodes[from].ID)
	}
	return append(dst, ']')
}
