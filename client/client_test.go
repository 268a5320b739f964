package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"maestro/client"
)

// answer starts a server that gives the same answer to everything, and returns a client of it and the request it saw.
func answer(t *testing.T, status int, body string) (*client.Client, *string) {
	t.Helper()
	var seen string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		seen = r.Method + " " + r.RequestURI
		if kind := r.Header.Get("Content-Type"); kind != "" {
			seen += " " + kind
		}
		if len(text) > 0 {
			seen += " " + string(text)
		}
		seen += " user=" + r.Header.Get("User")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return open(t, s.URL), &seen
}

func open(t *testing.T, url string, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New(url, append([]client.Option{client.WithUser("alice")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRequests holds every method to the request it must send.
func TestRequests(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	run := client.RunRef{Workflow: "wf", Instance: 7}
	old := client.RunRef{Workflow: "wf", Instance: 7, Run: 2}
	step := client.StepRef{RunRef: run, Step: "s"}
	params := map[string]client.Param{"n": client.Long(5)}
	no := false

	const object, page, array = `{}`, `{"page_info":{},"elements":[]}`, `[]`
	tests := map[string]struct {
		do     func(c *client.Client) error
		answer string
		want   string
	}{
		"Push JSON":     {func(c *client.Client) error { _, err := c.Push(ctx, client.JSON, []byte(`{"x":1}`)); return err }, object, `POST /api/v3/workflows application/json {"x":1}`},
		"Push YAML":     {func(c *client.Client) error { _, err := c.Push(ctx, client.YAML, []byte("x: 1")); return err }, object, `POST /api/v3/workflows/yaml application/yaml x: 1`},
		"Validate JSON": {func(c *client.Client) error { _, err := c.Validate(ctx, client.JSON, []byte(`{}`)); return err }, object, `PUT /api/v3/workflows/actions/validate application/json {}`},
		"Validate YAML": {func(c *client.Client) error { _, err := c.Validate(ctx, client.YAML, []byte(`a:`)); return err }, object, `PUT /api/v3/workflows/actions/validate/yaml application/yaml a:`},
		"Version":       {func(c *client.Client) error { _, err := c.Version(ctx, "wf", "active", false); return err }, object, `GET /api/v3/workflows/wf/versions/active`},
		"Version enriched": {func(c *client.Client) error { _, err := c.Version(ctx, "wf", "3", true); return err }, object,
			`GET /api/v3/workflows/wf/versions/3?enriched=true`},
		"VersionsPage": {func(c *client.Client) error {
			_, err := c.VersionsPage(ctx, "wf", client.PageRequest{Cursor: "9"})
			return err
		}, page, `GET /api/v3/workflows/wf/versions/pagination?cursor=9&first=50`},
		"Activate":   {func(c *client.Client) error { _, err := c.Activate(ctx, "wf", "3"); return err }, object, `PUT /api/v3/workflows/wf/versions/3/actions/activate`},
		"Deactivate": {func(c *client.Client) error { _, err := c.Deactivate(ctx, "wf"); return err }, object, `PUT /api/v3/workflows/wf/actions/deactivate`},
		"WorkflowsPage": {func(c *client.Client) error {
			_, err := c.WorkflowsPage(ctx, "a b", client.PageRequest{Size: 5})
			return err
		}, page, `GET /api/v3/workflows?first=5&prefix=a+b`},
		"Overview":   {func(c *client.Client) error { _, err := c.Overview(ctx, "wf"); return err }, object, `GET /api/v3/workflows/wf/overview`},
		"Timeline":   {func(c *client.Client) error { _, err := c.Timeline(ctx, "wf"); return err }, object, `GET /api/v3/workflows/wf/timeline`},
		"Properties": {func(c *client.Client) error { _, err := c.Properties(ctx, "wf"); return err }, object, `GET /api/v3/workflows/wf/properties-snapshot/latest`},
		"SetProperties": {func(c *client.Client) error {
			_, err := c.SetProperties(ctx, "wf", client.PropertiesChange{TimeTriggerDisabled: &no})
			return err
		}, object, `POST /api/v3/workflows/wf/properties application/json {"time_trigger_disabled":false}`},
		"PutTag":     {func(c *client.Client) error { _, err := c.PutTag(ctx, "wf", "t", map[string]any{"k": 1}); return err }, object, `POST /api/v3/workflows/wf/properties/tag application/json {"k":1,"name":"t"}`},
		"DeleteTag":  {func(c *client.Client) error { _, err := c.DeleteTag(ctx, "wf", "a/b c"); return err }, object, `DELETE /api/v3/workflows/wf/properties/tag/a%2Fb%20c`},
		"Delete":     {func(c *client.Client) error { _, err := c.Delete(ctx, "wf"); return err }, object, `DELETE /api/v3/workflows/wf`},
		"StopAll":    {func(c *client.Client) error { _, err := c.StopAll(ctx, "wf"); return err }, object, `PUT /api/v3/workflows/wf/actions/stop`},
		"KillAll":    {func(c *client.Client) error { _, err := c.KillAll(ctx, "wf"); return err }, object, `PUT /api/v3/workflows/wf/actions/kill`},
		"UnblockAll": {func(c *client.Client) error { _, err := c.UnblockAll(ctx, "wf"); return err }, object, `PUT /api/v3/workflows/wf/actions/unblock`},
		"Start":      {func(c *client.Client) error { _, err := c.Start(ctx, "wf", client.StartRequest{}); return err }, object, `POST /api/v3/workflows/wf/versions/default/actions/start application/json {"initiator":{"type":"MANUAL"}}`},
		"Start with everything": {func(c *client.Client) error {
			_, err := c.Start(ctx, "wf", client.StartRequest{Version: "3", RequestID: "u", Params: params, RuntimeTags: []string{"t"}, PersistFailedRun: true})
			return err
		}, object, `POST /api/v3/workflows/wf/versions/3/actions/start application/json {"initiator":{"type":"MANUAL"},"request_id":"u","runtime_tags":["t"],"run_params":{"n":{"type":"LONG","value":5}},"persist_failed_run":true}`},
		"Restart": {func(c *client.Client) error {
			_, err := c.Restart(ctx, run, client.RestartRequest{Params: params, RequestID: "u"})
			return err
		}, object, `POST /api/v3/workflows/wf/instances/7/actions/restart application/json {"restart_policy":"RESTART_FROM_INCOMPLETE","run_params":{"n":{"type":"LONG","value":5}},"request_id":"u"}`},
		"Instance":      {func(c *client.Client) error { _, err := c.Instance(ctx, run, true); return err }, object, `GET /api/v3/workflows/wf/instances/7?enriched=true`},
		"Instance run":  {func(c *client.Client) error { _, err := c.Instance(ctx, old, false); return err }, object, `GET /api/v3/workflows/wf/instances/7/runs/2?aggregated=true`},
		"InstancesPage": {func(c *client.Client) error { _, err := c.InstancesPage(ctx, "wf", client.PageRequest{}); return err }, page, `GET /api/v3/workflows/wf/instances?first=50`},
		"RunsPage":      {func(c *client.Client) error { _, err := c.RunsPage(ctx, run, client.PageRequest{}); return err }, page, `GET /api/v3/workflows/wf/instances/7/runs?first=50`},
		"Stop":          {func(c *client.Client) error { _, err := c.Stop(ctx, run); return err }, object, `PUT /api/v3/workflows/wf/instances/7/actions/stop`},
		"Kill run":      {func(c *client.Client) error { _, err := c.Kill(ctx, old); return err }, object, `PUT /api/v3/workflows/wf/instances/7/runs/2/actions/kill`},
		"Unblock":       {func(c *client.Client) error { _, err := c.Unblock(ctx, run); return err }, object, `PUT /api/v3/workflows/wf/instances/7/actions/unblock`},
		"Steps":         {func(c *client.Client) error { _, _, err := c.Steps(ctx, run); return err }, array, `GET /api/v3/workflows/wf/instances/7/steps`},
		"Steps of run":  {func(c *client.Client) error { _, _, err := c.Steps(ctx, old); return err }, array, `GET /api/v3/workflows/wf/instances/7/runs/2/steps`},
		"Step":          {func(c *client.Client) error { _, err := c.Step(ctx, step, true); return err }, object, `GET /api/v3/workflows/wf/instances/7/steps/s?enriched=true`},
		"Step attempt": {func(c *client.Client) error {
			_, err := c.Step(ctx, client.StepRef{RunRef: old, Step: "s", Attempt: 3}, false)
			return err
		}, object, `GET /api/v3/workflows/wf/instances/7/runs/2/steps/s/attempts/3`},
		"Step of run": {func(c *client.Client) error {
			_, err := c.Step(ctx, client.StepRef{RunRef: old, Step: "s"}, false)
			return err
		}, object,
			`GET /api/v3/workflows/wf/instances/7/runs/2/steps/s/attempts/latest`},
		"RestartStep": {func(c *client.Client) error {
			_, err := c.RestartStep(ctx, step, client.StepRestartRequest{Downstream: client.FromBeginning, Params: params, FromInlineRoot: true})
			return err
		}, object, `POST /api/v3/workflows/wf/instances/7/steps/s/actions/restart application/json {"restart_policy":"RESTART_FROM_BEGINNING","step_run_params":{"n":{"type":"LONG","value":5}},"upstream_restart_mode":"RESTART_FROM_INLINE_ROOT"}`},
		"StopStep":   {func(c *client.Client) error { _, err := c.StopStep(ctx, step); return err }, object, `PUT /api/v3/workflows/wf/instances/7/steps/s/actions/stop`},
		"KillStep":   {func(c *client.Client) error { _, err := c.KillStep(ctx, step); return err }, object, `PUT /api/v3/workflows/wf/instances/7/steps/s/actions/kill`},
		"SkipStep":   {func(c *client.Client) error { _, err := c.SkipStep(ctx, step); return err }, object, `PUT /api/v3/workflows/wf/instances/7/steps/s/actions/skip`},
		"BypassStep": {func(c *client.Client) error { _, err := c.BypassStep(ctx, step); return err }, object, `PUT /api/v3/workflows/wf/instances/7/steps/s/actions/bypass`},
		"Announce": {func(c *client.Client) error {
			_, err := c.Announce(ctx, client.SignalRequest{Name: "db/t", Params: map[string]any{"day": 20240131}, Payload: map[string]any{"x": true}, RequestID: "r"})
			return err
		}, object, `POST /api/v3/signals application/json {"name":"db/t","params":{"day":20240131},"request_id":"r","payload":{"x":true}}`},
		"Signal": {func(c *client.Client) error { _, err := c.Signal(ctx, "db/t", 0); return err }, object, `GET /api/v3/signals/db%2Ft/instances/latest`},
		"EventsPage": {func(c *client.Client) error {
			_, err := c.EventsPage(ctx, client.PageRequest{Cursor: "latest"})
			return err
		}, page, `GET /api/v3/events?cursor=latest&first=50`},
		"Health": {func(c *client.Client) error { _, err := c.Health(ctx); return err }, object, `GET /actuator/health`},
		"Logs": {func(c *client.Client) error {
			body, err := c.Logs(ctx, client.StepRef{RunRef: old, Step: "s", Attempt: 1}, client.LogRequest{Follow: true, Stream: "stderr"})
			if err == nil {
				body.Close()
			}
			return err
		}, object, `GET /api/v3/workflows/wf/instances/7/runs/2/steps/s/attempts/1/logs?follow=true&stream=stderr`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, seen := answer(t, 200, test.answer)
			if err := test.do(c); err != nil {
				t.Fatal(err)
			}
			if want := test.want + " user=alice"; *seen != want {
				t.Errorf("got  %s\nwant %s", *seen, want)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()

	t.Run("push", func(t *testing.T) {
		t.Parallel()
		c, _ := answer(t, 200, `{"workflow_definition":{"metadata":{"workflow_version_id":3},"is_active":true,
			"properties_snapshot":{"owner":{"name":"bob","team":"x"},"author":"eve"},
			"workflow":{"id":"wf","steps":[{"step":{"id":"a"}},{"foreach":{"id":"b","steps":[{"step":{"id":"c"}}]}}]}}}`)
		d, err := c.Push(ctx, client.YAML, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintln(d.Metadata.Version, d.IsActive, d.Properties.Owner, d.Properties.Author, d.Workflow.StepIDs(), strings.HasPrefix(string(d.JSON), `{"workflow_definition"`))
		if want := "3 true bob eve [a b] true\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("start", func(t *testing.T) {
		t.Parallel()
		c, _ := answer(t, 200, `{"workflow_id":"wf","workflow_version_id":3,"workflow_instance_id":17,"workflow_run_id":1,"status":"CREATED","future":1}`)
		r, err := c.Start(ctx, "wf", client.StartRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.Ref(), (client.RunRef{Workflow: "wf", Instance: 17, Run: 1}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		if !json.Valid(r.JSON) || !strings.Contains(string(r.JSON), "future") {
			t.Errorf("got %s, want the whole answer", r.JSON)
		}
	})
	t.Run("accepted", func(t *testing.T) {
		t.Parallel()
		c, _ := answer(t, 202, `{"type":"ACTION","action":"STOP","message":"Terminated [1] queued instances"}`)
		ev, err := c.StopAll(ctx, "wf")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ev.Message, "Terminated [1] queued instances"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("down", func(t *testing.T) {
		t.Parallel()
		c, _ := answer(t, 503, `{"status":"DOWN"}`)
		h, err := c.Health(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if h.Up() {
			t.Errorf("got up, want down")
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		want   string
	}{
		"own":      {404, `{"status":"NOT_FOUND","message":"no such thing"}`, `404 NOT_FOUND "no such thing" []`},
		"details":  {400, `{"status":"BAD_REQUEST","message":"m","errors":["a b","c d"]}`, `400 BAD_REQUEST "m" [a b c d]`},
		"problem":  {405, `{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"Method 'PUT' is not supported."}`, `405 METHOD_NOT_ALLOWED "Method 'PUT' is not supported." []`},
		"fallback": {500, `{"timestamp":1,"status":500,"error":"Internal Server Error","path":"/x"}`, `500 INTERNAL_ERROR "Internal Server Error" []`},
		"proxy":    {502, "<html>bad gateway</html>\n<hr>", `502 BAD_GATEWAY "<html>bad gateway</html>" []`},
		"empty":    {429, ``, `429 TOO_MANY_REQUESTS "the server answered 429 without saying why" []`},
		"odd":      {599, ``, `599 HTTP_599 "the server answered 599 without saying why" []`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := answer(t, test.status, test.body)
			_, err := c.Overview(t.Context(), "wf")
			e, ok := errors.AsType[*client.Error](err)
			if !ok {
				t.Fatalf("got %v, want a *client.Error", err)
			}
			if got := fmt.Sprintf("%d %s %q %v", e.HTTP, e.Status, e.Message, e.Errors); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := open(t, s.URL).Overview(t.Context(), "wf")
	u, ok := errors.AsType[*client.UnreachableError](err)
	if !ok {
		t.Fatalf("got %v, want an UnreachableError", err)
	}
	if u.URL != s.URL || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want the address and the reason", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, s.URL).Overview(ctx, "wf"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the caller cancelled", err)
	}
	if _, err := client.New("localhost:8080"); err == nil {
		t.Errorf("an address without a scheme was accepted")
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages := map[string]string{
			"":  `{"page_info":{"end_cursor":"4","has_next_page":true},"total_count":3,"elements":[{"workflow_instance_id":5},{"workflow_instance_id":4}]}`,
			"4": `{"page_info":{"start_cursor":null,"end_cursor":"3","start_index":null,"has_next_page":false},"total_count":3,"elements":[{"workflow_instance_id":3}]}`,
		}
		io.WriteString(w, pages[r.URL.Query().Get("cursor")])
	}))
	t.Cleanup(s.Close)
	c := open(t, s.URL)

	var got []int64
	for in, err := range c.Instances(t.Context(), "wf") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, in.ID)
	}
	if want := []int64{5, 4, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, err := range c.Instances(t.Context(), "wf") { // a caller may stop early
		if err != nil {
			t.Fatal(err)
		}
		break
	}
}

// TestAttemptOfNewestRun checks that an attempt can be named without its run, which the API cannot.
func TestAttemptOfNewestRun(t *testing.T) {
	t.Parallel()
	var seen []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.RequestURI)
		io.WriteString(w, `{"workflow_run_id":4,"step_attempt_id":9}`)
	}))
	t.Cleanup(s.Close)
	ref := client.StepRef{RunRef: client.RunRef{Workflow: "wf", Instance: 7}, Step: "s", Attempt: 2}
	body, err := open(t, s.URL).Logs(t.Context(), ref, client.LogRequest{})
	if err != nil {
		t.Fatal(err)
	}
	body.Close()
	want := []string{
		"/api/v3/workflows/wf/instances/7/steps/s",
		"/api/v3/workflows/wf/instances/7/runs/4/steps/s/attempts/2",
		"/api/v3/workflows/wf/instances/7/runs/4/steps/s/attempts/9/logs?stream=stdout",
	}
	if !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
}

func TestParseRef(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"wf":       "wf 0 ",
		"wf/3":     "wf 3 ",
		"wf/3/s.1": "wf 3 s.1",
		"":         `"" names no workflow; write WORKFLOW, WORKFLOW/INSTANCE or WORKFLOW/INSTANCE/STEP`,
		"wf/x":     `"x" in "wf/x" is no instance number; write WORKFLOW/INSTANCE, such as wf/1`,
		"wf/0":     `"0" in "wf/0" is no instance number; write WORKFLOW/INSTANCE, such as wf/1`,
		"wf/3/":    `"wf/3/" names no step; write WORKFLOW/INSTANCE/STEP`,
		"wf/3/a/b": `"wf/3/a/b" names no step; write WORKFLOW/INSTANCE/STEP`,
	} {
		ref, err := client.ParseRef(in)
		got := fmt.Sprint(ref.Workflow, " ", ref.Instance, " ", ref.Step)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
