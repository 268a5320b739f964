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

// The recorded replies of the reference server, in the folder conformance, hold everything that a run consists of. These
// tests take a reply apart, build the run it tells of, and want the view of that run to be the reply again.

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
	const dir = "../../conformance/runs"
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

func defsOf(t *testing.T, v any) *param.Defs {
	t.Helper()
	d := new(param.Defs)
	if err := d.UnmarshalJSON(text(t, v)); v != nil && err != nil {
		t.Fatal(err)
	}
	return d
}

func tagsOf(t *testing.T, v any) (tags spec.Tags) {
	t.Helper()
	if v == nil {
		return nil
	}
	for _, item := range node(t, v).Items {
		tags = append(tags, spec.DecodeTag(item, spec.Rules{}, new(doc.Problems)))
	}
	return tags
}

// baselineOf reads an aggregated_info.
func baselineOf(v any) *instance.Baseline {
	status, _ := instance.ParseRunStatus(str(v.(object)["workflow_instance_status"]))
	b := &instance.Baseline{Status: status, Steps: make(map[string]instance.View)}
	steps, _ := v.(object)["step_aggregated_views"].(object)
	for id, s := range steps {
		of := s.(object)
		was, _ := instance.ParseStepStatus(str(of["status"]))
		b.Steps[id] = instance.View{Run: num(of["workflow_run_id"]), Status: was, Start: num(of["start_time"]), End: num(of["end_time"])}
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
		r.Header.Baseline = baselineOf(before)
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
