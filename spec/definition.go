package spec

import (
	"slices"

	"maestro/internal/doc"
)

// Definition is a stored version of a workflow as it is returned (§2.2).
type Definition struct {
	Properties *Snapshot
	Metadata   *Metadata
	Workflow   *Workflow
	IsActive   Opt[bool]

	ActivateTime Opt[int64] // of the active version only
	ActivatedBy  *User

	IsLatest, IsDefault Opt[bool]
	InternalID          Opt[int64]
	EnrichedExtras      string // JSON; empty: not asked for
	ModifyTime          Opt[int64]
}

// Snapshot is the properties of a workflow from some time on (§3).
type Snapshot struct {
	WorkflowID WorkflowID
	CreateTime Opt[int64] // also the id of the snapshot
	Author     *User
	Properties
}

// AppendJSON appends the snapshot: its own members, then the properties.
func (s *Snapshot) AppendJSON(dst []byte) []byte { return snapshotObject.put(dst, s) }

// MarshalJSON returns what AppendJSON appends.
func (s *Snapshot) MarshalJSON() ([]byte, error) { return s.AppendJSON(nil), nil }

// Metadata is what a push leaves beside the definition.
type Metadata struct {
	WorkflowID WorkflowID
	VersionID  Opt[int64]
	CreateTime Opt[int64] // milliseconds since 1970
	Author     *User
	GitInfo    *GitInfo
	Extra      Extras // of the push request
}

// AppendJSON appends the metadata, extras last.
func (m *Metadata) AppendJSON(dst []byte) []byte { return metadataObject.put(dst, m) }

// metadataFields are the names that extras of a push must not have, in the order of the reference's message.
var metadataFields = [...]string{"workflow_id", "create_time", "workflow_version_id", "version_author", "git_info"}

func isMetadataField(name string) bool { return slices.Contains(metadataFields[:], name) }

// AppendJSON appends the definition in the order of §2.2.
func (d *Definition) AppendJSON(dst []byte) []byte { return definitionObject.put(dst, d) }

// DecodeDefinition reads a stored or returned definition.
func DecodeDefinition(n *doc.Node, r Rules, p *doc.Problems) *Definition {
	v := new(Definition)
	definitionObject.read(newDecoder(r, p), n, v)
	return v
}

// DecodeSnapshot reads a stored properties snapshot.
func DecodeSnapshot(n *doc.Node, r Rules, p *doc.Problems) *Snapshot {
	v := new(Snapshot)
	snapshotObject.read(newDecoder(r, p), n, v)
	return v
}

var definitionObject = &object[Definition]{
	name: "definition", about: "A stored version of a workflow.",
	fields: []field[Definition]{
		objectField("properties_snapshot", "Present properties of the workflow.", snapshotObject, func(d *Definition) **Snapshot { return &d.Properties }),
		objectField("metadata", "Who pushed the version, when, from where.", metadataObject, func(d *Definition) **Metadata { return &d.Metadata }),
		objectField("workflow", "The definition.", workflowObject, func(d *Definition) **Workflow { return &d.Workflow }),
		boolField("is_active", "Whether triggers start this version.", func(d *Definition) *Opt[bool] { return &d.IsActive }),
		longField("activate_time", "When it was activated.", func(d *Definition) *Opt[int64] { return &d.ActivateTime }),
		userField("activated_by", "By whom.", func(d *Definition) **User { return &d.ActivatedBy }),
		boolField("is_latest", "Whether it is the newest version.", func(d *Definition) *Opt[bool] { return &d.IsLatest }),
		boolField("is_default", "Whether it is the active version, or the latest where none is.", func(d *Definition) *Opt[bool] { return &d.IsDefault }),
		longField("internal_id", "Of the workflow.", func(d *Definition) *Opt[int64] { return &d.InternalID }),
		{
			name: "enriched_extras", about: "Merged params and next fire times, on request.", shape: `{"type":"object"}`,
			read: func(_ *decoder, n *doc.Node, d *Definition) { d.EnrichedExtras = string(doc.AppendNode(nil, n)) },
			put: func(dst []byte, name string, d *Definition) []byte {
				if d.EnrichedExtras == "" {
					return dst
				}
				return append(doc.AppendKey(dst, name), d.EnrichedExtras...)
			},
		},
		longField("modify_time", "When the row was changed.", func(d *Definition) *Opt[int64] { return &d.ModifyTime }),
	},
}

var snapshotObject = &object[Snapshot]{
	name: "propertiesSnapshot", about: "Properties of a workflow from some time on.",
	fields: append([]field[Snapshot]{
		idField("workflow_id", "The workflow.", func(s *Snapshot) *WorkflowID { return &s.WorkflowID }),
		longField("create_time", "When it was made; also its id.", func(s *Snapshot) *Opt[int64] { return &s.CreateTime }),
		userField("author", "Who made it.", func(s *Snapshot) **User { return &s.Author }),
	}, snapshotFields()...),
}

func snapshotFields() []field[Snapshot] {
	var fields []field[Snapshot]
	for _, f := range propertiesObject.fields {
		fields = append(fields, field[Snapshot]{
			name: f.name, about: f.about, shape: f.shape,
			read: func(d *decoder, n *doc.Node, s *Snapshot) { f.read(d, n, &s.Properties) },
			put:  func(dst []byte, name string, s *Snapshot) []byte { return f.put(dst, name, &s.Properties) },
		})
	}
	return fields
}

var metadataObject = &object[Metadata]{
	name: "metadata", about: "What a push leaves beside the definition.",
	fields: []field[Metadata]{
		idField("workflow_id", "The workflow.", func(m *Metadata) *WorkflowID { return &m.WorkflowID }),
		longField("workflow_version_id", "The version.", func(m *Metadata) *Opt[int64] { return &m.VersionID }),
		longField("create_time", "When it was pushed.", func(m *Metadata) *Opt[int64] { return &m.CreateTime }),
		userField("version_author", "Who pushed it.", func(m *Metadata) **User { return &m.Author }),
		objectField("git_info", "Where its text comes from.", gitInfoObject, func(m *Metadata) **GitInfo { return &m.GitInfo }),
	},
	extra:    func(_ *decoder, m *doc.Member, v *Metadata) { v.Extra.add(m) },
	putExtra: func(dst []byte, v *Metadata) []byte { return v.Extra.appendTo(dst) },
}
