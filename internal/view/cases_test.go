package view_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/instance"
	"maestro/internal/view"
	"maestro/param"
	"maestro/spec"
)

// The recorded replies of the reference server (some in testdata/cases, all below the folder that MAESTRO_CONFORMANCE
// names) hold everything that a run consists of. These tests take a reply apart, build the run it tells of, and want the view of that run to be the
// reply again.

type object = map[string]any

type recordedCase struct {
	Name  string
	Calls []struct {
		Method, Path string
		Reply        any
	}
	Events map[string][]object
}

func recordedCases(t *testing.T) map[string]recordedCase {
	t.Helper()
	dir := "testdata/cases"
	if root := os.Getenv("MAESTRO_CONFORMANCE"); root != "" {
		dir = filepath.Join(root, "runs")
	}
	out := make(map[string]recordedCase)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var c recordedCase
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.UseNumber()
		if err := dec.Decode(&c); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name, _ := filepath.Rel(dir, path)
		out[strings.TrimSuffix(name, ".json")] = c
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no recorded cases")
	}
	return out
}

const (
	epoch = 1_700_000_000_000 // times of rebuilt runs begin here
	span  = 1_000_000
)

// concrete replaces the placeholders of a recorded value by something that decodes. Every time is epoch.
func concrete(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, x := range v {
			out[k] = concrete(x)
		}
		if x := out["evaluated_result"]; x == "<date>" && out["type"] != "STRING" {
			out["evaluated_result"] = json.Number("1")
		}
		if x := out["value"]; x == "<date>" && out["type"] != "STRING" {
			out["value"] = json.Number("1")
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = concrete(x)
		}
		return out
	case string:
		if v == "<time>" {
			return json.Number(strconv.Itoa(epoch))
		}
	}
	return v
}

// comparable drops what cases do not compare, and makes all times of rebuilt runs equal.
func comparable(v any, key string) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, x := range v {
			switch k {
			case "internal_id", "group_info", "step_instance_id", "step_uuid", "cluster_name", "errors":
				continue
			}
			out[k] = comparable(x, k)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, x := range v {
			if line, ok := x.(object); ok && key == "timeline" && line["type"] == "LOG" && line["level"] == "INFO" {
				continue
			}
			out = append(out, comparable(x, key))
		}
		return out
	case json.Number:
		if n, err := v.Int64(); err == nil && n >= epoch && n < epoch+span {
			return "<time>"
		}
		return v.String()
	}
	return v
}

func text(t *testing.T, v any) []byte {
	t.Helper()
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func node(t *testing.T, v any) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON(text(t, v), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func parse(t *testing.T, out []byte) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(string(out)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, out)
	}
	return v
}

