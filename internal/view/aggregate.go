package view

import (
	"maestro/internal/doc"
	"maestro/internal/instance"
)

// appendBaseline appends aggregated_info: the view of an instance over several runs (spec/api 3.8), steps in the order
// of the definition.
func appendBaseline(dst []byte, r *instance.Run, b *instance.Baseline) []byte {
	o := doc.Open(dst)
	o.Text("workflow_instance_status", b.Status.String())
	o.Key("step_aggregated_views")
	steps := doc.Open(o.Out)
	for _, s := range r.Plan.Workflow.Steps {
		v, ok := b.Steps[string(s.ID)]
		if !ok {
			continue
		}
		steps.Name(string(s.ID))
		one := doc.Open(steps.Out)
		one.IntIf("workflow_run_id", v.Run)
		one.Text("status", v.Status.String())
		one.IntIf("start_time", v.Start)
		one.IntIf("end_time", v.End)
		steps.Out = one.Close()
	}
	o.Out = steps.Close()
	return o.Close()
}
