package spec_test

import (
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/param"
	"maestro/spec"
	"maestro/spec/dsl"
)

// scalars are texts that YAML takes for something else.
var scalars = []string{
	"01234", "1_000", "+33612345678", "0x1F", "0b11", "0e12345", "12345e2", "1.10", "1.", "00", "no", "Yes", "TRUE", "off", "7", "true",
	"123456789012345678901234567890", "2024-01-31", "12:30:45", ".inf",
}

// texts are places of the format that take a text: a document in YAML with TEXT in the place, and what is printed.
var texts = []struct{ about, yaml, want string }{
	{"owner", `{properties: {owner: TEXT}, workflow: {id: w, steps: [STEP]}}`, `"owner":"TEXT"`},
	{"owner as an object", `{properties: {owner: {name: TEXT}}, workflow: {id: w, steps: [STEP]}}`, `"owner":{"name":"TEXT"}`},
	{"property description", `{properties: {description: TEXT}, workflow: {id: w, steps: [STEP]}}`, `"description":"TEXT"`},
	{"alert", `{properties: {alerting: {emails: [TEXT], slack: {channels: [TEXT]}}}, workflow: {id: w, steps: [STEP]}}`, `"emails":["TEXT"],"slack":{"channels":["TEXT"]}`},
	{"time zone", `{properties: {alerting: {tct: {completed_by_hour: 1, tz: TEXT}}}, workflow: {id: w, steps: [STEP]}}`, `"tz":"TEXT"`},
	{"commit", `{git_info: {sha: TEXT, branch: TEXT, author: TEXT}, workflow: {id: w, steps: [STEP]}}`, `"branch":"TEXT","sha":"TEXT"`},
	{"workflow", `{workflow: {id: TEXT, name: TEXT, description: TEXT, steps: [STEP]}}`, `{"id":"TEXT","name":"TEXT","description":"TEXT"`},
	{"tags", `{workflow: {id: w, tags: [TEXT, {name: xTEXT}], steps: [STEP]}}`, `"tags":[{"name":"TEXT"},{"name":"xTEXT"}]`},
	{"STRING", `{workflow: {id: w, params: {p: {type: STRING, value: TEXT}}, steps: [STEP]}}`, `"p":{"value":"TEXT","type":"STRING"}`},
	{"STRING_ARRAY", `{workflow: {id: w, params: {p: {type: STRING_ARRAY, value: [TEXT, a, TEXT]}}, steps: [STEP]}}`, `"p":{"value":["TEXT","a","TEXT"],"type":"STRING_ARRAY"}`},
	{"STRING_MAP", `{workflow: {id: w, params: {p: {type: STRING_MAP, value: {a: TEXT, TEXT: b}}}, steps: [STEP]}}`, `"p":{"value":{"a":"TEXT","TEXT":"b"},"type":"STRING_MAP"}`},
	{"MAP", `{workflow: {id: w, params: {p: {type: MAP, value: {a: {type: STRING, value: TEXT}}}}, steps: [STEP]}}`, `"a":{"value":"TEXT","type":"STRING"}`},
	{"expression", `{workflow: {id: w, params: {p: {type: LONG, expression: TEXT}}, steps: [STEP]}}`, `"p":{"expression":"TEXT","type":"LONG"}`},
	{"param tag", `{workflow: {id: w, params: {p: {type: LONG, value: 1, tags: [TEXT]}}, steps: [STEP]}}`, `"tags":[{"name":"TEXT"}]`},
	{"step", `{workflow: {id: w, steps: [{step: {id: TEXT, name: TEXT, description: TEXT, type: http, sub_type: TEXT, sub_type_version: TEXT}}]}}`,
		`{"step":{"id":"TEXT","name":"TEXT","description":"TEXT","transition":{},"type":"Http","sub_type":"TEXT","sub_type_version":"TEXT"}}`},
	{"successor", `{workflow: {id: w, steps: [{step: {id: a, type: noop, transition: {successors: {TEXT: TEXT}}}}, {step: {id: TEXT, type: noop}}]}}`, `"successors":{"TEXT":"TEXT"}`},
	{"condition of a loop", `{workflow: {id: w, steps: [{while: {id: a, condition: TEXT, steps: [STEP]}}]}}`, `"condition":"TEXT"`},
	{"trigger", `{workflow: {id: w, steps: [STEP], time_triggers: [{type: CRON, cron: TEXT, timezone: TEXT}]}}`, `"cron":"TEXT"`},
	{"signal", `{workflow: {id: w, steps: [STEP], signal_triggers: [{definitions: {TEXT: {join_keys: [TEXT]}}, condition: TEXT, dedup_expr: TEXT}]}}`, `"join_keys":["TEXT"]`},
	{"signal dependency", `{workflow: {id: w, steps: [{step: {id: a, type: noop, signal_dependencies: [{name: TEXT}]}}]}}`, `"name":"TEXT"`},

	{"short workflow", "workflow: {id: TEXT, owner: TEXT, name: TEXT, description: TEXT, tags: [TEXT], jobs: [JOB]}", `"id":"TEXT","name":"TEXT","description":"TEXT","tags":[{"name":"TEXT"}]`},
	{"short owner", "workflow: {id: w, owner: TEXT, jobs: [JOB]}", `"owner":"TEXT"`},
	{"short job", "workflow: {id: w, jobs: [{job: {id: TEXT, name: TEXT, description: TEXT, tags: [TEXT], type: noop}}]}", `{"id":"TEXT","name":"TEXT","description":"TEXT","transition":{},"type":"NoOp","tags":[{"name":"TEXT"}]`},
	{"short template", "workflow: {id: w, jobs: [{job: {id: a, type: TEXT, type_version: TEXT}}]}", `"type":"Http","sub_type":"TEXT","sub_type_version":"TEXT"`},
	{"short STRING", `workflow: {id: w, "p<string>": TEXT, jobs: [JOB]}`, `"p":{"value":"TEXT","type":"STRING"}`},
	{"short STRING_ARRAY", `workflow: {id: w, "p<array<string>>": [TEXT, a], jobs: [JOB]}`, `"p":{"value":["TEXT","a"],"type":"STRING_ARRAY"}`},
	{"short STRING_MAP", `workflow: {id: w, "p<map>": {a: TEXT}, jobs: [JOB]}`, `"p":{"value":{"a":"TEXT"},"type":"STRING_MAP"}`},
	{"short expression", `workflow: {id: w, "!p": TEXT, jobs: [JOB]}`, `"p":{"expression":"TEXT","type":"STRING"}`},
	{"short transition", "workflow: {id: w, jobs: [{job: {id: a, type: noop, transition: [TEXT]}}, {job: {id: TEXT, type: noop}}]}", `"successors":{"TEXT":"true"}`},
	{"short order", "workflow: {id: w, dag: sequential, jobs: [JOB, {job: {id: TEXT, type: noop}}]}", `"successors":{"TEXT":"true"}`},
	{"short dag", "workflow: {id: w, dag: {a: [TEXT]}, jobs: [JOB, {job: {id: TEXT, type: noop}}]}", `"successors":{"TEXT":"true"}`},
	{"short child", "workflow: {id: w, jobs: [{subworkflow: {id: a, workflow_id: TEXT, version: TEXT}}]}",
		`"subworkflow_id":{"value":"TEXT","type":"STRING"},"subworkflow_version":{"value":"TEXT","type":"STRING"}`},
	{"short child of the same name", "workflow: {id: w, jobs: [{subworkflow: {id: TEXT}}]}", `"subworkflow_id":{"value":"TEXT","type":"STRING"}`},
	{"short Shell", `workflow: {id: w, jobs: [{job: {id: a, type: shell, shell: {script: TEXT, args: [TEXT, a], env: {A: TEXT, B: b}, skip_exit_code: 010}}}]}`,
		`{"script":{"value":"TEXT","type":"STRING"},"args":{"value":["TEXT","a"],"type":"STRING_ARRAY"},"env":{"value":{"A":"TEXT","B":"b"},"type":"STRING_MAP"},"skip_exit_code":{"value":8,"type":"LONG"}}`},
	{"short Http", `workflow: {id: w, jobs: [{job: {http: {body: TEXT, headers: {A: TEXT}}, state_expr: TEXT, id: a, type: http}}]}`,
		`"params":{"http":{"value":{"body":{"value":"TEXT","type":"STRING"},"headers":{"value":{"A":"TEXT"},"type":"STRING_MAP"}},"type":"MAP"},"state_expr":{"value":"TEXT","type":"STRING"}}`},
	{"short Kubernetes", `workflow: {id: w, jobs: [{job: {id: a, type: kubernetes, kubernetes: {image: TEXT, cpu: TEXT, command: [TEXT], env: {A: TEXT}, pre_stop: {exec: {command: [TEXT]}}}}}]}`,
		`"image":{"value":"TEXT","type":"STRING"},"cpu":{"value":"TEXT","type":"STRING"},"command":{"value":["TEXT"],"type":"STRING_ARRAY"},"env":{"value":{"A":"TEXT"},"type":"STRING_MAP"},"pre_stop":{"value":{"exec":{"value":{"command":{"value":["TEXT"],"type":"STRING_ARRAY"}}`},
	{"short template's param", "workflow: {id: w, jobs: [{job: {id: a, type: TEXT, http: {body: TEXT, idempotency_key: yes}}}]}", `"body":{"value":"TEXT","type":"STRING"},"idempotency_key":{"value":true,"type":"BOOLEAN"}`},
	{"short condition", "workflow: {id: w, jobs: [{while: {id: a, condition: TEXT, jobs: [{job: {id: b, type: noop}}]}}]}", `"condition":"TEXT"`},
}

