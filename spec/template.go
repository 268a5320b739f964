package spec

import (
	"fmt"

	"maestro/internal/doc"
	"maestro/param"
)

// JobTemplate gives default params and tags to the steps whose sub_type is its job type (§14).
type JobTemplate struct {
	Metadata   *TemplateMetadata
	Definition *TemplateDefinition
}

// TemplateMetadata tells about a job template as a whole.
type TemplateMetadata struct {
	Owner           *User
	Author          *User // who pushed it
	Status, Support Opt[string]
	TestWorkflows   []string // nil: not written
	GitInfo         *GitInfo
	CreateTime      Opt[int64]
	Extra           Extras
}

// TemplateDefinition is what a job template does.
type TemplateDefinition struct {
	JobType     string
	StepType    StepType
	Version     string
	Description Opt[string]
	Tags        Tags
	InheritFrom []Parent // nil: not written
	Params      *param.Defs
}

// Parent is a template that another one inherits from.
type Parent struct{ JobType, Version string }

// DefaultTemplateVersion is the version of a template that a step uses when nothing else is said.
const DefaultTemplateVersion = "default"

// AppendJSON appends the template as it is read back.
func (t *JobTemplate) AppendJSON(dst []byte) []byte { return templateObject.put(dst, t) }

// MarshalJSON returns what AppendJSON appends.
func (t *JobTemplate) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil), nil }

// DecodeJobTemplate reads a stored template.
func DecodeJobTemplate(n *doc.Node, r Rules, p *doc.Problems) *JobTemplate {
	t := new(JobTemplate)
	templateObject.read(newDecoder(r, p), n, t)
	return t
}

// DecodeJobTemplateRequest reads and checks the body of a push of a template, in which metadata and definition stand
// side by side.
func DecodeJobTemplateRequest(n *doc.Node, r Rules, p *doc.Problems) *JobTemplate {
	t := &JobTemplate{Metadata: new(TemplateMetadata)}
	doc.WarnRepeated(n, p)
	templateRequestObject.read(newDecoder(r, p), n, t)
	v := newValidator(n, r, p)
	v.template(t)
	return t
}

func (v *validator) template(t *JobTemplate) {
	const null = "may not be null"
	missing := func(name string) bool { return v.root.Field(name).IsNull() }
	for _, name := range []string{"owner", "status", "support", "definition"} {
		if missing(name) {
			v.errorOf(name, null)
		}
	}
	for _, e := range t.Metadata.Extra {
		if e.Name == "version_author" || e.Name == "create_time" {
			v.errorf("extra info [%s] cannot contain any reserved keys [version_author, create_time]", e.Name)
		}
	}
	d := t.Definition
	if d == nil {
		return
	}
	v.field("definition")
	defer v.up()
	v.errorOf("job_type", v.rules.referenceProblem(d.JobType))
	if v.root.Field("definition").Field("step_type").IsNull() {
		v.errorOf("step_type", null)
	}
	v.errorOf("version", v.rules.referenceProblem(d.Version))
	v.description(d.Description)
	v.field("tags")
	v.tags(d.Tags)
	v.up()
	v.field("params")
	v.defs(d.Params)
	v.up()
}

// Lookup returns the definition of the template with the given job type and version, or nil.
type Lookup func(jobType, version string) *TemplateDefinition

// TemplateVersion returns the version of the template that a step uses: its own sub_type_version, else workflowParam,
// the evaluated workflow param job_template_version, else "default".
func (s *Step) TemplateVersion(workflowParam string) string {
	if s.SubTypeVersion.Set {
		return s.SubTypeVersion.Value
	}
	if workflowParam != "" {
		return workflowParam
	}
	return DefaultTemplateVersion
}

