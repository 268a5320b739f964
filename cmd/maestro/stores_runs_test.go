package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// kinds are workflows whose runs are of every kind there is in a store, and what becomes of each run in the end, oldest
// instance first, the runs of an instance in order.
var kinds = []struct {
	id, properties, workflow string
	steps                    []string
	ends                     string
}{
	{id: "values", ends: "SUCCEEDED SUCCEEDED", workflow: `"tags":["of-workflow"],"timeout":"${hours} hours","params":{"hours":{"type":"LONG","value":30},` + everyType + `},`, steps: []string{
		noop("a", `"params":{`+everyType+`,"out":{"type":"STRING","expression":"text + n"},"uid":{"type":"LONG","expression":"Util.dateIntToTs(20240131)"}},"tags":["of-step"],`+to(`"b":"n > 1","c":"n < 1"`)),
		noop("b", to(`"d":"a__n == 5"`)), noop("c", to(`"d":"true"`)), noop("d", ""),
	}},
	{id: "shell", ends: "SUCCEEDED", steps: []string{
		shellDoes("s", "done", `"rows":{"type":"LONG","value":1}`, to(`"t":"rows == 7"`)), shellDoes("t", "signals", "", `"signal_outputs":[{"name":"told","params":{"n":{"type":"LONG","value":1}}}],`),
	}},
	{id: "failed", ends: "FAILED SUCCEEDED", steps: []string{
		noop("a", to(`"b":"true"`)), shellDoes("b", "${how}", "", noRetry+to(`"c":"true"`)), noop("c", `"params":{"x":{"type":"STRING","expression":"a__step_id"}},`),
	}, workflow: `"params":{"how":{"type":"STRING","value":"fail"}},`},
	{id: "skipped", ends: "FAILED SUCCEEDED", steps: []string{shellDoes("a", "fail", "", noRetry+to(`"b":"true"`)), noop("b", "")}},
	{id: "unblocked", properties: `,"run_strategy":"STRICT_SEQUENTIAL"`, ends: "FAILED SUCCEEDED", steps: []string{shellDoes("a", "${how}", "", noRetry)}, workflow: `"params":{"how":{"type":"STRING","value":"fail"}},`},
	{id: "ignored", ends: "SUCCEEDED", steps: []string{shellDoes("a", "fail", "", noRetry+`"failure_mode":"IGNORE_FAILURE",`+to(`"b":"true"`)), noop("b", "")}},
	{id: "unstarted", ends: "FAILED", workflow: `"params":{"d":{"type":"LONG","value":1},"x":{"type":"LONG","expression":"10 / d"}},`, steps: []string{noop("a", "")}},
	{id: "retry", ends: "SUCCEEDED", steps: []string{shellDoes("a", "fail", "", `"retry_policy":{"error_retry_limit":3,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":600}},`)}},
	{id: "sleep", ends: "SUCCEEDED", steps: []string{nap("a", 600, to(`"b":"RUN_DATE == '20000101'"`)), noop("b", "")}},
	{id: "outside", ends: "SUCCEEDED", steps: []string{shellDoes("a", "hold", `"rows":{"type":"LONG","value":1}`, to(`"b":"rows == 7"`)), noop("b", "")}},
	{id: "many", ends: "SUCCEEDED", steps: []string{shellDoes("a", "many", `"rows":{"type":"LONG","value":1}`, to(`"b":"true"`)), noop("b", "")}},
	{id: "signals", ends: "SUCCEEDED SUCCEEDED", steps: []string{noop("a", `"signal_dependencies":[{"name":"first","match_params":{"n":{"param":{"type":"LONG","value":1},"operator":"="}}},{"name":"second"}],`)}},
	{id: "triggered", ends: "SUCCEEDED", workflow: `"signal_triggers":[{"definitions":{"first":{}},"params":{"p":{"type":"LONG","value":4}}}],`, steps: []string{nap("a", 600, "")}},
	{id: "permits", properties: `,"step_concurrency":1`, ends: "SUCCEEDED", steps: []string{shellDoes("a", "hold", "", ""), shellDoes("b", "hold", "", "")}},
	{id: "limited", ends: "SUCCEEDED SUCCEEDED", steps: []string{shellDoes("a", "hold", "", `"tags":["scarce"],`)}},
	{id: "held", ends: "SUCCEEDED", steps: []string{noop("a", to(`"b":"true"`)), noop("b", "")}},
	{id: "queue", properties: `,"run_strategy":"SEQUENTIAL"`, ends: "SUCCEEDED SUCCEEDED STOPPED", steps: []string{nap("a", 600, "")}},
	{id: "stopped", ends: "STOPPED FAILED STOPPED", steps: []string{shellDoes("a", "${how}", "", ""), nap("b", 600, "")}, workflow: `"params":{"how":{"type":"STRING","value":"hold"}},`},
	{id: "late", ends: "TIMED_OUT TIMED_OUT", workflow: `"timeout":"1h",`, steps: []string{nap("a", 60000, "")}},
	{id: "again", ends: "FAILED SUCCEEDED", steps: []string{shellDoes("a", "${how}", "", noRetry+to(`"b":"true"`)), shellDoes("b", "hold", "", ""), noop("c", "")}, workflow: `"params":{"how":{"type":"STRING","value":"fail"}},`},
	{id: "template", ends: "SUCCEEDED SUCCEEDED", steps: []string{shellDoes("a", "${how}", `"how":{"type":"STRING","expression":"word"}`, `"sub_type":"own",`)}, workflow: `"params":{"word":{"type":"STRING","value":"hold"}},`},
	{id: "instep", ends: "SUCCEEDED", steps: []string{shellDoes("a", "fail", `"k":{"type":"LONG","value":1}`, noRetry), nap("b", 600, "")}},
}

