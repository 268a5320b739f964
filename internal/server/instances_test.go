package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/instance"
)

func TestStart(t *testing.T) {
	s := newRunServer(t)
	s.started = engine.Started{
		WorkflowID: "wf", Version: 3, Instance: 17, Run: 1, UUID: runUUID, Status: "CREATED",
		Line: instance.Line{At: 9, Type: "LOG", Level: "INFO", Message: "said"},
	}
	path := flowPath + "/versions/latest/actions/start"
	s.want("POST", path, `{"initiator":{"type":"Manual","user":"mallory"},"run_params":{"x":{"type":"LONG","expression":"1+1"}},
		"runtime_tags":["t",{"name":"u","k":1}],"artifacts":{"mine":{"type":"DEFAULT","k":"v"},"other":{"type":"http","n":1}},"request_time":5,"persist_failed_run":true,
		"request_id":"6D2C1A3E-8f4b-4c1d-9e2f-0a1b2c3d4e5f"}`, 200,
		`{"workflow_id":"wf","workflow_version_id":3,"workflow_instance_id":17,"workflow_run_id":1,"workflow_uuid":"`+runUUID+
			`","status":"CREATED","timeline_event":{"timestamp":9,"type":"LOG","level":"INFO","message":"said"}}`)
	q := s.start
	if q.WorkflowID != "wf" || q.Version != "latest" || q.Initiator.User != "alice" || q.Requested != 5 || !q.PersistFailed ||
		q.RequestID != runUUID || q.RunParams.Get("x") == nil || len(q.RuntimeTags) != 2 || string(q.Artifacts) != `{"mine":{"k":"v"},"other":{"type":"HTTP","n":1}}` ||
		string(q.Initiator.JSON) != `{"depth":0,"type":"MANUAL","user":"alice"}` {
		t.Errorf("the engine was asked %+v", q)
	}
	s.want("POST", path, `{"initiator":{"type":"time","trigger_uuid":"u","trigger_time":7,"timezone":"UTC"}}`, 200, "CREATED")
	if got := string(s.start.Initiator.JSON); got != `{"trigger_uuid":"u","trigger_time":7,"timezone":"UTC","depth":0,"type":"TIME"}` || s.start.Initiator.Time.TriggerTime != 7 {
		t.Errorf("time initiator: %s", got)
	}
	s.want("POST", path, `{"initiator":{"type":"signal","trigger_uuid":"u","signal_id_map":{"s":4}},"request_id":""}`, 200, "CREATED")
	if q := s.start; q.Initiator.Signal.SignalIDs["s"] != 4 || q.RequestID != "" {
		t.Errorf("signal initiator: %+v", q.Initiator.Signal)
	}
	s.started.Status = "DUPLICATED"
	s.want("POST", path, `{"initiator":{"type":"manual"}}`, 200, `"workflow_instance_id":0,"workflow_run_id":0`)
	s.want("POST", firstPath+"/actions/restart", `{"restart_policy":"RESTART_FROM_BEGINNING"}`, 200, `"workflow_instance_id":17,"workflow_run_id":0`)
}

