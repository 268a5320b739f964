package spec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"maestro/internal/doc"
	"maestro/spec"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	in := func(s string) (string, error) { return strings.ReplaceAll(s, "${x}", "45 sec"), nil }
	for _, c := range []struct {
		l    spec.ParsableLong
		want time.Duration
	}{
		{spec.Number(90), 90 * time.Second},
		{spec.Text("90"), 90 * time.Second},
		{spec.Text("-5"), -5 * time.Second},
		{spec.Text("1d12h"), 36 * time.Hour},
		{spec.Text("12 hours 1 day"), 36 * time.Hour},
		{spec.Text("5min"), 5 * time.Minute},
		{spec.Text("5 Minutes"), 5 * time.Minute},
		{spec.Text("1h 1h"), 2 * time.Hour},
		{spec.Text("500ms"), 500 * time.Millisecond},
		{spec.Text("3 D"), 72 * time.Hour},
		{spec.Text("10 MS"), 10 * time.Millisecond},
		{spec.Text("1h and 5 min"), 65 * time.Minute},
		{spec.Text("5m"), 0},
		{spec.Text("1 week"), 0},
		{spec.Text("1 month"), 0},
		{spec.Text("abc"), 0},
		{spec.Text("2  h"), 0},
		{spec.Text("1.5h"), 5 * time.Hour},
		{spec.Text("-5s"), 5 * time.Second},
		{spec.Text("1h30"), time.Hour},
		{spec.Text("${x}"), 45 * time.Second},
		{spec.Text("99999999999999999999d"), 1<<63 - 1},
		{spec.Number(1 << 62), 1<<63 - 1},
	} {
		got, err := c.l.Duration(in)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s (%v), want %s", c.l, got, err, c.want)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	decode := func(text string) *spec.RetryPolicy {
		t.Helper()
		var p doc.Problems
		s := spec.DecodeStep(parse(t, []byte(`{"step":{"id":"a","type":"NoOp","retry_policy":`+text+`}}`)), spec.Rules{}, &p)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		return s.Retry
	}
	in := func(s string) (string, error) {
		if strings.Contains(s, "${gone}") {
			return "", fmt.Errorf("no param gone")
		}
		return strings.NewReplacer("${lim}", "7", "${wait}", "2 min", "${many}", "many").Replace(s), nil
	}

	d := spec.DefaultRetry()
	if d.Limits != [3]int{2, 10, 0} {
		t.Errorf("got default limits %v", d.Limits)
	}
	for n, want := range []time.Duration{60, 120, 240, 480, 600, 600} {
		if got := d.Delay(spec.ErrorRetry, n); got != want*time.Second {
			t.Errorf("default delay %d: got %s, want %s", n, got, want*time.Second)
		}
	}
	if got := d.Delay(spec.PlatformRetry, 1000); got != time.Hour {
		t.Errorf("got %s for a thousandth platform retry, want the cap", got)
	}

	r, err := decode(`{"error_retry_limit":"${lim}","backoff":{"type":"fixed_backoff","error_retry_backoff_in_secs":"${wait}"}}`).Resolve(in)
	if err != nil || r.Limits[spec.ErrorRetry] != 7 || r.Delay(spec.ErrorRetry, 5) != 2*time.Minute || r.Delay(spec.TimeoutRetry, 5) != time.Minute {
		t.Errorf("got %+v, %v", r, err)
	}
	if got, want := string(r.AppendBackoff(nil)), `{"error_retry_backoff_in_secs":120,"platform_retry_backoff_in_secs":60,"timeout_retry_backoff_in_secs":60,"type":"FIXED_BACKOFF"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r, err = decode(`{"backoff":{"type":"EXPONENTIAL_BACKOFF","error_retry_backoff_in_secs":1,"error_retry_exponent":0,"platform_retry_exponent":2147483647}}`).Resolve(in)
	if err != nil || r.Delay(spec.ErrorRetry, 0) != time.Second || r.Delay(spec.ErrorRetry, 1) != 0 || r.Delay(spec.PlatformRetry, 99) != time.Hour {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, text := range []string{`{"error_retry_limit":"${many}"}`, `{"error_retry_limit":"${gone}"}`, `{"error_retry_limit":100}`, `{"platform_retry_limit":3,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":0}}`} {
		p := decode(text)
		if _, err := p.Resolve(in); err == nil {
			t.Errorf("%s: got no error", text)
		}
		if got := p.ResolveOrDefault(in); got != spec.DefaultRetry() {
			t.Errorf("%s: got %+v, want the defaults as a whole", text, got)
		}
	}
	if r, err := (*spec.RetryPolicy)(nil).Resolve(nil); err != nil || r != spec.DefaultRetry() {
		t.Errorf("no policy: got %+v, %v", r, err)
	}
}

