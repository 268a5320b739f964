package dsl_test

import (
	"encoding/json"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

func convert(t testing.TB, yaml string, p *doc.Problems) *doc.Node {
	t.Helper()
	n, err := yamldoc.Parse([]byte(yaml), doc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return dsl.Convert(n, dsl.Options{Template: func(jobType, version string) (spec.StepType, bool) {
		return spec.TypeKubernetes, jobType == "shell-template" && (version == "v1" || version == "default")
	}}, p)
}

// TestExample converts the example of definition §15.3.
func TestExample(t *testing.T) {
	t.Parallel()
	var p doc.Problems
	pushed := convert(t, `
Workflow:
  id: nightly
  owner: alice
  run_strategy: parallel
  workflow_concurrency: 3
  timeout: 3600
  tags: [t, 5]
  region: eu-west-1                     # STRING literal
  '!parts<long>(constant)': "4 * 2"     # LONG expression, CONSTANT
  ' nested <pmap> ': {a: x, 'b(immutable)': 1.5, '!c<array<long>>': "[1]"}
  dag: sequential
  jobs:
    - foreach:
        id: per_day
        concurrency: 2
        params: {day: [20240101, 20240102]}
        ranges: {shard: {to: 4}, back: {from: 5, to: 0, increment: -1}}
        jobs:
          - Job: {id: load, type: shell-template, type_version: v1, script: "run ${day} ${shard}"}
    - job:
        id: decide
        type: noop
        transition: ["IF parts > 5 THEN big", "if a then b then other", "", "always", "OTHERWISE small"]
    - job: {id: big, type: noop, failure_mode: ignore_failure}
    - while: {id: other, condition: n < 2, loop_params: {n: 0}, jobs: [{job: {id: y, type: noop}}], dag: parallel}
    - subworkflow: {id: always, version: 3, sync: no, '!subworkflow_id': "'x'"}
    - job: {id: small, type: noop, dag: x}
`, &p)
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	req := spec.DecodePushRequest(pushed, spec.Rules{}, &p)
	if req.Validate(pushed, spec.Rules{}, &p); p.Err() != nil {
		t.Fatal(p.Err())
	}
	const want = `{"properties":{"owner":"alice","run_strategy":{"rule":"PARALLEL","workflow_concurrency":3},"step_concurrency":20},` +
		`"workflow":{"id":"nightly","tags":[{"name":"t"},{"name":"5"}],"timeout":"3600","params":{"region":{"value":"eu-west-1","type":"STRING"},` +
		`"parts":{"expression":"4 * 2","type":"LONG","mode":"CONSTANT"},` +
		`"nested":{"value":{"a":{"value":"x","type":"STRING"},"b":{"value":1.5,"type":"DOUBLE","mode":"IMMUTABLE"},"c":{"expression":"[1]","type":"LONG_ARRAY"}},"type":"MAP"}},"steps":[` +
		`{"foreach":{"id":"per_day","transition":{"successors":{"decide":"true"}},"concurrency":2,"params":{"loop_params":{"value":{"day":{"value":[20240101,20240102],"type":"LONG_ARRAY"},` +
		`"shard":{"expression":"Util.intsBetween(0, 4, 1);","type":"LONG_ARRAY"},"back":{"expression":"Util.intsBetween(5, 0, -1);","type":"LONG_ARRAY"}},"type":"MAP"}},` +
		`"steps":[{"step":{"id":"load","transition":{},"type":"Kubernetes","sub_type":"shell-template","sub_type_version":"v1","params":{"script":{"value":"run ${day} ${shard}","type":"STRING"}}}}]}},` +
		`{"step":{"id":"decide","transition":{"successors":{"big":"parts > 5","other":"a then b","always":"true","small":"!((parts > 5) || (a then b))"}},"type":"NoOp","params":{}}},` +
		`{"step":{"id":"big","transition":{"successors":{"other":"true"}},"type":"NoOp","failure_mode":"IGNORE_FAILURE","params":{}}},` +
		`{"while":{"id":"other","transition":{"successors":{"always":"true"}},"condition":"n < 2","params":{"loop_params":{"value":{"n":{"value":0,"type":"LONG"}},"type":"MAP"}},"steps":[{"step":{"id":"y","transition":{},"type":"NoOp","params":{}}}]}},` +
		`{"subworkflow":{"id":"always","transition":{"successors":{"small":"true"}},"sync":false,"params":{"subworkflow_id":{"expression":"'x'","type":"STRING"},"subworkflow_version":{"value":"3","type":"STRING"}}}},` +
		`{"step":{"id":"small","transition":{},"type":"NoOp","params":{"dag":{"value":"x","type":"STRING"}}}}]},"is_active":true}`
	if got := string(req.AppendJSON(nil)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		`x: text`:                             `{"x":{"value":"text","type":"STRING"}}`,
		`x: 5`:                                `{"x":{"value":5,"type":"LONG"}}`,
		`x: 5.0`:                              `{"x":{"value":5.0,"type":"DOUBLE"}}`,
		`x: true`:                             `{"x":{"value":true,"type":"BOOLEAN"}}`,
		`x: [a, b]`:                           `{"x":{"value":["a","b"],"type":"STRING_ARRAY"}}`,
		`x: [1, 2.7]`:                         `{"x":{"value":[1,2],"type":"LONG_ARRAY"}}`,
		`x: [true]`:                           `{"x":{"value":[true],"type":"BOOLEAN_ARRAY"}}`,
		`x: []`:                               `{"x":{"value":[],"type":"STRING_ARRAY"}}`,
		`"x<double_array>": []`:               `{"x":{"value":[],"type":"DOUBLE_ARRAY"}}`,
		`x: {a: b}`:                           `{"x":{"value":{"a":"b"},"type":"STRING_MAP"}}`,
		`x: {"!a": "1+1"}`:                    `{"x":{"value":{"!a":"1+1"},"type":"STRING_MAP"}}`,
		`"x<PMAP>": {"!a": "1"}`:              `{"x":{"value":{"a":{"expression":"1","type":"STRING"}},"type":"MAP"}}`,
		`x: {}`:                               `{"x":{"value":{},"type":"MAP"}}`,
		`"!x": 5`:                             `{"x":{"expression":"5","type":"STRING"}}`,
		`"! x (Mutable)": "a"`:                `{"x":{"expression":"a","type":"STRING","mode":"MUTABLE"}}`,
		`"x<array<string>>": [a]`:             `{"x":{"value":["a"],"type":"STRING_ARRAY"}}`,
		`"x<long>": "5"`:                      `specified type [LONG] does not match implied type [STRING] from its value: [5]`,
		`"x<string>": 007`:                    `{"x":{"value":"007","type":"STRING"}}`,
		`"x<string>": [a]`:                    `does not match`,
		`"x<string_array>": [01, no, a, 1_0]`: `{"x":{"value":["01","no","a","1_0"],"type":"STRING_ARRAY"}}`,
		`"x<string_array>": [[a]]`:            `Unsupported type`,
		`"x<string_array>": []`:               `{"x":{"value":[],"type":"STRING_ARRAY"}}`,
		`"x<long_array>": [a]`:                `does not match implied type [STRING_ARRAY] from its value: [[a]]`,
		`"x<string_map>": {a: 010, b: no, c: [1]}`: `does not match implied type [MAP] from its value: [{a=010, b=no, c=[1]}]`,
		`"x<map>": {a: 010, b: no}`:                `{"x":{"value":{"a":"010","b":"no"},"type":"STRING_MAP"}}`,
		`"x<map>": {}`:                             `does not match implied type [MAP] from its value: [{}]`,
		`x: 010`:                                   `{"x":{"value":8,"type":"LONG"}}`,
		`"!x": 010`:                                `{"x":{"expression":"010","type":"STRING"}}`,
		`x: [1, null]`:                             `is nothing in a list`,
		`x: [null]`:                                `Unsupported type [null]`,
	} {
		var p doc.Problems
		n := convert(t, "workflow:\n  id: w\n  "+key+"\n", &p)
		req := spec.DecodePushRequest(n, spec.Rules{}, &p)
		got := string(req.Workflow.Params.AppendJSON(nil))
		if err := p.Err(); err != nil {
			got = err.Error()
			if strings.Contains(got, want) {
				continue
			}
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
}

func TestSchemaIsJSON(t *testing.T) {
	t.Parallel()
	if !json.Valid(dsl.Schema(nil)) {
		t.Error("not JSON")
	}
}

// TestRows reads the rows of a transition (definition 15.4).
func TestRows(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]string{
		"a":                         `{"a":"true"}`,
		" a ":                       `{"a":"true"}`,
		"":                          `{}`,
		"IF x > 1 THEN b":           `{"b":"x > 1"}`,
		"if  a\tthen b \n Then   c": `{"c":"a\tthen b"}`,
		"if (x)then y then z":       `{"z":"(x)then y"}`,
		"Otherwise b":               `{"b":"true"}`,
		"otherwise":                 `{"otherwise":"true"}`,
		"if":                        `{"if":"true"}`,
		"a b":                       `Invalid transition: [a b]`,
		"if then b":                 `Invalid transition`,
		"iff x then b":              `Invalid transition`,
		"if x b":                    `Invalid transition`,
		"x then b":                  `Invalid transition`,
		"otherwise a b":             `Invalid transition`,
	} {
		var p doc.Problems
		list := &doc.Node{Kind: doc.List, Items: []*doc.Node{{Kind: doc.String, Text: row}}}
		n := convert(t, "workflow: {id: w, jobs: [{job: {id: j, type: noop, transition: "+string(doc.AppendNode(nil, list))+"}}]}", &p)
		got := ""
		if p.Failed() {
			got = p.Err().Error()
		} else {
			step := n.Field("workflow").Field("steps").Items[0].Field("step")
			got = string(doc.AppendNode(nil, step.Field("transition").Field("successors")))
		}
		if got != want && !(p.Failed() && strings.Contains(got, want)) {
			t.Errorf("%q: got %s, want %s", row, got, want)
		}
	}
}
