package output

import (
	"strings"

	"maestro/internal/doc"
)

// DynamicOutput is the key of the artifact by which a job announces signals of its own (spec/signals-triggers 4.2).
const DynamicOutput = "maestro_dynamic_output"

// types are the types of artifacts that mean something (spec/runtimes 3.2). One without is of free form.
var types = [...]string{"SUBWORKFLOW", "FOREACH", "WHILE", "TITUS", "NOTEBOOK", "DYNAMIC_OUTPUT", "KUBERNETES", "HTTP", "RETRY"}

// Artifacts reads the artifacts of OutputData as they are kept: with types as they are called everywhere, and without the
// type DEFAULT, which says that the form is free. Signals of the job that
// lack their result have it afterwards.
func Artifacts(n *doc.Node, at int64, p *doc.Problems) map[string][]byte {
	if n.IsNull() {
		return nil
	}
	if n.Kind != doc.Object {
		p.Errorf(n, "artifacts", "must be an object, not %s", n.Kind)
		return nil
	}
	r := reading{at: at, p: p, path: []string{"artifacts"}}
	var out map[string][]byte
	for _, m := range n.Members {
		if m.Value.Kind != doc.Object {
			p.Errorf(m.Value, "artifacts["+m.Name+"]", "must be an object, not %s", m.Value.Kind)
			continue
		}
		artifact := Typed(m.Value)
		if m.Name == DynamicOutput {
			artifact = r.announcing(artifact)
		}
		if out == nil {
			out = make(map[string][]byte, len(n.Members))
		}
		out[m.Name] = doc.AppendNode(nil, artifact)
	}
	return out
}

// Typed returns an artifact with its type as it is kept. A type that nobody knows belongs to the job, and stays.
func Typed(n *doc.Node) *doc.Node {
	t := n.Field("type")
	if t == nil {
		return n
	}
	if strings.EqualFold(t.Text, "DEFAULT") {
		return with(n, "type", nil)
	}
	for _, known := range types {
		if t.Text != known && strings.EqualFold(t.Text, known) {
			return with(n, "type", &doc.Node{Kind: doc.String, Text: known, Pos: t.Pos})
		}
	}
	return n
}

// announcing completes the signals that a job announces. Each is a param that is a MAP, or just the map.
func (r *reading) announcing(n *doc.Node) *doc.Node {
	signals := n.Field("signal_outputs")
	if signals.IsNull() {
		return n
	}
	r.enter(DynamicOutput)
	defer r.leave()
	if signals.Kind != doc.List {
		r.errorf(signals, "signal_outputs must be an array, not %s", signals.Kind)
		return n
	}
	list := &doc.Node{Kind: doc.List, Pos: signals.Pos}
	for _, item := range signals.Items {
		switch {
		case item.Kind != doc.Object:
			r.errorf(item, "signal_outputs must hold objects, not %s", item.Kind)
			continue
		case !item.Field("evaluated_result").IsNull(): // all that is used of it
		case isParam(item):
			item = r.completed(item)
		default:
			item = r.completed(r.plain(item, nil))
		}
		if item != nil {
			list.Items = append(list.Items, item)
		}
	}
	return with(n, "signal_outputs", list)
}

// with returns an object with another value for a field that it has, or without the field if that is nil.
func with(n *doc.Node, name string, value *doc.Node) *doc.Node {
	out := &doc.Node{Kind: doc.Object, Pos: n.Pos}
	for _, m := range n.Members {
		if m.Name == name {
			m.Value = value
		}
		if m.Value != nil {
			out.Members = append(out.Members, m)
		}
	}
	return out
}