// TestBadStarts lists bodies that are refused before the engine is asked.
func TestBadStarts(t *testing.T) {
	s := newRunServer(t)
	many := make([]string, 129)
	for i := range many {
		many[i] = fmt.Sprintf(`"p%d":{"type":"LONG","value":1}`, i)
	}
	start, restart, step := flowPath+"/versions/1/actions/start", firstPath+"/actions/restart", firstPath+"/steps/a/actions/restart"
	for _, c := range []struct{ path, body, part string }{
		{start, `{}`, `initiator may not be null`},
		{start, `{"initiator":null}`, `initiator may not be null`},
		{start, `{"initiator":{"type":"nobody"}}`, `must be one of MANUAL, TIME, SIGNAL`},
		{start, `{"initiator":{"user":"x"}}`, `must be one of`},
		{start, `{"initiator":{"type":"foreach","ancestors":[]}}`, `cannot be started from outside as a FOREACH`},
		{start, `{"initiator":{"type":"time","trigger_time":1,"timezone":"UTC"}}`, `initiator.trigger_uuid may not be null`},
		{start, `{"initiator":{"type":"manual","usr":"x"}}`, "unknown field `usr`, did you mean `user`?"},
		{start, `{"initiator":{"type":"manual"},"run_param":{}}`, "unknown field `run_param`, did you mean `run_params`?"},
		{start, `{"initiator":{"type":"manual"},"step_run_params":{}}`, "unknown field `step_run_params`"},
		{start, `{"initiator":{"type":"manual"},"request_id":"hello"}`, `must be a UUID`},
		{start, `{"initiator":{"type":"manual"},"request_time":"soon"}`, `request_time must be an integer`},
		{start, `{"initiator":{"type":"manual"},"runtime_tags":["a","a"]}`, `two tags`},
		{start, `{"initiator":{"type":"manual"},"run_params":{"params":{"value":"x","type":"STRING"}}}`, `cannot use any of reserved param names`},
		{start, `{"initiator":{"type":"manual"},"run_params":{"x":{"value":"v","type":"STRING","source":"LAUNCH"}}}`, `cannot set param source`},
		{start, `{"initiator":{"type":"manual"},"run_params":{"x":{"value":"v"}}}`, `JSON parse error`},
		{start, `{"initiator":{"type":"manual"},"run_params":{` + strings.Join(many, ",") + `}}`, `more than param size limit 128`},
		{start, `{"initiator":{"type":"manual"},"artifacts":{"a":1}}`, `artifacts.a must be an object`},
		{start, `[]`, `must be an object`},
		{start, `{`, `JSON parse error`},
		{restart, `{}`, `restart_policy may not be null`},
		{restart, `{"restart_policy":"RESTART_FROM_SPECIFIC"}`, `must be one of RESTART_FROM_INCOMPLETE, RESTART_FROM_BEGINNING`},
		{restart, `{"restart_policy":"restart_from_beginning"}`, "did you mean `RESTART_FROM_BEGINNING`?"},
		{restart, `{"restart_policy":"RESTART_FROM_BEGINNING","skip_steps":["a"]}`, "unknown field `skip_steps`"},
		{step, `{"restart_policy":"RESTART_FROM_INCOMPLETE","upstream_restart_mode":"NOPE"}`, `must be one of RESTART_FROM_INLINE_ROOT`},
		{step, `{"restart_policy":"RESTART_FROM_INCOMPLETE","nope":1}`, "unknown field `nope`"},
	} {
		s.want("POST", c.path, c.body, 400, c.part)
	}
	if s.start.WorkflowID != "" || s.restart.WorkflowID != "" {
		t.Error("the engine was asked")
	}
}

// TestCallerIsNeeded checks that writes want a user, and reads do not.
func TestCallerIsNeeded(t *testing.T) {
	s := newRunServer(t)
	s.add(t, "wf", 1, 1, noopStep)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"POST", flowPath + "/versions/1/actions/start", 400}, {"POST", firstPath + "/actions/restart", 400},
		{"PUT", flowPath + "/actions/stop", 400}, {"PUT", flowPath + "/actions/unblock", 400}, {"PUT", firstPath + "/actions/kill", 400},
		{"PUT", firstPath + "/actions/unblock", 400}, {"PUT", firstPath + "/steps/a/actions/skip", 400},
		{"POST", firstPath + "/steps/a/actions/restart", 400}, {"GET", firstPath, 200},
	} {
		req := s.request(c.method, c.path)
		if resp := s.do(req); resp != c.want {
			t.Errorf("%s %s without user: %d, want %d", c.method, c.path, resp, c.want)
		}
	}
}

func TestActions(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, httpStep)
	s.apply(t, f, instance.Start{At: 1010})
	s.counts = [2]int{2, 3}
	s.want("PUT", flowPath+"/actions/stop", "", 202, `{"timestamp":7000,"type":"ACTION","action":"STOP","author":"alice",`+
		`"message":"Terminated [2] queued instances and terminating [3] running instances",`+
		`"reason":"All workflow instances of workflow id [wf] are terminated to status [STOPPED] by the caller [alice]"}`)
	s.want("PUT", flowPath+"/actions/kill", "", 202, `to status [FAILED] by`)
	s.want("PUT", flowPath+"/actions/unblock", "", 200, `"message":"Unblocked [2] failed workflow instances.","reason":"Unblock workflow [wf]"`)
	if s.unblocked.Message != "Unblocked the workflow." {
		t.Errorf("instances are told %q", s.unblocked.Message)
	}
	s.runDone = engine.RunActed{WorkflowID: "wf", Instance: 1, Run: 1, Status: instance.InProgress, Info: "soon", Line: instance.InfoLine("m")}
	s.want("PUT", firstPath+"/actions/kill", "", 200, `{"workflow_id":"wf","workflow_instance_id":1,"workflow_run_id":1,`+
		`"workflow_instance_status":"IN_PROGRESS","info":"soon","timeline_event":{"timestamp":0,"type":"LOG","level":"INFO","message":"m"},"completed":false}`)
	if s.onRun.Action != instance.Kill || s.onRun.User != "alice" {
		t.Errorf("the engine was asked %+v", s.onRun)
	}
	s.want("PUT", firstPath+"/runs/2/actions/stop", "", 200, "")
	if s.onRun.Run != 2 || s.onRun.Action != instance.Stop {
		t.Errorf("the engine was asked %+v", s.onRun)
	}
	s.want("PUT", flowPath+"/instances/0/actions/stop", "", 404, `workflow instance [wf][0][0] not found`)
	s.want("PUT", firstPath+"/runs/1/actions/unblock", "", 200, `"workflow_instance_status":"FAILED","info":"The action is done."`)
	s.counts[0] = 0
	s.want("PUT", firstPath+"/actions/unblock", "", 200, `"info":"The action is done without any operation."`)
}