const (
	everyType = `"text":{"type":"STRING","value":"x-${n}"},"n":{"type":"LONG","value":5},"d":{"type":"DOUBLE","value":1.50},"yes":{"type":"BOOLEAN","value":true},` +
		`"texts":{"type":"STRING_ARRAY","value":["a","${text}"]},"longs":{"type":"LONG_ARRAY","value":[1,2]},"doubles":{"type":"DOUBLE_ARRAY","value":[0.1,2]},` +
		`"flags":{"type":"BOOLEAN_ARRAY","value":[true,false]},"pairs":{"type":"STRING_MAP","value":{"k":"${n}"}},` +
		`"map":{"type":"MAP","value":{"in":{"type":"LONG","expression":"n * 2"},"deep":{"type":"MAP","value":{"s":{"type":"STRING","value":"t"}}}}},` +
		`"made":{"type":"LONG_ARRAY","expression":"return new long[]{n, 7};"}`
	noRetry = `"retry_policy":{"error_retry_limit":0},`
)

func to(successors string) string { return `"transition":{"successors":{` + successors + `}},` }

func noop(id, more string) string { return fmt.Sprintf(`{"step":{%s"id":%q,"type":"NoOp"}}`, more, id) }

func nap(id string, seconds int, more string) string {
	return fmt.Sprintf(`{"step":{%s"id":%q,"type":"Sleep","params":{"sleep_seconds":{"type":"LONG","value":%d}}}}`, more, id, seconds)
}

// shellDoes is a step whose script is what becomes of it (house.Start).
func shellDoes(id, script, params, more string) string {
	if params != "" {
		params += ","
	}
	return fmt.Sprintf(`{"step":{%s"id":%q,"type":"Shell","params":{%s"shell":{"type":"STRING_MAP","value":{"script":%q}}}}}`, more, id, params, script)
}