// differences lists where two values differ.
func differences(want, got any, path string) []string {
	switch w := want.(type) {
	case object:
		g, ok := got.(object)
		if !ok {
			break
		}
		var out []string
		for k := range w {
			if x, ok := g[k]; ok {
				out = append(out, differences(w[k], x, path+"."+k)...)
			} else {
				out = append(out, fmt.Sprintf("%s.%s: missing, want %v", path, k, w[k]))
			}
		}
		for k := range g {
			if _, ok := w[k]; !ok {
				out = append(out, fmt.Sprintf("%s.%s: unwanted %v", path, k, g[k]))
			}
		}
		slices.Sort(out)
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		var out []string
		for i := range w {
			out = append(out, differences(w[i], g[i], path+"."+strconv.Itoa(i))...)
		}
		return out
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %v, got %v", path, want, got)}
}

func str(v any) string { s, _ := v.(string); return s }

func num(v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, _ := n.Int64()
	return i
}

func rebuildInstance(t *testing.T, v object) (*instance.Run, *fakeLanguage) {
	t.Helper()
	config := v["run_config"].(object)
	h := &instance.Header{
		Correlation: str(v["correlation_id"]), Requested: num(v["request_time"]), Policy: str(config["policy"]),
		Initiator: text(t, v["initiator"]), RunConfig: text(t, config), RunParams: text(t, v["run_params"]),
		Properties: text(t, v["run_properties"]), Tags: text(t, config["runtime_tags"]),
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
	lang := &fakeLanguage{params: map[string]*param.Params{}, timeouts: map[int]int64{}, retries: map[int]spec.Retry{}, tags: map[int]spec.Tags{}}
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
			lang.tags[i] = append(lang.tags[i], spec.DecodeTag(item, spec.Rules{}, &problems))
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
			now.Status = instance.SignalSkipped
			line := instance.InfoLine("User [tester] take action [BYPASS_STEP_DEPENDENCIES] on the step")
			line.At = epoch
			a.Lines = append(a.Lines, line)
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

// replies yields every instance and every step of a case, with the path that was asked.
func replies(c recordedCase, visit func(call int, path string, v object)) {
	for i, call := range c.Calls {
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case object:
				if v["runtime_dag"] != nil || v["step_retry"] != nil {
					visit(i, call.Path, concrete(v).(object))
					return
				}
				for _, x := range v {
					walk(x)
				}
			case []any:
				for _, x := range v {
					walk(x)
				}
			}
		}
		walk(call.Reply)
	}
}

func runKey(v object) string {
	return fmt.Sprint(v["workflow_id"], v["workflow_instance_id"], v["workflow_run_id"])
}

// TestRecorded rebuilds every recorded instance and step.
func TestRecorded(t *testing.T) {
	for name, c := range recordedCases(t) {
		t.Run(name, func(t *testing.T) {
			last := make(map[string]object)             // the last reply about each run
			steps := make(map[string]map[string]object) // the last reply about each step of it
			views := make(map[string]object)            // the last aggregated view
			replies(c, func(_ int, _ string, v object) {
				if v["runtime_dag"] == nil {
					if steps[runKey(v)] == nil {
						steps[runKey(v)] = make(map[string]object)
					}
					old := steps[runKey(v)][str(v["step_id"])]
					if old == nil || num(old["step_attempt_id"]) <= num(v["step_attempt_id"]) {
						steps[runKey(v)][str(v["step_id"])] = v
					}
					return
				}
				last[runKey(v)] = v
			})
			replies(c, func(call int, path string, v object) {
				if v["runtime_dag"] != nil {
					checkInstance(t, call, path, v, steps, views)
					return
				}
				if last[runKey(v)] == nil {
					return
				}
				r, lang := rebuildInstance(t, last[runKey(v)])
				i := rebuildStep(t, r, lang, v)
				enriched := !strings.HasSuffix(strings.SplitN(path, "?", 2)[0], "/steps") && !strings.Contains(path, "enriched=")
				got := view.AppendStep(nil, view.Step{Run: r, Ordinal: i, Enriched: enriched})
				report(t, call, path, v, parse(t, got))
			})
		})
	}
}

func checkInstance(t *testing.T, call int, path string, v object, all map[string]map[string]object, views map[string]object) {
	t.Helper()
	steps := all[runKey(v)]
	earlier := func(run int64, step string) map[string][]byte {
		out := make(map[string][]byte)
		if was, ok := all[fmt.Sprint(v["workflow_id"], v["workflow_instance_id"], run)][step]["artifacts"].(object); ok {
			for k, x := range was {
				out[k] = text(t, x)
			}
		}
		return out
	}
	r, lang := rebuildInstance(t, v)
	before := views[fmt.Sprint(v["workflow_id"], v["workflow_instance_id"], num(v["workflow_run_id"])-1)]
	if before != nil {
		r.Header.Baseline = text(t, before)
	}
	created := 0
	for _, s := range steps {
		rebuildStep(t, r, lang, s)
		created++
	}
	aggregate := view.NotAggregated
	if v["aggregated_info"] != nil {
		aggregate = view.AllRuns
		if strings.Contains(path, "/runs?") {
			aggregate = view.BeforeRun
		} else {
			views[runKey(v)] = v["aggregated_info"].(object)
		}
	}
	enriched := !strings.Contains(path, "enriched=") && !strings.Contains(path, "?first") && !strings.Contains(path, "?last")
	got := parse(t, view.AppendInstance(nil, view.Instance{
		Run: r, Aggregate: aggregate, Earlier: earlier, Enriched: enriched || strings.Contains(path, "enriched=true"),
	})).(object)

	// Without all of its steps as they were then, and without the runs before it, a run cannot be counted.
	whole := (v["end_time"] != nil || created == 0) && (num(v["workflow_run_id"]) == 1 || before != nil)
	if o, ok := v["runtime_overview"].(object); ok {
		n, by := int64(0), o["step_overview"].(object)
		for _, s := range by {
			n += num(s.(object)["cnt"])
		}
		whole = whole && n == int64(created)
		for _, s := range steps {
			whole = whole && by[str(s["runtime_state"].(object)["status"])] != nil
		}
	}
	if !whole {
		for _, k := range []string{"runtime_overview", "aggregated_info"} {
			if v[k] != nil {
				got[k] = v[k]
			}
		}
	}
	report(t, call, path, v, got)
}

func report(t *testing.T, call int, path string, want object, got any) {
	t.Helper()
	for _, d := range differences(comparable(want, ""), comparable(got, ""), "") {
		t.Errorf("call %d %s: %s", call, path, d)
	}
}