func TestMergeProperties(t *testing.T) {
	t.Parallel()
	decode := func(text string) *spec.Properties {
		t.Helper()
		if text == "" {
			return nil
		}
		var p doc.Problems
		v := spec.DecodeProperties(parse(t, []byte(text)), spec.Rules{}, &p)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		return v
	}
	const current = `{"owner":"a","run_strategy":7,"step_concurrency":5,"alerting":{"emails":["x"]},"description":"d"}`
	for _, c := range []struct{ current, change, want string }{
		{current, ``, `{"owner":"a","run_strategy":{"rule":"PARALLEL","workflow_concurrency":7},"step_concurrency":5,"alerting":{"emails":["x"]},"description":"d"}`},
		{current, `{}`, `{"owner":"a","description":"d"}`},
		{current, `{"owner":"b","step_concurrency":6,"alerting_disabled":false}`, `{"owner":"b","step_concurrency":6,"alerting_disabled":false,"description":"d"}`},
		{``, `{"owner":{"name":"b","team":"c"}}`, `{"owner":{"name":"b","team":"c"}}`},
	} {
		if got := string(spec.MergePush(decode(c.current), decode(c.change)).AppendJSON(nil)); got != c.want {
			t.Errorf("push %s: got %s, want %s", c.change, got, c.want)
		}
	}
	for _, c := range []struct{ change, want string }{
		{`{}`, `{"owner":"a","run_strategy":{"rule":"PARALLEL","workflow_concurrency":7},"step_concurrency":5,"alerting":{"emails":["x"]},"description":"d"}`},
		{`{"reset_workflow_concurrency":true,"reset_step_concurrency":"true"}`, `{"owner":"a","run_strategy":{"rule":"PARALLEL","workflow_concurrency":20},"alerting":{"emails":["x"]},"description":"d"}`},
		{`{"reset_run_strategy_rule":true,"description":"e"}`, `{"owner":"a","step_concurrency":5,"alerting":{"emails":["x"]},"description":"e"}`},
		{`{"run_strategy":{"rule":"first_only"}}`, `{"owner":"a","run_strategy":{"rule":"FIRST_ONLY","workflow_concurrency":1},"step_concurrency":5,"alerting":{"emails":["x"]},"description":"d"}`},
	} {
		var p doc.Problems
		u := spec.DecodePropertiesUpdate(parse(t, []byte(c.change)), spec.Rules{}, &p)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		before := decode(current)
		if got := string(u.Apply(before).AppendJSON(nil)); got != c.want {
			t.Errorf("update %s: got %s, want %s", c.change, got, c.want)
		}
		if got := string(before.AppendJSON(nil)); got != string(decode(current).AppendJSON(nil)) {
			t.Errorf("update %s changed its argument to %s", c.change, got)
		}
	}
}

// graph decodes edges such as "a>b a>c b> c>d": each word is a step and one successor, or none.
func graph(t *testing.T, edges string) []*spec.Step {
	t.Helper()
	var order []string
	succs := map[string][]string{}
	for _, e := range strings.Fields(edges) {
		from, to, _ := strings.Cut(e, ">")
		if _, known := succs[from]; !known {
			order = append(order, from)
			succs[from] = nil
		}
		if to != "" {
			succs[from] = append(succs[from], to)
		}
	}
	steps := make([]*spec.Step, len(order))
	for i, id := range order {
		steps[i] = &spec.Step{ID: spec.StepID(id), Type: spec.TypeNoOp}
		for _, to := range succs[id] {
			steps[i].Transition.Successors = append(steps[i].Transition.Successors, spec.Successor{Step: spec.StepID(to), Condition: "true"})
		}
	}
	return steps
}

