package server

import (
	"net/http"
	"strings"
	"testing"

	"maestro/api"
	"maestro/internal/engine"
	"maestro/internal/instance"
)

// request makes a request without a user.
func (s *runServer) request(method, path string) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(`{}`))
	if err != nil {
		s.t.Fatal(err)
	}
	return req
}

func (s *runServer) do(req *http.Request) int {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestReadSteps(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, twoSteps)
	s.apply(t, f, instance.Start{At: 1010})
	b := firstStep(t, f, "b")
	s.apply(t, f, instance.Reported{At: 1020, Step: b, Attempt: 1, Outcome: instance.OutcomeUserError})
	s.apply(t, f, instance.Wake{At: 200_000})
	second := s.add(t, "wf", 1, 2, twoSteps) // queued: it has no steps yet

	s.want("GET", firstPath+"/steps/b", "", 200, `"workflow_run_id":1,"step_id":"b","step_attempt_id":2`)
	s.want("GET", firstPath+"/steps/b?enriched=false", "", 200, `"timeline":[]`)
	s.want("GET", firstPath+"/runs/1/steps/b/attempts/1", "", 200, `"status":"USER_FAILED"`)
	s.want("GET", firstPath+"/runs/1/steps/b/attempts/Latest", "", 200, `"status":"STARTING"`)
	s.want("GET", firstPath+"/steps", "", 200, `"step_id":"b"`)
	s.want("GET", firstPath+"/runs/1/steps", "", 200, `[{"workflow_id":"wf","workflow_instance_id":1,"workflow_run_id":1,"step_id":"a"`)
	for path, part := range map[string]string{
		firstPath + "/steps/zz":                       `step instance view for [wf][1][zz] not found`,
		firstPath + "/runs/2/steps":                   `Step instances of workflow instance [wf][1][2] not found`,
		firstPath + "/runs/9/steps":                   `Step instances of workflow instance [wf][1][9] not found`,
		firstPath + "/runs/1/steps/b/attempts/3":      `workflow instance [wf][1][1]'s step instance [b][3] not found`,
		firstPath + "/runs/2/steps/a/attempts/latest": `'s step instance [a][latest] not found`,
		firstPath + "/runs/1/steps/b/attempts/0":      `not found`,
		"/api/v3/workflows/none/instances/1/steps/a":  `step instance view for [none][1][a] not found`,
	} {
		s.want("GET", path, "", 404, part)
	}
	s.want("GET", firstPath+"/runs/latest/steps/b/attempts/1", "", 400, "must be a number")
	s.want("GET", "/api/v3/workflows/none/instances/1/steps", "", 200, `[]`)

	// A step that the newest run has is the newest run's; one that it has not is that of the run before.
	s.apply(t, second, instance.Start{At: 300_000})
	status, body := s.ask("GET", firstPath+"/steps", "")
	if status != 200 || strings.Count(body, `"workflow_run_id":2,"step_id"`) != 2 {
		t.Errorf("got %d %s", status, body)
	}
}

func firstStep(t *testing.T, f *fakeRun, id string) int {
	t.Helper()
	i, ok := f.plan.Ordinal(id)
	if !ok {
		t.Fatalf("no step %s", id)
	}
	return i
}

func TestStepActions(t *testing.T) {
	s := newRunServer(t)
	s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
	line := instance.Line{At: 9, Type: "LOG", Level: "INFO", Message: "User [alice] take action [STOP] on the step"}
	s.acted = engine.StepActed{
		WorkflowID: "wf", Instance: 1, Run: 1, Step: "a", Attempt: 1, Line: line,
		State: &instance.Attempt{Status: instance.StepStopped, Times: [10]int64{1: 5}, Ended: 8, Modified: 8},
	}
	acted := `{"workflow_id":"wf","workflow_instance_id":1,"workflow_run_id":1,"step_id":"a","step_attempt_id":1,` +
		`"timeline_event":{"timestamp":9,"type":"LOG","level":"INFO","message":"User [alice] take action [STOP] on the step"}`
	s.want("PUT", firstPath+"/steps/a/actions/stop", "", 200,
		acted+`,"step_runtime_state":{"status":"STOPPED","create_time":5,"end_time":8,"modify_time":8}}`)
	if q := s.onStep; q.Action != instance.Stop || !q.Blocking || q.Step != "a" || q.User != "alice" {
		t.Errorf("the engine was asked %+v", q)
	}
	s.want("PUT", firstPath+"/steps/a/actions/kill?blocking=False", "", 200, acted+`}`)
	if q := s.onStep; q.Action != instance.Kill || q.Blocking {
		t.Errorf("the engine was asked %+v", q)
	}
	s.acted.Action = instance.Bypass
	s.want("PUT", firstPath+"/steps/a/actions/bypass", "", 200, acted+`}`)
	s.want("PUT", firstPath+"/steps/a/actions/stop?blocking=perhaps", "", 400, "blocking")

	s.acted.Restarted = &engine.Started{WorkflowID: "wf", Version: 2, Instance: 1, Run: 2, Status: "CREATED"}
	s.acted.Run = 2
	s.want("PUT", firstPath+"/steps/a/actions/skip", "", 200, `{"workflow_id":"wf","workflow_instance_id":1,"workflow_run_id":2,"timeline_event":`)

	s.err = api.RequestTimeout
	s.want("PUT", firstPath+"/steps/a/actions/stop", "", 408, `"status":"REQUEST_TIMEOUT"`)
	s.err = api.Conflict
	s.want("PUT", firstPath+"/steps/a/actions/stop", "", 409, `"status":"CONFLICT"`)
}

func TestRestartStep(t *testing.T) {
	s := newRunServer(t)
	s.apply(t, s.add(t, "wf", 1, 1, httpStep), instance.Start{At: 1010})
	path, body := firstPath+"/steps/a/actions/restart", `{"restart_policy":"RESTART_FROM_INCOMPLETE","step_run_params":{"x":{"value":20,"type":"LONG"}},`+
		`"upstream_restart_mode":"RESTART_FROM_INLINE_ROOT"}`
	s.acted = engine.StepActed{WorkflowID: "wf", Version: 2, Instance: 1, Run: 1, Step: "a", Action: instance.Restart, Attempt: 2, Line: instance.InfoLine("m")}
	s.want("POST", path, body, 200, `{"workflow_id":"wf","workflow_version_id":2,"workflow_instance_id":1,"workflow_run_id":1,"step_id":"a","step_attempt_id":2,"status":"CREATED","timeline_event":`)
	if q := s.restart; !q.Inline || q.StepParams.Get("x") == nil || q.Policy != "RESTART_FROM_INCOMPLETE" || q.Step != "a" {
		t.Errorf("the engine was asked %+v", q)
	}
	s.acted.Version, s.acted.Run = 5, 2
	s.acted.Restarted = &engine.Started{WorkflowID: "wf", Version: 5, Instance: 1, Run: 2, Status: "CREATED"}
	s.want("POST", path, body, 200, `{"workflow_id":"wf","workflow_version_id":5,"workflow_instance_id":1,"workflow_run_id":2,"status":"CREATED","timeline_event":`)
	s.acted.Restarted.Status = "DUPLICATED"
	s.want("POST", path, body, 200, `{"workflow_id":"wf","workflow_version_id":5,"workflow_instance_id":1,"status":"DUPLICATED","timeline_event":`)
}
