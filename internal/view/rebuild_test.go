package view_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/param"
	"maestro/spec"
)

// rebuildInstance makes a run of a recorded instance; its steps are put in by rebuildStep.
func rebuildInstance(t *testing.T, v object) (*instance.Run, *fakeLanguage) {
	t.Helper()
	config := v["run_config"].(object)
	h := &instance.Header{
		Correlation: str(v["correlation_id"]), Requested: num(v["request_time"]), Policy: str(config["policy"]),
		Initiator: text(t, v["initiator"]), Restart: text(t, config["restart_config"]), RunParams: defsOf(t, v["run_params"]),
		Properties: text(t, v["run_properties"]), Tags: tagsOf(t, config["runtime_tags"]),
		Artifacts: text(t, v["artifacts"]), Timeout: num(v["timeout_in_millis"]),
	}
	var problems doc.Problems
	w := spec.DecodeWorkflow(node(t, v["runtime_workflow"]), spec.Rules{}, &problems)
	if h.Tags != nil {
		own, _ := config["runtime_tags"].([]any)
		w.Tags = w.Tags[:len(w.Tags)-len(own)]
		if len(w.Tags) == 0 {
			w.Tags = nil
		}
	}
	dag := v["runtime_dag"].(object)
	var start []spec.StepID
	if len(dag) < len(w.Steps) {
		start = []spec.StepID{}
		for id, n := range dag {
			if n.(object)["predecessors"] == nil {
				start = append(start, spec.StepID(id))
			}
		}
	}
	if restart, ok := config["restart_config"].(object); ok && h.Policy == "RESTART_FROM_SPECIFIC" {
		path := restart["restart_path"].([]any)
		for i, s := range w.Steps {
			if string(s.ID) == str(path[len(path)-1].(object)["step_id"]) {
				h.Target = i + 1
			}
		}
	}
	graph, err := spec.BuildDAG(w.Steps, start, nil)
	if err != nil {
		t.Fatal(err)
	}
	lang := &fakeLanguage{params: map[string]*param.Params{}, timeouts: map[int]int64{}, retries: map[int]spec.Retry{}}
	r := instance.New(h, instance.NewPlan(w, graph), lang)
	r.WorkflowID, r.UUID, r.Version = str(v["workflow_id"]), str(v["workflow_uuid"]), num(v["workflow_version_id"])
	r.Instance, r.Number, r.History = num(v["workflow_instance_id"]), num(v["workflow_run_id"]), true
	r.Status, _ = instance.ParseRunStatus(str(v["status"]))
	r.Own = r.Status
	if o, ok := v["runtime_overview"].(object); ok && o["run_status"] != nil {
		r.Own, _ = instance.ParseRunStatus(str(o["run_status"]))
	}
	r.Created, r.Modified = epoch, epoch+900
	if v["start_time"] != nil {
		r.Started = epoch + 10
	}
	if v["end_time"] != nil {
		r.Ended = epoch + 800
		if v["execution_id"] == nil {
			r.Ended = epoch + 10
		}
	}
	if v["params"] != nil {
		r.Params = param.DecodeParams(node(t, v["params"]), "", &problems, param.DecodeOptions{Lenient: true, Stored: true})
	}
	r.Lines = rebuildLines(t, v["timeline"])
	return r, lang
}

// rebuildLines takes the lines out of a timeline and gives each a time between the statuses around it.
func rebuildLines(t *testing.T, timeline any) []instance.Line {
	t.Helper()
	var out []instance.Line
	list, _ := timeline.([]any)
	last, seen := int64(epoch), 0
	for _, e := range list {
		event := e.(object)
		if event["type"] == "STATUS" {
			seen++
			last = epoch
			for s := instance.StepCreated; s <= instance.Finishing; s++ {
				if s.String() == event["status"] {
					last = epoch + int64(s)*10
				}
			}
			switch event["status"] {
			case "IN_PROGRESS":
				last = epoch + 10
			case "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT":
				last = epoch + 801
			}
			continue
		}
		var l instance.Line
		if err := json.Unmarshal(text(t, event), &l); err != nil {
			t.Fatal(err)
		}
		l.At = last
		out = append(out, l)
	}
	return out
}