func TestBuildDAG(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ about, edges, start, end, want string }{
		{"order of a hash map", "start>zeta zeta>middle middle>alpha alpha>", "*", "", `{"zeta":{"predecessors":["start"],"successors":{"middle":"true"}},"middle":{"predecessors":["zeta"],"successors":{"alpha":"true"}},"alpha":{"predecessors":["middle"]},"start":{"successors":{"zeta":"true"}}}`},
		{"start cuts what comes before", "a>b b>c c>", "b", "", `{"b":{"successors":{"c":"true"}},"c":{"predecessors":["b"]}}`},
		{"end cuts what comes after", "a>b b>c c>", "a", "b", `{"a":{"successors":{"b":"true"}},"b":{"predecessors":["a"]}}`},
		{"edges into start steps are cut", "a>b b>c c>", "a b", "", `{"a":{},"b":{"successors":{"c":"true"}},"c":{"predecessors":["b"]}}`},
		{"a cycle through a start step is none", "a>b b>a", "a", "", `{"a":{"successors":{"b":"true"}},"b":{"predecessors":["a"]}}`},
		{"empty start", "a>b b>", "-", "", `{}`},
		{"end without start is ignored", "a>b b>", "*", "a", `{"a":{"successors":{"b":"true"}},"b":{"predecessors":["a"]}}`},
		{"unknown start", "a>", "x", "", "start step id [x] does not exist in steps"},
		{"unknown end", "a>", "a", "x", "end step id [x] does not exist in steps"},
		{"unknown successor", "a>x", "*", "", "[workflow step transition] is invalid for step [a]'s successor step id [x], which does not exist in steps"},
		{"cycle", "r>a a>b b>c c>a c>d d>", "*", "", "DAG contains cycle: a -> b -> c -> a"},
		{"self", "a>a", "*", "", "DAG contains cycle: a -> a"},
		{"two cycles, the first is named", "a>b b>a c>d d>c", "*", "", "DAG contains cycle: a -> b -> a"},
	} {
		var start []spec.StepID
		if c.start != "*" {
			start = []spec.StepID{}
			if c.start != "-" {
				start = ids(c.start)
			}
		}
		d, err := spec.BuildDAG(graph(t, c.edges), start, ids(c.end))
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = string(d.AppendJSON(nil))
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.about, got, c.want)
		}
	}
	d, err := spec.BuildDAG(graph(t, "a>c b>c c> d>"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(d.Roots(), d.Index("c"), d.Nodes[d.Index("c")].Preds, d.Index("x")), "[0 1 3] 2 [0 1] -1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := spec.BuildDAG(append(graph(t, "a>"), graph(t, "a>")...), nil, nil); err == nil {
		t.Error("accepted a duplicate id")
	}
}

func ids(words string) []spec.StepID {
	var list []spec.StepID
	for _, w := range strings.Fields(words) {
		list = append(list, spec.StepID(w))
	}
	return list
}

