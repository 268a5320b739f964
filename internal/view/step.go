package view

import (
	"maps"
	"slices"
	"strconv"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/param"
	"maestro/spec"
)

// Step is an attempt of a step to be shown, and how.
type Step struct {
	Run      *instance.Run
	Ordinal  int
	Attempt  int64 // 0: the latest
	Enriched bool  // the timeline tells when the status changed
}

// Find returns the attempt, or nil when there is none. Earlier attempts are there if the run keeps its history.
func (v Step) Find() *instance.Attempt {
	s := &v.Run.Steps[v.Ordinal]
	if s.Number == 0 {
		return nil
	}
	if v.Attempt == 0 || v.Attempt == s.Number {
		return &s.Attempt
	}
	for i := range s.Earlier {
		if s.Earlier[i].Number == v.Attempt {
			return &s.Earlier[i]
		}
	}
	return nil
}

// AppendStep appends a StepInstance (spec/api 3.9). The attempt must exist.
func AppendStep(dst []byte, v Step) []byte {
	r, a := v.Run, v.Find()
	n := &r.Plan.Nodes[v.Ordinal]
	o := doc.Open(dst)
	o.Text("workflow_id", r.WorkflowID)
	o.Int("workflow_instance_id", r.Instance)
	o.Int("workflow_run_id", r.Number)
	o.Text("step_id", n.ID)
	o.Int("step_attempt_id", a.Number)
	o.Text("workflow_uuid", r.UUID)
	o.Text("step_uuid", r.AttemptUUID(v.Ordinal, a.Number))
	o.Text("correlation_id", r.CorrelationID())
	o.Int("step_instance_id", a.Sequence)
	o.Int("workflow_version_id", r.Version)
	o.IntIf("group_info", r.Header.GroupInfo)
	if owner := parsed(r.Header.Properties).Field("owner"); !owner.IsNull() {
		o.Key("owner")
		o.Out = doc.AppendNode(o.Out, owner)
	}
	o.Key("definition")
	o.Out = appendDefinition(o.Out, r, n)
	o.Key("tags")
	o.Out = r.StepTags(v.Ordinal, a).AppendJSON(o.Out)
	if a.Flags&instance.FlagManual != 0 && a.RestartBy != nil {
		o.Raw("step_run_params", emptyObject)
		o.Key("restart_config")
		o.Out = appendRestartConfig(o.Out, r, n.ID, a)
	}
	o.Key("params")
	o.Out = appendStepParams(o.Out, r, v.Ordinal, a)
	o.Key("transition")
	o.Out = appendTransition(o.Out, r, v.Ordinal, a)
	o.Key("step_retry")
	o.Out = appendRetry(o.Out, r.RetryPolicy(v.Ordinal), a)
	if n.Step.Timeout.IsSet() && a.Times[instance.Initialized] != 0 {
		if ms, err := r.Language.Timeout(r, v.Ordinal); err == nil {
			o.Int("timeout_in_millis", ms)
		}
	}
	o.Key("runtime_state")
	o.Out = AppendState(o.Out, a)
	o.TextIf("waits_for", a.Waits)
	dependencies, said := signalDependencies(a)
	o.Raw("signal_dependencies", dependencies)
	outputs, sent := signalOutputs(a)
	o.Raw("signal_outputs", outputs)
	o.Key("artifacts")
	o.Out = appendArtifacts(o.Out, a.Artifacts)
	o.Key("timeline")
	o.Out = appendStepTimeline(o.Out, a, v.Enriched, append(said, sent...))
	return o.Close()
}

// appendRestartConfig appends what a manual restart of a live step asked for: what was stored of it, and for the rest what
// the restart of this one step implies.
func appendRestartConfig(dst []byte, r *instance.Run, step string, a *instance.Attempt) []byte {
	given := parsed(a.RestartBy)
	o := doc.Open(dst)
	member := func(name string, otherwise func()) {
		if v := given.Field(name); !v.IsNull() {
			o.Key(name)
			o.Out = doc.AppendNode(o.Out, v)
		} else if otherwise != nil {
			otherwise()
		}
	}
	member("restart_path", func() {
		o.Key("restart_path")
		at := doc.Open(append(o.Out, '['))
		at.Text("workflow_id", r.WorkflowID)
		at.Int("instance_id", r.Instance)
		at.Text("step_id", step)
		o.Out = append(at.Close(), ']')
	})
	member("restart_policy", func() { o.Text("restart_policy", instance.RestartFromSpecific) })
	member("downstream_policy", func() { o.Text("downstream_policy", instance.RestartFromIncomplete) })
	member("restart_params", nil)
	member("step_restart_params", nil)
	member("skip_steps", func() {
		if a.Flags&instance.FlagSkip != 0 {
			o.Key("skip_steps")
			o.Out = doc.AppendTexts(o.Out, []string{step})
		}
	})
	return o.Close()
}