// TestTextsAreWhatIsWritten puts scalars that are no texts to YAML where the format wants one.
func TestTextsAreWhatIsWritten(t *testing.T) {
	t.Parallel()
	defaults, err := param.LoadDefaults(param.DefaultOverrides{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range texts {
		for _, scalar := range scalars {
			fill := strings.NewReplacer("TEXT", scalar, "STEP", "{step: {id: a, type: noop}}", "JOB", "{job: {id: a, type: noop}}")
			n, err := yamldoc.Parse([]byte(fill.Replace(c.yaml)), doc.Limits{})
			if err != nil {
				t.Fatal(c.about, err)
			}
			var p doc.Problems
			if dsl.IsShort(n) {
				n = dsl.Convert(n, dsl.Options{Defaults: defaults, Template: func(string, string) (spec.StepType, bool) { return spec.TypeHTTP, true }}, &p)
			}
			got := string(spec.DecodePushRequest(n, spec.Rules{}, &p).AppendJSON(nil))
			if p.Failed() {
				t.Errorf("%s: %s: %v", c.about, scalar, p.Err())
			}
			if want := fill.Replace(c.want); !strings.Contains(got, want) {
				t.Errorf("%s: got\n%s\nwithout\n%s", c.about, got, want)
			}
		}
	}
}

// TestNumbersKeepTheirValue has the same scalars where a number or boolean is meant.
func TestNumbersKeepTheirValue(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		`{workflow: {id: w, timeout: 1_000, params: {l: {type: LONG, value: 010}, d: {type: DOUBLE, value: 1_0.5}, b: {type: BOOLEAN, value: yes}}, steps: []}}`: `"timeout":1000,"params":{"l":{"value":8,"type":"LONG"},"d":{"value":10.5,"type":"DOUBLE"},"b":{"value":true,"type":"BOOLEAN"}}`,
		`workflow: {id: w, timeout: 1_000, l: 010, d: 1_0.5, b: yes, jobs: []}`:                                                                                  `"timeout":"1000","params":{"l":{"value":8,"type":"LONG"},"d":{"value":10.5,"type":"DOUBLE"},"b":{"value":true,"type":"BOOLEAN"}}`,
		`{properties: {step_concurrency: 0x10, alerting_disabled: no}, workflow: {id: w, steps: []}}`:                                                            `"step_concurrency":16,"alerting_disabled":false`,
		`workflow: {id: w, run_strategy: parallel, workflow_concurrency: 0x10, jobs: [{foreach: {id: f, ranges: {i: {to: 0x10}}, jobs: []}}]}`:                   `intsBetween(0, 16, 1)`,
	} {
		n, err := yamldoc.Parse([]byte(yaml), doc.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var p doc.Problems
		if dsl.IsShort(n) {
			n = dsl.Convert(n, dsl.Options{}, &p)
		}
		if got := string(spec.DecodePushRequest(n, spec.Rules{}, &p).AppendJSON(nil)); p.Failed() || !strings.Contains(got, want) {
			t.Errorf("%s: %v: got\n%s\nwithout\n%s", yaml, p.Err(), got, want)
		}
	}
}
