package notebook

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"maestro/internal/doc"
	"maestro/internal/step"
	"maestro/internal/step/kubernetes"
	"maestro/param"
	"maestro/spec"
)

func set(p *param.Params, name string, v param.Value) {
	p.Set(name, param.Param{Def: &param.Def{Type: v.Type()}, Result: v, Evaluated: true, Time: 1})
}

// attempt returns an attempt whose param notebook has these entries.
func attempt(kv ...any) *step.Attempt {
	m := &param.Values{}
	for i := 0; i < len(kv); i += 2 {
		switch v := kv[i+1].(type) {
		case string:
			m.Set(kv[i].(string), param.StringValue(v))
		case bool:
			m.Set(kv[i].(string), param.BooleanValue(v))
		case []string:
			m.Set(kv[i].(string), param.StringArrayValue(v))
		}
	}
	p := &param.Params{}
	set(p, "notebook", param.MapValue(m))
	return &step.Attempt{UUID: "u", Number: 1, Params: p, WorkflowParams: &param.Params{}, Definition: &spec.Step{}}
}

func scriptOf(t *testing.T, a *step.Attempt) string {
	t.Helper()
	c := &kubernetes.Command{}
	if _, err := shape(a, c); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Command, []string{"/bin/sh", "-c"}) || len(c.Args) != 1 {
		t.Fatalf("command %q %q", c.Command, c.Args)
	}
	return c.Args[0]
}

var paramJSON = regexp.MustCompile(`-y '.*' --log-output`)

func TestScript(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kv   []any
		want string
	}{
		{nil, `papermill 'a b.ipynb' 'o' -y JSON --log-output '--start_timeout' '600'`},
		{[]any{"init_command", "pip install papermill &&"}, `pip install papermill && papermill 'a b.ipynb' 'o' -y JSON --log-output '--start_timeout' '600'`},
		{[]any{"papermill_arguments", []string{" -k ", "it's", "--start_timeout", "9"}}, `papermill 'a b.ipynb' 'o' -y JSON --log-output '-k' 'it'\''s' '--start_timeout' '9'`},
		{[]any{"git_repo", "https://example.org/r.git"},
			`git clone https://example.org/r.git maestro_notebook_git_repo && cd "maestro_notebook_git_repo/$(dirname 'a b.ipynb')" && papermill "$(basename 'a b.ipynb')" 'o' -y JSON --log-output '--start_timeout' '600'`},
		{[]any{"git_repo", "r", "git_commit", "abc", "git_submodules", true},
			`git clone --recurse-submodules r maestro_notebook_git_repo && cd "maestro_notebook_git_repo/$(dirname 'a b.ipynb')" && git checkout abc && papermill "$(basename 'a b.ipynb')" 'o' -y JSON --log-output '--start_timeout' '600'`},
		{[]any{"git_repo", "r; rm -rf /", "git_branch", "main", "git_commit", "abc"},
			`git clone -b main 'r; rm -rf /' maestro_notebook_git_repo && cd "maestro_notebook_git_repo/$(dirname 'a b.ipynb')" && papermill "$(basename 'a b.ipynb')" 'o' -y JSON --log-output '--start_timeout' '600'`},
	} {
		a := attempt(append([]any{"input_path", "a b.ipynb", "output_path", "o"}, c.kv...)...)
		got := paramJSON.ReplaceAllString(scriptOf(t, a), "-y JSON --log-output")
		if got != c.want {
			t.Errorf("%v:\n got %s\nwant %s", c.kv, got, c.want)
		}
	}
}