// rebuildStep puts a recorded step into the run, as its latest attempt.
func rebuildStep(t *testing.T, r *instance.Run, lang *fakeLanguage, v object) int {
	t.Helper()
	i, ok := r.Plan.Ordinal(str(v["step_id"]))
	if !ok {
		t.Fatalf("no step %s", v["step_id"])
	}
	retry, state := v["step_retry"].(object), v["runtime_state"].(object)
	a := &r.Steps[i].Attempt
	*a = instance.Attempt{
		Number: num(v["step_attempt_id"]), Manual: num(retry["manual_retries"]), Modified: epoch,
		Retries:   [3]int64{num(retry["error_retries"]), num(retry["platform_retries"]), num(retry["timeout_retries"])},
		Retryable: retry["retryable"].(bool), Lines: rebuildLines(t, v["timeline"]), RestartBy: text(t, v["restart_config"]),
	}
	a.Status, _ = instance.ParseStepStatus(str(state["status"]))
	for s, name := range [...]string{1: "create", "initialize", "pause", "wait_signal", "evaluate_param", "wait_permit", "start", "execute", "finish"} {
		if state[name+"_time"] != nil {
			a.Times[s] = epoch + int64(s)*10
		}
	}
	if state["end_time"] != nil {
		a.Ended = epoch + 800
	}
	if v["restart_config"] != nil {
		a.Flags = instance.FlagManual
	}
	given := node(t, v["params"])
	var satisfied bool
	given.Members = slices.DeleteFunc(given.Members, func(m doc.Member) bool {
		satisfied = satisfied || m.Name == "maestro_step_satisfied"
		return m.Name == "maestro_step_satisfied"
	})
	if !satisfied {
		a.Flags |= instance.FlagEndingOnly
	}
	if len(given.Members) > 0 {
		var problems doc.Problems
		key := fmt.Sprint(i, a.Number)
		lang.params[key] = param.DecodeParams(given, "", &problems, param.DecodeOptions{Lenient: true, Stored: true})
		entry := instance.AppendEntry(nil, []instance.Record{{Kind: instance.KindStepParams, Step: i, At: epoch, Data: []byte(key)}})
		if err := r.Fold(entry); err != nil {
			t.Fatal(err)
		}
	}
	rebuildEdges(r, i, v)
	policy := spec.DefaultRetry()
	policy.Limits = [3]int{int(num(retry["error_retry_limit"])), int(num(retry["platform_retry_limit"])), int(num(retry["timeout_retry_limit"]))}
	backoff := retry["backoff"].(object)
	policy.Type = spec.BackoffType(str(backoff["type"]))
	for k, name := range [...]string{"error", "platform", "timeout"} {
		policy.Waits[k] = spec.RetryWait{
			Base: num(backoff[name+"_retry_backoff_in_secs"]), Exponent: num(backoff[name+"_retry_exponent"]), Cap: num(backoff[name+"_retry_limit_in_secs"]),
		}
	}
	lang.retries[i] = policy
	if tags := node(t, v["tags"]); len(tags.Items) > 0 {
		var problems doc.Problems
		for _, item := range tags.Items {
			tag := spec.DecodeTag(item, spec.Rules{}, &problems)
			if r.Plan.Nodes[i].Step.Tags.Find(tag.Name) == nil {
				a.Tags = append(a.Tags, tag) // of a job template
			}
		}
	}
	if v["timeout_in_millis"] != nil {
		lang.timeouts[i] = num(v["timeout_in_millis"])
	}
	if artifacts := v["artifacts"].(object); len(artifacts) > 0 {
		a.Artifacts = make(map[string][]byte)
		for k, x := range artifacts {
			a.Artifacts[k] = text(t, x)
		}
	}
	if out, ok := v["signal_outputs"].(object); ok && len(out) > 0 {
		a.Sent = text(t, out)
	}
	if deps, ok := v["signal_dependencies"].(object); ok {
		rebuildDependencies(t, a, deps["dependencies"].([]any))
	}
	return i
}

func rebuildEdges(r *instance.Run, i int, v object) {
	next, _ := v["transition"].(object)["successors"].(object)
	if next == nil {
		return
	}
	a, evaluated := &r.Steps[i].Attempt, false
	edges := make([]instance.EdgeResult, len(r.Plan.Nodes[i].Successors))
	for j, e := range r.Plan.Nodes[i].Successors {
		p := next[r.Plan.Nodes[e.To].ID].(object)
		if result, ok := p["evaluated_result"].(bool); ok {
			edges[j] = instance.EdgeResult{Done: true, True: result, At: epoch, Note: str(p["warn"])}
			evaluated = evaluated || !e.Always
		}
	}
	if evaluated && a.Status != instance.Unsatisfied || a.Status == instance.InternallyFailed && v["signal_outputs"] != nil {
		a.Edges = edges // plain true and false are not stored
	}
}

func rebuildDependencies(t *testing.T, a *instance.Attempt, list []any) {
	t.Helper()
	var stored []any
	for _, item := range list {
		d := item.(object)
		now := instance.Dependency{Sequence: num(d["signal_id"])}
		switch d["status"] {
		case "MATCHED":
			now.Status = instance.SignalMatched
		case "SKIPPED":
			now.Status, now.By, now.At = instance.SignalSkipped, "tester", epoch
		}
		a.Signals = append(a.Signals, now)
		only := object{"name": d["name"]}
		if d["match_params"] != nil {
			only["match_params"] = d["match_params"]
		}
		stored = append(stored, only)
	}
	a.Deps = text(t, stored)
}
