package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"maestro/api"
	"maestro/internal/doc"
)

func (f *fixture) template(jobType, version, rest string) {
	f.t.Helper()
	body := fmt.Sprintf(`{"owner":"o","status":"s","support":"u","definition":{"job_type":%q,"version":%q,"step_type":"Http"%s}}`, jobType, version, rest)
	if _, err := f.PutTemplate(f.t.Context(), node(f.t, body), "alice"); err != nil {
		f.t.Fatal(err)
	}
}

const useTemplate = `{"properties":{"owner":"o"},"workflow":{"id":"w",
  "params":{"greet":{"type":"STRING","value":"hello"}},
  "steps":[{"step":{"id":"h","type":"Http","sub_type":"child"}}]}}`

const callSomebody = `"http":{"type":"MAP","value":{"url":{"type":"STRING","value":"http://x"}}}`

// TestTemplates shows inheritance, that a later template is seen at once, and that one workflow's params do not leak
// into what another one gets.
func TestTemplates(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	ctx := t.Context()
	r, err := f.decode(useTemplate)
	if err != nil {
		t.Fatal(err)
	}
	// Without the template the step lacks its URL.
	if _, err = f.Push(ctx, r, "x"); err == nil || !strings.Contains(err.(*api.Error).Errors[0], "[url] is a required parameter") {
		t.Fatalf("push without template: %v", err)
	}
	f.template("parent", "default", `,"tags":["p"],"params":{`+callSomebody+`,"greet":{"type":"STRING","value":"parent"}}`)
	f.template("child", "default", `,"inherit_from":{"parent":"default","nobody":"v9"},"tags":["c"],"params":{"own":{"type":"LONG","value":1}}`)
	if _, err = f.Push(ctx, r, "x"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := f.Template(ctx, r.Workflow.Steps[0], "default")
		if err != nil {
			t.Fatal(err)
		}
		if text := string(got.Params.AppendJSON(nil)); !strings.Contains(text, `"greet":{"value":"parent"`) || !strings.Contains(text, `"own"`) {
			t.Errorf("params of the template: %s", text)
		}
		if got.Tags.Find("p") == nil || got.Tags.Find("c") == nil {
			t.Errorf("tags of the template: %v", got.Tags)
		}
	}
	f.template("parent", "default", `,"inherit_from":{"child":"default"}`)
	_, err = f.Template(ctx, r.Workflow.Steps[0], "default")
	if err == nil || !strings.Contains(err.Error(), "Cyclic dependency detected") {
		t.Errorf("cycle: %v", err)
	}
	var refused *api.Error
	if err := f.Validate(ctx, r, "x"); !errors.As(err, &refused) || refused.Message != "Invalid workflow create request" {
		t.Errorf("validate with a cycle: %v", err)
	}

	f.template("child", "v2", "")
	list, err := f.Templates(ctx, "v2")
	if err != nil || len(list) != 1 || !strings.Contains(string(list[0]), `"version":"v2"`) {
		t.Errorf("templates of v2: %s, %v", list, err)
	}
	if n, err := f.DeleteTemplates(ctx, "child", ""); n != 2 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if n, err := f.DeleteTemplates(ctx, "child", ""); n != 0 || err != nil {
		t.Errorf("deleted %d again, %v", n, err)
	}
	if got, err := f.Template(ctx, r.Workflow.Steps[0], "default"); err != nil || got.Params.Len() != 0 {
		t.Errorf("a deleted template gives %v, %v", got, err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for _, c := range []struct{ name, workflow, want string }{
		{"fine", `"params":{"FROM_DATE":{"type":"STRING","expression":"TARGET_RUN_DATE"},"x":{"type":"LONG","expression":"Long.valueOf(FROM_DATE)"}}`, ""},
		{"unknown name", `"params":{"a":{"type":"LONG","expression":"nowhere + 1"}}`, "Param [a] referenced a non-existing param [nowhere] in workflow [w]"},
		{"signal", `"signal_triggers":[{"definitions":{"s":{"match_params":{"k":{"value":1,"operator":"="}}}}}],"params":{"a":{"type":"LONG","expression":"params.getFromSignal('s','k')"}}`, ""},
		{"undeclared signal", `"params":{"a":{"type":"LONG","expression":"params.getFromSignal('s','k')"}}`, "Expression"},
		{"timeout", `"timeout":"${x}","params":{"x":{"type":"STRING","value":"2 hours"}}`, ""},
		{"no timeout", `"timeout":"${x}","params":{"x":{"type":"STRING","value":"soon"}}`, "timeout [0 ms]"},
		{"constant date", `"params":{"FROM_DATE":{"type":"STRING","value":"20200101","mode":"CONSTANT"}}`, "FROM_DATE"},
		{"reserved", `"params":{"owner":{"type":"STRING","value":"me"}}`, "Cannot modify param with mode [CONSTANT] for parameter [owner]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := f.decode(`{"workflow":{"id":"w",` + c.workflow + `,"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`)
			if err != nil {
				t.Fatal(err)
			}
			err = f.Validate(t.Context(), r, "x")
			if c.want == "" {
				if err != nil {
					t.Error(err, err.(*api.Error).Errors)
				}
				return
			}
			e, ok := errors.AsType[*api.Error](err)
			if !ok || len(e.Errors) != 1 || !strings.Contains(e.Errors[0], c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestEnriched shows next fire times, also where there is none.
func TestEnriched(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.push(`{"properties":{"owner":"o"},"is_active":false,"workflow":{"id":"w","time_triggers":[
		{"type":"CRON","cron":"0 0 0 1 1 ? 2020"},{"type":"PREDEFINED","expression":"@daily"},{"type":"CRON","cron":"0 * * * *"}],
		"steps":[{"step":{"id":"a","type":"Sleep"}}]}}`)
	v, err := f.View(t.Context(), "w", "1", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"next_execution_time":1700002800000,"next_execution_times":[null,1700006400000,1700002800000]`, `"step_params":{"a":{"workflow_instance_id"`, `"job_template_version"`} {
		if !strings.Contains(string(v.Extras), want) {
			t.Errorf("extras lack %s: %s", want, v.Extras)
		}
	}
}

func TestYAML(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	r, err := f.DecodeYAML(t.Context(), []byte("Workflow:\n  id: y\n  owner: o\n  jobs:\n    - job: {id: a, type: noop}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Push(t.Context(), r, "x"); err != nil {
		t.Fatal(err)
	}
	_, err = f.DecodeYAML(t.Context(), []byte("Workflow:\n  id: y\n  jobs:\n    - job: {id: a, type: nope}\n"))
	if e, ok := errors.AsType[*api.Error](err); !ok || !strings.Contains(e.Message, "line 4, column") {
		t.Errorf("unknown type: %v", err)
	}
}

// TestYAMLOfTheAPI takes the layout of the API in YAML, with what it has and the short form has not.
func TestYAMLOfTheAPI(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	r, err := f.DecodeYAML(t.Context(), []byte(`
properties: {owner: no}
git_info: {sha: 0e12345}
workflow:
  id: 0123
  params: {zip: {type: STRING, value: 01234}}
  steps:
    - step: {id: yes, type: noop, retry_policy: {error_retry_limit: 3}}
properties: {owner: 007}
`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"properties":{"owner":"007"},"workflow":{"id":"0123","params":{"zip":{"value":"01234","type":"STRING"}},` +
		`"steps":[{"step":{"id":"yes","transition":{},"type":"NoOp","retry_policy":{"error_retry_limit":3}}}]},"is_active":true,"git_info":{"sha":"0e12345"}}`
	if got := string(r.AppendJSON(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(r.Warnings) != 1 || r.Warnings[0].Error() != "properties is given more than once, before at line 2, column 1; the last value counts (line 9, column 1)" {
		t.Errorf("got warnings %v", r.Warnings)
	}
	_, err = f.DecodeYAML(t.Context(), []byte("workflow: {id: w, steps: [{step: {id: a, type: nope}}]}\n"))
	if e, ok := errors.AsType[*api.Error](err); !ok || !strings.Contains(e.Message, "line 1, column") {
		t.Errorf("unknown type: %v", err)
	}
}

// TestNobodyWaits gives up a text whose client has gone, in either format.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.DecodeYAML(ctx, []byte("workflow: {id: w, jobs: []}")); !errors.Is(err, context.Canceled) {
		t.Errorf("YAML: got %v", err)
	}
	if _, err := doc.ParseJSON([]byte(`{"workflow":{}}`), f.Limits(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("JSON: got %v", err)
	}
}
