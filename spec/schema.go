package spec

import (
	"bytes"
	"encoding/json"
	"strings"

	"maestro/internal/doc"
)

// Schema returns the JSON schema (draft 2020-12) of the push request: what editors complete and check by. It is made
// from the tables that the decoder reads by. It accepts whatever the decoder does except for what no schema can say,
// such as ids that must not repeat; those are for Validate.
func Schema(types Types) []byte {
	s := newSchema(types)
	return s.document("urn:maestro:schema:push", "Maestro push request", "#/$defs/push", append([]described{
		pushObject, propertiesObject, strategyObject, alertingObject, slackObject, bypassObject, tctObject, alertTypeObject, pagerdutyObject,
	}, s.workflowParts()...))
}

// JobTemplateSchema returns the JSON schema of a push of a job template.
func JobTemplateSchema(types Types) []byte {
	s := newSchema(types)
	return s.document("urn:maestro:schema:job-template", "Maestro job template", "#/$defs/jobTemplateRequest",
		[]described{templateRequestObject, templateDefinitionObject, gitInfoObject})
}

func (s *schema) workflowParts() []described {
	parts := []described{gitInfoObject, workflowObject, transitionObject, retryObject, signalTriggerObject, signalMatchObject, matchObject,
		dependencyObject, dependencyMatchObject, outputObject, timeTriggers, backoffs}
	for _, o := range stepObjects {
		parts = append(parts, o)
	}
	for _, o := range timeTriggers.forms {
		parts = append(parts, o)
	}
	for _, o := range backoffs.forms {
		parts = append(parts, o)
	}
	return parts
}

// described is an object or variants, whatever type it decodes to.
type described interface {
	describe(s *schema) (name string)
}

// schema collects definitions.
type schema struct {
	types Types
	defs  []string // "name":{…}
	known map[string]bool
}

func newSchema(types Types) *schema {
	if len(types) == 0 {
		types = builtinTypes
	}
	s := &schema{types: types, known: map[string]bool{}}
	s.scalars()
	return s
}

func (s *schema) add(name, text string) {
	if !s.known[name] {
		s.known[name] = true
		s.defs = append(s.defs, string(doc.AppendString(nil, name))+":"+text)
	}
}