// ResolveTemplate returns the params and tags that a step gets from its template and the parents of that: parents come
// first, and a later template replaces whole params and tags of the same name. A step whose type takes no templates,
// or whose template does not exist, gets none; so do missing parents give nothing.
func (s *Step) ResolveTemplate(types Types, version string, lookup Lookup) (*param.Defs, Tags, error) {
	if len(types) == 0 {
		types = builtinTypes
	}
	t := types.Find(string(s.Type))
	if !s.SubType.Set || t == nil || !t.Templated {
		return nil, nil, nil
	}
	own := lookup(s.SubType.Value, version)
	if own == nil {
		return nil, nil, nil
	}
	if own.StepType != s.Type {
		return nil, nil, fmt.Errorf("Job template definition step type [%s] does not match the current step type [%s]", own.StepType.Name(), s.Type.Name())
	}
	in := inheritance{step: s, lookup: lookup, path: map[string]bool{}, params: new(param.Defs)}
	if err := in.add(own); err != nil {
		return nil, nil, err
	}
	return in.params, in.tags, nil
}

// maxTemplates bounds how many templates one step inherits from: without cycles there can still be as many paths
// through them as doublings.
const maxTemplates = 1000

// inheritance collects what a chain of templates gives.
type inheritance struct {
	step   *Step
	lookup Lookup
	path   map[string]bool // job types that the present one is a parent of
	count  int
	params *param.Defs
	tags   Tags
}

func (in *inheritance) add(d *TemplateDefinition) error {
	if in.count++; in.count > maxTemplates {
		return fmt.Errorf("step [%s][%s][%s] inherits from more than %d job templates", in.step.ID, in.step.Type.Name(), in.step.SubType.Value, maxTemplates)
	}
	in.path[d.JobType] = true
	for _, p := range d.InheritFrom {
		if in.path[p.JobType] {
			return fmt.Errorf("Cyclic dependency detected for step [%s][%s][%s] when inheriting job type [%s]",
				in.step.ID, in.step.Type.Name(), in.step.SubType.Value, d.JobType)
		}
		if parent := in.lookup(p.JobType, p.Version); parent != nil {
			if err := in.add(parent); err != nil {
				return err
			}
		}
	}
	delete(in.path, d.JobType)
	for name, def := range d.Params.All() {
		in.params.Set(name, def)
	}
	for _, tag := range d.Tags {
		if have := in.tags.Find(tag.Name); have != nil {
			*have = tag
		} else {
			in.tags = append(in.tags, tag)
		}
	}
	return nil
}

var templateObject = &object[JobTemplate]{
	name: "jobTemplate", about: "Default params and tags of the steps that name it as sub_type.",
	fields: []field[JobTemplate]{
		objectField("metadata", "Who pushed it, when, from where.", templateMetadataObject, func(t *JobTemplate) **TemplateMetadata { return &t.Metadata }),
		objectField("definition", "What it does.", templateDefinitionObject, func(t *JobTemplate) **TemplateDefinition { return &t.Definition }),
	},
}

var templateMetadataObject = &object[TemplateMetadata]{
	name: "jobTemplateMetadata", about: "Tells about the template. Other keys are kept.",
	fields: []field[TemplateMetadata]{
		templateOwner,
		userField("version_author", "Who pushed it.", func(m *TemplateMetadata) **User { return &m.Author }),
		templateStatus, templateSupport, templateTests, templateGit,
		longField("create_time", "When it was pushed.", func(m *TemplateMetadata) *Opt[int64] { return &m.CreateTime }),
	},
	extra:    func(_ *decoder, m *doc.Member, t *TemplateMetadata) { t.Extra.add(m) },
	putExtra: func(dst []byte, t *TemplateMetadata) []byte { return t.Extra.appendTo(dst) },
}

var (
	templateOwner   = userField("owner", "Who answers for the template.", func(m *TemplateMetadata) **User { return &m.Owner }).required()
	templateStatus  = textField("status", "How ready it is.", func(m *TemplateMetadata) *Opt[string] { return &m.Status }).required()
	templateSupport = textField("support", "Whom to ask.", func(m *TemplateMetadata) *Opt[string] { return &m.Support }).required()
	templateTests   = setField("test_workflows", "Workflows that test it.", func(m *TemplateMetadata) *[]string { return &m.TestWorkflows })
	templateGit     = objectField("git_info", "Where its text comes from.", gitInfoObject, func(m *TemplateMetadata) **GitInfo { return &m.GitInfo })
)

