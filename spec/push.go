package spec

import (
	"maestro/internal/doc"
)

// PushRequest is the body of a push: a new version of a workflow, and changes of its properties (§2.1).
type PushRequest struct {
	Properties *Properties // nil: no change
	Workflow   *Workflow   // nil when missing, which Validate refuses
	IsActive   bool
	GitInfo    *GitInfo
	Extra      Extras // every other key; becomes metadata
}

// GitInfo tells where the text of a definition comes from.
type GitInfo struct {
	Origin, Branch, SHA, Path, Author Opt[string]
	Timestamp                         Opt[int64]
	UncommittedChanges                Opt[bool]
}

// DecodePushRequest reads the body of a push. What could be read is returned even when p has errors.
func DecodePushRequest(n *doc.Node, r Rules, p *doc.Problems) *PushRequest {
	req := &PushRequest{IsActive: true}
	d := newDecoder(r, p)
	d.maxSteps = d.rules.MaxSteps
	pushObject.read(d, n, req)
	doc.WarnRepeated(n, p)
	return req
}

// Parse reads a push request from JSON text and validates it. The problems are in order of the text and include
// warnings; with an error among them the request is what could be read, or nil. A text of more than eight times the
// allowed size, or of too many values, is refused unread.
func Parse(text []byte, r Rules) (*PushRequest, *doc.Problems) {
	p := new(doc.Problems)
	n, err := doc.ParseJSON(text, r.Limits())
	if err != nil {
		p.Add(doc.AsProblem(err))
		return nil, p
	}
	req := DecodePushRequest(n, r, p)
	req.Validate(n, r, p)
	p.Sort()
	return req, p
}

// AppendJSON appends the request as compact JSON without nulls: what its size is measured by (§2.1).
func (r *PushRequest) AppendJSON(dst []byte) []byte { return pushObject.put(dst, r) }

// MarshalJSON returns what AppendJSON appends.
func (r *PushRequest) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

var pushObject = &object[PushRequest]{
	name: "push", about: "A new version of a workflow, and changes of its properties. Other keys are kept as metadata.",
	fields: []field[PushRequest]{
		objectField("properties", "Changes of the properties of the workflow.", propertiesObject, func(r *PushRequest) **Properties { return &r.Properties }),
		objectField("workflow", "The definition.", workflowObject, func(r *PushRequest) **Workflow { return &r.Workflow }).required(),
		{
			name: "is_active", about: "Make this the version that triggers start; default true.",
			shape: `{"type":["boolean","string","number"]}`, notNull: true,
			read: func(d *decoder, n *doc.Node, r *PushRequest) {
				if b, ok := d.boolean(n); ok {
					r.IsActive = b
				}
			},
			put: func(dst []byte, name string, r *PushRequest) []byte { return doc.AppendBool(dst, name, r.IsActive) },
		},
		objectField("git_info", "Where the text of the definition comes from.", gitInfoObject, func(r *PushRequest) **GitInfo { return &r.GitInfo }),
	},
	extra:    func(_ *decoder, m *doc.Member, r *PushRequest) { r.Extra.add(m) },
	putExtra: func(dst []byte, r *PushRequest) []byte { return r.Extra.appendTo(dst) },
}

var gitInfoObject = &object[GitInfo]{
	name: "gitInfo", about: "Where the text of a definition comes from.",
	fields: []field[GitInfo]{
		textField("origin", "Repository.", func(g *GitInfo) *Opt[string] { return &g.Origin }),
		textField("branch", "Branch.", func(g *GitInfo) *Opt[string] { return &g.Branch }),
		textField("sha", "Commit.", func(g *GitInfo) *Opt[string] { return &g.SHA }),
		textField("path", "File in the repository.", func(g *GitInfo) *Opt[string] { return &g.Path }),
		textField("author", "Who made the commit.", func(g *GitInfo) *Opt[string] { return &g.Author }),
		longField("timestamp", "When the commit was made.", func(g *GitInfo) *Opt[int64] { return &g.Timestamp }),
		boolField("uncommitted_changes", "Whether the text differs from the commit.", func(g *GitInfo) *Opt[bool] { return &g.UncommittedChanges }),
	},
}

// AppendJSON appends the git info.
func (g *GitInfo) AppendJSON(dst []byte) []byte { return gitInfoObject.put(dst, g) }