func (s *schema) document(id, title, root string, parts []described) []byte {
	for _, p := range parts {
		p.describe(s)
	}
	text := `{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":` + quote(id) + `,"title":` + quote(title) +
		`,"$ref":` + quote(root) + `,"$defs":{` + strings.Join(s.defs, ",") + `}}`
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		panic("spec: a schema fragment is no JSON: " + err.Error())
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func quote(s string) string { return string(doc.AppendString(nil, s)) }

// withAbout puts a description in front of a schema fragment.
func withAbout(about, shape string) string {
	if about == "" {
		return shape
	}
	return `{"description":` + quote(about) + `,` + shape[1:]
}

func (o *object[T]) describe(s *schema) string {
	var props, need []string
	for _, f := range o.fields {
		props = append(props, quote(f.name)+":"+withAbout(f.about, f.shape))
		if f.need {
			need = append(need, f.name)
		}
	}
	for _, name := range o.ignore {
		props = append(props, quote(name)+`:{"description":"Ignored."}`)
	}
	text := `{"description":` + quote(o.about) + `,"type":["object","null"],"properties":{` + strings.Join(props, ",") + `}`
	if len(need) > 0 {
		text += `,"required":` + string(doc.AppendTexts(nil, need))
	}
	if o.extra == nil {
		text += `,"additionalProperties":false`
	}
	s.add(o.name, text+"}")
	return o.name
}

func (o *variants[T]) describe(s *schema) string {
	var forms []string
	for _, f := range o.forms {
		forms = append(forms, ref(f.name))
	}
	s.add(o.name, `{"description":`+quote(o.about)+`,"type":["object","null"],"properties":{"type":`+o.types.shape()+`},"anyOf":[`+strings.Join(forms, ",")+`]}`)
	return o.name
}

// scalars adds what no table describes.
func (s *schema) scalars() {
	var names, kinds, anyKinds []string
	for _, t := range s.types {
		if t.Wrapper == Typed {
			names = append(names, string(t.Name))
		}
	}
	for k, name := range kindNames {
		kinds = append(kinds, quote(name)+":"+ref(stepObjects[k].name))
		anyKinds = append(anyKinds, quote(anyCase([]string{name}))+":"+ref(stepObjects[k].name))
	}
	var abouts []string
	for _, t := range s.types {
		if t.Wrapper == Typed {
			abouts = append(abouts, string(t.Name)+": "+t.About)
		}
	}
	s.add("step", `{"description":"A step in the wrapper object that names its kind.","type":"object","minProperties":1,"maxProperties":1,"properties":{`+
		strings.Join(kinds, ",")+`},"patternProperties":{`+strings.Join(anyKinds, ",")+`},"additionalProperties":false}`)
	s.add("stepType", withAbout(strings.Join(abouts, " "), (&enum{words: names}).shape()))
	s.add("parsable", `{"description":"A number of at least 0, or a text: a duration such as \"2 hours 5min\", a number, or a reference to a workflow param such as \"${limit}\".","type":["integer","number","string","null"],"minimum":0}`)
	s.add("user", `{"description":"A name, or an object with a name.","anyOf":[{"type":["string","null"]},{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}]}`)
	s.add("tag", `{"description":"A name, or an object with a name and attributes.","anyOf":[{"type":"string"},{"type":"object","properties":{"name":`+shapeText+`,"namespace":`+namespaces.shape()+`},"required":["name"]}]}`)
	s.add("tags", `{"description":"Tags; their names must differ.","type":["array","null"],"items":`+ref("tag")+`}`)
	s.add("runStrategy", `{"description":"A rule, a number of parallel runs, or both in an object.","anyOf":[`+rules.shape()+`,{"type":"number"},`+ref(strategyObject.name)+`]}`)
	s.add("params", `{"description":"Params: name to definition. Their order is the order of evaluation.","type":["object","null"],"additionalProperties":`+ref("param")+`}`)
	s.add("param", paramSchema)
}

// paramSchema is the schema of a param definition, whose table is package param's (params 1.1).
const paramSchema = `{"description":"A param: a type, and a literal value or an expression. Other keys are kept.","type":"object",
"properties":{
"type":{"description":"Type of the value.","anyOf":[{"enum":["STRING","LONG","DOUBLE","BOOLEAN","STRING_MAP","STRING_ARRAY","LONG_ARRAY","DOUBLE_ARRAY","BOOLEAN_ARRAY","MAP"]},{"type":"string","pattern":"^[A-Za-z_]+$"}]},
"value":{"description":"Literal. In texts, ${name} and $name are replaced by the values of params."},
"expression":{"description":"Expression that gives the value.","type":["string","number","boolean","null"]},
"validator":{"description":"Kept, never enforced.","type":["string","number","boolean","null"]},
"tags":{"$ref":"#/$defs/tags"},
"mode":{"description":"Who may change the param: MUTABLE (anyone), MUTABLE_ON_START_RESTART, MUTABLE_ON_START, IMMUTABLE, CONSTANT (nobody).","anyOf":[{"enum":["MUTABLE","MUTABLE_ON_START_RESTART","MUTABLE_ON_START","IMMUTABLE","CONSTANT"]},{"type":"string","pattern":"^[A-Za-z_]+$"},{"type":"null"}]},
"internal_mode":{"description":"For job templates: REQUIRED, OPTIONAL, PROVIDED or RESERVED."}},
"required":["type"],
"allOf":[
{"if":{"properties":{"type":{"pattern":"^[Mm][Aa][Pp]$"}}},"then":{"properties":{"value":{"$ref":"#/$defs/params"}}}},
{"if":{"properties":{"type":{"pattern":"_[Aa][Rr][Rr][Aa][Yy]$"}}},"then":{"properties":{"value":{"type":["array","null"]}}}},
{"if":{"properties":{"type":{"pattern":"^[Ss][Tt][Rr][Ii][Nn][Gg]_[Mm][Aa][Pp]$"}}},"then":{"properties":{"value":{"type":["object","null"]}}}},
{"if":{"properties":{"type":{"pattern":"^([Ll][Oo][Nn][Gg]|[Dd][Oo][Uu][Bb][Ll][Ee]|[Ss][Tt][Rr][Ii][Nn][Gg]|[Bb][Oo][Oo][Ll][Ee][Aa][Nn])$"}}},"then":{"properties":{"value":{"type":["string","number","boolean","null"]}}}}]}`