// appendDefinition appends the step as it is defined, with what is left to defaults filled in.
func appendDefinition(dst []byte, r *instance.Run, n *instance.Node) []byte {
	s := *n.Step
	s.FailureMode = s.FailureMode.Or(spec.FailAfterRunning)
	if s.Params == nil {
		s.Params = &param.Defs{}
	}
	s.Transition.Predecessors = nil
	for _, p := range n.Predecessors {
		s.Transition.Predecessors = append(s.Transition.Predecessors, r.Plan.Nodes[p].Step.ID)
	}
	return s.AppendJSON(dst)
}

// appendStepParams appends the params: first whether the step was to be run, as soon as that is known.
func appendStepParams(dst []byte, r *instance.Run, ordinal int, a *instance.Attempt) []byte {
	o := doc.Open(dst)
	never := a.Flags&instance.FlagEndingOnly != 0 && a.Times[instance.Initialized] == 0
	if a.Status != instance.StepCreated && !never {
		o.Key("maestro_step_satisfied")
		yes := strconv.FormatBool(a.Status != instance.Unsatisfied)
		p := doc.Open(o.Out)
		p.Raw("value", []byte(yes))
		p.Text("type", "BOOLEAN")
		p.Raw("evaluated_result", []byte(yes))
		p.Int("evaluated_time", a.Times[instance.StepCreated])
		o.Out = p.Close()
	}
	for name, p := range r.AttemptParams(ordinal, a).All() {
		o.Name(name)
		o.Out = p.AppendJSON(o.Out)
	}
	return o.Close()
}

// appendTransition appends the edges of the step and, once it is complete, what their conditions gave.
func appendTransition(dst []byte, r *instance.Run, ordinal int, a *instance.Attempt) []byte {
	n := &r.Plan.Nodes[ordinal]
	o := doc.Open(dst)
	if len(n.Predecessors) > 0 {
		o.Key("predecessors")
		o.Out = appendPredecessors(o.Out, r.Plan, n)
	}
	if len(n.Successors) > 0 {
		results := r.EdgeResults(ordinal, a)
		o.Key("successors")
		next := doc.Open(o.Out)
		for i, e := range n.Successors {
			next.Name(r.Plan.Nodes[e.To].ID)
			p := doc.Open(next.Out)
			p.Text("expression", e.Condition)
			p.Text("type", "BOOLEAN")
			if i < len(results) && results[i].Done {
				p.Bool("evaluated_result", results[i].True)
				p.Int("evaluated_time", results[i].At)
				p.TextIf(param.NoteName(param.Boolean), results[i].Note)
			}
			next.Out = p.Close()
		}
		o.Out = next.Close()
	}
	return o.Close()
}

// appendRetry appends step_retry: what was used of the retry policy before this attempt.
func appendRetry(dst []byte, policy *spec.Retry, a *instance.Attempt) []byte {
	o := doc.Open(dst)
	for k := spec.ErrorRetry; k <= spec.TimeoutRetry; k++ {
		o.Int(retryNames[k].used, a.Retries[k])
		o.Int(retryNames[k].limit, int64(policy.Limits[k]))
	}
	o.Int("manual_retries", a.Manual)
	o.Bool("retryable", a.Retryable)
	o.Key("backoff")
	o.Out = policy.AppendBackoff(o.Out)
	return o.Close()
}

var retryNames = [...]struct{ used, limit string }{
	{"error_retries", "error_retry_limit"},
	{"platform_retries", "platform_retry_limit"},
	{"timeout_retries", "timeout_retry_limit"},
}

// AppendState appends the runtime_state of an attempt: its status and when it entered each one.
func AppendState(dst []byte, a *instance.Attempt) []byte {
	o := doc.Open(dst)
	o.Text("status", a.Status.String())
	for s := instance.StepCreated; int(s) < len(a.Times); s++ {
		o.IntIf(timeNames[s], a.Times[s])
	}
	o.IntIf("end_time", a.Ended)
	o.IntIf("modify_time", a.Modified)
	return o.Close()
}

var timeNames = [...]string{
	instance.StepCreated:       "create_time",
	instance.Initialized:       "initialize_time",
	instance.StepPaused:        "pause_time",
	instance.WaitingForSignals: "wait_signal_time",
	instance.EvaluatingParams:  "evaluate_param_time",
	instance.WaitingForPermits: "wait_permit_time",
	instance.Starting:          "start_time",
	instance.Running:           "execute_time",
	instance.Finishing:         "finish_time",
}

func appendArtifacts(dst []byte, artifacts map[string][]byte) []byte {
	o := doc.Open(dst)
	for _, key := range slices.Sorted(maps.Keys(artifacts)) {
		o.Name(key)
		o.Out = append(o.Out, artifacts[key]...)
	}
	return o.Close()
}
