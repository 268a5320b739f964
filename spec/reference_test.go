package spec_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

// shared returns a folder of test data that is not part of this repository, or skips the test.
func shared(t testing.TB, env, name string) string {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", name)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no folder %s; set %s to where the %s data is", dir, env, name)
	}
	return dir
}

func read(t testing.TB, elem ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t testing.TB, text []byte) *doc.Node {
	t.Helper()
	n, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// same reports whether two JSON texts mean the same.
func same(t testing.TB, got, want []byte) bool {
	t.Helper()
	var g, w any
	for text, v := range map[string]*any{string(got): &g, string(want): &w} {
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return reflect.DeepEqual(canonical(g), canonical(w))
}

// canonical undoes what decoding changes on purpose and the format leaves open: tags and enums in their short forms.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if x == nil {
				continue // nulls are absent
			}
			switch k {
			case "tags":
				x = canonicalTags(x)
			case "transition":
				if m, ok := x.(map[string]any); ok && len(m) == 0 {
					continue // printed even when it was not written
				}
			case "type", "mode", "rule", "failure_mode", "criticality", "namespace", "step_type", "internal_mode":
				if s, ok := x.(string); ok {
					x = strings.ToUpper(s)
				}
			case "run_strategy":
				if s, ok := x.(string); ok {
					x = map[string]any{"rule": s}
				}
				if s, ok := x.(json.Number); ok {
					x = map[string]any{"rule": "PARALLEL", "workflow_concurrency": s}
				}
				if m, ok := x.(map[string]any); ok && m["workflow_concurrency"] == nil {
					m["workflow_concurrency"] = json.Number("1")
					if s, _ := m["rule"].(string); strings.EqualFold(s, "parallel") {
						m["workflow_concurrency"] = json.Number("20")
					}
				}
			}
			out[k] = canonical(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = canonical(v[i])
		}
		return out
	}
	if n, ok := v.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
		if f, err := n.Float64(); err == nil {
			return f
		}
	}
	return v
}

func canonicalTags(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]any, len(list))
	for i, tag := range list {
		if s, ok := tag.(string); ok {
			tag = map[string]any{"name": s}
		}
		out[i] = tag
	}
	return out
}

// codec decodes one kind of document and encodes it again.
type codec func(n *doc.Node, p *doc.Problems) []byte

var (
	push codec = func(n *doc.Node, p *doc.Problems) []byte {
		r := spec.DecodePushRequest(n, spec.Rules{}, p)
		text := r.AppendJSON(nil)
		if n.Field("is_active") == nil { // always printed
			text = bytes.Replace(text, []byte(`,"is_active":true`), nil, 1)
		}
		return text
	}
	workflow codec = func(n *doc.Node, p *doc.Problems) []byte {
		return spec.DecodeWorkflow(n, spec.Rules{}, p).AppendJSON(nil)
	}
	definition codec = func(n *doc.Node, p *doc.Problems) []byte {
		return spec.DecodeDefinition(n, spec.Rules{}, p).AppendJSON(nil)
	}
	properties codec = func(n *doc.Node, p *doc.Problems) []byte {
		return spec.DecodeProperties(n, spec.Rules{}, p).AppendJSON(nil)
	}
	step codec = func(n *doc.Node, p *doc.Problems) []byte {
		if s := spec.DecodeStep(n, spec.Rules{}, p); s != nil {
			return s.AppendJSON(nil)
		}
		return nil
	}
	// inStep and inWorkflow decode a part in the smallest thing that has it.
	retry = within(`{"step":{"id":"a","type":"NoOp","retry_policy":`, `}}`, "step", "retry_policy")
	outs  = within(`{"step":{"id":"a","type":"NoOp","signal_outputs":`, `}}`, "step", "signal_outputs")
)

func within(before, after string, path ...string) codec {
	return func(n *doc.Node, p *doc.Problems) []byte {
		text := append(append([]byte(before), doc.AppendNode(nil, n)...), after...)
		whole, err := doc.ParseJSON(text, doc.Limits{})
		if err != nil {
			panic(err)
		}
		s := spec.DecodeStep(whole, spec.Rules{}, p)
		out, err := doc.ParseJSON(s.AppendJSON(nil), doc.Limits{})
		if err != nil {
			panic(err)
		}
		for _, name := range path {
			out = out.Field(name)
		}
		return doc.AppendNode(nil, out)
	}
}