// templateRequestObject is the metadata that a user gives, and the definition beside it.
var templateRequestObject = &object[JobTemplate]{
	name: "jobTemplateRequest", about: "A new version of a job template. Other keys are kept as metadata.",
	fields: []field[JobTemplate]{
		ofMetadata(templateOwner), ofMetadata(templateStatus), ofMetadata(templateSupport), ofMetadata(templateTests), ofMetadata(templateGit),
		objectField("definition", "What the template does.", templateDefinitionObject, func(t *JobTemplate) **TemplateDefinition { return &t.Definition }).required(),
	},
	extra:    func(_ *decoder, m *doc.Member, t *JobTemplate) { t.Metadata.Extra.add(m) },
	putExtra: func(dst []byte, t *JobTemplate) []byte { return t.Metadata.Extra.appendTo(dst) },
}

func ofMetadata(f field[TemplateMetadata]) field[JobTemplate] {
	return field[JobTemplate]{
		name: f.name, about: f.about, shape: f.shape, need: f.need,
		read: func(d *decoder, n *doc.Node, t *JobTemplate) { f.read(d, n, t.Metadata) },
		put:  func(dst []byte, name string, t *JobTemplate) []byte { return f.put(dst, name, t.Metadata) },
	}
}

var templateDefinitionObject = &object[TemplateDefinition]{
	name: "jobTemplateDefinition", about: "Default params and tags, and the templates they are added to.",
	fields: []field[TemplateDefinition]{
		idField("job_type", "What steps name as their sub_type.", func(d *TemplateDefinition) *string { return &d.JobType }).required(),
		{
			name: "step_type", about: "Type of the steps that can use it.", shape: ref("stepType"), need: true,
			read: func(d *decoder, n *doc.Node, t *TemplateDefinition) { t.StepType = d.stepType(n) },
			put: func(dst []byte, name string, t *TemplateDefinition) []byte {
				if t.StepType == "" {
					return dst
				}
				return doc.AppendText(dst, name, string(t.StepType))
			},
		},
		idField("version", "Names this version; `default` is what steps use that name none.", func(d *TemplateDefinition) *string { return &d.Version }).required(),
		textField("description", "What it is for.", func(d *TemplateDefinition) *Opt[string] { return &d.Description }),
		tagsField("tags", "Tags of the steps that use it.", func(d *TemplateDefinition) *Tags { return &d.Tags }),
		inheritField,
		paramsField("params", "Params of the steps that use it.", func(d *TemplateDefinition) **param.Defs { return &d.Params }),
	},
}

// inheritField is a map from job type to version. Unlike other maps, a written empty one is printed.
var inheritField = field[TemplateDefinition]{
	name: "inherit_from", about: "Templates whose params and tags come first: job type to version.",
	shape: `{"type":["object","null"],"additionalProperties":{"type":["string","number","boolean"]}}`,
	read: func(d *decoder, n *doc.Node, t *TemplateDefinition) {
		if !d.want(n, doc.Object) {
			return
		}
		t.InheritFrom = make([]Parent, 0, len(n.Members))
		for i := range n.Members {
			m := &n.Members[i]
			d.key(m.Name)
			if version, ok := d.text(m.Value); ok {
				t.InheritFrom = append(t.InheritFrom, Parent{JobType: m.Name, Version: version})
			}
			d.up()
		}
	},
	put: func(dst []byte, name string, t *TemplateDefinition) []byte {
		if t.InheritFrom == nil {
			return dst
		}
		dst = append(doc.AppendKey(dst, name), '{')
		for _, p := range t.InheritFrom {
			dst = doc.AppendString(doc.AppendName(dst, p.JobType), p.Version)
		}
		return append(dst, '}')
	},
}
