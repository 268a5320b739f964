package server

import (
	"maestro/internal/doc"
	"maestro/internal/engine"
	"maestro/internal/view"
)

// appendStarted appends the answer to a start or restart (spec/api 5.1).
func appendStarted(dst []byte, s *engine.Started) []byte {
	o := doc.Open(dst)
	o.Text("workflow_id", s.WorkflowID)
	o.Int("workflow_version_id", s.Version)
	o.Int("workflow_instance_id", s.Instance)
	o.Int("workflow_run_id", s.Run)
	o.Text("workflow_uuid", s.UUID)
	o.Text("status", s.Status)
	o.Key("timeline_event")
	o.Out = view.AppendLine(o.Out, &s.Line)
	return o.Close()
}

// appendRunActed appends the answer to an action on a run (spec/api 5.5).
func appendRunActed(dst []byte, s *engine.RunActed) []byte {
	o := doc.Open(dst)
	o.Text("workflow_id", s.WorkflowID)
	o.Int("workflow_instance_id", s.Instance)
	o.Int("workflow_run_id", s.Run)
	o.Text("workflow_instance_status", s.Status.String())
	o.TextIf("info", s.Info)
	o.Key("timeline_event")
	o.Out = view.AppendLine(o.Out, &s.Line)
	o.Bool("completed", s.Completed)
	return o.Close()
}

// appendStepActed appends the answer to stop, kill, skip and bypass of a step (spec/api 5.8). withState is whether it
// tells how the attempt ended.
func appendStepActed(dst []byte, s *engine.StepActed, withState bool) []byte {
	o := doc.Open(dst)
	o.Text("workflow_id", s.WorkflowID)
	o.Int("workflow_instance_id", s.Instance)
	o.IntIf("workflow_run_id", s.Run)
	if s.Restarted == nil {
		o.Text("step_id", s.Step)
		o.IntIf("step_attempt_id", s.Attempt)
	}
	o.Key("timeline_event")
	o.Out = view.AppendLine(o.Out, &s.Line)
	if withState && s.State != nil && s.Restarted == nil {
		o.Key("step_runtime_state")
		o.Out = view.AppendState(o.Out, s.State)
	}
	return o.Close()
}

// appendStepRestarted appends the answer to a restart of a step: of the new attempt in a live run, else of the new run.
func appendStepRestarted(dst []byte, s *engine.StepActed) []byte {
	o := doc.Open(dst)
	o.Text("workflow_id", s.WorkflowID)
	status, run := engine.Created, s.Run
	if s.Restarted != nil {
		status = s.Restarted.Status
		if status == engine.Duplicated {
			run = 0
		}
	}
	o.IntIf("workflow_version_id", s.Version)
	o.Int("workflow_instance_id", s.Instance)
	o.IntIf("workflow_run_id", run)
	if s.Restarted == nil {
		o.Text("step_id", s.Step)
		o.IntIf("step_attempt_id", s.Attempt)
	}
	o.Text("status", status)
	o.Key("timeline_event")
	o.Out = view.AppendLine(o.Out, &s.Line)
	return o.Close()
}
