package server

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"maestro/api"
	"maestro/internal/catalog"
	"maestro/internal/doc"
	"maestro/internal/output"
	"maestro/internal/uuid"
	"maestro/param"
	"maestro/spec"
)

// body reads the object of a request field by field. What cannot be read (unknown fields, wrong types) and what breaks
// a rule are kept apart: the reference answers the former in another way, and so do we (spec/api 2.2).
type body struct {
	n       *doc.Node
	known   []string
	read    doc.Problems
	invalid doc.Problems
}

// parseBody parses the JSON body of a request. What it must hold besides is checked by the getters and by err.
func parseBody(w http.ResponseWriter, r *http.Request) (*body, error) {
	n, err := decodeBody(w, r, bodyLimit)
	if err != nil {
		return nil, err
	}
	b := &body{n: n}
	if n.Kind != doc.Object {
		b.read.Errorf(n, "", "must be an object, not a %s", n.Kind)
		return nil, catalog.Malformed(&doc.InvalidError{Problems: b.read.List})
	}
	return b, nil
}

// field returns the value of a field, nil when it is absent or null.
func (b *body) field(name string) *doc.Node {
	b.known = append(b.known, name)
	n := b.n.Field(name)
	if n.IsNull() {
		return nil
	}
	return n
}

// err returns what is wrong with the body. It is called after every field was asked for: the others are unknown.
func (b *body) err() error {
	for i := range b.n.Members {
		m := &b.n.Members[i]
		known := false
		for _, k := range b.known {
			known = known || k == m.Name
		}
		if !known {
			b.read.Errorf(&doc.Node{Pos: m.Pos}, "", "unknown field `%s`%s", m.Name, doc.Suggest(m.Name, b.known))
		}
	}
	if b.read.Failed() {
		return catalog.Malformed(&doc.InvalidError{Problems: b.read.List})
	}
	if b.invalid.Failed() {
		return catalog.Invalid(&doc.InvalidError{Problems: b.invalid.List})
	}
	return nil
}

// required says that a field must be there.
func (b *body) required(name string, n *doc.Node) bool {
	if n == nil {
		b.invalid.Errorf(b.n, name, "may not be null")
	}
	return n != nil
}

func (b *body) text(name string) string {
	n := b.field(name)
	if n == nil {
		return ""
	}
	if n.Kind != doc.String {
		b.read.Errorf(n, name, "must be a string, not a %s", n.Kind)
		return ""
	}
	return n.Text
}

func (b *body) integer(name string) int64 {
	n := b.field(name)
	if n == nil {
		return 0
	}
	v, err := strconv.ParseInt(n.Text, 10, 64)
	if n.Kind != doc.Number && n.Kind != doc.String || err != nil {
		b.read.Errorf(n, name, "must be an integer")
	}
	return v
}

func (b *body) boolean(name string) bool {
	n := b.field(name)
	if n == nil {
		return false
	}
	if n.Kind != doc.Bool {
		b.read.Errorf(n, name, "must be true or false, not a %s", n.Kind)
	}
	return n.Text == "true"
}

// requestID reads request_id: a UUID, or nothing (spec/api 5.1).
func (b *body) requestID() string {
	id := strings.ToLower(b.text("request_id"))
	if _, ok := uuid.Parse(id); !ok && id != "" {
		b.invalid.Errorf(b.n.Field("request_id"), "request_id", "must be a UUID such as 6d2c1a3e-8f4b-4c1d-9e2f-0a1b2c3d4e5f, not %q", id)
	}
	return id
}

// params reads the params of a start or restart (spec/params 12).
func (b *body) params(name string) *param.Defs {
	n := b.field(name)
	if n == nil {
		return nil
	}
	if n.Kind != doc.Object {
		b.read.Errorf(n, name, "must be an object, not a %s", n.Kind)
		return nil
	}
	defs := param.DecodeDefs(n, name, &b.read, param.DecodeOptions{})
	if !b.read.Failed() {
		param.CheckRunParams(defs, name, &b.invalid)
	}
	return defs
}

// tags reads runtime tags: names or objects, each name once.
func (b *body) tags(name string) spec.Tags {
	n := b.field(name)
	if n == nil {
		return nil
	}
	if n.Kind != doc.List {
		b.read.Errorf(n, name, "must be an array, not a %s", n.Kind)
		return nil
	}
	var tags spec.Tags
	for _, item := range n.Items {
		t := spec.DecodeTag(item, spec.Rules{}, &b.read)
		if tags.Find(t.Name) != nil {
			b.read.Errorf(item, name, "has two tags of the name %q", t.Name)
		}
		tags = append(tags, t)
	}
	return tags
}

// artifacts reads artifacts: each one an object, with its type as that is kept.
func (b *body) artifacts(name string) []byte {
	n := b.field(name)
	if n == nil {
		return nil
	}
	if n.Kind != doc.Object {
		b.read.Errorf(n, name, "must be an object, not a %s", n.Kind)
		return nil
	}
	kept := &doc.Node{Kind: doc.Object, Pos: n.Pos, Members: slices.Clone(n.Members)}
	for i := range kept.Members {
		m := &kept.Members[i]
		if m.Value.Kind != doc.Object {
			b.read.Errorf(m.Value, name+"."+m.Name, "must be an object, not a %s", m.Value.Kind)
			continue
		}
		m.Value = output.Typed(m.Value)
	}
	return doc.AppendNode(nil, kept)
}

// oneOf reads a text that must be one of a few, in exactly this spelling.
func (b *body) oneOf(name string, must bool, words ...string) string {
	n := b.field(name)
	if n == nil {
		if must {
			b.required(name, nil)
		}
		return ""
	}
	for _, word := range words {
		if n.Kind == doc.String && n.Text == word {
			return word
		}
	}
	b.read.Errorf(n, name, "must be one of %s%s", strings.Join(words, ", "), doc.Suggest(strings.ToUpper(n.Text), words))
	return ""
}

// errUpstream refuses initiators that only the engine makes (spec/api 5.1).
func errUpstream(kind string) error {
	return api.Errorf(api.BadRequest, "a run cannot be started from outside as a %s: the type of the initiator must be MANUAL, TIME or SIGNAL", kind)
}