// TestQuoting has a shell take the script apart again.
func TestQuoting(t *testing.T) {
	t.Parallel()
	a := attempt("input_path", `it's "$HOME" \ `+"`id`", "output_path", "ö\n'",
		"init_command", `papermill() { for v in "$@"; do printf '%s\0' "$v"; done; };`)
	set(a.WorkflowParams, "text", param.StringValue(`'$(id)' "\`))
	out, err := exec.Command("/bin/sh", "-c", scriptOf(t, a)).Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(string(out), "\x00")
	if words[0] != `it's "$HOME" \ `+"`id`" || words[1] != "ö\n'" {
		t.Errorf("the shell sees %q", words[:2])
	}
	var params map[string]any
	if err := json.Unmarshal([]byte(words[3]), &params); err != nil || params["text"] != `'$(id)' "\` {
		t.Errorf("the notebook gets %q, error %v", words[3], err)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	a := attempt("input_path", "i", "output_path", "o")
	for _, name := range []string{"workflow_id", "INITIATOR_TIMEZONE", "empty", "both"} {
		set(a.WorkflowParams, name, param.StringValue(map[bool]string{false: "workflow"}[name == "empty"]))
	}
	set(a.Params, "both", param.StringValue("step"))
	set(a.Params, "step_attempt_id", param.LongValue(3))
	a.Owner, a.Number = "me", 3
	a.Definition.Timeout = spec.Text("2 hours")
	want := `{"both":"step","notebook":{"input_path":"i","output_path":"o"},"StepTimeout":"2 hours","attempt_number":2,"owner":"me"}`
	if got := string(params(a)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	a.Definition.Timeout = spec.Text("${hours} hours")
	a.Started = time.Now()
	a.Deadline = a.Started.Add(3 * time.Hour)
	if got := string(params(a)); !strings.Contains(got, `"StepTimeout":"10800"`) {
		t.Errorf("got  %s", got)
	}
}

// TestRecorded makes the command line of the reference, character by character, from the params that it had.
func TestRecorded(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../conformance/runs/steps/notebook-command.json")
	if err != nil {
		t.Fatal(err)
	}
	root, err := doc.ParseJSON(regexp.MustCompile(`<time>`).ReplaceAll(text, []byte("1795406400000")), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	calls := root.Field("calls").Items
	run := calls[len(calls)-2].Field("reply")
	last := calls[len(calls)-1].Field("reply").Items[0]
	want := last.Field("artifacts").Field("maestro_kubernetes").Field("command").Field("args").Items[0].Text
	yaml := strings.TrimSuffix(strings.TrimPrefix(paramJSON.FindString(want), "-y '"), "' --log-output")
	given, err := doc.ParseJSON([]byte(strings.ReplaceAll(yaml, `'\''`, "'")), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a := attempt()
	a.Params = &param.Params{}
	for _, of := range []struct {
		to   *param.Params
		from *doc.Node
	}{{a.WorkflowParams, run.Field("params")}, {a.Params, last.Field("params")}} {
		for _, m := range of.from.Members {
			result := m.Value.Field("evaluated_result")
			if v := given.Field(m.Name); v != nil { // dates are left out of what is recorded
				result = v
			}
			set(of.to, m.Name, valueOf(result))
		}
	}
	if got := scriptOf(t, a); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func valueOf(n *doc.Node) param.Value {
	switch n.Kind {
	case doc.Number:
		var i int64
		fmt.Sscan(n.Text, &i)
		return param.LongValue(i)
	case doc.Bool:
		return param.BooleanValue(n.Text == "true")
	case doc.List:
		var out []string
		for _, item := range n.Items {
			out = append(out, item.Text)
		}
		return param.StringArrayValue(out)
	case doc.Object:
		if len(n.Members) == 0 {
			return param.StringMapValue(&param.Texts{})
		}
		m := &param.Values{}
		for _, e := range n.Members {
			m.Set(e.Name, valueOf(e.Value))
		}
		return param.MapValue(m)
	}
	return param.StringValue(n.Text)
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kv   []any
		says string
	}{
		{[]any{"output_path", "o"}, "notebook.input_path is missing"},
		{[]any{"input_path", "i"}, "notebook.output_path is missing"},
		{[]any{"input_path", []string{"i"}, "output_path", "o"}, "notebook.input_path must be a STRING, not a STRING_ARRAY"},
		{[]any{"input_path", "i", "output_path", "o", "papermill_arguments", "x"}, "must be a STRING_ARRAY"},
	} {
		if _, err := shape(attempt(c.kv...), &kubernetes.Command{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: got error %v, want %q", c.kv, err, c.says)
		}
	}
}

// shellDouble remembers what it was asked and reports done.
type shellDouble struct{ got *step.Attempt }

func (s *shellDouble) Start(_ context.Context, a *step.Attempt, r step.Reporter) {
	s.got = a
	r.Report(step.Report{State: step.Continue, Artifacts: map[string][]byte{"maestro_shell": []byte("{}")}})
}
func (s *shellDouble) Stop(context.Context, *step.Attempt, step.Reporter) {}

type reporter func(step.Report)

func (f reporter) Report(r step.Report) { f(r) }

func TestOnShell(t *testing.T) {
	t.Parallel()
	a := attempt("input_path", "i", "output_path", "out.ipynb")
	env, m := &param.Texts{}, &param.Values{}
	env.Set("STAGE", "prod")
	m.Set("image", param.StringValue("x"))
	m.Set("env", param.StringMapValue(env))
	set(a.Params, "kubernetes", param.MapValue(m))
	shell := &shellDouble{}
	var got step.Report
	OnShell(shell).Start(t.Context(), a, reporter(func(r step.Report) { got = r }))
	p := shell.got.Params.Lookup("shell").Result.Values()
	script, _ := p.Get("script")
	if !strings.HasPrefix(script.Str(), "papermill 'i' 'out.ipynb'") || !strings.HasSuffix(script.Str(), " 2>&1") {
		t.Errorf("script %q", script.Str())
	}
	if v, _ := p.Get("env"); fmt.Sprint(v) != `{"STAGE":"prod"}` {
		t.Errorf("env %v", v)
	}
	if a.Params.Has("shell") {
		t.Error("the attempt, which is shared, was changed")
	}
	if got := string(got.Artifacts["maestro_notebook"]); got != `{"output_path":"out.ipynb","type":"NOTEBOOK"}` {
		t.Errorf("artifact %s", got)
	}
	OnShell(shell).Start(t.Context(), attempt(), reporter(func(r step.Report) { got = r }))
	if got.State != step.Internal {
		t.Errorf("without input_path: %s", got.State)
	}
}

// TestExecuted looks for what papermill wrote where the process was.
func TestExecuted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sub := filepath.Join(dir, clone, "examples")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "o.ipynb"), filepath.Join(sub, "o.ipynb")} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		n    notebook
		dir  string
		want string
	}{
		{notebook{output: "o.ipynb"}, dir, filepath.Join(dir, "o.ipynb")},
		{notebook{output: "o.ipynb", repo: "r", input: "examples/i.ipynb"}, dir, filepath.Join(sub, "o.ipynb")},
		{notebook{output: "o.ipynb"}, "", "o.ipynb"},
		{notebook{output: "none.ipynb"}, dir, "none.ipynb"},
		{notebook{output: "/tmp/o.ipynb"}, dir, "/tmp/o.ipynb"},
		{notebook{output: "s3://bucket/o.ipynb"}, dir, "s3://bucket/o.ipynb"},
	} {
		if got := c.n.executed(c.dir); got != c.want {
			t.Errorf("%+v in %q: got %s, want %s", c.n, c.dir, got, c.want)
		}
	}
}
