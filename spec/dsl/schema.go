package dsl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"maestro/spec"
)

// key describes one key of the YAML form for editors.
type keySchema struct{ name, about, shape string }

const (
	anyText = `{"type":["string","number","boolean","null"]}`
	rows    = `{"$ref":"#/$defs/transition"}`
	jobList = `{"type":"array","items":{"$ref":"#/$defs/job"}}`
	entries = `{"type":["object","null"]}`
)

var commonSchema = []keySchema{
	{"id", "Names the job within the workflow.", anyText},
	{"name", "Shown to people instead of the id.", anyText},
	{"description", "What the job does.", anyText},
	{"failure_mode", "FAIL_AFTER_RUNNING (default), FAIL_IMMEDIATELY or IGNORE_FAILURE.", anyText},
	{"tags", "Permits that the job must hold while it runs.", `{"type":["array","null"],"items":{"type":["string","number","boolean"]}}`},
	{"timeout", "Longest duration of one attempt: seconds, or a text such as 2 hours.", anyText},
	{"transition", "Which jobs follow this one.", rows},
}

var kindSchema = map[string][]keySchema{
	"job": {
		{"type", "A step type, or the job type of a job template.", anyText},
		{"type_version", "Version of the job template; default: default.", anyText},
	},
	"subworkflow": {
		{"workflow_id", "Workflow to start; default: the job id.", anyText},
		{"subworkflow_id", "The same as workflow_id.", anyText},
		{"version", "Version to start: active (default), latest, default or a number.", anyText},
		{"subworkflow_version", "The same as version.", anyText},
		{"sync", "Wait for the child; default true.", anyText},
		{"explicit_params", "Pass only the params of this job; default false.", anyText},
	},
	"foreach": {
		{"concurrency", "Iterations that run at a time.", anyText},
		{"job_concurrency", "The same as concurrency.", anyText},
		{"loop_params", "Lists of values to go through.", entries},
		{"params", "The same as loop_params.", entries},
		{"ranges", "Ranges of integers to go through: from (0), to (not included), increment (1).", `{"type":["object","null"],"additionalProperties":{"type":"object","properties":{"from":{"type":"integer"},"to":{"type":"integer"},"increment":{"type":"integer"}},"required":["to"],"additionalProperties":false}}`},
		{"jobs", "What is repeated.", jobList},
		{"dag", "How the jobs inside follow each other.", `{"$ref":"#/$defs/dag"}`},
	},
	"while": {
		{"condition", "Expression that gives true or false, evaluated before each iteration.", anyText},
		{"loop_params", "First values.", entries},
		{"params", "The same as loop_params.", entries},
		{"jobs", "What is repeated.", jobList},
		{"dag", "How the jobs inside follow each other.", `{"$ref":"#/$defs/dag"}`},
	},
}

var workflowSchema = []keySchema{
	{"id", "Names the workflow over all of its versions.", anyText},
	{"name", "Shown to people instead of the id.", anyText},
	{"description", "What the workflow does.", anyText},
	{"criticality", "CRITICAL, HIGH, MEDIUM or LOW.", anyText},
	{"owner", "Who answers for the workflow; required by its first version.", anyText},
	{"run_strategy", "SEQUENTIAL (default), STRICT_SEQUENTIAL, FIRST_ONLY, LAST_ONLY, PARALLEL or SERIAL_LATEST_ONLY.", anyText},
	{"workflow_concurrency", "Runs at a time, with PARALLEL.", anyText},
	{"tags", "Labels of the workflow.", `{"type":["array","null"],"items":{"type":["string","number","boolean"]}}`},
	{"timeout", "Longest duration of a run: seconds, or a text such as 2 hours.", anyText},
	{"jobs", "What runs.", jobList},
	{"dag", "How the jobs follow each other.", `{"$ref":"#/$defs/dag"}`},
}

// Schema returns the JSON schema (draft 2020-12) of the YAML form.
func Schema(types spec.Types) []byte {
	if len(types) == 0 {
		types = spec.BuiltinTypes()
	}
	var names []string
	for _, t := range types {
		if t.Runnable && t.Wrapper == spec.Typed {
			names = append(names, string(t.Name)+": "+t.About)
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:maestro:schema:workflow-yaml",
"title":"Maestro workflow in YAML","type":"object","minProperties":1,"maxProperties":1,"additionalProperties":false,
"properties":{"Workflow":{"$ref":"#/$defs/workflow"},"workflow":{"$ref":"#/$defs/workflow"}},"$defs":{`)
	fmt.Fprintf(&b, `"workflow":{"description":"A workflow. Keys that are not listed are params: [!]name[<type>][(mode)].","type":"object","properties":{%s},"required":["id","jobs"]}`, properties(workflowSchema))
	order := []string{"job", "subworkflow", "foreach", "while"}
	var kinds, anyKinds []string
	for _, k := range order {
		kinds = append(kinds, fmt.Sprintf(`%q:{"$ref":"#/$defs/%s-body"}`, k, k))
		anyKinds = append(anyKinds, fmt.Sprintf(`"^%s$":{"$ref":"#/$defs/%s-body"}`, anyCase(k), k))
		about := "Keys that are not listed are params: [!]name[<type>][(mode)]."
		if k == "job" {
			about += " Types: " + strings.Join(names, " ")
		}
		text, _ := json.Marshal(about)
		fmt.Fprintf(&b, `,"%s-body":{"description":%s,"type":"object","properties":{%s},"required":["id"]}`, k, text,
			properties(append(append([]keySchema(nil), commonSchema...), kindSchema[k]...)))
	}
	fmt.Fprintf(&b, `,"job":{"description":"A job in the mapping that names its kind.","type":"object","minProperties":1,"maxProperties":1,"properties":{%s},"patternProperties":{%s},"additionalProperties":false}`,
		strings.Join(kinds, ","), strings.Join(anyKinds, ","))
	b.WriteString(`,"transition":{"description":"Jobs that follow: job_id, IF condition THEN job_id, or at the end OTHERWISE job_id.","type":["array","null"],"items":{"type":"string"}}`)
	b.WriteString(`,"dag":{"description":"sequential, parallel (default), or job id to transition.","anyOf":[{"type":"string","pattern":"^([Ss][Ee][Qq][Uu][Ee][Nn][Tt][Ii][Aa][Ll]|[Pp][Aa][Rr][Aa][Ll][Ll][Ee][Ll])$"},{"type":"object","additionalProperties":{"$ref":"#/$defs/transition"}},{"type":"null"}]}`)
	b.WriteString("}}")
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		panic("dsl: a schema fragment is no JSON: " + err.Error())
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func properties(keys []keySchema) string {
	var parts []string
	for _, k := range keys {
		about, _ := json.Marshal(k.about)
		parts = append(parts, fmt.Sprintf(`%q:{"description":%s,%s`, k.name, about, k.shape[1:]))
	}
	return strings.Join(parts, ",")
}

func anyCase(s string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString("[" + strings.ToUpper(string(c)) + string(c) + "]")
	}
	return b.String()
}
