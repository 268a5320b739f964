package output

import (
	"maps"
	"slices"

	"maestro/internal/doc"
)

// Posted reads OutputData that a job sends by itself, and returns it as it is kept: params complete, plain values as they
// are, since it takes the params of the step to say what they mean. It is nil if there is nothing in it, or p has errors.
// Other fields are ignored, with a warning.
func Posted(n *doc.Node, at int64, p *doc.Problems) []byte {
	repeated(n, p)
	for _, m := range n.Members {
		if !slices.Contains(fields, m.Name) {
			p.Warnf(&doc.Node{Pos: m.Pos}, m.Name, "is ignored: only params and artifacts are output data%s", doc.Suggest(m.Name, fields[:2]))
		}
	}
	params, artifacts := Params(n.Field("params"), nil, at, p), Artifacts(n.Field("artifacts"), at, p)
	named(artifacts[DynamicOutput], p)
	if p.Failed() || params.Len() == 0 && len(artifacts) == 0 {
		return nil
	}
	out := []byte{'{'}
	if params.Len() > 0 {
		out = append(out, `"params":{`...)
		for _, m := range n.Field("params").Members {
			out = name(out, m.Name)
			if isParam(m.Value) {
				out = params.Lookup(m.Name).AppendJSON(out)
			} else {
				out = doc.AppendNode(out, m.Value)
			}
		}
		out = append(out, '}')
	}
	if len(artifacts) > 0 {
		out = append(name(out, "artifacts"), '{')
		for _, key := range slices.Sorted(maps.Keys(artifacts)) {
			out = append(name(out, key), artifacts[key]...)
		}
		out = append(out, '}')
	}
	return append(out, '}')
}

// name appends the name of a field, and what separates it from the one before.
func name(out []byte, name string) []byte {
	if out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	return append(doc.AppendString(out, name), ':')
}

// named sees to it that the signals of an artifact have names. Without, they could not be announced, and the step that has
// succeeded would fail for it.
func named(artifact []byte, p *doc.Problems) {
	if artifact == nil {
		return
	}
	n, err := doc.ParseJSON(artifact, doc.Limits{})
	if err != nil {
		p.Errorf(&doc.Node{}, "artifacts["+DynamicOutput+"]", "cannot be read: %v", err)
		return
	}
	list := n.Field("signal_outputs")
	if list.IsNull() {
		return
	}
	for _, item := range list.Items {
		if name := item.Field("evaluated_result").Field("name"); name.IsNull() || name.Kind != doc.String || name.Text == "" {
			p.Errorf(item, "artifacts["+DynamicOutput+"]", "has a signal output without a name")
		}
	}
}
