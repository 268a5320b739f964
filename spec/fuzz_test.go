package spec_test

import (
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

// seed adds the documents of the transcripts.
func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, block := range strings.Split(string(read(f, file)), "\n====\n") {
			input, _, _ := strings.Cut(block, "\n----")
			for _, line := range []string{"#", "push", "workflow-yaml", "template", "properties"} {
				if strings.HasPrefix(input, line) {
					_, input, _ = strings.Cut(input, "\n")
				}
			}
			f.Add([]byte(input))
		}
	}
	f.Add([]byte(`{"properties":{"owner":{"name":"o"},"run_strategy":7,"alerting":{"tct":{"completed_by_hour":6}}},"workflow":{"id":"w","tags":["t"],"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`))
	f.Add([]byte("Workflow:\n  id: w\n  'x<long>(constant)': 1\n  a: &a [1]\n  b: *a\n  jobs:\n    - job: {id: a, type: noop}\n"))
}

// FuzzPush decodes, checks, prints and decodes again: nothing panics, and what is accepted comes back the same.
func FuzzPush(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := doc.ParseJSON(text, doc.Limits{Bytes: 1 << 16})
		if err != nil {
			_ = doc.Render(text, "f", []doc.Problem{doc.AsProblem(err)})
			return
		}
		var p doc.Problems
		req := spec.DecodePushRequest(n, spec.Rules{}, &p)
		req.Validate(n, benchRules, &p)
		req.ValidatePush(n, &p)
		_ = doc.Render(text, "f", p.List)
		spec.DecodeJobTemplateRequest(n, spec.Rules{}, &doc.Problems{}).AppendJSON(nil)
		spec.DecodePropertiesUpdate(n, spec.Rules{}, &doc.Problems{})
		spec.DecodeDefinition(n, spec.Rules{}, &doc.Problems{}).AppendJSON(nil)
		first := req.AppendJSON(nil)
		if p.Failed() {
			return
		}
		again, err := doc.ParseJSON(first, doc.Limits{})
		if err != nil {
			t.Fatalf("printed no JSON: %v\n%s", err, first)
		}
		second := spec.DecodePushRequest(again, spec.Rules{}, &p).AppendJSON(nil)
		if p.Failed() || string(first) != string(second) {
			t.Errorf("%v: printed\n%s\nthen\n%s", p.Err(), first, second)
		}
		if _, err := spec.BuildDAG(req.Workflow.Steps, nil, nil); err != nil {
			t.Errorf("accepted, but has no graph: %v\n%s", err, first)
		}
	})
}

// FuzzYAML parses and converts: nothing panics, and what is accepted is what decoding its JSON would give.
func FuzzYAML(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := yamldoc.Parse(text, doc.Limits{Bytes: 1 << 16, Nodes: 10_000})
		if err != nil {
			return
		}
		if _, err := doc.ParseJSON(doc.AppendNode(nil, n), doc.Limits{Depth: 1000}); err != nil {
			t.Fatalf("is no JSON: %v", err)
		}
		var p doc.Problems
		pushed := dsl.Convert(n, dsl.Options{}, &p)
		if pushed == nil {
			return
		}
		req := spec.DecodePushRequest(pushed, spec.Rules{}, &p)
		req.Validate(pushed, spec.Rules{}, &p)
		_ = doc.Render(text, "f", p.List)
	})
}