func TestReadInstances(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, noopStep)
	s.apply(t, f, instance.Start{At: 1010})
	g := s.add(t, "wf", 1, 2, noopStep)
	g.h.Baseline = f.live.Aggregate()
	s.want("GET", firstPath, "", 200, `"workflow_run_id":2`)
	s.want("GET", firstPath, "", 200, `"aggregated_info":{"workflow_instance_status":"CREATED"`)
	s.want("GET", firstPath+"/runs/1", "", 200, `{"timestamp":1010,"type":"STATUS","status":"SUCCEEDED"}]}`)
	s.want("GET", firstPath+"/runs/1?enriched=False", "", 200, `"timeline":[]`)
	s.want("GET", firstPath+"/runs/LATEST?aggregated=yes", "", 200, `"aggregated_info"`)
	s.want("GET", firstPath+"/runs/0", "", 200, `"workflow_run_id":2`)
	s.want("GET", firstPath+"/runs/-1", "", 404, `workflow instance [wf][1][-1] not found`)
	s.want("GET", firstPath+"/runs/3", "", 404, `workflow instance [wf][1][3] not found`)
	s.want("GET", firstPath+"/runs/abc", "", 400, `"status":"BAD_REQUEST"`)
	s.want("GET", flowPath+"/instances/abc", "", 400, `"status":"BAD_REQUEST"`)
	s.want("GET", firstPath+"?enriched=maybe", "", 400, `enriched`)
	s.want("GET", firstPath+"/inline-path", "", 400, `foreach`)
}

func TestInlinePath(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "maestro_foreach_x", 2, 1, noopStep)
	f.h.Initiator = []byte(`{"ancestors":[{"workflow_id":"top","instance_id":1},{"workflow_id":"wf","instance_id":4,"step_id":"f"},` +
		`{"workflow_id":"maestro_foreach_y","instance_id":9}],"depth":3,"type":"FOREACH"}`)
	s.want("GET", "/api/v3/workflows/maestro_foreach_x/instances/2/inline-path", "", 200,
		`[{"workflow_id":"wf","instance_id":4,"step_id":"f"},{"workflow_id":"maestro_foreach_y","instance_id":9},`+
			`{"workflow_id":"maestro_foreach_x","instance_id":2,"run_id":0,"step_attempt_id":0}]`)
}

// page is what tests look at of a list.
type page struct {
	Info struct {
		Start *string `json:"start_cursor"`
		End   *string `json:"end_cursor"`
		Prev  bool    `json:"has_previous_page"`
		Next  bool    `json:"has_next_page"`
		Index *int64  `json:"start_index"`
	} `json:"page_info"`
	Total    int64 `json:"total_count"`
	Elements []struct {
		Instance   int64           `json:"workflow_instance_id"`
		Run        int64           `json:"workflow_run_id"`
		Aggregated json.RawMessage `json:"aggregated_info"`
	}
}

func (s *runServer) page(path string) (p page, text string) {
	s.t.Helper()
	status, body := s.ask("GET", path, "")
	if err := json.Unmarshal([]byte(body), &p); status != 200 || err != nil {
		s.t.Fatalf("%s: %d %v %s", path, status, err, body)
	}
	str := func(p *string) string {
		if p == nil {
			return "-"
		}
		return *p
	}
	index := int64(0)
	if p.Info.Index != nil {
		index = *p.Info.Index
	}
	return p, fmt.Sprintf("%s-%s prev=%v next=%v at=%d of %d", str(p.Info.Start), str(p.Info.End), p.Info.Prev, p.Info.Next, index, p.Total)
}