func TestResolveTemplate(t *testing.T) {
	t.Parallel()
	templates := map[string]*spec.TemplateDefinition{}
	define := func(text string) {
		t.Helper()
		var p doc.Problems
		tpl := spec.DecodeJobTemplateRequest(parse(t, []byte(`{"owner":"o","status":"s","support":"s","definition":`+text+`}`)), spec.Rules{}, &p)
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		templates[tpl.Definition.JobType+"/"+tpl.Definition.Version] = tpl.Definition
	}
	define(`{"job_type":"parent","step_type":"Http","version":"default","params":{"a":{"type":"STRING","value":"parent"},"b":{"type":"STRING","value":"parent"}},"tags":[{"name":"x","from":"parent"},"y"]}`)
	define(`{"job_type":"child","step_type":"http","version":"default","inherit_from":{"parent":"default","gone":"v1"},"params":{"a":{"type":"STRING","value":"child"}},"tags":[{"name":"x","from":"child"}]}`)
	define(`{"job_type":"c1","step_type":"Http","version":"default","inherit_from":{"c2":"default"}}`)
	define(`{"job_type":"c2","step_type":"Http","version":"default","inherit_from":{"c1":"default"}}`)
	lookup := func(jobType, version string) *spec.TemplateDefinition { return templates[jobType+"/"+version] }
	for _, c := range []struct{ step, version, want string }{
		{`{"id":"h","type":"Http","sub_type":"child"}`, "", `{"a":{"value":"child","type":"STRING"},"b":{"value":"parent","type":"STRING"}} [{"name":"x","from":"child"},{"name":"y"}]`},
		{`{"id":"h","type":"Http","sub_type":"child","sub_type_version":"v9"}`, "", `none`},
		{`{"id":"h","type":"Http","sub_type":"child"}`, "v8", `none`},
		{`{"id":"h","type":"Http"}`, "", `none`},
		{`{"id":"h","type":"NoOp","sub_type":"child"}`, "", `none`},
		{`{"id":"h","type":"Kubernetes","sub_type":"child"}`, "", `Job template definition step type [HTTP] does not match the current step type [KUBERNETES]`},
		{`{"id":"h","type":"Http","sub_type":"c1"}`, "", `Cyclic dependency detected for step [h][HTTP][c1] when inheriting job type [c2]`},
	} {
		var p doc.Problems
		s := spec.DecodeStep(parse(t, []byte(`{"step":`+c.step+`}`)), spec.Rules{}, &p)
		defs, tags, err := s.ResolveTemplate(nil, s.TemplateVersion(c.version), lookup)
		got := "none"
		switch {
		case err != nil:
			got = err.Error()
		case defs != nil:
			got = string(defs.AppendJSON(nil)) + " " + string(tags.AppendJSON(nil))
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.step, got, c.want)
		}
	}
}

// TestLimits shows that huge and deep input is refused, and early.
func TestLimits(t *testing.T) {
	t.Parallel()
	huge := append([]byte(`{"workflow":{"id":"`), make([]byte, 100<<20)...)
	if _, p := spec.Parse(huge, spec.Rules{}); !strings.Contains(p.Err().Error(), "more than the limit") {
		t.Errorf("got %v", p.Err())
	}
	deep := []byte(strings.Repeat(`{"a":`, 100_000))
	if _, p := spec.Parse(deep, spec.Rules{}); !strings.Contains(p.Err().Error(), "nested more than") {
		t.Errorf("got %v", p.Err())
	}
	many := []byte(`{"workflow":{"id":"w","steps":[` + strings.Repeat(`{},`, 50_000) + `{}]}}`)
	if _, p := spec.Parse(many, spec.Rules{}); len(p.List) > 1001 {
		t.Errorf("got %d problems", len(p.List))
	}
	if _, p := spec.Parse(manySteps(301), spec.Rules{}); !strings.Contains(p.Err().Error(), "[workflow step list] is too large [301] and over the size limit [300]") {
		t.Errorf("got %v", p.Err())
	}
	large := []byte(`{"workflow":{"id":"w","params":{"p":{"type":"STRING","value":"` + strings.Repeat("x", 256<<10) + `"}},"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`)
	if _, p := spec.Parse(large, spec.Rules{}); !strings.Contains(p.Err().Error(), "too large") {
		t.Errorf("got %v", p.Err())
	}
}

// TestNewStepType adds a type the way another runtime would: one line.
func TestNewStepType(t *testing.T) {
	t.Parallel()
	rules := spec.Rules{Types: append(spec.BuiltinTypes(), spec.Type{Name: "Spark", About: "Runs a Spark job.", Runnable: true, Templated: true})}
	text := []byte(`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"SPARK"}},{"step":{"id":"b","type":"shell"}}]}}`)
	req, p := spec.Parse(text, rules)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := req.Workflow.Steps[0].TypeInfo()+" "+string(req.Workflow.Steps[1].Type), "SPARK Shell"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, p := spec.Parse(text, spec.Rules{}); p.Err() == nil {
		t.Error("accepted a type that is not known")
	}
}

func TestIsInline(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"maestro_foreach_x": true, "maestro_while_x": true, "maestro_foreachx": false, "maestro_x": false, "foreach_x": false, "": false,
	} {
		if spec.IsInline(id) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}