func trigger(n *doc.Node, p *doc.Problems) []byte {
	text := append(append([]byte(`{"id":"w","time_triggers":[`), doc.AppendNode(nil, n)...), "]}"...)
	whole, err := doc.ParseJSON(text, doc.Limits{})
	if err != nil {
		panic(err)
	}
	return spec.DecodeWorkflow(whole, spec.Rules{}, p).TimeTriggers[0].AppendJSON(nil)
}

// TestReferenceDocuments decodes every document of the reference that package spec knows, and compares what it encodes
// with the document.
func TestReferenceDocuments(t *testing.T) {
	t.Parallel()
	dir := shared(t, "MAESTRO_REFERENCE", "reference")
	for pattern, c := range map[string]codec{
		"samples/*.json":                                          push,
		"jobtemplates/sample-shell-wf.json":                       push,
		"fixtures/workflows/request/*.json":                       push,
		"fixtures/api/sample-workflow-create-request.json":        push,
		"fixtures/api/sample-workflow-create-request-params.json": push,
		"fixtures/workflows/definition/sample-*wf*.json":          definition,
		"fixtures/workflows/definition/sample-properties.json":    properties,
		"fixtures/typedsteps/sample-typed-step.json":              step,
		"fixtures/retry_policy/*.json":                            retry,
		"fixtures/step_outputs/*.json":                            outs,
		"fixtures/time_triggers/*.json":                           trigger,
		"jobtemplates/sample-job-template-1.json":                 template,
		"fixtures/api/sample-job-template-create-request.json":    template,
		"fixtures/parameters/sample-wf-[mpw]*.json":               anyDefinition,
	} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no files (%v)", pattern, err)
		}
		for _, file := range files {
			name, _ := filepath.Rel(dir, file)
			text := read(t, file)
			n := parse(t, text)
			var p doc.Problems
			got := c(n, &p)
			if reason, ok := refused[name]; ok {
				if !strings.Contains(p.Err().Error(), reason) {
					t.Errorf("%s: got %v, want an error with %q", name, p.Err(), reason)
				}
				continue
			}
			if err := p.Err(); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if _, ok := coerced[name]; !ok && !same(t, got, text) {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, doc.AppendNode(nil, n))
			}
		}
	}
}

// coerced are the documents that come back differently, and why.
var coerced = map[string]string{
	"fixtures/parameters/sample-wf-params.json": "doubles given as texts come back as numbers",
}

// refused are the documents that are meant to be rejected while they are decoded, and why.
var refused = map[string]string{
	"fixtures/workflows/definition/sample-invalid-wf.json": "unknown field `definition`",
}

// template decodes a request and prints it as a request again.
func template(n *doc.Node, p *doc.Problems) []byte {
	t := spec.DecodeJobTemplateRequest(n, spec.Rules{}, p)
	text := t.AppendJSON(nil) // {"metadata":{…},"definition":{…}}
	text = bytes.Replace(text, []byte(`{"metadata":{`), []byte(`{`), 1)
	return bytes.Replace(text, []byte(`},"definition":`), []byte(`,"definition":`), 1)
}

func anyDefinition(n *doc.Node, p *doc.Problems) []byte {
	switch {
	case n.Field("steps") != nil:
		return workflow(n, p)
	case n.Field("is_latest") == nil && n.Field("properties_snapshot") == nil:
		return push(n, p)
	}
	return definition(n, p)
}

// TestReferenceYAML converts the YAML samples and checks the result.
func TestReferenceYAML(t *testing.T) {
	t.Parallel()
	dir := shared(t, "MAESTRO_REFERENCE", "reference")
	files, err := fs.Glob(os.DirFS(dir), "samples/yaml/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	for _, file := range files {
		n, err := yamldoc.Parse(read(t, dir, file), doc.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var p doc.Problems
		pushed := dsl.Convert(n, dsl.Options{}, &p)
		req := spec.DecodePushRequest(pushed, spec.Rules{}, &p)
		req.Validate(pushed, spec.Rules{}, &p)
		for _, problem := range p.List {
			t.Errorf("%s: %v", file, problem)
		}
	}
}