// TestListInstances follows runs/instances-listing of the recordings.
func TestListInstances(t *testing.T) {
	s := newRunServer(t)
	for i := range 5 {
		s.apply(t, s.add(t, "wf", int64(i+1), 1, noopStep), instance.Start{At: 1010})
	}
	for _, c := range []struct {
		query, info string
		elements    []int64
	}{
		{"first=2", "5-4 prev=false next=true at=1 of 5", []int64{4, 5}},
		{"first=2&cursor=4", "3-2 prev=true next=true at=3 of 5", []int64{2, 3}},
		{"first=10&cursor=2", "1-1 prev=true next=false at=5 of 5", []int64{1}},
		{"first=2&cursor=1", "--- prev=false next=false at=0 of 5", nil},
		{"last=2", "2-1 prev=true next=false at=4 of 5", []int64{1, 2}},
		{"last=2&cursor=2", "4-3 prev=true next=true at=2 of 5", []int64{3, 4}},
		{"last=10&cursor=4", "5-5 prev=false next=true at=1 of 5", []int64{5}},
		{"last=2&cursor=5", "5-5 prev=false next=true at=1 of 5", []int64{5}},
		{"first=10", "5-1 prev=false next=false at=1 of 5", []int64{1, 2, 3, 4, 5}},
	} {
		p, info := s.page(flowPath + "/instances?" + c.query)
		var got []int64
		for _, e := range p.Elements {
			got = append(got, e.Instance)
		}
		if info != c.info || !slices.Equal(got, c.elements) {
			t.Errorf("%s: got %s %v, want %s %v", c.query, info, got, c.info, c.elements)
		}
	}
	s.want("GET", "/api/v3/workflows/none/instances?first=5", "", 200,
		`{"page_info":{"start_cursor":null,"end_cursor":null,"has_previous_page":false,"has_next_page":false,"start_index":null},"total_count":0,"elements":[]}`)
	s.want("GET", "/api/v3/workflows/none/instances/1/runs?first=1&cursor=x", "", 200, `"total_count":0`)
	s.want("GET", flowPath+"/instances?first=5&cursor=x", "", 400, "not a number")
	s.want("GET", flowPath+"/instances", "", 400, "both cannot be null")
	s.want("GET", flowPath+"/instances?first=1&last=1", "", 400, "but not both")
	s.want("GET", flowPath+"/instances?first=201", "", 400, "from 1 to 200")
}

// TestListLoadsOnlyThePage counts what a page of a long list costs.
func TestListLoadsOnlyThePage(t *testing.T) {
	s := newRunServer(t)
	for i := range 300 {
		s.add(t, "wf", int64(i+1), 1, noopStep)
	}
	s.page(flowPath + "/instances?first=3")
	if s.loads != 3 {
		t.Errorf("%d runs were loaded for a page of 3", s.loads)
	}
}

func TestListRuns(t *testing.T) {
	s := newRunServer(t)
	f := s.add(t, "wf", 1, 1, noopStep)
	s.apply(t, f, instance.Start{At: 1010})
	for n := range int64(3) {
		g := s.add(t, "wf", 1, n+2, noopStep)
		g.h.Baseline = f.live.Aggregate()
		s.apply(t, g, instance.Start{At: 1010})
		f = g
	}
	p, info := s.page(firstPath + "/runs?first=2&cursor=3")
	if info != "2-1 prev=true next=false at=3 of 4" || len(p.Elements) != 2 || p.Elements[0].Run != 2 {
		t.Errorf("got %s %+v", info, p.Elements)
	}
	if p.Elements[1].Aggregated != nil || !strings.Contains(string(p.Elements[0].Aggregated), `"workflow_run_id":1`) {
		t.Errorf("the view before each run: %s, %s", p.Elements[0].Aggregated, p.Elements[1].Aggregated)
	}
	p, _ = s.page(flowPath + "/instances?first=2&aggregated=false")
	if len(p.Elements) != 1 || !strings.Contains(string(p.Elements[0].Aggregated), `"workflow_run_id":3`) {
		t.Errorf("the latest run with the view before it: %+v", p.Elements)
	}
}

// BenchmarkListPage asks for a page of a hundred instances.
func BenchmarkListPage(b *testing.B) {
	e := &fakeEngine{}
	for i := range 120 {
		e.apply(b, e.add(b, "wf", int64(i+1), 1, twoSteps), instance.Start{At: 1010})
	}
	mux := http.NewServeMux()
	NewRuns(RunsConfig{Reader: e, Watcher: e, Journal: e}).Register(func(pattern string, h HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				b.Error(err)
			}
		})
	})
	for b.Loop() {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", flowPath+"/instances?first=100", nil))
	}
}
