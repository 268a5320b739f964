package spec_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

var rewrite = flag.Bool("rewrite", false, "write the generated files instead of comparing them")

// TestPublishedSchemas compares the schemas in docs/schema with what is generated.
func TestPublishedSchemas(t *testing.T) {
	for name, text := range map[string][]byte{
		"push.json":          spec.Schema(nil),
		"job-template.json":  spec.JobTemplateSchema(nil),
		"workflow-yaml.json": dsl.Schema(nil),
	} {
		file := filepath.Join("..", "docs", "schema", name)
		if *rewrite {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !bytes.Equal(read(t, file), text) {
			t.Errorf("%s is not what is generated; run go test ./spec -run TestPublishedSchemas -rewrite", file)
		}
		compile(t, text)
	}
}

func compile(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddResource("schema.json", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func conforms(t testing.TB, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// TestSchemaAcceptsExamples validates what the documentation shows.
func TestSchemaAcceptsExamples(t *testing.T) {
	t.Parallel()
	push, yaml := compile(t, spec.Schema(nil)), compile(t, dsl.Schema(nil))
	files, err := filepath.Glob("../examples/*.*")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, file := range files {
		text, s := read(t, file), push
		if filepath.Ext(file) == ".yaml" {
			n, err := yamldoc.Parse(text, doc.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if text = doc.AppendNode(nil, n); n.Field("properties") == nil { // else it is what JSON is pushed as
				s = yaml
			}
		}
		if err := conforms(t, s, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemaAgreesWithRecordings validates every definition that the reference took.
func TestSchemaAgreesWithRecordings(t *testing.T) {
	t.Parallel()
	push, template, yaml := compile(t, spec.Schema(nil)), compile(t, spec.JobTemplateSchema(nil)), compile(t, dsl.Schema(nil))
	for _, file := range recordings(t) {
		var c recorded
		if err := json.Unmarshal(unrecord(read(t, file)), &c); err != nil {
			t.Fatal(err)
		}
		for i, call := range c.Calls {
			switch {
			case call.Status != 200:
			case call.Method == "POST" && call.Path == "/api/v3/job-templates":
				if err := conforms(t, template, call.Body); err != nil {
					t.Errorf("%s call %d: %v", file, i, err)
				}
			case call.Method == "POST" && call.Path == "/api/v3/workflows" && call.Body != nil && !bytes.Contains(call.Body, []byte("{{")):
				if err := conforms(t, push, call.Body); err != nil {
					t.Errorf("%s call %d: %v", file, i, err)
				}
			case call.YAML != nil && call.Path == "/api/v3/workflows/yaml":
				n, err := yamldoc.Parse([]byte(*call.YAML), doc.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if err := conforms(t, yaml, doc.AppendNode(nil, n)); err != nil {
					t.Errorf("%s call %d: %v", file, i, err)
				}
			}
		}
	}
}

// TestSchemaRefuses shows that the schema is not just permissive.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := compile(t, spec.Schema(nil))
	for _, text := range []string{
		`{}`,
		`{"workflow":{"id":"w"}}`,
		`{"workflow":{"id":"w","steps":[{"stepp":{"id":"a","type":"NoOp"}}]}}`,
		`{"workflow":{"id":"w","steps":[{"step":{"id":"a"}}]}}`,
		`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"Rocket"}}]}}`,
		`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp","colour":"red"}}]}}`,
		`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp","failure_mode":"never"}}]}}`,
		`{"workflow":{"id":"w","params":{"p":{"value":1}},"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`,
		`{"workflow":{"id":"w","time_triggers":[{"type":"CRON","expression":"@daily"}],"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`,
		`{"properties":{"colour":"red"},"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`,
	} {
		if conforms(t, s, []byte(text)) == nil {
			t.Errorf("accepted %s", text)
		}
	}
}