// makeRuns starts runs of every kind and lets them come as far as they do.
func makeRuns(h *house) {
	h.t.Helper()
	h.must("POST", "/api/v3/tag-permits", `{"tag":"scarce","max_allowed":1}`)
	h.must("POST", "/api/v3/job-templates", `{"owner":"o","status":"s","support":"u","definition":{"job_type":"own","version":"default","step_type":"Shell","tags":["of-template"],"params":{"given":{"type":"STRING","value":"by the template"}}}}`)
	h.must("POST", "/api/v3/workflows", `{"properties":{"owner":"tester"},"workflow":{"id":"gone","steps":[`+noop("a", "")+`]}}`)
	for _, w := range kinds {
		properties := `{"owner":"tester"` + w.properties + `}`
		if !strings.Contains(w.properties, "run_strategy") {
			properties = `{"owner":"tester","run_strategy":"PARALLEL"` + w.properties + `}`
		}
		h.must("POST", "/api/v3/workflows", fmt.Sprintf(`{"properties":%s,"workflow":{%s"id":%q,"steps":[%s]}}`, properties, w.workflow, w.id, strings.Join(w.steps, ",")))
	}
	at := func(id string, instance int) string {
		return fmt.Sprintf("/api/v3/workflows/%s/instances/%d", id, instance)
	}
	start := func(id, more string) {
		h.must("POST", "/api/v3/workflows/"+id+"/versions/active/actions/start", `{"initiator":{"type":"manual"}`+more+`}`)
	}
	start("late", "")
	time.Sleep(2 * time.Hour)
	h.must("POST", "/api/v3/workflows/steps/breakpoints", `{"workflow_id":"held","step_id":"b"}`)
	started := []string{"shell", "failed", "skipped", "unblocked", "ignored", "retry", "sleep", "outside", "many", "signals", "signals", "permits", "limited", "limited", "held", "queue", "queue", "queue",
		"stopped", "stopped", "late", "again", "instep"}
	for _, id := range started {
		start(id, "")
	}
	start("values", "")
	start("values", `,"run_params":{"n":{"type":"LONG","value":2},"text":{"type":"STRING","expression":"'run ' + n"},"map":{"type":"MAP","value":{"in":{"type":"LONG","value":3}}},"own":{"type":"STRING_MAP","value":{"a":"b"}}},
		"runtime_tags":["t",{"name":"u","namespace":"PLATFORM"}],"artifacts":{"mine":{"k":"v"}},"request_time":5,"request_id":"6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f"`)
	start("template", "")
	start("template", `,"run_params":{"word":{"type":"STRING","value":"done"}}`)
	start("gone", "")
	start("unstarted", `,"persist_failed_run":true,"run_params":{"d":{"type":"LONG","value":0}}`)
	start("stopped", `,"run_params":{"how":{"type":"STRING","value":"stubborn"}}`)
	h.quiet()
	h.must("POST", "/api/v3/signals", `{"name":"first","params":{"n":1,"s":"t"}}`)
	h.quiet()

	h.must("POST", at("failed", 1)+"/actions/restart", `{"restart_policy":"RESTART_FROM_INCOMPLETE","run_params":{"how":{"type":"STRING","value":"done"}}}`)
	h.must("PUT", at("skipped", 1)+"/steps/a/actions/skip", "")
	h.must("PUT", "/api/v3/workflows/unblocked/instances/1/actions/unblock", "")
	start("unblocked", `,"run_params":{"how":{"type":"STRING","value":"done"}}`)
	h.must("PUT", at("stopped", 1)+"/actions/stop", "")
	h.must("PUT", at("stopped", 2)+"/actions/kill", "")
	h.call("PUT", at("stopped", 3)+"/actions/stop?blocking=false", "")
	h.must("PUT", at("queue", 3)+"/actions/stop", "")
	h.must("POST", at("instep", 1)+"/steps/a/actions/restart?blocking=false", `{"restart_policy":"RESTART_FROM_INCOMPLETE","step_run_params":{"k":{"type":"LONG","value":2},"shell":{"type":"STRING_MAP","value":{"script":"hold"}}}}`)
	h.must("POST", at("again", 1)+"/actions/restart", `{"restart_policy":"RESTART_FROM_BEGINNING","run_params":{"how":{"type":"STRING","value":"hold"}}}`)
	h.must("DELETE", "/api/v3/workflows/gone", "")
	h.quiet()
}

// finish brings all runs to their ends and compares these with kinds.
func finish(h *house) {
	h.t.Helper()
	h.mu.Lock()
	h.finishes = true
	waiting := h.held
	h.held = nil
	h.mu.Unlock()
	for _, w := range waiting {
		h.Start(h.t.Context(), w.attempt, w.to)
	}
	h.must("DELETE", "/api/v3/workflows/steps/breakpoints?workflowId=held&stepId=b&resume=true", "")
	h.must("POST", "/api/v3/signals", `{"name":"second"}`)
	h.must("DELETE", "/api/v3/tag-permits/scarce", "")
	time.Sleep(90 * time.Minute)
	h.quiet()
	ends := make(map[string][]string)
	for _, id := range h.workflows() {
		for _, path := range h.runsOf(id) {
			status, _ := dig(h.must("GET", path, ""), "status").(string)
			ends[id] = append(ends[id], status)
		}
	}
	for _, w := range kinds {
		if got := strings.Join(ends[w.id], " "); got != w.ends {
			h.t.Errorf("runs of %s ended as %s, want %s", w.id, got, w.ends)
		}
		delete(ends, w.id)
	}
	if len(ends) > 0 {
		h.t.Errorf("nobody knows how these should end: %v", slices.Sorted(maps.Keys(ends)))
	}
}
